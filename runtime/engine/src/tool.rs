//! Tools: how one is written down ([`ToolSpec`]) and what it is once it has been checked ([`Tool`]).

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use impresario_codec::{Schema, Violation};
use impresario_protocol::{JsonObject, Outcome, TaskSupport, ToolAnnotations, ToolDefinition, ToolResult};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cache::{CachePolicy, ToolCache};
use crate::call::{Call, Ending};
use crate::caller::ClientFacts;
use crate::context::Context;
use crate::described::described;
use crate::hygiene::{ArgumentRules, OutputRule, Screened, TextRule};
use crate::result_size::size_of_result;
use crate::tool_error::ToolError;
use crate::tool_result::{IntoToolResult, schema_of};

/// A call's future. It stays on the lane that made it, so it need not be `Send`.
pub(crate) type CallFuture = Pin<Box<dyn Future<Output = Ending>>>;

/// How a tool runs.
#[derive(Clone)]
pub(crate) enum Run {
    /// On the caller's lane, as a future.
    Lane(Arc<dyn Fn(Context) -> CallFuture + Send + Sync>),
    /// On a thread of a blocking pool.
    Blocking(Arc<dyn Fn(Context) -> Ending + Send + Sync>),
}

/// A tool as its author writes it down. It is checked when it is registered.
///
/// ```
/// use impresario_engine::ToolSpec;
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Addends {
///     /// first addend
///     a: f64,
///     b: f64,
/// }
///
/// let add = ToolSpec::new("add", |sum: Addends, _ctx| async move { sum.a + sum.b })
///     .description("Add two numbers.");
/// ```
#[derive(Clone)]
pub struct ToolSpec {
    pub(crate) definition: ToolDefinition,
    pub(crate) run: Run,
    pub(crate) pool: Option<String>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cache: Option<Box<CachePolicy>>,
    /// (parameter, header) pairs of `x-mcp-header`.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) requires: Vec<String>,
    pub(crate) task: TaskPolicy,
    /// What textual arguments may hold, by path.
    pub(crate) arguments: Vec<(String, TextRule)>,
    pub(crate) output_rule: Option<OutputRule>,
}

/// How calls of a tool become tasks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TaskPolicy {
    pub(crate) support: TaskSupport,
    /// After a crash a task is run again from its start.
    pub(crate) restart: bool,
    pub(crate) ttl_ms: Option<u64>,
    /// It becomes a task only where it says so.
    pub(crate) asks_first: bool,
    /// What the tool itself sets as the time of one call.
    pub(crate) timeout: Option<Duration>,
}

