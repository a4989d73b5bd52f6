//! One part of a comparison: its servers started, run in turn, and ended.

use std::path::PathBuf;
use std::time::Duration;

use super::Compare;
use super::contender::{Contender, Place};
use super::cores::Cores;
use super::course::Course;
use super::rounds::{Ending, Rounds, Turn};
use crate::comparison::{self, Metric, Part, Point};
use crate::fault::Fault;
use crate::load;
use crate::options::LoadOptions;
use crate::plan::{Address, Plan, Rate, Target};
use crate::progress;
use crate::result::RunResult;
use crate::revision::Revision;
use crate::run;
use crate::server::{Launch, Server};
use crate::show::live::Live;
use crate::show::{print, units};
use crate::work::Work;

/// How long a server may take until it answers: those in Python and TypeScript need a while.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long it may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// What stands for the file with the result that a server is to repeat.
pub(super) const RESULT: &str = "{result}";

/// A kind of work, and who does it.
#[derive(Debug, Clone)]
pub(super) struct Bout {
    pub(super) title: String,
    pub(super) work: Work,
    /// The rate of an open loop, in place of the shape of load that was asked for.
    pub(super) rate_per_s: Option<f64>,
    /// How many connections, in place of the number that was asked for.
    pub(super) connections: Option<usize>,
    /// The point that it is in a look at how cost grows.
    pub(super) point: Option<Point>,
    /// The entrant that the others are held against.
    pub(super) against: String,
    pub(super) entrants: Vec<Entrant>,
}

/// A server in it.
#[derive(Debug, Clone)]
pub(super) struct Entrant {
    pub(super) contender: Contender,
    /// Its process, if it runs already.
    pub(super) pid: Option<u32>,
    /// The revision to speak with it, if another one than with the others.
    pub(super) revision: Option<Revision>,
    /// See [`comparison::Contender::cpu_ratio_max`].
    pub(super) cpu_ratio_max: Option<f64>,
    /// It repeats the reply of the entrant of that name, whatever it is asked: a floor, and no MCP server. The reply
    /// is in a file in this folder.
    pub(super) repeats: Option<(String, PathBuf)>,
}

impl Entrant {
    pub(super) fn new(contender: Contender) -> Self {
        Self { contender, pid: None, revision: None, cpu_ratio_max: None, repeats: None }
    }

    /// Whether we start it, once for all rounds.
    pub(super) fn is_started(&self) -> bool {
        matches!(self.contender.place, Place::Listens(_))
    }
}

impl Bout {
    /// Nobody's yet.
    pub(super) fn new(work: Work, against: &str) -> Self {
        Self {
            title: work.to_string(),
            work,
            rate_per_s: None,
            connections: None,
            point: None,
            against: against.to_owned(),
            entrants: Vec::new(),
        }
    }

    /// The same at a rate.
    pub(super) fn at_rate(&self, rate_per_s: f64) -> Self {
        let title = format!("{}, at {}", self.title, units::rate(rate_per_s));
        Self { title, rate_per_s: Some(rate_per_s), ..self.clone() }
    }

    /// The part of a comparison that this is, before anything was run.
    pub(super) fn empty_part(&self) -> Part {
        let server = |entrant: &Entrant| comparison::Contender {
            name: entrant.contender.name.clone(),
            rounds: Vec::new(),
            failure: None,
            cpu_ratio_max: entrant.cpu_ratio_max,
        };
        Part {
            title: self.title.clone(),
            work: self.work.to_string(),
            against: self.against.clone(),
            servers: self.entrants.iter().map(server).collect(),
            point: self.point.clone(),
        }
    }
}

/// A server that is ready for its turn.
#[derive(Debug)]
struct Ready {
    plan: Plan,
    /// Ours to end.
    server: Option<Server>,
}

