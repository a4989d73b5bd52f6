//! Where and how to listen, as people write it.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// At an address of this machine; port 0 takes any free one.
    Tcp(SocketAddr),
    /// At a Unix domain socket.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    /// Reads ADDRESS:PORT, a port of this machine alone, or `unix:PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("unix:") {
            return unix_path(text).map(Self::Unix);
        }
        let here =
            |port: &str| port.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let local = text.strip_prefix("localhost:").unwrap_or(text);
        let address = text.parse().ok().or_else(|| here(local));
        address.map(Self::Tcp).ok_or_else(|| {
            "write ADDRESS:PORT, such as 127.0.0.1:8000 or [::1]:0, or only a port, or unix:PATH".to_owned()
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The path in `unix:PATH`.
pub(crate) fn unix_path(text: &str) -> Result<PathBuf, String> {
    let path = text.strip_prefix("unix:").filter(|path| !path.is_empty());
    path.map(PathBuf::from).ok_or_else(|| "write unix:PATH, such as unix:/run/tools.sock".to_owned())
}

/// Permissions in octal.
pub(crate) fn mode(text: &str) -> Result<u32, String> {
    const MODE_MAX: u32 = 0o777;
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= MODE_MAX);
    mode.ok_or_else(|| "write permissions in octal, such as 600 or 660".to_owned())
}

/// How many lanes.
pub(crate) fn lanes(text: &str) -> Result<usize, String> {
    const MAX: usize = 1024;
    let lanes = text.parse().ok().filter(|lanes| (1..=MAX).contains(lanes));
    lanes.ok_or_else(|| format!("write a number from 1 to {MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_in_every_way_in_which_people_write_one() {
        let rows = [
            ("127.0.0.1:9000", Some("127.0.0.1:9000")),
            ("0.0.0.0:80", Some("0.0.0.0:80")),
            ("[::1]:0", Some("[::1]:0")),
            ("9000", Some("127.0.0.1:9000")),
            ("localhost:0", Some("127.0.0.1:0")),
            ("unix:/run/a.sock", Some("unix:/run/a.sock")),
            ("unix:a.sock", Some("unix:a.sock")),
            ("unix:", None),
            (":9000", None),
            ("example.com:80", None),
            ("127.0.0.1", None),
            ("70000", None),
        ];
        for (text, expected) in rows {
            let read = text.parse::<Listen>().ok().map(|listen| listen.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn permissions_are_octal() {
        let rows = [("600", Some(0o600)), ("0660", Some(0o660)), ("888", None), ("1777", None), ("", None)];
        for (text, expected) in rows {
            assert_eq!(mode(text).ok(), expected, "{text}");
        }
    }
}
