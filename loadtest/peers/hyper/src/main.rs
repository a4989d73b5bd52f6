//! The floor under every server of this kind: hyper alone reads the body and answers fixed bytes.
//!
//! It parses no JSON and checks nothing, so it is no MCP server; it answers every request as if it were a tools/call.
//! Each thread has a runtime and a listener of its own, and a connection never leaves its thread.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::rc::Rc;

use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use peer_stage::listener;
use peer_stage::options::Options;
use peer_stage::reply::{self, Reply, ReplyOptions};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    reply: ReplyOptions,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let reply = arguments.reply.reply()?;
    let first = listener::bind(arguments.options.port)?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    for _ in 1..arguments.options.threads {
        listeners.push(listener::bind(port)?);
    }
    listener::announce(port);
    let threads: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            let reply = reply.clone();
            std::thread::spawn(move || serve(listener, reply, arguments.reply.echo_id))
        })
        .collect();
    for thread in threads {
        thread.join().expect("serving does not panic")?;
    }
    Ok(())
}

fn serve(listener: std::net::TcpListener, reply: Reply, echo_id: bool) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::from_std(listener)?;
        let reply = Rc::new(reply);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let reply = Rc::clone(&reply);
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| answer(request, &reply, echo_id));
                // A client that goes away mid-request is no fault of the server.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

async fn answer(
    request: Request<Incoming>,
    reply: &Reply,
    echo_id: bool,
) -> Result<Response<Full<reply::Body>>, Infallible> {
    let (head, mut body) = request.into_parts();
    let mut id = None;
    while let Some(Ok(frame)) = body.frame().await {
        if let (true, None, Some(data)) = (echo_id, id, frame.data_ref()) {
            id = reply::find_id(data);
        }
    }
    let mut response = Response::new(Full::new(id.map_or_else(|| reply.fixed(), |id| reply.with_id(id))));
    // The request's map of headers has its memory already, and hyper reads the next request into the one we answer with.
    let mut headers = head.headers;
    headers.clear();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *response.headers_mut() = headers;
    Ok(response)
}
