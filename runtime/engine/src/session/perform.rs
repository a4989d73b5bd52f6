//! Operations performed: looked up, checked, admitted, handed to a worker. Free of eras.

use std::sync::Arc;
use std::time::Duration;

use impresario_codec::{Node, Violation};
use impresario_protocol::{
    Completion, CompletionTarget, ErrorKind, Limits, ListKind, McpError, Operation, Outcome, ToolResult,
};

use super::kept::{call_cached, was_sent_again};
use super::operation::COMPLETE;
use super::run_tool::run_tool;
use super::{Session, render};
use crate::call::{Call, Ending};
use crate::completion::CompletionRequest;
use crate::context::Context;
use crate::extension::ExtensionParams;
use crate::gate::{Counter, Permit};
use crate::in_flight::InFlight;
use crate::resource::cache_hint;
use crate::template::Variables;
use crate::tool::{CallFuture, Tool};
use crate::workers::Job;

impl Session {
    /// Performs an operation for a call. `calls` counts the session's calls; `in_flight` lists them by id,
    /// where they can be taken back by id.
    pub(super) fn perform(
        &self,
        call: &Arc<Call>,
        operation: &Operation<'_, Node<'_>>,
        calls: &Arc<Counter>,
        in_flight: Option<&Arc<InFlight<Call>>>,
    ) -> Result<(), McpError> {
        match *operation {
            Operation::Ping => call.finish(Ending::Answered(Outcome::Done)),
            Operation::List { kind, cursor } => self.list(call, kind, cursor)?,
            Operation::CallTool { name, arguments } => {
                let tool = self.find_tool(name)?;
                if let Some(missing) = tool.missing_capabilities(|| call.client()) {
                    return Err(lacks_capability(&tool, missing));
                }
                if let Some(mistakes) = check_arguments(&tool, arguments).or_else(|| tool.screen(call)) {
                    call.finish(Ending::Answered(Outcome::Tool(ToolResult::error(mistakes))));
                    return Ok(());
                }
                let arguments = call.arguments();
                let task_ttl_ms = self.task_ttl_ms(call, &tool)?;
                self.admit(call, calls, in_flight)?;
                match task_ttl_ms {
                    None => self.call_tool(call, tool, arguments),
                    Some(ttl_ms) => self.start_task(call, tool, ttl_ms, calls),
                }
            }
            Operation::ReadResource { uri } => {
                let work = self.read_resource(call, uri)?;
                self.admit(call, calls, in_flight)?;
                self.submit(call, work);
            }
            Operation::GetPrompt { name, arguments } => {
                let work = self.get_prompt(call, name, arguments)?;
                self.admit(call, calls, in_flight)?;
                self.submit(call, work);
            }
            Operation::Complete { target, argument, value, settled } => {
                let settled = settled.map(variables).transpose()?.unwrap_or_default();
                let request = CompletionRequest { value: value.into(), settled };
                let work = self.complete(target, argument, request)?;
                self.admit(call, calls, in_flight)?;
                self.submit(call, work);
            }
            Operation::Extend { method } => {
                let work = self.extend(call, method)?;
                self.admit(call, calls, in_flight)?;
                self.submit(call, work);
            }
            Operation::GetTask { .. }
            | Operation::UpdateTask { .. }
            | Operation::CancelTask { .. }
            | Operation::TaskResult { .. }
            | Operation::ListTasks { .. } => self.perform_on_task(call, operation, calls, in_flight)?,
            Operation::Discover
            | Operation::SetLogLevel(_)
            | Operation::Subscribe { .. }
            | Operation::Unsubscribe { .. }
            | Operation::Listen(_) => return Err(McpError::method_not_found(call.message().method())),
        }
        Ok(())
    }

    /// Keeps a request open that listens for changes, until the client takes it back or the house closes.
    pub(super) fn listen(
        &self,
        call: &Arc<Call>,
        in_flight: Option<&Arc<InFlight<Call>>>,
    ) -> Result<(), McpError> {
        let permit = self.stage.shared.gate.admit_listener(&self.listeners)?;
        self.hold(call, permit, in_flight)
    }

