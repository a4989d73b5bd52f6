//! `grow`: how cost grows with one thing. A comparison whose parts differ in that thing alone.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Compare;
use super::contender::Place;
use super::peers::{self, FLOOR};
use super::stand::{Bout, Entrant};
use crate::comparison::{Cost, Point};
use crate::fault::Fault;
use crate::options::CONNECTIONS_MAX;
use crate::units::Bytes;
use crate::work::Work;

/// The most values of one thing.
const VALUES_MAX: usize = 64;

const EXAMPLES: &str = "\
Examples:
  impresario-loadtest grow connections=1,10,100,1000,10000
  impresario-loadtest grow payload=100B,1KB,10KB,100KB,1MB --svg payload.svg
  impresario-loadtest grow tools=10,100,1000,10000 --work list
  impresario-loadtest grow sessions=1000,10000,100000 --cost memory --svg sessions.svg
  impresario-loadtest grow connections=1,10,100 mine='./server --port {port}'

Without servers, Impresario is built and measured beside those of loadtest/peers. tools=N starts a server again with
--tools N.";

/// Measure how processor time and memory grow with one thing
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("rounds", |arg| arg.default_value("3")), mut_arg("duration", |arg| arg.default_value("2s")))]
#[command(mut_arg("warm_up", |arg| arg.default_value("500ms")))]
pub struct Grow {
    /// What grows, and its values: connections=N,N…, payload=SIZE,SIZE…, tools=N,N… or sessions=N,N…
    #[arg(value_name = "THING=VALUE,VALUE…", value_parser = Over::parse)]
    over: Over,
    /// Draw one cost into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Which cost is drawn
    #[arg(long, value_enum, default_value = "cpu", requires = "svg")]
    cost: Cost,
    #[command(flatten)]
    compare: Compare,
}

impl Grow {
    /// Measures it and shows what came of it.
    ///
    /// # Errors
    /// Those of [`Compare::run`].
    pub async fn run(self) -> Result<ExitCode, Fault> {
        let drawing = self.svg.map(|path| (path, self.cost));
        Compare { over: Some(self.over), drawing, ..self.compare }.run().await
    }
}

/// A thing and its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Over {
    thing: Thing,
    values: Vec<u64>,
}

/// What can grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Connections,
    Payload,
    Tools,
    Sessions,
}

impl Thing {
    const ALL: [Self; 4] = [Self::Connections, Self::Payload, Self::Tools, Self::Sessions];

    fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Payload => "payload",
            Self::Tools => "tools",
            Self::Sessions => "sessions",
        }
    }

    fn value(self, text: &str) -> Option<u64> {
        let value = match self {
            Self::Payload => text.parse::<Bytes>().ok()?.0,
            Self::Connections | Self::Tools | Self::Sessions => text.parse().ok()?,
        };
        let max = if self == Self::Connections { CONNECTIONS_MAX as u64 } else { u64::MAX };
        (1..=max).contains(&value).then_some(value)
    }
}

