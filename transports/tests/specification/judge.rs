//! Holds every message that comes from the server against its revision's schema, and against what the
//! specification's text says beyond it.

use std::collections::BTreeSet;

use impresario_protocol::{Era, Revision};
use serde_json::Value;

use super::schemas::Schemas;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// How much of a message is shown beside what is wrong with it.
const SHOWN_BYTES: usize = 400;

/// What one revision says of the messages of one session.
pub(crate) struct Judge {
    schemas: Schemas,
    /// What the extension says of tasks, in the era that has it; the other has them in its own schema.
    tasks: Schemas,
    pub(crate) revision: Revision,
    /// The kinds of messages that were seen: definitions of results and notifications, and codes of errors.
    pub(crate) seen: BTreeSet<String>,
    pub(crate) faults: Vec<String>,
}

impl Judge {
    pub(crate) fn new(schemas: Schemas, tasks: Schemas, revision: Revision) -> Self {
        Self { schemas, tasks, revision, seen: BTreeSet::new(), faults: Vec::new() }
    }

    /// Judges one message. `asked` is the method of the request that it answers, when it answers one.
    pub(crate) fn hear(&mut self, asked: Option<&str>, message: &Value) {
        let faults = if message.is_null() {
            vec!["nothing came where an answer was due".into()]
        } else if message.get("method").is_some() {
            self.notification(message)
        } else if message.get("error").is_some() {
            self.error(message)
        } else {
            self.result(asked, message)
        };
        let mut shown = message.to_string();
        shown.truncate(shown.floor_char_boundary(SHOWN_BYTES));
        self.faults.extend(faults.into_iter().map(|fault| format!("{asked:?}: {fault}\n    {shown}")));
    }

    /// Judges the answer to a batch.
    pub(crate) fn hear_batch(&mut self, batch: &Value, asked: impl Fn(&Value) -> Option<String>) {
        self.seen.insert("JSONRPCBatchResponse".into());
        let messages: Vec<_> = batch.as_array().into_iter().flatten().collect();
        let envelope = self.first_of(&["JSONRPCErrorResponse", "JSONRPCError"]);
        let with_ids = messages.iter().map(|message| self.with_id(envelope, message)).collect();
        self.faults.extend(self.schemas.faults("JSONRPCBatchResponse", &with_ids));
        for message in messages {
            self.hear(asked(&message["id"]).as_deref(), message);
        }
    }

    fn result(&mut self, asked: Option<&str>, message: &Value) -> Vec<String> {
        let result = &message["result"];
        let became_task = result["resultType"] == "task" || result.get("task").is_some();
        let Some(definition) = asked.and_then(|asked| result_of(asked, became_task)) else {
            return vec!["an answer to nothing that was asked".into()];
        };
        self.seen.insert(definition.into());
        let envelope = self.first_of(&["JSONRPCResultResponse", "JSONRPCResponse"]);
        let mut faults = self.schemas.faults(envelope, message);
        let schemas = self.schemas_of(definition);
        faults.extend(schemas.faults(definition, result));
        faults.extend(schemas.unknown_members(definition, result));
        let response = format!("{definition}Response");
        if schemas.has(&response) {
            faults.extend(schemas.faults(&response, message));
        }
        if asked == Some("tasks/result") {
            self.seen.insert("GetTaskPayloadResult".into());
            faults.extend(self.schemas.faults("GetTaskPayloadResult", result));
            if !result["_meta"][RELATED_TASK]["taskId"].is_string() {
                faults.push(format!("_meta has no `{RELATED_TASK}`"));
            }
        }
        faults.extend(self.task_faults(definition, result));
        match self.revision.era() {
            Era::Modern => faults.extend(modern_rules(definition, message)),
            Era::Legacy => faults.extend(legacy_rules(result)),
        }
        faults
    }

