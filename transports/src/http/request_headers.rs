//! Headers that mirror the body, held against it.
//!
//! Somebody between the client and us may have decided by the headers, and we act by the body: if the two
//! disagree the request is refused (2026-07-28, streamable-http, "Server Validation").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use impresario_codec::{Message, Node};
use impresario_engine::session::meta_version;
use impresario_engine::{HeaderParameter, Shared};
use impresario_protocol::{ErrorKind, McpError, Revision};

use super::head::{BadField, Field, Head};

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The revision that a request's header names.
///
/// # Errors
/// When it names none of ours, or more than one.
pub(super) fn revision(head: &Head<'_>) -> Result<Option<Revision>, McpError> {
    let named = optional(head.protocol_version, &PROTOCOL_VERSION)
        .map_err(|error| McpError::invalid_request(error.message))?;
    let Some(named) = named else { return Ok(None) };
    let supported = || Revision::ALL.map(Revision::as_str).join(", ");
    let unknown =
        || McpError::invalid_request(format!("unknown MCP-Protocol-Version; supported are {}", supported()));
    Revision::parse(named).map(Some).ok_or_else(unknown)
}

/// The id of the session that a request names.
///
/// # Errors
/// When it can't be one, or more than one is named.
pub(super) fn session_id<'h>(head: &Head<'h>) -> Result<Option<&'h str>, McpError> {
    const ID_BYTES_MAX: usize = 256;
    let malformed = || McpError::invalid_request("the Mcp-Session-Id header is malformed");
    let Some(id) = head.session_id.text().map_err(|_| malformed())? else { return Ok(None) };
    let is_visible = id.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if !is_visible || !(1..=ID_BYTES_MAX).contains(&id.len()) {
        return Err(malformed());
    }
    Ok(Some(id))
}

/// Holds the headers of a request that carries its own metadata against its body.
pub(super) fn check(head: &Head<'_>, message: &Message, shared: &Shared) -> Result<(), McpError> {
    // A body without metadata is told so by the session; here there is nothing to hold the header against.
    let version = meta_version(message).and_then(Node::as_str);
    if !version.is_some_and(|version| is_exactly(head.protocol_version, version)) {
        let named = required(head.protocol_version, &PROTOCOL_VERSION)?;
        version.map_or(Ok(()), |version| agree(&PROTOCOL_VERSION, named, version))?;
    }
    if !is_exactly(head.method, message.method()) {
        agree(&METHOD, required(head.method, &METHOD)?, message.method())?;
    }
    let source = match message.method() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return Ok(()),
    };
    if let Some(name) = message.param(source).and_then(Node::as_str) {
        if !is_exactly(head.name, name) {
            match optional(head.name, &NAME)? {
                Some(sent) => agree(&NAME, &decode(&NAME, sent)?, name)?,
                // Clients must send a task's id, so that balancers find its process; a server need not refuse
                // those that don't, and fastmcp's don't.
                None if source == "taskId" => {}
                None => return Err(mismatch(&NAME, "is missing")),
            }
        }
        if message.method() == "tools/call" {
            check_parameters(head.all, message, name, shared)?;
        }
    }
    Ok(())
}

/// Holds the headers that a tool asks for against the arguments that they mirror.
fn check_parameters(
    headers: &HeaderMap,
    message: &Message,
    tool: &str,
    shared: &Shared,
) -> Result<(), McpError> {
    let snapshot = shared.registry.snapshot();
    if !snapshot.mirrors_parameters() {
        return Ok(());
    }
    let Some(tool) = snapshot.tool(tool).filter(|tool| !tool.headers.is_empty()) else { return Ok(()) };
    let arguments = message.param("arguments");
    tool.headers.iter().try_for_each(|parameter| check_parameter(headers, arguments, parameter))
}

fn check_parameter(
    headers: &HeaderMap,
    arguments: Option<Node<'_>>,
    parameter: &HeaderParameter,
) -> Result<(), McpError> {
    let Ok(name) = HeaderName::from_bytes(parameter.header.as_bytes()) else { return Ok(()) };
    let value = arguments
        .and_then(|arguments| parameter.path.iter().try_fold(arguments, |value, key| value.get(key)));
    let value = value.filter(|value| !value.is_null());
    let sent = optional(field(headers, &name), &name)?;
    match (value, sent) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(mismatch(&name, "is sent, but the body has no such argument")),
        (Some(_), None) => Err(mismatch(&name, "is missing; it must mirror the argument")),
        (Some(value), Some(sent)) => {
            if mirrors(&decode(&name, sent)?, value) {
                Ok(())
            } else {
                Err(mismatch(&name, "does not mirror the argument"))
            }
        }
    }
}

