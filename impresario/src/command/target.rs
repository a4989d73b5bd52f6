//! Which server a verb talks to, and the flags that `list`, `call` and `inspect` have in common.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::failure::Failure;

/// The flags of a verb that talks to a server.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArgs {
    /// Start this command line as a stdio server, and talk to that. It is split as a shell would split it.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) command: Option<String>,
    /// Show what the started server writes to standard error, which else is only shown after a failure.
    #[arg(long, requires = "command")]
    pub(crate) server_log: bool,
    /// An HTTP header for every request, such as 'Authorization=Bearer …'; repeat it for several.
    #[arg(
        long = "header",
        value_name = "NAME=VALUE",
        env = "IMPRESARIO_HEADER",
        hide_env_values = true,
        value_parser = header
    )]
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// A file with the authorities (PEM) that the server's certificate may be of, in place of those of the system.
    #[arg(long, value_name = "PATH", env = "IMPRESARIO_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// How long to wait for the server, connecting and for each answer.
    #[arg(long, value_name = "SECONDS", env = "IMPRESARIO_TIMEOUT", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Print JSON, on standard output alone.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The server of a verb that takes nothing else.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArg {
    /// The server's URL; without a path, /mcp is meant.
    #[arg(value_name = "URL", required_unless_present = "command", conflicts_with = "command")]
    pub(crate) url: Option<String>,
}

impl TargetArg {
    pub(crate) fn read(&self, server: &ServerArgs) -> Result<Target, Failure> {
        match (&self.url, &server.command) {
            (Some(url), _) => Target::url(url),
            (None, Some(command)) => Target::command(command),
            (None, None) => unreachable!("the command line demands one of both"),
        }
    }
}

/// A server to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// One that listens.
    Url(String),
    /// One to start: a program and its arguments.
    Command { program: String, arguments: Vec<String> },
}

impl Target {
    /// Reads a URL as people write one: the scheme and the usual path may be missing.
    pub(crate) fn url(text: &str) -> Result<Self, Failure> {
        let spelled = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = reqwest::Url::parse(&spelled).map_err(|error| {
            Failure::usage(format!("`{text}` is no URL: {error}; write one like http://127.0.0.1:8000/mcp"))
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            let advice = "servers are reached by http:// or https://, or started with --command";
            return Err(Failure::usage(format!("can't use `{text}`: {advice}")));
        }
        let after_scheme = spelled.split_once("://").map_or("", |(_, rest)| rest);
        if !after_scheme.contains(['/', '?']) {
            url.set_path("/mcp");
        }
        Ok(Self::Url(url.into()))
    }

    pub(crate) fn command(line: &str) -> Result<Self, Failure> {
        let words = shell_words::split(line)
            .map_err(|error| Failure::usage(format!("can't split the command `{line}`: {error}")))?;
        let mut words = words.into_iter();
        let program = words
            .next()
            .ok_or_else(|| Failure::usage("--command is empty; write a program and its arguments"))?;
        Ok(Self::Command { program, arguments: words.collect() })
    }

    /// What JSON calls the way to it.
    pub(crate) fn transport(&self) -> &'static str {
        match self {
            Self::Url(_) => "http",
            Self::Command { .. } => "stdio",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => out.write_str(url),
            Self::Command { program, arguments } => {
                out.write_str(&shell_words::join([program].into_iter().chain(arguments)))
            }
        }
    }
}

/// Reads `NAME=VALUE`, and `NAME: VALUE` as curl has it.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let place = text.find(['=', ':']).ok_or("write NAME=VALUE")?;
    let (name, value) = (text[..place].trim(), text[place + 1..].trim());
    let name = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no name of a header"))?;
    let mut value =
        HeaderValue::try_from(value).map_err(|_| "the value has characters that no header may have")?;
    // Whatever it is, it is nothing for a log.
    value.set_sensitive(true);
    Ok((name, value))
}

fn seconds(text: &str) -> Result<Duration, String> {
    const DAY_S: f64 = 86_400.0;
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0 && *seconds <= DAY_S);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| format!("write a number of seconds, up to {DAY_S}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_people_write_one() {
        let rows = [
            ("http://127.0.0.1:8000/mcp", "http://127.0.0.1:8000/mcp"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000/mcp"),
            ("127.0.0.1:8000", "http://127.0.0.1:8000/mcp"),
            ("localhost:8000/tools", "http://localhost:8000/tools"),
            ("https://example.com/", "https://example.com/"),
            ("https://example.com?key=1", "https://example.com/?key=1"),
            ("[::1]:8000", "http://[::1]:8000/mcp"),
        ];
        for (text, url) in rows {
            assert_eq!(Target::url(text).unwrap(), Target::Url(url.to_owned()), "{text}");
        }
        for text in ["", "http://", "ftp://example.com", "stdio://x", "a b"] {
            assert!(matches!(Target::url(text), Err(Failure::Usage(_))), "{text}");
        }
    }

    #[test]
    fn a_command_is_split_as_a_shell_would() {
        let target = Target::command(r#"python -c 'print("a b")' "c d""#).unwrap();
        let arguments = ["-c", r#"print("a b")"#, "c d"].map(str::to_owned).to_vec();
        assert_eq!(target, Target::Command { program: "python".to_owned(), arguments });
        for line in ["", "  ", "python 'x"] {
            assert!(matches!(Target::command(line), Err(Failure::Usage(_))), "{line}");
        }
    }

    #[test]
    fn a_header_is_split_at_the_first_sign() {
        let rows = [
            ("X-Key=a=b", Some(("x-key", "a=b"))),
            ("Authorization: Bearer x=y", Some(("authorization", "Bearer x=y"))),
            ("X-Empty=", Some(("x-empty", ""))),
            ("nothing", None),
            ("bad name=1", None),
        ];
        for (text, expected) in rows {
            let read = header(text).ok();
            let read = read.as_ref().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("0.5").unwrap(), Duration::from_millis(500));
        for text in ["0", "-1", "inf", "NaN", "1e9", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
