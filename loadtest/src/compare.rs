//! `compare`: several servers on the same work, round by round, and what they are to each other.
//!
//! Servers that are given as commands are started here, bound to cores of their own, and ended again whatever happens.

mod at_rate;
pub mod contender;
pub mod cores;
mod course;
pub mod grow;
mod headline;
mod peers;
pub mod rounds;
mod stand;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use self::at_rate::AtRate;
use self::contender::{Contender, name_and_pid};
use self::cores::Cores;
use self::course::Course;
use self::grow::Over;
use self::rounds::{Ending, Rounds};
use self::stand::{Bout, Entrant};
use crate::calendar::rfc3339;
use crate::comparison::{Comparison, Cost, FORMAT, Part};
use crate::fault::{Fault, INTERRUPTED};
use crate::interruption::interrupted;
use crate::options::{LoadOptions, TargetOptions};
use crate::show::{growth, html, print, ratios};
use crate::work::Work;
use crate::{machine, output, process};

/// The most servers in one comparison.
const SERVERS_MAX: usize = 32;

const EXAMPLES: &str = "\
Examples:
  impresario-loadtest compare
  impresario-loadtest compare --at-rate auto --peer pmcp --peer python-sdk
  impresario-loadtest compare old='./server-1 --port {port}' new='./server-2 --port {port}'
  impresario-loadtest compare a=http://127.0.0.1:8001/mcp b=http://127.0.0.1:8002/mcp --server-pid a=4711
  impresario-loadtest compare ours=stdio:./ours theirs='stdio:npx theirs' --work 'call add a=1 b=2'

Without servers, Impresario is built and compared with the servers of loadtest/peers on four kinds of work.";

/// Compare servers on the same work, in turns, with confidence intervals
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("duration", |arg| arg.default_value("3s")), mut_arg("warm_up", |arg| arg.default_value("1s")))]
pub struct Compare {
    /// Two servers or more: NAME=URL, NAME='COMMAND --port {port}' or NAME='stdio:COMMAND'
    #[arg(value_name = "NAME=SERVER")]
    servers: Vec<Contender>,
    /// What to ask them, like 'call add a=1 b=2' or 'payload 100KB'; repeat it for several [default: echo]
    #[arg(long = "work", value_name = "WORK", value_parser = Work::parse)]
    works: Vec<Work>,
    /// How often each server has its turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Run one more round before the others and throw it away
    #[arg(long)]
    discard_first: bool,
    /// Beside the closed loop, offer every server this same rate, and compare what an answer costs at equal load; auto
    /// is half of what the slowest one reached
    #[arg(long, value_name = "RATE", value_parser = AtRate::parse, conflicts_with_all = ["rate", "ramp", "steps", "find_max"])]
    at_rate: Option<AtRate>,
    /// Hold the others against this server [default: the first]
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// Cores for the servers that we start, like 0 or 0,1 [default: the first, if there are two]
    #[arg(long, value_name = "CORE,CORE…", value_delimiter = ',')]
    server_cores: Vec<usize>,
    /// The path of the endpoint of servers that we start
    #[arg(long, value_name = "PATH", default_value = "/mcp")]
    path: String,
    /// The process of a server that we don't start, to measure its processor time and memory
    #[arg(long = "server-pid", value_name = "NAME=PID", value_parser = name_and_pid)]
    pids: Vec<(String, u32)>,
    /// Without servers: compare with this peer too, like rust-mcp-sdk; repeat it for several, or say all for every one that is installed
    #[arg(long = "peer", value_name = "NAME", value_parser = peers::names(), conflicts_with = "servers")]
    peers: Vec<String>,
    /// Print JSON, with every run of every round
    #[arg(long)]
    json: bool,
    /// Write a report to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// What to change from part to part, for `grow`.
    #[arg(skip)]
    over: Option<Over>,
    /// Where `grow` draws a cost.
    #[arg(skip)]
    drawing: Option<(PathBuf, Cost)>,
    #[command(flatten)]
    target: TargetOptions,
    #[command(flatten)]
    load: LoadOptions,
}

