//! PostgreSQL: every question in a transaction that can't write, every statement in the extended protocol.
//!
//! Sessions begin read-only, with the time limit as `statement_timeout`; the extended protocol takes one statement
//! at a time. A call that is cancelled closes its connection, and the server, which looks for that twice a second,
//! stops the statement.

use std::str::FromStr;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnectOptions};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Either, Executor, PgConnection, SqlSafeStr, Statement};
use tokio::time::timeout;

use super::catalogue::{Table, Visible};
use super::failure::Failure;
use super::guard::{balanced, first_word};
use super::limits::{Cut, Limits, Rows, STATEMENTS_KEPT_MAX};
use super::pool::{Lease, Origin, Pool};
use super::question::{Described, Query, rewritten};
use super::settings::Settings;
use super::tokens::Token;
use super::value::Argument;
use crate::part::PartError;
use columns::Shape;

mod columns;
mod schema;

/// The first release that notices a client that is gone while a statement runs.
const NOTICES_GONE_CLIENTS: u32 = 140_000;

/// A database of a server.
#[derive(Debug)]
pub(super) struct Postgres {
    options: PgConnectOptions,
    pool: Pool<PgConnection>,
    writes: bool,
}

impl Postgres {
    pub(super) async fn open(settings: &Settings) -> Result<Self, PartError> {
        if settings.setup.is_some() {
            return Err(PartError::at(
                "setup",
                "is for SQLite: make the tables of a PostgreSQL database yourself",
            ));
        }
        // The error could repeat the password, and the host is in what the file says.
        let options = PgConnectOptions::from_str(settings.database.reveal()).map_err(|_| {
            PartError::at("database", "is no address such as postgres://user:password@host:5432/name")
        })?;
        let timeout_ms = settings.timeout.0.as_millis().to_string();
        let options = options
            .application_name("impresario")
            .statement_cache_capacity(STATEMENTS_KEPT_MAX)
            .options([
                ("default_transaction_read_only", "on"),
                ("statement_timeout", &timeout_ms),
                ("idle_in_transaction_session_timeout", &timeout_ms),
                ("standard_conforming_strings", "on"),
                ("datestyle", "ISO"),
                ("intervalstyle", "iso_8601"),
            ])
            .disable_statement_logging();
        let pool = Pool::new(settings.connections_max);
        let engine = Self { options, pool, writes: settings.writes() };
        engine.first_look(settings.timeout.0).await.map_err(|wrong| {
            let (host, port) = (engine.options.get_host(), engine.options.get_port());
            PartError::at("database", format!("{host}:{port} {wrong}"))
        })?;
        Ok(engine)
    }

    /// Whether the server answers, and lets the role in.
    async fn first_look(&self, limit: Duration) -> Result<(), String> {
        let Ok(first) = timeout(limit, self.begin("BEGIN READ ONLY")).await else {
            return Err(format!("does not answer within {limit:?}"));
        };
        let connection = first
            .map_err(|_| "lets nobody in with that user, password and database name (the log says more)")?;
        end(connection, "ROLLBACK", Ok(())).await.map_err(|failure| failure.text())
    }

    async fn connect(&self) -> Result<PgConnection, Failure> {
        let mut connection = self.options.connect().await?;
        if connection.server_version_num().is_some_and(|version| version >= NOTICES_GONE_CLIENTS) {
            connection.execute("SET client_connection_check_interval = '500ms'").await?;
        }
        Ok(connection)
    }

