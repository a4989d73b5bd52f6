//! turbomcp over its axum router, with its SIMD JSON, and tools found without walking through their list.
#![forbid(unsafe_code)]

use std::sync::Arc;

use clap::Parser;
use peer_stage::options::{Options, ToolOptions};
use peer_stage::{listener, tools};
use serde_json::Value;
use turbomcp::http::{HttpConfig, router};
use turbomcp::neutral::{CallToolParams, CallToolResult, ListParams, ListToolsResult, Tool};
use turbomcp::prelude::*;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    tools: ToolOptions,
}

#[derive(Clone)]
struct Peer {
    tools: Arc<Vec<Tool>>,
}

impl McpServerCore for Peer {
    fn server_info(&self) -> Implementation {
        Implementation::new("turbomcp", env!("CARGO_PKG_VERSION"))
    }
}

impl WithTools for Peer {
    async fn lookup_tool(&self, _ctx: &ListToolsContext, name: String) -> McpResult<Option<Tool>> {
        Ok(self.tools.iter().find(|tool| tool.name == name).cloned())
    }

    async fn list_tools(&self, _ctx: &ListToolsContext, _params: ListParams) -> McpResult<ListToolsResult> {
        Ok(ListToolsResult::new(self.tools.to_vec()))
    }

    async fn call_tool(&self, _ctx: &CallToolContext, params: CallToolParams) -> McpResult<CallToolResult> {
        Ok(match tools::answer(&params.name, params.arguments) {
            Ok(text) => CallToolResult::text(text),
            Err(text) => CallToolResult::error(text),
        })
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let tools = tools::definitions(arguments.tools.tools).iter().map(|tool| {
        let schema = Value::Object(tool.input_schema.clone());
        Tool::new(tool.name.as_str(), schema).with_description(tool.description.as_str())
    });
    let peer = Peer { tools: Arc::new(tools.collect()) };
    let service = peer.into_server().with_tools().build();
    arguments.options.run(async {
        listener::serve(listener::listen(arguments.options.port)?, router(service, HttpConfig::new())).await
    })
}
