//! SQLite: one handle that can't write for everything that reads, another for what writes.
//!
//! A reader is opened with `SQLITE_OPEN_READONLY` and `query_only`. sqlx runs each handle on a thread of its own, and
//! a statement there hears of a cancelled call through the handle's progress function.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Either, Executor, SqliteConnection};

use super::catalogue::{Table, Visible};
use super::failure::Failure;
use super::guard::balanced;
use super::limits::{Limits, Rows, STATEMENTS_KEPT_MAX};
use super::pool::{Lease, Pool};
use super::question::{Described, Query, rewritten};
use super::settings::Settings;
use super::tokens::Token;
use super::value::Argument;
use crate::part::{Opening, PartError};

mod columns;
mod plan;
mod schema;

/// Instructions of SQLite's machine between two looks at whether the call is still wanted: well below a millisecond.
const INTERRUPT_INTERVAL: i32 = 1_000;

/// Rows that a reader runs ahead of whoever takes them.
const ROWS_AHEAD: usize = 8;

/// A database in a file.
#[derive(Debug)]
pub(super) struct Sqlite {
    options: SqliteConnectOptions,
    readers: Pool<Handle>,
    /// None where nothing may be written. One, because SQLite lets nobody write beside another.
    writer: Option<Pool<Handle>>,
}

/// An open handle.
#[derive(Debug)]
struct Handle {
    connection: SqliteConnection,
    /// Read by the handle's progress function.
    stopped: Arc<AtomicBool>,
}

impl Drop for Handle {
    /// Whatever still runs on it stops.
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Sqlite {
    pub(super) async fn open(settings: &Settings, opening: &Opening) -> Result<Self, PartError> {
        let path = opening.path(path_of(settings.database.reveal())?);
        match (&settings.setup, path.exists()) {
            (Some(setup), false) => schema::set_up(&path, &opening.path(setup)).await?,
            (None, false) => {
                let message = format!(
                    "there is no file {}: name one that exists, or let `setup` make it from a file of SQL",
                    path.display()
                );
                return Err(PartError::at("database", message));
            }
            (_, true) => {}
        }
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(settings.timeout.0.min(std::time::Duration::from_secs(3_600)))
            .row_buffer_size(ROWS_AHEAD)
            .statement_cache_capacity(STATEMENTS_KEPT_MAX)
            .pragma("trusted_schema", "OFF")
            .pragma("cell_size_check", "ON")
            .pragma("temp_store", "MEMORY")
            .pragma("hard_heap_limit", settings.memory_max.0.to_string())
            .disable_statement_logging();
        let writer = settings.writes().then(|| Pool::new(1));
        let engine = Self { options, readers: Pool::new(settings.connections_max), writer };
        // The first look at the file: that it is a database, and that it may be read and written.
        let looked = async {
            engine.reader().await?.give_back();
            engine.tables().await?;
            if let Some(writer) = &engine.writer {
                engine.writing(writer).await?.give_back();
            }
            Ok::<_, Failure>(())
        };
        looked.await.map_err(|_| {
            PartError::at("database", format!("{} can't be opened as a SQLite database", path.display()))
        })?;
        Ok(engine)
    }

    async fn reader(&self) -> Result<Lease<'_, Handle>, Failure> {
        let options = self.options.clone().read_only(true).pragma("query_only", "ON");
        let (lease, _) = self.readers.lease(async || Handle::open(&options).await).await?;
        Ok(lease)
    }

