//! Requests read as operations: what both eras ask for in the same words.

use impresario_codec::{Message, Node};
use impresario_protocol::{CompletionTarget, Limits, ListKind, ListenFilter, LogLevel, McpError, Operation};

/// The method that exists only where something completes.
pub(super) const COMPLETE: &str = "completion/complete";

/// What a request asks for, whatever era it comes from. Nothing for a method that only one of them has.
pub(super) fn shared<'m>(message: &'m Message) -> Option<Result<Operation<'m, Node<'m>>, McpError>> {
    let params = Params::of(message);
    let operation = match message.method() {
        "tools/list" => params.list(ListKind::Tools),
        "tools/call" => params.call_tool(),
        "resources/list" => params.list(ListKind::Resources),
        "resources/templates/list" => params.list(ListKind::Templates),
        "resources/read" => params.text("uri").map(|uri| Operation::ReadResource { uri }),
        "prompts/list" => params.list(ListKind::Prompts),
        "prompts/get" => params.get_prompt(),
        COMPLETE => params.complete(),
        _ => return None,
    };
    Some(operation)
}

/// The parameters of a request, with errors that name what is missing.
pub(super) struct Params<'m> {
    message: &'m Message,
}

impl<'m> Params<'m> {
    pub(super) fn of(message: &'m Message) -> Self {
        Self { message }
    }

    /// A member that is text.
    pub(super) fn text(&self, name: &str) -> Result<&'m str, McpError> {
        let value = self.get(name).and_then(Node::as_str);
        value.ok_or_else(|| {
            McpError::invalid_params(format!("{}: params.{name} must be a string", self.message.method()))
        })
    }

    /// A log level, by name.
    pub(super) fn log_level(&self) -> Result<LogLevel, McpError> {
        LogLevel::parse(self.text("level")?).ok_or_else(|| bad_log_level("params.level"))
    }

    /// What a listener wants to hear of, at most `uris_max` resources.
    pub(super) fn listen(&self, limits: &Limits) -> Result<ListenFilter, McpError> {
        let Some(filter) = self.get("notifications").filter(|filter| filter.is_object()) else {
            return Err(McpError::invalid_params(
                "subscriptions/listen: params.notifications must be an object",
            ));
        };
        let flag = |name: &str| match filter.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| {
                McpError::invalid_params(format!(
                    "subscriptions/listen: params.notifications.{name} must be a boolean"
                ))
            }),
        };
        let uris = match filter.get("resourceSubscriptions") {
            None => Vec::new(),
            Some(uris) => listened_uris(uris, limits)?,
        };
        let (tools, prompts) = (flag("toolsListChanged")?, flag("promptsListChanged")?);
        Ok(ListenFilter { tools, prompts, resources: flag("resourcesListChanged")?, uris })
    }

    fn get(&self, name: &str) -> Option<Node<'m>> {
        self.message.param(name)
    }

    /// A member that is an object, when it is there at all.
    fn object(&self, name: &str) -> Result<Option<Node<'m>>, McpError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) if value.is_object() => Ok(Some(value)),
            Some(_) => Err(McpError::invalid_params(format!(
                "{}: params.{name} must be an object",
                self.message.method()
            ))),
        }
    }

    fn list(&self, kind: ListKind) -> Result<Operation<'m, Node<'m>>, McpError> {
        let cursor = match self.get("cursor") {
            None => None,
            Some(cursor) => Some(cursor.as_str().ok_or_else(bad_cursor)?),
        };
        Ok(Operation::List { kind, cursor })
    }

    fn call_tool(&self) -> Result<Operation<'m, Node<'m>>, McpError> {
        Ok(Operation::CallTool { name: self.text("name")?, arguments: self.object("arguments")? })
    }

    fn get_prompt(&self) -> Result<Operation<'m, Node<'m>>, McpError> {
        Ok(Operation::GetPrompt { name: self.text("name")?, arguments: self.object("arguments")? })
    }

    fn complete(&self) -> Result<Operation<'m, Node<'m>>, McpError> {
        let wrong = |what: &str| McpError::invalid_params(format!("completion/complete: {what}"));
        let reference = self.object("ref")?.ok_or_else(|| wrong("params.ref must be an object"))?;
        let named = |name: &str| reference.get(name).and_then(Node::as_str);
        let target = match named("type") {
            Some("ref/prompt") => named("name").map(CompletionTarget::Prompt),
            Some("ref/resource") => named("uri").map(CompletionTarget::Template),
            _ => return Err(wrong("params.ref.type must be `ref/prompt` or `ref/resource`")),
        };
        let target =
            target.ok_or_else(|| wrong("params.ref must name a prompt (`name`) or a template (`uri`)"))?;
        let argument = self.object("argument")?.ok_or_else(|| wrong("params.argument must be an object"))?;
        let part = |name: &str| argument.get(name).and_then(Node::as_str);
        let (Some(argument), Some(value)) = (part("name"), part("value")) else {
            return Err(wrong("params.argument must have a `name` and a `value`, both strings"));
        };
        let settled = self.object("context")?.and_then(|context| context.get("arguments"));
        if settled.is_some_and(|settled| !settled.is_object()) {
            return Err(wrong("params.context.arguments must be an object"));
        }
        Ok(Operation::Complete { target, argument, value, settled })
    }
}

fn listened_uris(uris: Node<'_>, limits: &Limits) -> Result<Vec<String>, McpError> {
    let max = Limits::size(limits.subscriptions_per_session_max);
    let wrong = |what: String| McpError::invalid_params(format!("subscriptions/listen: {what}"));
    if !uris.is_array() {
        return Err(wrong("params.notifications.resourceSubscriptions must be an array of URIs".into()));
    }
    if uris.len() > max {
        return Err(wrong(format!("more than {max} resources (subscriptions_per_session_max)")));
    }
    let uri = |uri: Node<'_>| {
        let uri = uri.as_str().filter(|uri| uri.len() <= Limits::size(limits.uri_bytes_max));
        uri.map(ToOwned::to_owned).ok_or_else(|| wrong("every resource must be a URI (uri_bytes_max)".into()))
    };
    let uris: Vec<String> = uris.elements().map(uri).collect::<Result<_, _>>()?;
    let bytes_max = limits.subscription_bytes_per_session_max;
    if uris.iter().map(String::len).sum::<usize>() > Limits::size(bytes_max) {
        return Err(wrong(format!(
            "the URIs take more than {bytes_max} bytes (subscription_bytes_per_session_max)"
        )));
    }
    Ok(uris)
}

/// A cursor that did not come from us.
pub(super) fn bad_cursor() -> McpError {
    McpError::invalid_params("invalid cursor; start again without one")
}

/// A log level that there is not.
pub(super) fn bad_log_level(place: &str) -> McpError {
    let levels: Vec<_> = LogLevel::ALL.iter().map(|level| level.as_str()).collect();
    McpError::invalid_params(format!("{place} must be one of {}", levels.join(", ")))
}
