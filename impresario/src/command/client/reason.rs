//! Why a server can't be reached, in one line that says what to do.

use std::error::Error;
use std::io;

use anyhow::anyhow;
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use super::Target;

/// Why a program can't be started.
pub(super) fn of_start(error: &io::Error, program: &str) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound => {
            anyhow!(
                "can't start `{program}`: no such program; is it installed, and is its directory in PATH?"
            )
        }
        _ => anyhow!("can't start `{program}`: {error}"),
    }
}

/// Why there is no connection.
pub(super) fn of_connect(error: ClientInitializeError, target: &Target) -> anyhow::Error {
    match error {
        ClientInitializeError::TransportError { error, .. } => of_transport(&error, target),
        ClientInitializeError::ConnectionClosed(_) => gone(target),
        ClientInitializeError::NoCompatibleProtocolVersion { server_supported, .. } => {
            let theirs: Vec<_> = server_supported.iter().map(ToString::to_string).collect();
            anyhow!("{target} speaks no revision of MCP that this client knows, only {}", theirs.join(", "))
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => of_connect(*fallback, target),
        other => anyhow!("{target} does not answer as an MCP server: {other}"),
    }
}

/// Why there is no answer.
pub(super) fn of_service(error: ServiceError, target: &Target) -> anyhow::Error {
    match error {
        ServiceError::TransportSend(error) => of_transport(&error, target),
        ServiceError::TransportClosed => gone(target),
        ServiceError::InputRequiredRoundsExceeded { .. } => {
            anyhow!("{target} goes on asking for input, which this command has nobody to give")
        }
        other => anyhow!("{target} gave no usable answer: {other}"),
    }
}

fn gone(target: &Target) -> anyhow::Error {
    match target {
        Target::Url(_) => anyhow!("{target} closed the connection before it answered"),
        Target::Command { .. } => {
            anyhow!("`{target}` ended before it answered; is it an MCP server on stdio?")
        }
    }
}

fn of_transport(error: &DynamicTransportError, target: &Target) -> anyhow::Error {
    type HttpError = StreamableHttpError<reqwest::Error>;
    match error.error.downcast_ref::<HttpError>() {
        Some(HttpError::Client(error)) => of_http(error, target),
        Some(HttpError::HttpStatus(status)) => {
            of_status(status.status, status.retry_after.as_deref(), target)
        }
        Some(HttpError::AuthRequired(_)) => of_status(401, None, target),
        Some(HttpError::InsufficientScope(_)) => of_status(403, None, target),
        Some(HttpError::UnexpectedContentType(_)) => {
            anyhow!(
                "{target} does not answer as an MCP server; does the URL end in the right path, usually /mcp?"
            )
        }
        Some(HttpError::UnexpectedServerResponse(what)) => match status_in(what) {
            Some(status) => of_status(status, None, target),
            None => anyhow!("{target} does not answer as an MCP server: {}", one_line(what)),
        },
        Some(other) => anyhow!("can't talk to {target}: {}", one_line(&other.to_string())),
        None if is_broken_pipe(error) => gone(target),
        None => anyhow!("can't talk to {target}: {}", root(&*error.error)),
    }
}

fn of_http(error: &reqwest::Error, target: &Target) -> anyhow::Error {
    if let Some(status) = error.status() {
        return of_status(status.as_u16(), None, target);
    }
    let refused = causes(error).any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    });
    if refused {
        return anyhow!(
            "can't reach {target}: connection refused; is it running? start one with `impresario serve`"
        );
    }
    // What a TLS client makes of the first bytes of a plain answer.
    if root(error).contains("InvalidContentType") {
        return anyhow!("can't reach {target}: it does not speak TLS; write http:// in place of https://");
    }
    if root(error).contains("UnknownIssuer") {
        return anyhow!(
            "can't trust {target}: its certificate is of an authority that is not known here; name it with --ca PATH"
        );
    }
    let verb = if error.is_connect() { "reach" } else { "talk to" };
    anyhow!("can't {verb} {target}: {}", root(error))
}

fn of_status(status: u16, retry_after: Option<&str>, target: &Target) -> anyhow::Error {
    let advice = match status {
        401 => "it wants to know who asks; pass --header 'Authorization=Bearer …'".to_owned(),
        403 => "it does not let you in; check --header, or the server's --allow-host".to_owned(),
        404 | 405 => "there is no MCP server at that path, which usually is /mcp".to_owned(),
        429 | 503 => format!("it is busy; try again in {} s", retry_after.unwrap_or("some")),
        500.. => "it failed; its own log may say why".to_owned(),
        _ => "is it an MCP server?".to_owned(),
    };
    anyhow!("{target} answered with HTTP status {status}; {advice}")
}

/// The status in a sentence such as `HTTP 404 Not Found: …`, which is all that rmcp tells of some answers.
fn status_in(sentence: &str) -> Option<u16> {
    sentence.strip_prefix("HTTP ")?.get(..3)?.parse().ok()
}

fn is_broken_pipe(error: &DynamicTransportError) -> bool {
    causes(&*error.error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// The error, and what is behind it, outermost first.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| (*error).source())
}

/// What is behind everything.
pub(crate) fn root(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(|cause| one_line(&cause.to_string())).unwrap_or_default()
}

/// The first line of a text, cut to what a line holds.
fn one_line(text: &str) -> String {
    const MAX: usize = 200;
    let line = text.lines().next().unwrap_or_default();
    let cut = line.char_indices().nth(MAX).map_or(line, |(end, _)| &line[..end]);
    cut.to_owned()
}
