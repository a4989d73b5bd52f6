//! A part for tests: tools that say what they were opened with, and wait where they are told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use impresario_engine::{Offer, ToolError, ToolSpec, no_arguments};
use impresario_tools::part::{Opening, Part, PartError, SharedPart};
use impresario_tools::setting::{Secret, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;

/// Settings of every kind that packs have.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) tools: Vec<String>,
    #[serde(default)]
    pub(crate) answer: String,
    #[serde(default)]
    pub(crate) token: Option<Secret>,
    #[serde(default)]
    pub(crate) patience: Option<Span>,
    #[serde(default)]
    pub(crate) roots: Vec<Root>,
    /// Not to be opened, and this is why.
    #[serde(default)]
    pub(crate) refuses: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Root {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) size: u64,
}

/// A tool of that name waits until it is let go.
pub(crate) const GATED: &str = "gated";
/// Calls of `GATED` that have begun.
pub(crate) static BEGUN: Semaphore = Semaphore::const_new(0);
/// Lets calls of `GATED` go.
pub(crate) static GATE: Semaphore = Semaphore::const_new(0);
/// Parts of this kind that are open.
pub(crate) static OPEN: AtomicUsize = AtomicUsize::new(0);

pub(crate) async fn open(settings: Settings, opening: &Opening) -> Result<SharedPart, PartError> {
    if let Some(why) = settings.refuses {
        return Err(PartError::at("refuses", format!("{} says {why}", opening.key)));
    }
    OPEN.fetch_add(1, Ordering::Relaxed);
    Ok(Arc::new(Probe { settings, runs: Arc::default() }))
}

struct Probe {
    settings: Settings,
    runs: Arc<AtomicUsize>,
}

impl Part for Probe {
    fn offer(&self) -> Offer {
        self.settings.tools.iter().fold(Offer::default(), |offer, name| offer.tool(self.tool(name)))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Probe {
    fn tool(&self, name: &str) -> ToolSpec {
        let (answer, runs, waits) = (self.settings.answer.clone(), Arc::clone(&self.runs), name == GATED);
        ToolSpec::from_context(name, no_arguments(), move |_ctx| {
            let (answer, runs) = (answer.clone(), Arc::clone(&runs));
            async move {
                if waits {
                    BEGUN.add_permits(1);
                    GATE.acquire().await.map_err(|error| ToolError::from(error.to_string()))?.forget();
                }
                let run = runs.fetch_add(1, Ordering::Relaxed) + 1;
                Ok::<_, ToolError>(format!("{answer} {run}"))
            }
        })
        .description(name)
    }
}
