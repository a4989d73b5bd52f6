//! The verb `serve`, and serving any runtime with the same flags: start, announce, wait for the end, drain.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use clap::builder::{PossibleValue, PossibleValuesParser};
use impresario_engine::{Builder, Implementation, Limits, Runtime};
use impresario_tools::PACKS;
use impresario_tools::skills::Skills;
use impresario_transports::http::{self, AdminSocket, HttpConfig, HttpServer};
use impresario_transports::{lines, stdio};

use super::failure::Failure;
use super::following::{AdminArg, ConfigArg};
use super::{announce, following, logging};
use crate::config::house::Next;
use crate::config::reload::Keeper;
use crate::config::settings::Server;
use crate::config::{self, Config, Source};
use crate::spelling::Listen;

mod options;
mod signals;
mod state_keys;
mod tls;

pub use options::ServeOptions;
use signals::Signals;
pub use tls::TlsOptions;

const EXAMPLES: &str = "\
Examples:
  impresario serve                                 every demo pack on http://127.0.0.1:8000/mcp
  impresario serve --http 127.0.0.1:0              on any free port, which it says
  impresario serve --config impresario.toml        what a file describes, followed while it changes
  impresario serve --stdio --pack calc             one pack, for a client that starts it
  impresario serve --http unix:/run/tools.sock     HTTP at a Unix domain socket, for this user alone
  impresario serve --sse                           also for clients of 2024-11-05, at /sse
  impresario serve --skills ./skills               and a directory of skills
  impresario serve --tls-cert chain.pem --tls-key key.pem             the same as https://
  impresario serve --http 0.0.0.0:8000 --allow-host tools.example.com --insecure   for everybody who gets there
  impresario serve --limit call_timeout_ms=10s --limit body_bytes_max=1MiB --log impresario=debug";

/// Quiet but for what a person who runs a server wants to know.
const DEFAULT_LOG: &str = "warn,impresario=info";

/// Serve tools over Streamable HTTP, or over stdio (the default verb).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    admin: AdminArg,
    /// A demo pack to serve; repeat it for several. Without this flag and without a config file, all of them.
    #[arg(long = "pack", value_name = "NAME", env = "IMPRESARIO_PACK", value_delimiter = ',', value_parser = packs())]
    packs: Vec<String>,
    #[command(flatten)]
    options: ServeOptions,
}

fn packs() -> PossibleValuesParser {
    PossibleValuesParser::new(PACKS.iter().map(|pack| PossibleValue::new(pack.name).help(pack.description)))
}

impl Serve {
    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        let source = Source {
            path: self.config.config,
            environment: following::environment(),
            packs: self.packs,
            skills: self.options.skills.take(),
        };
        let config = source.load()?;
        let admin = self.admin.admin.or_else(|| config.server.admin.clone());
        let options = self.options.over(&config.server, &config.limits);
        logging::start(options.log.as_deref(), DEFAULT_LOG);
        // Before anything is opened.
        options.tls.read().map_err(|error| no_tls(&config, &error))?;
        let limits = options.limits()?;
        let builder = described(&config, &limits);
        let Next { house, offer, .. } = Next::first(config).await?;
        let started = options.size(builder)?.offer(offer).start();
        let runtime = started.map_err(|error| following::not_started(&house, error))?;
        let keeper = Keeper::new(runtime.clone(), source, house);
        let secured = Arc::clone(&keeper);
        let serving = until_stopped(runtime, options, move |server| secured.secured_by(server.reloader()));
        Ok(kept(keeper, admin, Box::pin(serving)).await?)
    }
}

/// TLS that is described by halves is a mistake of the file if it says anything of it, else of the flags.
fn no_tls(config: &Config, error: &anyhow::Error) -> Failure {
    match config.root.get("server").and_then(|server| server.get("tls")) {
        Some(_) => {
            let problem = config.problem("server.tls", &error.to_string());
            Failure::Config(problem.help("or say it in [server.tls]: cert, key, client_ca").into())
        }
        None => Failure::usage(error.to_string()),
    }
}

/// A runtime as the file describes it, before it has anything to offer.
fn described(config: &Config, limits: &Limits) -> Builder {
    let Server { name, version, title, instructions, .. } = &config.server;
    let itself = Implementation {
        name: name.clone().unwrap_or_else(|| "impresario".to_owned()),
        version: version.clone().unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
        title: title.clone(),
        ..Implementation::default()
    };
    let builder = Runtime::builder().implementation(itself).eviction(config.cache.eviction.into());
    let builder = instructions.iter().fold(builder, Builder::instructions);
    config.pools.iter().fold(builder, |builder, (name, pool)| builder.pool(pool.sized(name, limits)))
}

