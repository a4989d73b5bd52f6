//! Why a request did not bring an answer: whose fault it is, and whether it is worth another try.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::address::AddressKind;

/// Why a URL or an address is not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It can't be read as a URL.
    #[error("this is no URL: {0}")]
    NotAUrl(String),
    /// Characters that a URL writes in another way, and parsers read in different ways.
    #[error("a URL must not hold spaces, control characters or backslashes; percent-encode them")]
    Characters,
    /// Neither `http` nor `https`.
    #[error("the scheme `{0}` is not allowed; only http and https are")]
    Scheme(String),
    /// A user name or password before the host.
    #[error("a URL must not hold a user name or password")]
    UserInfo,
    /// A host that the rules don't list.
    #[error("the host {host} is not among the allowed hosts")]
    Host {
        /// The host.
        host: String,
    },
    /// A port that the rules don't list.
    #[error("port {port} is not among the allowed ports")]
    Port {
        /// The port.
        port: u16,
    },
    /// An address that is not of the public internet.
    #[error(
        "{host} is {kind} ({address}), which is not allowed; the operator may list it in `allow_private`"
    )]
    Address {
        /// The host, as the URL names it.
        host: String,
        /// The address that it stands for.
        address: IpAddr,
        /// What the address is for.
        kind: AddressKind,
    },
    /// A redirect from https to http.
    #[error("{host} redirects from https to http, which is not followed")]
    Downgrade {
        /// Where it leads.
        host: String,
    },
}

/// Whose fault it is that there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Whoever made the request: another one may succeed.
    Request,
    /// The other side, or the way there.
    Upstream,
    /// This process has no room for it now.
    Here,
}

/// Why a request did not bring an answer. None of the texts holds a path, a query or a header: they may hold secrets.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutboundError {
    /// The rules do not allow it. Nothing was sent to that place.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name of the host has no address, or the resolver did not answer.
    #[error("the host {host} can't be resolved: {problem}")]
    Unresolved {
        /// The host.
        host: String,
        /// What the resolver says.
        problem: String,
    },
    /// No connection came about.
    #[error("{host} can't be reached: {problem}")]
    Unreachable {
        /// The host.
        host: String,
        /// What the system says.
        problem: String,
    },
    /// The other side can't prove who it is.
    #[error("no secure connection to {host}: {problem}")]
    Insecure {
        /// The host.
        host: String,
        /// What TLS says.
        problem: String,
    },
    /// The time was over before the answer was whole.
    #[error("{host} did not answer within {} ms", .after.as_millis())]
    TimedOut {
        /// The host.
        host: String,
        /// The time that it had.
        after: Duration,
    },
    /// The answer came too slowly.
    #[error("{host} sends less than {bytes_per_second_min} bytes a second")]
    TooSlow {
        /// The host.
        host: String,
        /// What is asked of it.
        bytes_per_second_min: u64,
    },
    /// The answer is too large.
    #[error("the answer of {host} is larger than {bytes_max} bytes; ask for less")]
    TooLarge {
        /// The host.
        host: String,
        /// What it may be.
        bytes_max: u64,
    },
    /// One redirect too many.
    #[error("{host} redirects more than {redirects_max} times")]
    Redirects {
        /// The host that sent the last one.
        host: String,
        /// How many are followed.
        redirects_max: u32,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("the answer of {host} broke off: {problem}")]
    Broken {
        /// The host.
        host: String,
        /// What went wrong.
        problem: String,
    },
    /// The request's time was over before it had a place among those under way.
    #[error("{in_flight_max} requests are under way already; try again later")]
    Busy {
        /// How many may be.
        in_flight_max: usize,
    },
}

impl OutboundError {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(_) | Self::TooLarge { .. } => Fault::Request,
            Self::Busy { .. } => Fault::Here,
            Self::Unresolved { .. }
            | Self::Unreachable { .. }
            | Self::Insecure { .. }
            | Self::TimedOut { .. }
            | Self::TooSlow { .. }
            | Self::Redirects { .. }
            | Self::Broken { .. } => Fault::Upstream,
        }
    }

    /// Whether the same request may succeed a moment later. Whether it may be sent twice is another question, which
    /// only its author can answer.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unresolved { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::TooSlow { .. }
            | Self::Broken { .. }
            | Self::Busy { .. } => true,
            Self::Refused(_) | Self::Insecure { .. } | Self::TooLarge { .. } | Self::Redirects { .. } => {
                false
            }
        }
    }
}

/// Why a client can't be made of its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A host of the rules is none.
    #[error(
        "`{0}` is no host; write a name such as `api.example.com` or `*.example.com`, without scheme and port"
    )]
    Host(String),
    /// A network of the rules is none.
    #[error("`{0}` is no network; write an address or a range such as `127.0.0.0/8`")]
    Network(String),
    /// The certificates can't be used.
    #[error("can't use the certificates of {}: {problem}", .path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The proxy's address is none.
    #[error("`{0}` is no address of a proxy; write one such as `http://proxy.example.com:3128`")]
    Proxy(String),
    /// The client can't be built.
    #[error("can't make the client: {0}")]
    Client(String),
}
