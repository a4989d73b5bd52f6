//! One kind of work on the page: a single run with everything it knows, or servers side by side.

use super::bars;
use super::curves::{self, Named};
use super::distribution::Distribution;
use super::frame::HEIGHT;
use super::markup::Markup;
use super::tables;
use super::timeline;
use crate::comparison::{Metric, Part, Verdict};
use crate::result::RunResult;
use crate::show::doubts::{doubts, error_share};
use crate::show::table::load_in_words;
use crate::show::units;

/// The section of one part.
pub(super) fn section(page: &mut Markup, part: &Part) {
    page.nest("section", &[], |section| {
        section.leaf("h2", &[], &part.title);
        match part.servers.as_slice() {
            [server] if server.rounds.len() == 1 => single(section, part, &server.rounds[0]),
            _ => side_by_side(section, part),
        }
    });
}

fn single(page: &mut Markup, part: &Part, result: &RunResult) {
    let target = &result.target;
    let server = format!("{} {}", target.server_name, target.server_version);
    let server = if server.trim().is_empty() { target.address.clone() } else { server };
    page.leaf(
        "p",
        &[("class", &"lead")],
        format_args!("{server} over {} {}, {}", target.transport, target.revision, load_in_words(result)),
    );
    cautions(page, &doubts(result));
    page.nest("dl", &[("class", &"cards")], |cards| single_cards(cards, result));
    page.nest("div", &[("class", &"plots")], |plots| {
        if let Some(latencies) = Distribution::of(std::slice::from_ref(result)) {
            let servers: [Named<'_>; 1] = [(&result.name, latencies)];
            curves::density(plots, &servers);
            curves::percentiles(plots, &servers);
        }
        if result.slices.len() > 1 {
            timeline::rate(plots, result);
            timeline::latency(plots, result);
        }
    });
    tables::errors(page, part);
    tables::latency(page, result);
    tables::processes(page, result);
    tables::figures(page, result);
    details(page, part);
}

fn single_cards(cards: &mut Markup, result: &RunResult) {
    let Some(all) = result.series.first() else { return };
    card(cards, "rate", &units::rate(all.rate_per_s), &format!("{} answers", units::count(all.answers)), "");
    card(cards, "p50", &units::time(all.latency.p50_us), "half are faster", "");
    card(cards, "p99", &units::time(all.latency.p99_us), "1 in 100 is slower", "");
    let failed: u64 = all.errors.values().map(|kind| kind.count).sum();
    let class = if failed > 0 { "bad" } else { "good" };
    card(cards, "errors", &units::count(failed), &units::percent(error_share(result)), class);
    if let Some(server) = &result.server {
        let cpu = units::time(server.cpu_us_per_answer);
        card(cards, "server CPU per answer", &cpu, &units::cores(server.cpu_share), "");
        let peak = format!("{} at most", units::bytes(server.rss_peak_bytes as f64));
        card(cards, "server RSS", &units::bytes(server.rss_bytes as f64), &peak, "");
    }
    for figure in result.figures.iter().take(2) {
        card(cards, &figure.name, &units::figure(figure.value, &figure.unit), "", "");
    }
}

fn side_by_side(page: &mut Markup, part: &Part) {
    page.leaf("p", &[("class", &"lead")], lead(part));
    cautions(page, &all_doubts(part));
    page.nest("dl", &[("class", &"cards")], |cards| comparison_cards(cards, part));
    page.nest("div", &[("class", &"plots")], |plots| {
        let has_rounds = part.servers.iter().any(|server| server.rounds.len() > 1);
        for metric in Metric::ALL {
            // The figure to believe first stands beside the rounds that it is made of, and is as high.
            let is_first = metric == Metric::CpuPerAnswer && has_rounds;
            bars::metric(plots, part, metric, if is_first { HEIGHT } else { 0.0 });
            if is_first {
                bars::rounds(plots, part);
            }
        }
        let servers: Vec<Named<'_>> = part
            .servers
            .iter()
            .filter_map(|server| Some((server.name.as_str(), Distribution::of(&server.rounds)?)))
            .collect();
        // A server without answers would shift the colours of those after it.
        if servers.len() == part.servers.len() {
            curves::density(plots, &servers);
            curves::percentiles(plots, &servers);
        }
    });
    tables::errors(page, part);
    page.nest("details", &[("open", &"")], |details| {
        details.leaf("summary", &[], "Every figure with its interval");
        tables::ratios(details, part);
    });
    details(page, part);
}

fn lead(part: &Part) -> String {
    let rounds = part.servers.iter().map(|server| server.rounds.len()).max().unwrap_or(0);
    let count = if rounds == 1 { "one round".to_owned() } else { format!("{rounds} rounds in turn") };
    let title = if part.work == part.title { String::new() } else { format!("{}, ", part.work) };
    format!("{title}{count}, held against {}", part.against)
}

/// For each server what its processor time, or else its rate, is to the one it is held against.
fn comparison_cards(cards: &mut Markup, part: &Part) {
    for server in part.servers.iter().filter(|server| server.name != part.against) {
        let found = [Metric::CpuPerAnswer, Metric::Rate]
            .into_iter()
            .find_map(|metric| Some((metric, part.ratio(server, metric)?)));
        let Some((metric, ratio)) = found else { continue };
        let verdict = Verdict::of(metric, &ratio);
        let bound = server.cpu_ratio_max.filter(|_| metric == Metric::CpuPerAnswer);
        let is_good = bound.map_or(verdict == Verdict::Better, |bound| ratio.mean <= bound);
        let class = if is_good { "good" } else { "" };
        let title = format!("{}: {}", server.name, metric.title());
        let mut below = match bound {
            Some(bound) if ratio.mean <= bound => format!("within its target of × {}", units::ratio(bound)),
            Some(bound) => format!("over its target of × {}", units::ratio(bound)),
            None => verdict.words().to_owned(),
        };
        if ratio.is_bounded() {
            below = format!("{} to {}, {below}", units::ratio(ratio.low), units::ratio(ratio.high));
        }
        card(cards, &title, &format!("× {}", units::ratio(ratio.mean)), &below, class);
    }
}

fn card(cards: &mut Markup, title: &str, value: &str, below: &str, class: &str) {
    cards.nest("div", &[("class", &class)], |card| {
        card.leaf("dt", &[], title);
        card.nest("dd", &[], |value_and_more| {
            value_and_more.leaf("b", &[], value);
            value_and_more.leaf("span", &[], below);
        });
    });
}

/// The doubts about every run, each once, with the servers that it is about; and servers that were given up.
fn all_doubts(part: &Part) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for server in &part.servers {
        if let Some(reason) = &server.failure {
            found.push(format!(
                "{} was given up after {} rounds: {reason}",
                server.name,
                server.rounds.len()
            ));
        }
        for doubt in server.rounds.iter().flat_map(doubts) {
            let doubt = format!("{}: {doubt}", server.name);
            if !found.contains(&doubt) && found.len() < 12 {
                found.push(doubt);
            }
        }
    }
    found
}

/// What a reader should know before believing a figure.
pub(super) fn cautions(page: &mut Markup, cautions: &[String]) {
    if cautions.is_empty() {
        return;
    }
    page.nest("ul", &[("class", &"cautions"), ("role", &"note")], |list| {
        for caution in cautions {
            list.leaf("li", &[], caution);
        }
    });
}

fn details(page: &mut Markup, part: &Part) {
    page.nest("details", &[], |details| {
        details.leaf("summary", &[], "How this was run");
        tables::setup(details, part);
        let lines = part
            .servers
            .iter()
            .filter_map(|server| server.rounds.first())
            .map(|run| run.command_line.join(" "));
        let mut lines: Vec<String> = lines.collect();
        lines.dedup();
        for line in lines {
            details.leaf("pre", &[], line);
        }
    });
}
