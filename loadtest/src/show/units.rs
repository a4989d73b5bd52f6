//! Numbers as people read them: three digits that matter, and the unit that fits.

use crate::comparison::Metric;

/// A time given in microseconds: `31 µs`, `1.21 ms`, `12.3 s`.
#[must_use]
pub fn time(us: f64) -> String {
    let (value, unit) = match us.abs() {
        us if us < 0.9995 && us > 0.0 => (us * 1e3, "ns"),
        us if us < 999.5 => (us, "µs"),
        us if us < 999_500.0 => (us / 1e3, "ms"),
        _ => (us.abs() / 1e6, "s"),
    };
    format!("{} {unit}", digits(value.copysign(us)))
}

/// A time at the mark of an axis, where zeros behind the point say nothing: `2 ms`, `1.5 ms`.
#[must_use]
pub fn mark(us: f64) -> String {
    let text = time(us);
    match text.split_once(' ') {
        Some((value, unit)) if value.contains('.') => {
            format!("{} {unit}", value.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// A duration in whole words of a clock: `6.2 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{:.1} s", seconds.max(0.0)),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3_600, whole % 3_600 / 60),
    }
}

/// An amount of memory or data: `512 B`, `12.3 KiB`, `1.90 GiB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes;
    let mut unit = 0;
    while value.abs() >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    // There are no parts of a byte, except in an average.
    let text = if unit == 0 && value.fract() == 0.0 { format!("{value:.0}") } else { digits(value) };
    format!("{text} {}", UNITS[unit])
}

/// A count with its thousands apart: `1,204,331`.
#[must_use]
pub fn count(count: u64) -> String {
    let plain = count.to_string();
    let mut text = String::with_capacity(plain.len() + plain.len() / 3);
    for (at, digit) in plain.char_indices() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many in a second: `120,433/s`, `3.20/s`.
#[must_use]
pub fn rate(per_s: f64) -> String {
    if per_s.abs() < 99.95 {
        format!("{}/s", digits(per_s))
    } else {
        format!("{}/s", count(per_s.round() as u64))
    }
}

/// A share of a whole: `12.5 %`; what is there, however little, is never shown as nothing.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        0.0 => "0 %".to_owned(),
        value if value < 0.001 => "<0.001 %".to_owned(),
        value if value < 0.1 => format!("{percent:.3} %"),
        value if value < 10.0 => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// Processor time as a part of one core: `0.97 core`, `3.20 cores`.
#[must_use]
pub fn cores(share: f64) -> String {
    format!("{share:.2} {}", if share < 1.005 { "core" } else { "cores" })
}

/// One value over another: `1.08`, `12.3`, `0.004`.
#[must_use]
pub fn ratio(ratio: f64) -> String {
    if (0.1..9.995).contains(&ratio) { format!("{ratio:.2}") } else { digits(ratio) }
}

/// What is compared, as people read it.
#[must_use]
pub fn metric(metric: Metric, value: f64) -> String {
    match metric {
        Metric::CpuPerAnswer | Metric::P50 | Metric::P99 => time(value),
        Metric::Rate => rate(value),
        Metric::Rss => bytes(value),
    }
}

/// A value in a unit that came from elsewhere, like a scenario's own figure.
#[must_use]
pub fn figure(value: f64, unit: &str) -> String {
    match unit {
        "bytes" | "B" => bytes(value),
        "1/s" | "/s" => rate(value),
        "us" | "µs" => time(value),
        "ms" => time(value * 1e3),
        "ns" => time(value / 1e3),
        "s" => time(value * 1e6),
        "share" => percent(value),
        "cores" => cores(value),
        "" | "count" if value.fract() == 0.0 && value >= 0.0 => count(value as u64),
        "" | "count" => digits(value),
        unit => format!("{} {unit}", digits(value)),
    }
}

/// Three digits that matter, and all of them before the point.
fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.0995 => format!("{value:.4}"),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        size if size < 9_999.5 => format!("{value:.0}"),
        _ => count(value.abs().round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_choose_their_unit() {
        let rows = [
            (0.0, "0 µs"),
            (0.25, "250 ns"),
            (1.0, "1.00 µs"),
            (31.4, "31.4 µs"),
            (999.4, "999 µs"),
            (999.6, "1.00 ms"),
            (12_345.0, "12.3 ms"),
            (999_600.0, "1.00 s"),
            (12_300_000.0, "12.3 s"),
            (12_345_600_000.0, "12,346 s"),
        ];
        for (us, expected) in rows {
            assert_eq!(time(us), expected);
        }
    }

    #[test]
    fn amounts_choose_their_unit() {
        let rows = [
            (0.0, "0 B"),
            (512.0, "512 B"),
            (1_023.0, "1.00 KiB"),
            (12_595.0, "12.3 KiB"),
            (1_048_576.0, "1.00 MiB"),
            (2e12, "1.82 TiB"),
            (2e16, "18,190 TiB"),
            (19.25, "19.2 B"),
        ];
        for (amount, expected) in rows {
            assert_eq!(bytes(amount), expected);
        }
    }

    #[test]
    fn counts_and_rates_keep_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_204_331), "1,204,331");
        assert_eq!(rate(3.2), "3.20/s");
        assert_eq!(rate(99.96), "100/s");
        assert_eq!(rate(120_432.6), "120,433/s");
    }

    #[test]
    fn a_small_share_is_not_nothing() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_000_1), "<0.001 %");
        assert_eq!(percent(0.000_5), "0.050 %");
        assert_eq!(percent(0.012), "1.20 %");
        assert_eq!(percent(1.0), "100.0 %");
    }

    #[test]
    fn the_rest_reads_as_it_should() {
        assert_eq!(mark(2_000.0), "2 ms");
        assert_eq!(mark(1_500.0), "1.5 ms");
        assert_eq!(mark(500.0), "500 µs");
        assert_eq!(cores(0.974), "0.97 core");
        assert_eq!(cores(2.5), "2.50 cores");
        assert_eq!(ratio(1.0), "1.00");
        assert_eq!(ratio(12.34), "12.3");
        assert_eq!(ratio(0.0041), "0.0041");
        assert_eq!(clock(6.24), "6.2 s");
        assert_eq!(clock(200.0), "3 min 20 s");
        assert_eq!(clock(7_500.0), "2 h 5 min");
        assert_eq!(figure(1_945.6, "bytes"), "1.90 KiB");
        assert_eq!(figure(12.0, "sessions"), "12.0 sessions");
        assert_eq!(figure(12_000.0, ""), "12,000");
    }
}
