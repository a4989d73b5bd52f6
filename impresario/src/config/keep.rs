//! Which kept answers stay when there is no room for all, as the file names it.

use impresario_engine::Eviction;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which answers stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keep {
    /// Those that are asked for most often (TinyLFU).
    #[default]
    #[serde(rename = "tiny_lfu")]
    LeastFrequent,
    /// Those that were asked for last (LRU).
    #[serde(rename = "lru")]
    LeastRecent,
}

impl From<Keep> for Eviction {
    fn from(keep: Keep) -> Self {
        match keep {
            Keep::LeastFrequent => Self::LeastFrequent,
            Keep::LeastRecent => Self::LeastRecent,
        }
    }
}
