//! The verb `serve`, and serving any runtime with the same flags: start, announce, wait for the end, drain.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser};
use impresario_engine::{Builder, Implementation, Limits, Runtime};
use impresario_store::FileStore;
use impresario_tools::PACKS;
use impresario_tools::skills::Skills;
use impresario_transports::http::{self, AdminSocket, HttpConfig};
use impresario_transports::{UnixSocket, lines, stdio};

use super::failure::Failure;
use super::following::{AdminArg, ConfigArg};
use super::{announce, following, logging};
use crate::config::house::Next;
use crate::config::reload::Keeper;
use crate::config::settings::Server;
use crate::config::{self, Config, Source};
use crate::spelling::{LimitSetting, Listen, lanes, log_filter, mode, unix_path};

mod signals;
mod state_keys;

use signals::Signals;

const EXAMPLES: &str = "\
Examples:
  impresario serve                                 every demo pack on http://127.0.0.1:8000/mcp
  impresario serve --http 127.0.0.1:0              on any free port, which it says
  impresario serve --config impresario.toml        what a file describes, followed while it changes
  impresario serve --stdio --pack calc             one pack, for a client that starts it
  impresario serve --http unix:/run/tools.sock     HTTP at a Unix domain socket, for this user alone
  impresario serve --sse                           also for clients of 2024-11-05, at /sse
  impresario serve --skills ./skills               and a directory of skills
  impresario serve --http 0.0.0.0:8000 --allow-host tools.example.com
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
        let limits = options.limits()?;
        let builder = described(&config, &limits);
        let Next { house, offer, .. } = Next::first(config).await?;
        let started = options.size(builder)?.offer(offer).start();
        let runtime = started.map_err(|error| following::not_started(&house, error))?;
        let keeper = Keeper::new(runtime.clone(), source, house);
        Ok(kept(keeper, admin, serve_runtime(runtime, options)).await?)
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
        served = serving => served,
        failed = following => failed,
        () = answering => Ok(()),
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
    /// Serve Streamable HTTP there: ADDRESS:PORT, a port of this machine alone (port 0 takes any free one), or
    /// unix:PATH. 127.0.0.1:8000 unless --stdio or --lines is given.
    #[arg(long, value_name = "ADDR", env = "IMPRESARIO_HTTP")]
    pub http: Option<Listen>,
    /// With HTTP, serve HTTP+SSE too, the transport of 2024-11-05, at /sse and /messages.
    #[arg(long, env = "IMPRESARIO_SSE", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub sse: Option<bool>,
    /// Serve standard input and output; with --http, that too.
    #[arg(long, env = "IMPRESARIO_STDIO", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub stdio: Option<bool>,
    /// Serve newline-delimited JSON at a Unix domain socket, each connection as --stdio is served.
    #[arg(long, value_name = "unix:PATH", env = "IMPRESARIO_LINES", value_parser = unix_path)]
    pub lines: Option<PathBuf>,
    /// The permissions of Unix domain sockets, in octal; their owner's alone without this flag.
    #[arg(long = "socket-mode", value_name = "MODE", env = "IMPRESARIO_SOCKET_MODE", value_parser = mode)]
    pub socket_mode: Option<u32>,
    /// A directory of skills: folders with a SKILL.md, served as resources and by the Skills extension. What
    /// changes in it is noticed while the server runs.
    #[arg(long, value_name = "DIR", env = "IMPRESARIO_SKILLS")]
    pub skills: Option<PathBuf>,
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
    #[arg(long, value_name = "FILTER", env = "IMPRESARIO_LOG", value_parser = log_filter)]
    pub log: Option<String>,
}

impl ServeOptions {
    /// Where HTTP is served, if it is.
    fn http(&self) -> Option<Listen> {
        let standard = (!self.serves_stdio() && self.lines.is_none())
            .then(|| Listen::Tcp(HttpConfig::default().address));
        self.http.clone().or(standard)
    }

