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
        if is_known(&error, &removed) {
            match take_out(&mut rest, &error.steps) {
                Some(_) => continue,
                None => break,
            }
        }
        let (way, meant) = (error.steps.clone(), meant_key(&error));
        problems.push(problem(error, section, key));
        match take_out(&mut rest, &way) {
            Some(way) => removed.extend([way].into_iter().chain(meant)),
            None => break,
        }
    }
    Err(problems)
}

/// Whether a key is missing only because it was taken out, or because it is misspelt, which was told already.
fn is_known(error: &Error, removed: &[Vec<Step>]) -> bool {
    let Kind::Missing(field) = &error.kind else { return false };
    removed.iter().any(|way| match way.split_last() {
        Some((Step::Key(key), above)) => key == field && *above == error.steps[..],
        _ => false,
    })
}

/// The way to the key that was meant by one that nobody knows.
fn meant_key(error: &Error) -> Option<Vec<Step>> {
    let Kind::Unknown { name, known, what: "keys" } = &error.kind else { return None };
    let near = nearest::nearest(name, known.iter().copied())?;
    let (_, above) = error.steps.split_last()?;
    Some([above, &[Step::Key(near.to_owned())]].concat())
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
    let key =
        if way.is_empty() || way.starts_with('[') { format!("{key}{way}") } else { format!("{key}.{way}") };
    let place = place.unwrap_or_else(|| section.place.clone());
    let problem = match kind {
        Kind::Unknown { name, known, what } => {
            let word = if what == "keys" { "key" } else { "value" };
            let depth = (what == "keys").then_some(depth);
            let help = nearest::hint_at(&place, depth, &name, known.iter().copied(), what);
            Problem { help, ..Problem::new(format!("unknown {word} `{name}`")) }
        }
        Kind::Missing(field) => Problem::new(format!("`{}` is missing", quoted(field))),
        Kind::Wrong { expected, found } => Problem::new(format!("expected {expected}, found {found}")),
        Kind::Other(message) => Problem::new(message),
    };
    problem.at(&place).key(key)
}
