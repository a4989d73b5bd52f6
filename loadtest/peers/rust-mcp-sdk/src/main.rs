//! rust-mcp-sdk over its axum routes, answering with JSON, and checking Host as its own server does.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::Parser;
use peer_stage::listener;
use peer_stage::options::{Options, ToolOptions};
use peer_stage::tools::{self, Definition};
use rust_mcp_axum::{McpMountOptions, mcp_routes};
use rust_mcp_sdk::id_generator::{FastIdGenerator, UuidGenerator};
use rust_mcp_sdk::mcp_http::{
    DEFAULT_MAX_LISTEN_STREAMS, DnsRebindingOptions, McpAppState, McpHttpHandler, Middleware,
    resolve_dns_middleware,
};
use rust_mcp_sdk::mcp_server::{ServerHandler, ToMcpServerHandler};
use rust_mcp_sdk::schema::schema_utils::CallToolError;
use rust_mcp_sdk::schema::{
    CallToolRequestParams, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    ListToolsResultCacheScope, PaginatedRequestParams, RpcError, ServerCapabilities, ServerCapabilitiesTools,
    ServerResult, TextContent, Tool, ToolInputSchema,
};
use rust_mcp_sdk::{McpServer, RequestContext, ServerDetails};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    tools: ToolOptions,
}

struct Peer {
    tools: Vec<Tool>,
}

#[async_trait]
impl ServerHandler for Peer {
    async fn handle_list_tools_request(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: &RequestContext,
        _runtime: Arc<dyn McpServer>,
    ) -> Result<ListToolsResult, RpcError> {
        Ok(ListToolsResult {
            tools: self.tools.clone(),
            meta: None,
            next_cursor: None,
            cache_scope: ListToolsResultCacheScope::Private,
            result_type: "complete".into(),
            ttl_ms: 0,
        })
    }

    async fn handle_call_tool_request(
        &self,
        params: CallToolRequestParams,
        _context: &RequestContext,
        _runtime: Arc<dyn McpServer>,
    ) -> Result<ServerResult, CallToolError> {
        let (text, is_error) = match tools::answer(&params.name, params.arguments.unwrap_or_default()) {
            Ok(text) => (text, None),
            Err(text) => (text, Some(true)),
        };
        let content = vec![ContentBlock::TextContent(TextContent::new(text, None, None))];
        let result_type = "complete".into();
        Ok(ServerResult::CallToolResult(CallToolResult {
            content,
            is_error,
            meta: None,
            result_type,
            structured_content: None,
        }))
    }
}

fn tool(definition: &Definition) -> Tool {
    // The type is a member of its own, which the library always sets to object.
    let mut schema = definition.input_schema.clone();
    schema.remove("type");
    Tool {
        annotations: None,
        description: Some(definition.description.clone()),
        icons: Vec::new(),
        input_schema: ToolInputSchema::new(None, Some(schema)),
        meta: None,
        name: definition.name.clone(),
        output_schema: None,
        title: None,
    }
}

fn details() -> ServerDetails {
    ServerDetails {
        server_info: Implementation {
            name: "rust-mcp-sdk".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            title: None,
            description: None,
            icons: Vec::new(),
            website_url: None,
        },
        capabilities: ServerCapabilities {
            tools: Some(ServerCapabilitiesTools { list_changed: None }),
            ..Default::default()
        },
        meta: None,
        instructions: None,
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let peer = Peer { tools: tools::definitions(arguments.tools.tools).iter().map(tool).collect() };
    arguments.options.run(async {
        let listener = listener::listen(arguments.options.port)?;
        let port = listener.local_addr()?.port();
        let state = McpAppState {
            id_generator: Arc::new(UuidGenerator {}),
            stream_id_gen: Arc::new(FastIdGenerator::new(Some("s_"))),
            server_details: Arc::new(details()),
            handler: peer.to_mcp_server_handler(),
            ping_interval: Duration::from_secs(12),
            transport_options: Arc::default(),
            enable_json_response: true,
            message_observer: None,
            extensions: Arc::default(),
            active_listen_streams: Arc::default(),
            max_listen_streams: DEFAULT_MAX_LISTEN_STREAMS,
        };
        let host_check = resolve_dns_middleware(&mut DnsRebindingOptions::default(), "127.0.0.1", port);
        let middlewares =
            host_check.into_iter().map(|check| Arc::new(check) as Arc<dyn Middleware>).collect();
        let handler = McpHttpHandler::new(None, middlewares, None);
        let mount = McpMountOptions { streamable_http_endpoint: "/mcp".into(), ..Default::default() };
        listener::serve(listener, mcp_routes(Arc::new(state), &mount, handler)).await
    })
}