    /// These flags, and where they say nothing, the file.
    fn over(self, file: &Server, limits: &[LimitSetting]) -> Self {
        let or = |given: Vec<String>, kept: &Option<Vec<String>>| match given.is_empty() {
            true => kept.clone().unwrap_or_default(),
            false => given,
        };
        Self {
            http: self.http.or_else(|| file.http.clone()),
            sse: self.sse.or(file.sse),
            stdio: self.stdio.or(file.stdio),
            lines: self.lines.or_else(|| file.lines.clone()),
            socket_mode: self.socket_mode.or(file.socket_mode),
            skills: self.skills,
            lanes: self.lanes.or(file.lanes),
            limits: limits.iter().copied().chain(self.limits).collect(),
            state_key_file: self.state_key_file.or_else(|| file.state_key_file.clone()),
            allowed_hosts: or(self.allowed_hosts, &file.allow_hosts),
            allowed_origins: or(self.allowed_origins, &file.allow_origins),
            task_store: self.task_store.or_else(|| file.task_store.clone()),
            log: self.log.or_else(|| file.log.clone()),
        }
    }

    fn serves_stdio(&self) -> bool {
        self.stdio.unwrap_or(false)
    }

    fn serves_http_sse(&self) -> bool {
        self.sse.unwrap_or(false)
    }

    /// For whom HTTP is served, and what of it.
    fn http_config(&self, address: Option<SocketAddr>) -> HttpConfig {
        HttpConfig {
            allowed_hosts: self.allowed_hosts.clone(),
            allowed_origins: self.allowed_origins.clone(),
            http_sse: self.serves_http_sse(),
            ..address.map_or_else(HttpConfig::default, HttpConfig::on)
        }
    }

    /// A socket with the permissions that the flags name.
    fn socket(&self, path: PathBuf) -> UnixSocket {
        let socket = UnixSocket::at(path);
        UnixSocket { mode: self.socket_mode.unwrap_or(socket.mode), ..socket }
    }

    /// The limits with those that the flags name.
    fn limits(&self) -> anyhow::Result<Limits> {
        let mut limits = Limits::default();
        for LimitSetting { name, value } in &self.limits {
            limits.set(name, *value)?;
        }
        Ok(limits)
    }

    /// The builder with the lanes, limits and keys that the flags name.
    fn size(&self, mut builder: Builder) -> anyhow::Result<Builder> {
        if let Some(lanes) = self.lanes {
            builder = builder.lanes(lanes);
        }
        if !self.limits.is_empty() {
            builder = builder.limits(self.limits()?);
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
    // Watched before anybody is told that the server is there: from then on no signal may just kill it.
    let mut signals = Signals::watch().context("watch for signals")?;
    match options.http() {
        Some(Listen::Tcp(address)) => {
            let server = listen(&runtime, options.http_config(Some(address)))?;
            announce::listening(server, options.serves_http_sse());
        }
        Some(Listen::Unix(path)) => {
            let at = |path: &std::path::Path| format!("can't listen at {}", path.display());
            let config = options.http_config(None);
            http::serve_unix(&runtime, &options.socket(path.clone()), config).with_context(|| at(&path))?;
            announce::listening_at(&path, "http");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_served_unless_only_stdio_is_asked_for() {
        let served = |http: Option<&str>, stdio: bool| {
            let http = http.map(|text| text.parse().unwrap());
            let options = ServeOptions { http, stdio: Some(stdio), ..ServeOptions::default() };
            options.http().map(|listen| listen.to_string())
        };
        assert_eq!(served(None, false).as_deref(), Some("127.0.0.1:8000"));
        assert_eq!(served(Some("127.0.0.1:1"), false).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(served(Some("127.0.0.1:1"), true).as_deref(), Some("127.0.0.1:1"));
        assert_eq!(served(None, true), None);
        assert_eq!(served(Some("unix:/a.sock"), true).as_deref(), Some("unix:/a.sock"));
        let lines = ServeOptions { lines: Some("/a.sock".into()), ..ServeOptions::default() };
        assert_eq!(lines.http(), None);
    }
}
