//! Calls that are over, kept by their thread to be used again: a plain call then costs no allocation of its own.
//!
//! One that anybody else still holds is never kept, and nothing of what it was is left in it.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use impresario_codec::Message;

use super::{Call, CallLimits, Source, State};

/// How many calls that are over one thread keeps to be used again.
pub(super) const SPARE_MAX: usize = 64;

thread_local! {
    pub(super) static SPARE: RefCell<Vec<Arc<Call>>> = const { RefCell::new(Vec::new()) };
}

impl Call {
    /// A call for a message that has just arrived, in the place of one that is over where there is one.
    pub(crate) fn begin(message: Message, limits: CallLimits) -> Arc<Self> {
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop()).ok().flatten();
        if let Some(mut call) = spare
            && let Some(vacant) = Arc::get_mut(&mut call)
        {
            (vacant.source, vacant.limits) = (Source::Message(message), limits);
            return call;
        }
        Arc::new(Self::new(message, limits))
    }

    /// Keeps a call's place for another one, if nobody else holds it any more.
    pub(crate) fn put_back(mut call: Arc<Self>) {
        let Some(over) = Arc::get_mut(&mut call) else { return };
        over.source = Source::Message(Message::vacant());
        (over.facts, over.client) = (OnceLock::new(), OnceLock::new());
        over.cleaned = OnceLock::new();
        *over.cancelled.get_mut() = false;
        *over.state.get_mut() = State::default();
        let keep = |spare: &RefCell<Vec<_>>| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARE_MAX {
                spare.push(call);
            }
        };
        // A thread that ends has no spare ones any more, and this one goes with it.
        SPARE.try_with(keep).unwrap_or_default();
    }
}
