//! Where HTTP is served, how, and for whose sites.

use std::net::{Ipv4Addr, SocketAddr};

use crate::tls::TlsConfig;

/// Where HTTP is served, how, and for whose sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// The address to listen on; port 0 takes any free one.
    pub address: SocketAddr,
    /// Names under which the server is reached besides loopback ones and `address` itself: `host` for any
    /// port, or `host:port`. A request for any other host is refused, which stops DNS rebinding.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call from a browser besides the server's own, such as `https://example.com`.
    pub allowed_origins: Vec<String>,
    /// Also serve HTTP+SSE, the transport of 2024-11-05, at `/sse` and `/messages`; for old clients.
    pub http_sse: bool,
    /// Speak TLS, with that certificate; else everything goes in the clear.
    pub tls: Option<TlsConfig>,
    /// Serve others than this machine although nobody is asked who they are. Without it an `address` that can be
    /// reached from elsewhere is refused.
    pub insecure: bool,
}

impl Default for HttpConfig {
    /// This machine alone: `127.0.0.1:8000`.
    fn default() -> Self {
        Self::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)))
    }
}

impl HttpConfig {
    /// Served on that address, for loopback hosts and the server's own origin.
    #[must_use]
    pub fn on(address: SocketAddr) -> Self {
        Self {
            address,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            http_sse: false,
            tls: None,
            insecure: false,
        }
    }
}
