//! How fast a recording is played.

use std::fmt;
use std::str::FromStr;

/// How fast to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was recorded.
    Times(f64),
    /// Without looking at the clock.
    Max,
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let factor = text.strip_suffix('x').unwrap_or(text).parse().ok();
        let factor = factor.filter(|factor| (0.001..=1000.0).contains(factor));
        factor
            .map(Self::Times)
            .ok_or_else(|| format!("`{text}` is no speed; write one like 2x or 0.5x, or max"))
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(factor) => write!(out, "{factor}x"),
            Self::Max => out.write_str("max"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_as_they_are_written() {
        for (text, speed) in [("max", Speed::Max), ("2x", Speed::Times(2.0)), ("0.5x", Speed::Times(0.5))] {
            assert_eq!(text.parse(), Ok(speed));
            assert_eq!(speed.to_string().parse(), Ok(speed));
        }
        for text in ["", "x", "0x", "-1x", "fast", "1e9x", "NaNx"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
