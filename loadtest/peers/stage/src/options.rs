//! The options that every peer has, and the runtime that they ask for.

use std::future::Future;

/// Put these into a peer's own options with `#[command(flatten)]`.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Port to listen on at 127.0.0.1; 0 takes a free one. The URL is printed on stderr.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Threads that serve. One is what is compared.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
}

/// How many of the tools a peer offers.
#[derive(Debug, Clone, clap::Args)]
pub struct ToolOptions {
    /// How many tools to offer: the first two are echo and add; beyond 23 they are copies with names of their own.
    #[arg(long, default_value_t = 23, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    pub tools: u16,
}

impl Options {
    /// Runs a server on as many threads as were asked for; one thread means a runtime without stealing.
    pub fn run<F>(&self, server: F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<()>>,
    {
        let mut builder = match self.threads {
            1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        if self.threads > 1 {
            builder.worker_threads(usize::from(self.threads));
        }
        builder.enable_all().build()?.block_on(server)
    }
}
