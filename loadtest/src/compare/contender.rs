//! What is compared with what, as it is written on the command line: `NAME=URL`, `NAME=COMMAND` or
//! `NAME=stdio:COMMAND`.

use std::str::FromStr;

/// A server that takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub place: Place,
}

/// Where a server is, or how it is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It runs already.
    Url(String),
    /// We start it, and it listens on the port that we put in for `{port}`.
    Listens(Vec<String>),
    /// It is started for each connection, and speaks over its standard streams.
    Stdio(Vec<String>),
}

impl FromStr for Contender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, place) = match text.split_once('=') {
            Some((name, place)) if is_name(name) => (name, place),
            // A URL may have a `=` of its own, and is name enough.
            _ if is_url(text) => (text, text),
            _ => {
                return Err(format!(
                    "`{text}` is no server: write NAME=URL or NAME='COMMAND --port {{port}}'"
                ));
            }
        };
        let place = if is_url(place) {
            Place::Url(place.to_owned())
        } else if let Some(command) = place.strip_prefix("stdio:") {
            Place::Stdio(words(command)?)
        } else if place.contains("{port}") {
            Place::Listens(words(place)?)
        } else {
            return Err(format!(
                "put {{port}} into the command of {name} where it is told to listen, or write {name}='stdio:{place}'"
            ));
        };
        Ok(Self { name: name.to_owned(), place })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !is_url(name)
        && !name.contains(|letter: char| letter.is_whitespace() || letter == '/')
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn words(command: &str) -> Result<Vec<String>, String> {
    let words =
        shell_words::split(command).map_err(|error| format!("`{command}` can't be split: {error}"))?;
    if words.is_empty() { Err("write a program and its arguments".to_owned()) } else { Ok(words) }
}

/// `NAME=PID`, for a server that we did not start.
///
/// # Errors
/// If it is not written so.
pub fn name_and_pid(text: &str) -> Result<(String, u32), String> {
    let parts = text.rsplit_once('=').and_then(|(name, pid)| Some((name.to_owned(), pid.parse().ok()?)));
    parts.ok_or_else(|| format!("`{text}` is no process: write NAME=PID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_they_are_written() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let rows = [
            ("a=http://h:1/mcp", "a", Place::Url("http://h:1/mcp".to_owned())),
            ("https://h/mcp?x=1", "https://h/mcp?x=1", Place::Url("https://h/mcp?x=1".to_owned())),
            ("b=./server --port {port}", "b", Place::Listens(words("./server --port {port}"))),
            ("c=stdio:./server --quiet", "c", Place::Stdio(words("./server --quiet"))),
        ];
        for (text, name, place) in rows {
            assert_eq!(text.parse(), Ok(Contender { name: name.to_owned(), place }));
        }
    }

    #[test]
    fn what_is_no_server_says_what_to_write() {
        for (text, words) in [
            ("a=./server", "put {port} into the command of a"),
            ("./server --port {port}", "write NAME=URL"),
            ("=http://h", "write NAME=URL"),
            ("a=stdio:", "a program"),
            ("a='{port}", "can't be split"),
        ] {
            let error = text.parse::<Contender>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert_eq!(name_and_pid("a=b=12"), Ok(("a=b".to_owned(), 12)));
        assert!(name_and_pid("a").is_err() && name_and_pid("a=-1").is_err());
    }
}
