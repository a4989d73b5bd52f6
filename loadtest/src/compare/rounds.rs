//! The order of a comparison: every server once in each round, and each round begun by another one.
//!
//! Whatever makes a machine slower for a while then hits all servers alike, and being the first or the last of a round
//! is nobody's lot.

use crate::comparison::Part;
use crate::fault::Fault;
use crate::result::RunResult;

/// How often everything is done.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// Rounds that count.
    pub count: usize,
    /// Whether one more round goes before them that does not.
    pub discard_first: bool,
}

/// Which run comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The round, from zero.
    pub round: usize,
    /// The server's place in its part.
    pub server: usize,
    /// Whether its result is thrown away.
    pub is_discarded: bool,
}

/// How a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Every round was run, by those servers at least that did not fail.
    Complete,
    /// Somebody interrupted it.
    Interrupted,
}

impl Rounds {
    /// Every turn, in order.
    pub fn turns(self, servers: usize) -> impl Iterator<Item = Turn> {
        let discarded = usize::from(self.discard_first);
        (0..self.count + discarded).flat_map(move |round| {
            (0..servers).map(move |place| Turn {
                round,
                server: (place + round) % servers,
                is_discarded: round < discarded,
            })
        })
    }

    /// Lets every server of `part` have its turns. One that fails is given up, and the others go on.
    pub async fn play(
        self,
        part: &mut Part,
        mut run: impl AsyncFnMut(Turn) -> Result<RunResult, Fault>,
    ) -> Ending {
        for turn in self.turns(part.servers.len()) {
            if part.servers[turn.server].failure.is_some() {
                continue;
            }
            match run(turn).await {
                Ok(result) if result.interrupted => return Ending::Interrupted,
                Ok(result) if turn.is_discarded => drop(result),
                Ok(result) => part.servers[turn.server].rounds.push(result),
                Err(fault) => part.servers[turn.server].failure = Some(fault.to_string()),
            }
        }
        Ending::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::{Contender, Metric};
    use crate::invented;

    fn part(names: &[&str]) -> Part {
        let server = |name: &&str| Contender {
            name: (*name).to_owned(),
            rounds: Vec::new(),
            failure: None,
            cpu_ratio_max: None,
        };
        Part {
            title: "invented".to_owned(),
            work: "echo".to_owned(),
            against: names[0].to_owned(),
            servers: names.iter().map(server).collect(),
            point: None,
        }
    }

    #[test]
    fn every_server_begins_a_round() {
        let turns: Vec<_> = Rounds { count: 2, discard_first: true }
            .turns(3)
            .map(|turn| (turn.round, turn.server, turn.is_discarded))
            .collect();
        let expected = [
            (0, 0, true),
            (0, 1, true),
            (0, 2, true),
            (1, 1, false),
            (1, 2, false),
            (1, 0, false),
            (2, 2, false),
            (2, 0, false),
            (2, 1, false),
        ];
        assert_eq!(turns, expected);
        assert_eq!(Rounds { count: 5, discard_first: false }.turns(0).count(), 0);
    }

    #[tokio::test]
    async fn rounds_are_kept_and_the_first_thrown_away() {
        let mut part = part(&["one", "two"]);
        let run = async |turn: Turn| {
            let slowness = if turn.is_discarded { 50.0 } else { 1.0 + turn.server as f64 };
            Ok(invented::result("server", slowness))
        };
        let ending = Rounds { count: 3, discard_first: true }.play(&mut part, run).await;
        assert_eq!(ending, Ending::Complete);
        let ratio = part.ratio(&part.servers[1], Metric::P50).unwrap();
        assert!((ratio.mean - 2.0).abs() < 0.02, "{ratio:?}");
        assert_eq!(part.servers[0].rounds.len(), 3);
    }

    #[tokio::test]
    async fn a_server_that_fails_is_given_up_and_the_others_go_on() {
        let mut part = part(&["one", "two"]);
        let run = async |turn: Turn| match turn {
            Turn { server: 1, round: 1, .. } => Err(Fault::plan("it is gone")),
            _ => Ok(invented::result("server", 1.0)),
        };
        Rounds { count: 4, discard_first: false }.play(&mut part, run).await;
        assert_eq!(part.servers[1].failure.as_deref(), Some("it is gone"));
        assert_eq!(part.servers.iter().map(|server| server.rounds.len()).collect::<Vec<_>>(), [4, 1]);
        assert_eq!(part.ratios(&part.servers[1], Metric::P50).len(), 1);
    }

    #[tokio::test]
    async fn an_interrupted_run_ends_it_and_does_not_count() {
        let mut part = part(&["one", "two"]);
        let run = async |turn: Turn| {
            let mut result = invented::result("server", 1.0);
            result.interrupted = turn.round == 1;
            Ok(result)
        };
        let ending = Rounds { count: 4, discard_first: false }.play(&mut part, run).await;
        assert_eq!(ending, Ending::Interrupted);
        assert_eq!(part.servers.iter().map(|server| server.rounds.len()).collect::<Vec<_>>(), [1, 1]);
    }
}
