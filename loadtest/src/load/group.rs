//! A group of clients that do the same: what each does in one step, and when it takes the next.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::random::Random;
use crate::client::{Client, Moved, Setup};
use crate::plan::Arrivals;
use crate::trouble::Trouble;

/// A group of clients. A run may have several.
#[derive(Debug, Clone)]
pub struct Group {
    /// The server, as this group sees it.
    pub setup: Arc<Setup>,
    /// How many clients.
    pub clients: usize,
    /// What each does.
    pub step: Step,
    /// When.
    pub pace: Pace,
    /// Where in the run's series this group's begin.
    pub first_series: usize,
}

/// When a client takes its next step.
#[derive(Debug, Clone)]
pub enum Pace {
    /// When the last one is done, and a pause is over.
    Closed {
        /// The pause.
        think_time: Duration,
    },
    /// When the clock says.
    Open(Arrivals),
}

/// What a client does, measured as one.
#[derive(Debug, Clone)]
pub enum Step {
    /// One request and its answer. Its series is the item's.
    Ask,
    /// One request of many that differ in what they ask alone, and its answer. All are one series.
    Draw,
    /// Opens a session, pings so often, closes it.
    Session {
        /// How often.
        pings: u32,
    },
    /// Connects, asks so often, disconnects.
    Reconnect {
        /// How often.
        requests: u32,
    },
    /// Begins a call and takes it back after a while; done when the client is ready for the next.
    Cancel {
        /// After so long.
        after: Duration,
    },
    /// Asks, and reads the answer slowly.
    SlowRead {
        /// Bytes a second.
        speed: u64,
    },
}

/// One client of a group, on its thread.
#[derive(Debug)]
pub struct Actor {
    client: Client,
    step: Step,
    weights: Vec<f64>,
    random: Random,
    first_series: usize,
}

impl Actor {
    /// A client that does that group's step.
    #[must_use]
    pub fn new(client: Client, group: &Group, seed: u64) -> Self {
        let weights = group.setup.items.iter().map(|item| item.weight).collect();
        let (step, first_series) = (group.step.clone(), group.first_series);
        Self { client, step, weights, random: Random::new(seed), first_series }
    }

    /// The client.
    pub fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Connects ahead of the first step, if the step does not do that itself.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn prepare(&mut self) -> Result<(), Trouble> {
        match self.step {
            Step::Ask | Step::Draw | Step::Cancel { .. } => self.client.connect().await,
            Step::Session { .. } | Step::Reconnect { .. } | Step::SlowRead { .. } => Ok(()),
        }
    }

    /// Does one step that began at `now`; says which series it belongs to.
    pub async fn perform(&mut self, now: Instant) -> (usize, Result<Moved, Trouble>) {
        let item = if self.weights.len() > 1 { self.random.pick(&self.weights) } else { 0 };
        let series = self.first_series + if matches!(self.step, Step::Draw) { 0 } else { item };
        let outcome = match &self.step {
            Step::Ask | Step::Draw => self.client.ask(item, now).await,
            other => {
                let step = other.clone();
                Box::pin(self.perform_slowly(step, item)).await
            }
        };
        (series, outcome)
    }

    /// The steps that are more than one request, apart from the hot path and its small future.
    async fn perform_slowly(&mut self, step: Step, item: usize) -> Result<Moved, Trouble> {
        match step {
            Step::Ask | Step::Draw => self.client.ask(item, Instant::now()).await,
            Step::Session { pings } => {
                self.client.connect().await?;
                let mut moved = Moved::default();
                for _ in 0..pings {
                    add(&mut moved, self.client.ask(item, Instant::now()).await?);
                }
                self.client.close().await?;
                Ok(moved)
            }
            Step::Reconnect { requests } => {
                self.client.reconnect().await?;
                let mut moved = Moved::default();
                for _ in 0..requests {
                    add(&mut moved, self.client.ask(item, Instant::now()).await?);
                }
                self.client.hang_up();
                Ok(moved)
            }
            Step::Cancel { after } => self.client.cancel(item, after).await,
            Step::SlowRead { speed } => self.client.ask_slowly(item, speed).await,
        }
    }
}

fn add(sum: &mut Moved, moved: Moved) {
    sum.sent += moved.sent;
    sum.received += moved.received;
}
