//! Puts what was measured into the form in which it is handed on.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

use crate::calendar::rfc3339;
use crate::load::Measured;
use crate::load::recorder::Portion;
use crate::machine;
use crate::plan::{Plan, Rate, Shape};
use crate::result::{FORMAT, Figure, Latency, LoadFacts, RunResult, Series, Slice, TargetFacts};

/// The result of a plan.
#[must_use]
pub fn result(plan: &Plan, target: TargetFacts, measured: Measured, figures: Vec<Figure>) -> RunResult {
    let mut all = vec![series("all", &measured.all(), &measured)];
    if measured.series.len() > 1 {
        all.extend(measured.series.iter().map(|(name, portion)| series(name, portion, &measured)));
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
        measured_s: measured.length.as_secs_f64(),
        series: all,
        slices: within(measured.window, measured.slices),
        server: measured.server,
        generator: measured.generator,
        figures,
        interrupted: measured.is_interrupted,
    }
}

/// Without the time behind the end in which others were waited for and nothing came: it would look like a stall.
fn within(window: Option<Duration>, mut slices: Vec<Slice>) -> Vec<Slice> {
    let end_s = window.map_or(f64::INFINITY, |window| window.as_secs_f64());
    let is_waiting = |slice: &Slice| slice.at_s >= end_s - 1e-3 && slice.answers + slice.errors == 0;
    while slices.last().is_some_and(is_waiting) {
        slices.pop();
    }
    slices
}

/// A number beside latency.
#[must_use]
pub fn figure(name: &str, value: f64, unit: &str) -> Figure {
    Figure { name: name.to_owned(), value, unit: unit.to_owned() }
}

fn load(plan: &Plan) -> LoadFacts {
    let (shape, rate_per_s, rates_per_s) = match &plan.load.shape {
        Shape::Closed => ("closed", None, Vec::new()),
        Shape::Open(arrivals) => {
            let last = Some(arrivals.rate.after(1.0));
            match &arrivals.rate {
                Rate::Constant(_) => ("open", last, Vec::new()),
                Rate::Steps(rates) => ("steps", last, rates.clone()),
                Rate::Ramp { from, to } => ("ramp", last, vec![*from, *to]),
            }
        }
        Shape::FindMax(_) => ("open", None, Vec::new()),
    };
    LoadFacts {
        shape: shape.to_owned(),
        connections: plan.load.connections,
        sessions_per_connection: plan.load.sessions_per_connection,
        rate_per_s,
        rates_per_s,
        threads: plan.threads,
        warm_up_s: plan.warm_up.as_secs_f64(),
        think_time_ms: plan.load.think_time.as_secs_f64() * 1e3,
    }
}

fn series(name: &str, portion: &Portion, measured: &Measured) -> Series {
    Series {
        name: name.to_owned(),
        answers: portion.answers(),
        rate_per_s: measured.rate_per_s(portion),
        errors: portion.errors.clone(),
        received_bytes: portion.received,
        sent_bytes: portion.sent,
        latency: latency(&portion.latencies),
    }
}

/// A distribution in nanoseconds, as it is written.
pub(crate) fn latency(latencies: &Histogram<u64>) -> Latency {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_at_the_end_is_no_stall() {
        let slices = crate::invented::result("one", 1.0).slices;
        let mut waiting = slices.clone();
        for at in 0..8 {
            waiting.push(Slice { at_s: 10.0 + f64::from(at) * 0.25, answers: 0, ..slices[0].clone() });
        }
        assert_eq!(within(Some(Duration::from_secs(10)), waiting.clone()), slices);
        assert_eq!(within(Some(Duration::from_secs(12)), waiting.clone()), waiting);
        assert_eq!(within(None, waiting.clone()), waiting);
    }

    #[test]
    fn a_histogram_comes_back_as_it_was() {
        let mut portion = Portion::default();
        (1..=1000).for_each(|micros| portion.latencies.saturating_record(micros * 1000));
        let written = latency(&portion.latencies);
        assert_eq!(written.min_us.round(), 1.0);
        let bytes = STANDARD.decode(&written.histogram).unwrap();
        let read = hdrhistogram::serialization::Deserializer::new()
            .deserialize::<u64, _>(&mut bytes.as_slice())
            .unwrap();
        assert_eq!(
            (read.len(), read.value_at_quantile(0.5)),
            (1000, portion.latencies.value_at_quantile(0.5))
        );
    }
}
