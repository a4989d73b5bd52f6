//! What of a request's head is written down, and under which name.
//!
//! A recording is made to be kept and handed around. What lets somebody act for somebody else is therefore replaced
//! before it reaches the file: credentials by a word, ids of sessions by names of ours.

use std::collections::{BTreeMap, HashMap};

use http::HeaderMap;

/// What stands in the place of a secret.
pub const REDACTED: &str = "redacted";
/// Most sessions that a recording tells apart.
pub const SESSIONS_MAX: usize = 100_000;
/// The header that names a session.
pub const SESSION_HEADER: &str = "mcp-session-id";

/// Headers that are written as they are, besides those that begin with `mcp-`.
const KEPT: [&str; 4] = ["accept", "content-type", "last-event-id", "retry-after"];
/// A header with such a part in its name may hold a secret: that there was one is written, and not which.
const SECRET: [&str; 7] = ["authorization", "cookie", "token", "secret", "api-key", "apikey", "credential"];

/// The names that stand for ids of sessions, in the order in which they were first seen.
#[derive(Debug, Default)]
pub struct SessionNames {
    names: HashMap<Vec<u8>, String>,
}

impl SessionNames {
    /// The name of a session, or none if there is no room for one more.
    pub fn name(&mut self, id: &[u8]) -> Option<String> {
        if let Some(name) = self.names.get(id) {
            return Some(name.clone());
        }
        if self.names.len() >= SESSIONS_MAX {
            return None;
        }
        let name = format!("session-{}", self.names.len() + 1);
        self.names.insert(id.to_vec(), name.clone());
        Some(name)
    }
}

/// The headers that matter, in lower case and in order.
pub fn headers(headers: &HeaderMap, sessions: &mut SessionNames) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for (name, value) in headers {
        let name = name.as_str();
        let value = if name == SESSION_HEADER {
            sessions.name(value.as_bytes()).unwrap_or_else(|| REDACTED.to_owned())
        } else if SECRET.iter().any(|part| name.contains(part)) {
            REDACTED.to_owned()
        } else if KEPT.contains(&name) || name.starts_with("mcp-") {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        } else {
            continue;
        };
        // A header that comes twice has the meaning of one with a comma.
        kept.entry(name.to_owned())
            .and_modify(|before: &mut String| {
                before.push_str(", ");
                before.push_str(&value);
            })
            .or_insert(value);
    }
    kept
}

/// A path with the names of its query, and none of the values: keys are passed there, and ids of sessions.
#[must_use]
pub fn path(path_and_query: &str) -> String {
    let Some((path, query)) = path_and_query.split_once('?') else { return path_and_query.to_owned() };
    let redacted = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={REDACTED}"),
        // A bare word may be the key itself.
        None => REDACTED.to_owned(),
    });
    format!("{path}?{}", redacted.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-4711";

    #[test]
    fn no_secret_is_written() {
        let mut given = HeaderMap::new();
        let secret = [
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "X-Api-Key",
            "X-Auth-Token",
            "Mcp-Access-Token",
            "Mcp-Session-Id",
            "X-Forwarded-For",
        ];
        for name in secret {
            let name: http::HeaderName = name.parse().unwrap();
            given.append(name.clone(), CANARY.parse().unwrap());
            given.append(name, format!("Bearer {CANARY}").parse().unwrap());
        }
        let kept = headers(&given, &mut SessionNames::default());
        assert!(!format!("{kept:?}").contains("4711"), "{kept:?}");
        assert_eq!(kept["authorization"], "redacted, redacted");
        assert!(!kept.contains_key("x-forwarded-for"));
    }

    #[test]
    fn what_matters_is_written_as_it_is() {
        let mut given = HeaderMap::new();
        let rows = [
            ("content-type", "application/json"),
            ("accept", "text/event-stream"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-name", "echo"),
            ("last-event-id", "7"),
        ];
        for (name, value) in rows {
            given.insert(name, value.parse().unwrap());
        }
        let kept = headers(&given, &mut SessionNames::default());
        assert_eq!(kept, rows.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_session_keeps_its_name_and_there_is_an_end_to_them() {
        let mut sessions = SessionNames::default();
        assert_eq!(sessions.name(b"a").as_deref(), Some("session-1"));
        assert_eq!(sessions.name(b"b").as_deref(), Some("session-2"));
        assert_eq!(sessions.name(b"a").as_deref(), Some("session-1"));
        for id in 0..SESSIONS_MAX {
            sessions.name(format!("id {id}").as_bytes());
        }
        assert_eq!(sessions.name(b"one more"), None);
        assert_eq!(sessions.name(b"b").as_deref(), Some("session-2"));
    }

    #[test]
    fn a_query_keeps_its_names_alone() {
        let rows = [
            ("/mcp", "/mcp"),
            ("/mcp?key=4711&b=", "/mcp?key=redacted&b=redacted"),
            ("/mcp?4711", "/mcp?redacted"),
            ("/mcp?a=4711=4711&4711", "/mcp?a=redacted&redacted"),
        ];
        for (given, written) in rows {
            assert_eq!(path(given), written);
        }
    }
}
