//! One connected `rmcp` client, and the few questions the checks ask of it.
//!
//! It knows nothing of what is right, and never retries: the first answer counts.

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
    ClientRequest, GetPromptRequestParams, GetTaskParams, InputRequest, InputRequests, InputResponses,
    JsonObject, ProtocolVersion, ReadResourceRequestParams, ResourceContents, ServerResult, TaskPayload,
    UpdateTaskParams,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, PeerRequestOptions, RunningService, ServiceError,
};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::person::{Person, Role};

/// Between two looks at a task.
const POLL: Duration = Duration::from_millis(20);

/// Where the server is: an address, or a command to start.
pub(crate) enum Target {
    Http(String),
    Stdio(Vec<String>),
}

impl Target {
    pub(crate) fn parse(arguments: &[String]) -> Option<Self> {
        match arguments {
            [flag, url] if flag == "--http" => Some(Self::Http(url.clone())),
            [flag, command] if flag == "--stdio" && !command.trim().is_empty() => {
                Some(Self::Stdio(command.split_whitespace().map(str::to_owned).collect()))
            }
            _ => None,
        }
    }

    pub(crate) fn transport(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Stdio(_) => "stdio",
        }
    }
}

/// Why a question had no result.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The server answered with a JSON-RPC error of this code.
    Code(i32, String),
    /// The library gave up for a reason of its own.
    Library(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code, message) => write!(out, "error {code}: {message}"),
            Self::Library(reason) => out.write_str(reason),
        }
    }
}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::McpError(data) => Self::Code(data.code.0, data.message.into_owned()),
            other => Self::Library(other.to_string()),
        }
    }
}

/// The text of a tool's first content block, and whether it is an error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ToolAnswer {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

impl From<CallToolResult> for ToolAnswer {
    fn from(result: CallToolResult) -> Self {
        let text = result.content.first().and_then(|block| block.as_text());
        Self {
            text: text.map(|text| text.text.clone()).unwrap_or_default(),
            is_error: result.is_error == Some(true),
        }
    }
}

pub(crate) struct Connection {
    client: RunningService<RoleClient, Person>,
    person: Person,
}

