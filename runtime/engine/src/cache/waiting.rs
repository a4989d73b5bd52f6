//! Who waits for which run.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use super::key::CacheKey;
use crate::call::Call;

/// The runs of one tool that somebody waits for, each with those who wait. The epoch is part of the key: who asks
/// after everything was forgotten does not wait for a run that began before.
#[derive(Debug, Default)]
pub(super) struct Flights(pub(super) Mutex<HashMap<(CacheKey, u64), Waiting, ahash::RandomState>>);

/// Calls that wait for a run, in the order in which they came.
pub(super) type Waiting = VecDeque<Arc<Call>>;
