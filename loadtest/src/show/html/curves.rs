//! Two looks at latency: where answers gather, and how slow the slow ones are.

use super::distribution::{Distribution, nines_of};
use super::frame::{self, ACROSS, Axis, HEIGHT, UPWARDS, WIDTH};
use super::markup::Markup;
use super::scale::Scale;
use crate::show::units;

/// Ranges of the distribution's axis.
const BINS: usize = 72;
/// The slowest answers are few and far out: the distribution is drawn up to this quantile.
const DRAWN_QUANTILE: f64 = 0.9995;

/// A server's latencies and what it is called.
pub(super) type Named<'a> = (&'a str, Distribution);

/// Where answers gather, over a logarithmic axis of time.
pub(super) fn density(page: &mut Markup, servers: &[Named<'_>]) {
    let low = servers.iter().map(|(_, latencies)| latencies.quantile(0.0)).fold(f64::MAX, f64::min);
    let high = servers.iter().map(|(_, latencies)| latencies.quantile(DRAWN_QUANTILE)).fold(0.0, f64::max);
    let across = Scale::logarithmic(low, high, ACROSS.0, ACROSS.1);
    let edges: Vec<f64> = (0..=BINS).map(|at| across.value_at(at as f64 / BINS as f64)).collect();
    let shares: Vec<Vec<f64>> = servers.iter().map(|(_, latencies)| latencies.shares(&edges)).collect();
    let largest = shares.iter().flatten().copied().fold(0.0, f64::max);
    let upwards = Scale::from_zero(largest, UPWARDS.0, UPWARDS.1);
    let x = Axis::new(across, 6, "latency, logarithmic", units::mark);
    let y = Axis { scale: upwards, marks: Vec::new(), title: "share of answers" };
    let words = servers.iter().map(|(name, latencies)| {
        let (p50, p90) = (latencies.quantile(0.5), latencies.quantile(0.9));
        format!("{name}: half within {}, nine in ten within {}.", units::time(p50), units::time(p90))
    });
    let words = words.collect::<Vec<_>>().join(" ");
    let draw = |svg: &mut Markup| {
        frame::axes(svg, &x, &y);
        for (at, shares) in shares.iter().enumerate() {
            let middles = edges.windows(2).map(|pair| (pair[0] * pair[1]).sqrt());
            let points: Vec<(f64, f64)> =
                middles.zip(shares).map(|(us, share)| (across.place(us), upwards.place(*share))).collect();
            let colour = frame::colour(at);
            svg.empty("path", &[("class", &format!("area {colour}")), ("d", &frame::area(&points))]);
            svg.empty("path", &[("class", &format!("line {colour}")), ("d", &frame::way(points))]);
        }
        if let [(_, latencies)] = servers {
            percentile_lines(svg, latencies, &across);
        }
    };
    frame::figure(page, "Latency distribution", &words, (WIDTH, HEIGHT), draw, |below| {
        legend(below, servers)
    });
}

fn percentile_lines(svg: &mut Markup, latencies: &Distribution, across: &Scale) {
    for (quantile, name) in [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")] {
        let place = across.place(latencies.quantile(quantile));
        frame::line(svg, "guide", (place, UPWARDS.0), (place, UPWARDS.1));
        frame::label(svg, "mark", (place + 4.0, UPWARDS.1 + 18.0), name);
    }
}

/// The latency at each percentile, with one more nine at every step of the axis.
pub(super) fn percentiles(page: &mut Markup, servers: &[Named<'_>]) {
    let curves: Vec<Vec<(f64, f64)>> = servers.iter().map(|(_, latencies)| latencies.curve()).collect();
    let nines = servers.iter().map(|(_, latencies)| latencies.nines()).fold(1.0, f64::max);
    let times = || curves.iter().flatten().map(|(_, us)| *us);
    let across = Scale::linear(0.0, nines, ACROSS.0, ACROSS.1);
    let upwards = Scale::logarithmic(
        times().fold(f64::MAX, f64::min),
        times().fold(0.0, f64::max),
        UPWARDS.0,
        UPWARDS.1,
    );
    let marks = [
        (0.5, "50 %"),
        (0.9, "90 %"),
        (0.99, "99 %"),
        (0.999, "99.9 %"),
        (0.9999, "99.99 %"),
        (0.999_99, "99.999 %"),
        (0.999_999, "99.9999 %"),
    ];
    let marks = marks.into_iter().map(|(quantile, mark)| (nines_of(quantile), mark.to_owned()));
    // The last mark needs room for its half that stands to its right.
    let marks = marks.filter(|(at, _)| *at <= nines * 0.96).collect();
    let x = Axis { scale: across, marks, title: "share of answers that were at least as fast" };
    let y = Axis::new(upwards, 5, "", units::mark);
    let words = servers.iter().map(|(name, latencies)| {
        let (p99, p999) = (latencies.quantile(0.99), latencies.quantile(0.999));
        format!("{name}: 99 % within {}, 99.9 % within {}.", units::time(p99), units::time(p999))
    });
    let words = words.collect::<Vec<_>>().join(" ");
    let draw = |svg: &mut Markup| {
        frame::axes(svg, &x, &y);
        for (at, curve) in curves.iter().enumerate() {
            let points = curve.iter().map(|(at, us)| (across.place(*at), upwards.place(*us)));
            svg.empty(
                "path",
                &[("class", &format!("line {}", frame::colour(at))), ("d", &frame::way(points))],
            );
        }
        for (at, (name, latencies)) in servers.iter().enumerate() {
            for (quantile, words) in [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")] {
                let us = latencies.quantile(quantile);
                let spot = format!("{name}: {words} within {}", units::time(us));
                dot(svg, at, (across.place(nines_of(quantile)), upwards.place(us)), &spot);
            }
        }
    };
    frame::figure(page, "Latency by percentile", &words, (WIDTH, HEIGHT), draw, |below| {
        legend(below, servers)
    });
}

/// A dot that says its value when a pointer rests on it.
pub(super) fn dot(svg: &mut Markup, server: usize, (x, y): (f64, f64), words: &str) {
    use super::markup::Px;
    let class = format!("dot {}", frame::colour(server));
    svg.nest("circle", &[("class", &class), ("cx", &Px(x)), ("cy", &Px(y)), ("r", &"3.2")], |circle| {
        circle.leaf("title", &[], words);
    });
}

fn legend(page: &mut Markup, servers: &[Named<'_>]) {
    frame::legend(page, servers.iter().map(|(name, _)| *name));
}
