//! Clients in this process: for embedders, and for testing tools without sockets.
//!
//! A call goes to a lane as a message and comes back as typed values; results are never written as JSON.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::actor::Remote;
use impresario_engine::call::{Call, CallEvent, CancelReason, Ending};
use impresario_engine::hub::Subscriber;
use impresario_engine::session::{Connection, ConnectionKind, Session, SessionMsg, Stage, Via};
use impresario_engine::{
    Caller, ClientCapabilities, Completion, McpError, PromptResult, ReadResult, Runtime, ToolResult,
};
use impresario_protocol::client::{InputRequest, InputResponse};
use impresario_protocol::{
    ListenFilter, Notification, Outcome, PromptDefinition, ResourceDefinition, TemplateDefinition,
    ToolDefinition,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use answers::Answers;

mod answers;

/// A client in this process. Cheap to clone, usable from any thread; calls may overlap.
#[derive(Clone)]
pub struct Client {
    runtime: Runtime,
    session: Remote<Session>,
    next_id: Arc<AtomicI64>,
    /// Who answers what tools ask.
    answers: Option<Answers>,
    /// Dropped with the last clone, which ends the session on its lane.
    _open: Arc<oneshot::Sender<()>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Connects a client to a runtime of this process.
///
/// # Errors
/// When the runtime is busy or has shut down.
pub async fn connect(runtime: &Runtime) -> Result<Client, McpError> {
    let (session_tx, session_rx) = oneshot::channel();
    let (open, closed) = oneshot::channel();
    let errand = move |stage: &Rc<Stage>| {
        let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
        // An error says that the caller has given up waiting.
        drop(session_tx.send(connection.remote()));
        tokio::task::spawn_local(async move {
            // Resolves when the last client is dropped.
            drop(closed.await);
            connection.close();
        });
    };
    runtime.on_lane(runtime.next_lane(), errand)?;
    let session = session_rx.await.map_err(|_lane_ended| McpError::shutting_down())?;
    let next_id = Arc::default();
    Ok(Client { runtime: runtime.clone(), session, next_id, answers: None, _open: Arc::new(open) })
}

impl Client {
    /// The same client, declaring that it can be asked what `capabilities` say; `answer` is given each question
    /// with its key, and answers it.
    #[must_use]
    pub fn answering<F, Fut>(mut self, capabilities: &ClientCapabilities, answer: F) -> Self
    where
        F: Fn(String, InputRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = InputResponse> + Send + 'static,
    {
        self.answers = Some(Answers::new(capabilities, answer));
        self
    }

    /// Calls a tool and waits for its result.
    ///
    /// # Errors
    /// When there is no such tool, or the call was refused or could not be done. A tool that failed is a
    /// result with `is_error`.
    pub async fn call_tool(&self, name: &str, arguments: impl Into<Value>) -> Result<ToolResult, McpError> {
        self.start_tool(name, arguments)?.result().await
    }

    /// Calls a tool and gives a handle to its run: for progress, log messages and cancellation.
    ///
    /// # Errors
    /// When the runtime is busy or has shut down.
    pub fn start_tool(&self, name: &str, arguments: impl Into<Value>) -> Result<Running, McpError> {
        self.ask("tools/call", json!({ "name": name, "arguments": arguments.into() }))
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// When there is none at that URI, or it can't be read.
    pub async fn read_resource(&self, uri: &str) -> Result<ReadResult, McpError> {
        match self.ask("resources/read", json!({ "uri": uri }))?.outcome().await? {
            Outcome::Read(result) => Ok(result),
            other => Err(unexpected(&other)),
        }
    }

    /// Fills in a prompt; every argument is a string.
    ///
    /// # Errors
    /// When there is no such prompt, or an argument is missing.
    pub async fn get_prompt(
        &self,
        name: &str,
        arguments: impl Into<Value>,
    ) -> Result<PromptResult, McpError> {
        match self
            .ask("prompts/get", json!({ "name": name, "arguments": arguments.into() }))?
            .outcome()
            .await?
        {
            Outcome::Prompt(result) => Ok(result),
            other => Err(unexpected(&other)),
        }
    }

    /// Suggests values for a prompt's argument.
    ///
    /// # Errors
    /// When there is no such prompt or argument, or nothing completes.
    pub async fn complete_prompt(
        &self,
        prompt: &str,
        argument: &str,
        value: &str,
    ) -> Result<Completion, McpError> {
        self.complete(json!({ "type": "ref/prompt", "name": prompt }), argument, value).await
    }

    /// Suggests values for a template's variable.
    ///
    /// # Errors
    /// When there is no such template or variable, or nothing completes.
    pub async fn complete_template(
        &self,
        template: &str,
        variable: &str,
        value: &str,
    ) -> Result<Completion, McpError> {
        self.complete(json!({ "type": "ref/resource", "uri": template }), variable, value).await
    }

    async fn complete(&self, target: Value, argument: &str, value: &str) -> Result<Completion, McpError> {
        let params = json!({ "ref": target, "argument": { "name": argument, "value": value } });
        match self.ask("completion/complete", params)?.outcome().await? {
            Outcome::Completion(completion) => Ok(completion),
            other => Err(unexpected(&other)),
        }
    }

    /// Every tool, in the order of registration.
    #[must_use]
    pub fn list_tools(&self) -> Vec<ToolDefinition> {
        self.runtime.shared().registry.snapshot().tool_definitions()
    }

    /// Every resource, in the order of registration.
    #[must_use]
    pub fn list_resources(&self) -> Vec<ResourceDefinition> {
        self.runtime.shared().registry.snapshot().resource_definitions()
    }

    /// Every family of resources, in the order of registration.
    #[must_use]
    pub fn list_templates(&self) -> Vec<TemplateDefinition> {
        self.runtime.shared().registry.snapshot().template_definitions()
    }

    /// Every prompt, in the order of registration.
    #[must_use]
    pub fn list_prompts(&self) -> Vec<PromptDefinition> {
        self.runtime.shared().registry.snapshot().prompt_definitions()
    }

    /// Listens for changes, until what is returned is dropped.
    #[must_use]
    pub fn listen(&self, filter: ListenFilter) -> Arc<Subscriber> {
        self.runtime.shared().hub.subscribe(filter)
    }

    fn ask(&self, method: &'static str, params: Value) -> Result<Running, McpError> {
        let call = self.send(method, params.clone())?;
        let again = self.answers.is_some().then(|| (self.clone(), method, params));
        Ok(Running { call, again, has_ended: false })
    }

    fn send(&self, method: &str, mut params: Value) -> Result<Arc<Call>, McpError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        params["_meta"] = json!({ "progressToken": id });
        if let Some(answers) = &self.answers {
            answers.declare(&mut params);
        }
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        let shared = self.runtime.shared();
        let message = Message::parse(request.as_bytes(), &DecodeLimits::from(&*shared.limits));
        let message = message.map_err(|refused| refused.error)?;
        let call = Arc::new(Call::new(message, shared.call_limits()));
        if self.session.tell(SessionMsg::Request(Arc::clone(&call), Via::InProcess)).is_err() {
            return Err(if shared.closing.has_begun() {
                McpError::shutting_down()
            } else {
                const RETRY_AFTER_MS: u64 = 1_000;
                McpError::overloaded(
                    "this client has too much under way (session_mailbox_messages_max); retry later",
                    RETRY_AFTER_MS,
                )
            });
        }
        Ok(call)
    }
}

/// A call under way. Dropping it before its end takes the call back.
#[derive(Debug)]
pub struct Running {
    call: Arc<Call>,
    /// What is sent again with the answers to what the tool asks, where somebody answers.
    again: Option<(Client, &'static str, Value)>,
    has_ended: bool,
}

impl Running {
    /// The next progress or log message.
    ///
    /// # Errors
    /// When the call has ended: what is returned then holds its result.
    pub async fn next_notification(&mut self) -> Result<Notification, Ended> {
        loop {
            match self.call.next_event().await {
                CallEvent::Notification(notification) => return Ok(notification),
                // Questions come to this client at the end of a call.
                CallEvent::Told(_) => {}
                CallEvent::Ended(ending) => {
                    self.has_ended = true;
                    match self.go_on(ending).await {
                        Ok(None) => {}
                        Ok(Some(outcome)) => return Err(Ended(Ok(outcome))),
                        Err(error) => return Err(Ended(Err(error))),
                    }
                }
            }
        }
    }

    /// Waits for a tool's result; messages on the way are dropped.
    ///
    /// # Errors
    /// As [`Client::call_tool`].
    pub async fn result(self) -> Result<ToolResult, McpError> {
        match self.outcome().await? {
            Outcome::Tool(result) => Ok(result),
            other => Err(unexpected(&other)),
        }
    }

    /// Takes the call back.
    pub fn cancel(&self) {
        self.call.cancel(CancelReason::Asked);
    }

    async fn outcome(mut self) -> Result<Outcome, McpError> {
        loop {
            let ending = self.call.ended().await;
            self.has_ended = true;
            if let Some(outcome) = self.go_on(ending).await? {
                return Ok(outcome);
            }
        }
    }

    /// What the ending of a call says; nothing when the call has been sent again with answers.
    async fn go_on(&mut self, ending: Ending) -> Result<Option<Outcome>, McpError> {
        match (ending, &self.again) {
            (Ending::InputRequired(required), Some((client, method, params))) => {
                if let Some(answers) = &client.answers {
                    let params = answers.again(params.clone(), *required).await;
                    self.call = client.send(method, params)?;
                    self.has_ended = false;
                }
                Ok(None)
            }
            (ending, _) => outcome_of(ending).map(Some),
        }
    }
}

/// The end of a call, with what came of it.
#[derive(Debug)]
pub struct Ended(Result<Outcome, McpError>);

impl Ended {
    /// The tool's result.
    ///
    /// # Errors
    /// As [`Client::call_tool`].
    pub fn result(self) -> Result<ToolResult, McpError> {
        match self.0? {
            Outcome::Tool(result) => Ok(result),
            other => Err(unexpected(&other)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            self.call.cancel(CancelReason::Disconnected);
        }
    }
}

fn outcome_of(ending: Ending) -> Result<Outcome, McpError> {
    match ending {
        Ending::Answered(outcome) => Ok(outcome),
        Ending::Failed(error) | Ending::Refused(error) => Err(error),
        Ending::TimedOut { after } => {
            let text = format!(
                "the call did not finish within {} ms (its timeout; call_timeout_ms without one of its own)",
                after.as_millis()
            );
            Ok(Outcome::Tool(ToolResult::error(text)))
        }
        Ending::InputRequired(_) => Err(McpError::invalid_request(
            "the call asks its client something, and this client answers nothing; give it answers (Client::answering)",
        )),
        Ending::Cancelled => Err(McpError::invalid_request("the call was cancelled")),
        Ending::Rendered(_) => Err(McpError::internal()),
    }
}

fn unexpected(outcome: &Outcome) -> McpError {
    tracing::error!(?outcome, "a call came to an outcome of another kind");
    McpError::internal()
}
