//! The pack `sql`: the tables and statements of a database as tools and resources.
//!
//! Statements of the config file become tools with a schema of their own; tables can be listed, described and
//! queried by conditions that are data; one row at a time can be inserted; and, where it is switched on, any one
//! SELECT can be asked. SQLite is built in, PostgreSQL is spoken to over the network. What only reads does so on a
//! connection that can't write, and the engine itself sees to it; no value is ever part of a statement's text.
//!
//! ```no_run
//! use impresario_engine::Runtime;
//! use impresario_tools::part::{Opening, Part as _};
//! use impresario_tools::sql::{Settings, Sql};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let opening = Opening { key: "packs.sql.shop".into(), directory: ".".into() };
//! let shop = Sql::open(Settings { query: true, ..Settings::new("sqlite:shop.db") }, &opening).await?;
//! let runtime = Runtime::builder().offer(shop.offer()).start()?;
//! # Ok(())
//! # }
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use impresario_engine::{Offer, OutputRule, ToolAnnotations, ToolError, ToolSpec};

use catalogue::{Catalogue, Table, Visible};
use database::Database;
use failure::Failure;
use limits::Limits;

use crate::part::{Opening, Part, PartError, SharedPart};

mod catalogue;
mod database;
mod failure;
mod free;
mod insert;
mod limits;
mod pool;
mod postgres;
mod query_table;
mod question;
mod resources;
mod settings;
mod sqlite;
mod statement;
mod value;

pub use crate::sql_text::{guard, tokens};
pub use settings::{Access, ParameterKind, ParameterSettings, Settings, StatementSettings};

/// What a call may take beyond the database's time, so that it is the database's own limit that is told.
const CALL_GRACE: Duration = Duration::from_secs(5);

/// How long what was seen of the schema is taken for true.
const FRESH_FOR: Duration = Duration::from_secs(2);

/// An open database.
#[derive(Debug)]
pub struct Sql {
    source: Arc<Source>,
    tools: Vec<ToolSpec>,
}

/// What all tools of a database share.
#[derive(Debug)]
struct Source {
    /// The last part of its section's key.
    name: String,
    prefix: String,
    database: Database,
    visible: Visible,
    limits: Limits,
    writes: bool,
    /// The tables as they were when they were last looked at.
    catalogue: Mutex<(Instant, Arc<Catalogue>)>,
}

/// Opens the database of a section `[packs.sql.NAME]`.
///
/// # Errors
/// Which setting is wrong, and what to change.
pub async fn open(settings: Settings, opening: &Opening) -> Result<SharedPart, PartError> {
    Ok(Arc::new(Sql::open(settings, opening).await?))
}

impl Sql {
    /// Opens a database: connects to it, looks at its tables, and compiles every statement once.
    ///
    /// # Errors
    /// Which setting is wrong, and what to change.
    pub async fn open(settings: Settings, opening: &Opening) -> Result<Self, PartError> {
        settings.check()?;
        let database = Database::open(&settings, opening).await?;
        let visible = Visible {
            only: settings.tables.clone(),
            hidden: settings.hidden_tables.clone(),
            ignores_case: database.dialect() == tokens::Dialect::Sqlite,
        };
        let limits = Limits {
            rows_max: settings.rows_max,
            bytes_max: usize::try_from(settings.bytes_max.0).unwrap_or(usize::MAX),
            timeout: settings.timeout.0,
        };
        let source = Arc::new(Source {
            name: opening.key.rsplit('.').next().unwrap_or_default().to_owned(),
            prefix: settings.prefix.clone(),
            database,
            visible,
            limits,
            writes: settings.writes(),
            catalogue: Mutex::new((Instant::now(), Arc::default())),
        });
        source.look_at_tables().await?;
        let tools = tools(&source, &settings).await?;
        Ok(Self { source, tools })
    }
}

