//! A report as one HTML file: it needs no network and no script, and can be sent to anybody.
//!
//! Nothing that a server said is trusted: `html/markup.rs` escapes every text, and the page forbids itself to load
//! or to run anything.

mod bars;
mod curves;
mod distribution;
mod frame;
mod growth;
mod markup;
mod part;
mod scale;
mod tables;
mod timeline;

use self::markup::Markup;
use crate::comparison::{Comparison, Cost, Part};
use crate::result::{Machine, RunResult};
use crate::show::units;

/// What may happen on the page: its own styles, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The report of a comparison.
#[must_use]
pub fn comparison(comparison: &Comparison, title: Option<&str>) -> String {
    let names: Vec<&str> = comparison
        .parts
        .first()
        .map(|part| part.servers.iter().map(|server| server.name.as_str()).collect())
        .unwrap_or_default();
    let own = title.map_or_else(|| names.join(" · "), str::to_owned);
    let lines = [comparison.command_line.join(" ")];
    page(&own, &comparison.started_at, &comparison.machine, &comparison.doubts, &comparison.parts, &lines)
}

/// How a cost grows over those parts, as an SVG file; nothing if it is not known, or nothing grows.
#[must_use]
pub fn growth(parts: &[Part], cost: Cost) -> Option<String> {
    growth::alone(parts, cost)
}

/// The report of single results; nothing if there is none.
#[must_use]
pub fn results(results: Vec<RunResult>, title: Option<&str>) -> Option<String> {
    let first = results.first()?.clone();
    let mut cautions = Vec::new();
    if results.iter().any(|result| !same_machine(&result.machine, &first.machine)) {
        cautions.push("these results are from different machines: compare them with care".to_owned());
    }
    let parts = Part::from_results(results);
    let own = title.map_or_else(|| heading(&parts, &first), str::to_owned);
    Some(page(&own, &first.started_at, &first.machine, &cautions, &parts, &[]))
}

/// Whether two results may be compared as those of one machine; another version of the generator is no other machine.
#[must_use]
pub fn same_machine(one: &Machine, other: &Machine) -> bool {
    (&one.cpu, one.cores, &one.os) == (&other.cpu, other.cores, &other.os)
}

fn heading(parts: &[Part], first: &RunResult) -> String {
    match parts {
        [part] if part.servers.len() == 1 => first.name.clone(),
        [part] => part.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>().join(" · "),
        _ => format!("{} kinds of work", parts.len()),
    }
}

fn page(
    title: &str,
    started_at: &str,
    machine: &Machine,
    cautions: &[String],
    parts: &[Part],
    command_lines: &[String],
) -> String {
    let mut page = Markup::default();
    page.verbatim("<!doctype html>\n");
    page.nest("html", &[("lang", &"en")], |html| {
        html.nest("head", &[], |head| {
            head.void("meta", &[("charset", &"utf-8")]);
            head.void("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &POLICY)]);
            head.void("meta", &[("name", &"viewport"), ("content", &"width=device-width, initial-scale=1")]);
            head.void("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
            head.leaf("title", &[], format_args!("{title}: load test"));
            head.nest("style", &[], |style| style.verbatim(include_str!("html/style.css")));
        });
        html.nest("body", &[], |body| {
            body.nest("header", &[], |header| {
                header.leaf("p", &[("class", &"kind")], "Impresario load test");
                header.leaf("h1", &[], title);
                header.leaf("p", &[("class", &"where")], where_and_when(started_at, machine));
            });
            body.nest("main", &[], |main| {
                part::cautions(main, cautions);
                if parts.iter().any(|part| part.point.is_some()) {
                    main.nest("div", &[("class", &"plots")], |plots| growth::figures(plots, parts));
                }
                for one in parts {
                    part::section(main, one);
                }
                main.nest("section", &[("class", &"manifest")], |section| {
                    section.leaf("h2", &[], "Where this was measured");
                    tables::machine(section, machine);
                    for line in command_lines {
                        section.leaf("pre", &[], line);
                    }
                });
            });
        });
    });
    page.verbatim("\n");
    page.finish()
}

fn where_and_when(started_at: &str, machine: &Machine) -> String {
    let when: String =
        started_at.chars().take(16).map(|letter| if letter == 'T' { ' ' } else { letter }).collect();
    let cores = if machine.cores == 1 { "1 core".to_owned() } else { format!("{} cores", machine.cores) };
    format!(
        "{when} UTC · {} · {cores} · {} · {}",
        machine.cpu,
        units::bytes(machine.memory_bytes as f64),
        machine.os
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn two_servers() -> Vec<RunResult> {
        let rounds = [(1.0, 1.2), (1.02, 1.25), (0.99, 1.21)];
        let rounds = rounds.into_iter();
        rounds
            .flat_map(|(one, other)| [invented::result("one", one), invented::result("other", other)])
            .collect()
    }

    #[test]
    fn a_page_is_complete_and_loads_nothing() {
        for results_given in [vec![invented::result("one", 1.0)], two_servers()] {
            let page = results(results_given, None).unwrap();
            assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
            for foreign in
                ["http-equiv=\"refresh\"", "<script", "<link", "<img", "src=", "href=", "url(", "@import"]
            {
                assert!(!page.contains(foreign), "{foreign}");
            }
            assert_eq!(page.matches("<figure>").count(), page.matches("<desc>").count());
            assert!(!page.contains("NaN") && !page.contains(">inf"));
            for name in ["figure", "svg", "table", "section", "details", "dl", "div", "ul", "text", "tr"] {
                let opened =
                    page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
                assert_eq!(opened, page.matches(&format!("</{name}>")).count(), "{name}");
            }
        }
    }

    #[test]
    fn what_a_server_says_stays_text() {
        let evil = "<img src=x onerror=alert(1)>\"'&";
        let mut result = invented::result(evil, 1.0);
        evil.clone_into(&mut result.work);
        evil.clone_into(&mut result.target.address);
        evil.clone_into(&mut result.target.server_version);
        evil.clone_into(&mut result.machine.cpu);
        evil.clone_into(&mut result.figures[0].name);
        evil.clone_into(&mut result.started_at);
        result.command_line.push(evil.to_owned());
        result.series[0] = invented::series_with_errors();
        let mut other = result.clone();
        other.name = format!("other {evil}");
        for given in [vec![result.clone()], vec![result, other]] {
            let page = results(given, Some(evil)).unwrap();
            assert!(!page.contains("<img") && !page.contains("<script"));
            assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
        }
    }

    #[test]
    fn runs_without_answers_slices_or_server_still_make_a_page() {
        let mut empty = invented::result("empty", 1.0);
        empty.slices.clear();
        empty.server = None;
        empty.series[0].answers = 0;
        assert!(results(vec![empty.clone()], None).unwrap().contains("no right answer"));
        assert!(results(vec![empty.clone(), invented::result("other", 1.0)], None).is_some());
        empty.series.clear();
        assert!(results(vec![empty], None).is_some());
        assert!(results(Vec::new(), None).is_none());
    }

    #[test]
    fn different_machines_are_told() {
        let mut results_given = two_servers();
        results_given[1].machine.cpu = "another".to_owned();
        assert!(results(results_given, None).unwrap().contains("different machines"));
    }
}