impl Connection {
    /// Connects with the handshake that belongs to the revision.
    pub(crate) async fn open(target: &Target, revision: &str, role: Role) -> Result<Self, String> {
        let lifecycle = if revision < "2026-07-28" {
            ClientLifecycleMode::Initialize
        } else {
            ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::LATEST],
                legacy_version: None,
            }
        };
        let person = Person::new(role);
        let client = match target {
            Target::Http(url) => {
                let transport = StreamableHttpClientTransport::from_uri(url.as_str());
                person.clone().serve_with_lifecycle(transport, lifecycle).await
            }
            Target::Stdio(words) => {
                let mut command = Command::new(&words[0]);
                command.args(&words[1..]);
                let (transport, _) = TokioChildProcess::builder(command)
                    .stderr(Stdio::inherit())
                    .spawn()
                    .map_err(|error| format!("start {words:?}: {error}"))?;
                person.clone().serve_with_lifecycle(transport, lifecycle).await
            }
        };
        let client = client.map_err(|error| error.to_string())?;
        Ok(Self { client, person })
    }

    /// Who answers what this client is asked.
    pub(crate) fn person(&self) -> &Person {
        &self.person
    }

    /// The protocol revision that client and server agreed on.
    pub(crate) fn revision(&self) -> String {
        let server = self.client.peer_info();
        server.map(|server| server.protocol_version.to_string()).unwrap_or_default()
    }

    pub(crate) fn agreed_on(&self, revision: &str) -> Result<(), String> {
        let agreed = self.revision();
        if agreed == revision { Ok(()) } else { Err(format!("expected {revision}, got {agreed:?}")) }
    }

    pub(crate) fn is_modern(&self) -> bool {
        self.revision().as_str() >= "2026-07-28"
    }

    pub(crate) async fn tools(&self) -> Result<Vec<String>, Refusal> {
        let tools = self.client.list_all_tools().await?;
        Ok(tools.into_iter().map(|tool| tool.name.into_owned()).collect())
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<ToolAnswer, Refusal> {
        Ok(self.client.call_tool(tool_call(tool, arguments)).await?.into())
    }

    /// Calls a tool and returns the progress that came, waiting a moment for what overtakes nothing.
    pub(crate) async fn call_with_progress(
        &self,
        tool: &str,
        arguments: Value,
        count: usize,
    ) -> Result<Vec<f64>, Refusal> {
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(tool_call(tool, arguments)));
        let handle = self.client.send_cancellable_request(request, PeerRequestOptions::default()).await?;
        match handle.await_response().await? {
            ServerResult::CallToolResult(_) => {}
            other => return Err(Refusal::Library(format!("not a tool result: {other:?}"))),
        }
        for _ in 0..200 {
            if self.person.progress().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(self.person.progress())
    }

    /// Starts a call, and takes it back the way the library does it.
    pub(crate) async fn call_and_cancel(
        &self,
        tool: &str,
        arguments: Value,
        after: Duration,
    ) -> Result<(), Refusal> {
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(tool_call(tool, arguments)));
        let handle = self.client.send_cancellable_request(request, PeerRequestOptions::default()).await?;
        tokio::time::sleep(after).await;
        Ok(handle.cancel(Some("changed my mind".to_owned())).await?)
    }

    pub(crate) async fn resources(&self) -> Result<Vec<String>, Refusal> {
        let resources = self.client.list_all_resources().await?;
        Ok(resources.into_iter().map(|resource| resource.uri).collect())
    }

    pub(crate) async fn templates(&self) -> Result<Vec<String>, Refusal> {
        let templates = self.client.list_all_resource_templates().await?;
        Ok(templates.into_iter().map(|template| template.uri_template).collect())
    }

    pub(crate) async fn read(&self, uri: &str) -> Result<String, Refusal> {
        let result = self.client.read_resource(ReadResourceRequestParams::new(uri)).await?;
        match result.contents.into_iter().next() {
            Some(ResourceContents::TextResourceContents { text, .. }) => Ok(text),
            other => Err(Refusal::Library(format!("no text among the contents: {other:?}"))),
        }
    }

    pub(crate) async fn prompts(&self) -> Result<Vec<String>, Refusal> {
        let prompts = self.client.list_all_prompts().await?;
        Ok(prompts.into_iter().map(|prompt| prompt.name).collect())
    }

    /// How many messages the prompt has.
    pub(crate) async fn prompt(&self, name: &str, arguments: Value) -> Result<usize, Refusal> {
        let params = GetPromptRequestParams::new(name).with_arguments(object(arguments));
        Ok(self.client.get_prompt(params).await?.messages.len())
    }

    pub(crate) async fn complete(
        &self,
        prompt: &str,
        argument: &str,
        typed: &str,
    ) -> Result<Vec<String>, Refusal> {
        Ok(self.client.complete_prompt_simple(prompt, argument, typed).await?)
    }

    pub(crate) async fn ping(&self) -> Result<(), Refusal> {
        let ping = ClientRequest::PingRequest(Default::default());
        self.client.send_request(ping).await?;
        Ok(())
    }

    /// Calls a tool, which must become a task, and returns the task's id.
    pub(crate) async fn start_task(&self, tool: &str, arguments: Value) -> Result<String, Refusal> {
        match self.client.peer().call_tool_once(tool_call(tool, arguments)).await? {
            CallToolResponse::Task(created) => Ok(created.task.task_id),
            other => Err(Refusal::Library(format!("not a task: {other:?}"))),
        }
    }

    async fn task(&self, id: &str) -> Result<TaskPayload, Refusal> {
        Ok(self.client.peer().get_task(GetTaskParams::new(id)).await?.task.payload)
    }

    pub(crate) async fn task_status(&self, id: &str) -> Result<String, Refusal> {
        match json!(self.task(id).await?.status()) {
            Value::String(status) => Ok(status),
            other => Err(Refusal::Library(format!("no status: {other}"))),
        }
    }

    /// Waits for the end of a task, answering its questions; the text of its result.
    pub(crate) async fn task_text(&self, id: &str) -> Result<String, Refusal> {
        loop {
            match self.task(id).await? {
                TaskPayload::Working => {}
                TaskPayload::InputRequired { input_requests } => {
                    let params = UpdateTaskParams::new(id, self.answers(input_requests)?);
                    self.client.peer().update_task(params).await?;
                }
                TaskPayload::Completed { result } => {
                    let text = json!(result)["content"][0]["text"].take();
                    return Ok(text.as_str().unwrap_or_default().to_owned());
                }
                other => return Err(Refusal::Library(format!("the task has no result: {other:?}"))),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn answers(&self, questions: InputRequests) -> Result<InputResponses, Refusal> {
        let answer = |(key, question)| match question {
            InputRequest::Elicitation(form) => match self.person.answer(form.params) {
                Ok(answer) => Ok((key, json!(answer))),
                Err(error) => Err(Refusal::Library(error.to_string())),
            },
            other => Err(Refusal::Library(format!("not a form: {other:?}"))),
        };
        questions.into_iter().map(answer).collect()
    }

    pub(crate) async fn cancel_task(&self, id: &str) -> Result<(), Refusal> {
        Ok(self.client.peer().cancel_task(CancelTaskParams::new(id)).await?)
    }

    pub(crate) async fn close(self) -> Result<(), String> {
        self.client.cancel().await.map(|_| ()).map_err(|error| error.to_string())
    }
}

fn tool_call(tool: &str, arguments: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool.to_owned()).with_arguments(object(arguments))
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        other => unreachable!("every check writes its arguments as an object, not {other}"),
    }
}
