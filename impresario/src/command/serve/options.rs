//! How a runtime is served: the flags, and what a config file says where they say nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::BoolishValueParser;
use impresario_engine::{Builder, Limits};
use impresario_store::FileStore;
use impresario_transports::UnixSocket;
use impresario_transports::http::HttpConfig;

use super::state_keys;
use super::tls::TlsOptions;
use crate::config::settings::Server;
use crate::spelling::{LimitSetting, Listen, lanes, log_filter, mode, unix_path};

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
    /// Serve others than this machine, although nobody is asked who they are. Without it an address that can be
    /// reached from elsewhere is refused.
    #[arg(long, env = "IMPRESARIO_INSECURE", value_name = "BOOL", value_parser = BoolishValueParser::new(),
        num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    pub insecure: Option<bool>,
    /// How HTTPS is served.
    #[command(flatten)]
    pub tls: TlsOptions,
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
    pub(super) fn http(&self) -> Option<Listen> {
        let standard = (!self.serves_stdio() && self.lines.is_none())
            .then(|| Listen::Tcp(HttpConfig::default().address));
        self.http.clone().or(standard)
    }

    /// These flags, and where they say nothing, the file.
    pub(super) fn over(self, file: &Server, limits: &[LimitSetting]) -> Self {
        let or = |given: Vec<String>, kept: &Option<Vec<String>>| match given.is_empty() {
            true => kept.clone().unwrap_or_default(),
            false => given,
        };
        Self {
            http: self.http.or_else(|| file.http.clone()),
            insecure: self.insecure.or(file.insecure),
            tls: self.tls.over(&file.tls),
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

    pub(super) fn serves_stdio(&self) -> bool {
        self.stdio.unwrap_or(false)
    }

    pub(super) fn serves_http_sse(&self) -> bool {
        self.sse.unwrap_or(false)
    }

    /// For whom HTTP is served, and what of it.
    pub(super) fn http_config(&self, address: Option<SocketAddr>) -> anyhow::Result<HttpConfig> {
        Ok(HttpConfig {
            allowed_hosts: self.allowed_hosts.clone(),
            allowed_origins: self.allowed_origins.clone(),
            http_sse: self.serves_http_sse(),
            tls: self.tls.read()?,
            insecure: self.insecure.unwrap_or(false),
            ..address.map_or_else(HttpConfig::default, HttpConfig::on)
        })
    }

    /// A socket with the permissions that the flags name.
    pub(super) fn socket(&self, path: PathBuf) -> UnixSocket {
        let socket = UnixSocket::at(path);
        UnixSocket { mode: self.socket_mode.unwrap_or(socket.mode), ..socket }
    }

    /// The limits with those that the flags name.
    pub(super) fn limits(&self) -> anyhow::Result<Limits> {
        let mut limits = Limits::default();
        for LimitSetting { name, value } in &self.limits {
            limits.set(name, *value)?;
        }
        Ok(limits)
    }

    /// The builder with the lanes, limits and keys that the flags name.
    pub(super) fn size(&self, mut builder: Builder) -> anyhow::Result<Builder> {
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