impl Compare {
    /// Runs the comparison and shows what came of it.
    ///
    /// # Errors
    /// If the flags make no sense, or nothing could be compared.
    pub async fn run(self) -> Result<ExitCode, Fault> {
        self.check()?;
        output::try_out(self.html.as_deref())?;
        output::try_out(self.drawing.as_ref().map(|(path, _)| path.as_path()))?;
        self.pids.iter().try_for_each(|(_, pid)| process::must_exist(Some(*pid)))?;
        let interruption = interrupted().map_err(Fault::machine("listen for signals"))?;
        let mut comparison = empty();
        let ending = tokio::select! {
            ending = self.fill(&mut comparison) => ending?,
            () = interruption => Ending::Interrupted,
        };
        if ending == Ending::Interrupted {
            comparison.doubts.push("interrupted: not every round was run".to_owned());
        }
        let is_empty = |part: &Part| part.servers.iter().all(|server| server.rounds.is_empty());
        if ending == Ending::Interrupted {
            comparison.parts.retain(|part| !is_empty(part));
            if comparison.parts.is_empty() {
                return Err(Fault::Interrupted("anything was measured"));
            }
        }
        self.show(&comparison)?;
        let failed =
            comparison.parts.iter().flat_map(|part| &part.servers).any(|server| server.failure.is_some());
        Ok(match ending {
            Ending::Interrupted => ExitCode::from(INTERRUPTED),
            Ending::Complete if failed || comparison.parts.iter().all(is_empty) => ExitCode::from(1),
            Ending::Complete => ExitCode::SUCCESS,
        })
    }

    fn check(&self) -> Result<(), Fault> {
        if self.servers.len() == 1 && self.over.is_none() {
            return Err(Fault::plan("one server can't be compared: name two, or none for the headline"));
        }
        if self.servers.len() > SERVERS_MAX {
            return Err(Fault::plan(format!("name {SERVERS_MAX} servers at most")));
        }
        for (at, server) in self.servers.iter().enumerate() {
            if self.servers[..at].iter().any(|earlier| earlier.name == server.name) {
                return Err(Fault::plan(format!(
                    "two servers are called {}: give each its own name",
                    server.name
                )));
            }
        }
        let named = self.against.iter().chain(self.pids.iter().map(|(name, _)| name));
        for name in named {
            if !self.servers.is_empty() && !self.servers.iter().any(|server| server.name == *name) {
                return Err(Fault::plan(format!("no server is called {name}")));
            }
        }
        Ok(())
    }

    async fn fill(&self, comparison: &mut Comparison) -> Result<Ending, Fault> {
        let bouts = match &self.over {
            Some(over) => over.bouts(self).await?,
            None if self.servers.is_empty() => headline::bouts(self).await?,
            None => self.bouts(),
        };
        let starts_any = bouts.iter().flat_map(|bout| &bout.entrants).any(Entrant::is_started);
        let cores = Cores::choose(&self.server_cores, &self.load.pin, self.load.threads, starts_any);
        comparison.doubts.extend(cores.doubt.clone());
        for doubt in &comparison.doubts {
            print::caution(doubt);
        }
        let rounds = Rounds { count: self.rounds as usize, discard_first: self.discard_first };
        let course = self.course(&bouts, rounds);
        print::note(&course.outlook());
        for bout in &bouts {
            let part = Self::next_part(comparison, bout);
            if stand::fight(self, bout, rounds, (&cores, &course), part).await? == Ending::Interrupted {
                return Ok(Ending::Interrupted);
            }
            let Some(at_rate) = self.at_rate else { continue };
            let Some(rate) = at_rate.after(part) else {
                print::caution(&format!("{}: no server reached a rate", bout.title));
                continue;
            };
            let bout = bout.at_rate(rate);
            let part = Self::next_part(comparison, &bout);
            if stand::fight(self, &bout, rounds, (&cores, &course), part).await? == Ending::Interrupted {
                return Ok(Ending::Interrupted);
            }
        }
        Ok(Ending::Complete)
    }

