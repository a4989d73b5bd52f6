//! What is counted: our server under each workload, and a bare HTTP server that sends as much.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::{Client, House, Workload, bare};

/// The reply of bare servers where nothing asks for another size: about that of W1.
const SHORT_REPLY_BYTES: usize = 113;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Our server, every limit on.
    Ours(Workload),
    /// hyper with a fixed reply.
    Bare {
        /// The request that it gets.
        workload: Workload,
        /// Whether the reply is as long as ours; else it is short.
        full_reply: bool,
    },
}

impl Subject {
    /// All of them, in the order of the table.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let bare = [(Workload::Echo, false), (Workload::List, true), (Workload::LargeEcho, true)];
        let bare = bare.map(|(workload, full_reply)| Self::Bare { workload, full_reply });
        Workload::ALL.map(Self::Ours).into_iter().chain(bare).collect()
    }

    /// The subject of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn named(name: &str) -> anyhow::Result<Self> {
        let known = || Self::all().iter().map(|subject| subject.name()).collect::<Vec<_>>().join(", ");
        let found = Self::all().into_iter().find(|subject| subject.name() == name);
        found.with_context(|| format!("{name} is none of {}", known()))
    }

    /// The name on the command line and in the table.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Ours(workload) => workload.name().to_owned(),
            Self::Bare { workload, .. } => format!("hyper-{}", workload.name()),
        }
    }

    /// The requests that it gets.
    #[must_use]
    pub fn workload(self) -> Workload {
        match self {
            Self::Ours(workload) | Self::Bare { workload, .. } => workload,
        }
    }

    /// What its answers must hold.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Ours(workload) => workload.expected(),
            Self::Bare { .. } => "xxx",
        }
    }

    /// The bare server that it is to be compared with, when that is counted too.
    #[must_use]
    pub fn peer(self) -> Option<Self> {
        let Self::Ours(workload) = self else { return None };
        let (workload, full_reply) = match workload {
            Workload::List | Workload::LargeEcho => (workload, true),
            Workload::EscapedEcho => (Workload::LargeEcho, true),
            _ => (Workload::Echo, false),
        };
        Some(Self::Bare { workload, full_reply })
    }

    /// How many bytes a bare server's reply has.
    ///
    /// # Errors
    /// When our own server, whose reply is the measure, gives none.
    pub fn reply_bytes(self) -> anyhow::Result<usize> {
        match self {
            Self::Bare { workload, full_reply: true } => {
                let house = House::open()?;
                let request = workload.request(house.address())?;
                Ok(Client::connect(house.address())?.ask(&request)?.body.len())
            }
            Self::Bare { .. } | Self::Ours(_) => Ok(SHORT_REPLY_BYTES),
        }
    }
}

/// A server that runs in this process, to be counted from outside.
#[derive(Debug)]
pub enum Served {
    /// Ours.
    House(House),
    /// The bare one.
    Bare(SocketAddr),
}

impl Served {
    /// Starts our server, or a bare one with a reply of that size.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(bare_reply_bytes: Option<usize>) -> anyhow::Result<Self> {
        Ok(match bare_reply_bytes {
            Some(reply_bytes) => Self::Bare(bare::serve(reply_bytes)?),
            None => Self::House(House::open()?),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::House(house) => house.address(),
            Self::Bare(address) => *address,
        }
    }
}
