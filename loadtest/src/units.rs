//! Sizes, times, rates and headers as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number of bytes, written like `100KB` (thousands) or `64KiB` (of 1,024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// Of units that fit, the first is written.
const SIZES: [(&str, u64); 9] = [
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
    ("", 1),
];

/// The largest size that is taken: no message of ours is bigger.
pub const BYTES_MAX: u64 = 1 << 30;

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = &text[digits.len()..];
        let size = SIZES.iter().find(|(name, _)| *name == unit).and_then(|(_, factor)| {
            digits.parse::<u64>().ok()?.checked_mul(*factor).filter(|size| *size <= BYTES_MAX)
        });
        size.map(Self).ok_or_else(|| format!("`{text}` is no size up to 1GiB; write one like 100KB or 1MiB"))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fitting = SIZES.iter().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        let (name, factor) = fitting.copied().unwrap_or(("B", 1));
        write!(out, "{}{name}", self.0 / factor)
    }
}

/// Reads a time: `250us`, `5ms`, `10s`, `2m`, `1h`; a bare number is seconds.
///
/// # Errors
/// When it is none, negative, or longer than a day.
pub fn duration(text: &str) -> Result<Duration, String> {
    const DAY_S: f64 = 86_400.0;
    let digits = text.trim_end_matches(|letter: char| letter.is_alphabetic());
    let factor = match &text[digits.len()..] {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{text}` is no time; write one like 5ms, 10s or 2m")),
    };
    let seconds = digits.parse::<f64>().ok().map(|number| number * factor);
    let seconds = seconds.filter(|seconds| (0.0..=DAY_S).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("`{text}` is no time up to a day; write one like 5ms, 10s or 2m"))
}

/// Reads a rate: `5000`, `50k`, `1.5k`, with `/s` behind it or not.
///
/// # Errors
/// When it is none, not positive, or more than a network carries.
pub fn rate(text: &str) -> Result<f64, String> {
    const RATE_MAX: f64 = 1e8;
    let number = text.strip_suffix("/s").unwrap_or(text);
    let (number, factor) = number.strip_suffix('k').map_or((number, 1.0), |number| (number, 1000.0));
    let rate = number.parse::<f64>().ok().map(|rate| rate * factor);
    rate.filter(|rate| *rate > 0.0 && *rate <= RATE_MAX)
        .ok_or_else(|| format!("`{text}` is no rate; write requests a second, like 5000 or 50k"))
}

/// Reads a header: `Name: value`, and `Name=value` too.
///
/// # Errors
/// When it is none.
pub fn header(text: &str) -> Result<(String, String), String> {
    let at = text.find([':', '=']).ok_or("write 'Name: value'")?;
    let (name, value) = (text[..at].trim(), text[at + 1..].trim());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("`{name}` is no name of a header"));
    }
    if value.bytes().any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f) {
        return Err("the value has characters that no header may have".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        let rows = [
            ("0", 0),
            ("17", 17),
            ("100KB", 100_000),
            ("64KiB", 65_536),
            ("1MB", 1_000_000),
            ("1GiB", 1 << 30),
        ];
        for (text, size) in rows {
            assert_eq!(text.parse(), Ok(Bytes(size)));
            assert_eq!(Bytes(size).to_string().parse(), Ok(Bytes(size)));
        }
        for (size, text) in [(100_000, "100KB"), (256_000, "256KB"), (1 << 20, "1MiB"), (1_001, "1001B")] {
            assert_eq!(Bytes(size).to_string(), text);
        }
        for text in ["", "KB", "-1", "1TB", "2GiB", "1.5KB", "99999999999999999999"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read() {
        let rows =
            [("250us", 250), ("5ms", 5_000), ("0.5s", 500_000), ("10", 10_000_000), ("2m", 120_000_000)];
        for (text, micros) in rows {
            assert_eq!(duration(text), Ok(Duration::from_micros(micros)));
        }
        for text in ["", "s", "-1s", "1d", "NaN", "inf", "25h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_read() {
        for (text, expected) in [("5000", 5000.0), ("1.5k", 1500.0), ("50k/s", 50_000.0), ("0.5", 0.5)] {
            assert_eq!(rate(text), Ok(expected));
        }
        for text in ["", "k", "0", "-5", "NaN", "1e9"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_header_is_split_at_the_first_sign() {
        let rows = [
            ("Authorization: Bearer x=y", Some(("Authorization", "Bearer x=y"))),
            ("X-Key=a:b", Some(("X-Key", "a:b"))),
            ("nothing", None),
            ("bad name: 1", None),
            ("X: a\r\nY: b", None),
        ];
        for (text, expected) in rows {
            let read = header(text).ok();
            assert_eq!(
                read.as_ref().map(|(name, value)| (name.as_str(), value.as_str())),
                expected,
                "{text}"
            );
        }
    }
}
