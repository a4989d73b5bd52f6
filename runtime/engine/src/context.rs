//! What a tool, a resource or a prompt sees of the call it answers.

use std::sync::Arc;

use impresario_protocol::{ListKind, LogLevel, Notification};
use serde::Deserialize;
use serde_json::Value;

use crate::call::Call;
use crate::caller::{Caller, ClientFacts};
use crate::lane_hub::LaneHub;
use crate::question::AskError;
use crate::tool_error::ToolError;

/// A handle to the call: its arguments, its caller, and ways to report while it runs. Cheap to clone, and
/// may be moved to other threads.
///
/// ```
/// use impresario_engine::{Context, ToolError};
///
/// async fn index(ctx: Context) -> Result<String, ToolError> {
///     for step in 1..=3 {
///         if ctx.is_cancelled() {
///             return Err(ToolError::from("stopped half way"));
///         }
///         ctx.progress(f64::from(step), Some(3.0), Some("indexing"));
///     }
///     Ok("3 files".into())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    call: Arc<Call>,
    /// Who is told of changes.
    hub: Arc<LaneHub>,
}

impl Context {
    /// The context of a call.
    #[must_use]
    pub(crate) fn new(call: Arc<Call>, hub: Arc<LaneHub>) -> Self {
        Self { call, hub }
    }

    /// The call itself, for the parts of this type that stand elsewhere.
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// The call's arguments as a type. Text can be borrowed from the request (`&str` fields), so nothing is
    /// copied.
    ///
    /// # Errors
    /// When the arguments are not of that type; the text says which field and what was expected.
    pub fn arguments<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ToolError> {
        match self.call.arguments() {
            Some(arguments) => arguments.deserialize(),
            None => T::deserialize(
                serde::de::value::MapDeserializer::<_, impresario_codec::DeserializeError>::new(
                    std::iter::empty::<(&str, &str)>(),
                ),
            ),
        }
        .map_err(|error| ToolError::from(format!("invalid arguments: {error}")))
    }

    /// The call's arguments as a JSON object; empty when the request has none.
    #[must_use]
    pub fn arguments_value(&self) -> Value {
        self.call
            .arguments()
            .map_or_else(|| Value::Object(serde_json::Map::new()), impresario_codec::Node::to_value)
    }

    /// The request's `_meta`, when it has one.
    #[must_use]
    pub fn meta(&self) -> Option<Value> {
        let meta = self.call.message().param("_meta")?;
        Some(meta.to_value())
    }

    /// Who the call is made for.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.call.facts().caller
    }

    /// What the client said of itself, and what it can be asked.
    #[must_use]
    pub fn client(&self) -> &ClientFacts {
        self.call.client()
    }

    /// Tells the client how far the call is. Sent only if the client asked for it; `progress` must grow.
    /// Never waits: what comes faster than the client may be told is dropped.
    pub fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let Some(token) = self.call.facts().progress_token.clone() else { return };
        let message = message.map(ToOwned::to_owned);
        self.call.notify(Notification::Progress { token, progress, total, message });
    }

    /// Sends a log message to the client, if it asked for messages of that level. Never waits.
    pub fn log(&self, level: LogLevel, data: impl Into<Value>) {
        self.log_as(level, None, data.into());
    }

    /// Sends a log message under the name of a part of the server.
    pub fn log_as(&self, level: LogLevel, logger: Option<&str>, data: Value) {
        if self.call.facts().log_level.is_some_and(|mildest| level >= mildest) {
            let logger = logger.map(ToOwned::to_owned);
            self.call.notify(Notification::Log { level, logger, data });
        }
    }

    /// Tells clients that subscribed to it that a resource has changed.
    pub fn resource_updated(&self, uri: &str) {
        self.hub.hub.resource_updated(uri);
    }

    /// Tells clients that asked for it that a list is worth fetching again.
    pub fn list_changed(&self, kind: ListKind) {
        self.hub.hub.list_changed(kind);
    }

    /// Forgets the kept answers of every tool with that tag ([`CachePolicy::tags`](crate::CachePolicy::tags)), for a
    /// tool that changes what they tell of.
    pub fn forget_tag(&self, tag: &str) {
        self.hub.cache.forget_tag(tag);
    }

    /// Forgets the kept answers of the tool of that name.
    pub fn forget_tool(&self, name: &str) {
        self.hub.cache.forget_tool(name);
    }

    /// Closes the stream that the client waits on, if it is one that it can resume; the client comes back after a while
    /// and gets what it missed (2025-11-25, SEP-1699). For calls that take long, where a connection should not be held
    /// open. The call goes on. With every other client nothing happens.
    pub fn close_stream(&self) {
        self.call.close_stream();
    }

    /// From here on the call is a task, where its tool [asks first](crate::ToolSpec::asks_first): what was asked
    /// before went the ordinary way, what follows outlives the request. The tool runs again from its start, with
    /// the answers it has; in a task, and in a call that is to stay a plain one, this returns at once.
    ///
    /// # Errors
    /// When the call was taken back meanwhile.
    pub async fn begin_task(&self) -> Result<(), AskError> {
        if self.call.begin_task() {
            self.call.cancelled().await;
            return Err(AskError::CallEnded { key: "begin_task".into() });
        }
        Ok(())
    }

    /// Whether the client has taken the call back, or its time is over. Blocking tools ask now and then.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.call.is_cancelled()
    }

    /// Resolves when the call is cancelled. A tool that waits for it is given a moment (`cancel_grace_ms`)
    /// to clean up; any other is dropped at once.
    pub async fn cancelled(&self) {
        self.call.cancelled().await;
    }
}
