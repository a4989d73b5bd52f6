//! Calls that nobody has made: they fill the cache of a tool that has just been registered.

use std::rc::Rc;
use std::sync::Arc;

use impresario_codec::{DecodeLimits, Message};
use impresario_protocol::{McpError, Outcome};
use serde_json::{Value, json};

use super::Stage;
use super::kept::fly;
use crate::cache::{Joined, ToolCache};
use crate::call::{Call, Ending, Facts};
use crate::gate::Counter;
use crate::tool::Tool;

/// Makes the calls that tools of those names want to have been made, a few at a time (`cache_warm_calls_max`). One
/// that fails is logged and leaves nothing.
pub(crate) fn warm_up(stage: &Rc<Stage>, tools: &[String]) {
    for name in tools {
        let tool = stage.shared.registry.snapshot().tool(name).cloned();
        // It may have been removed meanwhile.
        let Some(tool) = tool else { continue };
        if let Some(cache) = &tool.cache {
            tokio::task::spawn_local(warm_up_tool(Rc::clone(stage), Arc::clone(&tool), Arc::clone(cache)));
        }
    }
}

async fn warm_up_tool(stage: Rc<Stage>, tool: Arc<Tool>, cache: Arc<ToolCache>) {
    let calls = cache.warm_up_calls().iter().enumerate().map(|(place, arguments)| {
        let (stage, tool, cache) = (&stage, &tool, &cache);
        async move {
            // An error would say that the places are closed, which nobody does.
            let _place = stage.shared.cache.warm_places.acquire().await;
            if stage.shared.closing.has_begun() {
                return;
            }
            if let Err(reason) = warm_up_call(stage, tool, cache, arguments).await {
                let (tool, call) = (&tool.definition.name, place + 1);
                tracing::warn!(%tool, call, %reason, "a call that was to warm up the cache failed");
            }
        }
    });
    futures_util::future::join_all(calls).await;
}

/// Makes one call unless its answer is there. Says what went wrong.
async fn warm_up_call(
    stage: &Rc<Stage>,
    tool: &Arc<Tool>,
    cache: &Arc<ToolCache>,
    arguments: &Value,
) -> Result<(), String> {
    let shared = &stage.shared;
    let request = json!({
        "jsonrpc": "2.0", "id": 0, "method": "tools/call",
        "params": { "name": tool.definition.name, "arguments": arguments },
    });
    let message = Message::parse(request.to_string().as_bytes(), &DecodeLimits::from(&*shared.limits));
    let message = message.map_err(|unreadable| unreadable.error.to_string())?;
    let call = Arc::new(Call::new(message, shared.call_limits()));
    call.accept(Facts::default());
    let permit = shared.gate.admit(&Arc::<Counter>::default());
    permit.and_then(|permit| call.hold(permit, None)).map_err(|refused| refused.to_string())?;
    let key = cache.key(&call.facts().caller, call.arguments());
    match cache.join(key, &call) {
        Joined::Kept(_) => return Ok(()),
        Joined::Waits => {}
        Joined::Leads(flight) => fly(stage, flight, Arc::clone(&call), tool),
    }
    failure(call.ended().await).map_or(Ok(()), Err)
}

fn failure(ending: Ending) -> Option<String> {
    match ending {
        Ending::Answered(Outcome::Tool(result)) if result.is_error => {
            let texts = result.content.iter().filter_map(impresario_protocol::Content::as_text);
            Some(texts.collect::<Vec<_>>().join(" "))
        }
        Ending::Answered(_) | Ending::Rendered(_) => None,
        Ending::Failed(error) | Ending::Refused(error) => Some(McpError::to_string(&error)),
        Ending::TimedOut { after } => Some(format!("it took longer than {} ms", after.as_millis())),
        Ending::InputRequired(_) | Ending::Cancelled => Some("it was not done".into()),
    }
}
