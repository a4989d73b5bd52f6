//! How one run went over its time: the rate with what failed, and the percentiles of each slice.

use super::frame::{self, ACROSS, Axis, HEIGHT, UPWARDS, WIDTH};
use super::markup::{Markup, Px};
use super::scale::Scale;
use crate::result::{RunResult, Slice};
use crate::show::units;

/// Right answers in a second, slice by slice, with the rate asked for and what failed.
pub(super) fn rate(page: &mut Markup, result: &RunResult) {
    let rates: Vec<f64> = result.slices.iter().map(answered).collect();
    let asked = result.slices.iter().filter_map(|slice| slice.asked_rate_per_s);
    let largest = rates.iter().copied().chain(asked).fold(0.0, f64::max);
    let across = across(result);
    let upwards = Scale::from_zero(largest, UPWARDS.0, UPWARDS.1);
    let x = Axis::new(across, 8, "seconds of the measured time", plain);
    let y = Axis::new(upwards, 5, "answers per second", thousands);
    let smallest = rates.iter().copied().fold(f64::MAX, f64::min);
    let words = format!(
        "Between {} and {}.",
        units::rate(smallest),
        units::rate(rates.iter().copied().fold(0.0, f64::max))
    );
    let draw = |svg: &mut Markup| {
        frame::axes(svg, &x, &y);
        let points: Vec<(f64, f64)> = steps(result, &across, |slice| upwards.place(answered(slice)));
        svg.empty("path", &[("class", &"area s0"), ("d", &frame::area(&points))]);
        svg.empty("path", &[("class", &"line s0"), ("d", &frame::way(points))]);
        let asked = result.slices.iter().filter_map(|slice| {
            Some((across.place(slice.at_s + slice.length_s / 2.0), upwards.place(slice.asked_rate_per_s?)))
        });
        let asked = frame::way(asked);
        if !asked.is_empty() {
            svg.empty("path", &[("class", &"line asked"), ("d", &asked)]);
        }
        for slice in result.slices.iter().filter(|slice| slice.errors > 0) {
            let share = slice.errors as f64 / (slice.errors + slice.answers) as f64;
            let height = (share * (UPWARDS.0 - UPWARDS.1)).max(3.0);
            band(svg, "failed", slice, &across, (UPWARDS.0 - height, height), "");
        }
        hover(svg, result, &across, |slice| {
            let failed = if slice.errors > 0 {
                format!(", {} errors", units::count(slice.errors))
            } else {
                String::new()
            };
            format!("{} s: {}{failed}", plain(slice.at_s), units::rate(answered(slice)))
        });
    };
    let has_errors = result.slices.iter().any(|slice| slice.errors > 0);
    let is_open = result.slices.iter().any(|slice| slice.asked_rate_per_s.is_some());
    frame::figure(page, "Rate over time", &words, (WIDTH, HEIGHT), draw, |below| {
        if !is_open && !has_errors {
            return;
        }
        below.nest("ul", &[("class", &"legend")], |list| {
            list.leaf("li", &[("class", &"s0")], "answered");
            if is_open {
                list.leaf("li", &[("class", &"asked")], "asked for");
            }
            if has_errors {
                list.leaf("li", &[("class", &"failed")], "part of the requests that failed");
            }
        });
    });
}

/// A line over time: its name, its colour, and its value in a slice.
type Line = (&'static str, &'static str, fn(&Slice) -> f64);

/// Median, 99 of 100 and the largest latency of each slice.
pub(super) fn latency(page: &mut Markup, result: &RunResult) {
    const LINES: [Line; 3] = [
        ("p50", "s0", |slice| slice.p50_us),
        ("p99", "s1", |slice| slice.p99_us),
        ("largest", "s3", |slice| slice.max_us),
    ];
    let answered: Vec<&Slice> = result.slices.iter().filter(|slice| slice.p50_us > 0.0).collect();
    let smallest = answered.iter().map(|slice| slice.p50_us).fold(f64::MAX, f64::min);
    let largest = answered.iter().map(|slice| slice.max_us).fold(0.0, f64::max);
    let across = across(result);
    let upwards = Scale::logarithmic(smallest, largest, UPWARDS.0, UPWARDS.1);
    let x = Axis::new(across, 8, "seconds of the measured time", plain);
    let y = Axis::new(upwards, 5, "latency, logarithmic", units::mark);
    let words =
        format!("Medians from {}, the slowest answer {}.", units::time(smallest), units::time(largest));
    let draw = |svg: &mut Markup| {
        frame::axes(svg, &x, &y);
        for (_, colour, value) in LINES {
            let points = answered
                .iter()
                .map(|slice| (across.place(slice.at_s + slice.length_s / 2.0), upwards.place(value(slice))));
            svg.empty("path", &[("class", &format!("line {colour}")), ("d", &frame::way(points))]);
        }
        hover(svg, result, &across, |slice| {
            let values = LINES.map(|(name, _, value)| format!("{name} {}", units::time(value(slice))));
            format!("{} s: {}", plain(slice.at_s), values.join(", "))
        });
    };
    frame::figure(page, "Latency over time", &words, (WIDTH, HEIGHT), draw, |below| {
        below.nest("ul", &[("class", &"legend")], |list| {
            for (name, colour, _) in LINES {
                list.leaf("li", &[("class", &colour)], name);
            }
        });
    });
}

fn answered(slice: &Slice) -> f64 {
    if slice.length_s > 0.0 { slice.answers as f64 / slice.length_s } else { 0.0 }
}

fn across(result: &RunResult) -> Scale {
    let end = result.slices.last().map_or(1.0, |slice| slice.at_s + slice.length_s);
    Scale::linear(0.0, end, ACROSS.0, ACROSS.1)
}

/// Both ends of every slice at its height.
fn steps(result: &RunResult, across: &Scale, height: impl Fn(&Slice) -> f64) -> Vec<(f64, f64)> {
    let ends = |slice: &Slice| {
        let height = height(slice);
        [(across.place(slice.at_s), height), (across.place(slice.at_s + slice.length_s), height)]
    };
    result.slices.iter().flat_map(ends).collect()
}

/// Over each slice something that says its values when a pointer rests on it.
fn hover(svg: &mut Markup, result: &RunResult, across: &Scale, words: impl Fn(&Slice) -> String) {
    for slice in &result.slices {
        band(svg, "hover", slice, across, (UPWARDS.1, UPWARDS.0 - UPWARDS.1), &words(slice));
    }
}

fn band(
    svg: &mut Markup,
    class: &str,
    slice: &Slice,
    across: &Scale,
    (top, height): (f64, f64),
    words: &str,
) {
    let left = across.place(slice.at_s);
    let width = across.place(slice.at_s + slice.length_s) - left;
    let attributes: [(&'static str, &dyn std::fmt::Display); 5] = [
        ("class", &class),
        ("x", &Px(left)),
        ("y", &Px(top)),
        ("width", &Px(width)),
        ("height", &Px(height)),
    ];
    svg.nest("rect", &attributes, |rect| {
        if !words.is_empty() {
            rect.leaf("title", &[], words);
        }
    });
}

fn plain(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0)
}

fn thousands(value: f64) -> String {
    if value >= 10_000.0 { format!("{}k", plain(value / 1e3)) } else { plain(value) }
}
