//! What every scenario begins with: a plan, a server that was looked at, and a place to tell progress.

use std::sync::Arc;

use serde_json::json;

use crate::check::Expectation;
use crate::client::{Item, Route, Setup};
use crate::dialect::Ask;
use crate::fault::Fault;
use crate::load::group::{Group, Pace, Step};
use crate::load::{Measured, Run, measure};
use crate::plan::{Plan, Rate, Shape, Stop, Target};
use crate::probe::{Found, probe};
use crate::progress::{Progress, ProgressSender};
use crate::result::{Figure, RunResult};
use crate::revision::Revision;
use crate::summary;

/// A scenario's surroundings.
#[derive(Debug)]
pub struct Stage<'a> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// Where progress is told.
    pub progress: &'a ProgressSender,
    /// The server.
    pub found: Found,
}

impl<'a> Stage<'a> {
    /// Looks at the plan's server.
    ///
    /// # Errors
    /// When it can't be reached.
    pub async fn open(plan: &'a Plan, progress: &'a ProgressSender) -> Result<Self, Fault> {
        Self::at(plan, progress, &plan.target).await
    }

    /// The same, in the newest revision that has sessions, unless the plan names one.
    ///
    /// # Errors
    /// When it can't be reached, or speaks no such revision.
    pub async fn open_legacy(plan: &'a Plan, progress: &'a ProgressSender) -> Result<Self, Fault> {
        let revision = plan.target.revision.or(Some(Revision::NEWEST_LEGACY));
        Self::at(plan, progress, &Target { revision, ..plan.target.clone() }).await
    }

    /// Either of both.
    ///
    /// # Errors
    /// When it can't be reached.
    pub async fn open_legacy_unless(
        plan: &'a Plan,
        progress: &'a ProgressSender,
        any_revision: bool,
    ) -> Result<Self, Fault> {
        if any_revision { Self::open(plan, progress).await } else { Self::open_legacy(plan, progress).await }
    }

    async fn at(plan: &'a Plan, progress: &'a ProgressSender, target: &Target) -> Result<Self, Fault> {
        progress.send_replace(Progress::default());
        let found = match &plan.model {
            None => probe(target, plan.timeout).await?,
            Some(model) => probe(model, plan.timeout).await?.aimed_at(target).await?,
        };
        Ok(Self { plan, progress, found })
    }

    /// The clients' setup, with those items.
    #[must_use]
    pub fn setup(&self, items: Vec<Item>) -> Arc<Setup> {
        let sessions_per_connection = self.plan.load.sessions_per_connection;
        Arc::new(Setup { items, sessions_per_connection, ..self.found.setup.clone() })
    }

    /// The plan's connections doing that step with those items, in the plan's shape. The shape that searches is for
    /// steady work alone.
    ///
    /// # Errors
    /// When the shape is one that searches.
    pub fn group(&self, items: Vec<Item>, step: Step) -> Result<Group, Fault> {
        let pace = match &self.plan.load.shape {
            Shape::Closed => Pace::Closed { think_time: self.plan.load.think_time },
            Shape::Open(arrivals) => Pace::Open(arrivals.clone()),
            Shape::FindMax(_) => {
                return Err(Fault::plan("--find-max works with echo, call, list, payload and mix"));
            }
        };
        let clients = self.plan.load.connections;
        Ok(Group { setup: self.setup(items), clients, step, pace, first_series: 0 })
    }

    /// Measures those groups by the plan's times.
    ///
    /// # Errors
    /// Those of [`measure`].
    pub async fn measure(&self, groups: Vec<Group>, series: Vec<String>) -> Result<Measured, Fault> {
        let asked = match &self.plan.load.shape {
            Shape::Open(arrivals) => Some(arrivals.rate.clone()),
            Shape::Closed | Shape::FindMax(_) => None,
        };
        if matches!((&asked, self.plan.stop), (Some(Rate::Ramp { .. } | Rate::Steps(_)), Stop::Count(_))) {
            return Err(Fault::plan("--ramp and --steps need a --duration, not a --count"));
        }
        let (warm_up, stop) = (self.plan.warm_up, self.plan.stop);
        let run = Run { plan: self.plan, groups, series, warm_up, stop, asked, part: String::new() };
        measure(run, self.progress).await
    }

    /// The result of the plan.
    #[must_use]
    pub fn result(&self, measured: Measured, figures: Vec<Figure>) -> RunResult {
        summary::result(self.plan, self.found.facts.clone(), measured, figures)
    }

    /// The cheapest request that the revision has.
    #[must_use]
    pub fn cheapest(&self) -> Item {
        let is_modern = self.found.setup.dialect.revision.is_modern();
        let method = if is_modern { "server/discover" } else { "ping" };
        Item {
            name: method.to_owned(),
            ask: Ask::new(method, json!({})),
            expectation: Expectation::Result,
            weight: 1.0,
        }
    }

    /// Refuses a transport that the scenario can't use.
    ///
    /// # Errors
    /// When the server is not reached by Streamable HTTP.
    pub fn needs_streamable_http(&self, scenario: &str) -> Result<(), Fault> {
        match self.found.setup.route {
            Route::Http(_) => Ok(()),
            Route::HttpSse(_) | Route::Command(_) => {
                Err(Fault::plan(format!("{scenario} needs Streamable HTTP; name a URL that serves it")))
            }
        }
    }

    /// Refuses a server without streams of events.
    ///
    /// # Errors
    /// When the server is on stdio.
    pub fn needs_streams(&self, scenario: &str) -> Result<(), Fault> {
        match self.found.setup.route {
            Route::Http(_) | Route::HttpSse(_) => Ok(()),
            Route::Command(_) => Err(Fault::plan(format!("{scenario} needs HTTP; name a URL"))),
        }
    }

    /// Refuses a server without sessions.
    ///
    /// # Errors
    /// When it assigned none.
    pub fn needs_sessions(&self, scenario: &str) -> Result<(), Fault> {
        if self.found.has_sessions {
            return Ok(());
        }
        let revision = self.found.setup.dialect.revision;
        Err(Fault::plan(format!("{scenario} needs sessions, and the server assigns none in {revision}")))
    }
}
