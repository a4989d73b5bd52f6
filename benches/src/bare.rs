//! A bare HTTP server: hyper with one fixed reply and no JSON. What is left to save stands next to its numbers.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// Serves one connection after another on a thread of its own, with a reply of that many bytes.
///
/// # Errors
/// When there is no free port, or no thread.
pub fn serve(reply_bytes: usize) -> anyhow::Result<SocketAddr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let reply = Bytes::from(vec![b'x'; reply_bytes]);
    std::thread::Builder::new().name("bare".into()).spawn(move || {
        LocalSet::new().block_on(&runtime, async {
            while let Ok((stream, _peer)) = listener.accept().await {
                if stream.set_nodelay(true).is_err() {
                    continue;
                }
                let service = service_fn(|request| answer(request, reply.clone()));
                // An error says that the client went away in the middle.
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            }
        });
    })?;
    Ok(address)
}

/// Reads the body to its end, and gives the reply.
async fn answer(request: Request<Incoming>, reply: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut body = request.into_body();
    while let Some(Ok(_frame)) = body.frame().await {}
    let mut response = Response::new(Full::new(reply));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
