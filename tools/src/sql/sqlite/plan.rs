//! What SQLite's compiler makes of a statement: whether it writes, and which tables it opens.
//!
//! The answer is the program itself (`EXPLAIN`), so it holds whatever names, aliases, views and comments the text
//! used to get there. sqlx has no door to SQLite's authorizer that safe code could use; this is as good, because a
//! program can reach a table through a cursor alone.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Executor, Row, SqliteConnection};

use super::super::catalogue::Visible;
use super::super::failure::Failure;
use super::super::question::Described;

/// An instruction of the program, with the two operands that matter here.
struct Instruction {
    name: String,
    p2: i64,
    p3: i64,
}

/// The statement's program. It is not run.
async fn program(connection: &mut SqliteConnection, sql: &str) -> Result<Vec<Instruction>, Failure> {
    let explain = sqlx::query(AssertSqlSafe(format!("EXPLAIN {sql}"))).persistent(false);
    let mut rows = connection.fetch(explain);
    let mut program = Vec::new();
    while let Some(row) = rows.try_next().await? {
        program.push(Instruction { name: row.try_get(1)?, p2: row.try_get(3)?, p3: row.try_get(4)? });
    }
    Ok(program)
}

/// Whether a statement writes, and whether it answers with rows.
pub(super) async fn describe(connection: &mut SqliteConnection, sql: &str) -> Result<Described, Failure> {
    let program = program(connection, sql).await?;
    let has = |name: &str| program.iter().any(|instruction| instruction.name == name);
    let writes = program.iter().any(|instruction| instruction.name == "Transaction" && instruction.p2 != 0);
    Ok(Described { writes, has_rows: has("ResultRow"), parameters: Vec::new() })
}

/// Refuses a question that would open a table that may not be seen.
pub(super) async fn check_tables(
    connection: &mut SqliteConnection,
    sql: &str,
    visible: &Visible,
) -> Result<(), Failure> {
    let roots = roots(connection).await?;
    for instruction in program(connection, sql).await? {
        let is_seen = match instruction.name.as_str() {
            // A cursor on the tree with its root at page `p2` of database `p3`, where 0 is the file itself.
            "OpenRead" | "OpenWrite" | "ReopenIdx" => {
                instruction.p3 == 0 && roots.get(&instruction.p2).is_some_and(|table| visible.sees(table))
            }
            // A virtual table: the program does not say which.
            "VOpen" => false,
            _ => true,
        };
        if !is_seen {
            return Err(Failure::Mistaken(
                "this reads more than the tables that may be read here: use only those that list_tables names, \
                 and no table-valued functions"
                    .into(),
            ));
        }
    }
    Ok(())
}

/// Which table each tree belongs to, by the page of its root: tables, and their indexes.
async fn roots(connection: &mut SqliteConnection) -> Result<HashMap<i64, String>, Failure> {
    let rows = sqlx::query("SELECT rootpage, tbl_name FROM main.sqlite_schema WHERE rootpage > 0")
        .fetch_all(connection)
        .await?;
    let mut roots = HashMap::new();
    for row in rows {
        roots.insert(row.try_get(0)?, row.try_get(1)?);
    }
    Ok(roots)
}