impl ToolSpec {
    /// A tool from an async closure with typed arguments. It runs on the caller's lane.
    pub fn new<A, F, Fut, R>(name: impl Into<String>, run: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + 'static,
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + 'static,
        R: IntoToolResult + 'static,
    {
        // Everything of the author's runs inside the future, where a panic costs this call alone.
        let run = Arc::new(run);
        let run = Run::Lane(Arc::new(move |ctx: Context| {
            let run = Arc::clone(&run);
            Box::pin(async move {
                match ctx.arguments::<A>() {
                    Ok(arguments) => ending(run(arguments, ctx).await.into_tool_result()),
                    Err(error) => ending(Err(error)),
                }
            })
        }));
        Self::with_run(name.into(), schema_of::<A>(), R::output_schema(), run)
    }

    /// A tool from a closure with typed arguments that blocks or computes. It runs on a thread of a
    /// blocking pool, never on a lane.
    pub fn blocking<A, F, R>(name: impl Into<String>, run: F) -> Self
    where
        A: DeserializeOwned + JsonSchema + 'static,
        F: Fn(A, Context) -> R + Send + Sync + 'static,
        R: IntoToolResult,
    {
        let run = Run::Blocking(Arc::new(move |ctx: Context| {
            ending(ctx.arguments::<A>().and_then(|arguments| run(arguments, ctx.clone()).into_tool_result()))
        }));
        Self::with_run(name.into(), schema_of::<A>(), R::output_schema(), run)
    }

    /// A tool with a schema of its own that reads its arguments from the context.
    pub fn from_context<F, Fut, R>(name: impl Into<String>, input_schema: Value, run: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + 'static,
        R: IntoToolResult + 'static,
    {
        let run = Arc::new(run);
        let run = Run::Lane(Arc::new(move |ctx: Context| {
            let run = Arc::clone(&run);
            Box::pin(async move { ending(run(ctx).await.into_tool_result()) })
        }));
        Self::with_run(name.into(), input_schema, R::output_schema(), run)
    }

    /// A blocking tool with a schema of its own that reads its arguments from the context.
    pub fn blocking_from_context<F, R>(name: impl Into<String>, input_schema: Value, run: F) -> Self
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: IntoToolResult,
    {
        let run = Run::Blocking(Arc::new(move |ctx: Context| ending(run(ctx).into_tool_result())));
        Self::with_run(name.into(), input_schema, R::output_schema(), run)
    }

    fn with_run(name: String, input_schema: Value, output_schema: Option<Value>, run: Run) -> Self {
        let definition = ToolDefinition {
            name,
            title: None,
            description: None,
            icons: Vec::new(),
            input_schema,
            output_schema,
            annotations: None,
            execution: None,
            meta: None,
        };
        Self {
            definition,
            run,
            pool: None,
            timeout: None,
            cache: None,
            headers: Vec::new(),
            requires: Vec::new(),
            task: TaskPolicy::default(),
            arguments: Vec::new(),
            output_rule: None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// How it behaves.
    #[must_use]
    pub fn annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.definition.annotations = Some(annotations);
        self
    }

    /// Extra metadata for extensions.
    #[must_use]
    pub fn meta(mut self, meta: JsonObject) -> Self {
        self.definition.meta = Some(meta);
        self
    }

    /// The schema of its structured output. Every answer is held against it.
    #[must_use]
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.definition.output_schema = Some(schema);
        self
    }

    /// How long one call may take, in place of `call_timeout_ms`.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The pool it runs in, in place of `default`.
    #[must_use]
    pub fn pool(mut self, pool: impl Into<String>) -> Self {
        self.pool = Some(pool.into());
        self
    }

    /// Its answers may be kept and given again.
    #[must_use]
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.cache = Some(Box::new(policy));
        self
    }

    /// Whether calls of it become tasks, which outlive their request: never (unless this is said), where the
    /// client knows tasks, or always. A task may take as long as it is kept, in place of `call_timeout_ms`;
    /// a [`timeout`](Self::timeout) of the tool's own holds for its tasks too.
    #[must_use]
    pub fn task(mut self, support: TaskSupport) -> Self {
        self.task.support = support;
        self
    }

    /// A task of it that had not ended when the process did is run again from its start, with the same
    /// arguments. Say so only of a tool that may run twice; without this such a task has failed.
    #[must_use]
    pub fn restart(mut self, restart: bool) -> Self {
        self.task.restart = restart;
        self
    }

    /// It becomes a task no sooner than where it calls [`Context::begin_task`], so that what it asks before is
    /// asked in the ordinary way, while somebody is there. Where a client asks for the task itself, as in
    /// 2025-11-25, it is one from its start.
    #[must_use]
    pub fn asks_first(mut self) -> Self {
        self.task.asks_first = true;
        self
    }

    /// How long its tasks are kept, from their creation, in place of `task_ttl_ms`.
    #[must_use]
    pub fn task_ttl(mut self, ttl: Duration) -> Self {
        self.task.ttl_ms = Some(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Only clients that declare that capability (`sampling`, `elicitation`, `roots`) may call it; others are
    /// told which one they lack (basic, "Per-request protocol fields").
    #[must_use]
    pub fn requires_capability(mut self, capability: impl Into<String>) -> Self {
        self.requires.push(capability.into());
        self
    }

    /// Clients of HTTP mirror that top-level parameter into the header `Mcp-Param-{header}`, so that
    /// proxies can route by it (basic/transports/streamable-http, "Custom Headers from Tool Parameters").
    #[must_use]
    pub fn header(mut self, parameter: &str, header: &str) -> Self {
        self.headers.push((parameter.into(), header.into()));
        self
    }

    /// What a textual argument may hold. Members of objects are named with dots, as in `filter.name`; a list is
    /// held to it item by item, also on the way, as in `lines.text`. Of two rules for one argument both hold.
    ///
    /// ```
    /// use impresario_engine::{Mark, TextRule, ToolSpec};
    ///
    /// let schema = serde_json::json!({ "type": "object", "properties": { "query": { "type": "string" } } });
    /// let search = ToolSpec::from_context("search", schema, |_ctx| async { "nothing" })
    ///     .argument("query", TextRule::default().max_chars(200).control(Mark::Reject).bidi(Mark::Strip));
    /// ```
    #[must_use]
    pub fn argument(mut self, path: impl Into<String>, rule: TextRule) -> Self {
        self.arguments.push((path.into(), rule));
        self
    }

    /// What its answers may hold, in place of the runtime's [`output_rule`](crate::Builder::output_rule).
    #[must_use]
    pub fn output_rule(mut self, rule: OutputRule) -> Self {
        self.output_rule = Some(rule);
        self
    }
}

described!(ToolSpec);

/// What can be registered as a tool: a [`ToolSpec`], or the name of a function with `#[tool]`.
pub trait IntoTool {
    /// The tool, written down.
    fn into_tool(self) -> ToolSpec;
}

impl IntoTool for ToolSpec {
    fn into_tool(self) -> ToolSpec {
        self
    }
}

/// A tool that was checked and may be called.
pub struct Tool {
    /// What `tools/list` says of it.
    pub definition: ToolDefinition,
    /// Arguments are held against it before the tool runs.
    pub(crate) input: Schema,
    /// Answers are held against it.
    pub(crate) output: Option<Schema>,
    /// The parameters that clients of HTTP mirror into headers.
    pub headers: Vec<HeaderParameter>,
    pub(crate) run: Run,
    pub(crate) pool: String,
    /// Where that pool stands among all.
    pub(crate) pool_place: usize,
    pub(crate) timeout: Duration,
    /// Its kept answers, where it declares a cache; they go with it.
    pub(crate) cache: Option<Arc<ToolCache>>,
    /// How its calls become tasks; none for one whose calls never do.
    pub(crate) task: Option<Box<TaskPolicy>>,
    /// Capabilities without which a client may not call it.
    pub(crate) requires: Vec<String>,
    /// A larger answer becomes an error that says so.
    pub(crate) result_bytes_max: usize,
    /// What its textual arguments may hold; nothing for most tools.
    pub(crate) arguments: Option<Box<ArgumentRules>>,
    /// What its answers may hold.
    pub(crate) output_rule: OutputRule,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("name", &self.definition.name).finish_non_exhaustive()
    }
}

/// A parameter that clients of HTTP mirror into a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderParameter {
    /// The `properties` keys that lead to it.
    pub path: Vec<String>,
    /// The whole header name, in lower case: `mcp-param-…`.
    pub header: String,
}

impl Tool {
    /// Its kept answers, where it declares a cache.
    #[must_use]
    pub fn cache(&self) -> Option<&Arc<ToolCache>> {
        self.cache.as_ref()
    }

