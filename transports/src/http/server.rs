//! Listens: one socket for each lane on the same port, so that a connection stays where it was accepted.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use impresario_engine::Runtime;
use impresario_engine::session::Stage;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

use super::connection::{self, Reception};
use super::site::Site;
use super::stream::Listener;
use super::{HttpConfig, exposure};
use crate::accepting;
use crate::tls::{Handshakes, Tls, TlsReloader};
use crate::unix::{SocketFile, UnixSocket};

/// A server that listens. It stops when its runtime shuts down.
#[derive(Debug, Clone)]
pub struct HttpServer {
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

impl HttpServer {
    /// Where it listens: with the port that was chosen, if port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that clients connect to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/mcp", self.scheme(), self.address)
    }

    /// `https` where TLS is spoken, else `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Reads the certificate anew when it is told to; nothing where TLS is not spoken.
    #[must_use]
    pub fn reloader(&self) -> Option<TlsReloader> {
        self.tls.clone().map(TlsReloader::new)
    }
}

/// Listens on every lane of a runtime. Connections are accepted when this returns.
///
/// # Errors
/// When the address can't be bound, somebody else listens there, others than this machine would be let in without
/// authentication ([`HttpConfig::insecure`]), the certificate is no good, or the runtime has shut down.
pub fn serve(runtime: &Runtime, mut config: HttpConfig) -> io::Result<HttpServer> {
    let backlog = runtime.shared().limits.backlog_connections_max;
    exposure::check(&config)?;
    let tls = config.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
    config.address = free(config.address)?;
    let address = config.address;
    let listeners: Vec<_> = (0..runtime.lanes()).map(|_| bind(address, backlog)).collect::<Result<_, _>>()?;
    let site = Site::new(Arc::new(config), Arc::clone(runtime.shared()), Arc::clone(runtime.sessions()));
    for (lane, listener) in listeners.into_iter().enumerate() {
        let (site, tls) = (site.clone(), tls.clone());
        let listen = move |stage: &Rc<Stage>| match TcpListener::from_std(listener) {
            Ok(listener) => {
                let handshakes = tls.map(|tls| Handshakes::new(tls, site.limits()));
                let reception = Reception { stage: stage.clone(), site, handshakes };
                tokio::task::spawn_local(accept(Listener::Tcp(listener), reception, None));
            }
            Err(error) => tracing::error!(lane, %error, "a lane can't listen"),
        };
        runtime.on_lane(lane, listen).map_err(io::Error::other)?;
    }
    Ok(HttpServer { address, tls })
}

/// Listens at a Unix domain socket, on every lane. Its clients are known by the user they run as, and name the host
/// `localhost` or one that the configuration allows; its address has no meaning.
///
/// # Errors
/// When the socket can't be bound, somebody listens there, TLS is asked for, which has no use there, or the runtime has
/// shut down.
pub fn serve_unix(runtime: &Runtime, socket: &UnixSocket, config: HttpConfig) -> io::Result<()> {
    if config.tls.is_some() {
        let text = "TLS is not spoken at Unix domain sockets; serve it at an address";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let (listener, file) = socket.listen(runtime.shared().limits.backlog_connections_max)?;
    let file = Arc::new(file);
    let site = Site::new(Arc::new(config), Arc::clone(runtime.shared()), Arc::clone(runtime.sessions()));
    for lane in 0..runtime.lanes() {
        let (listener, site, file) = (listener.try_clone()?, site.clone(), Arc::clone(&file));
        let listen = move |stage: &Rc<Stage>| match UnixListener::from_std(listener) {
            Ok(listener) => {
                let reception = Reception { stage: stage.clone(), site, handshakes: None };
                tokio::task::spawn_local(accept(Listener::Unix(listener), reception, Some(file)));
            }
            Err(error) => tracing::error!(lane, %error, "a lane can't listen"),
        };
        runtime.on_lane(lane, listen).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The address, with a port if it had none, once nobody listens there. Lanes share a port by `SO_REUSEPORT`,
/// and so would a second server, each answering half of the requests; a socket without it finds that out.
fn free(address: SocketAddr) -> io::Result<SocketAddr> {
    std::net::TcpListener::bind(address)?.local_addr()
}

fn bind(address: SocketAddr, backlog: u64) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Accepts connections until the house closes. A socket's file goes with the last lane that listens.
async fn accept(listener: Listener, reception: Reception, _file: Option<Arc<SocketFile>>) {
    let reception = Rc::new(reception);
    let accept = async || listener.accept().await;
    let serve = |(stream, caller), place| connection::serve(stream, caller, Rc::clone(&reception), place);
    accepting::until_closing(&reception.stage, accept, serve).await;
}
