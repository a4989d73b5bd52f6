//! The columns of an answer of SQLite, and their values as JSON.

use impresario_engine::JsonObject;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    AssertSqlSafe, Column, Executor, Row, SqlSafeStr, SqliteConnection, Statement, TypeInfo, ValueRef,
};

use super::super::failure::Failure;
use super::super::limits::Limits;
use super::super::value::{blob, integer, real};

/// The names of a question's columns. It is compiled as a subquery, where nothing but a SELECT can stand: even to
/// compile some other statement would run it, PRAGMA for one.
pub(super) async fn names(connection: &mut SqliteConnection, sql: &str) -> Result<Vec<String>, Failure> {
    let subquery = format!("SELECT * FROM (\n{sql}\n)");
    let prepared = connection.prepare(AssertSqlSafe(subquery).into_sql_str()).await?;
    Ok(prepared.columns().iter().map(|column| column.name().to_owned()).collect())
}

/// The question as it is asked, again as a subquery. No value leaves SQLite that is longer than a whole answer may be:
/// sqlx copies each, and can't say so when there is no memory for it.
pub(super) fn shaped(sql: &str, columns: usize, limits: &Limits) -> String {
    let names: Vec<_> = (1..=columns).map(|place| format!("c{place}")).collect();
    let bytes = limits.bytes_max.saturating_add(1).min(1 << 30);
    let cut = |name: &String| {
        format!(
            "CASE WHEN typeof({name}) IN ('text', 'blob') THEN substr({name}, 1, {bytes}) ELSE {name} END"
        )
    };
    let list: Vec<_> = names.iter().map(cut).collect();
    let rows = limits.rows_max.saturating_add(1);
    format!(
        "WITH \"impresario answer\"({}) AS (\n{sql}\n) SELECT {} FROM \"impresario answer\" LIMIT {rows}",
        names.join(", "),
        list.join(", ")
    )
}

/// A row as JSON. SQLite's values have types of their own, whatever their column was declared as.
pub(super) fn shown(row: &SqliteRow, names: Option<&[String]>) -> JsonObject {
    let value = |at: usize| -> Option<Value> {
        let raw = row.try_get_raw(at).ok()?;
        if raw.is_null() {
            return Some(Value::Null);
        }
        let kind = raw.type_info();
        match kind.name() {
            "INTEGER" => row.try_get_unchecked::<i64, _>(at).ok().map(integer),
            "REAL" => row.try_get_unchecked::<f64, _>(at).ok().map(real),
            "TEXT" => {
                let bytes = row.try_get_unchecked::<Vec<u8>, _>(at).ok()?;
                Some(String::from_utf8(bytes).map_or_else(|error| blob(error.as_bytes()), Value::String))
            }
            _ => row.try_get_unchecked::<Vec<u8>, _>(at).ok().map(|bytes| blob(&bytes)),
        }
    };
    let name = |at: usize| match names.and_then(|names| names.get(at)) {
        Some(name) => name.clone(),
        None => row.column(at).name().to_owned(),
    };
    (0..row.len()).map(|at| (name(at), value(at).unwrap_or_default())).collect()
}
