//! One picture of the live view, and one plain line: text made of progress, and nothing else.

use super::history::History;
use crate::progress::{Phase, Progress};
use crate::show::grid::fit;
use crate::show::print::{BAD, FAINT, HEADING, NAME, one_line};
use crate::show::{spark, units};

/// Columns before the values.
const LABEL: usize = 9;
/// Columns of a value that has little bars beside it.
const VALUE: usize = 12;
/// Error kinds that are named.
const KINDS_MAX: usize = 4;

/// The picture, a few lines without an end after the last one.
pub(super) fn render(title: &str, progress: &Progress, history: &History, columns: usize) -> String {
    let (doing, subject) = (phase(progress.phase), subject(title, progress));
    let subject = fit(&subject, columns.saturating_sub(doing.len() + 4));
    let mut lines = vec![
        String::new(),
        format!("  {HEADING}{doing}{HEADING:#}  {NAME}{subject}{NAME:#}"),
        bar(progress, columns),
    ];
    let is_measured = progress.answers + progress.errors > 0;
    let is_measuring = progress.phase == Phase::Measuring || progress.phase == Phase::Closing && is_measured;
    if is_measuring || progress.rate_per_s > 0.0 {
        lines.extend(figures(progress, history, columns));
    }
    lines.join("\n")
}

fn subject(title: &str, progress: &Progress) -> String {
    if progress.part.is_empty() { title.to_owned() } else { format!("{title}, {}", one_line(&progress.part)) }
}

fn phase(phase: Phase) -> String {
    match phase {
        Phase::Probing => "Asking the server".to_owned(),
        Phase::Connecting { done, of } => {
            format!("Connecting {} of {}", units::count(done as u64), units::count(of as u64))
        }
        Phase::WarmUp => "Warming up".to_owned(),
        Phase::Measuring => "Measuring".to_owned(),
        Phase::LeftAlone => "Left alone".to_owned(),
        Phase::Closing => "Closing".to_owned(),
    }
}

fn bar(progress: &Progress, columns: usize) -> String {
    let share = if progress.done_share.is_finite() { progress.done_share.clamp(0.0, 1.0) } else { 0.0 };
    let time = match progress.total {
        Some(total) => {
            let left = total.saturating_sub(progress.elapsed);
            format!("{:>3.0} %  {} left", share * 100.0, units::clock(left.as_secs_f64()))
        }
        None => format!("{:>3.0} %  {}", share * 100.0, units::clock(progress.elapsed.as_secs_f64())),
    };
    let width = columns.saturating_sub(4 + 24).max(8);
    let halves = (share * width as f64 * 2.0).round() as usize;
    let mut done = "━".repeat(halves / 2);
    if halves % 2 == 1 {
        done.push('╸');
    }
    let rest = "━".repeat(width - halves.div_ceil(2));
    format!("  {NAME}{done}{NAME:#}{FAINT}{rest}{FAINT:#}  {time}")
}

fn figures(progress: &Progress, history: &History, columns: usize) -> Vec<String> {
    let bars = columns.saturating_sub(2 + LABEL + VALUE + 2).min(64);
    let asked = progress.asked_rate_per_s;
    let asked = asked
        .map_or_else(String::new, |asked| format!("   {FAINT}asked for{FAINT:#} {}", units::rate(asked)));
    let latency = [
        ("p50", progress.p50_us),
        ("p90", progress.p90_us),
        ("p99", progress.p99_us),
        ("max", progress.max_us),
    ];
    let latency = latency.map(|(name, us)| format!("{FAINT}{name}{FAINT:#} {:<9}", units::time(us)));
    let with_bars = |name, value: String, values: &[f64], join: fn(f64, f64) -> f64| {
        let from = values.len().saturating_sub(bars);
        let line = spark::line(&values[from..], bars, join);
        format!("{}{value:<VALUE$}{NAME}{line}{NAME:#}", label(name))
    };
    vec![
        with_bars("rate", units::rate(progress.rate_per_s), &history.rates(), f64::max),
        with_bars("p99", units::time(progress.p99_us), &history.p99(), f64::max),
        format!("{}{}", label("latency"), latency.join("  ").trim_end()),
        format!(
            "{}{}{asked}   {}",
            label("answers"),
            units::count(progress.answers),
            errors(progress, columns)
        ),
        format!("{}{}", label("cpu"), processes(progress)),
    ]
}

fn label(name: &str) -> String {
    format!("  {FAINT}{name:<LABEL$}{FAINT:#}")
}

/// How many errors, and of which kinds, the most frequent ones first.
fn errors(progress: &Progress, columns: usize) -> String {
    if progress.errors == 0 {
        return format!("{FAINT}no errors{FAINT:#}");
    }
    let text = format!("{} errors{}", units::count(progress.errors), kinds(progress));
    let room = columns.saturating_sub(2 + LABEL + units::count(progress.answers).len() + 30).max(20);
    format!("{BAD}{}{BAD:#}", fit(&text, room))
}

fn kinds(progress: &Progress) -> String {
    let mut kinds: Vec<_> = progress.errors_by_kind.iter().filter(|(_, count)| **count > 0).collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let named = kinds.iter().take(KINDS_MAX);
    let named: Vec<String> =
        named.map(|(kind, count)| format!("{} {}", one_line(kind), units::count(**count))).collect();
    if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) }
}

