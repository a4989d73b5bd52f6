//! Calls of tools that keep their answers: given at once, waited for, or run for everybody who asks for the same.

use std::rc::Rc;
use std::sync::Arc;

use impresario_codec::Node;

use super::Stage;
use super::run_tool::run_tool;
use crate::cache::{Flight, Found, Joined, Ran, ToolCache};
use crate::call::{Call, CallEvent};
use crate::question::Asks;
use crate::tool::Tool;

/// Whether a client has sent a call again with answers to what it asked. What comes of it is that client's alone, so
/// it is neither kept nor looked up.
pub(super) fn was_sent_again(call: &Call) -> bool {
    matches!(call.facts().asks, Asks::ByRetry(Some(_)))
}

/// Answers a call from what is kept, or has the tool run for it.
pub(super) fn call_cached(
    stage: &Rc<Stage>,
    call: &Arc<Call>,
    tool: &Arc<Tool>,
    cache: &Arc<ToolCache>,
    arguments: Option<Node<'_>>,
) {
    let key = cache.key(&call.facts().caller, arguments);
    match cache.look_up(key) {
        Found::Fresh(kept) => call.finish(kept.ending()),
        Found::Stale(kept) => {
            if let Some(flight) = cache.refresh(key) {
                let unheard = Arc::new(Call::unheard(call));
                call.pass_permit_to(&unheard);
                fly(stage, flight, unheard, tool);
            }
            call.finish(kept.ending());
        }
        Found::Nothing => match cache.join(key, call) {
            Joined::Kept(kept) => call.finish(kept.ending()),
            Joined::Waits => {}
            Joined::Leads(flight) => fly(stage, flight, Arc::clone(call), tool),
        },
    }
}

/// Runs the tool in a task of its own, so that nobody who leaves takes the run with it.
pub(super) fn fly(stage: &Rc<Stage>, flight: Flight, leader: Arc<Call>, tool: &Arc<Tool>) {
    let (stage, tool) = (Rc::clone(stage), Arc::clone(tool));
    tokio::task::spawn_local(async move {
        flight.fly(leader, |leader| run_for_many(&stage, leader, &tool)).await;
    });
}

/// Runs a tool for a call that stands for several; what it tells its client goes to the one who leads.
async fn run_for_many(stage: &Stage, leader: Arc<Call>, tool: &Arc<Tool>) -> Ran {
    let call = Arc::new(Call::on_behalf_of(&leader));
    // What runs holds the place, even when the one who leads leaves.
    leader.pass_permit_to(&call);
    run_tool(stage, &call, Arc::clone(tool), tool.timeout);
    let mut was_noisy = false;
    loop {
        match call.next_event().await {
            CallEvent::Notification(notification) => {
                was_noisy = true;
                leader.notify(notification);
            }
            // A call that stands for several asks nobody.
            CallEvent::Told(_) => was_noisy = true,
            CallEvent::Ended(ending) => return Ran { ending, was_noisy },
        }
    }
}

#[cfg(test)]
mod tests {
    use impresario_codec::{DecodeLimits, Message};
    use impresario_protocol::Limits;

    use super::*;
    use crate::call::Facts;
    use crate::question::Resumed;

    #[test]
    fn a_call_that_brings_answers_is_its_clients_alone() {
        let with = |asks| {
            let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
            let message = Message::parse(text, &DecodeLimits::from(&Limits::default())).unwrap();
            let call = Call::new(message, crate::shared::call_limits(&Limits::default()));
            call.accept(Facts { asks, ..Facts::default() });
            was_sent_again(&call)
        };
        assert!(with(Asks::ByRetry(Some(Box::new(Resumed::default())))));
        assert!(!with(Asks::ByRetry(None)) && !with(Asks::default()));
    }
}
