//! `compare` without servers: Impresario between the floor that hyper is and the peers, on four kinds of work.

use anstyle::Style;

use super::Compare;
use super::peers::{self, FLOOR, OURS};
use super::stand::Bout;
use crate::comparison::{Comparison, Contender, Metric, Part};
use crate::fault::Fault;
use crate::show::grid::{Cell, Grid};
use crate::show::print::{BAD, FAINT, GOOD, HEADING};
use crate::show::table::headings;
use crate::show::{ratios, units};
use crate::statistics::Interval;
use crate::work::Work;

/// A kind of work: its title, its words, and how much more processor time than the floor we may take for it.
const WORKS: [(&str, &str, f64); 4] = [
    ("W1 echo of a short message", "echo", 1.2),
    ("W2 add", "call add a=1 b=2", 1.2),
    ("W3 tools/list of 23 tools", "list", 1.1),
    ("W4 echo of 100 KB", "payload 100KB", 1.6),
];

/// The four kinds of work, with every server built.
pub(super) async fn bouts(compare: &Compare) -> Result<Vec<Bout>, Fault> {
    if !compare.works.is_empty() || compare.against.is_some() {
        return Err(Fault::plan("--work and --against need servers: without any, the headline is measured"));
    }
    let folder = peers::folder()?;
    let names = peers::chosen(&folder, &compare.peers);
    let entrants = peers::entrants(&folder, &names).await?;
    let bout = |(title, words, bound): (&str, &str, f64)| {
        let mut entrants = entrants.clone();
        for entrant in entrants.iter_mut().filter(|entrant| entrant.contender.name == OURS) {
            entrant.cpu_ratio_max = Some(bound);
        }
        Ok(Bout { title: title.to_owned(), entrants, ..Bout::new(Work::parse(words)?, FLOOR) })
    };
    WORKS.into_iter().map(bout).collect()
}

/// The parts, and what they come to.
pub(super) fn render(comparison: &Comparison, width: usize) -> String {
    let mut text = ratios::render(comparison, width);
    let mut peers: Vec<&str> = Vec::new();
    for server in comparison.parts.iter().flat_map(|part| &part.servers) {
        if ![OURS, FLOOR].contains(&server.name.as_str()) && !peers.contains(&server.name.as_str()) {
            peers.push(&server.name);
        }
    }
    text.push_str(&format!("\n  {HEADING}Processor time for each answer{HEADING:#}\n\n"));
    text.push_str(&against_floor(comparison).render(width));
    text.push('\n');
    for peer in peers {
        text.push_str(&against_peer(comparison, peer).render(width));
        text.push('\n');
    }
    text
}

fn against_floor(comparison: &Comparison) -> Grid {
    let mut grid = Grid::numbers(5);
    grid.row(headings(["", "IMPRESARIO", "HYPER", "TIMES HYPER", "TARGET", ""]));
    for part in &comparison.parts {
        let Some((ours, floor)) = server(part, OURS).zip(server(part, FLOOR)) else { continue };
        let ratio = Interval::geometric(&ours.ratios_to(floor, Metric::CpuPerAnswer));
        let bound = ours.cpu_ratio_max;
        let verdict = ratio.zip(bound).map(|(ratio, bound)| ratio.mean <= bound);
        grid.row([
            Cell::new(part.title.as_str()),
            mean(ours),
            mean(floor),
            spread(ratio.as_ref(), Style::new()),
            bound.map_or_else(Cell::default, |bound| format!("≤{}", units::ratio(bound)).into()),
            match verdict {
                Some(true) => Cell::styled("met", GOOD),
                Some(false) => Cell::styled("missed", BAD),
                None => Cell::default(),
            },
        ]);
    }
    grid
}

fn against_peer(comparison: &Comparison, peer: &str) -> Grid {
    let mut grid = Grid::numbers(3);
    let name = peer.to_uppercase();
    grid.row(headings(["", name.as_str(), "TIMES IMPRESARIO", "RATE TO IMPRESARIO'S"]));
    for part in &comparison.parts {
        let Some((ours, theirs)) = server(part, OURS).zip(server(part, peer)) else { continue };
        let ratio = |metric| Interval::geometric(&theirs.ratios_to(ours, metric));
        grid.row([
            Cell::new(part.title.as_str()),
            mean(theirs),
            spread(ratio(Metric::CpuPerAnswer).as_ref(), HEADING),
            spread(ratio(Metric::Rate).as_ref(), Style::new()),
        ]);
    }
    grid
}

fn server<'a>(part: &'a Part, name: &str) -> Option<&'a Contender> {
    part.servers.iter().find(|server| server.name == name)
}

fn mean(server: &Contender) -> Cell {
    let mean = server.mean(Metric::CpuPerAnswer);
    mean.map_or_else(|| Cell::styled("unknown", FAINT), |mean| units::time(mean.mean).into())
}

fn spread(ratio: Option<&Interval>, style: Style) -> Cell {
    match ratio {
        Some(ratio) => Cell::styled(ratios::with_spread(ratio), style),
        None => Cell::styled("unknown", FAINT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::peers::RIVAL;
    use crate::invented;
    use crate::machine;

    #[test]
    fn the_four_kinds_of_work_can_be_read() {
        for (title, words, bound) in WORKS {
            assert_eq!(Work::parse(words).unwrap().to_string(), words);
            assert!(title.starts_with('W') && bound > 1.0);
        }
    }

    #[test]
    fn the_sum_is_one_table_against_the_floor_and_one_for_each_peer() {
        let parts = WORKS.map(|(title, words, bound)| {
            let mut results = Vec::new();
            for _ in 0..3 {
                for (name, slowness) in [(FLOOR, 1.0), (OURS, 1.15), (RIVAL, 4.6), ("pmcp", 7.1)] {
                    let mut result = invented::result(name, slowness);
                    words.clone_into(&mut result.work);
                    results.push(result);
                }
            }
            let mut part = Part::from_results(results).remove(0);
            title.clone_into(&mut part.title);
            part.servers[1].cpu_ratio_max = Some(bound);
            part
        });
        let comparison = Comparison {
            comparison_format: 1,
            started_at: String::new(),
            command_line: Vec::new(),
            machine: machine::describe(),
            doubts: Vec::new(),
            parts: parts.to_vec(),
        };
        let text = anstream::adapter::strip_str(&render(&comparison, 100)).to_string();
        let at = text.find("  Processor time for each answer").unwrap();
        invented::same_as_file("src/show/table/headline.txt", &text[at..]);
    }
}
