//! What the sections about the server itself may hold: `[server]`, `[limits]`, `[pools.NAME]`, `[cache]`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use impresario_engine::{Limits, PoolConfig};
use impresario_tools::setting::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::keep::Keep;
use super::nearest;
use super::node::{Node, Value, quoted};
use super::problem::{Problem, Problems};
use crate::spelling::{LimitSetting, Listen, lanes, log_filter, mode, unix_path};

/// What the server calls itself, where it listens, and how many threads it has.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// The server's name for programs; `impresario` without this key.
    pub(crate) name: Option<String>,
    /// The version that the server tells clients; that of Impresario without this key.
    pub(crate) version: Option<String>,
    /// The server's name for people.
    pub(crate) title: Option<String>,
    /// How a model should use the server.
    pub(crate) instructions: Option<String>,
    /// Where Streamable HTTP is served: ADDRESS:PORT, a port of this machine alone, or unix:PATH. 127.0.0.1:8000
    /// unless `stdio` or `lines` is set.
    #[serde(deserialize_with = "spelled")]
    #[schemars(with = "Option<String>")]
    pub(crate) http: Option<Listen>,
    /// Serve others than this machine, although nobody is asked who they are. Without it an address that can be
    /// reached from elsewhere is refused.
    pub(crate) insecure: Option<bool>,
    /// How HTTPS is served.
    pub(crate) tls: Tls,
    /// With HTTP, serve HTTP+SSE too, the transport of 2024-11-05, at /sse and /messages.
    pub(crate) sse: Option<bool>,
    /// Serve standard input and output; with `http`, that too.
    pub(crate) stdio: Option<bool>,
    /// Serve newline-delimited JSON at a Unix domain socket: unix:PATH.
    #[serde(deserialize_with = "socket")]
    #[schemars(with = "Option<String>")]
    pub(crate) lines: Option<PathBuf>,
    /// The permissions of the Unix domain sockets of `http` and `lines`, in octal, such as "660"; their owner's
    /// alone without this key.
    #[serde(deserialize_with = "permissions")]
    #[schemars(with = "Option<String>")]
    pub(crate) socket_mode: Option<u32>,
    /// How many lanes (threads with connections) there are; one for each core without this key.
    #[serde(deserialize_with = "lane_count")]
    #[schemars(with = "Option<u16>")]
    pub(crate) lanes: Option<usize>,
    /// Names under which the server is reached besides localhost: HOST or HOST:PORT.
    pub(crate) allow_hosts: Option<Vec<String>>,
    /// Web sites that may call from a browser, such as "https://example.com".
    pub(crate) allow_origins: Option<Vec<String>>,
    /// A file in which tasks survive the process; it is made when it is not there.
    pub(crate) task_store: Option<PathBuf>,
    /// A file with the keys that seal what calls keep with their clients: 64 hexadecimal digits a line.
    pub(crate) state_key_file: Option<PathBuf>,
    /// What to log to standard error, such as "debug" or "impresario=debug,warn".
    #[serde(deserialize_with = "filter")]
    #[schemars(with = "Option<String>")]
    pub(crate) log: Option<String>,
    /// A Unix domain socket for its owner alone, at which the running server can be asked and told: unix:PATH.
    #[serde(deserialize_with = "socket")]
    #[schemars(with = "Option<String>")]
    pub(crate) admin: Option<PathBuf>,
}

impl Server {
    /// The same, relative paths beginning at that directory.
    pub(crate) fn beside(mut self, directory: &Path) -> Self {
        let Tls { cert, key, client_ca, .. } = &mut self.tls;
        let files = [&mut self.task_store, &mut self.state_key_file, cert, key, client_ca];
        for path in files.into_iter().chain([&mut self.lines, &mut self.admin]).flatten() {
            *path = directory.join(&*path);
        }
        if let Some(Listen::Unix(path)) = &mut self.http {
            *path = directory.join(&*path);
        }
        self
    }
}

