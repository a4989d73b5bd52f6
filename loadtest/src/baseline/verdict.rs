//! Which figures are worse than they were, and by more than they may be.

use serde::Serialize;

use crate::comparison::Metric;
use crate::fault::Fault;
use crate::result::RunResult;
use crate::show::doubts::error_share;
use crate::show::units;

/// How much worse each figure may be, as a share: 0.1 is ten percent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) cpu: f64,
    pub(super) rate: f64,
    pub(super) p99: f64,
    /// The share of requests that may fail.
    pub(super) errors: f64,
}

/// One figure, then and now.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) baseline: f64,
    pub(super) now: f64,
    /// By what share it grew or shrank; `None` where it was nothing.
    pub(super) change: Option<f64>,
    /// How much worse it may be.
    pub(super) allowed: f64,
    /// Whether it is worse than that.
    pub(super) is_worse: bool,
    #[serde(skip)]
    pub(super) shown_baseline: String,
    #[serde(skip)]
    pub(super) shown_now: String,
    #[serde(skip)]
    pub(super) shown_allowed: String,
}

/// Every figure that both results have, the steadiest first.
///
/// # Errors
/// If they are not of the same work, or there is nothing in them to compare.
pub(super) fn rows(baseline: &RunResult, now: &RunResult, bounds: &Bounds) -> Result<Vec<Row>, Fault> {
    if baseline.work != now.work {
        return Err(Fault::plan(format!("the baseline did `{}`, and this is `{}`", baseline.work, now.work)));
    }
    let (then_load, now_load) = (&baseline.load, &now.load);
    if (&then_load.shape, then_load.connections) != (&now_load.shape, now_load.connections) {
        return Err(Fault::plan(
            "the baseline was made with another load: shape and connections must be the same",
        ));
    }
    if !baseline.machine.optimized || !now.machine.optimized {
        return Err(Fault::plan("a debug build of the generator made one of them: its figures mean nothing"));
    }
    if now.interrupted || baseline.interrupted {
        return Err(Fault::plan("one of them was interrupted"));
    }
    let metrics =
        [(Metric::CpuPerAnswer, bounds.cpu), (Metric::Rate, bounds.rate), (Metric::P99, bounds.p99)];
    let mut rows: Vec<Row> =
        metrics.into_iter().filter_map(|(metric, allowed)| row(metric, baseline, now, allowed)).collect();
    if rows.is_empty() {
        return Err(Fault::plan("there are no right answers in one of them"));
    }
    rows.push(errors(error_share(baseline), error_share(now), bounds.errors));
    Ok(rows)
}

fn row(metric: Metric, baseline: &RunResult, now: &RunResult, allowed: f64) -> Option<Row> {
    let (baseline, now) = (metric.of(baseline)?, metric.of(now)?);
    let change = now / baseline - 1.0;
    let (worse_by, sign) = if metric.more_is_better() { (-change, '−') } else { (change, '+') };
    Some(Row {
        name: metric.title().to_owned(),
        baseline,
        now,
        change: Some(change),
        allowed,
        is_worse: worse_by > allowed,
        shown_baseline: units::metric(metric, baseline),
        shown_now: units::metric(metric, now),
        shown_allowed: format!("{sign}{}", units::percent(allowed)),
    })
}

/// Errors have a bound of their own, and not one by what they were: no errors can't be doubled.
fn errors(baseline: f64, now: f64, allowed: f64) -> Row {
    Row {
        name: "Errors".to_owned(),
        baseline,
        now,
        change: None,
        allowed,
        is_worse: now > allowed,
        shown_baseline: units::percent(baseline),
        shown_now: units::percent(now),
        shown_allowed: format!("≤{}", units::percent(allowed)),
    }
}

/// Reads `10%`, or `0.1` for the same.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse::<f64>(),
    };
    let value = value.ok().filter(|value| (0.0..=10.0).contains(value));
    value.ok_or_else(|| format!("`{text}` is no share: write one like 10%"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    const BOUNDS: Bounds = Bounds { cpu: 0.1, rate: 0.1, p99: 0.1, errors: 0.01 };

    fn worse(baseline: &RunResult, now: &RunResult, bounds: Bounds) -> Vec<String> {
        let rows = rows(baseline, now, &bounds).unwrap();
        rows.into_iter().filter(|row| row.is_worse).map(|row| row.name).collect()
    }

    #[test]
    fn only_what_is_worse_by_more_than_allowed_is_worse() {
        let baseline = invented::result("one", 1.0);
        let none: [&str; 0] = [];
        assert_eq!(worse(&baseline, &invented::result("one", 1.05), BOUNDS), none);
        assert_eq!(worse(&baseline, &invented::result("one", 0.3), BOUNDS), none, "better is not worse");
        let slower = invented::result("one", 1.2);
        assert_eq!(worse(&baseline, &slower, BOUNDS), ["CPU per answer", "Rate", "p99"]);
        assert_eq!(worse(&baseline, &slower, Bounds { cpu: 0.3, p99: 0.3, ..BOUNDS }), ["Rate"]);
    }

    #[test]
    fn errors_have_a_bound_of_their_own() {
        let baseline = invented::result("one", 1.0);
        let mut failing = baseline.clone();
        failing.series[0].errors = invented::series_with_errors().errors;
        failing.series[0].answers = 98_508;
        assert_eq!(worse(&baseline, &failing, BOUNDS), ["Errors"]);
        assert_eq!(worse(&baseline, &failing, Bounds { errors: 0.02, ..BOUNDS }).len(), 0);
    }

    #[test]
    fn processor_time_is_left_out_where_it_is_not_known() {
        let baseline = invented::result("one", 1.0);
        let mut now = invented::result("one", 1.0);
        now.server = None;
        let names: Vec<String> =
            rows(&baseline, &now, &BOUNDS).unwrap().into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["Rate", "p99", "Errors"]);
    }

    #[test]
    fn what_can_not_be_compared_is_refused() {
        let check = |change: fn(&mut RunResult), words: &str| {
            let mut now = invented::result("one", 1.0);
            change(&mut now);
            let error = rows(&invented::result("one", 1.0), &now, &BOUNDS).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        check(|now| now.work = "list".to_owned(), "this is `list`");
        check(|now| now.load.connections = 1, "another load");
        check(|now| now.machine.optimized = false, "debug build");
        check(|now| now.interrupted = true, "interrupted");
        check(|now| now.series.clear(), "no right answers");
    }

    #[test]
    fn shares_are_percent_or_parts_of_one() {
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("0.25"), Ok(0.25));
        for text in ["", "%", "-1%", "2000%", "ten", "NaN"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
