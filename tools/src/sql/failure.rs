//! What went wrong with a question to a database, and what of it the model is told.
//!
//! Engines say more than a client should read: files of the server, statements that were made here. So what is passed
//! on is chosen by the engine's own code of the error, and everything else is logged and told in one sentence.

use std::time::Duration;

use impresario_engine::{McpError, ToolError};
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

/// Characters of an engine's message that are passed on.
const MESSAGE_CHARS_MAX: usize = 300;

/// What went wrong.
#[derive(Debug)]
pub(super) enum Failure {
    /// It took longer than it may.
    TooLong(Duration),
    /// It wanted to write where only reading is possible.
    ReadOnly,
    /// It can be asked again in a moment.
    TryAgain(&'static str),
    /// What is asked is wrong; the text says how, and holds nothing that is not the model's to know.
    Mistaken(String),
    /// It has nothing to do with what was asked. The log says more.
    Broken,
}

impl Failure {
    /// What the model is told.
    pub(super) fn text(&self) -> String {
        match self {
            Self::TooLong(limit) => {
                format!(
                    "the database took longer than {limit:?}: narrow the question, and filter by indexed columns"
                )
            }
            Self::ReadOnly => "this connection can only read: nothing was written".into(),
            Self::TryAgain(why) => format!("{why}: try again in a moment"),
            Self::Mistaken(text) => text.clone(),
            Self::Broken => "the database can't answer now: try again later".into(),
        }
    }

    /// The same with another name to try, where one is unknown.
    pub(super) fn hinted(self, nearest: impl FnOnce(&str) -> Option<String>) -> Self {
        let Self::Mistaken(text) = &self else { return self };
        let unknown =
            ["no such column: ", "no such table: "].iter().find_map(|start| text.strip_prefix(start));
        match unknown.and_then(nearest) {
            Some(name) => Self::Mistaken(format!("{text}; did you mean {name}?")),
            None => self,
        }
    }
}

impl From<Failure> for ToolError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.text())
    }
}

impl From<Failure> for McpError {
    fn from(_: Failure) -> Self {
        Self::internal()
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let known = match &error {
            sqlx::Error::Database(database) => {
                let sqlite = database.try_downcast_ref::<SqliteError>();
                let postgres = database.try_downcast_ref::<PgDatabaseError>();
                match (sqlite, postgres) {
                    (Some(_), _) => {
                        of_sqlite(database.code().as_deref().unwrap_or_default(), database.message())
                    }
                    (_, Some(error)) => of_postgres(error),
                    (None, None) => None,
                }
            }
            _ => None,
        };
        known.unwrap_or_else(|| {
            tracing::error!(%error, "a database failed");
            Self::Broken
        })
    }
}

/// By the primary code of an error of SQLite.
fn of_sqlite(code: &str, message: &str) -> Option<Failure> {
    Some(match code.parse::<u32>().ok()? & 0xff {
        // SQLITE_ERROR: the text is wrong. These name nothing but what stands in it.
        1 if !message.starts_with("unable to open") => Failure::Mistaken(cut(message)),
        // SQLITE_BUSY, SQLITE_LOCKED
        5 | 6 => Failure::TryAgain("somebody else writes to the database"),
        // SQLITE_READONLY
        8 => Failure::ReadOnly,
        // SQLITE_NOMEM, SQLITE_TOOBIG
        7 | 18 => Failure::Mistaken("the answer needs too much memory: narrow the question".into()),
        // SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_AUTH, SQLITE_RANGE
        19 | 20 | 23 | 25 => Failure::Mistaken(cut(message)),
        _ => return None,
    })
}

/// By the class of an error of PostgreSQL (its documentation, "PostgreSQL Error Codes").
fn of_postgres(error: &PgDatabaseError) -> Option<Failure> {
    let told = || {
        let hint = error.hint().map(|hint| format!(". {hint}")).unwrap_or_default();
        Failure::Mistaken(cut(&format!("{}{hint}", error.message())))
    };
    Some(match error.code() {
        "25006" => Failure::ReadOnly,
        "57014" => Failure::TryAgain("the database stopped the statement"),
        "40001" | "40P01" | "55P03" => Failure::TryAgain("somebody else writes the same rows"),
        "53300" | "57P03" => Failure::TryAgain("the database takes no more connections"),
        // Undefined files are class 58; these name what stands in the statement.
        code => match &code[..2.min(code.len())] {
            "0A" | "21" | "22" | "23" | "42" | "44" | "54" | "P0" => told(),
            _ => return None,
        },
    })
}

fn cut(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &message[..at]),
        None => message.into(),
    }
}

/// The candidate that was probably meant.
pub(super) fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, left out or changed.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(128).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().take(128).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (place, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let names = ["id", "name", "price", "in_stock"];
        for (name, expected) in [
            ("names", Some("name")),
            ("Price", Some("price")),
            ("instock", Some("in_stock")),
            ("zzzzzz", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
    }

    #[test]
    fn errors_of_sqlite_tell_what_to_change_and_no_path() {
        let rows = [
            ("1", "no such column: names", "no such column: names; did you mean name?"),
            ("1", "near \"FORM\": syntax error", "near \"FORM\": syntax error"),
            ("2067", "UNIQUE constraint failed: users.email", "UNIQUE constraint failed: users.email"),
            (
                "8",
                "attempt to write a readonly database",
                "this connection can only read: nothing was written",
            ),
            (
                "14",
                "unable to open database file: /srv/secret.db",
                "the database can't answer now: try again later",
            ),
        ];
        for (code, message, expected) in rows {
            let failure = of_sqlite(code, message).unwrap_or(Failure::Broken);
            assert_eq!(failure.hinted(|name| nearest(name, ["name"]).map(Into::into)).text(), expected);
        }
    }
}
