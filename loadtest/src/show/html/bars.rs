//! Bars that compare servers, with the interval in which the truth lies, and the rounds that they were made of.

use super::curves::dot;
use super::frame::{self, ACROSS, Axis, HEIGHT, UPWARDS, WIDTH};
use super::markup::{Markup, Px};
use super::scale::Scale;
use crate::comparison::{Metric, Part};
use crate::show::units;

/// Height of a server's row, the least and the most.
const ROW: (f64, f64) = (40.0, 88.0);
const NAME_BASE: f64 = 14.0;
const BAR_LEFT: f64 = 2.0;
/// Right of this stand the numbers.
const BAR_RIGHT: f64 = 350.0;

/// One bar for each server that has a value of `metric`, over `height` if that is enough; nothing if none has.
pub(super) fn metric(page: &mut Markup, part: &Part, metric: Metric, height: f64) {
    let rows: Vec<_> = part
        .servers
        .iter()
        .enumerate()
        .filter_map(|(at, server)| Some((at, server, server.mean(metric)?)))
        .collect();
    let reference = part.reference().and_then(|server| server.mean(metric)).map(|mean| mean.mean);
    let target = |at: usize| {
        Some(part.servers[at].cpu_ratio_max.filter(|_| metric == Metric::CpuPerAnswer)? * reference?)
    };
    let reach =
        rows.iter().flat_map(|(at, _, mean)| [Some(mean.mean), target(*at)]).flatten().fold(0.0, f64::max);
    if rows.is_empty() {
        return;
    }
    let across = Scale::linear(0.0, reach * 1.04, BAR_LEFT, BAR_RIGHT);
    let heading = format!(
        "{}, {}",
        metric.title(),
        if metric.more_is_better() { "more is better" } else { "less is better" }
    );
    let words = rows
        .iter()
        .map(|(_, server, mean)| format!("{}: {}.", server.name, units::metric(metric, mean.mean)));
    let words = words.collect::<Vec<_>>().join(" ");
    let row_height = (height / rows.len() as f64).clamp(ROW.0, ROW.1);
    let thickness = 14.0 + (row_height - ROW.0) * 0.5;
    let size = (WIDTH, row_height * rows.len() as f64 + 4.0);
    let draw = |svg: &mut Markup| {
        for (row, (at, server, mean)) in rows.iter().enumerate() {
            let top = row_height * row as f64;
            let middle = top + NAME_BASE + 5.0 + thickness / 2.0;
            frame::label(svg, "bar-name", (BAR_LEFT, top + NAME_BASE), &server.name);
            bar(svg, &format!("bar {}", frame::colour(*at)), across.place(mean.mean), middle, thickness);
            if mean.is_bounded() {
                whisker(svg, across.place(mean.low), across.place(mean.high), middle);
            }
            if let Some(target) = target(*at) {
                let place = across.place(target);
                frame::line(
                    svg,
                    "target",
                    (place, middle - thickness / 2.0 - 4.0),
                    (place, middle + thickness / 2.0 + 4.0),
                );
            }
            frame::label(
                svg,
                "bar-value end",
                (WIDTH - 104.0, middle + 4.5),
                units::metric(metric, mean.mean),
            );
            frame::label(svg, "bar-ratio end", (WIDTH - 4.0, middle + 4.5), ratio(part, *at, metric));
        }
    };
    frame::figure(page, &heading, &words, size, draw, |_| ());
}

fn bar(svg: &mut Markup, class: &str, right: f64, middle: f64, thickness: f64) {
    svg.empty(
        "rect",
        &[
            ("class", &class),
            ("x", &Px(BAR_LEFT)),
            ("y", &Px(middle - thickness / 2.0)),
            ("width", &Px((right - BAR_LEFT).max(1.5))),
            ("height", &Px(thickness)),
            ("rx", &"3"),
        ],
    );
}

fn whisker(svg: &mut Markup, left: f64, right: f64, middle: f64) {
    frame::line(svg, "whisker", (left, middle), (right, middle));
    for end in [left, right] {
        frame::line(svg, "whisker", (end, middle - 4.0), (end, middle + 4.0));
    }
}

fn ratio(part: &Part, at: usize, metric: Metric) -> String {
    let server = &part.servers[at];
    if server.name == part.against {
        return "1".to_owned();
    }
    part.ratio(server, metric).map_or_else(String::new, |ratio| format!("× {}", units::ratio(ratio.mean)))
}

/// The ratio of each server's processor time to the reference, or of its rate if that is not known, round by round.
pub(super) fn rounds(page: &mut Markup, part: &Part) {
    let ratios = |metric| -> Vec<(usize, Vec<f64>)> {
        let others = part.servers.iter().enumerate().filter(|(_, server)| server.name != part.against);
        others
            .map(|(at, server)| (at, part.ratios(server, metric)))
            .filter(|(_, ratios)| ratios.len() > 1)
            .collect()
    };
    let (metric, lines) = match ratios(Metric::CpuPerAnswer) {
        lines if lines.is_empty() => (Metric::Rate, ratios(Metric::Rate)),
        lines => (Metric::CpuPerAnswer, lines),
    };
    let count = lines.iter().map(|(_, ratios)| ratios.len()).max().unwrap_or(0);
    if count < 2 {
        return;
    }
    let all = || lines.iter().flat_map(|(_, ratios)| ratios).copied().chain([1.0]);
    let across = Scale::linear(0.5, count as f64 + 0.5, ACROSS.0, ACROSS.1);
    let upwards =
        Scale::logarithmic(all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max), UPWARDS.0, UPWARDS.1);
    let marks = (1..=count).filter(|round| count <= 16 || round % 5 == 0);
    let marks = marks.map(|round| (round as f64, round.to_string())).collect();
    let x = Axis { scale: across, marks, title: "round" };
    let title = format!("{} as a multiple of {}", metric.title(), part.against);
    let y = Axis::new(upwards, 5, &title, |value| format!("× {}", units::ratio(value)));
    let words = "Flat lines mean that the rounds agree.";
    let draw = |svg: &mut Markup| {
        frame::axes(svg, &x, &y);
        let one = upwards.place(1.0);
        frame::line(svg, "guide", (ACROSS.0, one), (ACROSS.1, one));
        for (at, ratios) in &lines {
            let place = |round: usize, ratio: f64| (across.place(round as f64 + 1.0), upwards.place(ratio));
            let points = ratios.iter().enumerate().map(|(round, ratio)| place(round, *ratio));
            svg.empty(
                "path",
                &[("class", &format!("line {}", frame::colour(*at))), ("d", &frame::way(points))],
            );
            for (round, ratio) in ratios.iter().enumerate() {
                let words =
                    format!("{}, round {}: × {}", part.servers[*at].name, round + 1, units::ratio(*ratio));
                dot(svg, *at, place(round, *ratio), &words);
            }
        }
    };
    frame::figure(page, "Round by round", words, (WIDTH, HEIGHT), draw, |below| {
        below.nest("ul", &[("class", &"legend")], |list| {
            for (at, _) in &lines {
                list.leaf("li", &[("class", &frame::colour(*at))], &part.servers[*at].name);
            }
        });
    });
}
