//! The columns of an answer, each in the shape in which PostgreSQL hands it over.
//!
//! PostgreSQL has hundreds of types, and anybody may add some. The server itself writes each of them as text or as
//! JSON, so that is what it is asked for; only truth values and numbers come as they are.

use impresario_engine::JsonObject;
use serde_json::Value;
use sqlx::postgres::{PgRow, PgTypeInfo, PgTypeKind};
use sqlx::{AssertSqlSafe, Column, Executor, PgConnection, Row, SqlSafeStr, Statement, TypeInfo};

use super::super::failure::Failure;
use super::super::value::{integer, real};

/// How a column comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Boolean,
    Integer,
    Single,
    Double,
    /// As base64.
    Bytes,
    /// ISO 8601, which is how JSON writes it.
    Time,
    Json,
    Text,
}

/// The names and shapes of the columns that a statement answers with. It is not run.
pub(super) async fn shapes(
    connection: &mut PgConnection,
    sql: String,
) -> Result<Vec<(String, Shape)>, Failure> {
    let prepared = connection.prepare(AssertSqlSafe(sql).into_sql_str()).await?;
    if prepared.columns().is_empty() {
        return Err(Failure::Mistaken("the question has no columns: name some behind SELECT".into()));
    }
    let mut shapes: Vec<(String, Shape)> = Vec::new();
    for column in prepared.columns() {
        let taken = |name: &str| shapes.iter().any(|(other, _)| other == name);
        let mut name = column.name().to_owned();
        let mut count = 2;
        while taken(&name) {
            name = format!("{}:{count}", column.name());
            count += 1;
        }
        shapes.push((name, shape(column.type_info())));
    }
    Ok(shapes)
}

fn shape(kind: &PgTypeInfo) -> Shape {
    match (kind.kind(), kind.name()) {
        (PgTypeKind::Array(_) | PgTypeKind::Composite(_), _) => Shape::Json,
        (_, "BOOL") => Shape::Boolean,
        (_, "INT2" | "INT4" | "INT8" | "OID") => Shape::Integer,
        (_, "FLOAT4") => Shape::Single,
        (_, "FLOAT8") => Shape::Double,
        (_, "BYTEA") => Shape::Bytes,
        (_, "TIMESTAMP" | "TIMESTAMPTZ") => Shape::Time,
        (_, "JSON" | "JSONB" | "RECORD") => Shape::Json,
        _ => Shape::Text,
    }
}

/// `c1, c2, …`: what the columns are called between the statement and the list that shapes them.
pub(super) fn aliases(count: usize) -> String {
    (1..=count).map(|place| format!("c{place}")).collect::<Vec<_>>().join(", ")
}

/// The list that shapes them. No value leaves the server that is longer than a whole answer may be.
pub(super) fn list(shapes: &[(String, Shape)], bytes_max: usize) -> String {
    let cut = |text: String| format!("substr({text}, 1, {})", bytes_max.saturating_add(1).min(1 << 30));
    let shaped = |(at, (_, shape)): (usize, &(String, Shape))| {
        let column = format!("q.c{}", at + 1);
        match shape {
            Shape::Boolean | Shape::Single | Shape::Double => column,
            Shape::Integer => format!("{column}::int8"),
            Shape::Bytes => cut(format!("replace(encode({column}, 'base64'), chr(10), '')")),
            Shape::Time => format!("to_json({column}) #>> '{{}}'"),
            Shape::Json => cut(format!("to_json({column})::text")),
            Shape::Text => cut(format!("{column}::text")),
        }
    };
    shapes.iter().enumerate().map(shaped).collect::<Vec<_>>().join(", ")
}

/// A row as JSON.
pub(super) fn shown(row: &PgRow, shapes: &[(String, Shape)]) -> Result<JsonObject, Failure> {
    let value = |at: usize, shape: Shape| -> Result<Value, sqlx::Error> {
        Ok(match shape {
            Shape::Boolean => row.try_get::<Option<bool>, _>(at)?.map(Value::Bool),
            Shape::Integer => row.try_get::<Option<i64>, _>(at)?.map(integer),
            // By its decimal digits: 0.1 is 0.1, and not what a double makes of its bits.
            Shape::Single => row
                .try_get::<Option<f32>, _>(at)?
                .map(|number| real(number.to_string().parse().unwrap_or(f64::NAN))),
            Shape::Double => row.try_get::<Option<f64>, _>(at)?.map(real),
            Shape::Bytes | Shape::Time | Shape::Text => {
                row.try_get::<Option<String>, _>(at)?.map(Value::String)
            }
            Shape::Json => row
                .try_get::<Option<String>, _>(at)?
                .map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))),
        }
        .unwrap_or_default())
    };
    let mut object = JsonObject::new();
    for (at, (name, shape)) in shapes.iter().enumerate() {
        object.insert(name.clone(), value(at, *shape)?);
    }
    Ok(object)
}
