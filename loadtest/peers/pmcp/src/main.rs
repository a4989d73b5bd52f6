//! pmcp over its axum router in its concurrent form, stateless, for both eras.
#![forbid(unsafe_code)]

use std::sync::Arc;

use async_trait::async_trait;
use clap::Parser;
use peer_stage::listener;
use peer_stage::options::{Options, ToolOptions};
use peer_stage::tools::{self, Definition};
use pmcp::server::ToolOutput;
use pmcp::server::axum_router::{RouterConfig, concurrent_router_with_config};
use pmcp::server::streamable_http_server::StreamableHttpServerConfig;
use pmcp::types::{CallToolResult, Content, ProtocolVersion, ToolInfo};
use pmcp::{RequestHandlerExtra, Server, ToolHandler};
use serde_json::Value;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    tools: ToolOptions,
}

struct Peer {
    definition: &'static Definition,
}

impl Peer {
    fn answer(&self, arguments: Value) -> Result<String, String> {
        let Value::Object(arguments) = arguments else { return Err("arguments: pass an object".into()) };
        tools::answer(&self.definition.name, arguments)
    }
}

#[async_trait]
impl ToolHandler for Peer {
    async fn handle(&self, arguments: Value, _extra: RequestHandlerExtra) -> pmcp::Result<Value> {
        self.answer(arguments).map(Value::String).map_err(pmcp::Error::validation)
    }

    fn metadata(&self) -> Option<ToolInfo> {
        let schema = Value::Object(self.definition.input_schema.clone());
        Some(ToolInfo::new(self.definition.name.as_str(), Some(self.definition.description.clone()), schema))
    }

    /// Text as it is: what `handle` returns would be written as JSON inside of the text.
    async fn handle_output(&self, arguments: Value, _extra: RequestHandlerExtra) -> pmcp::Result<ToolOutput> {
        Ok(ToolOutput::Result(match self.answer(arguments) {
            Ok(text) => CallToolResult::new(vec![Content::text(text)]),
            Err(text) => CallToolResult::error(vec![Content::text(text)]),
        }))
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let versions = ["2025-11-25", "2026-07-28"].map(|version| ProtocolVersion(version.into()));
    let mut builder = Server::builder()
        .name("pmcp")
        .version(env!("CARGO_PKG_VERSION"))
        .with_supported_protocol_versions(versions);
    for definition in tools::definitions(arguments.tools.tools) {
        builder = builder.tool(definition.name.as_str(), Peer { definition });
    }
    let server = Arc::new(builder.build()?);
    arguments.options.run(async {
        let config =
            RouterConfig { server_config: StreamableHttpServerConfig::stateless(), ..Default::default() };
        let router = axum::Router::new().nest("/mcp", concurrent_router_with_config(server, config));
        listener::serve(listener::listen(arguments.options.port)?, router).await
    })
}
