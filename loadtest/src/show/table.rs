//! The table at the end of a run: what a person reads first, in at most 100 columns.

use std::fmt::Write;

use anstyle::Style;

use crate::result::{ProcessUse, RunResult, Series, Slice};
use crate::show::doubts::{doubts, error_share};
use crate::show::grid::{Cell, Grid};
use crate::show::print::{BAD, CAUTION, FAINT, HEADING, NAME, one_line};
use crate::show::{spark, units};

/// Error kinds that are listed one by one; a server can invent any number of them.
const KINDS_MAX: usize = 12;
/// Columns of a line of little bars.
const SPARK_COLUMNS: usize = 48;

/// The whole table, with styles for a terminal.
#[must_use]
pub fn render(result: &RunResult, width: usize) -> String {
    let mut text = String::from("\n");
    heading(&mut text, result);
    latency(&mut text, result, width);
    steps(&mut text, result, width);
    over_time(&mut text, result, width);
    processes(&mut text, result, width);
    figures(&mut text, result, width);
    errors(&mut text, result, width);
    for doubt in doubts(result) {
        let _ = writeln!(text, "  {CAUTION}warning:{CAUTION:#} {}", one_line(&doubt));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    text
}

fn heading(text: &mut String, result: &RunResult) {
    let (target, load) = (&result.target, &result.load);
    let server = [target.server_name.as_str(), target.server_version.as_str()].join(" ");
    let server =
        if server.trim().is_empty() { "a server without a name".to_owned() } else { one_line(&server) };
    let _ = writeln!(
        text,
        "  {HEADING}{}{HEADING:#} on {NAME}{}{NAME:#}  {FAINT}{server}, {} {}{FAINT:#}",
        one_line(&result.work),
        one_line(&result.name),
        one_line(&target.transport),
        one_line(&target.revision),
    );
    let _ = writeln!(
        text,
        "  {FAINT}{}, measured for {} after {} of warm-up{FAINT:#}\n",
        load_in_words(result),
        units::clock(result.measured_s),
        units::clock(load.warm_up_s),
    );
    let Some(all) = result.series.first() else { return };
    let share = error_share(result);
    let failed: u64 = all.errors.values().map(|kind| kind.count).sum();
    let bad = if failed > 0 { BAD } else { Style::new() };
    let _ = writeln!(
        text,
        "  {HEADING}{}{HEADING:#}  {} answers, {bad}{} errors{bad:#}{}  {FAINT}{} received, {} sent{FAINT:#}\n",
        units::rate(all.rate_per_s),
        units::count(all.answers),
        units::count(failed),
        if failed > 0 { format!(" ({})", units::percent(share)) } else { String::new() },
        units::bytes(all.received_bytes as f64),
        units::bytes(all.sent_bytes as f64),
    );
}

/// How the load was offered, in a line: `closed loop, 64 connections, 1 thread`.
pub(crate) fn load_in_words(result: &RunResult) -> String {
    let load = &result.load;
    let rates: Vec<String> = load.rates_per_s.iter().map(|rate| units::rate(*rate)).collect();
    let mut words = vec![match (load.shape.as_str(), load.rate_per_s) {
        ("steps", _) => format!("open loop at {} in turn", rates.join(", ")),
        ("ramp", _) => format!("open loop from {}", rates.join(" to ")),
        (shape, Some(rate)) => format!("{} loop at {}", one_line(shape), units::rate(rate)),
        (shape, None) => format!("{} loop", one_line(shape)),
    }];
    words.push(plural(load.connections, "connection"));
    if load.sessions_per_connection > 1 {
        words.push(format!("{} sessions on each", load.sessions_per_connection));
    }
    if load.think_time_ms > 0.0 {
        words.push(format!("{} between requests", units::time(load.think_time_ms * 1e3)));
    }
    words.push(plural(load.threads, "thread"));
    words.join(", ")
}

fn plural(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", units::count(count as u64), if count == 1 { "" } else { "s" })
}

fn latency(text: &mut String, result: &RunResult, width: usize) {
    if result.series.iter().all(|series| series.answers == 0) {
        return parts(text, &result.series, width);
    }
    let mut grid = Grid::numbers(8);
    grid.row(headings(["LATENCY", "MIN", "MEAN", "P50", "P90", "P99", "P99.9", "P99.99", "MAX"]));
    for series in result.series.iter().filter(|series| series.answers > 0) {
        let times = [
            series.latency.min_us,
            series.latency.mean_us,
            series.latency.p50_us,
            series.latency.p90_us,
            series.latency.p99_us,
            series.latency.p999_us,
            series.latency.p9999_us,
            series.latency.max_us,
        ];
        grid.row(std::iter::once(one_line(&series.name)).chain(times.map(units::time)));
    }
    paragraph(text, &grid, width);
    parts(text, &result.series, width);
}

/// Where a scenario tells parts apart: how much of each there was.
fn parts(text: &mut String, series: &[Series], width: usize) {
    if series.len() < 2 {
        return;
    }
    let mut grid = Grid::numbers(4);
    grid.row(headings(["PART", "ANSWERS", "RATE", "ERRORS", "PER ANSWER"]));
    for part in series {
        let errors: u64 = part.errors.values().map(|kind| kind.count).sum();
        grid.row([
            one_line(&part.name),
            units::count(part.answers),
            units::rate(part.rate_per_s),
            units::count(errors),
            units::bytes(part.received_bytes as f64 / part.answers.max(1) as f64),
        ]);
    }
    paragraph(text, &grid, width);
}

/// What came of each step of an open loop. A slice belongs to the rate of its middle.
fn steps(text: &mut String, result: &RunResult, width: usize) {
    if result.load.shape != "steps" {
        return;
    }
    let mut grid = Grid::numbers(4);
    grid.row(headings(["STEP", "REACHED", "ERRORS", "WORST P50", "WORST P99"]));
    for slices in result.slices.chunk_by(|one, other| one.asked_rate_per_s == other.asked_rate_per_s) {
        let length_s: f64 = slices.iter().map(|slice| slice.length_s).sum();
        let sum = |of: fn(&Slice) -> u64| slices.iter().map(of).sum::<u64>();
        let worst = |of: fn(&Slice) -> f64| slices.iter().map(of).fold(0.0, f64::max);
        grid.row([
            units::rate(slices[0].asked_rate_per_s.unwrap_or_default()),
            units::rate(sum(|slice| slice.answers) as f64 / length_s.max(f64::EPSILON)),
            units::count(sum(|slice| slice.errors)),
            units::time(worst(|slice| slice.p50_us)),
            units::time(worst(|slice| slice.p99_us)),
        ]);
    }
    paragraph(text, &grid, width);
}

fn over_time(text: &mut String, result: &RunResult, width: usize) {
    if result.slices.len() < 2 || result.slices.iter().all(|slice| slice.answers == 0) {
        return;
    }
    let rates: Vec<f64> =
        result.slices.iter().map(|slice| slice.answers as f64 / slice.length_s.max(f64::EPSILON)).collect();
    let p99: Vec<f64> = result.slices.iter().map(|slice| slice.p99_us).collect();
    let mut grid = Grid::numbers(0).and_words().and_words();
    grid.row(headings(["OVER TIME", "", "SMALLEST TO LARGEST"]));
    for (name, values, join, unit) in [
        (
            "rate",
            &rates,
            (|one, other| (one + other) / 2.0) as fn(f64, f64) -> f64,
            units::rate as fn(f64) -> String,
        ),
        ("p99", &p99, f64::max, units::time),
    ] {
        let (low, high) =
            values.iter().fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(*value), high.max(*value)));
        grid.row([
            Cell::new(name),
            Cell::styled(spark::line(values, SPARK_COLUMNS, join), NAME),
            format!("{} to {}", unit(low), unit(high)).into(),
        ]);
    }
    paragraph(text, &grid, width);
}

