//! A house with one lane that serves the standard tools over HTTP, in this process.

use std::net::SocketAddr;

use impresario_engine::Runtime;
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;

use crate::catalogue;

/// A server on a free port of this machine. It closes when it is dropped.
#[derive(Debug)]
pub struct House {
    /// Held so that the lane stays up.
    _runtime: Runtime,
    address: SocketAddr,
}

impl House {
    /// Opens a house: one lane, every limit at its default.
    ///
    /// # Errors
    /// When the runtime can't start, or no port is free.
    pub fn open() -> anyhow::Result<Self> {
        let builder = Runtime::builder().name("benches").version("1.0.0").lanes(1);
        let runtime = catalogue::standard(builder).start()?;
        let server = runtime.serve_http(HttpConfig::on(([127, 0, 0, 1], 0).into()))?;
        Ok(Self { address: server.address(), _runtime: runtime })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
