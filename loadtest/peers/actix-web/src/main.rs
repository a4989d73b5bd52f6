//! A second floor: actix-web reads the body and answers fixed bytes, with id 1.
//!
//! Like the one on hyper it parses no JSON and is no MCP server.
#![forbid(unsafe_code)]

use actix_web::http::KeepAlive;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::ensure;
use clap::Parser;
use peer_stage::listener;
use peer_stage::options::Options;

const BEFORE_TEXT: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":""#;
const AFTER_TEXT: &str = r#""}]}}"#;
/// As large a body as any of the compared servers takes.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Length of the reply's body, a tools/call result with one text.
    #[arg(long, default_value_t = 113)]
    reply_bytes: usize,
}

async fn answer(_body: Bytes, reply: Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(reply.get_ref().clone())
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let frame = BEFORE_TEXT.len() + AFTER_TEXT.len();
    let length = arguments.reply_bytes;
    ensure!(length >= frame, "a reply has at least {frame} bytes: pass more with --reply-bytes");
    let reply = Bytes::from(format!("{BEFORE_TEXT}{}{AFTER_TEXT}", "x".repeat(length - frame)));

    let socket = listener::bind(arguments.options.port)?;
    let port = socket.local_addr()?.port();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(reply.clone()))
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .route("/mcp", web::post().to(answer))
    })
    .workers(usize::from(arguments.options.threads))
    .keep_alive(KeepAlive::Os)
    .listen(socket)?;
    listener::announce(port);
    Ok(server.run().await?)
}
