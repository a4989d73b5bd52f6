//! One kind of request, rendered once; only the digits of its id, and its session, change between two sendings.

use std::ops::Range;

/// How many digits an id has. The first id is a one with zeros, so that all have as many, and fit 32 bits.
pub const ID_DIGITS: usize = 9;

/// An id, as its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(pub [u8; ID_DIGITS]);

impl Id {
    /// The first.
    pub const FIRST: Self = Self(*b"100000000");

    /// The next one; after the last comes the first again.
    pub fn advance(&mut self) {
        for digit in self.0.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        *self = Self::FIRST;
    }

    /// As text.
    ///
    /// # Panics
    /// Never: an id is made of digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id is made of digits")
    }

    /// Whether a JSON value is this id.
    #[must_use]
    pub fn is(&self, value: &serde_json::Value) -> bool {
        value.as_u64().is_some_and(|number| number.to_string().as_bytes() == self.0)
    }
}

/// The bytes of a request.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
    id: Option<usize>,
    session: Option<Range<usize>>,
    body: usize,
}

impl Request {
    /// A request of these bytes. `id` is where its digits begin, `session` where the session's id stands, `body` where
    /// the message begins.
    #[must_use]
    pub fn new(bytes: Vec<u8>, id: Option<usize>, session: Option<Range<usize>>, body: usize) -> Self {
        Self { bytes, id, session, body }
    }

    /// What is sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How long the message is.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.bytes.len() - self.body
    }

    /// Writes the id in.
    pub fn set_id(&mut self, id: Id) {
        if let Some(at) = self.id {
            self.bytes[at..at + ID_DIGITS].copy_from_slice(&id.0);
        }
    }

    /// Writes the session in, if the request has a place for one.
    pub fn set_session(&mut self, session: &str) {
        let Some(place) = self.session.clone() else { return };
        if place.len() == session.len() {
            self.bytes[place].copy_from_slice(session.as_bytes());
            return;
        }
        self.bytes.splice(place.clone(), session.bytes());
        self.session = Some(place.start..place.start + session.len());
        // The session stands in the head, so whatever stands behind it moves along.
        let moved = |at: usize| at + session.len() - place.len();
        self.id = self.id.map(moved);
        self.body = moved(self.body);
    }

    /// The session written in last.
    #[must_use]
    pub fn session(&self) -> Option<&[u8]> {
        self.session.clone().map(|place| &self.bytes[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_up_and_wrap_around() {
        let rows = [
            ("100000000", "100000001"),
            ("100000999", "100001000"),
            ("199999999", "200000000"),
            ("999999999", "100000000"),
        ];
        for (before, after) in rows {
            let mut id = Id(before.as_bytes().try_into().unwrap());
            id.advance();
            assert_eq!(id.as_str(), after);
        }
        assert!(Id::FIRST.is(&100_000_000.into()) && !Id::FIRST.is(&"100000000".into()));
    }

    #[test]
    fn a_session_of_another_length_moves_what_is_behind_it() {
        let text = "S: ab\n{\"id\":100000000}".to_owned();
        let mut request = Request::new(text.into_bytes(), Some(12), Some(3..5), 6);
        request.set_session("xy");
        request.set_id(Id(*b"123456789"));
        assert_eq!(request.bytes(), b"S: xy\n{\"id\":123456789}");
        for session in ["longer", "x", ""] {
            request.set_session(session);
            request.set_id(Id::FIRST);
            assert_eq!(request.bytes(), format!("S: {session}\n{{\"id\":100000000}}").as_bytes());
            assert_eq!((request.session(), request.body_bytes()), (Some(session.as_bytes()), 16));
        }
    }
}
