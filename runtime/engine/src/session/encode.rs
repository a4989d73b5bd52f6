//! Answers and notifications, written as bytes in the dialect of their client.

use std::sync::Arc;

use bytes::Bytes;
use impresario_codec::{Buffer, is_plain, write_str};
use impresario_protocol::task::RELATED_TASK;
use impresario_protocol::{
    Content, Era, ErrorKind, ExtensionResult, Id, JsonObject, ListKind, ListenFilter, McpError, Notification,
    Outcome, PromptResult, ReadResult, Revision, ToolResult, method,
};
use serde_json::json;

use super::object::{Apart, META_SERVER_INFO, Object, write_value};
use super::reply::{Reply, Verdict};
use super::{downgrade, questions, task_info, wire_error};
use crate::call::{Call, Ending};
use crate::dialect::Dialect;
use crate::hub::Topic;
use crate::question::{InputRequired, Told};
use crate::shared::Identity;

const META_SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// The answer to a call; nothing for one that was taken back, because nothing may be sent for it.
pub(super) fn reply(call: &Call, ending: Ending, identity: &Identity) -> Option<Reply> {
    let revision = call.facts().dialect.0;
    let outcome = match ending {
        Ending::Cancelled => return None,
        // The legacy era has no error for it, and a tool can say what is wrong in its result.
        Ending::Failed(error) if is_told_as_result(&error, call, revision) => {
            Outcome::Tool(ToolResult::error(error.message))
        }
        Ending::InputRequired(required) => {
            return Some(input_required(call.id(), &required, revision, identity));
        }
        Ending::Failed(error) | Ending::Refused(error) => {
            return Some(error_reply(call.id(), &error, Dialect(revision)));
        }
        Ending::Rendered(rest) => {
            let mut out = Buffer::with_room(0);
            open_result(&mut out, call.id());
            let reply = Reply::whole(out, Verdict::Result, revision);
            return Some(reply.followed_by(rest));
        }
        Ending::Answered(outcome) => outcome,
        Ending::TimedOut { after } => {
            let text = format!(
                "{} did not finish within {} ms (its timeout; call_timeout_ms without one of its own)",
                call.message().method(),
                after.as_millis()
            );
            if call.message().method() != "tools/call" {
                let error = McpError::new(ErrorKind::Internal, text);
                return Some(error_reply(call.id(), &error, Dialect(revision)));
            }
            Outcome::Tool(ToolResult::error(text))
        }
    };
    let mut out = Buffer::with_room(size_hint(&outcome));
    open_result(&mut out, call.id());
    let mut object = Object::open(&mut out);
    write_outcome(&mut object, outcome, revision);
    let apart = object.apart.take();
    close_result(object, revision, identity);
    out.push(b'}');
    Some(Reply::whole(out, Verdict::Result, revision).with(apart))
}

fn is_told_as_result(error: &McpError, call: &Call, revision: Revision) -> bool {
    error.kind == ErrorKind::MissingCapability
        && revision.era() == Era::Legacy
        && call.message().method() == "tools/call"
}

/// The answer to a call that goes on when it comes again (basic/patterns/mrtr, "InputRequiredResult").
fn input_required(
    id: Option<&Id>,
    required: &InputRequired,
    revision: Revision,
    identity: &Identity,
) -> Reply {
    let mut out = Buffer::with_room(required.state.len() + 1_024);
    open_result(&mut out, id);
    let mut result = Object::open(&mut out);
    result.text("resultType", "input_required");
    let mut requests = Object::open(result.member("inputRequests"));
    for (key, request) in &required.requests {
        write_value(requests.named(key), &**request);
    }
    requests.close();
    result.text("requestState", &required.state);
    let mut meta = Object::open(result.member("_meta"));
    meta.member(META_SERVER_INFO).extend_from_slice(&identity.implementation_json);
    meta.close();
    result.close();
    out.push(b'}');
    Reply::whole(out, Verdict::Result, revision)
}

/// A message about a question, on the stream of the call that asks.
pub(super) fn told(told: &Told, dialect: Dialect, task: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut message = Object::open(&mut out);
    message.text("jsonrpc", "2.0");
    match told {
        Told::Asked(id, question) => {
            id.write_json(message.member("id"));
            message.text("method", question.method());
            let mut params = questions::params(question, id, dialect.0);
            if let Some(task) = task {
                params["_meta"][RELATED_TASK] = json!({ "taskId": task });
            }
            message.serialized("params", &params);
        }
        Told::Withdrawn(id) => {
            message.text("method", "notifications/cancelled");
            let mut params = Object::open(message.member("params"));
            id.write_json(params.member("requestId"));
            params.text("reason", "the answer is no longer needed");
            params.close();
        }
        Told::Settled(id) => {
            message.text("method", "notifications/elicitation/complete");
            let mut params = Object::open(message.member("params"));
            id.write_json(params.member("elicitationId"));
            params.close();
        }
    }
    message.close();
    out
}

