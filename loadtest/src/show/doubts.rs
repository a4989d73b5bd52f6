//! What a reader should know before believing a result's figures.

use crate::result::RunResult;
use crate::show::units;

/// A generator that used more of its cores than this was itself the limit, or close to it.
const GENERATOR_SHARE_MAX: f64 = 0.9;
/// More errors than this, and the latencies of right answers are those of another server.
const ERROR_SHARE_MAX: f64 = 0.01;
/// In an open loop, a server that answers less than this part of what was asked is past its limit.
const ANSWERED_SHARE_MIN: f64 = 0.97;
/// No answer for longer than this at the end, and for this share of the time, is told.
const SILENCE_MAX_S: f64 = 0.5;
const SILENCE_SHARE_MAX: f64 = 0.1;
/// Fewer answers than this say nothing about the slowest one of a hundred.
const ANSWERS_MIN: u64 = 1_000;

/// Whole sentences, the worst first; none if nothing stands against the figures.
#[must_use]
pub fn doubts(result: &RunResult) -> Vec<String> {
    let all = result.series.first();
    let answers = all.map_or(0, |all| all.answers);
    let mut found = Vec::new();
    if !result.machine.optimized {
        found.push(
            "the generator is a debug build: its figures mean nothing; build with --release".to_owned(),
        );
    }
    if answers == 0 {
        found.push("there was no right answer: there is nothing to measure".to_owned());
    }
    if result.server.as_ref().is_some_and(|server| server.ended) {
        found.push("the server's process had ended before the run had".to_owned());
    }
    if let Some(silence_s) = silence(result).filter(|_| answers > 0) {
        found.push(format!("no answer came in the last {}", units::clock(silence_s)));
    }
    let share = error_share(result);
    if share > ERROR_SHARE_MAX && answers > 0 {
        found.push(format!(
            "{} of the requests failed: a server that fails is faster than one that works",
            units::percent(share)
        ));
    }
    let threads = result.load.threads.max(1);
    if result.generator.cpu_share / threads as f64 > GENERATOR_SHARE_MAX {
        let own = if threads == 1 { "its core".to_owned() } else { format!("its {threads} cores") };
        found.push(format!(
            "the generator used {:.2} of {own}: it was the limit; give it more threads",
            result.generator.cpu_share
        ));
    }
    found.extend(behind(result));
    if result.machine.cores == 1 {
        found.push("this machine has one core: generator and server took it from each other".to_owned());
    }
    if (1..ANSWERS_MIN).contains(&answers) {
        found.push(format!("{answers} answers are too few to say much about p99: measure longer"));
    }
    if result.interrupted {
        found.push(format!("interrupted after {} of measuring", units::clock(result.measured_s)));
    }
    found
}

/// How long nothing was answered before the end, if that is much.
fn silence(result: &RunResult) -> Option<f64> {
    let silent = result.slices.iter().rev().take_while(|slice| slice.answers == 0);
    let silence_s: f64 = silent.map(|slice| slice.length_s).sum();
    let whole_s: f64 = result.slices.iter().map(|slice| slice.length_s).sum();
    (silence_s > SILENCE_MAX_S.max(whole_s * SILENCE_SHARE_MAX)).then_some(silence_s)
}

/// The part of all requests that failed.
#[must_use]
pub fn error_share(result: &RunResult) -> f64 {
    let Some(all) = result.series.first() else { return 0.0 };
    let errors: u64 = all.errors.values().map(|kind| kind.count).sum();
    if errors == 0 { 0.0 } else { errors as f64 / (errors + all.answers) as f64 }
}

fn behind(result: &RunResult) -> Option<String> {
    // A slice knows the rate that was asked at its end; while that rises, it was less before.
    let mut before = None;
    let mut asked = 0.0;
    for slice in &result.slices {
        let at_end = slice.asked_rate_per_s?;
        asked += (before.unwrap_or(at_end) + at_end) / 2.0 * slice.length_s;
        before = Some(at_end);
    }
    let answered: u64 = result.slices.iter().map(|slice| slice.answers + slice.errors).sum();
    let share = answered as f64 / asked;
    (asked > 0.0 && share < ANSWERED_SHARE_MIN).then(|| {
        format!("only {} of the rate asked for was answered: latencies show the queue", units::percent(share))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn a_good_run_leaves_no_doubt() {
        assert_eq!(doubts(&invented::result("good", 1.0)), Vec::<String>::new());
    }

    #[test]
    fn a_ramp_that_is_kept_up_with_leaves_no_doubt() {
        let mut result = invented::result("good", 1.0);
        for (at, slice) in (0_u32..).zip(&mut result.slices) {
            slice.asked_rate_per_s = Some(f64::from(at + 1) * 1_000.0);
            slice.answers = u64::from(at * 250 + 125);
        }
        assert_eq!(doubts(&result), Vec::<String>::new());
    }

    #[test]
    fn each_doubt_is_told() {
        let check = |change: fn(&mut RunResult), words: &str| {
            let mut result = invented::result("doubtful", 1.0);
            change(&mut result);
            let found = doubts(&result);
            assert!(found.iter().any(|doubt| doubt.contains(words)), "{words}: {found:?}");
        };
        check(|result| result.machine.optimized = false, "debug build");
        check(|result| result.series[0].answers = 0, "no right answer");
        check(|result| result.series[0].answers = 20, "too few");
        check(|result| result.generator.cpu_share = 0.97, "0.97 of its core: it was the limit");
        check(|result| result.server.as_mut().unwrap().ended = true, "process had ended");
        check(
            |result| result.slices.iter_mut().rev().take(8).for_each(|slice| slice.answers = 0),
            "no answer came in the last 2.0 s",
        );
        check(|result| result.machine.cores = 1, "one core");
        check(|result| result.interrupted = true, "interrupted after 10.0 s");
        check(|result| result.series[0] = invented::series_with_errors(), "1.99 % of the requests failed");
        check(
            |result| {
                for slice in &mut result.slices {
                    slice.asked_rate_per_s = Some(slice.answers as f64 / slice.length_s * 2.0);
                }
            },
            "only 50.0 % of the rate",
        );
    }
}
