//! Reads a part of the tree into a type of settings: all that is wrong with it, each with its place.
//!
//! serde stops at the first thing that is wrong. That one is noted and taken out, and the rest is read again, until
//! nothing is wrong any more or nothing can be taken out.

use serde::de::DeserializeOwned;

use super::nearest;
use super::node::{self, Node, Step, quoted, shown};
use super::problem::{Problem, Problems};
use error::{Error, Kind};
use value::Reader;

mod error;
mod value;

/// More problems of one section are not looked for.
const PROBLEMS_MAX: usize = 64;

/// Reads the section of that key.
pub(crate) fn read<T: DeserializeOwned>(section: &Node, key: &str) -> Result<T, Problems> {
    let mut rest = section.clone();
    let mut problems = Problems::default();
    let mut removed = Vec::new();
    for _ in 0..PROBLEMS_MAX {
        let error = match T::deserialize(Reader(&rest)) {
            Ok(settings) => return problems.or(settings),
            Err(error) => error,
        };
        let is_ours = matches!(&error.kind, Kind::Missing(field) if {
            let mut way = error.steps.clone();
            way.push(Step::Key((*field).to_owned()));
            removed.contains(&way)
        });
        if is_ours {
            break;
        }
        let way = error.steps.clone();
        problems.push(problem(error, section, key));
        match take_out(&mut rest, &way) {
            Some(way) => removed.push(way),
            None => break,
        }
    }
    Err(problems)
}

/// Takes out what the steps lead to: an entry, and with an element the whole array. Has the way to what was taken.
fn take_out(node: &mut Node, way: &[Step]) -> Option<Vec<Step>> {
    let last = way.iter().rposition(|step| matches!(step, Step::Key(_)))?;
    let parent = way[..last].iter().try_fold(node, |node, step| node.step_mut(step))?;
    let Step::Key(key) = &way[last] else { return None };
    parent.as_table_mut()?.remove(key).then(|| way[..=last].to_vec())
}

fn problem(error: Error, section: &Node, key: &str) -> Problem {
    let Error { kind, steps, place } = error;
    let depth = node::steps(key).len() + steps.len();
    let way = shown(&steps);
    let key = if way.is_empty() || way.starts_with('[') { format!("{key}{way}") } else { format!("{key}.{way}") };
    let place = place.unwrap_or_else(|| section.place.clone());
    let problem = match kind {
        Kind::Unknown { name, known, what } => {
            let hint = nearest::hint(&name, known.iter().copied(), what);
            let word = if what == "keys" { "key" } else { "value" };
            let problem = Problem::new(format!("unknown {word} `{name}`"));
            match (place.variable(), nearest::nearest(&name, known.iter().copied())) {
                (Some(variable), Some(near)) if what == "keys" => problem.help(meant(variable, depth, near)),
                _ => Problem { help: hint, ..problem },
            }
        }
        Kind::Missing(field) => Problem::new(format!("`{}` is missing", quoted(field))),
        Kind::Wrong { expected, found } => Problem::new(format!("expected {expected}, found {found}")),
        Kind::Other(message) => Problem::new(message),
    };
    problem.at(&place).key(key)
}

/// Which variable was meant by one whose part at that depth is no key.
fn meant(variable: &str, depth: usize, near: &str) -> String {
    let near = near.to_uppercase();
    let parts = variable.split("__").enumerate().map(|(at, part)| match at + 1 == depth {
        true if at == 0 => format!("IMPRESARIO_{near}"),
        true => near.clone(),
        false => part.to_owned(),
    });
    format!("did you mean `{}`?", parts.collect::<Vec<_>>().join("__"))
}

