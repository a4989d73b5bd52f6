//! Listening on the loopback without Nagle's delay, and serving a tower service over hyper's HTTP/1.

use std::convert::Infallible;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_service::Service;

/// Connections that the kernel keeps for us until we accept them.
const BACKLOG: i32 = 4096;

/// Binds a port without saying so. Several threads may bind the same one, and the kernel deals connections out.
pub fn bind(port: u16) -> anyhow::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Binds a port and prints the URL on stderr: whoever started us waits for this line.
pub fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::from_std(bind(port)?)?;
    announce(listener.local_addr()?.port());
    Ok(listener)
}

/// Prints the line that says a server is ready.
pub fn announce(port: u16) {
    // In one piece: standard error has no buffer that would keep a line together.
    let line = format!("listening on http://127.0.0.1:{port}/mcp\n");
    eprint!("{line}");
}

/// A free port, for frameworks that insist on binding for themselves and can't say which port they got.
pub fn port_or_free(port: u16) -> anyhow::Result<u16> {
    if port != 0 {
        return Ok(port);
    }
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Serves a tower service at every path, a task for each connection.
pub async fn serve<S, B>(listener: TcpListener, service: S) -> anyhow::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "Impresario's rule; nobody waits for these connections"
        )]
        tokio::spawn(async move {
            // A client that goes away mid-request is no fault of the server.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
