//! Impresario with the tools that its peers serve, everything that it does by default switched on.
#![forbid(unsafe_code)]

use std::net::{Ipv4Addr, SocketAddr};

use clap::Parser;
use impresario::{Context, HttpConfig, Limits, Runtime, Serve as _, ToolError, ToolSpec};
use peer_stage::listener;
use peer_stage::options::{Options, ToolOptions};
use peer_stage::tools::{self, Definition};
use serde::Deserialize;
use serde_json::Value;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    tools: ToolOptions,
}

#[derive(Deserialize)]
struct Echo<'a> {
    #[serde(borrow)]
    message: std::borrow::Cow<'a, str>,
}

#[derive(Deserialize)]
struct Add {
    a: f64,
    b: f64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let lanes = usize::from(arguments.options.threads);
    let tools = tools::definitions(arguments.tools.tools).iter().map(tool);
    // Its limits stand, but for those that a single client with many sessions or streams would meet.
    let mut limits = Limits::default();
    for limit in ["sessions_max", "sessions_per_client_max", "connections_max", "listeners_max"] {
        limits.set(limit, 200_000)?;
    }
    let runtime =
        Runtime::builder().name("impresario-23").limits(limits).tools(tools).lanes(lanes).start()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.options.port));
    let server = runtime.serve_http(HttpConfig::on(address))?;
    listener::announce(server.address().port());
    // The lanes are threads of their own; this one only waits.
    loop {
        std::thread::park();
    }
}

fn tool(definition: &'static Definition) -> ToolSpec {
    let schema = Value::Object(definition.input_schema.clone());
    let name = definition.name.as_str();
    let spec = match name {
        "echo" => ToolSpec::from_context(name, schema, |ctx: Context| async move {
            let Echo { message } = ctx.arguments()?;
            Ok::<_, ToolError>(message.into_owned())
        }),
        "add" => ToolSpec::from_context(name, schema, |ctx: Context| async move {
            let Add { a, b } = ctx.arguments()?;
            Ok::<_, ToolError>(a + b)
        }),
        _ => ToolSpec::from_context(name, schema, move |_ctx| async move { format!("{name} is done") }),
    };
    spec.description(definition.description.as_str())
}
