//! The same figures as text, for those who read numbers and for those who do not see drawings.

use super::markup::Markup;
use crate::comparison::{Metric, Part, Verdict};
use crate::result::{Machine, ProcessUse, RunResult};
use crate::show::table::load_in_words;
use crate::show::units;
use crate::statistics::Interval;

/// Error kinds of one server that are listed.
const KINDS_MAX: usize = 50;

/// A table with a heading row; the first column names the row.
pub(super) fn table(page: &mut Markup, caption: &str, headings: &[&str], rows: &[Vec<String>]) {
    page.nest("div", &[("class", &"scroll")], |scroll| {
        scroll.nest("table", &[], |table| {
            table.leaf("caption", &[], caption);
            table.nest("thead", &[], |head| {
                head.nest("tr", &[], |row| {
                    for heading in headings {
                        row.leaf("th", &[("scope", &"col")], heading);
                    }
                });
            });
            table.nest("tbody", &[], |body| {
                for cells in rows {
                    body.nest("tr", &[], |row| {
                        for (at, cell) in cells.iter().enumerate() {
                            if at == 0 {
                                row.leaf("th", &[("scope", &"row")], cell);
                            } else {
                                row.leaf("td", &[], cell);
                            }
                        }
                    });
                }
            });
        });
    });
}

/// The percentiles of each part of a run.
pub(super) fn latency(page: &mut Markup, result: &RunResult) {
    let rows = result.series.iter().map(|series| {
        let latency = &series.latency;
        let times = [
            latency.min_us,
            latency.mean_us,
            latency.p50_us,
            latency.p90_us,
            latency.p99_us,
            latency.p999_us,
            latency.p9999_us,
            latency.max_us,
        ];
        let counts = [series.name.clone(), units::count(series.answers), units::rate(series.rate_per_s)];
        counts.into_iter().chain(times.map(units::time)).collect()
    });
    let headings = ["", "answers", "rate", "min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"];
    table(page, "Latency of right answers", &headings, &rows.collect::<Vec<_>>());
}

/// What server and generator used.
pub(super) fn processes(page: &mut Markup, result: &RunResult) {
    let row = |name: &str, used: &ProcessUse| {
        vec![
            name.to_owned(),
            units::cores(used.cpu_share),
            units::time(used.cpu_us_per_answer),
            units::time(used.user_cpu_s * 1e6),
            units::time(used.system_cpu_s * 1e6),
            units::bytes(used.rss_bytes as f64),
            units::bytes(used.rss_peak_bytes as f64),
        ]
    };
    let mut rows: Vec<_> = result.server.iter().map(|used| row("server", used)).collect();
    rows.push(row("generator", &result.generator));
    let headings = ["", "CPU", "CPU per answer", "user", "kernel", "RSS", "RSS at most"];
    table(page, "Processor time and memory", &headings, &rows);
}

/// What a scenario measured beside latency.
pub(super) fn figures(page: &mut Markup, result: &RunResult) {
    if result.figures.is_empty() {
        return;
    }
    let rows = result
        .figures
        .iter()
        .map(|figure| vec![figure.name.clone(), units::figure(figure.value, &figure.unit)]);
    table(page, "Figures of this scenario", &["", "value"], &rows.collect::<Vec<_>>());
}

/// What went wrong in any round of any server; nothing if nothing did.
pub(super) fn errors(page: &mut Markup, part: &Part) {
    let mut rows = Vec::new();
    for server in &part.servers {
        for (round, result) in server.rounds.iter().enumerate() {
            let Some(all) = result.series.first() else { continue };
            for (kind, errors) in all.errors.iter().take(KINDS_MAX) {
                rows.push(vec![
                    kind.clone(),
                    server.name.clone(),
                    (round + 1).to_string(),
                    units::count(errors.count),
                    units::percent(errors.count as f64 / (errors.count + all.answers).max(1) as f64),
                    errors.example.clone(),
                ]);
            }
        }
    }
    if !rows.is_empty() {
        let headings = ["", "server", "round", "count", "share", "the first one"];
        page.nest("div", &[("class", &"errors")], |errors| table(errors, "Errors", &headings, &rows));
    }
}

/// Every metric of every server, and its ratio to the one it is held against.
pub(super) fn ratios(page: &mut Markup, part: &Part) {
    for metric in Metric::ALL {
        let rows: Vec<_> = part
            .servers
            .iter()
            .filter_map(|server| {
                let mean = server.mean(metric)?;
                let ratio = part.ratio(server, metric).filter(|_| server.name != part.against);
                let verdict = ratio.map_or("", |ratio| Verdict::of(metric, &ratio).words());
                let mut row = vec![server.name.clone(), units::metric(metric, mean.mean)];
                row.push(range(&mean, |value| units::metric(metric, value)));
                row.push(ratio.map_or_else(String::new, |ratio| format!("× {}", units::ratio(ratio.mean))));
                row.push(ratio.map_or_else(String::new, |ratio| range(&ratio, units::ratio)));
                row.push(verdict.to_owned());
                Some(row)
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        let ratio_heading = format!("to {}", part.against);
        let headings = ["", "mean", "95 % interval", &ratio_heading, "95 % interval", "verdict"];
        table(page, metric.title(), &headings, &rows);
    }
}

/// An interval in words, or that there is none.
fn range(interval: &Interval, show: impl Fn(f64) -> String) -> String {
    if interval.is_bounded() {
        format!("{} to {}", show(interval.low), show(interval.high))
    } else {
        "–".to_owned()
    }
}

/// How each server was run, so that anyone can do it again.
pub(super) fn setup(page: &mut Markup, part: &Part) {
    let rows = part.servers.iter().filter_map(|server| {
        let first = server.rounds.first()?;
        let target = &first.target;
        let introduced = format!("{} {}", target.server_name, target.server_version);
        Some(vec![
            server.name.clone(),
            introduced.trim().to_owned(),
            target.address.clone(),
            format!("{} {}", target.transport, target.revision),
            load_in_words(first),
            format!("{} after {}", units::clock(first.measured_s), units::clock(first.load.warm_up_s)),
            server.rounds.len().to_string(),
        ])
    });
    let headings = ["", "introduced itself as", "address", "protocol", "load", "measured", "rounds"];
    table(page, "Servers and load", &headings, &rows.collect::<Vec<_>>());
}

/// The machine.
pub(super) fn machine(page: &mut Markup, machine: &Machine) {
    let rows = [
        ("processor", machine.cpu.clone()),
        ("cores", machine.cores.to_string()),
        ("memory", units::bytes(machine.memory_bytes as f64)),
        ("system", machine.os.clone()),
        ("architecture", machine.architecture.clone()),
        ("generator", format!("impresario-loadtest {}", machine.generator_version)),
        ("build", if machine.optimized { "optimized" } else { "debug" }.to_owned()),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    table(page, "Machine", &["", ""], &rows);
}