    /// A connection in a new transaction. One that has waited may be dead, and is replaced then.
    async fn begin(&self, begin: &'static str) -> Result<Lease<'_, PgConnection>, Failure> {
        let (mut lease, origin) = self.pool.lease(|| self.connect()).await?;
        if let Err(error) = lease.execute(begin).await {
            if origin == Origin::New {
                return Err(error.into());
            }
            lease.replace(self.connect().await?);
            lease.execute(begin).await?;
        }
        Ok(lease)
    }

    pub(super) async fn tables(&self) -> Result<Vec<Table>, Failure> {
        let mut connection = self.begin("BEGIN READ ONLY").await?;
        let tables = schema::tables(&mut connection).await;
        end(connection, "ROLLBACK", tables).await
    }

    pub(super) async fn read(&self, query: Query, limits: &Limits) -> Result<Rows, Failure> {
        let mut connection = self.begin("BEGIN READ ONLY").await?;
        let rows = question(&mut connection, query, limits).await;
        if matches!(&rows, Ok(rows) if rows.cut == Some(Cut::Bytes)) {
            // What was not taken is still on its way: cheaper to close than to read.
            return rows;
        }
        end(connection, "ROLLBACK", rows).await
    }

    pub(super) async fn write(&self, query: Query, has_rows: bool, limits: &Limits) -> Result<Rows, Failure> {
        if !self.writes {
            return Err(Failure::ReadOnly);
        }
        let mut connection = self.begin("BEGIN READ WRITE").await?;
        let rows = statement(&mut connection, query, has_rows, limits).await;
        end(connection, "COMMIT", rows).await
    }

    pub(super) async fn describe(
        &self,
        statement: &[Token<'_>],
        parameters: &[&str],
    ) -> Result<Described, Failure> {
        let mut connection = self.begin("BEGIN READ ONLY").await?;
        let described = described(&mut connection, statement, parameters).await;
        end(connection, "ROLLBACK", described).await
    }

    /// Why a free query may not be offered to this role.
    pub(super) async fn objection(
        &self,
        as_superuser: bool,
        visible: &Visible,
    ) -> Result<Option<String>, Failure> {
        if !as_superuser {
            let mut connection = self.begin("BEGIN READ ONLY").await?;
            let powers = schema::powers(&mut connection).await;
            if let Some(power) = end(connection, "ROLLBACK", powers).await? {
                return Ok(Some(format!(
                    "the database's role {power}: use one that may only read, or set query_as_superuser = true"
                )));
            }
        }
        if visible.all() {
            return Ok(None);
        }
        let unseen = self.tables().await?.into_iter().find(|table| !visible.sees(&table.name));
        Ok(unseen.map(|table| {
            format!(
                "the database's role may read {}, which may not be seen here: a free query is bounded by the role's \
                 rights alone, so revoke them or leave `query` out",
                table.name
            )
        }))
    }
}

/// Ends a transaction and keeps its connection, unless the connection itself is what failed.
async fn end<T>(
    mut connection: Lease<'_, PgConnection>,
    how: &'static str,
    answer: Result<T, Failure>,
) -> Result<T, Failure> {
    if matches!(answer, Err(Failure::Broken)) {
        return answer;
    }
    connection.execute(if answer.is_ok() { how } else { "ROLLBACK" }).await?;
    connection.give_back();
    answer
}

/// Asks a question: first which columns it has, then for each of them in the shape that becomes JSON.
async fn question(connection: &mut PgConnection, query: Query, limits: &Limits) -> Result<Rows, Failure> {
    let sql = query.sql;
    let plain = format!("SELECT * FROM (\n{sql}\n) AS q");
    let shapes = columns::shapes(connection, plain).await?;
    let list = columns::list(&shapes, limits.bytes_max);
    let names = columns::aliases(shapes.len());
    let limit = limits.rows_max.saturating_add(1);
    let shaped = format!("SELECT {list} FROM (\n{sql}\n) AS q({names}) LIMIT {limit}");
    rows(connection, shaped, query.arguments, &shapes, limits, false).await
}

/// Runs a statement that writes. Its rows, if it has any, come through a common table expression, shaped as above.
async fn statement(
    connection: &mut PgConnection,
    query: Query,
    has_rows: bool,
    limits: &Limits,
) -> Result<Rows, Failure> {
    let sql = query.sql;
    if !has_rows {
        return rows(connection, sql, query.arguments, &[], limits, true).await;
    }
    let shapes = columns::shapes(connection, sql.clone()).await?;
    let (list, names) = (columns::list(&shapes, limits.bytes_max), columns::aliases(shapes.len()));
    let shaped = format!("WITH q({names}) AS (\n{sql}\n) SELECT {list} FROM q");
    rows(connection, shaped, query.arguments, &shapes, limits, true).await
}

async fn rows(
    connection: &mut PgConnection,
    sql: String,
    arguments: Vec<Argument>,
    shapes: &[(String, Shape)],
    limits: &Limits,
    to_the_end: bool,
) -> Result<Rows, Failure> {
    let mut bound = PgArguments::default();
    for argument in arguments {
        bound.add(argument.into_text()).expect("text is always encoded");
    }
    let mut stream = connection.fetch_many(sqlx::query_with(AssertSqlSafe(sql), bound));
    let mut rows = Rows::default();
    while let Some(step) = stream.try_next().await? {
        match step {
            Either::Left(done) => rows.affected += done.rows_affected(),
            Either::Right(row) => {
                rows.take(columns::shown(&row, shapes)?, limits);
                if rows.cut == Some(Cut::Bytes) && !to_the_end {
                    break;
                }
            }
        }
    }
    Ok(rows)
}

async fn described(
    connection: &mut PgConnection,
    statement: &[Token<'_>],
    parameters: &[&str],
) -> Result<Described, Failure> {
    let plain = rewritten(statement, parameters, |place| format!("${place}"));
    let prepared = connection.prepare(AssertSqlSafe(plain.clone()).into_sql_str()).await?;
    let has_rows = !prepared.columns().is_empty();
    let types = match prepared.parameters() {
        Some(Either::Left(types)) => types.to_vec(),
        Some(Either::Right(_)) | None => Vec::new(),
    };
    let mut names = Vec::new();
    for kind in types {
        names.push(schema::type_name(connection, &kind).await?);
    }
    let nothing = rewritten(statement, parameters, |place| {
        format!("(NULL::text)::{}", names.get(place - 1).map_or("text", String::as_str))
    });
    let writes = schema::writes(connection, nothing).await?;
    if !writes {
        balanced(statement).map_err(|refusal| Failure::Mistaken(refusal.to_string()))?;
        columns::shapes(connection, format!("SELECT * FROM (\n{plain}\n) AS q")).await?;
    } else if has_rows && first_word(statement).is_some_and(|word| word.is_word("WITH")) {
        return Err(Failure::Mistaken(
            "a statement that writes and answers with rows can't begin with WITH: use subqueries instead"
                .into(),
        ));
    }
    Ok(Described { writes, has_rows, parameters: names })
}
