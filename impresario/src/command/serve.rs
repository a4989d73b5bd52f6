//! The verb `serve`, and serving any runtime with the same flags: start, announce, wait for the end, drain.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;

use anyhow::Context;
use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser};
use impresario_engine::{Builder, Limits, Runtime};
use impresario_store::FileStore;
use impresario_tools::PACKS;
use impresario_transports::http::{self, HttpConfig};
use impresario_transports::stdio;

use super::failure::Failure;
use super::limits::LimitSetting;
use super::{announce, logging};

mod signals;
mod state_keys;

use signals::Signals;

const EXAMPLES: &str = "\
Examples:
  impresario serve                                 every demo pack on http://127.0.0.1:8000/mcp
  impresario serve --http 127.0.0.1:0              on any free port, which it says
  impresario serve --stdio --pack calc             one pack, for a client that starts it
  impresario serve --http 0.0.0.0:8000 --allow-host tools.example.com
  impresario serve --limit call_timeout_ms=10s --limit body_bytes_max=1MiB --log impresario=debug";

/// Quiet but for what a person who runs a server wants to know.
const DEFAULT_LOG: &str = "warn,impresario=info";

/// Serve tools over Streamable HTTP, or over stdio (the default verb).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// A demo pack to serve; repeat it for several. All of them without this flag.
    #[arg(long = "pack", value_name = "NAME", env = "IMPRESARIO_PACK", value_delimiter = ',', value_parser = packs())]
    packs: Vec<String>,
    #[command(flatten)]
    options: ServeOptions,
}

fn packs() -> PossibleValuesParser {
    PossibleValuesParser::new(PACKS.iter().map(|pack| PossibleValue::new(pack.name).help(pack.description)))
}

impl Serve {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let builder = Runtime::builder().name("impresario").version(env!("CARGO_PKG_VERSION"));
        let wanted = |name: &str| self.packs.is_empty() || self.packs.iter().any(|pack| pack == name);
        let chosen = PACKS.iter().filter(|pack| wanted(pack.name));
        let builder = chosen.fold(builder, |builder, pack| (pack.install)(builder));
        Ok(serve(builder, self.options).await?)
    }
}

/// How a runtime is served: the flags of `impresario serve`, for other commands that serve one too.
///
/// ```
/// use clap::Parser;
/// use impresario::Runtime;
/// use impresario::command::{ServeOptions, serve};
///
/// #[derive(Parser)]
/// struct Arguments {
///     #[command(flatten)]
///     options: ServeOptions,
/// }
///
/// # async fn run() -> anyhow::Result<()> {
/// let arguments = Arguments::parse();
/// serve(Runtime::builder().name("mine"), arguments.options).await
/// # }
/// ```
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServeOptions {
    /// Serve Streamable HTTP there: ADDRESS:PORT, or a port of this machine alone; port 0 takes any free one.
    /// 127.0.0.1:8000 unless --stdio is given.
    #[arg(long, value_name = "ADDR", env = "IMPRESARIO_HTTP", value_parser = address)]
    pub http: Option<SocketAddr>,
    /// Serve standard input and output; with --http, that too.
    #[arg(long, env = "IMPRESARIO_STDIO", value_parser = BoolishValueParser::new())]
    pub stdio: bool,
    /// How many lanes (threads with connections) there are; one for each core without this flag.
    #[arg(long, value_name = "N", env = "IMPRESARIO_LANES", value_parser = lanes)]
    pub lanes: Option<usize>,
    /// Set a limit, such as body_bytes_max=1MiB or call_timeout_ms=10s; `impresario limits` lists them.
    #[arg(long = "limit", value_name = "NAME=VALUE", env = "IMPRESARIO_LIMIT", value_delimiter = ',')]
    pub limits: Vec<LimitSetting>,
    /// A file with the keys that seal what calls keep with their clients while they wait for answers, so that
    /// replicas can resume one another's calls: 64 hexadecimal digits a line, the first seals, all open. The
    /// variable IMPRESARIO_STATE_KEY may hold the keys themselves. Without either, a random key.
    #[arg(long, value_name = "PATH", env = "IMPRESARIO_STATE_KEY_FILE")]
    pub state_key_file: Option<PathBuf>,
    /// A name under which the server is reached besides localhost: HOST or HOST:PORT. Requests for other
    /// hosts are refused.
    #[arg(long = "allow-host", value_name = "HOST", env = "IMPRESARIO_ALLOW_HOST", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// A web site that may call from a browser, such as `https://example.com`.
    #[arg(
        long = "allow-origin",
        value_name = "ORIGIN",
        env = "IMPRESARIO_ALLOW_ORIGIN",
        value_delimiter = ','
    )]
    pub allowed_origins: Vec<String>,
    /// A file in which tasks survive the process; it is made when it is not there. Without one they end with
    /// the process.
    #[arg(long, value_name = "PATH", env = "IMPRESARIO_TASK_STORE")]
    pub task_store: Option<PathBuf>,
    /// What to log to standard error, such as debug or impresario=debug,warn. RUST_LOG does the same.
    #[arg(long, value_name = "FILTER", env = "IMPRESARIO_LOG", value_parser = logging::filter)]
    pub log: Option<String>,
}

impl ServeOptions {
    /// Where HTTP is served, if it is.
    fn http_config(&self) -> Option<HttpConfig> {
        let standard = (!self.stdio).then(HttpConfig::default);
        let mut config = self.http.map(HttpConfig::on).or(standard)?;
        config.allowed_hosts.extend(self.allowed_hosts.iter().cloned());
        config.allowed_origins.extend(self.allowed_origins.iter().cloned());
        Some(config)
    }