    /// Lets the call in: within the limits of its session and the process, and under an id of its own.
    pub(super) fn admit(
        &self,
        call: &Arc<Call>,
        calls: &Arc<Counter>,
        in_flight: Option<&Arc<InFlight<Call>>>,
    ) -> Result<(), McpError> {
        let permit = self.stage.shared.gate.admit(calls)?;
        self.hold(call, permit, in_flight)
    }

    /// Gives the call its permit and lists it under its id, unless the house is closing.
    fn hold(
        &self,
        call: &Arc<Call>,
        permit: Permit,
        in_flight: Option<&Arc<InFlight<Call>>>,
    ) -> Result<(), McpError> {
        if self.stage.shared.closing.has_begun() {
            return Err(McpError::shutting_down());
        }
        call.hold(permit, in_flight)
    }

    fn list(&self, call: &Call, kind: ListKind, cursor: Option<&str>) -> Result<(), McpError> {
        let shared = &self.stage.shared;
        call.finish(Ending::Rendered(render::page(shared, call.facts().dialect, kind, cursor)?));
        Ok(())
    }

    fn find_tool(&self, name: &str) -> Result<Arc<Tool>, McpError> {
        self.check_name(name)?;
        let found = self.stage.shared.registry.snapshot().tool(name).cloned();
        found.ok_or_else(|| McpError::unknown_tool(name))
    }

    /// URIs are bounded before they are looked up.
    pub(super) fn check_uri(&self, uri: &str) -> Result<(), McpError> {
        let max = self.limits().uri_bytes_max;
        if uri.len() > Limits::size(max) {
            let text = format!("the URI is longer than {max} bytes (uri_bytes_max)");
            return Err(McpError::new(ErrorKind::ResourceNotFound, text));
        }
        Ok(())
    }

    /// Names are bounded before they are looked up.
    fn check_name(&self, name: &str) -> Result<(), McpError> {
        let max = self.limits().name_bytes_max;
        if name.len() > Limits::size(max) {
            return Err(McpError::invalid_params(format!(
                "the name is longer than {max} bytes (name_bytes_max)"
            )));
        }
        Ok(())
    }

    fn call_tool(&self, call: &Arc<Call>, tool: Arc<Tool>, arguments: Option<Node<'_>>) {
        if let Some(timeout) = self.timeout_as_task(call, &tool) {
            return run_tool(&self.stage, call, tool, timeout);
        }
        match &tool.cache {
            Some(cache) if !was_sent_again(call) => call_cached(&self.stage, call, &tool, cache, arguments),
            _ => {
                let timeout = tool.timeout;
                run_tool(&self.stage, call, tool, timeout);
            }
        }
    }

    fn read_resource(&self, call: &Arc<Call>, uri: &str) -> Result<CallFuture, McpError> {
        self.check_uri(uri)?;
        let snapshot = self.stage.shared.registry.snapshot();
        let ctx = Context::new(Arc::clone(call), Arc::clone(&self.stage.hub));
        let (reading, hint) = if let Some(resource) = snapshot.resource(uri) {
            ((resource.read)(uri.into(), Variables::default(), ctx), cache_hint(resource.cache.as_ref()))
        } else if let Some((template, variables)) = snapshot.template_for(uri) {
            ((template.spec.read)(uri.into(), variables, ctx), cache_hint(template.spec.cache.as_ref()))
        } else {
            return Err(McpError::resource_not_found(uri));
        };
        Ok(Box::pin(async move {
            let mut ending = reading.await;
            if let Ending::Answered(Outcome::Read(result)) = &mut ending
                && result.cache == impresario_protocol::CacheHint::default()
            {
                result.cache = hint;
            }
            ending
        }))
    }

    fn get_prompt(
        &self,
        call: &Arc<Call>,
        name: &str,
        arguments: Option<Node<'_>>,
    ) -> Result<CallFuture, McpError> {
        self.check_name(name)?;
        let snapshot = self.stage.shared.registry.snapshot();
        let prompt = snapshot.prompt(name).ok_or_else(|| McpError::unknown_prompt(name))?;
        let arguments = arguments.map(variables).transpose()?.unwrap_or_default();
        let is_missing = |name: &str| arguments.get(name).is_none();
        let missing = prompt
            .definition
            .arguments
            .iter()
            .find(|argument| argument.required == Some(true) && is_missing(&argument.name));
        if let Some(missing) = missing {
            let text = format!("prompt {name}: the required argument `{}` is missing", missing.name);
            return Err(McpError::invalid_params(text));
        }
        Ok((prompt.fill)(arguments, Context::new(Arc::clone(call), Arc::clone(&self.stage.hub))))
    }