impl Part for Sql {
    fn offer(&self) -> Offer {
        // What stands in a table was written by anybody.
        let clean = |tool: ToolSpec| tool.output_rule(OutputRule::clean());
        let mut offer = self.tools.iter().cloned().map(clean).fold(Offer::default(), Offer::tool);
        if self.tools.iter().any(|tool| tool.name() == self.source.tool_name("list_tables")) {
            offer = offer.resource(resources::schema(&self.source)).resource(resources::tables(&self.source));
        }
        offer
    }
}

async fn tools(source: &Arc<Source>, settings: &Settings) -> Result<Vec<ToolSpec>, PartError> {
    let mut tools = Vec::new();
    if settings.table_tools {
        tools.push(resources::list_tables(source));
        tools.push(resources::describe_table(source));
        tools.push(query_table::tool(source));
        if source.writes {
            tools.push(insert::tool(source));
        }
    }
    if settings.query {
        let objection = source.database.objection(settings, &source.visible).await;
        if let Some(objection) = objection.map_err(|failure| PartError::at("query", failure.text()))? {
            return Err(PartError::at("query", objection));
        }
        tools.push(free::tool(source));
    }
    for (name, statement) in &settings.statements {
        let tool = statement::tool(source, name, statement).await?;
        if tools.iter().any(|other: &ToolSpec| other.name() == tool.name()) {
            let message = "is the name of another tool of this database: choose another one";
            return Err(PartError::at(format!("statements.{name}"), message));
        }
        tools.push(tool);
    }
    Ok(tools)
}

impl Source {
    /// What a tool of this database is called.
    fn tool_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// How long a call may take in all.
    fn call_timeout(&self) -> Duration {
        self.limits.timeout.saturating_add(CALL_GRACE)
    }

    /// Looks at the tables for the first time, and holds the lists of the settings against them.
    async fn look_at_tables(&self) -> Result<(), PartError> {
        let tables = self.database.tables(&self.limits).await;
        let tables = tables.map_err(|failure| PartError::at("database", failure.text()))?;
        if let Some((key, at, name)) = self.visible.unknown(&tables) {
            let meant = catalogue::meant(name, tables.iter().map(|table| table.name.as_str()));
            return Err(PartError::at(format!("{key}[{at}]"), format!("there is no table {name:?}{meant}")));
        }
        self.keep(tables);
        Ok(())
    }

    /// The tables as they are now.
    async fn read_catalogue(&self) -> Result<Arc<Catalogue>, Failure> {
        let tables = self.database.tables(&self.limits).await?;
        Ok(self.keep(tables))
    }

    fn keep(&self, mut tables: Vec<Table>) -> Arc<Catalogue> {
        tables.retain(|table| self.visible.sees(&table.name));
        let catalogue = Arc::new(Catalogue { tables });
        *self.catalogue.lock().unwrap_or_else(PoisonError::into_inner) =
            (Instant::now(), Arc::clone(&catalogue));
        catalogue
    }

    /// The tables as they were when they were last looked at, and when that was.
    fn known(&self) -> (Instant, Arc<Catalogue>) {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A table. A schema may change at any time, so it is looked at again after a moment, and before a name is
    /// called unknown.
    async fn table(&self, name: &str) -> Result<Table, ToolError> {
        let (at, known) = self.known();
        if at.elapsed() < FRESH_FOR
            && let Ok(table) = known.table(name)
        {
            return Ok(table.clone());
        }
        Ok(self.read_catalogue().await?.table(name)?.clone())
    }

    /// The name that was probably meant by one that the engine does not know.
    fn nearest(&self, name: &str) -> Option<String> {
        self.known().1.nearest(name)
    }
}

/// How a tool behaves that only reads.
fn reading() -> ToolAnnotations {
    ToolAnnotations {
        read_only_hint: Some(true),
        destructive_hint: Some(false),
        idempotent_hint: Some(true),
        open_world_hint: Some(false),
        ..ToolAnnotations::default()
    }
}

/// The examples of the pack's page.
#[cfg(doctest)]
#[doc = include_str!("../../docs/packs/sql.md")]
struct Page;
