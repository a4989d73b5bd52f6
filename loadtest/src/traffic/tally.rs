//! What a replay found, and what the recording had: latencies, errors, slices of time.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::progress::{Phase, Progress};
use crate::result::{ErrorCount, Series, Slice};
use crate::summary::latency;

/// Kinds of requests that are told apart; the rest is counted as one.
const LABELS_MAX: usize = 64;
/// Slices that are kept; when there are more, two become one.
const SLICES_MAX: usize = 600;
/// Longer than this an error's example is not kept.
const EXAMPLE_CHARS_MAX: usize = 300;

/// Counts what comes of a replay.
#[derive(Debug)]
pub struct Tally {
    all: Counts,
    recorded: Counts,
    by_label: BTreeMap<String, (Counts, Counts)>,
    slices: Vec<Counts>,
    slice_length: Duration,
}

#[derive(Debug)]
struct Counts {
    latencies: Histogram<u64>,
    errors: BTreeMap<String, ErrorCount>,
    received_bytes: u64,
    sent_bytes: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self::with_digits(3)
    }
}

/// One answer that was right.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// How long it took.
    pub latency: Duration,
    /// How long it had taken when it was recorded.
    pub recorded: Option<Duration>,
    /// Bytes of the request's body.
    pub sent_bytes: u64,
    /// Bytes of the answer's body.
    pub received_bytes: u64,
}

impl Default for Tally {
    fn default() -> Self {
        let (all, recorded) = (Counts::default(), Counts::default());
        let slice_length = Duration::from_secs(1);
        Self { all, recorded, by_label: BTreeMap::new(), slices: Vec::new(), slice_length }
    }
}

impl Tally {
    /// Counts an answer that came so long after the start.
    pub fn answer(&mut self, label: &str, at: Duration, answer: Answer) {
        let of_label = self.of_label(label);
        of_label.0.answer(&answer);
        if let Some(latency) = answer.recorded {
            of_label.1.latency(latency);
            self.recorded.latency(latency);
        }
        self.all.answer(&answer);
        self.slice(at).latency(answer.latency);
    }

    /// Counts an error.
    pub fn error(&mut self, label: &str, at: Duration, kind: &str, example: &str) {
        let example = || format!("{label}: {}", example.chars().take(EXAMPLE_CHARS_MAX).collect::<String>());
        self.of_label(label).0.error(kind, example());
        self.slice(at).error(kind, String::new());
        self.all.error(kind, example());
    }

    /// Everything, the recording's latencies beside those of the replay.
    #[must_use]
    pub fn series(&self, measured: Duration, recorded: Duration) -> Vec<Series> {
        let mut series = vec![self.all.series("all", measured), self.recorded.series("recorded", recorded)];
        for (label, (played, before)) in &self.by_label {
            series.push(played.series(label, measured));
            series.push(before.series(&format!("{label} (recorded)"), recorded));
        }
        series
    }

    /// The time in equal slices; the last is as long as the replay was.
    #[must_use]
    pub fn slices(&self, measured: Duration) -> Vec<Slice> {
        let slice = |(counts, number): (&Counts, u32)| {
            let at = self.slice_length * number;
            counts.slice(at, measured.saturating_sub(at).min(self.slice_length))
        };
        self.slices.iter().zip(0_u32..).map(slice).collect()
    }

    /// What to tell so long after the start: everything so far, and the figures of the newest whole slice.
    #[must_use]
    pub fn progress(&self, elapsed: Duration) -> Progress {
        let begun = elapsed.as_nanos() / self.slice_length.as_nanos();
        let newest = usize::try_from(begun.saturating_sub(1)).ok().and_then(|place| self.slices.get(place));
        let errors = self.all.errors.iter().map(|(kind, error)| (kind.clone(), error.count));
        let told = Progress {
            phase: Phase::Measuring,
            elapsed,
            answers: self.all.latencies.len(),
            errors: self.errors(),
            errors_by_kind: errors.collect(),
            ..Progress::default()
        };
        let Some(counts) = newest else { return told };
        let slice = counts.slice(
            self.slice_length * u32::try_from(begun.saturating_sub(1)).unwrap_or(0),
            elapsed.min(self.slice_length),
        );
        Progress {
            rate_per_s: slice.answers as f64 / slice.length_s.max(f64::MIN_POSITIVE),
            p50_us: slice.p50_us,
            p90_us: us(&counts.latencies, 0.9),
            p99_us: slice.p99_us,
            max_us: slice.max_us,
            last_slice: (begun > 0).then_some(slice),
            ..told
        }
    }

    /// How many errors there were.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.all.errors.values().map(|error| error.count).sum()
    }

    fn of_label(&mut self, label: &str) -> &mut (Counts, Counts) {
        let is_known = self.by_label.contains_key(label);
        let label = if is_known || self.by_label.len() < LABELS_MAX { label } else { "others" };
        self.by_label.entry(label.to_owned()).or_default()
    }

    fn slice(&mut self, at: Duration) -> &mut Counts {
        let place =
            |length: Duration| usize::try_from(at.as_nanos() / length.as_nanos()).unwrap_or(usize::MAX);
        while place(self.slice_length) >= SLICES_MAX {
            self.slice_length *= 2;
            let mut pairs = std::mem::take(&mut self.slices).into_iter();
            while let Some(mut first) = pairs.next() {
                if let Some(second) = pairs.next() {
                    first.add(&second);
                }
                self.slices.push(first);
            }
        }
        let place = place(self.slice_length);
        if place >= self.slices.len() {
            self.slices.resize_with(place + 1, Counts::of_slice);
        }
        &mut self.slices[place]
    }
}