/// Serves, and meanwhile follows the config file and answers at the admin socket.
async fn kept(
    keeper: Arc<Keeper>,
    admin: Option<PathBuf>,
    serving: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let socket = admin.map(|path| {
        let limits = Arc::clone(&keeper.runtime().shared().limits);
        let bound = AdminSocket::bind(path.clone(), limits);
        bound.with_context(|| format!("can't listen at {}", path.display())).map(|socket| (socket, path))
    });
    let socket = socket.transpose()?;
    if let Some((_, path)) = &socket {
        tracing::info!(path = %path.display(), "administration is answered there");
    }
    let answering = async {
        let Some((socket, _)) = socket else { return std::future::pending().await };
        let keeper = Arc::clone(&keeper);
        socket.serve(move |request| config::admin::answer(Arc::clone(&keeper), request)).await;
    };
    let following = async {
        if keeper.source().path.is_some() {
            config::watch::follow(Arc::clone(&keeper)).await.context("watch for SIGHUP")?;
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        // In this order: SIGHUP is watched, and so kills nothing, before anybody is told that the server is there.
        biased;
        failed = following => failed,
        served = serving => served,
        () = answering => Ok(()),
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

/// Starts a runtime with the lanes, limits, skills and log that the flags name. A program that changes what it offers
/// while it is served keeps a clone of the runtime.
///
/// # Errors
/// When a limit can't be set, the skills can't be read, or the runtime can't be started.
pub fn start(builder: Builder, options: &ServeOptions) -> anyhow::Result<Runtime> {
    logging::start(options.log.as_deref(), DEFAULT_LOG);
    let skills = options.skills.as_deref().map(skills_in).transpose()?;
    let builder = options.size(builder)?;
    let builder = skills.iter().fold(builder, |builder, skills| builder.offer(skills.offer()));
    let runtime = builder.start().context("start the runtime")?;
    if let Some(skills) = skills {
        skills.follow(&runtime).context("watch the directory of skills")?;
    }
    Ok(runtime)
}

/// Serves a runtime until its standard input ends or the process is told to stop (SIGINT, SIGTERM); then lets
/// what runs finish, within `drain_timeout_ms`. A second signal ends the process at once.
///
/// Says `listening on http://ADDR/mcp`, or `listening on unix:PATH`, on standard error. Must run in a tokio runtime.
///
/// # Errors
/// When the address can't be bound, or standard output can't be taken over.
pub async fn serve_runtime(runtime: Runtime, options: ServeOptions) -> anyhow::Result<()> {
    until_stopped(runtime, options, |_server| ()).await
}

/// Does so, and hands the server over that listens at an address, if one does.
async fn until_stopped(
    runtime: Runtime,
    options: ServeOptions,
    listening: impl FnOnce(&HttpServer),
) -> anyhow::Result<()> {
    // Watched before anybody is told that the server is there: from then on no signal may just kill it.
    let mut signals = Signals::watch().context("watch for signals")?;
    match options.http() {
        Some(Listen::Tcp(address)) => {
            let server = listen(&runtime, options.http_config(Some(address))?)?;
            listening(&server);
            announce::listening(server.scheme(), server.address(), options.serves_http_sse());
        }
        Some(Listen::Unix(path)) => {
            let at = |path: &std::path::Path| format!("can't listen at {}", path.display());
            let config = options.http_config(None)?;
            http::serve_unix(&runtime, &options.socket(path.clone()), config).with_context(|| at(&path))?;
            announce::listening_at(&path, "http");
        }
        None if options.tls.read()?.is_some() => {
            anyhow::bail!("TLS is for HTTP; name an address with --http ADDR")
        }
        None => {}
    }
    if let Some(path) = &options.lines {
        let served = lines::serve_unix(&runtime, &options.socket(path.clone()));
        served.with_context(|| format!("can't listen at {}", path.display()))?;
        announce::listening_at(path, "lines");
    }
    let mut input_ended = pin!(input_ended(&runtime, options.serves_stdio()));
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

fn skills_in(directory: &Path) -> anyhow::Result<Skills> {
    let skills = Skills::open(directory).map_err(|error| {
        anyhow::anyhow!(
            "can't read the skills in {}: {error}; name a directory with --skills DIR",
            directory.display()
        )
    })?;
    tracing::info!(skills = skills.len(), directory = %directory.display(), "serving skills");
    Ok(skills)
}

fn listen(runtime: &Runtime, config: HttpConfig) -> anyhow::Result<HttpServer> {
    let address = config.address;
    http::serve(runtime, config).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable => anyhow::anyhow!(
            "can't listen on {address}: {error}; choose another with --http ADDR, port 0 for any free one"
        ),
        _ => anyhow::anyhow!("can't listen on {address}: {error}"),
    })
}

/// Serves stdio to its end; without stdio, that never comes.
async fn input_ended(runtime: &Runtime, stdio: bool) -> anyhow::Result<()> {
    if stdio {
        return stdio::serve(runtime).await.context("serve standard input and output");
    }
    std::future::pending().await
}