    async fn writing<'p>(&self, writer: &'p Pool<Handle>) -> Result<Lease<'p, Handle>, Failure> {
        let (lease, _) = writer.lease(async || Handle::open(&self.options).await).await?;
        Ok(lease)
    }

    pub(super) async fn tables(&self) -> Result<Vec<Table>, Failure> {
        let mut reader = self.reader().await?;
        let tables = schema::tables(&mut reader.connection).await;
        settled(reader, tables)
    }

    pub(super) async fn read(&self, query: Query, limits: &Limits) -> Result<Rows, Failure> {
        let mut reader = self.reader().await?;
        let rows = reader.question(query, None, limits).await;
        settled(reader, rows)
    }

    /// One transaction around asking which tables would be opened and opening them, so that nothing changes between.
    pub(super) async fn read_visible(
        &self,
        query: Query,
        visible: &Visible,
        limits: &Limits,
    ) -> Result<Rows, Failure> {
        let mut reader = self.reader().await?;
        reader.run("BEGIN").await?;
        let rows = reader.question(query, Some(visible), limits).await;
        reader.run("ROLLBACK").await?;
        settled(reader, rows)
    }

    pub(super) async fn write(&self, query: Query, limits: &Limits) -> Result<Rows, Failure> {
        let writer = self.writer.as_ref().ok_or(Failure::ReadOnly)?;
        let mut handle = self.writing(writer).await?;
        // The lock is taken first: a call that is cancelled while it waits for it has written nothing.
        handle.run("BEGIN IMMEDIATE").await?;
        let rows = handle.rows(query.sql, query.arguments, None, limits).await;
        handle.run(if rows.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        settled(handle, rows)
    }

    pub(super) async fn describe(
        &self,
        statement: &[Token<'_>],
        parameters: &[&str],
    ) -> Result<Described, Failure> {
        let mut reader = self.reader().await?;
        let sql = rewritten(statement, parameters, |place| format!("?{place}"));
        let described = plan::describe(&mut reader.connection, &sql).await;
        // A question must also be one as a subquery; what writes can't be one.
        let described = match described {
            Ok(described) if !described.writes => {
                balanced(statement).map_err(|refusal| Failure::Mistaken(refusal.to_string()))?;
                columns::names(&mut reader.connection, &sql).await.map(|_| described)
            }
            described => described,
        };
        settled(reader, described)
            .map(|described| Described { parameters: vec![String::new(); parameters.len()], ..described })
    }
}

impl Handle {
    async fn open(options: &SqliteConnectOptions) -> Result<Self, Failure> {
        let mut connection = options.connect().await?;
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stopped);
        connection
            .lock_handle()
            .await?
            .set_progress_handler(INTERRUPT_INTERVAL, move || !is_stopped.load(Ordering::Relaxed));
        Ok(Self { connection, stopped })
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), Failure> {
        self.connection.execute(sql).await?;
        Ok(())
    }

    /// Asks a question: first which columns it has, then, if only some tables may be seen, which ones it would open.
    async fn question(
        &mut self,
        query: Query,
        visible: Option<&Visible>,
        limits: &Limits,
    ) -> Result<Rows, Failure> {
        let names = columns::names(&mut self.connection, &query.sql).await?;
        let sql = columns::shaped(&query.sql, names.len(), limits);
        if let Some(visible) = visible {
            plan::check_tables(&mut self.connection, &sql, visible).await?;
        }
        self.rows(sql, query.arguments, Some(&names), limits).await
    }

    /// Runs a statement, and takes its rows up to the limits. Without `names` the columns are called as SQLite does.
    async fn rows(
        &mut self,
        sql: String,
        arguments: Vec<Argument>,
        names: Option<&[String]>,
        limits: &Limits,
    ) -> Result<Rows, Failure> {
        let query = sqlx::query_with(AssertSqlSafe(sql), bound(arguments)).persistent(false);
        let mut stream = self.connection.fetch_many(query);
        let mut rows = Rows::default();
        let mut ended = false;
        while let Some(step) = stream.try_next().await? {
            match step {
                Either::Left(done) => {
                    ended = true;
                    rows.affected += done.rows_affected();
                }
                // A question has its own bound, and what writes must come to its end.
                Either::Right(row) => {
                    rows.take(columns::shown(&row, names), limits);
                }
            }
        }
        if !ended {
            // The handle's thread is gone, and to sqlx that looks like the last row.
            tracing::error!("a thread of sqlx has ended with the statement that it ran");
            return Err(Failure::Broken);
        }
        Ok(rows)
    }
}

/// Keeps a handle whose answer has come, unless the handle itself is what failed.
fn settled<T>(handle: Lease<'_, Handle>, answer: Result<T, Failure>) -> Result<T, Failure> {
    if !matches!(answer, Err(Failure::Broken)) {
        handle.give_back();
    }
    answer
}

/// The path behind `sqlite:`; sqlx's own parameters are not taken, because they would undo what is set here.
fn path_of(url: &str) -> Result<&Path, PartError> {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        return Err(PartError::at(
            "database",
            "must name a file, such as \"sqlite:shop.db\": a database in memory is empty at every start",
        ));
    }
    if path.contains('?') {
        return Err(PartError::at(
            "database",
            "takes no parameters behind the path: leave out ? and what follows",
        ));
    }
    Ok(Path::new(path))
}

fn bound(arguments: Vec<Argument>) -> SqliteArguments {
    let mut bound = SqliteArguments::default();
    for argument in arguments {
        let added = match argument {
            Argument::Null => bound.add(None::<i64>),
            Argument::Boolean(value) => bound.add(i64::from(value)),
            Argument::Integer(number) => bound.add(number),
            Argument::Real(number) => bound.add(number),
            Argument::Text(text) => bound.add(text),
            Argument::Blob(bytes) => bound.add(bytes),
        };
        added.expect("plain values are always encoded");
    }
    bound
}

/// Closes a handle that was only needed for a moment, and waits until its file is let go.
async fn closed(connection: SqliteConnection) -> Result<(), Failure> {
    connection.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