/// An error response; without an id when none could be read.
#[must_use]
pub fn error_reply(id: Option<&Id>, error: &McpError, dialect: Dialect) -> Reply {
    let revision = dialect.0;
    let mut out = Buffer::with_room(128 + error.message.len());
    open_response(&mut out, id);
    out.extend_from_slice(b"\"error\":");
    let mut object = Object::open(&mut out);
    object.serialized("code", &wire_error::code(error.kind, revision));
    object.text("message", &error.message);
    if let Some(data) = &error.data {
        object.serialized("data", data);
    }
    object.close();
    out.push(b'}');
    let verdict = Verdict::Error { kind: error.kind, retry_after_ms: error.retry_after_ms };
    Reply::whole(out, verdict, revision)
}

/// A notification about a call, or one that a listener asked for.
pub(super) fn notification(
    notification: &Notification,
    subscription: Option<&Id>,
    dialect: Dialect,
) -> Vec<u8> {
    let (notification, task) = match notification {
        Notification::OfTask { task_id, told } => (&**told, Some(task_id)),
        other => (other, None),
    };
    let (method, mut out) = (method_of(notification), Vec::with_capacity(160));
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":");
    write_str(&mut out, method);
    out.extend_from_slice(b",\"params\":");
    let mut params = Object::open(&mut out);
    match notification {
        Notification::Progress { token, progress, total, message } => {
            token.0.write_json(params.member("progressToken"));
            write_number(params.member("progress"), *progress);
            if let Some(total) = total {
                write_number(params.member("total"), *total);
            }
            if let Some(message) = message
                && dialect.0 >= Revision::V2025_03_26
            {
                params.text("message", message);
            }
        }
        Notification::Log { level, logger, data } => {
            params.text("level", level.as_str());
            if let Some(logger) = logger {
                params.text("logger", logger);
            }
            params.serialized("data", data);
        }
        Notification::ListChanged(_) => {}
        Notification::ResourceUpdated { uri } => params.text("uri", uri),
        Notification::TaskChanged(task) => {
            task_info::write(&mut params, task, task.status, dialect.0);
        }
        // A task's word about itself is not wrapped twice.
        Notification::OfTask { .. } => {}
    }
    if let Some(task_id) = task {
        let mut meta = Object::open(params.member("_meta"));
        let mut related = Object::open(meta.member(RELATED_TASK));
        related.text("taskId", task_id);
        related.close();
        meta.close();
    }
    if let Some(id) = subscription {
        write_subscription(params.member("_meta"), id);
    }
    params.close();
    out.push(b'}');
    out
}

/// That a resource has changed, to a listener: all but the subscription is the same for everybody, and written once.
pub(super) fn resource_updated(topic: &Topic, subscription: &Id) -> Vec<u8> {
    const ROOM_FOR_THE_REST: usize = 96;
    let shared = topic.written(|uri| {
        let told = Notification::ResourceUpdated { uri: uri.to_owned() };
        let mut whole = notification(&told, None, Dialect::default());
        // Open again, so that another parameter can follow.
        whole.truncate(whole.len() - b"}}".len());
        whole
    });
    let mut out = Vec::with_capacity(shared.len() + ROOM_FOR_THE_REST);
    out.extend_from_slice(shared);
    out.extend_from_slice(b",\"_meta\":");
    write_subscription(&mut out, subscription);
    out.extend_from_slice(b"}}");
    out
}

/// Whole numbers are written without a fraction, as clients count steps.
fn write_number(out: &mut Vec<u8>, number: f64) {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= WHOLE_MAX {
        out.extend_from_slice(format!("{number:.0}").as_bytes());
    } else {
        write_value(out, &number);
    }
}

