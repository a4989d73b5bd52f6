//! What may happen to characters that do more than they show.

use schemars::JsonSchema;
use serde::Deserialize;

/// What happens to characters that do more than they show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// They stay.
    #[default]
    Keep,
    /// They are taken out.
    Strip,
    /// They are written out, as `\u{202e}`, so that a reader sees them; but not a carriage return that ends a line.
    Escape,
}
