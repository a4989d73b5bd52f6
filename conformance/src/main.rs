//! The server that the official conformance suite is run against.
//!
//! It is written with the public API of `impresario` alone, and takes the flags of `impresario serve`. What
//! it offers, and under which names, is what the suite asks for; `conformance/run.sh` runs both.
#![forbid(unsafe_code)]

mod prompts;
mod resources;
mod tools;

use clap::Parser;
use impresario::command::{self, ServeOptions};
use impresario::{Builder, CacheHint, CacheScope, Runtime};

/// The fixture server of the official conformance suite.
#[derive(Debug, Parser)]
#[command(name = "impresario-conformance", version)]
struct Arguments {
    #[command(flatten)]
    options: ServeOptions,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { options } = Arguments::parse();
    let runtime = command::start(fixture(), &options)?;
    tools::keep(runtime.clone());
    command::serve_runtime(runtime, options).await
}

/// Everything that the suite asks for.
fn fixture() -> Builder {
    const FIVE_MINUTES_MS: u64 = 300_000;
    let hint = CacheHint { ttl_ms: FIVE_MINUTES_MS, cache_scope: CacheScope::Public };
    let builder = Runtime::builder().name("impresario-conformance").version(env!("CARGO_PKG_VERSION"));
    prompts::install(resources::install(tools::install(builder.list_cache(hint))))
}

/// A picture: one red pixel.
const RED_PIXEL_PNG: &[u8] = include_bytes!("../assets/red-pixel.png");

/// A sound: none, at 8 kHz.
const SILENCE_WAV: &[u8] = include_bytes!("../assets/silence.wav");

#[cfg(test)]
mod tests {
    use super::fixture;

    #[test]
    fn everything_can_be_offered_together() {
        fixture().lanes(1).start().unwrap();
    }
}
