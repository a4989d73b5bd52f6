//! How cost grows, as a table: a row for each value, a column for each server.

use crate::comparison::{Comparison, Cost, Part};
use crate::show::grid::{Cell, Grid};
use crate::show::print::{BAD, FAINT, HEADING, one_line};
use crate::show::units;

/// A table for each cost that is known.
#[must_use]
pub fn render(comparison: &Comparison, width: usize) -> String {
    let mut text = String::new();
    for cost in Cost::ALL {
        if let Some(grid) = table(&comparison.parts, cost) {
            let title = title(&comparison.parts, cost);
            text.push_str(&format!("\n  {HEADING}{title}{HEADING:#}\n\n{}", grid.render(width)));
        }
    }
    for part in &comparison.parts {
        for server in &part.servers {
            if let Some(failure) = &server.failure {
                let (part, failure) = (one_line(&part.title), one_line(failure));
                text.push_str(&format!("\n  {BAD}{}, {part}:{BAD:#} {failure}\n", one_line(&server.name)));
            }
        }
    }
    text.push('\n');
    text
}

/// Why no server has that cost, each by its name.
#[must_use]
pub(crate) fn nothing_to_draw(parts: &[Part], cost: Cost) -> String {
    let names = parts.first().into_iter().flat_map(|part| &part.servers).map(|server| server.name.as_str());
    let why = |name: &str| {
        let of_it = || parts.iter().flat_map(|part| &part.servers).filter(|server| server.name == name);
        let rounds: Vec<_> = of_it().flat_map(|server| &server.rounds).collect();
        if let Some(failure) = of_it().find_map(|server| server.failure.as_ref()) {
            return one_line(failure);
        }
        if rounds.is_empty() {
            return "no round was run".to_owned();
        }
        if rounds.iter().all(|round| round.server.is_none()) {
            return format!("its process is not known; name it with --server-pid {name}=PID");
        }
        match cost {
            Cost::Cpu => {
                "it used too little processor time to be seen; give it a longer --duration".to_owned()
            }
            Cost::Memory => "its memory is not known".to_owned(),
        }
    };
    let whys: Vec<String> = names.map(|name| format!("{name}: {}", why(name))).collect();
    format!("there is nothing to draw: no server's cost is known ({})", whys.join("; "))
}

/// What the table or the drawing of a cost is called.
#[must_use]
pub(crate) fn title(parts: &[Part], cost: Cost) -> String {
    let thing = parts.iter().find_map(|part| part.point.as_ref()).map_or("", |point| point.thing.as_str());
    match (cost, thing) {
        (Cost::Cpu, "sessions") => "Processor time to open a session".to_owned(),
        (Cost::Memory, "sessions") => "Memory of an idle session".to_owned(),
        (Cost::Cpu, _) => format!("Processor time for each answer, by {thing}"),
        (Cost::Memory, _) => format!("Memory of the server, by {thing}"),
    }
}

/// A cost in its unit.
#[must_use]
pub(crate) fn shown(cost: Cost, value: f64) -> String {
    match cost {
        Cost::Cpu => units::time(value),
        Cost::Memory => units::bytes(value),
    }
}

/// A value of what grows.
#[must_use]
pub(crate) fn value(thing: &str, value: f64) -> String {
    if thing == "payload" {
        crate::units::Bytes(value as u64).to_string()
    } else {
        units::count(value as u64)
    }
}

fn table(parts: &[Part], cost: Cost) -> Option<Grid> {
    let points: Vec<&Part> = parts.iter().filter(|part| part.point.is_some()).collect();
    let first = points.first()?;
    let is_known = points.iter().flat_map(|part| &part.servers).any(|server| server.cost(cost).is_some());
    if !is_known {
        return None;
    }
    let names: Vec<String> =
        first.servers.iter().map(|server| one_line(&server.name).to_uppercase()).collect();
    let mut grid = Grid::numbers(names.len());
    grid.row(std::iter::once(Cell::default()).chain(names.into_iter().map(|name| Cell::styled(name, FAINT))));
    for part in points {
        let point = part.point.as_ref()?;
        let costs = part.servers.iter().map(|server| match server.cost(cost) {
            Some(found) => Cell::new(shown(cost, found)),
            None => Cell::styled("unknown", FAINT),
        });
        let value = format!("{} {}", value(&point.thing, point.value), one_line(&point.thing));
        grid.row(std::iter::once(Cell::new(value)).chain(costs));
    }
    Some(grid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;
    use crate::machine;

    #[test]
    fn who_has_no_cost_is_named_with_the_reason() {
        let mut parts = invented::growth();
        for part in &mut parts {
            for round in part.servers.iter_mut().flat_map(|server| &mut server.rounds) {
                round.server.as_mut().unwrap().cpu_us_per_answer = 0.0;
            }
        }
        let why = nothing_to_draw(&parts, Cost::Cpu);
        assert!(why.contains("one: it used too little processor time"), "{why}");
        for server in parts.iter_mut().flat_map(|part| &mut part.servers) {
            server.rounds.iter_mut().for_each(|round| round.server = None);
        }
        parts[1].servers[1].failure = Some("it is gone".to_owned());
        let why = nothing_to_draw(&parts, Cost::Cpu);
        assert!(why.contains("--server-pid one=PID") && why.contains("other: it is gone"), "{why}");
        parts.iter_mut().flat_map(|part| &mut part.servers).for_each(|server| server.rounds.clear());
        assert!(nothing_to_draw(&parts, Cost::Memory).contains("one: no round was run"));
    }

    #[test]
    fn a_table_has_a_row_for_each_value_and_a_column_for_each_server() {
        let comparison = Comparison {
            comparison_format: 1,
            started_at: String::new(),
            command_line: Vec::new(),
            machine: machine::describe(),
            doubts: Vec::new(),
            parts: invented::growth(),
        };
        let text = anstream::adapter::strip_str(&render(&comparison, 100)).to_string();
        invented::same_as_file("src/show/table/growth.txt", &text);
    }
}
