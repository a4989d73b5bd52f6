//! Which bodies we read, and which answers the client takes.

use http::StatusCode;
use http::header::{ACCEPT, CONTENT_ENCODING};

use super::head::{Field, Head};
use super::response::{self, Answer};

/// Why this head describes a body that we do not read, or an answer that we can't give.
pub(super) fn refuse(head: &Head<'_>) -> Option<Answer> {
    if let Some(refusal) = refuse_body(head) {
        return Some(refusal);
    }
    let accepts = Accepts::of(head);
    if !accepts.json || !accepts.events {
        let text = "send Accept: application/json, text/event-stream";
        return Some(response::text(StatusCode::NOT_ACCEPTABLE, text));
    }
    None
}

/// Why this head describes a body that we do not read.
pub(super) fn refuse_body(head: &Head<'_>) -> Option<Answer> {
    if !head.content_encoding.is_absent() && !is_plain(head) {
        return unsupported("send the body without a content encoding");
    }
    if !is_json(head.content_type) {
        return unsupported("send Content-Type: application/json");
    }
    None
}

fn unsupported(text: &str) -> Option<Answer> {
    Some(response::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
}

fn is_plain(head: &Head<'_>) -> bool {
    let codings = head.all.get_all(CONTENT_ENCODING).iter();
    let mut codings = codings.flat_map(|codings| codings.as_bytes().split(|byte| *byte == b','));
    codings.all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"))
}

fn is_json(content_type: Field<'_>) -> bool {
    const JSON: &str = "application/json";
    let Ok(Some(media)) = content_type.text() else { return false };
    media == JSON || media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(JSON))
}

/// The answers that a client takes, of those that we give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Accepts {
    pub(super) json: bool,
    pub(super) events: bool,
}

impl Accepts {
    const ALL: Self = Self { json: true, events: true };

    /// What a request's head says. Without the header, everything is accepted.
    pub(super) fn of(head: &Head<'_>) -> Self {
        /// How clients write it, nearly all of them: these need no reading.
        const USUAL: [&str; 3] = [
            "application/json, text/event-stream",
            "application/json,text/event-stream",
            "text/event-stream, application/json",
        ];
        match head.accept {
            Field::Absent => Self::ALL,
            Field::Once(value) if USUAL.iter().any(|usual| value == usual) => Self::ALL,
            Field::Once(_) | Field::Repeated => {
                let values = head.all.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
                let ranges = values.flat_map(|value| value.split(','));
                ranges.fold(Self { json: false, events: false }, |accepts, range| {
                    accepts.or(Self::range(range))
                })
            }
        }
    }

    fn or(self, other: Self) -> Self {
        Self { json: self.json || other.json, events: self.events || other.events }
    }

    /// What one range of the header lets through.
    fn range(range: &str) -> Self {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let is_refused = parts.any(|parameter| {
            parameter
                .strip_prefix("q=")
                .is_some_and(|quality| quality.parse::<f32>().is_ok_and(|quality| quality <= 0.0))
        });
        let is = |media: &str| !is_refused && essence.eq_ignore_ascii_case(media);
        let any = is("*/*");
        Self {
            json: any || is("application/*") || is("application/json"),
            events: any || is("text/*") || is("text/event-stream"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Uri};

    use super::*;

    #[test]
    fn accept_is_read_with_wildcards_and_refusals() {
        let uri = Uri::from_static("/mcp");
        let mut headers = HeaderMap::new();
        for (accept, json, events) in [
            ("application/json, text/event-stream", true, true),
            ("application/json,text/event-stream", true, true),
            ("application/json", true, false),
            ("text/event-stream;q=0.5 , Application/JSON", true, true),
            ("*/*", true, true),
            ("text/*", false, true),
            ("application/json;q=0, text/event-stream", false, true),
            ("application/jsonp", false, false),
            ("", false, false),
        ] {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Accepts::of(&Head::of(&uri, &headers)), Accepts { json, events }, "{accept}");
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.append(ACCEPT, HeaderValue::from_static("text/event-stream"));
        assert_eq!(Accepts::of(&Head::of(&uri, &headers)), Accepts::ALL, "in two lines");
        assert_eq!(Accepts::of(&Head::of(&uri, &HeaderMap::new())), Accepts::ALL);
    }
}
