//! The headers that decide something, found in one pass over all of them.
//!
//! Each is looked at in several places. Looking each up by its name costs a hash and a walk; together they cost
//! more than parsing the message.

use http::header::HeaderValue;
use http::{HeaderMap, Uri};

/// What a request's head says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'h> {
    pub(super) uri: &'h Uri,
    /// All headers, for those that only some requests have.
    pub(super) all: &'h HeaderMap,
    pub(super) host: Field<'h>,
    pub(super) origin: Field<'h>,
    pub(super) accept: Field<'h>,
    pub(super) content_type: Field<'h>,
    pub(super) content_encoding: Field<'h>,
    pub(super) protocol_version: Field<'h>,
    pub(super) session_id: Field<'h>,
    pub(super) method: Field<'h>,
    pub(super) name: Field<'h>,
    pub(super) last_event_id: Field<'h>,
    /// Names and values of all headers together.
    pub(super) bytes: usize,
    /// The longest value. A session's id has a bound of its own and does not count.
    pub(super) value_bytes_max: usize,
}

/// A header, and how often it stands there.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Field<'h> {
    #[default]
    Absent,
    Once(&'h HeaderValue),
    /// More than once; most headers may not.
    Repeated,
}

impl<'h> Head<'h> {
    pub(super) fn of(uri: &'h Uri, all: &'h HeaderMap) -> Self {
        let mut head = Self {
            uri,
            all,
            host: Field::Absent,
            origin: Field::Absent,
            accept: Field::Absent,
            content_type: Field::Absent,
            content_encoding: Field::Absent,
            protocol_version: Field::Absent,
            session_id: Field::Absent,
            method: Field::Absent,
            name: Field::Absent,
            last_event_id: Field::Absent,
            bytes: 0,
            value_bytes_max: 0,
        };
        for (name, value) in all {
            head.note(name.as_str(), value);
        }
        head
    }

    fn note(&mut self, name: &str, value: &'h HeaderValue) {
        self.bytes += name.len() + value.len();
        // Names are in lower case.
        let field = match name {
            "host" => &mut self.host,
            "origin" => &mut self.origin,
            "accept" => &mut self.accept,
            "content-type" => &mut self.content_type,
            "content-encoding" => &mut self.content_encoding,
            "mcp-protocol-version" => &mut self.protocol_version,
            "mcp-method" => &mut self.method,
            "mcp-name" => &mut self.name,
            "last-event-id" => &mut self.last_event_id,
            "mcp-session-id" => return self.session_id.note(value),
            _ => {
                self.value_bytes_max = self.value_bytes_max.max(value.len());
                return;
            }
        };
        field.note(value);
        self.value_bytes_max = self.value_bytes_max.max(value.len());
    }
}

impl<'h> Field<'h> {
    fn note(&mut self, value: &'h HeaderValue) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }

    pub(super) fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The value as visible ASCII.
    ///
    /// # Errors
    /// When it stands there more than once, or is something else.
    pub(super) fn text(self) -> Result<Option<&'h str>, BadField> {
        match self {
            Self::Absent => Ok(None),
            Self::Once(value) => value.to_str().map(Some).map_err(|_| BadField::NotText),
            Self::Repeated => Err(BadField::Repeated),
        }
    }
}

/// Why a header can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadField {
    Repeated,
    NotText,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_is_found_whatever_stands_around_it_and_repetition_shows() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "a"),
            ("x-other", "ignored, but counted"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "one"),
            ("mcp-name", "two"),
            ("mcp-session-id", "0123456789012345678901234567890123456789"),
            ("accept", "*/*"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let uri = Uri::from_static("/mcp");
        let head = Head::of(&uri, &headers);
        assert_eq!(head.host.text(), Ok(Some("a")));
        assert_eq!(head.method.text(), Ok(Some("tools/call")));
        assert_eq!(head.name.text(), Err(BadField::Repeated));
        assert_eq!(head.accept.text(), Ok(Some("*/*")));
        assert!(head.origin.is_absent() && head.content_type.is_absent());
        assert_eq!(head.value_bytes_max, "ignored, but counted".len(), "a session's id does not count");
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        assert_eq!(head.bytes, bytes);
    }
}
