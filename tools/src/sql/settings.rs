//! What a section `[packs.sql.NAME]` of a config file may hold.
//!
//! Nothing here opens anything: these are the words of the file, their defaults, and what is wrong with them at first
//! sight.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::part::PartError;
use crate::setting::{Bytes, Secret, Span};

/// A database whose tables and statements are offered as tools.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Which database: `sqlite:shop.db` (relative to the config file) or `postgres://user:password@host/name`.
    pub database: Secret,
    /// What every tool's name begins with, such as `shop_`.
    #[serde(default)]
    pub prefix: String,
    /// What may be done: `read-only` (the default), or `read-write`, which offers `insert_record` and statements that
    /// write.
    #[serde(default)]
    pub access: Access,
    /// A file of SQL that makes the SQLite database when its file does not exist yet.
    pub setup: Option<String>,
    /// The only tables and views that may be listed, described, queried and inserted into. Without it: all.
    pub tables: Option<Vec<String>>,
    /// Tables and views that are hidden.
    #[serde(default)]
    pub hidden_tables: Vec<String>,
    /// Whether `list_tables`, `describe_table`, `query_table` and `insert_record` are offered, and the schema as
    /// resources. By default they are.
    #[serde(default = "on")]
    pub table_tools: bool,
    /// Whether `query` is offered: any one SELECT, on a connection that can only read. By default it is not.
    #[serde(default)]
    pub query: bool,
    /// Offers `query` although the PostgreSQL role may do everything, or read and write the server's files. A role
    /// that may only read is better.
    #[serde(default)]
    pub query_as_superuser: bool,
    /// Rows of one answer at most. What is beyond is cut, and the answer says so.
    #[serde(default = "rows_max")]
    pub rows_max: usize,
    /// Bytes of the rows of one answer at most. What is beyond is cut, and the answer says so.
    #[serde(default = "bytes_max")]
    pub bytes_max: Bytes,
    /// How long one call may take, waiting for a connection included. Then the statement is stopped.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// Connections at once at most. Calls beyond wait, within their timeout.
    #[serde(default = "connections_max")]
    pub connections_max: usize,
    /// What SQLite may allocate at most, in this process as a whole: the smallest value of all sections holds.
    #[serde(default = "memory_max")]
    pub memory_max: Bytes,
    /// Statements that are offered as tools, by the tool's name.
    #[serde(default)]
    pub statements: BTreeMap<String, StatementSettings>,
}

/// What may be done with a database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Its rows are read. Every connection is read-only, and the database's engine sees to it.
    #[default]
    ReadOnly,
    /// Rows are also written: by `insert_record` and by statements that write.
    ReadWrite,
}

/// A statement that is offered as a tool.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementSettings {
    /// One statement, with its parameters as `:name`.
    pub sql: String,
    /// The tool's title for people.
    pub title: Option<String>,
    /// What it does, for the model.
    pub description: Option<String>,
    /// More about its parameters, by name. PostgreSQL knows their types; for SQLite say them here.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterSettings>,
}

/// More about a parameter of a statement.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterSettings {
    /// The type of its values: `string`, `integer`, `number`, `boolean` or `array`.
    #[serde(rename = "type")]
    pub kind: Option<ParameterKind>,
    /// What it means, for the model.
    pub description: Option<String>,
    /// The only values that it may have.
    pub values: Option<Vec<Value>>,
    /// What it is when it is left out.
    pub default: Option<Value>,
    /// It may be left out, and is NULL then.
    #[serde(default)]
    pub optional: bool,
}

/// The type of a parameter's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// A list: a PostgreSQL array, or JSON text for SQLite's `json_each`.
    Array,
}

impl ParameterKind {
    /// What JSON Schema calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
        }
    }
}

fn on() -> bool {
    true
}

fn rows_max() -> usize {
    1_000
}

fn bytes_max() -> Bytes {
    Bytes(1 << 20)
}

fn timeout() -> Span {
    Span(Duration::from_secs(10))
}

fn connections_max() -> usize {
    4
}

fn memory_max() -> Bytes {
    Bytes(256 << 20)
}

impl Settings {
    /// The settings of a database with everything else at its default.
    #[must_use]
    pub fn new(database: impl Into<String>) -> Self {
        Self {
            database: Secret::new(database),
            prefix: String::new(),
            access: Access::default(),
            setup: None,
            tables: None,
            hidden_tables: Vec::new(),
            table_tools: true,
            query: false,
            query_as_superuser: false,
            rows_max: rows_max(),
            bytes_max: bytes_max(),
            timeout: timeout(),
            connections_max: connections_max(),
            memory_max: memory_max(),
            statements: BTreeMap::new(),
        }
    }

    /// Whether rows may be written.
    pub(super) fn writes(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// What is wrong before anything is opened.
    pub(super) fn check(&self) -> Result<(), PartError> {
        let limits = [
            ("rows_max", self.rows_max == 0),
            ("bytes_max", self.bytes_max.0 == 0),
            ("timeout", self.timeout.0.is_zero()),
            ("connections_max", self.connections_max == 0),
        ];
        if let Some((key, _)) = limits.iter().find(|(_, is_zero)| *is_zero) {
            return Err(PartError::at(*key, "must be greater than 0"));
        }
        if !(1..=1_000).contains(&self.connections_max) {
            return Err(PartError::at("connections_max", "must be at most 1000"));
        }
        if self.memory_max.0 < 8 << 20 {
            return Err(PartError::at("memory_max", "must be at least 8MiB"));
        }
        if !self.table_tools && !self.query && self.statements.is_empty() {
            return Err(PartError::new(
                "offers nothing: set `query` or `table_tools` to true, or add a statement",
            ));
        }
        Ok(())
    }
}
