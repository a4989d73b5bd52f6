//! Several servers on the same work, round by round, and what that says about them.
//!
//! A round holds one run of each server, close together in time, so that a machine that grows slower slows them all.
//! What is compared are therefore ratios within a round; means over all rounds are shown beside them.

use serde::{Deserialize, Serialize};

use crate::result::{Machine, RunResult};
use crate::statistics::Interval;

/// The version of this format that we write.
pub const FORMAT: u32 = 1;

/// What `compare` found out: one part for each kind of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Always [`FORMAT`] in what we write.
    pub comparison_format: u32,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// The command line that was given.
    pub command_line: Vec<String>,
    /// The machine it was made on.
    pub machine: Machine,
    /// What stands against these figures, apart from the doubts about single runs.
    pub doubts: Vec<String>,
    /// The parts, in the order in which they ran.
    pub parts: Vec<Part>,
}

/// One kind of work, done by every server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is called, like `W1 echo`.
    pub title: String,
    /// The work in a few words.
    pub work: String,
    /// The server that the others are held against, one of [`Self::servers`].
    pub against: String,
    /// The servers in the order in which they were given.
    pub servers: Vec<Contender>,
    /// The point that this part is in a look at how cost grows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<Point>,
}

/// What differs from part to part, where the parts show how cost grows with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// What it is, like `connections`.
    pub thing: String,
    /// How many, or how large in bytes.
    pub value: f64,
}

/// What grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Cost {
    /// The server's processor time for each answer, or for each session opened.
    Cpu,
    /// The server's memory: of each idle session, or else all of it.
    Memory,
}

impl Cost {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Memory];

    fn of(self, result: &RunResult) -> Option<f64> {
        match self {
            // Processor time comes in ticks: a short round may have seen none, and belongs to the mean all the same.
            Self::Cpu => {
                result.server.as_ref().map(|server| server.cpu_us_per_answer).filter(|_| has_answers(result))
            }
            Self::Memory => {
                let each = result.figures.iter().find(|figure| figure.name.contains("memory for each idle"));
                each.map(|figure| figure.value).or_else(|| Metric::Rss.of(result))
            }
        }
    }
}

fn has_answers(result: &RunResult) -> bool {
    result.series.first().is_some_and(|all| all.answers > 0)
}

/// One server in one part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// What it is called.
    pub name: String,
    /// Its runs, one for each round. Fewer than the others have if it failed.
    pub rounds: Vec<RunResult>,
    /// Why it was given up.
    pub failure: Option<String>,
    /// The most processor time an answer may take, as a ratio to the server it is held against.
    pub cpu_ratio_max: Option<f64>,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// The server's processor time for each answer: what moves least when a machine is busy.
    CpuPerAnswer,
    /// Right answers in a second.
    Rate,
    /// Median latency.
    P50,
    /// The latency that 99 of 100 stay under.
    P99,
    /// The server's resident memory at the end.
    Rss,
}

impl Metric {
    /// All of them, the one to believe first.
    pub const ALL: [Self; 5] = [Self::CpuPerAnswer, Self::Rate, Self::P50, Self::P99, Self::Rss];

    /// Its name in tables.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::CpuPerAnswer => "CPU per answer",
            Self::Rate => "Rate",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Rss => "RSS",
        }
    }

    /// Whether a larger value is the better one.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Self::Rate
    }

    /// Its value in one run, `None` where it is not known or there was nothing to measure.
    #[must_use]
    pub fn of(self, result: &RunResult) -> Option<f64> {
        let all = result.series.first()?;
        let value = match self {
            Self::CpuPerAnswer => result.server.as_ref()?.cpu_us_per_answer,
            Self::Rate => all.rate_per_s,
            Self::P50 => all.latency.p50_us,
            Self::P99 => all.latency.p99_us,
            Self::Rss => result.server.as_ref()?.rss_bytes as f64,
        };
        (value.is_finite() && value > 0.0).then_some(value)
    }
}

/// What a ratio says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is better than the server it is held against.
    Better,
    /// It is worse.
    Worse,
    /// The interval holds 1: no difference was seen, which is not to say that there is none.
    NoDifference,
    /// A single round says nothing of its spread.
    OneRound,
}

impl Verdict {
    /// What the ratio of `metric` to another server says.
    #[must_use]
    pub fn of(metric: Metric, ratio: &Interval) -> Self {
        if !ratio.is_bounded() {
            Self::OneRound
        } else if ratio.holds(1.0) {
            Self::NoDifference
        } else if (ratio.mean > 1.0) == metric.more_is_better() {
            Self::Better
        } else {
            Self::Worse
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoDifference => "no difference seen",
            Self::OneRound => "one round only",
        }
    }
}

impl Contender {
    /// The mean of `metric` over all rounds.
    #[must_use]
    pub fn mean(&self, metric: Metric) -> Option<Interval> {
        let values: Option<Vec<f64>> = self.rounds.iter().map(|round| metric.of(round)).collect();
        Interval::geometric(&values?)
    }

