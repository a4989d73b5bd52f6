//! Whom a call may tell of changes.

use std::sync::Arc;

use crate::cache::ResultCache;
use crate::hub::Hub;

/// Whom a call may tell of changes, as one lane holds it, under a count of its own: so calls of different lanes share
/// no cache line.
#[derive(Debug, Default)]
pub struct LaneHub {
    /// Clients that want to hear of changes.
    pub hub: Arc<Hub>,
    /// Kept answers that a change makes old.
    pub cache: Arc<ResultCache>,
}