    /// What is wrong with a task that stands among other members, and with the result that it carries.
    fn task_faults(&self, definition: &str, holder: &Value) -> Vec<String> {
        let task = match definition {
            "CreateTaskResult" => "Task",
            "GetTaskResult" | "TaskStatusNotification" if self.revision.era() == Era::Modern => {
                "DetailedTask"
            }
            "GetTaskResult" | "TaskStatusNotification" => "Task",
            _ => return Vec::new(),
        };
        let mut bare = holder.get("task").unwrap_or(holder).clone();
        for other in ["_meta", "resultType"] {
            bare.as_object_mut().unwrap().remove(other);
        }
        let mut faults = self.schemas_of(definition).unknown_members(task, &bare);
        if let Some(inner) = holder.get("result") {
            faults.extend(self.schemas.faults("CallToolResult", inner));
            faults.extend(self.schemas.unknown_members("CallToolResult", inner));
        }
        faults
    }

    /// What the extension adds to the core's messages is held against its own schema, and left out here.
    fn without_tasks(&self, message: &Value, faults: &mut Vec<String>) -> Value {
        let mut message = message.clone();
        let honoured = message.pointer_mut("/params/notifications").and_then(Value::as_object_mut);
        if let Some(ids) = honoured.and_then(|honoured| honoured.remove("taskIds")) {
            let of_tasks = serde_json::json!({ "taskIds": ids });
            faults.extend(self.tasks.faults("TaskSubscriptionAcknowledgedNotifications", &of_tasks));
        }
        message
    }

    /// The schema that a definition of this revision stands in.
    fn schemas_of(&self, definition: &str) -> &Schemas {
        let is_of_tasks = definition.contains("Task");
        if is_of_tasks && self.revision.era() == Era::Modern { &self.tasks } else { &self.schemas }
    }

    fn error(&mut self, message: &Value) -> Vec<String> {
        let error = &message["error"];
        let code = error["code"].as_i64().unwrap_or_default();
        self.seen.insert(format!("error {code}"));
        let envelope = self.first_of(&["JSONRPCErrorResponse", "JSONRPCError"]);
        let whole = self.with_id(envelope, message);
        let mut faults = self.schemas.faults(envelope, &whole);
        let (definition, of) = match code {
            -32700 => ("ParseError", error),
            -32600 => ("InvalidRequestError", error),
            -32601 => ("MethodNotFoundError", error),
            -32602 => ("InvalidParamsError", error),
            -32603 => ("InternalError", error),
            -32020 => ("HeaderMismatchError", &whole),
            -32021 => ("MissingRequiredClientCapabilityError", &whole),
            -32022 => ("UnsupportedProtocolVersionError", &whole),
            _ => return faults,
        };
        if self.schemas.has(definition) {
            faults.extend(self.schemas.faults(definition, of));
        }
        faults
    }

    /// Older schemas want an id even where none could be read. There is none that would be right, and the newer
    /// ones let it be left out.
    fn with_id(&self, envelope: &str, message: &Value) -> Value {
        let mut message = message.clone();
        if message.get("id").is_none() && self.schemas.requires(envelope, "id") {
            message["id"] = Value::from(0);
        }
        message
    }

    fn notification(&mut self, message: &Value) -> Vec<String> {
        let Some(definition) = message["method"].as_str().and_then(notification_of) else {
            return vec!["a notification that no server sends".into()];
        };
        self.seen.insert(definition.into());
        let schemas = self.schemas_of(definition);
        if !schemas.has(definition) {
            return vec![format!("this revision has no {definition}")];
        }
        let mut faults = self.schemas.faults("JSONRPCNotification", message);
        faults.extend(schemas.faults(definition, message));
        if schemas.has("ServerNotification") {
            faults.extend(schemas.faults("ServerNotification", message));
        }
        faults.extend(self.task_faults(definition, &message["params"]));
        let mut bare = self.without_tasks(message, &mut faults);
        if !schemas.requires(definition, "jsonrpc") {
            // Older schemas say that once, of every message.
            bare.as_object_mut().unwrap().remove("jsonrpc");
        }
        // Of what is combined from several schemas the parts are held against theirs.
        if definition != "TaskStatusNotification" {
            faults.extend(schemas.unknown_members(definition, &bare));
        }
        if message.get("id").is_some() {
            faults.push("a notification with an id".into());
        }
        let is_change = !matches!(definition, "ProgressNotification" | "LoggingMessageNotification");
        let names_subscription = message["params"]["_meta"].get(SUBSCRIPTION).is_some();
        if names_subscription != (is_change && self.revision.era() == Era::Modern) {
            faults.push(format!("`{SUBSCRIPTION}` is there: {names_subscription}"));
        }
        faults
    }

