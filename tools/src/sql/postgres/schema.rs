//! What PostgreSQL's catalogue says: tables, types, what a role may do, and whether a statement writes.

use std::fmt::Write as _;

use sqlx::postgres::PgTypeInfo;
use sqlx::{AssertSqlSafe, PgConnection, Row, TypeInfo};

use super::super::catalogue::{Column, Table};
use super::super::failure::Failure;
use super::super::guard::quoted;

/// One row for each column of each relation that the role may read, the relations of its own schema first.
const TABLES: &str = "
SELECT n.nspname::text, c.relname::text, c.relkind::text, coalesce(n.nspname = current_schema(), false),
       obj_description(c.oid, 'pg_class'),
       a.attname::text, format_type(a.atttypid, a.atttypmod), format_type(a.atttypid, -1), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '' OR a.attidentity = 'a',
       EXISTS (SELECT FROM pg_constraint k
               WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)),
       (SELECT k.confrelid::regclass::text || '.' || f.attname
        FROM pg_constraint k JOIN pg_attribute f ON f.attrelid = k.confrelid
             AND f.attnum = k.confkey[array_position(k.conkey, a.attnum)]
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey) LIMIT 1),
       col_description(c.oid, a.attnum)
FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
      AND has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY 4 DESC, 1, 2, a.attnum";

/// All relations that the role may read.
pub(super) async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, Failure> {
    let rows = sqlx::query(TABLES).fetch_all(connection).await?;
    let mut tables: Vec<Table> = Vec::new();
    for row in &rows {
        let (schema, relation): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let quoted = format!("{}.{}", quoted(&schema), quoted(&relation));
        if tables.last().is_none_or(|table| table.quoted != quoted) {
            let kind = match row.try_get::<String, _>(2)?.as_str() {
                "v" => "view",
                "m" => "materialized view",
                "f" => "foreign table",
                _ => "table",
            };
            let name = if row.try_get(3)? { relation } else { format!("{schema}.{relation}") };
            tables.push(Table { name, kind, description: row.try_get(4)?, columns: Vec::new(), quoted });
        }
        let column = Column {
            name: row.try_get(5)?,
            type_name: row.try_get(6)?,
            cast: row.try_get(7)?,
            nullable: !row.try_get::<bool, _>(8)?,
            default: row.try_get(9)?,
            generated: row.try_get(10)?,
            primary_key: row.try_get(11)?,
            references: row.try_get(12)?,
            description: row.try_get(13)?,
        };
        tables.last_mut().expect("one was pushed above").columns.push(column);
    }
    Ok(tables)
}

/// What makes a role too mighty for free queries; none if nothing does.
pub(super) async fn powers(connection: &mut PgConnection) -> Result<Option<String>, Failure> {
    let is_superuser: bool = sqlx::query("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    if is_superuser {
        return Ok(Some("is a superuser".into()));
    }
    let groups: Vec<String> = sqlx::query(
        "SELECT rolname::text FROM pg_roles WHERE rolname IN \
         ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend') \
         AND pg_has_role(current_user, oid, 'MEMBER') ORDER BY 1",
    )
    .fetch_all(connection)
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect::<Result<_, _>>()?;
    let mut power = String::new();
    for group in &groups {
        let _ = write!(power, "{}{group}", if power.is_empty() { "is a member of " } else { ", " });
    }
    Ok((!power.is_empty()).then_some(power))
}

/// A type as a cast names it.
pub(super) async fn type_name(connection: &mut PgConnection, kind: &PgTypeInfo) -> Result<String, Failure> {
    let Some(oid) = kind.oid() else { return Ok(kind.name().to_lowercase()) };
    Ok(sqlx::query("SELECT format_type($1, -1)").bind(oid).fetch_one(connection).await?.try_get(0)?)
}

/// Whether a statement writes or locks rows, by its plan. It is not run.
pub(super) async fn writes(connection: &mut PgConnection, sql: String) -> Result<bool, Failure> {
    let explain = format!("EXPLAIN (FORMAT JSON, COSTS OFF) {sql}");
    let row = sqlx::query(AssertSqlSafe(explain)).persistent(false).fetch_one(connection).await?;
    let plan = row.try_get_unchecked::<String, _>(0)?;
    Ok(["\"ModifyTable\"", "\"LockRows\""].iter().any(|node| plan.contains(node)))
}
