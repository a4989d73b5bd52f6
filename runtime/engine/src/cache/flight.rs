//! Equal calls that arrive together, and the one run that answers them all.
//!
//! The run belongs to nobody: a client that leaves does not stop it for the others, and when it ends by a panic the
//! next in line leads. Who waits costs nothing but a place in a list: the run's end finishes its call.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::key::CacheKey;
use super::stats::Counted;
use super::store::{Kept, Ran, ToolCache};
use crate::call::{Call, CancelReason, Ending};

/// What becomes of a call for which nothing was kept.
#[derive(Debug)]
pub enum Joined {
    /// It leads: the tool is to be run for it, and for whoever asks for the same meanwhile.
    Leads(Flight),
    /// It waits for a run that has begun, which will finish it.
    Waits,
    /// An answer came meanwhile.
    Kept(Arc<Kept>),
}

/// The right and duty to run the tool for all who ask for the same. When it is dropped before it has landed, it
/// and those who wait are told that the house closes.
#[derive(Debug)]
pub struct Flight {
    cache: Arc<ToolCache>,
    key: CacheKey,
    epoch: u64,
    /// The call that the tool runs for.
    leader: Option<Arc<Call>>,
    /// Those who waited, once nobody can join them any more.
    landed: Option<VecDeque<Arc<Call>>>,
}

impl ToolCache {
    /// Has a call wait for the run of an equal one, or lead.
    #[must_use]
    pub fn join(self: &Arc<Self>, key: CacheKey, call: &Arc<Call>) -> Joined {
        let epoch = self.epoch();
        let mut flights = self.flights.0.lock();
        match flights.entry((key, epoch)) {
            Entry::Occupied(mut flight) => {
                let waiting = flight.get_mut();
                if waiting.len() == waiting.capacity() {
                    // Before the list grows, those go who have left.
                    waiting.retain(|call| !call.is_ended());
                }
                waiting.push_back(Arc::clone(call));
                self.count(Counted::Coalesced, 1);
                Joined::Waits
            }
            Entry::Vacant(place) => {
                // A run that ended since the look at what is kept has left its answer before it left this table.
                if let Some(kept) = self.fresh(key) {
                    self.count(Counted::Hit, 1);
                    return Joined::Kept(kept);
                }
                place.insert(VecDeque::new());
                self.count(Counted::Miss, 1);
                Joined::Leads(Flight { cache: Arc::clone(self), key, epoch, leader: None, landed: None })
            }
        }
    }

    /// The right to run the tool for a newer answer, unless somebody has it already.
    #[must_use]
    pub fn refresh(self: &Arc<Self>, key: CacheKey) -> Option<Flight> {
        let epoch = self.epoch();
        match self.flights.0.lock().entry((key, epoch)) {
            Entry::Vacant(place) if self.fresh(key).is_none() => {
                place.insert(VecDeque::new());
                Some(Flight { cache: Arc::clone(self), key, epoch, leader: None, landed: None })
            }
            // Somebody runs it, or has just done so.
            Entry::Occupied(_) | Entry::Vacant(_) => None,
        }
    }
}

#[cfg(test)]
impl ToolCache {
    /// How many places calls that wait have taken.
    pub(super) fn waiting(&self) -> usize {
        self.flights.0.lock().values().map(VecDeque::len).sum()
    }
}

impl Flight {
    /// Runs the tool, first for `leader`, and gives everybody the answer.
    ///
    /// # Cancel safety
    /// None: poll it in a task of its own, or a caller that leaves takes the run with it.
    pub async fn fly<F: Future<Output = Ran>>(mut self, leader: Arc<Call>, run: impl Fn(Arc<Call>) -> F) {
        let mut leads = Some(leader);
        while let Some(leader) = leads {
            self.leader = Some(Arc::clone(&leader));
            let ran = run(Arc::clone(&leader)).await;
            let stale = self.cache.settle(self.key, self.epoch, &ran);
            if stale.is_none() && ran.panicked() {
                leader.finish(ran.ending);
                leads = self.next_leader();
                continue;
            }
            let waiting = self.land();
            if stale.is_some() {
                self.cache.count(Counted::Stale, 1 + waiting);
            }
            let ending = stale.map_or(ran.ending, |kept| kept.ending());
            leader.finish(ending.clone());
            return self.tell(ending).await;
        }
    }

    /// The next in line who is still there. Without one the flight has landed.
    fn next_leader(&mut self) -> Option<Arc<Call>> {
        let mut flights = self.cache.flights.0.lock();
        let waiting = flights.get_mut(&(self.key, self.epoch))?;
        while let Some(next) = waiting.pop_front() {
            if !next.is_ended() {
                return Some(next);
            }
        }
        flights.remove(&(self.key, self.epoch));
        self.landed = Some(VecDeque::new());
        None
    }

    /// Nobody can join any more. Says how many have.
    fn land(&mut self) -> usize {
        let (flights, key) = (&self.cache.flights.0, (self.key, self.epoch));
        self.landed.get_or_insert_with(|| flights.lock().remove(&key).unwrap_or_default()).len()
    }

    /// Gives those who waited their answer: a few at a time, so that the lane's other calls do not wait for all.
    async fn tell(&mut self, ending: Ending) {
        const AT_ONCE: usize = 64;
        while let Some(waiting) = self.landed.as_mut().filter(|waiting| !waiting.is_empty()) {
            for call in waiting.drain(..AT_ONCE.min(waiting.len())) {
                call.finish(ending.clone());
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.land();
        // One that has its answer does not hear of it.
        for call in self.leader.iter().chain(self.landed.iter().flatten()) {
            call.cancel(CancelReason::Shutdown);
        }
    }
}
