//! What a client that is turned away is told to do: the values of `WWW-Authenticate` (RFC 6750, RFC 9728).

use std::fmt::Write as _;

use impresario_engine::is_scope;

/// A challenge of one scheme, written parameter by parameter.
#[derive(Debug)]
pub struct Challenge {
    text: String,
    is_bare: bool,
}

impl Challenge {
    /// A challenge of that scheme.
    #[must_use]
    pub fn new(scheme: &'static str) -> Self {
        Self { text: scheme.to_owned(), is_bare: true }
    }

    /// Adds a parameter. Its value is quoted, and what can't stand in a header is left out of it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let parted = if self.is_bare { " " } else { ", " };
        self.is_bare = false;
        let _never_fails = write!(self.text, "{parted}{name}=\"");
        for letter in value.chars().filter(|letter| matches!(letter, ' '..='~')) {
            if matches!(letter, '"' | '\\') {
                self.text.push('\\');
            }
            self.text.push(letter);
        }
        self.text.push('"');
        self
    }

    /// Adds scopes, all in one parameter; nothing if there are none.
    #[must_use]
    pub fn with_scopes<S: AsRef<str>>(self, scopes: &[S]) -> Self {
        let wanted: Vec<&str> =
            scopes.iter().map(AsRef::as_ref).filter(|scope| is_asked_for(scope)).collect();
        if wanted.is_empty() { self } else { self.with("scope", &wanted.join(" ")) }
    }

    /// The value of the header.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Whether a server tells clients to ask for it. Refresh tokens are a matter between a client and its authorization
/// server: `offline_access` is never a server's to ask for.
pub(crate) fn is_asked_for(scope: &str) -> bool {
    is_scope(scope) && scope != "offline_access"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_not_end_its_quotes_or_its_header() {
        let text = Challenge::new("Bearer")
            .with("error_description", "a\"b\\c\r\nSet-Cookie: x\u{7f}é")
            .with_scopes(&["read", "offline_access", "a b", "x\"", "write"])
            .with_scopes::<&str>(&["offline_access"])
            .into_text();
        assert_eq!(text, r#"Bearer error_description="a\"b\\cSet-Cookie: x", scope="read write""#);
        assert_eq!(Challenge::new("Bearer").into_text(), "Bearer");
    }
}