impl Over {
    /// Reads `connections=1,10,100`.
    ///
    /// # Errors
    /// If it is not written so.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is nothing that grows: write connections=1,10,100 or payload=1KB,1MB");
        let (name, values) = text.split_once('=').ok_or_else(wrong)?;
        let thing = Thing::ALL.into_iter().find(|thing| thing.name() == name).ok_or_else(wrong)?;
        let values: Option<Vec<u64>> = values.split(',').map(|value| thing.value(value)).collect();
        let values = values.filter(|values| values.len() <= VALUES_MAX).ok_or_else(wrong)?;
        Ok(Self { thing, values })
    }

    /// A part for each value.
    pub(super) async fn bouts(&self, compare: &Compare) -> Result<Vec<Bout>, Fault> {
        let (entrants, against) = if compare.servers.is_empty() {
            let folder = peers::folder()?;
            let mut names = peers::chosen(&folder, &compare.peers);
            if self.thing == Thing::Sessions {
                names = vec!["impresario-sessions", "rmcp-sessions"];
            }
            let against = if names.contains(&FLOOR) { FLOOR } else { names[0] };
            (peers::entrants(&folder, &names).await?, against.to_owned())
        } else {
            let bout = compare.bouts().remove(0);
            (bout.entrants, bout.against)
        };
        let work = self.work(compare)?;
        self.values.iter().map(|value| self.bout(*value, &work, &entrants, &against)).collect()
    }

    /// What is asked for, unless the thing that grows says it.
    fn work(&self, compare: &Compare) -> Result<Work, Fault> {
        match (compare.works.as_slice(), self.thing) {
            (_, Thing::Payload | Thing::Sessions) if !compare.works.is_empty() => {
                Err(Fault::plan(format!("{} has a work of its own: leave --work away", self.thing.name())))
            }
            ([], Thing::Tools) => Work::parse("list"),
            ([], _) => Work::parse("echo"),
            ([work], _) => Ok(work.clone()),
            _ => Err(Fault::plan("one --work at a time")),
        }
    }

    fn bout(&self, value: u64, work: &Work, entrants: &[Entrant], against: &str) -> Result<Bout, Fault> {
        let work = match self.thing {
            Thing::Connections | Thing::Tools => work.clone(),
            Thing::Payload => Work::parse(&format!("payload {value}"))?,
            Thing::Sessions => Work::parse(&format!("idle {value}"))?,
        };
        let mut entrants = entrants.to_vec();
        if self.thing == Thing::Tools {
            // Who repeats another one's reply has no tools.
            for entrant in entrants.iter_mut().filter(|entrant| entrant.repeats.is_none()) {
                let Place::Listens(command) = &mut entrant.contender.place else {
                    return Err(Fault::plan(
                        "tools=N needs servers that we start, as NAME='COMMAND --port {port}'",
                    ));
                };
                command.extend(["--tools".to_owned(), value.to_string()]);
            }
        }
        let connections =
            (self.thing == Thing::Connections).then(|| usize::try_from(value).unwrap_or(usize::MAX));
        let point = Point { thing: self.thing.name().to_owned(), value: value as f64 };
        let title = match self.thing {
            Thing::Payload => work.to_string(),
            Thing::Connections | Thing::Tools | Thing::Sessions => format!("{} {value}", self.thing.name()),
        };
        Ok(Bout { title, connections, point: Some(point), entrants, ..Bout::new(work, against) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::contender::Contender;

    fn bouts(text: &str, server: &str) -> Result<Vec<Bout>, String> {
        let over = Over::parse(text)?;
        let entrant = Entrant::new(server.parse::<Contender>()?);
        let work = Work::parse("echo").unwrap();
        let bout = |value: &u64| over.bout(*value, &work, std::slice::from_ref(&entrant), "a");
        over.values.iter().map(bout).collect::<Result<_, _>>().map_err(|fault| fault.to_string())
    }

    #[test]
    fn each_value_is_a_part() {
        let growing = bouts("connections=1,100", "a=http://h").unwrap();
        let rows: Vec<_> = growing.iter().map(|bout| (bout.title.as_str(), bout.connections)).collect();
        assert_eq!(rows, [("connections 1", Some(1)), ("connections 100", Some(100))]);
        let growing = bouts("payload=1KB,10KiB", "a=http://h").unwrap();
        assert_eq!(growing[1].point.as_ref().map(|point| point.value), Some(10_240.0));
        assert_eq!(growing[0].work.to_string(), "payload 1KB");
        assert_eq!((growing[0].title.as_str(), growing[1].title.as_str()), ("payload 1KB", "payload 10KiB"));
        let growing = bouts("tools=10", "a=./a --port {port}").unwrap();
        let Place::Listens(command) = &growing[0].entrants[0].contender.place else { panic!() };
        assert_eq!(command[3..], ["--tools", "10"]);
        let growing = bouts("sessions=1000", "a=http://h").unwrap();
        assert_eq!(growing[0].work.to_string(), "idle 1000");
    }

    #[test]
    fn what_can_not_grow_says_what_can() {
        for text in
            ["connections", "colours=1", "connections=", "connections=0", "connections=1,x", "payload=big"]
        {
            assert!(Over::parse(text).unwrap_err().contains("connections=1,10,100"), "{text}");
        }
        assert!(bouts("tools=10", "a=http://h").unwrap_err().contains("servers that we start"));
    }
}