fn processes(progress: &Progress) -> String {
    let server = progress.server.map_or_else(
        || format!("{FAINT}server unknown{FAINT:#}"),
        |(cpu, rss)| format!("{FAINT}server{FAINT:#} {} {}", units::cores(cpu), units::bytes(rss as f64)),
    );
    format!("{server}   {FAINT}generator{FAINT:#} {}", units::cores(progress.generator_cpu_share))
}

/// The same in one line without styles, for logs.
pub(super) fn line(title: &str, progress: &Progress) -> String {
    let doing = phase(progress.phase).to_lowercase();
    let at = units::clock(progress.elapsed.as_secs_f64());
    let mut parts = vec![format!("{}: {doing} {at}", subject(title, progress))];
    if let (Phase::Connecting { .. }, Some(total)) = (progress.phase, progress.total) {
        let left = total.saturating_sub(progress.elapsed);
        parts.push(format!("{} left", units::clock(left.as_secs_f64())));
    }
    if progress.phase == Phase::Measuring && progress.rate_per_s > 0.0 {
        parts.push(units::rate(progress.rate_per_s));
        parts.push(format!("p50 {}", units::time(progress.p50_us)));
        parts.push(format!("p99 {}", units::time(progress.p99_us)));
        parts.push(format!("max {}", units::time(progress.max_us)));
        if let Some((cpu, rss)) = progress.server {
            parts.push(format!("server {} {}", units::cores(cpu), units::bytes(rss as f64)));
        }
    }
    if progress.errors > 0 {
        parts.push(format!("{} errors{}", units::count(progress.errors), kinds(progress)));
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::invented;

    fn measuring() -> (Progress, History) {
        let mut history = History::default();
        let result = invented::result("ours", 1.0);
        let mut progress = Progress {
            phase: Phase::Measuring,
            elapsed: Duration::from_millis(6_200),
            total: Some(Duration::from_secs(10)),
            done_share: 0.62,
            answers: 812_339,
            rate_per_s: 120_433.0,
            p50_us: 498.0,
            p90_us: 702.0,
            p99_us: 1_210.0,
            max_us: 12_300.0,
            server: Some((0.98, 12_900_000)),
            generator_cpu_share: 0.71,
            ..Progress::default()
        };
        for slice in result.slices {
            progress.last_slice = Some(slice);
            history.note(&progress);
        }
        (progress, history)
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_picture_holds_what_matters() {
        let (mut progress, history) = measuring();
        progress.errors = 12;
        progress.errors_by_kind = BTreeMap::from([("http-status".to_owned(), 3), ("timeout".to_owned(), 9)]);
        progress.asked_rate_per_s = Some(125_000.0);
        progress.part = "probe 3\u{1b}[2J".to_owned();
        let picture = plain(&render("echo on ours", &progress, &history, 99));
        invented::same_as_file("src/show/live/picture.txt", &format!("{picture}\n"));
    }

    #[test]
    fn no_line_of_a_picture_wraps() {
        let (mut progress, history) = measuring();
        progress.errors = 1_000_000;
        for kind in 0..40 {
            progress.errors_by_kind.insert(format!("an error with a long name {kind}"), 25_000);
        }
        for columns in [79, 99] {
            let picture = plain(&render(&"long title ".repeat(20), &progress, &history, columns));
            for line in picture.lines() {
                assert!(unicode_width::UnicodeWidthStr::width(line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn before_it_is_measured_there_are_no_figures() {
        let progress =
            Progress { phase: Phase::Connecting { done: 1_200, of: 5_000 }, ..Progress::default() };
        let picture = plain(&render("echo on ours", &progress, &History::default(), 79));
        assert!(picture.contains("Connecting 1,200 of 5,000") && !picture.contains("latency"), "{picture}");
        for phase in [Phase::LeftAlone, Phase::Closing] {
            let progress = Progress { phase, ..Progress::default() };
            let picture = plain(&render("idle 5", &progress, &History::default(), 79));
            assert!(!picture.contains("latency"), "{picture}");
        }
    }

    #[test]
    fn a_plain_line_is_one_line() {
        let (mut progress, _) = measuring();
        let expected = "echo on ours: measuring 6.2 s  120,433/s  p50 498 µs  p99 1.21 ms  max 12.3 ms  \
                        server 0.98 core 12.3 MiB";
        assert_eq!(line("echo on ours", &progress), expected);
        progress.errors = 2;
        progress.errors_by_kind = BTreeMap::from([("a\nb".to_owned(), 2)]);
        assert_eq!(line("echo on ours", &progress), format!("{expected}  2 errors: a b 2"));
        let opening = Progress {
            phase: Phase::Connecting { done: 1_000, of: 4_000 },
            elapsed: Duration::from_secs(10),
            total: Some(Duration::from_secs(40)),
            ..Progress::default()
        };
        assert_eq!(line("idle 4000", &opening), "idle 4000: connecting 1,000 of 4,000 10.0 s  30.0 s left");
    }
}
