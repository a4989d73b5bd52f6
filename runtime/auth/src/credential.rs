//! Which of the things that came with a request is the one that tells who made it.
//!
//! What a client says in so many words counts first: a token or a key. Then what a trusted proxy says, then the
//! connection's certificate. A token that is not accepted is never made good by what comes after it, and two answers
//! to one question are none.

use impresario_engine::{AuthRefusal, Field, PeerCertificate, Shown};

use crate::api_key;
use crate::problem::Problem;
use crate::proxy::Asserted;

/// The header that takes an API key.
pub(crate) const KEY_HEADER: &str = "x-api-key";

/// What tells who is calling.
#[derive(Clone, Copy)]
pub(crate) enum Credential<'a> {
    Token(&'a str),
    ApiKey(&'a str),
    Proxy(Asserted<'a>),
    Certificate(&'a PeerCertificate),
}

/// What is read of a request's headers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reads {
    pub(crate) tokens: bool,
    pub(crate) keys: bool,
    pub(crate) bytes_max: usize,
}

impl Reads {
    /// The token or key that a client sent.
    pub(crate) fn explicit<'a>(&self, shown: &Shown<'a>) -> Result<Option<Credential<'a>>, AuthRefusal> {
        let bearer = if self.tokens || self.keys { self.bearer(shown)? } else { None };
        let key = if self.keys { self.key(shown)? } else { None };
        match (bearer, key) {
            (Some(_), Some(_)) => Err(AuthRefusal::Malformed("send a token or an API key, not both")),
            (Some(text), None) if self.keys && text.starts_with(api_key::PREFIX) => {
                Ok(Some(Credential::ApiKey(text)))
            }
            (Some(text), None) if self.tokens => Ok(Some(Credential::Token(text))),
            (Some(_), None) => Err(Problem::NotAToken.into()),
            (None, Some(key)) => Ok(Some(Credential::ApiKey(key))),
            (None, None) => Ok(None),
        }
    }

    fn bearer<'a>(&self, shown: &Shown<'a>) -> Result<Option<&'a str>, AuthRefusal> {
        match shown.fields.field("authorization") {
            Field::Absent => Ok(None),
            Field::Repeated => Err(AuthRefusal::Malformed("send one Authorization header")),
            Field::One(value) => self.bearer_token(value),
        }
    }

    /// The token of an `Authorization` header; none if the header is of another scheme.
    pub(crate) fn bearer_token<'a>(&self, value: &'a [u8]) -> Result<Option<&'a str>, AuthRefusal> {
        if value.len() > self.bytes_max {
            return Err(AuthRefusal::TooLarge { bytes_max: self.bytes_max });
        }
        let value = value.trim_ascii();
        let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, token) = value.split_at(end);
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Ok(None);
        }
        read(token).map(Some).ok_or(Problem::NotAToken.into())
    }

    fn key<'a>(&self, shown: &Shown<'a>) -> Result<Option<&'a str>, AuthRefusal> {
        match shown.fields.field(KEY_HEADER) {
            Field::Absent => Ok(None),
            Field::Repeated => Err(AuthRefusal::Malformed("send one X-API-Key header")),
            Field::One(value) if value.len() > self.bytes_max => {
                Err(AuthRefusal::TooLarge { bytes_max: self.bytes_max })
            }
            Field::One(value) => read(value).map(Some).ok_or(Problem::ApiKey.into()),
        }
    }
}

/// A credential, if it is text. Which characters it may have is asked when it is verified: here it may be a known one,
/// and looking at each byte would cost more than all the rest.
fn read(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_read_or_refused() {
        let reads = Reads { tokens: true, keys: false, bytes_max: 64 };
        let read = |value: &'static [u8]| reads.bearer_token(value);
        for value in [&b"Bearer abc.def"[..], b"bearer abc.def", b"BEARER   abc.def", b" Bearer abc.def "] {
            assert_eq!(read(value), Ok(Some("abc.def")));
        }
        for value in [&b"Basic YWJj"[..], b"", b"Bearerabc", b"bear", b"DPoP abc", b"Bearer\tabc"] {
            assert_eq!(read(value), Ok(None), "{value:?}");
        }
        for value in [&b"Bearer"[..], b"Bearer ", b"Bearer \xff"] {
            assert_eq!(read(value), Err(Problem::NotAToken.into()), "{value:?}");
        }
        assert_eq!(read(&[b'a'; 65]), Err(AuthRefusal::TooLarge { bytes_max: 64 }));
    }
}