fn processes(text: &mut String, result: &RunResult, width: usize) {
    let mut grid = Grid::numbers(6);
    grid.row(headings(["PROCESS", "CPU", "CPU PER ANSWER", "USER", "KERNEL", "RSS", "RSS AT MOST"]));
    let row = |name: &str, used: &ProcessUse| {
        [
            name.to_owned(),
            units::cores(used.cpu_share),
            // Processor time comes in ticks: none of it means that too little was used to be seen.
            if used.cpu_us_per_answer > 0.0 {
                units::time(used.cpu_us_per_answer)
            } else {
                "unknown".to_owned()
            },
            units::time(used.user_cpu_s * 1e6),
            units::time(used.system_cpu_s * 1e6),
            units::bytes(used.rss_bytes as f64),
            units::bytes(used.rss_peak_bytes as f64),
        ]
    };
    match &result.server {
        Some(server) => grid.row(row("server", server)),
        None => grid.row(
            ["server", "unknown", "unknown", "", "", "unknown", ""].map(|word| Cell::styled(word, FAINT)),
        ),
    }
    grid.row(row("generator", &result.generator));
    paragraph(text, &grid, width);
    if result.server.is_none() {
        text.pop();
        let _ = writeln!(text, "  {FAINT}give --server-pid to see what the server used{FAINT:#}\n");
    }
}