    /// The builder with the lanes, limits and keys that the flags name.
    fn size(&self, mut builder: Builder) -> anyhow::Result<Builder> {
        if let Some(lanes) = self.lanes {
            builder = builder.lanes(lanes);
        }
        if !self.limits.is_empty() {
            let mut limits = Limits::default();
            for LimitSetting { name, value } in &self.limits {
                limits.set(name, *value)?;
            }
            builder = builder.limits(limits);
        }
        if let Some(path) = &self.task_store {
            builder =
                builder.task_store(FileStore::open(path).context("open the task store (--task-store)")?);
        }
        let keys = state_keys::read(self.state_key_file.as_deref())?;
        Ok(keys.into_iter().fold(builder, Builder::state_key))
    }
}

/// Starts a runtime by the flags and serves it, as [`start`] and [`serve_runtime`] do.
///
/// # Errors
/// Those of both.
pub async fn serve(builder: Builder, options: ServeOptions) -> anyhow::Result<()> {
    let runtime = start(builder, &options)?;
    serve_runtime(runtime, options).await
}

/// Starts a runtime with the lanes, limits and log that the flags name. A program that changes what it offers
/// while it is served keeps a clone of the runtime.
///
/// # Errors
/// When a limit can't be set, or the runtime can't be started.
pub fn start(builder: Builder, options: &ServeOptions) -> anyhow::Result<Runtime> {
    logging::start(options.log.as_deref(), DEFAULT_LOG);
    options.size(builder)?.start().context("start the runtime")
}

/// Serves a runtime until its standard input ends or the process is told to stop (SIGINT, SIGTERM); then lets
/// what runs finish, within `drain_timeout_ms`. A second signal ends the process at once.
///
/// Says `listening on http://ADDR/mcp` on standard error. Must run in a tokio runtime.
///
/// # Errors
/// When the address can't be bound, or standard output can't be taken over.
pub async fn serve_runtime(runtime: Runtime, options: ServeOptions) -> anyhow::Result<()> {
    // Watched before anybody is told that the server is there: from then on no signal may just kill it.
    let mut signals = Signals::watch().context("watch for signals")?;
    if let Some(config) = options.http_config() {
        let server = listen(&runtime, config)?;
        announce::listening(server);
    }
    let mut input_ended = pin!(input_ended(&runtime, options.stdio));
    let stopped_by = tokio::select! {
        ended = &mut input_ended => { ended?; None }
        signal = signals.next() => Some(signal),
    };
    if let Some(signal) = stopped_by {
        tracing::info!(%signal, "draining; a second signal ends the process at once");
    }
    let answered = async {
        // What was asked on stdio before the signal is answered while the runtime drains.
        if stopped_by.is_some() {
            input_ended.await?;
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        () = runtime.shutdown() => Ok(()),
        failed = answered => failed,
        signal = signals.next() => signal.end_process(),
    }
}

fn listen(runtime: &Runtime, config: HttpConfig) -> anyhow::Result<SocketAddr> {
    let address = config.address;
    let server = http::serve(runtime, config).map_err(|error| {
        anyhow::anyhow!(
            "can't listen on {address}: {error}; choose another with --http ADDR, port 0 for any free one"
        )
    })?;
    Ok(server.address())
}

/// Serves stdio to its end; without stdio, that never comes.
async fn input_ended(runtime: &Runtime, stdio: bool) -> anyhow::Result<()> {
    if stdio {
        return stdio::serve(runtime).await.context("serve standard input and output");
    }
    std::future::pending().await
}

/// An address to listen on, or a port of this machine alone.
fn address(text: &str) -> Result<SocketAddr, String> {
    let here = |port: &str| port.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let local = text.strip_prefix("localhost:").unwrap_or(text);
    let address = text.parse().ok().or_else(|| here(local));
    address.ok_or_else(|| "write ADDRESS:PORT, such as 127.0.0.1:8000 or [::1]:0, or only a port".to_owned())
}

fn lanes(text: &str) -> Result<usize, String> {
    const MAX: usize = 1024;
    let lanes = text.parse().ok().filter(|lanes| (1..=MAX).contains(lanes));
    lanes.ok_or_else(|| format!("write a number from 1 to {MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_every_way_in_which_people_write_one() {
        let rows = [
            ("127.0.0.1:9000", Some("127.0.0.1:9000")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            ("[::1]:0", Some("[::1]:0")),
            ("9000", Some("127.0.0.1:9000")),
            ("localhost:0", Some("127.0.0.1:0")),
            (":9000", None),
            ("example.com:80", None),
            ("127.0.0.1", None),
            ("70000", None),
        ];
        for (text, expected) in rows {
            let read = address(text).ok().map(|address| address.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn http_is_served_unless_only_stdio_is_asked_for() {
        let served = |http: Option<&str>, stdio: bool| {
            let http = http.map(|text| text.parse().unwrap());
            let options = ServeOptions { http, stdio, ..ServeOptions::default() };
            options.http_config().map(|config| config.address.to_string())
        };
        assert_eq!(served(None, false).as_deref(), Some("127.0.0.1:8000"));
        assert_eq!(served(Some("127.0.0.1:1"), false).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(served(Some("127.0.0.1:1"), true).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(served(None, true), None);
    }
}