/// The first message to a listener: what it will hear of (basic/patterns/subscriptions, "Acknowledgment").
pub(super) fn acknowledged(id: &Id, filter: &ListenFilter, tasks: Option<&[Arc<str>]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":",
    );
    let mut params = Object::open(&mut out);
    write_subscription(params.member("_meta"), id);
    let mut honoured = Object::open(params.member("notifications"));
    for (name, wanted) in [
        ("toolsListChanged", filter.tools),
        ("promptsListChanged", filter.prompts),
        ("resourcesListChanged", filter.resources),
    ] {
        if wanted {
            honoured.serialized(name, &true);
        }
    }
    if !filter.uris.is_empty() {
        honoured.serialized("resourceSubscriptions", &filter.uris);
    }
    if let Some(tasks) = tasks {
        honoured.serialized("taskIds", tasks);
    }
    honoured.close();
    params.close();
    out.push(b'}');
    out
}

/// The answer to a listener when the house closes (basic/patterns/subscriptions, "Graceful Closure").
pub(super) fn listening_ended(id: &Id, dialect: Dialect, identity: &Identity) -> Reply {
    let mut out = Buffer::with_room(128);
    open_result(&mut out, Some(id));
    let mut result = Object::open(&mut out);
    result.text("resultType", "complete");
    let mut meta = Object::open(result.member("_meta"));
    id.write_json(meta.member(META_SUBSCRIPTION));
    meta.member(META_SERVER_INFO).extend_from_slice(&identity.implementation_json);
    meta.close();
    result.close();
    out.push(b'}');
    Reply::whole(out, Verdict::Result, dialect.0)
}

pub(super) fn write_subscription(out: &mut Vec<u8>, id: &Id) {
    let mut meta = Object::open(out);
    id.write_json(meta.member(META_SUBSCRIPTION));
    meta.close();
}

fn open_result(out: &mut Vec<u8>, id: Option<&Id>) {
    open_response(out, id);
    out.extend_from_slice(b"\"result\":");
}

fn open_response(out: &mut Vec<u8>, id: Option<&Id>) {
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id {
        out.extend_from_slice(b"\"id\":");
        id.write_json(out);
        out.push(b',');
    }
}

fn method_of(notification: &Notification) -> &'static str {
    match notification {
        Notification::Progress { .. } => "notifications/progress",
        Notification::Log { .. } => "notifications/message",
        Notification::ListChanged(ListKind::Tools) => "notifications/tools/list_changed",
        Notification::ListChanged(ListKind::Prompts) => "notifications/prompts/list_changed",
        Notification::ListChanged(ListKind::Resources | ListKind::Templates) => {
            "notifications/resources/list_changed"
        }
        Notification::ResourceUpdated { .. } => "notifications/resources/updated",
        Notification::TaskChanged(_) => method::CoreTaskChanged::WORD,
        Notification::OfTask { told, .. } => method_of(told),
    }
}

/// The members of a result that its kind has.
fn write_outcome(object: &mut Object<'_>, outcome: Outcome, revision: Revision) {
    match outcome {
        Outcome::Done => {}
        Outcome::Tool(result) => write_tool_result(object, result, revision),
        Outcome::Read(result) => write_read_result(object, result, revision),
        Outcome::Prompt(result) => write_prompt_result(object, result, revision),
        Outcome::Completion(completion) => object.serialized("completion", &completion),
        Outcome::Extension(result) => write_extension_result(object, result, revision),
    }
}

/// The members that every result of this revision has at its end.
pub(super) fn close_result(mut object: Object<'_>, revision: Revision, identity: &Identity) {
    let mut own = object.meta.take();
    if revision.era() == Era::Modern {
        if own.as_ref().is_none_or(JsonObject::is_empty) {
            return object.close_with(identity.end_of_result.get_or_init(|| end_of_result(identity)));
        }
        object.text("resultType", "complete");
        if let (Some(own), Ok(info)) = (&mut own, serde_json::to_value(&identity.implementation)) {
            own.entry(META_SERVER_INFO).or_insert(info);
        }
    }
    if let Some(own) = own {
        object.serialized("_meta", &own);
    }
    object.close();
}

pub(super) fn write_tool_result(object: &mut Object<'_>, result: ToolResult, revision: Revision) {
    let ToolResult { content, structured_content, is_error, meta, error_code: _ } = result;
    object.apart = write_blocks(object.member("content"), content, revision);
    if let Some(structured) = structured_content
        && (revision.era() == Era::Modern || revision >= Revision::V2025_06_18 && structured.is_object())
    {
        object.serialized("structuredContent", &structured);
    }
    if is_error || revision.era() == Era::Legacy {
        object.serialized("isError", &is_error);
    }
    object.meta = meta;
}

