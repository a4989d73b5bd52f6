//! How messages come and go: Streamable HTTP for both eras, HTTP+SSE, stdio, Unix domain sockets, and clients in this
//! process.
//!
//! Transports touch sockets and pipes and nothing else does. They turn bytes into messages, hand them to their
//! connection's session actor, and send what comes back. [`Serve`] puts them on a runtime:
//!
//! ```
//! use impresario_engine::{Runtime, ToolSpec, no_arguments};
//! use impresario_transports::Serve as _;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let answer = ToolSpec::from_context("answer", no_arguments(), |_ctx| async { 42 });
//! let runtime = Runtime::builder().tool(answer).lanes(1).start()?;
//! let client = runtime.connect().await?;
//! let result = client.call_tool("answer", serde_json::json!({})).await?;
//! assert_eq!(result.content[0].as_text(), Some("42"));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod accepting;
mod conversation;
pub mod http;
pub mod in_process;
mod incoming;
pub mod lines;
pub mod stdio;
pub mod tls;
mod unix;

use std::io;

use impresario_engine::{McpError, Runtime};

use http::{HttpConfig, HttpServer, HttpService};
use in_process::Client;

pub use unix::UnixSocket;

/// Puts transports on a runtime.
pub trait Serve {
    /// Serves Streamable HTTP. Returns once the sockets listen; requests are served until the runtime shuts
    /// down.
    ///
    /// # Errors
    /// When the address can't be bound or is exposed to others ([`HttpConfig::insecure`]), or the certificate is no good.
    fn serve_http(&self, config: HttpConfig) -> io::Result<HttpServer>;

    /// Serves the same over HTTP at a Unix domain socket; of `config`, hosts, origins and HTTP+SSE count,
    /// and TLS is refused.
    ///
    /// # Errors
    /// When the socket can't be bound, or somebody listens there.
    fn serve_http_unix(&self, socket: &UnixSocket, config: HttpConfig) -> io::Result<()>;

    /// Serves newline-delimited JSON at a Unix domain socket, each connection as stdio is served.
    ///
    /// # Errors
    /// When the socket can't be bound, or somebody listens there.
    fn serve_lines_unix(&self, socket: &UnixSocket) -> io::Result<()>;

    /// A service to mount in an axum, hyper or tower application, at the price of one hop to a lane.
    fn http_service(&self, config: HttpConfig) -> HttpService;

    /// Serves this process's standard input and output until the input ends and everything is answered.
    ///
    /// # Errors
    /// When standard output can't be taken over.
    fn serve_stdio(&self) -> impl Future<Output = io::Result<()>> + Send;

    /// A client in this process, without sockets.
    ///
    /// # Errors
    /// When the runtime is busy or has shut down.
    fn connect(&self) -> impl Future<Output = Result<Client, McpError>> + Send;
}

impl Serve for Runtime {
    fn serve_http(&self, config: HttpConfig) -> io::Result<HttpServer> {
        http::serve(self, config)
    }

    fn serve_http_unix(&self, socket: &UnixSocket, config: HttpConfig) -> io::Result<()> {
        http::serve_unix(self, socket, config)
    }

    fn serve_lines_unix(&self, socket: &UnixSocket) -> io::Result<()> {
        lines::serve_unix(self, socket)
    }

    fn http_service(&self, config: HttpConfig) -> HttpService {
        HttpService::new(self.clone(), config)
    }

    async fn serve_stdio(&self) -> io::Result<()> {
        stdio::serve(self).await
    }

    async fn connect(&self) -> Result<Client, McpError> {
        in_process::connect(self).await
    }
}
