//! A client of one server: rmcp's, with a time limit on everything and errors that say what to do.
//!
//! It speaks the newest revision that the server knows. It offers the server nothing (no sampling, no
//! elicitation, no roots), because there may be nobody at the terminal to ask.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ErrorData, Implementation,
    JsonObject, ProgressNotificationParam, ProtocolVersion, ServerPeerInfo,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt, NotificationContext, RunningService,
    ServiceError,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient};

use super::catalogue::Catalogue;
use super::failure::Failure;
use super::progress::Progress;
use super::target::{ServerArgs, Target};

mod child;
pub(crate) mod reason;

use child::ServerLog;

/// What a server may take to end, once nobody needs it any more.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(8);

/// A connection to a server. It is to be closed, so that a server which it started ends.
pub(crate) struct Client {
    service: RunningService<RoleClient, Listener>,
    target: Target,
    timeout: Duration,
    /// What a server that was started writes to standard error, unless that is shown anyway.
    log: Option<ServerLog>,
}

/// What the server may tell us while it works.
struct Listener {
    progress: Progress,
}

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        let identity = Implementation::new("impresario", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), identity)
    }

    async fn on_progress(&self, note: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.progress.show(&note);
    }
}

impl Client {
    /// Connects, by the newest revision that both sides know.
    pub(crate) async fn open(
        target: Target,
        server: &ServerArgs,
        progress: Progress,
    ) -> Result<Self, Failure> {
        let listener = Listener { progress };
        let mut log = None;
        let connecting = async {
            match &target {
                Target::Url(url) => {
                    let transport = http_transport(url, server)?;
                    let connected = listener.serve_with_lifecycle(transport, newest()).await;
                    connected.map_err(|error| unreachable_because(error, &target))
                }
                Target::Command { program, arguments } => {
                    let (transport, kept) = child::start(program, arguments, server.server_log)?;
                    log = kept;
                    let connected = listener.serve_with_lifecycle(transport, newest()).await;
                    connected.map_err(|error| unreachable_because(error, &target))
                }
            }
        };
        let connected = tokio::time::timeout(server.timeout, connecting).await;
        match connected.unwrap_or_else(|_| Err(too_late(&target, server.timeout))) {
            Ok(service) => Ok(Self { service, target, timeout: server.timeout, log }),
            Err(failure) => Err(with_log(failure, log.as_ref())),
        }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// What the server says of itself.
    pub(crate) fn server(&self) -> ServerPeerInfo {
        let unknown = || ServerPeerInfo::new(ProtocolVersion::default(), Default::default());
        self.service.peer_info().map_or_else(unknown, |info| info.as_ref().clone())
    }

    /// Everything the server says that it offers.
    pub(crate) async fn catalogue(&self) -> Result<Catalogue, Failure> {
        let can = self.server().capabilities;
        let mut catalogue = Catalogue::default();
        if can.tools.is_some() {
            catalogue.tools = self.answer(self.service.list_all_tools()).await?;
        }
        if can.resources.is_some() {
            catalogue.resources = self.answer(self.service.list_all_resources()).await?;
            catalogue.resource_templates = self.answer(self.service.list_all_resource_templates()).await?;
        }
        if can.prompts.is_some() {
            catalogue.prompts = self.answer(self.service.list_all_prompts()).await?;
        }
        Ok(catalogue)
    }

    pub(crate) async fn tools(&self) -> Result<Vec<rmcp::model::Tool>, Failure> {
        self.answer(self.service.list_all_tools()).await
    }

    pub(crate) async fn call(&self, tool: String, arguments: JsonObject) -> Result<CallToolResult, Failure> {
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        self.answer(self.service.call_tool(request)).await
    }

    /// Ends the connection, after it brought that result: a server that was started is asked to end, and made
    /// to if it does not.
    pub(crate) async fn close<T>(mut self, result: Result<T, Failure>) -> Result<T, Failure> {
        // What goes wrong here changes nothing about the result, which is there already.
        let _ = self.service.close_with_timeout(CLOSE_TIMEOUT).await;
        result.map_err(|failure| with_log(failure, self.log.as_ref()))
    }

    /// An answer, in time.
    async fn answer<T>(&self, asking: impl Future<Output = Result<T, ServiceError>>) -> Result<T, Failure> {
        let answered = tokio::time::timeout(self.timeout, asking).await;
        let answer = answered.map_err(|_| too_late(&self.target, self.timeout))?;
        answer.map_err(|error| match error {
            ServiceError::McpError(error) => refused(error, &self.target),
            other => Failure::Other(reason::of_service(other, &self.target)),
        })
    }
}

/// The newest revision, and the handshake for servers that don't know it.
fn newest() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::LATEST], legacy_version: None }
}

fn http_transport(
    url: &str,
    server: &ServerArgs,
) -> Result<StreamableHttpClientTransport<reqwest::Client>, Failure> {
    let headers: HashMap<_, _> = server.headers.iter().cloned().collect();
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers);
    Ok(StreamableHttpClientTransport::with_client(http_client(url, server.ca.as_deref())?, config))
}

/// A client of a socket of this machine.
pub(crate) fn unix_client(path: &Path) -> reqwest::ClientBuilder {
    client_builder().tls_certs_only([]).no_proxy().unix_socket(path)
}

fn client_builder() -> reqwest::ClientBuilder {
    // Fails when there is a provider already, which then does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// A client for that URL: one that needs no certificates and no proxy is not held up by either.
fn http_client(url: &str, ca: Option<&Path>) -> Result<reqwest::Client, anyhow::Error> {
    let parsed = reqwest::Url::parse(url)?;
    let mut builder = client_builder();
    if parsed.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    } else if let Some(path) = ca {
        builder = builder.tls_certs_only(authorities(path)?);
    }
    if is_loopback(&parsed) {
        builder = builder.no_proxy();
    }
    Ok(builder.build()?)
}

fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, anyhow::Error> {
    let at = path.display();
    let pem = std::fs::read(path).map_err(|error| anyhow::anyhow!("can't read {at}: {error} (--ca)"))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem)
        .map_err(|error| anyhow::anyhow!("can't use {at}: {error} (--ca)"))?;
    anyhow::ensure!(!found.is_empty(), "{at} has no certificate as PEM (--ca)");
    Ok(found)
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Shows what the server wrote to standard error, if that may explain the failure.
fn with_log(failure: Failure, log: Option<&ServerLog>) -> Failure {
    if let (Failure::Refused { .. } | Failure::Other(_), Some(log)) = (&failure, log) {
        log.show();
    }
    failure
}

fn unreachable_because(error: ClientInitializeError, target: &Target) -> Failure {
    match error {
        ClientInitializeError::JsonRpcError(error) => refused(error, target),
        other => Failure::Other(reason::of_connect(other, target)),
    }
}

fn refused(error: ErrorData, target: &Target) -> Failure {
    Failure::Refused { server: target.to_string(), error: Box::new(error) }
}

fn too_late(target: &Target, timeout: Duration) -> Failure {
    let seconds = timeout.as_secs_f64();
    Failure::Other(anyhow::anyhow!(
        "no answer from {target} within {seconds} s; allow more with --timeout SECONDS"
    ))
}