fn write_read_result(object: &mut Object<'_>, result: ReadResult, revision: Revision) {
    let contents = result.contents.into_iter().map(|contents| downgrade::contents(contents, revision));
    object.serialized("contents", &contents.collect::<Vec<_>>());
    if revision.era() == Era::Modern {
        object.serialized("ttlMs", &result.cache.ttl_ms);
        object.serialized("cacheScope", &result.cache.cache_scope);
    }
    object.meta = result.meta;
}

fn write_prompt_result(object: &mut Object<'_>, result: PromptResult, revision: Revision) {
    let PromptResult { description, mut messages, meta } = result;
    if let Some(description) = description {
        object.text("description", &description);
    }
    for message in &mut messages {
        let content = std::mem::replace(&mut message.content, Content::text(""));
        message.content = downgrade::block(content, revision);
    }
    object.serialized("messages", &messages);
    object.meta = meta;
}

fn write_extension_result(object: &mut Object<'_>, result: ExtensionResult, revision: Revision) {
    let ExtensionResult { mut members, cache } = result;
    object.meta = match members.remove("_meta") {
        Some(serde_json::Value::Object(meta)) => Some(meta),
        _ => None,
    };
    for (name, value) in &members {
        object.serialized(name, value);
    }
    if let Some(cache) = cache
        && revision.era() == Era::Modern
    {
        object.serialized("ttlMs", &cache.ttl_ms);
        object.serialized("cacheScope", &cache.cache_scope);
    }
}

/// From here on a text in which nothing must be escaped is sent from where it is: of 77 µs for an echo of 100 KB the copy,
/// with what it pushes out of the processor's cache, was 5. Small ones are copied faster than one more slice is sent.
const APART_BYTES_MIN: usize = 16 * 1024;

/// Writes the blocks. The first long text in which nothing must be escaped stays where it is.
fn write_blocks(out: &mut Vec<u8>, blocks: Vec<Content>, revision: Revision) -> Option<Apart> {
    let mut apart = None;
    out.push(b'[');
    for (place, block) in blocks.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match block {
            // By far the most common block, the same in every revision, and written without serde.
            Content::Text { text, annotations: None, meta: None } => {
                out.extend_from_slice(b"{\"type\":\"text\",\"text\":");
                if apart.is_none() && text.len() >= APART_BYTES_MIN && is_plain(&text) {
                    out.extend_from_slice(b"\"\"}");
                    apart = Some((out.len() - 2, text));
                } else {
                    write_str(out, &text);
                    out.push(b'}');
                }
            }
            block => write_value(out, &downgrade::block(block, revision)),
        }
    }
    out.push(b']');
    apart
}

/// Room for most answers. What is long and not sent from where it is makes its own.
fn size_hint(outcome: &Outcome) -> usize {
    const ENVELOPE: usize = 256;
    match outcome {
        Outcome::Tool(result) => crate::result_size::size_of_result(result).min(APART_BYTES_MIN) + ENVELOPE,
        Outcome::Done
        | Outcome::Read(_)
        | Outcome::Prompt(_)
        | Outcome::Completion(_)
        | Outcome::Extension(_) => 2 * ENVELOPE,
    }
}

/// The members that end nearly every result of the modern era, which depend on the server alone.
fn end_of_result(identity: &Identity) -> Box<[u8]> {
    let mut out = Vec::new();
    let mut object = Object::open(&mut out);
    object.text("resultType", "complete");
    object.server_info(identity);
    object.close();
    out[1..].into()
}

/// A result that is written once, by `write`, and sent many times, with the brace that ends its response.
pub(super) fn written(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut out = Vec::new();
    write(&mut out);
    out.push(b'}');
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_sent_from_where_it_is_and_stands_where_it_belongs() {
        let plain = "x".repeat(APART_BYTES_MIN);
        let escaped = format!("{plain}\n");
        let (plain, escaped) = (plain.as_str(), escaped.as_str());
        for texts in [[plain, escaped, "short"], ["short", plain, plain], [escaped, "", escaped]] {
            let blocks = || texts.map(Content::text).to_vec();
            let mut out = Buffer::with_room(0);
            let apart = write_blocks(&mut out, blocks(), Revision::LATEST);
            assert_eq!(apart.is_some(), texts.contains(&plain));
            let reply = Reply::whole(out, Verdict::Result, Revision::LATEST).with(apart);
            let written: serde_json::Value = serde_json::from_slice(&reply.into_bytes()).unwrap();
            assert_eq!(written, serde_json::to_value(blocks()).unwrap());
        }
    }
}