/// Whether a header's text stands for that value. Integers are compared as numbers.
fn mirrors(sent: &str, value: Node<'_>) -> bool {
    if let Some(text) = value.as_str() {
        return sent == text;
    }
    if let Some(truth) = value.as_bool() {
        return sent == if truth { "true" } else { "false" };
    }
    match (sent.parse::<i64>(), value.as_i64()) {
        (Ok(sent), Some(value)) => sent == value,
        // A header such as `42.0` is the integer 42.
        _ => sent
            .parse::<f64>()
            .ok()
            .zip(value.as_f64())
            .is_some_and(|(sent, value)| sent.total_cmp(&value).is_eq()),
    }
}

/// A value that may stand in base64 between `=?base64?` and `?=` (streamable-http, "Value Encoding").
fn decode<'v>(name: &HeaderName, value: &'v str) -> Result<std::borrow::Cow<'v, str>, McpError> {
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(encoded) = encoded else { return Ok(value.into()) };
    let bytes = STANDARD.decode(encoded).map_err(|_| mismatch(name, "holds base64 that can't be read"))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| mismatch(name, "holds base64 of something that is not UTF-8"))?;
    Ok(text.into())
}

fn required<'h>(field: Field<'h>, name: &HeaderName) -> Result<&'h str, McpError> {
    optional(field, name)?.ok_or_else(|| mismatch(name, "is missing"))
}

/// A header that stands there at most once, in visible ASCII, spaces and tabs.
fn optional<'h>(field: Field<'h>, name: &HeaderName) -> Result<Option<&'h str>, McpError> {
    match field.text() {
        Ok(text) => Ok(text.map(trimmed)),
        Err(BadField::Repeated) => Err(mismatch(name, "is sent more than once")),
        Err(BadField::NotText) => Err(mismatch(name, "holds characters that may not stand in a header")),
    }
}

/// Without blanks around it. Nearly nothing has any.
fn trimmed(text: &str) -> &str {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if is_blank(text.as_bytes().first()) || is_blank(text.as_bytes().last()) {
        return text.trim_matches([' ', '\t']);
    }
    text
}

/// A header that is not among those that every request is asked for.
fn field<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Field<'h> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Field::Absent,
        (Some(value), None) => Field::Once(value),
        (Some(_), Some(_)) => Field::Repeated,
    }
}

/// Whether a header stands there once, as plain text that is the body's letter by letter. Nearly all are; the
/// others are looked at more closely.
fn is_exactly(field: Field<'_>, body: &str) -> bool {
    let Field::Once(value) = field else { return false };
    // What else a header may hold beside visible ASCII: other bytes, blanks within, and base64 between markers.
    value.as_bytes() == body.as_bytes()
        && body.bytes().all(|byte| byte.is_ascii_graphic())
        && !body.starts_with("=?")
}

fn agree(name: &HeaderName, sent: &str, body: &str) -> Result<(), McpError> {
    if sent == body { Ok(()) } else { Err(mismatch(name, "says something else than the body")) }
}

fn mismatch(name: &HeaderName, what: &str) -> McpError {
    McpError::new(ErrorKind::HeaderMismatch, format!("header mismatch: {name} {what}"))
}

#[cfg(test)]
mod tests {
    use impresario_codec::Document;

    use super::*;

    #[test]
    fn values_are_decoded_only_between_both_markers() {
        for (sent, decoded) in [
            ("plain", Some("plain")),
            ("=?base64?SGVsbG8=?=", Some("Hello")),
            ("=?base64?SGVsbG8, ?=", None),
            ("=?base64?SGVsbG8?=", None),
            ("=?base64?/w==?=", None),
            ("=?base64?SGVsbG8=", Some("=?base64?SGVsbG8=")),
            ("=?BASE64?SGVsbG8=?=", Some("=?BASE64?SGVsbG8=?=")),
            ("=?base64??=", Some("")),
            ("", Some("")),
        ] {
            assert_eq!(decode(&NAME, sent).ok().as_deref(), decoded, "{sent}");
        }
    }

    #[test]
    fn a_header_mirrors_a_value_by_its_type() {
        for (sent, json, agrees) in [
            ("a", r#""a""#, true),
            ("A", r#""a""#, false),
            ("true", "true", true),
            ("True", "true", false),
            ("42", "42", true),
            ("42.0", "42", true),
            ("-7", "-7", true),
            ("42x", "42", false),
            ("", "0", false),
            ("9007199254740991", "9007199254740991", true),
            ("9007199254740990", "9007199254740991", false),
            ("nan", "1", false),
        ] {
            let document = Document::parse(json.as_bytes(), 8).unwrap();
            assert_eq!(mirrors(sent, document.root()), agrees, "{sent} {json}");
        }
    }
}
