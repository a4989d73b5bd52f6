//! Puts what was measured into the form in which it is handed on.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

use crate::load::Measured;
use crate::load::recorder::Portion;
use crate::machine;
use crate::plan::{Plan, Shape};
use crate::result::{FORMAT, Figure, Latency, LoadFacts, RunResult, Series, TargetFacts};

/// The result of a plan.
#[must_use]
pub fn result(plan: &Plan, target: TargetFacts, measured: Measured, figures: Vec<Figure>) -> RunResult {
    let measured_s = measured.length.as_secs_f64();
    let mut all = vec![series("all", &measured.all(), measured_s)];
    if measured.series.len() > 1 {
        all.extend(measured.series.iter().map(|(name, portion)| series(name, portion, measured_s)));
    }
    RunResult {
        format: FORMAT,
        started_at: rfc3339(measured.started_at),
        command_line: plan.command_line.clone(),
        name: plan.name.clone().unwrap_or_else(|| target.address.clone()),
        work: plan.work.to_string(),
        machine: machine::describe(),
        target,
        load: load(plan),
        measured_s,
        series: all,
        slices: measured.slices,
        server: measured.server,
        generator: measured.generator,
        figures,
        interrupted: measured.is_interrupted,
    }
}

/// A number beside latency.
#[must_use]
pub fn figure(name: &str, value: f64, unit: &str) -> Figure {
    Figure { name: name.to_owned(), value, unit: unit.to_owned() }
}

fn load(plan: &Plan) -> LoadFacts {
    let (shape, rate_per_s) = match &plan.load.shape {
        Shape::Closed => ("closed", None),
        Shape::Open(arrivals) => ("open", Some(arrivals.rate.after(1.0))),
        Shape::FindMax(_) => ("open", None),
    };
    LoadFacts {
        shape: shape.to_owned(),
        connections: plan.load.connections,
        sessions_per_connection: plan.load.sessions_per_connection,
        rate_per_s,
        threads: plan.threads,
        warm_up_s: plan.warm_up.as_secs_f64(),
        think_time_ms: plan.load.think_time.as_secs_f64() * 1e3,
    }
}

fn series(name: &str, portion: &Portion, measured_s: f64) -> Series {
    Series {
        name: name.to_owned(),
        answers: portion.answers(),
        rate_per_s: if measured_s > 0.0 { portion.answers() as f64 / measured_s } else { 0.0 },
        errors: portion.errors.clone(),
        received_bytes: portion.received,
        sent_bytes: portion.sent,
        latency: latency(&portion.latencies),
    }
}

fn latency(latencies: &Histogram<u64>) -> Latency {
    let micros = |nanos: u64| nanos as f64 / 1e3;
    let at = |share: f64| if latencies.is_empty() { 0.0 } else { micros(latencies.value_at_quantile(share)) };
    Latency {
        min_us: if latencies.is_empty() { 0.0 } else { micros(latencies.min()) },
        mean_us: latencies.mean() / 1e3,
        p50_us: at(0.5),
        p90_us: at(0.9),
        p99_us: at(0.99),
        p999_us: at(0.999),
        p9999_us: at(0.9999),
        max_us: micros(latencies.max()),
        histogram: encoded(latencies),
    }
}

fn encoded(latencies: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    let deflated = V2DeflateSerializer::new().serialize(latencies, &mut bytes);
    deflated.expect("a vector takes all bytes");
    STANDARD.encode(bytes)
}

/// A moment as RFC 3339 has it, in UTC.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    let seconds = moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 1 March of year 0, so that a leap day is a year's last.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) =
        (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_written_as_everybody_reads_them() {
        let rows = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_345_499, "2026-11-22T11:04:59Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_histogram_comes_back_as_it_was() {
        let mut portion = Portion::default();
        (1..=1000).for_each(|micros| portion.latencies.saturating_record(micros * 1000));
        let series = series("all", &portion, 2.0);
        assert_eq!((series.rate_per_s, series.latency.min_us.round()), (500.0, 1.0));
        let bytes = STANDARD.decode(&series.latency.histogram).unwrap();
        let read = hdrhistogram::serialization::Deserializer::new()
            .deserialize::<u64, _>(&mut bytes.as_slice())
            .unwrap();
        assert_eq!(
            (read.len(), read.value_at_quantile(0.5)),
            (1000, portion.latencies.value_at_quantile(0.5))
        );
    }
}