    /// What it costs, on the average of all rounds.
    #[must_use]
    pub fn cost(&self, cost: Cost) -> Option<f64> {
        let values: Option<Vec<f64>> = self.rounds.iter().map(|round| cost.of(round)).collect();
        values
            .filter(|values| !values.is_empty())
            .map(|values| values.iter().sum::<f64>() / values.len() as f64)
            .filter(|mean| *mean > 0.0)
    }

    /// The ratio of this server to another one in each round that both have.
    #[must_use]
    pub fn ratios_to(&self, other: &Self, metric: Metric) -> Vec<f64> {
        let rounds = self.rounds.iter().zip(&other.rounds);
        rounds.filter_map(|(own, other)| Some(metric.of(own)? / metric.of(other)?)).collect()
    }
}

impl Part {
    /// The server that the others are held against.
    #[must_use]
    pub fn reference(&self) -> Option<&Contender> {
        self.servers.iter().find(|server| server.name == self.against)
    }

    /// The ratio of `server` to the reference in each round.
    #[must_use]
    pub fn ratios(&self, server: &Contender, metric: Metric) -> Vec<f64> {
        self.reference().map(|reference| server.ratios_to(reference, metric)).unwrap_or_default()
    }

    /// The mean of those ratios and how sure it is.
    #[must_use]
    pub fn ratio(&self, server: &Contender, metric: Metric) -> Option<Interval> {
        Interval::geometric(&self.ratios(server, metric))
    }

    /// Parts from single results: those of the same work together, and among them those of the same name as rounds.
    #[must_use]
    pub fn from_results(results: Vec<RunResult>) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        for result in results {
            let at = parts.iter().position(|part| part.work == result.work).unwrap_or_else(|| {
                let (title, work) = (result.work.clone(), result.work.clone());
                parts.push(Self {
                    title,
                    work,
                    against: result.name.clone(),
                    servers: Vec::new(),
                    point: None,
                });
                parts.len() - 1
            });
            let servers = &mut parts[at].servers;
            match servers.iter_mut().find(|server| server.name == result.name) {
                Some(server) => server.rounds.push(result),
                None => servers.push(Contender {
                    name: result.name.clone(),
                    rounds: vec![result],
                    failure: None,
                    cpu_ratio_max: None,
                }),
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn part(rounds: &[(f64, f64)]) -> Part {
        let mut results = Vec::new();
        for (first, second) in rounds {
            results.push(invented::result("first", *first));
            results.push(invented::result("second", *second));
        }
        let mut parts = Part::from_results(results);
        assert_eq!(parts.len(), 1);
        parts.remove(0)
    }

    #[test]
    fn results_of_one_work_become_rounds() {
        let part = part(&[(1.0, 2.0), (1.1, 2.2)]);
        assert_eq!(part.against, "first");
        assert_eq!(part.servers.iter().map(|server| server.rounds.len()).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn a_machine_that_slows_down_does_not_move_the_ratio() {
        let part = part(&[(1.0, 2.0), (2.0, 4.0), (4.0, 8.0)]);
        let ratio = part.ratio(&part.servers[1], Metric::CpuPerAnswer).unwrap();
        assert!((ratio.mean - 2.0).abs() < 0.01 && ratio.low > 1.9 && ratio.high < 2.1, "{ratio:?}");
        let mean = part.servers[1].mean(Metric::CpuPerAnswer).unwrap();
        assert!(mean.high > 2.0 * mean.mean, "the means themselves are far from sure: {mean:?}");
    }

    #[test]
    fn verdicts_follow_the_direction_that_is_better() {
        let slower = part(&[(1.0, 2.0), (1.0, 2.1), (1.0, 1.9)]);
        let verdict =
            |part: &Part, metric| Verdict::of(metric, &part.ratio(&part.servers[1], metric).unwrap());
        assert_eq!(verdict(&slower, Metric::CpuPerAnswer), Verdict::Worse);
        assert_eq!(verdict(&slower, Metric::Rate), Verdict::Worse);
        let faster = part(&[(1.0, 0.5), (1.0, 0.55)]);
        assert_eq!(verdict(&faster, Metric::Rate), Verdict::Better);
        assert_eq!(verdict(&faster, Metric::P99), Verdict::Better);
        let same = part(&[(1.0, 1.1), (1.1, 1.0), (1.0, 1.0)]);
        assert_eq!(verdict(&same, Metric::Rate), Verdict::NoDifference);
        assert_eq!(verdict(&part(&[(1.0, 3.0)]), Metric::Rate), Verdict::OneRound);
    }

    #[test]
    fn what_is_not_known_is_not_compared() {
        let mut part = part(&[(1.0, 2.0), (1.0, 2.0)]);
        part.servers[0].rounds[0].server = None;
        part.servers[0].rounds[1].server = None;
        assert_eq!(part.ratio(&part.servers[1], Metric::CpuPerAnswer), None);
        assert_eq!(part.servers[0].mean(Metric::Rss), None);
        assert!(part.ratio(&part.servers[1], Metric::Rate).is_some());
    }
}
