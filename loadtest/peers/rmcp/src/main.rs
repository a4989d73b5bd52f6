//! The official Rust SDK at its best: a handler written by hand over tools that are made once, and shared by all requests.
//!
//! Its macros rebuild their router for each request, which costs it several times as much; a user who looks at
//! performance writes it like this.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::sync::Arc;

use clap::Parser;
use peer_stage::options::{Options, ToolOptions};
use peer_stage::{listener, tools};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    tools: ToolOptions,
    /// Serve clients before 2026-07-28 in sessions, with answers as server-sent events: the library's default.
    #[arg(long)]
    sessions: bool,
}

#[derive(Clone)]
struct Peer {
    tools: Arc<Vec<Tool>>,
}

impl Peer {
    fn new(count: u16) -> Self {
        let tools = tools::definitions(count).iter().map(|tool| {
            let schema = Arc::new(tool.input_schema.clone());
            Tool::new(Cow::Borrowed(tool.name.as_str()), Cow::Borrowed(tool.description.as_str()), schema)
        });
        Self { tools: Arc::new(tools.collect()) }
    }
}

impl ServerHandler for Peer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let result = match tools::answer(&request.name, request.arguments.unwrap_or_default()) {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(text) => CallToolResult::error(vec![ContentBlock::text(text)]),
        };
        Ok(result.into())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let peer = Peer::new(arguments.tools.tools);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(arguments.sessions)
        .with_json_response(!arguments.sessions);
    let service = StreamableHttpService::new(
        move || Ok(peer.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    arguments.options.run(async { listener::serve(listener::listen(arguments.options.port)?, service).await })
}