/// With which certificate HTTP is served, and whose certificates clients show. What is in the files is read anew when
/// it changes; which files they are is read at the start.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// A file with the certificate chain: PEM, the server's own certificate first.
    pub(crate) cert: Option<PathBuf>,
    /// A file with the private key of the certificate: PEM, and for its owner alone.
    pub(crate) key: Option<PathBuf>,
    /// A file with the authorities whose certificates clients show (mutual TLS): PEM.
    pub(crate) client_ca: Option<PathBuf>,
    /// Let clients in that show no certificate.
    pub(crate) client_optional: Option<bool>,
}

/// Workers and threads that some tools have for themselves. What is not said is as in `[limits]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pool {
    /// Async calls at once, over all lanes.
    pub(crate) workers: Option<NonZeroUsize>,
    /// Calls that wait for a worker; more are refused with 42900.
    pub(crate) queue_max: Option<usize>,
    /// A call that waited so long is refused with 42900.
    pub(crate) queue_timeout: Option<Span>,
    /// Threads for blocking tools.
    pub(crate) blocking_threads: Option<NonZeroUsize>,
    /// Threads that timed-out blocking calls may keep before the pool waits for one.
    pub(crate) stuck_threads_max: Option<usize>,
}

impl Pool {
    /// The pool of that name, sized by the limits where nothing is said.
    pub(crate) fn sized(&self, name: &str, limits: &Limits) -> PoolConfig {
        let usual = PoolConfig::new(name, limits);
        PoolConfig {
            workers: self.workers.map_or(usual.workers, NonZeroUsize::get),
            queue_max: self.queue_max.unwrap_or(usual.queue_max),
            queue_timeout: self
                .queue_timeout
                .map_or(usual.queue_timeout, |span| span.0.max(Duration::from_millis(1))),
            blocking_threads: self.blocking_threads.map_or(usual.blocking_threads, NonZeroUsize::get),
            stuck_threads_max: self.stuck_threads_max.unwrap_or(usual.stuck_threads_max),
            ..usual
        }
    }
}

/// The cache of all tools together. How much it may hold stands in `[limits]`; what is kept, and for how long, in
/// `[tools.NAME.cache]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cache {
    /// Which answers stay when there is no room for all.
    pub(crate) eviction: Keep,
}

/// The section `[limits]`: numbers, or text with a unit, as `--limit` takes them.
pub(crate) fn limits(section: &Node) -> Result<Vec<LimitSetting>, Problems> {
    let mut problems = Problems::default();
    let mut settings = Vec::new();
    for entry in section.entries() {
        let problem = |message: String| {
            Problem::new(message).at(&entry.node.place).key(format!("limits.{}", quoted(&entry.key)))
        };
        let Some(info) = Limits::TABLE.iter().find(|info| info.name == entry.key) else {
            let hint = nearest::hint(&entry.key, Limits::TABLE.iter().map(|info| info.name), "limits");
            let help = hint.unwrap_or_else(|| "`impresario limits` lists them".to_owned());
            problems.push(problem(format!("unknown limit `{}`", entry.key)).at(&entry.key_place).help(help));
            continue;
        };
        let text = match &entry.node.value {
            Value::Text(text) => text.meaning().to_owned(),
            Value::Integer(number) => number.to_string(),
            _ => {
                let message = format!("expected a number or text with a unit, found {}", entry.node.kind());
                problems.push(problem(message));
                continue;
            }
        };
        match LimitSetting::read(info, &text) {
            Ok(setting) => settings.push(setting),
            Err(error) => problems.push(problem(error.to_string())),
        }
    }
    problems.or(settings)
}

fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).map(Some).map_err(serde::de::Error::custom)
}

fn spelled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Listen>, D::Error> {
    text(deserializer, str::parse)
}

fn socket<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    text(deserializer, unix_path)
}

fn permissions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    text(deserializer, mode)
}

fn filter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, log_filter)
}

fn lane_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let count = usize::deserialize(deserializer)?;
    lanes(&count.to_string()).map(Some).map_err(serde::de::Error::custom)
}