    fn first_of(&self, names: &[&'static str]) -> &'static str {
        names.iter().find(|name| self.schemas.has(name)).expect("the schema knows one of the names")
    }
}

/// What results say of themselves in the era of stateless requests (server/utilities/caching; basic, "Results").
fn modern_rules(definition: &str, message: &Value) -> Vec<String> {
    let result = &message["result"];
    let mut faults = Vec::new();
    let result_type = if definition == "CreateTaskResult" { "task" } else { "complete" };
    if result["resultType"] != result_type {
        faults.push(format!("resultType is not `{result_type}`"));
    }
    let info = &result["_meta"][SERVER_INFO];
    if !(info["name"].is_string() && info["version"].is_string()) {
        faults.push(format!("_meta has no `{SERVER_INFO}`"));
    }
    let is_cacheable =
        definition.starts_with("List") || matches!(definition, "ReadResourceResult" | "DiscoverResult");
    for member in ["ttlMs", "cacheScope"] {
        let is_of_task = definition.contains("Task") && member == "ttlMs";
        if !is_of_task && result.get(member).is_some() != is_cacheable {
            faults.push(format!("`{member}` is there: {}", !is_cacheable));
        }
    }
    if definition == "SubscriptionsListenResult" && result["_meta"][SUBSCRIPTION] != message["id"] {
        faults.push("the end of a subscription does not name it".into());
    }
    faults
}

/// What only the later era says stays out of the earlier one.
fn legacy_rules(result: &Value) -> Vec<String> {
    let mut unwanted: Vec<_> =
        ["resultType", "ttlMs", "cacheScope"].into_iter().filter(|name| result.get(name).is_some()).collect();
    if result["_meta"].get(SERVER_INFO).is_some() {
        unwanted.push(SERVER_INFO);
    }
    unwanted.into_iter().map(|name| format!("`{name}` belongs to a later era")).collect()
}

/// The definition of a method's result.
fn result_of(method: &str, became_task: bool) -> Option<&'static str> {
    let definition = match method {
        "tools/call" if became_task => "CreateTaskResult",
        "tasks/get" => "GetTaskResult",
        "tasks/list" => "ListTasksResult",
        "tasks/update" => "UpdateTaskResult",
        "tasks/cancel" => "CancelTaskResult",
        // What the call would have been answered with.
        "tasks/result" => "CallToolResult",
        "initialize" => "InitializeResult",
        "server/discover" => "DiscoverResult",
        "tools/list" => "ListToolsResult",
        "tools/call" => "CallToolResult",
        "resources/list" => "ListResourcesResult",
        "resources/templates/list" => "ListResourceTemplatesResult",
        "resources/read" => "ReadResourceResult",
        "prompts/list" => "ListPromptsResult",
        "prompts/get" => "GetPromptResult",
        "completion/complete" => "CompleteResult",
        "subscriptions/listen" => "SubscriptionsListenResult",
        "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => "EmptyResult",
        _ => return None,
    };
    Some(definition)
}

/// The definition of a notification that a server sends.
fn notification_of(method: &str) -> Option<&'static str> {
    let definition = match method {
        "notifications/progress" => "ProgressNotification",
        "notifications/message" => "LoggingMessageNotification",
        "notifications/tools/list_changed" => "ToolListChangedNotification",
        "notifications/resources/list_changed" => "ResourceListChangedNotification",
        "notifications/prompts/list_changed" => "PromptListChangedNotification",
        "notifications/resources/updated" => "ResourceUpdatedNotification",
        "notifications/tasks" | "notifications/tasks/status" => "TaskStatusNotification",
        "notifications/subscriptions/acknowledged" => "SubscriptionsAcknowledgedNotification",
        _ => return None,
    };
    Some(definition)
}
