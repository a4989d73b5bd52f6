//! How cost grows with one thing: a line for each server, over logarithmic axes.

use super::curves::dot;
use super::frame::{self, ACROSS, Axis, HEIGHT, UPWARDS, WIDTH};
use super::markup::{Markup, Px};
use super::scale::Scale;
use crate::comparison::{Cost, Part};
use crate::show::{growth, units};

/// Height of the line that names the servers, below the plot.
const NAMES: f64 = 24.0;

/// One server: its name and, for each value, its cost.
struct Curve<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
}

/// A figure for each cost that is known, if the parts show how cost grows.
pub(super) fn figures(page: &mut Markup, parts: &[Part]) {
    for cost in Cost::ALL {
        let curves = curves(parts, cost);
        if !curves.is_empty() {
            let heading = growth::title(parts, cost);
            let draw = |svg: &mut Markup| drawing(svg, parts, cost, &curves);
            frame::figure(page, &heading, &words(cost, &curves), (WIDTH, HEIGHT + NAMES), draw, |_| {});
        }
    }
}

/// One cost as a file of its own; nothing if it is not known.
pub(super) fn alone(parts: &[Part], cost: Cost) -> Option<String> {
    let curves = curves(parts, cost);
    if curves.is_empty() {
        return None;
    }
    let mut file = Markup::default();
    let view = format!("0 0 {} {}", Px(WIDTH), Px(HEIGHT + NAMES));
    let svg: [(&'static str, &dyn std::fmt::Display); 3] =
        [("xmlns", &"http://www.w3.org/2000/svg"), ("viewBox", &view), ("role", &"img")];
    file.nest("svg", &svg, |svg| {
        svg.leaf("title", &[], growth::title(parts, cost));
        svg.leaf("desc", &[], words(cost, &curves));
        svg.nest("style", &[], |style| {
            style.verbatim(include_str!("style.css"));
            style.verbatim("text { font-family: system-ui, sans-serif; }");
        });
        svg.empty("rect", &[("class", &"paper"), ("width", &Px(WIDTH)), ("height", &Px(HEIGHT + NAMES))]);
        drawing(svg, parts, cost, &curves);
    });
    let mut text = file.finish();
    text.push('\n');
    Some(text)
}

/// In the order of the first part, so that colours are those of the other figures.
fn curves(parts: &[Part], cost: Cost) -> Vec<Curve<'_>> {
    let Some(first) = parts.iter().find(|part| part.point.is_some()) else { return Vec::new() };
    let points = |name: &str| -> Vec<(f64, f64)> {
        let of = |part: &Part| {
            let server = part.servers.iter().find(|server| server.name == name)?;
            Some((part.point.as_ref()?.value, server.cost(cost)?))
        };
        parts.iter().filter_map(of).collect()
    };
    let all: Vec<Curve<'_>> = first
        .servers
        .iter()
        .map(|server| Curve { name: &server.name, points: points(&server.name) })
        .collect();
    if all.iter().all(|curve| curve.points.is_empty()) { Vec::new() } else { all }
}

fn words(cost: Cost, curves: &[Curve<'_>]) -> String {
    let words = curves.iter().filter_map(|curve| {
        let ((_, first), (_, last)) = (curve.points.first()?, curve.points.last()?);
        Some(format!(
            "{}: from {} to {}.",
            curve.name,
            growth::shown(cost, *first),
            growth::shown(cost, *last)
        ))
    });
    words.collect::<Vec<_>>().join(" ")
}

fn drawing(svg: &mut Markup, parts: &[Part], cost: Cost, curves: &[Curve<'_>]) {
    let thing = parts.iter().find_map(|part| part.point.as_ref()).map_or("", |point| point.thing.as_str());
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let least = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(f64::MAX, f64::min);
    let most = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(0.0, f64::max);
    let across = Scale::logarithmic(least(|point| point.0), most(|point| point.0), ACROSS.0, ACROSS.1);
    let upwards = Scale::logarithmic(least(|point| point.1), most(|point| point.1), UPWARDS.0, UPWARDS.1);
    let x = Axis::new(across, 7, thing, |value| growth::value(thing, value));
    let y = Axis::new(upwards, 5, "", |value| match cost {
        Cost::Cpu => units::mark(value),
        Cost::Memory => units::bytes(value),
    });
    frame::axes(svg, &x, &y);
    let mut left = ACROSS.0;
    for (at, curve) in curves.iter().enumerate() {
        let place = |point: &(f64, f64)| (across.place(point.0), upwards.place(point.1));
        let way = frame::way(curve.points.iter().map(place));
        svg.empty("path", &[("class", &format!("line {}", frame::colour(at))), ("d", &way)]);
        for point in &curve.points {
            let (value, cost) = (growth::value(thing, point.0), growth::shown(cost, point.1));
            dot(svg, at, place(point), &format!("{}: {value} {thing}, {cost}", curve.name));
        }
        let below = HEIGHT + NAMES / 2.0;
        dot(svg, at, (left + 4.0, below), curve.name);
        frame::label(svg, "mark", (left + 12.0, below + 4.0), curve.name);
        // Letters are about this wide.
        left += 34.0 + 6.2 * curve.name.chars().count() as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn a_drawing_stands_alone() {
        let parts = invented::growth();
        let drawn = alone(&parts, Cost::Cpu).unwrap();
        assert!(drawn.starts_with("<svg xmlns=") && drawn.ends_with("</svg>\n"));
        assert_eq!(drawn.matches("class=\"line s").count(), 2);
        assert!(drawn.contains("1,000") && drawn.contains("connections") && !drawn.contains("NaN"));
        assert!(alone(&parts, Cost::Memory).is_some());
    }

    #[test]
    fn what_is_not_known_is_not_drawn() {
        let mut parts = invented::growth();
        for server in parts.iter_mut().flat_map(|part| &mut part.servers) {
            server.rounds.clear();
        }
        assert!(alone(&parts, Cost::Cpu).is_none());
        parts.iter_mut().for_each(|part| part.point = None);
        assert!(alone(&parts, Cost::Cpu).is_none());
    }
}
