//! A second floor: actix-web reads the body and answers fixed bytes.
//!
//! Like the one on hyper it parses no JSON and is no MCP server.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::KeepAlive;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use clap::Parser;
use peer_stage::listener;
use peer_stage::options::Options;
use peer_stage::reply::{self, Reply, ReplyOptions};

/// As large a body as any of the compared servers takes.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    reply: ReplyOptions,
}

/// The reply, and whether the request's id goes into it.
#[derive(Clone)]
struct Answer {
    reply: Reply,
    echo_id: bool,
}

/// A body in two parts of known length, neither of which is copied for it.
struct Parts {
    parts: [Bytes; 2],
    next: usize,
}

impl MessageBody for Parts {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.parts.iter().map(|part| part.len() as u64).sum())
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _ctx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let next = self.next;
        self.next += 1;
        Poll::Ready(self.parts.get(next).filter(|part| !part.is_empty()).cloned().map(Ok))
    }
}

async fn answer(body: Bytes, answer: Data<Answer>) -> HttpResponse<Parts> {
    let id = if answer.echo_id { reply::find_id(&body) } else { None };
    let body = id.map_or_else(|| answer.reply.fixed(), |id| answer.reply.with_id(id));
    let (first, last) = body.into_inner();
    HttpResponse::Ok()
        .content_type("application/json")
        .message_body(Parts { parts: [first, last], next: 0 })
        .expect("the content type is a header's value")
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let answering = Answer { reply: arguments.reply.reply()?, echo_id: arguments.reply.echo_id };
    let socket = listener::bind(arguments.options.port)?;
    let port = socket.local_addr()?.port();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(answering.clone()))
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .route("/mcp", web::post().to(answer))
    })
    .workers(usize::from(arguments.options.threads))
    .keep_alive(KeepAlive::Os)
    .listen(socket)?;
    listener::announce(port);
    Ok(server.run().await?)
}