    /// Whether anything completes arguments; else there is no method for it.
    pub(super) fn completes(&self) -> bool {
        self.stage.shared.registry.snapshot().completes()
    }

    fn complete(
        &self,
        target: CompletionTarget<'_>,
        argument: &str,
        request: CompletionRequest,
    ) -> Result<CallFuture, McpError> {
        let snapshot = self.stage.shared.registry.snapshot();
        let completions = match target {
            CompletionTarget::Prompt(name) => {
                let prompt = snapshot.prompt(name).ok_or_else(|| McpError::unknown_prompt(name))?;
                if !prompt.definition.arguments.iter().any(|known| known.name == argument) {
                    return Err(no_argument(argument));
                }
                &prompt.completions
            }
            CompletionTarget::Template(text) => {
                let template = snapshot.template(text).ok_or_else(|| McpError::resource_not_found(text))?;
                if !template.pattern.variables().any(|known| known == argument) {
                    return Err(no_argument(argument));
                }
                &template.spec.completions
            }
        };
        let suggest =
            completions.iter().find(|(known, _)| known == argument).map(|(_, suggest)| Arc::clone(suggest));
        let values_max = Limits::size(self.limits().completion_values_max);
        Ok(Box::pin(async move {
            let mut values = suggest.map_or_else(Vec::new, |suggest| suggest(request));
            let total = values.len();
            values.truncate(values_max);
            let has_more = Some(total > values.len());
            Ending::Answered(Outcome::Completion(Completion { values, total: Some(total as u64), has_more }))
        }))
    }

    /// Whether a method that not every server has is offered by this one.
    pub(super) fn offers(&self, method: &str) -> bool {
        let snapshot = self.stage.shared.registry.snapshot();
        if method == COMPLETE { snapshot.completes() } else { snapshot.extension_method(method).is_some() }
    }

    fn extend(&self, call: &Arc<Call>, method: &str) -> Result<CallFuture, McpError> {
        let snapshot = self.stage.shared.registry.snapshot();
        let answer = snapshot.extension_method(method).ok_or_else(|| McpError::method_not_found(method))?;
        Ok(answer(ExtensionParams::of(call), Context::new(Arc::clone(call), Arc::clone(&self.stage.hub))))
    }

    /// Hands work that is no tool's to the default pool.
    fn submit(&self, call: &Arc<Call>, work: CallFuture) {
        let timeout = Duration::from_millis(self.limits().call_timeout_ms);
        let cancel_grace = Duration::from_millis(self.limits().cancel_grace_ms);
        let job = Job { call: Arc::clone(call), work, timeout, cancel_grace, tool: None };
        self.stage.workers.submit(job);
    }
}

/// A client that lacks a capability is told which.
fn lacks_capability(tool: &Tool, missing: serde_json::Value) -> McpError {
    let name = &tool.definition.name;
    let text = format!("{name} needs a client with capabilities that yours has not declared: {missing}");
    McpError::new(ErrorKind::MissingCapability, text).with_data(missing)
}

/// What is wrong with a tool's arguments, for a model to mend its call (server/tools, "Error Handling").
fn check_arguments(tool: &Tool, arguments: Option<Node<'_>>) -> Option<String> {
    let violations = match arguments {
        Some(arguments) => tool.input.check(arguments),
        None => tool.input.check_value(&serde_json::json!({})),
    };
    let mistakes = Violation::join(&violations.err()?);
    Some(format!("invalid arguments for {}: {mistakes}", tool.definition.name))
}

/// An object of strings.
fn variables(object: Node<'_>) -> Result<Variables, McpError> {
    let mut variables = Variables::default();
    for (name, value) in object.members() {
        let Some(value) = value.as_str() else {
            return Err(McpError::invalid_params(format!("the argument `{name}` must be a string")));
        };
        variables.insert(name, value);
    }
    Ok(variables)
}

fn no_argument(argument: &str) -> McpError {
    let shown = impresario_protocol::error::Shown(argument);
    McpError::invalid_params(format!("completion/complete: there is no argument `{shown}`"))
}