    fn course(&self, bouts: &[Bout], rounds: Rounds) -> Course {
        let entrants: usize = bouts.iter().map(|bout| bout.entrants.len()).sum();
        let turns = rounds.count + usize::from(rounds.discard_first);
        let rates = 1 + usize::from(self.at_rate.is_some());
        let measured = if self.load.count.is_some() { Duration::ZERO } else { self.load.duration };
        Course::begin(entrants * turns * rates, self.load.warm_up + measured)
    }

    fn next_part<'a>(comparison: &'a mut Comparison, bout: &Bout) -> &'a mut Part {
        comparison.parts.push(bout.empty_part());
        comparison.parts.last_mut().expect("a part was put there")
    }

    fn bouts(&self) -> Vec<Bout> {
        let default = [Work::parse("echo").expect("echo is a work")];
        let works = if self.works.is_empty() { default.as_slice() } else { &self.works };
        let entrant = |server: &Contender| {
            let pid = self.pids.iter().find(|(name, _)| *name == server.name).map(|(_, pid)| *pid);
            Entrant { pid, ..Entrant::new(server.clone()) }
        };
        let against = self.against.clone().unwrap_or_else(|| self.servers[0].name.clone());
        let entrants: Vec<Entrant> = self.servers.iter().map(entrant).collect();
        let bout = |work: &Work| Bout { entrants: entrants.clone(), ..Bout::new(work.clone(), &against) };
        works.iter().map(bout).collect()
    }

    fn show(&self, comparison: &Comparison) -> Result<(), Fault> {
        let shown = if self.json {
            print::json(comparison)
        } else if self.over.is_some() {
            print::result(&growth::render(comparison, print::width()))
        } else if self.servers.is_empty() {
            print::result(&headline::render(comparison, print::width()))
        } else {
            print::result(&ratios::render(comparison, print::width()))
        };
        shown.map_err(Fault::machine("write to standard output"))?;
        if let Some(path) = &self.html {
            output::write(path, "report", &html::comparison(comparison, None))?;
        }
        let Some((path, cost)) = &self.drawing else { return Ok(()) };
        let drawn = html::growth(&comparison.parts, *cost);
        let drawn = drawn.ok_or_else(|| Fault::failed(growth::nothing_to_draw(&comparison.parts, *cost)))?;
        output::write(path, "drawing", &drawn)
    }
}

/// A comparison before anything was run.
fn empty() -> Comparison {
    Comparison {
        comparison_format: FORMAT,
        started_at: rfc3339(SystemTime::now()),
        command_line: std::env::args().collect(),
        machine: machine::describe(),
        doubts: Vec::new(),
        parts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        compare: Compare,
    }

    fn parse(line: &str) -> Result<Compare, String> {
        let words = std::iter::once("x".to_owned()).chain(shell_words::split(line).unwrap());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.compare.check().map_err(|fault| fault.to_string())?;
        Ok(line.compare)
    }

    #[test]
    fn a_line_becomes_bouts() {
        let compare = parse(
            "a=http://h:1/mcp b='./b --port {port}' --work echo --work 'payload 1KB' --against b --server-pid a=7",
        );
        let bouts = compare.unwrap().bouts();
        assert_eq!(bouts.iter().map(|bout| bout.title.as_str()).collect::<Vec<_>>(), ["echo", "payload 1KB"]);
        assert_eq!(bouts[0].against, "b");
        assert_eq!(bouts[0].entrants[0].pid, Some(7));
        assert!(bouts[0].entrants[1].is_started() && !bouts[0].entrants[0].is_started());
        let compare = parse("a=http://h:1 b=http://h:2").unwrap();
        assert_eq!(compare.load.duration.as_secs(), 3, "rounds are short");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, words) in [
            ("a=http://h", "one server"),
            ("a=http://h a=http://g", "two servers are called a"),
            ("a=http://h b=http://g --against c", "no server is called c"),
            ("a=http://h b=http://g --server-pid c=1", "no server is called c"),
            ("a=http://h b=http://g --peer pmcp", "cannot be used with"),
            ("a=http://h b=http://g --at-rate 5k --rate 5k", "cannot be used with"),
            ("--at-rate often", "auto"),
            ("--peer nobody", "possible values"),
            ("a=http://h b=http://g --work dance", "no work"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
