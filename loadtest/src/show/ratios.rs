//! A comparison as a table: each server's figures, and what they are to the one it is held against.

use std::fmt::Write;

use anstyle::Style;

use crate::comparison::{Comparison, Contender, Metric, Part, Verdict};
use crate::show::doubts::doubts;
use crate::show::grid::{Cell, Grid};
use crate::show::print::{BAD, CAUTION, FAINT, GOOD, HEADING, one_line};
use crate::show::table::headings;
use crate::show::units;
use crate::statistics::Interval;

/// Doubts about single runs that are told for each part.
const DOUBTS_MAX: usize = 8;

/// The whole table, with styles for a terminal.
#[must_use]
pub fn render(comparison: &Comparison, width: usize) -> String {
    let mut text = String::new();
    for part in &comparison.parts {
        text.push_str(&render_part(part, width));
    }
    for doubt in &comparison.doubts {
        let _ = writeln!(text, "  {CAUTION}warning:{CAUTION:#} {}", one_line(doubt));
    }
    text
}

/// One part of it.
#[must_use]
pub fn render_part(part: &Part, width: usize) -> String {
    let mut text = String::from("\n");
    let rounds = part.servers.iter().map(|server| server.rounds.len()).max().unwrap_or(0);
    let work = if part.work == part.title { String::new() } else { format!("{}, ", one_line(&part.work)) };
    let _ = writeln!(
        text,
        "  {HEADING}{}{HEADING:#}  {FAINT}{work}{rounds} {}{FAINT:#}\n",
        one_line(&part.title),
        if rounds == 1 { "round" } else { "rounds" },
    );
    text.push_str(&figures(part).render(width));
    text.push('\n');
    if part.servers.len() > 1 {
        text.push_str(&ratios(part).render(width));
        text.push('\n');
    }
    notes(&mut text, part);
    text
}

fn figures(part: &Part) -> Grid {
    let mut grid = Grid::numbers(6);
    grid.row(headings(["SERVER", "CPU PER ANSWER", "RATE", "P50", "P99", "RSS", "ERRORS"]));
    for server in &part.servers {
        let mut row = vec![Cell::new(one_line(&server.name))];
        for metric in Metric::ALL {
            row.push(match server.mean(metric) {
                Some(mean) => units::metric(metric, mean.mean).into(),
                None => Cell::styled("unknown", FAINT),
            });
        }
        let failed: u64 = server
            .rounds
            .iter()
            .filter_map(|round| round.series.first())
            .flat_map(|all| all.errors.values().map(|kind| kind.count))
            .sum();
        row.push(if failed > 0 { Cell::styled(units::count(failed), BAD) } else { "0".into() });
        grid.row(row);
    }
    grid
}

fn ratios(part: &Part) -> Grid {
    let mut grid = Grid::numbers(4).and_words();
    let to = format!("TO {}", one_line(&part.against).to_uppercase());
    grid.row(headings([to.as_str(), "CPU PER ANSWER", "RATE", "P50", "P99", "CPU VERDICT"]));
    for server in part.servers.iter().filter(|server| server.name != part.against) {
        let mut row = vec![Cell::new(one_line(&server.name))];
        for metric in Metric::ALL.into_iter().filter(|metric| *metric != Metric::Rss) {
            row.push(ratio(part, server, metric));
        }
        row.push(verdict(part, server));
        grid.row(row);
    }
    grid
}

fn ratio(part: &Part, server: &Contender, metric: Metric) -> Cell {
    let Some(ratio) = part.ratio(server, metric) else { return Cell::styled("unknown", FAINT) };
    let style = match Verdict::of(metric, &ratio) {
        Verdict::Better => GOOD,
        Verdict::NoDifference => FAINT,
        Verdict::Worse | Verdict::OneRound => Style::new(),
    };
    Cell::styled(with_spread(&ratio), style)
}

/// `1.13 ±0.02`: the larger one of the two distances to the interval's ends, which are not quite equal. `±?` if it is
/// larger than the ratio itself, as it is after a round or two: then nothing is known of it.
pub(crate) fn with_spread(ratio: &Interval) -> String {
    let reach = (ratio.high - ratio.mean).max(ratio.mean - ratio.low);
    if reach < ratio.mean {
        format!("{} ±{reach:.2}", units::ratio(ratio.mean))
    } else {
        format!("{} ±?", units::ratio(ratio.mean))
    }
}

fn verdict(part: &Part, server: &Contender) -> Cell {
    let metric = Metric::CpuPerAnswer;
    let Some(ratio) = part.ratio(server, metric) else {
        return match part.ratio(server, Metric::Rate) {
            Some(rate) => Cell::new(format!("by rate: {}", Verdict::of(Metric::Rate, &rate).words())),
            None => Cell::styled("nothing to compare", FAINT),
        };
    };
    match server.cpu_ratio_max {
        Some(bound) if ratio.mean <= bound => {
            Cell::styled(format!("target ≤{} met", units::ratio(bound)), GOOD)
        }
        Some(bound) => Cell::styled(format!("target ≤{} missed", units::ratio(bound)), BAD),
        None => Verdict::of(metric, &ratio).words().into(),
    }
}

fn notes(text: &mut String, part: &Part) {
    let mut told: Vec<String> = Vec::new();
    for server in &part.servers {
        let name = one_line(&server.name);
        if let Some(failure) = &server.failure {
            let rounds = server.rounds.len();
            let _ =
                writeln!(text, "  {BAD}failed:{BAD:#} {name} after {rounds} rounds: {}", one_line(failure));
        }
        for doubt in server.rounds.iter().flat_map(doubts) {
            // Figures differ from round to round; what is doubted is told once for each server.
            let kind: String = doubt.chars().filter(|letter| !letter.is_ascii_digit()).collect();
            let key = format!("{name}: {kind}");
            if !told.contains(&key) && told.len() < DOUBTS_MAX {
                let _ = writeln!(text, "  {CAUTION}warning:{CAUTION:#} {name}: {}", one_line(&doubt));
                told.push(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn three_servers() -> Part {
        let mut results = Vec::new();
        for round in 0..5 {
            let noise = 1.0 + 0.01 * f64::from(round * 3 % 5);
            for (name, slowness) in
                [("hyper", 0.9 * noise), ("impresario", 1.0), ("rmcp", 4.2), ("same", 0.92)]
            {
                let mut result = invented::result(name, slowness);
                result.name = name.to_owned();
                results.push(result);
            }
        }
        let mut part = Part::from_results(results).remove(0);
        part.title = "W1 echo".to_owned();
        part.servers[1].cpu_ratio_max = Some(1.2);
        part
    }

    fn plain(part: &Part) -> String {
        anstream::adapter::strip_str(&render_part(part, 100)).to_string()
    }

    #[test]
    fn ratios_stand_with_their_spread_and_verdict() {
        invented::same_as_file("src/show/table/ratios.txt", &plain(&three_servers()));
    }

    #[test]
    fn failures_and_unknowns_are_told() {
        let mut part = three_servers();
        part.servers[2].failure = Some("gone\u{1b}[2J".to_owned());
        part.servers[2].rounds.truncate(1);
        part.servers[1].cpu_ratio_max = Some(1.01);
        for round in &mut part.servers[3].rounds {
            round.server = None;
            round.generator.cpu_share = 0.95;
        }
        let text = plain(&part);
        for words in [
            "target ≤1.01 missed",
            "failed: rmcp after 1 rounds: gone\u{fffd}[2J",
            "one round only",
            "unknown",
            "by rate: no difference seen",
            "warning: same: the generator used",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(text.matches("warning: same").count(), 1, "{text}");
    }
}