    /// The capabilities that it requires and this client has not declared, as the error's data names them.
    pub(crate) fn missing_capabilities<'c>(&self, client: impl FnOnce() -> &'c ClientFacts) -> Option<Value> {
        if self.requires.is_empty() {
            return None;
        }
        let declared = client().capabilities().and_then(|declared| serde_json::to_value(declared).ok());
        let is_missing =
            |name: &&String| declared.as_ref().and_then(|declared| declared.get(*name)).is_none();
        let missing: JsonObject =
            self.requires.iter().filter(is_missing).map(|name| (name.clone(), json!({}))).collect();
        (!missing.is_empty()).then(|| json!({ "requiredCapabilities": missing }))
    }

    /// Holds a call's arguments against the tool's rules for texts, and takes out of them what is to be stripped. What
    /// is refused is told, for a model to mend its call.
    pub(crate) fn screen(&self, call: &Call) -> Option<String> {
        let rules = self.arguments.as_deref()?;
        let mistakes = match rules.screen(call.arguments()?) {
            Screened::Clean => return None,
            // What is left must still be what the tool takes.
            Screened::Cleaned(document) => match self.input.check(document.root()) {
                Ok(()) => {
                    call.clean_arguments(document);
                    return None;
                }
                Err(violations) => Violation::join(&violations),
            },
            Screened::Refused(mistakes) => mistakes.join("; "),
        };
        Some(format!("invalid arguments for {}: {mistakes}", self.definition.name))
    }

    /// Cleans an answer, holds it against the output schema, and cuts or refuses it where it is too large. An
    /// answer that breaks its schema is a defect of the tool.
    pub(crate) fn check_output(&self, ending: &mut Ending) {
        let result = match &mut *ending {
            Ending::Answered(Outcome::Tool(result)) => result,
            Ending::Failed(error) => return self.output_rule.clean_message(&mut error.message),
            _ => return,
        };
        self.output_rule.clean_result(result);
        let name = &self.definition.name;
        if !result.is_error
            && let Some(schema) = &self.output
        {
            let structured = result.structured_content.as_ref().unwrap_or(&Value::Null);
            if let Err(violations) = schema.check_value(structured) {
                // Without what was found: that may be anything, and this is a log.
                let violations = Violation::join_rules(&violations);
                tracing::error!(tool = %name, %violations, "a tool's structured output breaks its outputSchema");
                *ending = Ending::Failed(impresario_protocol::McpError::internal());
                return;
            }
        }
        self.output_rule.cap(name, result, size_of_result);
        let max = self.result_bytes_max;
        if size_of_result(result) > max {
            let text =
                format!("the result of {name} is larger than {max} bytes (result_bytes_max); ask for less");
            *ending = Ending::Answered(Outcome::Tool(ToolResult::error(text)));
        }
    }
}

/// A tool's answer as the ending of its call.
fn ending(answer: Result<ToolResult, ToolError>) -> Ending {
    match answer.or_else(ToolError::into_result) {
        Ok(result) => Ending::Answered(Outcome::Tool(result)),
        Err(error) => Ending::Failed(error),
    }
}

/// What a tool takes that takes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
pub struct NoArguments {}

/// The schema of a tool without arguments.
#[must_use]
pub fn no_arguments() -> Value {
    json!({ "type": "object", "additionalProperties": false })
}