fn figures(text: &mut String, result: &RunResult, width: usize) {
    if result.figures.is_empty() {
        return;
    }
    let mut grid = Grid::numbers(1);
    grid.row(headings(["FIGURE", "VALUE"]));
    for figure in &result.figures {
        grid.row([one_line(&figure.name), units::figure(figure.value, &figure.unit)]);
    }
    paragraph(text, &grid, width);
}

fn errors(text: &mut String, result: &RunResult, width: usize) {
    let Some(all) = result.series.first().filter(|all| !all.errors.is_empty()) else { return };
    let failed: u64 = all.errors.values().map(|kind| kind.count).sum();
    let mut kinds: Vec<_> = all.errors.iter().collect();
    kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.count));
    let mut grid = Grid::numbers(2).and_words();
    grid.row(headings(["ERROR", "COUNT", "SHARE", "THE FIRST ONE"]));
    for (name, kind) in kinds.iter().take(KINDS_MAX) {
        grid.row([
            Cell::styled(one_line(name), BAD),
            units::count(kind.count).into(),
            units::percent(kind.count as f64 / (failed + all.answers) as f64).into(),
            one_line(&kind.example).into(),
        ]);
    }
    if kinds.len() > KINDS_MAX {
        grid.row([Cell::styled(format!("and {} kinds more", kinds.len() - KINDS_MAX), FAINT)]);
    }
    paragraph(text, &grid, width);
}

pub(crate) fn headings<const N: usize>(names: [&str; N]) -> [Cell; N] {
    names.map(|name| Cell::styled(name, FAINT))
}

fn paragraph(text: &mut String, grid: &Grid, width: usize) {
    text.push_str(&grid.render(width));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn plain(result: &RunResult) -> String {
        anstream::adapter::strip_str(&render(result, 100)).to_string()
    }

    #[test]
    fn a_good_run_reads_at_a_glance() {
        invented::same_as_file("src/show/table/good.txt", &plain(&invented::result("ours", 1.0)));
    }

    #[test]
    fn errors_and_doubts_stand_out() {
        let mut result = invented::result("ours", 1.0);
        result.series[0] = invented::series_with_errors();
        let mut part = invented::result("", 2.0).series.remove(0);
        part.name = "tenant \"quiet\"".to_owned();
        result.series.push(part);
        result.server = None;
        result.figures.clear();
        result.generator.cpu_share = 0.97;
        result.machine.optimized = false;
        result.load.rate_per_s = Some(10_000.0);
        result.load.shape = "open".to_owned();
        invented::same_as_file("src/show/table/doubtful.txt", &plain(&result));
    }

    #[test]
    fn each_step_has_a_line() {
        let mut result = invented::result("ours", 1.0);
        (result.load.shape, result.load.rates_per_s) = ("steps".to_owned(), vec![1e5, 2e5]);
        for (at, slice) in result.slices.iter_mut().enumerate() {
            slice.asked_rate_per_s = Some(if at < 20 { 1e5 } else { 2e5 });
        }
        let text = plain(&result);
        assert!(text.contains("open loop at 100,000/s, 200,000/s in turn"), "{text}");
        let lines: Vec<&str> =
            text.lines().map(str::trim).skip_while(|line| !line.starts_with("STEP")).take(3).collect();
        assert!(lines[1].starts_with("100,000/s  117,4") && lines[1].ends_with("1.26 ms"), "{lines:?}");
        assert!(lines[2].starts_with("200,000/s  1") && lines[2].ends_with("4.99 ms"), "{lines:?}");
        (result.load.shape, result.load.rates_per_s) = ("ramp".to_owned(), vec![10.0, 2e5]);
        assert!(plain(&result).contains("open loop from 10.0/s to 200,000/s"));
    }

    #[test]
    fn what_is_not_known_is_not_shown_as_nothing() {
        let mut result = invented::result("ours", 1.0);
        result.series[0].answers = 0;
        result.slices.iter_mut().for_each(|slice| slice.answers = 0);
        result.generator.cpu_us_per_answer = 0.0;
        let text = plain(&result);
        assert!(!text.contains("LATENCY") && !text.contains("OVER TIME"), "{text}");
        assert!(text.contains("unknown"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        let mut result = invented::result("ours", 1.0);
        result.series[0] = invented::series_with_errors();
        for kind in result.series[0].errors.values_mut() {
            kind.example = "a very long example ".repeat(30);
        }
        for line in plain(&result).lines().filter(|line| !line.contains("warning:")) {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= 100, "{line}");
        }
    }
}