impl Counts {
    fn with_digits(digits: u8) -> Self {
        let latencies = Histogram::new(digits).expect("up to five digits are allowed");
        Self { latencies, errors: BTreeMap::new(), received_bytes: 0, sent_bytes: 0 }
    }

    /// There are many slices: two digits take an eighth of the memory of three.
    fn of_slice() -> Self {
        Self::with_digits(2)
    }

    fn answer(&mut self, answer: &Answer) {
        self.latency(answer.latency);
        self.sent_bytes += answer.sent_bytes;
        self.received_bytes += answer.received_bytes;
    }

    fn latency(&mut self, latency: Duration) {
        // An hour is longer than any timeout, and bounds what the histogram grows to.
        let latency = latency.min(Duration::from_secs(3600));
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.latencies.record(nanoseconds).expect("histograms of ours grow as needed");
    }

    fn error(&mut self, kind: &str, example: String) {
        let count = self.errors.entry(kind.to_owned()).or_insert(ErrorCount { count: 0, example });
        count.count += 1;
    }

    fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies).expect("histograms of ours grow as needed");
        for (kind, error) in &other.errors {
            let count =
                self.errors.entry(kind.clone()).or_insert(ErrorCount { count: 0, example: String::new() });
            count.count += error.count;
        }
    }

    fn slice(&self, at: Duration, length: Duration) -> Slice {
        Slice {
            at_s: at.as_secs_f64(),
            length_s: length.as_secs_f64(),
            answers: self.latencies.len(),
            errors: self.errors.values().map(|error| error.count).sum(),
            asked_rate_per_s: None,
            p50_us: us(&self.latencies, 0.5),
            p99_us: us(&self.latencies, 0.99),
            max_us: us(&self.latencies, 1.0),
        }
    }

    fn series(&self, name: &str, time: Duration) -> Series {
        let answers = self.latencies.len();
        let rate_per_s = if time.is_zero() { 0.0 } else { answers as f64 / time.as_secs_f64() };
        Series {
            name: name.to_owned(),
            answers,
            rate_per_s,
            errors: self.errors.clone(),
            received_bytes: self.received_bytes,
            sent_bytes: self.sent_bytes,
            latency: latency(&self.latencies),
        }
    }
}

fn us(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    latencies.value_at_quantile(quantile) as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(us: u64) -> Answer {
        let recorded = Some(Duration::from_micros(us * 2));
        Answer { latency: Duration::from_micros(us), recorded, sent_bytes: 10, received_bytes: 20 }
    }

    #[test]
    fn latencies_stand_beside_the_recorded_ones_and_errors_apart() {
        let mut tally = Tally::default();
        for us in [100, 200, 300] {
            tally.answer("tools/list", Duration::from_millis(1500), answer(us));
        }
        tally.error("tools/call x", Duration::ZERO, "another kind", "an error in place of a result");
        let series = tally.series(Duration::from_secs(2), Duration::from_secs(6));
        let rows: Vec<_> =
            series.iter().map(|row| (row.name.as_str(), row.answers, row.rate_per_s)).collect();
        let expected = [
            ("all", 3, 1.5),
            ("recorded", 3, 0.5),
            ("tools/call x", 0, 0.0),
            ("tools/call x (recorded)", 0, 0.0),
            ("tools/list", 3, 1.5),
            ("tools/list (recorded)", 3, 0.5),
        ];
        assert_eq!(rows, expected);
        assert!(
            (series[0].latency.p50_us - 200.0).abs() < 1.0 && (series[1].latency.p50_us - 400.0).abs() < 1.0
        );
        assert_eq!(series[0].errors["another kind"].example, "tools/call x: an error in place of a result");
        let told = tally.progress(Duration::from_millis(2500));
        assert_eq!((told.answers, told.errors, told.errors_by_kind["another kind"]), (3, 1, 1));
        assert_eq!((told.rate_per_s, told.last_slice.map(|slice| slice.at_s)), (3.0, Some(1.0)));
        assert_eq!((tally.errors(), series[0].sent_bytes, series[0].received_bytes), (1, 30, 60));
        let slices = tally.slices(Duration::from_secs(2));
        let rows: Vec<_> = slices.iter().map(|slice| (slice.at_s, slice.answers, slice.errors)).collect();
        assert_eq!(rows, [(0.0, 0, 1), (1.0, 3, 0)]);
    }

    #[test]
    fn long_replays_have_longer_slices_and_many_labels_are_one() {
        let mut tally = Tally::default();
        for second in 0..2_000 {
            tally.answer(&format!("label {second}"), Duration::from_secs(second), answer(5));
        }
        let slices = tally.slices(Duration::from_secs(2_000));
        assert!(slices.len() <= SLICES_MAX && slices.iter().all(|slice| slice.length_s <= 4.0));
        assert_eq!(slices.iter().map(|slice| slice.answers).sum::<u64>(), 2_000);
        let series = tally.series(Duration::from_secs(1), Duration::from_secs(1));
        assert_eq!(series.len(), 2 + 2 * (LABELS_MAX + 1));
    }
}
