//! What is asked and what is refused, and, with SQLite itself as the judge, that no text is two statements.

use std::sync::LazyLock;

use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, SqliteConnection};
use tokio::runtime::Runtime;

use super::super::tokens::Dialect::{Postgres, Sqlite};
use super::super::tokens::tests::texts;
use super::*;

#[test]
fn a_question_is_asked_without_its_semicolon() {
    let rows = [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1; ", "SELECT 1"),
        ("SELECT 1 -- a;\n;-- b;", "SELECT 1 -- a;\n"),
        (" (SELECT 1) ", " (SELECT 1) "),
        ("select ';' ;/* ; */", "select ';' "),
    ];
    for (sql, expected) in rows {
        assert_eq!(free_query(sql, Postgres).unwrap(), expected);
    }
}

#[test]
fn names_that_reach_further_are_refused_however_they_are_written() {
    let rows = [
        (Sqlite, "SELECT * FROM pragma_table_info('t')", false),
        (Sqlite, "SELECT * FROM \"Pragma_Table_Info\"('t')", false),
        (Sqlite, "SELECT * FROM 'pragma_database_list'", false),
        (Sqlite, "SELECT Load_Extension('x')", false),
        (Sqlite, "SELECT pg_read_file('x')", true),
        (Sqlite, "SELECT pragma FROM t", true),
        (Postgres, "SELECT PG_READ_FILE('x')", false),
        (Postgres, "SELECT \"pg_read_file\"/**/('x')", false),
        (Postgres, "SELECT * FROM pg_authid", false),
        (Postgres, "SELECT pg_typeof(1), pg_catalog.upper('a')", true),
        (Postgres, "SELECT * FROM t WHERE name LIKE 'pg_%'", true),
        (Postgres, "SELECT lower('A'), lo FROM t", true),
        (Postgres, "SELECT lo_get(1)", false),
    ];
    for (dialect, sql, is_asked) in rows {
        assert_eq!(free_query(sql, dialect).is_ok(), is_asked, "{sql}: {:?}", free_query(sql, dialect));
    }
}

/// A database with a table that must never go.
struct Judge {
    tokio: Runtime,
    connection: std::sync::Mutex<SqliteConnection>,
}

static JUDGE: LazyLock<Judge> = LazyLock::new(|| {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connection = tokio.block_on(async {
        let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        connection.execute("CREATE TABLE canary (a); INSERT INTO canary VALUES (1)").await.unwrap();
        std::sync::Mutex::new(connection)
    });
    Judge { tokio, connection }
});

impl Judge {
    /// Runs a text, in a handle that may write, and tells whether everything is as it was.
    fn is_unharmed_by(&self, sql: &str) -> bool {
        let mut connection = self.connection.lock().unwrap();
        self.tokio.block_on(async {
            // Whether it answers does not matter here, but what it did.
            let _ = connection.execute(AssertSqlSafe(sql)).await;
            let state = "SELECT (SELECT count(*) FROM canary) * 10 + (SELECT count(*) FROM sqlite_schema) \
                         + (SELECT user_version FROM pragma_user_version) * 100";
            matches!(connection.fetch_one(state).await.map(|row| row.get::<i64, _>(0)), Ok(11))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_asked_is_one_question_even_to_a_handle_that_may_write(sql in texts()) {
        for sql in [sql.clone(), format!("SELECT 1{sql}"), format!("SELECT '{sql}"), format!("SELECT 1 AS \"{sql}")] {
            if let Ok(query) = free_query(&sql, Sqlite) {
                let subquery = format!("SELECT * FROM (\n{query}\n)");
                prop_assert!(JUDGE.is_unharmed_by(&subquery), "{sql:?} became {subquery:?}");
            }
        }
    }

    #[test]
    fn the_bracket_around_a_question_stays_a_bracket(sql in texts(), postgres: bool) {
        let dialect = if postgres { Postgres } else { Sqlite };
        if let Ok(query) = free_query(&format!("SELECT {sql}"), dialect) {
            let inside = tokens(&query, dialect).unwrap();
            let subquery = format!("(\n{query}\n)");
            let around = tokens(&subquery, dialect).unwrap();
            prop_assert_eq!(around.len(), inside.len() + 4);
            prop_assert!(inside.iter().all(|token| token.kind != Kind::Mark || token.text != ";"));
            prop_assert_eq!(around.last().map(|token| (token.kind, token.text)), Some((Kind::Mark, ")")));
        }
    }
}

#[test]
fn the_judge_sees_harm() {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connection = tokio.block_on(async {
        let mut connection = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        connection.execute("CREATE TABLE canary (a); INSERT INTO canary VALUES (1)").await.unwrap();
        std::sync::Mutex::new(connection)
    });
    let judge = Judge { tokio, connection };
    assert!(judge.is_unharmed_by("SELECT 1"));
    assert!(!judge.is_unharmed_by("SELECT 1; DROP TABLE canary"));
}
