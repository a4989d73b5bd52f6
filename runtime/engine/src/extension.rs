//! Extensions of the protocol: declared under an identifier, with settings and methods of their own.
//!
//! An extension answers requests by methods that the protocol itself does not have; it can't take over one that
//! it has. What it answers is written, admitted and timed like anything else.

use std::sync::Arc;

use impresario_protocol::{ExtensionResult, JsonObject, McpError, Outcome};
use serde_json::Value;

use crate::call::{Call, Ending};
use crate::context::Context;
use crate::tool::CallFuture;

/// Answers one method.
pub(crate) type Answer = Arc<dyn Fn(ExtensionParams, Context) -> CallFuture + Send + Sync>;

/// An extension as its author writes it down.
///
/// ```
/// use impresario_engine::{ExtensionResult, ExtensionSpec};
///
/// let dice = ExtensionSpec::new("com.example/dice").setting("sides", 6).method("dice/roll", |_params, _ctx| async {
///     Ok(ExtensionResult { members: [("eyes".to_owned(), 4.into())].into_iter().collect(), cache: None })
/// });
/// ```
#[derive(Clone)]
pub struct ExtensionSpec {
    pub(crate) identifier: String,
    pub(crate) settings: JsonObject,
    methods: Vec<(String, Answer)>,
}

impl ExtensionSpec {
    /// An extension of that identifier, such as `com.example/dice`, without settings or methods.
    pub fn new(identifier: impl Into<String>) -> Self {
        Self { identifier: identifier.into(), settings: JsonObject::new(), methods: Vec::new() }
    }

    /// One more setting, to be declared with it.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// One more method, answered by an async closure.
    #[must_use]
    pub fn method<F, Fut>(mut self, method: impl Into<String>, answer: F) -> Self
    where
        F: Fn(ExtensionParams, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ExtensionResult, McpError>> + 'static,
    {
        let answer = move |params: ExtensionParams, ctx: Context| -> CallFuture {
            let answering = answer(params, ctx);
            Box::pin(async move {
                match answering.await {
                    Ok(result) => Ending::Answered(Outcome::Extension(result)),
                    Err(error) => Ending::Failed(error),
                }
            })
        };
        self.methods.push((method.into(), Arc::new(answer)));
        self
    }

    pub(crate) fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|(method, _)| method.as_str())
    }

    pub(crate) fn method_named(&self, method: &str) -> Option<&Answer> {
        self.methods.iter().find(|(known, _)| known == method).map(|(_, answer)| answer)
    }
}

impl std::fmt::Debug for ExtensionSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExtensionSpec").field("identifier", &self.identifier).finish_non_exhaustive()
    }
}

/// The parameters of a request by an extension's method.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExtensionParams {
    method: String,
    members: JsonObject,
}

impl ExtensionParams {
    /// Parameters of a request by that method, for whoever tests what answers it.
    pub fn new(method: impl Into<String>, members: JsonObject) -> Self {
        Self { method: method.into(), members }
    }

    pub(crate) fn of(call: &Call) -> Self {
        let message = call.message();
        let members = message.params().and_then(|params| params.deserialize().ok()).unwrap_or_default();
        Self { method: message.method().to_owned(), members }
    }

    /// A member, when it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// A member that is text.
    ///
    /// # Errors
    /// When there is none; the text says which.
    pub fn text(&self, name: &str) -> Result<&str, McpError> {
        self.optional_text(name)?.ok_or_else(|| self.no_text(name))
    }

    /// A member that is text when it is there.
    ///
    /// # Errors
    /// When it is something else.
    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, McpError> {
        match self.members.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| self.no_text(name)),
        }
    }

    fn no_text(&self, name: &str) -> McpError {
        McpError::invalid_params(format!("{}: params.{name} must be a string", self.method))
    }
}
