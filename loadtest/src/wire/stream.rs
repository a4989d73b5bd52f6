//! A byte stream to a server, plain or TLS, and how it is opened.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::tls;
use crate::fault::Fault;
use crate::plan::Trust;
use crate::url::Url;

/// Where connections go, looked up once for all of them.
#[derive(Clone)]
pub struct Endpoint {
    /// Its address.
    pub address: SocketAddr,
    /// How to speak TLS with it, if so.
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Endpoint")
            .field("address", &self.address)
            .field("is_tls", &self.tls.is_some())
            .finish()
    }
}

impl Endpoint {
    /// Looks the host up, and waits so long for that and for each address. Of several addresses the first that accepts a connection is taken.
    ///
    /// # Errors
    /// When there is no such host, nobody accepts, or the certificates to trust can't be read.
    pub async fn of(url: &Url, trust: &Trust, limit: Duration) -> Result<Self, Fault> {
        let server = |reason: String| Fault::Server { address: url.to_string(), reason };
        let addresses = timeout(limit, tokio::net::lookup_host((url.host.as_str(), url.port)))
            .await
            .map_err(|_| server("the host was not looked up in time".to_owned()))?
            .map_err(|error| server(format!("can't look the host up: {error}")))?;
        let mut refusal = "the host has no address".to_owned();
        for address in addresses {
            let connected = timeout(limit, TcpStream::connect(address)).await;
            match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(_) => {
                    let tls = if url.is_tls { Some(secured(url, trust)?) } else { None };
                    return Ok(Self { address, tls });
                }
                Err(error) => refusal = format!("can't connect to {address}: {error}"),
            }
        }
        Err(server(refusal))
    }

    /// Opens a connection: from that address of this machine, and with that receive buffer, if they are named.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn open(&self, from: Option<IpAddr>, receive_buffer_bytes: Option<u32>) -> io::Result<Stream> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        if let Some(bytes) = receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Stream::Plain(stream)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                Ok(Stream::Tls(Box::new(stream)))
            }
        }
    }
}

fn secured(url: &Url, trust: &Trust) -> Result<(TlsConnector, ServerName<'static>), Fault> {
    let name = ServerName::try_from(url.host.clone())
        .map_err(|_| Fault::plan(format!("`{}` is no name that a certificate could have", url.host)))?;
    Ok((TlsConnector::from(Arc::new(tls::config(trust)?)), name))
}

/// An open connection.
#[derive(Debug)]
pub enum Stream {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(ctx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(ctx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, ctx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(ctx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(ctx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(ctx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(ctx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(ctx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(ctx),
        }
    }
}
