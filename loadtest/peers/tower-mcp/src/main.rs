//! tower-mcp over its axum router, with the protocol of 2026-07-28 compiled in.
#![forbid(unsafe_code)]

use clap::Parser;
use peer_stage::listener;
use peer_stage::options::{Options, ToolOptions};
use peer_stage::tools::{self, Definition};
use serde::Deserialize;
use serde_json::Value;
use tower_mcp::extract::RawArgs;
use tower_mcp::schemars::JsonSchema;
use tower_mcp::{CallToolResult, HttpTransport, McpRouter, Tool, ToolBuilder};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    tools: ToolOptions,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "tower_mcp::schemars")]
struct Echo {
    message: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "tower_mcp::schemars")]
struct Add {
    a: f64,
    b: f64,
}

/// Typed handlers for those that are called, because they don't copy their arguments, under the schemas of the file.
fn tool(definition: &'static Definition) -> Tool {
    let name = definition.name.as_str();
    let builder = ToolBuilder::new(name)
        .description(definition.description.as_str())
        .input_schema(Value::Object(definition.input_schema.clone()));
    match name {
        "echo" => {
            builder.handler(|Echo { message }: Echo| async move { Ok(CallToolResult::text(message)) }).build()
        }
        "add" => {
            let add = |Add { a, b }: Add| async move { Ok(CallToolResult::text((a + b).to_string())) };
            builder.handler(add).build()
        }
        _ => {
            let answer = move |_: RawArgs| async move { Ok(CallToolResult::text(format!("{name} is done"))) };
            builder.extractor_handler((), answer).build()
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut router = McpRouter::new().server_info("tower-mcp", env!("CARGO_PKG_VERSION"));
    for definition in tools::definitions(arguments.tools.tools) {
        router = router.tool(tool(definition));
    }
    arguments.options.run(async {
        let router = HttpTransport::new(router).into_router_at("/mcp");
        listener::serve(listener::listen(arguments.options.port)?, router).await
    })
}