/// Starts the servers of `bout`, gives all of them their turns, and ends them.
///
/// # Errors
/// If a plan can't be made. A server that can't be started is given up, and told in `part`.
pub(super) async fn fight(
    compare: &Compare,
    bout: &Bout,
    rounds: Rounds,
    (cores, course): (&Cores, &Course),
    part: &mut Part,
) -> Result<Ending, Fault> {
    let mut ready: Vec<Option<Ready>> = bout.entrants.iter().map(|_| None).collect();
    // Who repeats another one's reply can start only when that one answers.
    let (repeating, first): (Vec<usize>, Vec<usize>) =
        (0..bout.entrants.len()).partition(|at| bout.entrants[*at].repeats.is_some());
    for at in first.into_iter().chain(repeating) {
        let model = bout.entrants[at].repeats.as_ref().and_then(|(name, _)| {
            let model = bout.entrants.iter().position(|entrant| entrant.contender.name == *name)?;
            Some(ready[model].as_ref()?.plan.target.clone())
        });
        match prepare(compare, bout, &bout.entrants[at], cores, model).await {
            Ok(one) => ready[at] = Some(one),
            Err(fault) => {
                print::caution(&fault.to_string());
                part.servers[at].failure = Some(fault.to_string());
            }
        }
    }
    let turns = rounds.count + usize::from(rounds.discard_first);
    let begun = course.ended();
    let ending = rounds
        .play(part, async |turn: Turn| {
            let name = &bout.entrants[turn.server].contender.name;
            let ready = ready[turn.server].as_ref().ok_or_else(|| Fault::plan("it did not start"))?;
            let title = format!("{}: round {} of {turns}, {name}", bout.title, turn.round + 1);
            let (sender, receiver) = progress::channel();
            let live = Live::start(&format!("{title}, {}", course.rest()), receiver);
            if let Some(core) = ready.plan.pin.first() {
                load::bind(*core)?;
            }
            let result = run::run(&ready.plan, &sender).await;
            drop(live);
            course.step();
            match &result {
                Ok(result) => print::note(&summary(&title, turn, result)),
                Err(fault) => print::caution(&format!("{title}: {fault}")),
            }
            result
        })
        .await;
    course.reach(begun + bout.entrants.len() * turns);
    for server in ready.into_iter().flatten().filter_map(|ready| ready.server) {
        server.stop().await;
    }
    Ok(ending)
}

async fn prepare(
    compare: &Compare,
    bout: &Bout,
    entrant: &Entrant,
    cores: &Cores,
    model: Option<Target>,
) -> Result<Ready, Fault> {
    let name = &entrant.contender.name;
    let (address, server) = match &entrant.contender.place {
        Place::Url(url) => (Address::url(url)?, None),
        Place::Stdio(command) => (Address::Command(command.clone()), None),
        Place::Listens(command) => {
            let mut command = command.clone();
            if let Some((_, folder)) = &entrant.repeats {
                let model =
                    model.as_ref().ok_or_else(|| Fault::plan(format!("{name} has nothing to repeat")))?;
                let file = reply_file(model, &bout.work, compare.load.timeout, folder).await?;
                for word in &mut command {
                    *word = word.replace(RESULT, &file.to_string_lossy());
                }
            }
            let launch = Launch {
                name: name.clone(),
                command,
                path: compare.path.clone(),
                cores: cores.servers.clone(),
                start_timeout: START_TIMEOUT,
                stop_timeout: STOP_TIMEOUT,
            };
            let server = Server::start(&launch).await.map_err(|error| Fault::plan(error.to_string()))?;
            (Address::url(server.url())?, Some(server))
        }
    };
    let mut target = compare.target.target(address);
    target.revision = entrant.revision.or(target.revision);
    let load =
        LoadOptions { connections: bout.connections.or(compare.load.connections), ..compare.load.clone() };
    let mut plan = load.plan(target, bout.work.clone())?;
    plan.name = Some(name.clone());
    plan.server_pid = server.as_ref().map(Server::pid).or(entrant.pid);
    plan.pin.clone_from(&cores.generator);
    plan.model = model;
    if let Some(rate) = bout.rate_per_s {
        plan.load.shape = compare.load.open(Rate::Constant(rate));
    }
    Ok(Ready { plan, server })
}

/// Asks `model` once for what `work` asks for, and leaves its result in a file for others to repeat.
async fn reply_file(
    model: &Target,
    work: &Work,
    timeout: Duration,
    folder: &PathBuf,
) -> Result<PathBuf, Fault> {
    let mut found = crate::probe::probe(model, timeout).await?;
    let items = crate::items::items(work, &mut found).await?;
    let item = items.first().ok_or_else(|| Fault::plan("there is nothing to repeat"))?;
    let result = found.ask(&item.ask).await?;
    std::fs::create_dir_all(folder).map_err(Fault::machine("make a folder for the reply"))?;
    let file = folder.join(format!("reply-{}.json", std::process::id()));
    std::fs::write(&file, result.to_string()).map_err(Fault::machine("write the reply"))?;
    Ok(file)
}

/// One run in a line, for who watches.
fn summary(title: &str, turn: Turn, result: &RunResult) -> String {
    let figures = Metric::ALL.into_iter().filter_map(|metric| {
        Some(format!("{} {}", metric.title(), units::metric(metric, metric.of(result)?)))
    });
    let discarded = if turn.is_discarded { "  (thrown away)" } else { "" };
    format!("{title}:  {}{discarded}", figures.collect::<Vec<_>>().join("  "))
}
