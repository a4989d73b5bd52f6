//! What every plot has: its place on the page, its axes, its name for those who do not see it.

use std::fmt::Display;

use super::markup::{Markup, Px};
use super::scale::Scale;

/// Size of a plot in its own units; a page shows it as large as there is room.
pub(super) const WIDTH: f64 = 540.0;
pub(super) const HEIGHT: f64 = 270.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 528.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 226.0;

/// Where values of the x axis are drawn.
pub(super) const ACROSS: (f64, f64) = (LEFT, RIGHT);
/// Where values of the y axis are drawn, upwards.
pub(super) const UPWARDS: (f64, f64) = (BOTTOM, TOP);

/// One axis: where values are, which have a mark, and what is written beside it.
pub(super) struct Axis<'a> {
    pub(super) scale: Scale,
    pub(super) marks: Vec<(f64, String)>,
    pub(super) title: &'a str,
}

impl<'a> Axis<'a> {
    /// Marks at round values, written by `show`.
    pub(super) fn new(scale: Scale, marks: usize, title: &'a str, show: impl Fn(f64) -> String) -> Self {
        let marks = scale.marks(marks).into_iter().map(|value| (value, show(value))).collect();
        Self { scale, marks, title }
    }
}

/// A figure with a heading, a drawing of its own size that says in words what it shows, and what stands below.
pub(super) fn figure(
    page: &mut Markup,
    heading: &str,
    words: &str,
    size: (f64, f64),
    draw: impl FnOnce(&mut Markup),
    below: impl FnOnce(&mut Markup),
) {
    page.nest("figure", &[], |figure| {
        figure.leaf("figcaption", &[], heading);
        let view = format!("0 0 {} {}", Px(size.0), Px(size.1));
        figure.nest("svg", &[("viewBox", &view), ("role", &"img")], |svg| {
            svg.leaf("title", &[], heading);
            svg.leaf("desc", &[], words);
            draw(svg);
        });
        below(figure);
    });
}

/// The lines of a grid, the marks and the names of both axes.
pub(super) fn axes(svg: &mut Markup, x: &Axis<'_>, y: &Axis<'_>) {
    for (value, mark) in &y.marks {
        let place = y.scale.place(*value);
        line(svg, "grid", (LEFT, place), (RIGHT, place));
        label(svg, "mark end", (LEFT - 8.0, place + 4.0), mark);
    }
    for (value, mark) in &x.marks {
        let place = x.scale.place(*value);
        line(svg, "tick", (place, BOTTOM), (place, BOTTOM + 5.0));
        label(svg, "mark middle", (place, BOTTOM + 19.0), mark);
    }
    line(svg, "axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    label(svg, "name middle", (f64::midpoint(LEFT, RIGHT), HEIGHT - 6.0), x.title);
    if !y.title.is_empty() {
        label(svg, "name", (LEFT, TOP - 3.0), y.title);
    }
}

pub(super) fn line(svg: &mut Markup, class: &str, from: (f64, f64), to: (f64, f64)) {
    svg.empty(
        "line",
        &[("class", &class), ("x1", &Px(from.0)), ("y1", &Px(from.1)), ("x2", &Px(to.0)), ("y2", &Px(to.1))],
    );
}

pub(super) fn label(svg: &mut Markup, class: &str, at: (f64, f64), text: impl Display) {
    svg.leaf("text", &[("class", &class), ("x", &Px(at.0)), ("y", &Px(at.1))], text);
}

/// A way through `points`, as a path's `d`.
pub(super) fn way(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut way = String::new();
    for (x, y) in points {
        let step = if way.is_empty() { 'M' } else { 'L' };
        way.push_str(&format!("{step}{} {}", Px(x), Px(y)));
    }
    way
}

/// The same way, closed along the bottom of the plot, for an area.
pub(super) fn area(points: &[(f64, f64)]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    format!("{}L{} {BOTTOM}L{} {BOTTOM}Z", way(points.iter().copied()), Px(last.0), Px(first.0))
}

/// The names of the servers with their colours; one alone needs none.
pub(super) fn legend<'n>(page: &mut Markup, names: impl ExactSizeIterator<Item = &'n str>) {
    if names.len() < 2 {
        return;
    }
    page.nest("ul", &[("class", &"legend")], |list| {
        for (at, name) in names.enumerate() {
            list.nest("li", &[("class", &colour(at))], |item| item.text(name));
        }
    });
}

/// The class that gives the server at this place its colour.
pub(super) fn colour(at: usize) -> String {
    const COLOURS: usize = 8;
    format!("s{}", at % COLOURS)
}
