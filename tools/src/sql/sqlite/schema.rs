//! The tables of a SQLite file, and how the file is made where there is none.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row, SqliteConnection};

use super::super::catalogue::{Column, Table};
use super::super::failure::Failure;
use super::super::guard::quoted;
use super::closed;
use crate::part::PartError;

/// All tables and views that are not SQLite's own.
pub(super) async fn tables(connection: &mut SqliteConnection) -> Result<Vec<Table>, Failure> {
    let listed = sqlx::query(
        "SELECT name, type FROM pragma_table_list \
         WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         ORDER BY name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut tables = Vec::new();
    for row in listed {
        let name: String = row.try_get(0)?;
        let kind = match row.try_get::<String, _>(1)?.as_str() {
            "view" => "view",
            "virtual" => "virtual table",
            _ => "table",
        };
        // A view of what is gone can't be described, nor asked.
        if let Ok(columns) = columns(connection, &name).await {
            tables.push(Table { quoted: quoted(&name), name, kind, description: None, columns });
        }
    }
    Ok(tables)
}

async fn columns(connection: &mut SqliteConnection, table: &str) -> Result<Vec<Column>, Failure> {
    let rows = sqlx::query(
        "SELECT c.name, c.type, c.\"notnull\", c.dflt_value, c.pk, c.hidden, \
                (SELECT f.\"table\" || coalesce('.' || f.\"to\", '') FROM pragma_foreign_key_list(?1) f \
                 WHERE f.\"from\" = c.name LIMIT 1) \
         FROM pragma_table_xinfo(?1) c WHERE c.hidden <> 1 ORDER BY c.cid",
    )
    .bind(table)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let primary_key = row.try_get::<i64, _>(4)? > 0;
            Ok(Column {
                name: row.try_get(0)?,
                type_name: row.try_get(1)?,
                cast: row.try_get(1)?,
                nullable: row.try_get::<i64, _>(2)? == 0 && !primary_key,
                default: row.try_get(3)?,
                primary_key,
                generated: row.try_get::<i64, _>(5)? > 1,
                references: row.try_get(6)?,
                description: None,
            })
        })
        .collect()
}

/// Makes the file from a script: beside its place and then moved there, so that half of a database never is there.
pub(super) async fn set_up(path: &Path, setup: &Path) -> Result<(), PartError> {
    let wrong = |what: String| PartError::at("setup", format!("{}: {what}", setup.display()));
    let script = std::fs::read_to_string(setup).map_err(|error| wrong(error.to_string()))?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = Path::new(&beside);
    let made = make(beside, script).await;
    // What SQLite keeps beside a file is gone once it is closed.
    let moved = made.map_err(wrong).and_then(|()| {
        std::fs::rename(beside, path)
            .map_err(|error| PartError::at("database", format!("{}: {error}", path.display())))
    });
    if moved.is_err() {
        // It may not even be there, and the error above says more than this one would.
        let _ = std::fs::remove_file(beside);
    }
    moved
}

async fn make(path: &Path, script: String) -> Result<(), String> {
    // The script is its author's own and he reads this message, so the engine's words are passed on.
    let told = |error: sqlx::Error| error.to_string();
    let options =
        SqliteConnectOptions::new().filename(path).create_if_missing(true).disable_statement_logging();
    let mut connection = options.connect().await.map_err(told)?;
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut connection).await.map_err(told)?;
    closed(connection).await.map_err(|failure| failure.text())
}
