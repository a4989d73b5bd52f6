//! The two engines behind one set of questions.
//!
//! Everything above speaks of tables, placeholders and rows; what differs between the engines is in their own files
//! and in [`Dialect`], and nowhere else.

use std::time::Duration;

use tokio::time::timeout;

use super::catalogue::{Table, Visible};
use super::failure::Failure;
use super::limits::{Limits, Rows};
use super::postgres::Postgres;
use super::question::{Described, Query};
use super::settings::Settings;
use super::sqlite::Sqlite;
use super::tokens::{Dialect, Token};
use crate::part::{Opening, PartError};

/// A database that was opened.
#[derive(Debug)]
pub(super) enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    /// Opens the database that the settings name.
    pub(super) async fn open(settings: &Settings, opening: &Opening) -> Result<Self, PartError> {
        let url = settings.database.reveal();
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Sqlite::open(settings, opening).await.map(Self::Sqlite),
            Some("postgres" | "postgresql") => Postgres::open(settings).await.map(Self::Postgres),
            // What stands there may be a secret in the wrong place, so it is not repeated.
            _ => Err(PartError::at(
                "database",
                "must begin with sqlite: or postgres://, such as \"sqlite:shop.db\" or \"postgres://user@host/shop\"",
            )),
        }
    }

    /// Whose SQL it speaks.
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// All tables and views that the role may read.
    pub(super) async fn tables(&self, limits: &Limits) -> Result<Vec<Table>, Failure> {
        within(limits.timeout, async {
            match self {
                Self::Sqlite(engine) => engine.tables().await,
                Self::Postgres(engine) => engine.tables().await,
            }
        })
        .await
    }

    /// The rows of a question, up to the limits. It is compiled as a subquery on a connection that can't write.
    pub(super) async fn read(&self, query: Query, limits: &Limits) -> Result<Rows, Failure> {
        within(limits.timeout, async {
            match self {
                Self::Sqlite(engine) => engine.read(query, limits).await,
                Self::Postgres(engine) => engine.read(query, limits).await,
            }
        })
        .await
    }

    /// The same for a question that somebody else made up. It reaches only the tables that may be seen: SQLite is
    /// asked which ones it would open, PostgreSQL was asked for the role's rights when it was opened.
    pub(super) async fn read_visible(
        &self,
        query: Query,
        visible: &Visible,
        limits: &Limits,
    ) -> Result<Rows, Failure> {
        within(limits.timeout, async {
            match self {
                Self::Sqlite(engine) if !visible.all() => engine.read_visible(query, visible, limits).await,
                Self::Sqlite(engine) => engine.read(query, limits).await,
                Self::Postgres(engine) => engine.read(query, limits).await,
            }
        })
        .await
    }

    /// Runs a statement that writes, in a transaction of its own; `has_rows` says whether it answers with rows.
    pub(super) async fn write(&self, query: Query, has_rows: bool, limits: &Limits) -> Result<Rows, Failure> {
        within(limits.timeout, async {
            match self {
                Self::Sqlite(engine) => engine.write(query, limits).await,
                Self::Postgres(engine) => engine.write(query, has_rows, limits).await,
            }
        })
        .await
    }

    /// What a statement does, without doing it.
    pub(super) async fn describe(
        &self,
        statement: &[Token<'_>],
        parameters: &[&str],
        limits: &Limits,
    ) -> Result<Described, Failure> {
        within(limits.timeout, async {
            match self {
                Self::Sqlite(engine) => engine.describe(statement, parameters).await,
                Self::Postgres(engine) => engine.describe(statement, parameters).await,
            }
        })
        .await
    }

    /// Why a free query may not be offered; none if it may.
    pub(super) async fn objection(
        &self,
        settings: &Settings,
        visible: &Visible,
    ) -> Result<Option<String>, Failure> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(engine) => engine.objection(settings.query_as_superuser, visible).await,
        }
    }
}

/// A statement's future that runs out of time is dropped, and with it the connection: that stops the statement.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(limit, work).await.unwrap_or(Err(Failure::TooLong(limit)))
}
