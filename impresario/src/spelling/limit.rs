//! How a limit is written: `NAME=VALUE` on the command line, a number or text with a unit in a file.

use std::str::FromStr;

use impresario_protocol::{LimitError, LimitInfo, Limits};

/// One `--limit NAME=VALUE`, known to be a limit and within its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSetting {
    /// The limit's name in [`Limits::TABLE`].
    pub name: &'static str,
    /// Its value in the limit's own unit.
    pub value: u64,
}

impl FromStr for LimitSetting {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let (name, value) = text.split_once('=').ok_or(SettingError::NoValue)?;
        let (name, value) = (name.trim(), value.trim());
        let Some(info) = Limits::TABLE.iter().find(|info| info.name == name) else {
            // Setting it has the words for this, and the nearest name.
            Limits::default().set(name, 0)?;
            unreachable!("a name that is not in the table can't be set");
        };
        Self::read(info, value)
    }
}

impl LimitSetting {
    /// Reads the value of a limit: a number, or one with a unit.
    pub(crate) fn read(info: &'static LimitInfo, value: &str) -> Result<Self, SettingError> {
        let unreadable = || SettingError::Unreadable { info, value: value.to_owned() };
        let value = amount(value, info.unit).ok_or_else(unreadable)?;
        Limits::default().set(info.name, value)?;
        Ok(Self { name: info.name, value })
    }
}

/// Why a `--limit` can't be followed.
#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    /// There is no `=`.
    #[error("write NAME=VALUE; `impresario limits` lists the names")]
    NoValue,
    /// The value is not a number of the limit's unit.
    #[error("`{value}` is no number of {}; write one like {}", info.unit, short(info.default, info.unit))]
    Unreadable {
        /// The limit.
        info: &'static LimitInfo,
        /// What was written.
        value: String,
    },
    /// There is no such limit, or it may not be that.
    #[error("{0} (see `impresario limits`)")]
    Limit(#[from] LimitError),
}

/// The suffixes of a unit, the largest first, and what each is worth.
fn suffixes(unit: &str) -> &'static [(&'static str, u64)] {
    match unit {
        "bytes" | "bytes a second" => &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)],
        "milliseconds" => &[("h", 3_600_000), ("min", 60_000), ("ms", 1), ("s", 1_000)],
        _ => &[],
    }
}

/// Reads `4MiB` or `30s` or a plain number in the limit's unit.
fn amount(text: &str, unit: &str) -> Option<u64> {
    let digits_len = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at(digits_len);
    let number: u64 = digits.parse().ok()?;
    let suffix = suffix.trim_start();
    if suffix.is_empty() {
        return Some(number);
    }
    let (_, worth) = suffixes(unit).iter().find(|(known, _)| known.eq_ignore_ascii_case(suffix))?;
    number.checked_mul(*worth)
}

/// The shortest way to write a value so that it can be read again.
pub(crate) fn short(value: u64, unit: &str) -> String {
    let mut by_worth = suffixes(unit).to_vec();
    by_worth.sort_by_key(|(_, worth)| std::cmp::Reverse(*worth));
    let fits =
        by_worth.into_iter().find(|(_, worth)| *worth > 1 && value > 0 && value.is_multiple_of(*worth));
    fits.map_or_else(|| value.to_string(), |(suffix, worth)| format!("{}{suffix}", value / worth))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_read_in_the_units_of_its_limit() {
        let rows = [
            ("body_bytes_max=1048576", "body_bytes_max", 1_048_576),
            ("body_bytes_max=1MiB", "body_bytes_max", 1_048_576),
            ("body_bytes_max = 2 kib", "body_bytes_max", 2_048),
            ("body_bytes_per_second_min=1KiB", "body_bytes_per_second_min", 1_024),
            ("call_timeout_ms=250", "call_timeout_ms", 250),
            ("call_timeout_ms=250ms", "call_timeout_ms", 250),
            ("call_timeout_ms=10s", "call_timeout_ms", 10_000),
            ("session_idle_timeout_ms=5min", "session_idle_timeout_ms", 300_000),
            ("session_idle_timeout_ms=2h", "session_idle_timeout_ms", 7_200_000),
            ("json_depth_max=128", "json_depth_max", 128),
        ];
        for (text, name, value) in rows {
            assert_eq!(text.parse::<LimitSetting>().unwrap(), LimitSetting { name, value }, "{text}");
        }
    }

    #[test]
    fn a_setting_that_can_not_be_followed_says_what_to_write() {
        let rows = [
            ("body_bytes_max", "write NAME=VALUE; `impresario limits` lists the names"),
            (
                "body_byte_max=1",
                "unknown limit `body_byte_max`; did you mean `body_bytes_max`? (see `impresario limits`)",
            ),
            (
                "json_depth_max=129",
                "limit `json_depth_max` must be from 1 to 128 levels, not 129 (see `impresario limits`)",
            ),
            ("json_depth_max=1KiB", "`1KiB` is no number of levels; write one like 64"),
            ("call_timeout_ms=1MiB", "`1MiB` is no number of milliseconds; write one like 1min"),
            ("body_bytes_max=lots", "`lots` is no number of bytes; write one like 4MiB"),
            ("body_bytes_max=-1", "`-1` is no number of bytes; write one like 4MiB"),
            ("body_bytes_max=99999999999GiB", "`99999999999GiB` is no number of bytes; write one like 4MiB"),
        ];
        for (text, message) in rows {
            assert_eq!(text.parse::<LimitSetting>().unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn every_default_is_written_so_that_it_can_be_read_again() {
        for info in Limits::TABLE {
            let text = format!("{}={}", info.name, short(info.default, info.unit));
            assert_eq!(text.parse::<LimitSetting>().unwrap().value, info.default, "{text}");
        }
    }
}
