//! The revisions of MCP, and the two eras they fall into.
//!
//! This is the only file of this crate that may name one.

use std::fmt;

/// A dated revision of the MCP specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: HTTP+SSE, sessions.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, JSON-RPC batches, audio, tool annotations.
    V2025_03_26,
    /// 2025-06-18: structured output, resource links, titles; no more batches.
    V2025_06_18,
    /// 2025-11-25: icons, experimental tasks.
    V2025_11_25,
    /// 2026-07-28: stateless; metadata on every request.
    V2026_07_28,
}

/// How a client opens: with a handshake and a session, or with metadata on each request
/// (2026-07-28, basic/versioning, "Terminology").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2024-11-05 to 2025-11-25: an `initialize` handshake, then a session.
    Legacy,
    /// 2026-07-28 and later: every request carries its version and capabilities.
    Modern,
}

impl Revision {
    /// Every revision we speak, newest first: the order in which `server/discover` offers them.
    pub const ALL: [Self; 5] =
        [Self::V2026_07_28, Self::V2025_11_25, Self::V2025_06_18, Self::V2025_03_26, Self::V2024_11_05];

    /// The newest revision of the legacy era: what `initialize` answers to a version it does not know.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// The newest revision of all.
    pub const LATEST: Self = Self::V2026_07_28;

    /// The revision of that name, exactly as it stands on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == text)
    }

    /// The revision's name on the wire, such as `2025-11-25`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era this revision belongs to.
    #[must_use]
    pub const fn era(self) -> Era {
        match self {
            Self::V2024_11_05 | Self::V2025_03_26 | Self::V2025_06_18 | Self::V2025_11_25 => Era::Legacy,
            Self::V2026_07_28 => Era::Modern,
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_revision_reads_back_from_its_own_name() {
        for revision in Revision::ALL {
            assert_eq!(Revision::parse(revision.as_str()), Some(revision));
        }
        assert_eq!(Revision::parse("1900-01-01"), None);
    }
}
