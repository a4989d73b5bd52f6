//! What a running server answers at its admin socket: how it is, what it was told, what would change, and its cache.

use std::sync::Arc;

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::difference::Changes;
use super::place::SourceFile;
use super::problem::Problems;
use super::reload::{Keeper, Why};

mod cache;

/// What `POST /plan` may be sent: other files than those that the server follows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanRequest {
    pub(crate) files: Vec<SourceFile>,
}

/// Answers one request.
pub(crate) async fn answer(keeper: Arc<Keeper>, request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let path = request.uri().path().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/status") => json(StatusCode::OK, &keeper.status()),
        (&Method::GET, "/config") => json(StatusCode::OK, &keeper.config()),
        (&Method::POST, "/plan") => match files(request.body()) {
            Ok(files) => changes(keeper.plan(files).await),
            Err(why) => refusal(StatusCode::BAD_REQUEST, &why),
        },
        (&Method::POST, "/reload") => changes(keeper.reload(Why::Asked).await),
        (&Method::GET, "/cache") => json(StatusCode::OK, &cache::show(keeper.runtime())),
        (&Method::DELETE, "/cache") => match cache::clear(keeper.runtime(), request.uri().query()) {
            Ok(told) => json(StatusCode::OK, &told),
            Err(why) => refusal(StatusCode::BAD_REQUEST, &why),
        },
        (_, "/status" | "/config") => not_allowed("GET"),
        (_, "/plan" | "/reload") => not_allowed("POST"),
        (_, "/cache") => not_allowed("GET, DELETE"),
        _ => {
            let routes = "GET /status, GET /config, POST /plan, POST /reload, GET /cache, DELETE /cache";
            refusal(StatusCode::NOT_FOUND, &format!("there are: {routes}"))
        }
    }
}

fn files(body: &[u8]) -> Result<Option<Vec<SourceFile>>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    let read = serde_json::from_slice::<PlanRequest>(body).map(|request| Some(request.files));
    read.map_err(|error| format!("send nothing, or {{\"files\": [{{\"path\", \"text\"}}]}}: {error}"))
}

fn changes(outcome: Result<Changes, Problems>) -> Response<Vec<u8>> {
    match outcome {
        Ok(changes) => json(StatusCode::OK, &json!({ "changes": changes })),
        Err(problems) => json(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "problems": problems.to_json() })),
    }
}

fn not_allowed(allowed: &'static str) -> Response<Vec<u8>> {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, &format!("send {allowed}"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn refusal(status: StatusCode, message: &str) -> Response<Vec<u8>> {
    json(status, &json!({ "error": { "message": message } }))
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Vec<u8>> {
    let mut text = serde_json::to_string(body).unwrap_or_default();
    text.push('\n');
    let mut response = Response::new(text.into_bytes());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
