//! Puts in what `${…}` stands for: variables of the environment, and files.
//!
//! `${NAME}` and `${NAME:-default}` are variables, `${file:PATH}` is a file beside the config file, and `$${` is a
//! `${` that means itself. What was put in is never shown again: see [`Veil`].

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use impresario_tools::setting::Secret;

use super::environment::Environment;
use super::node::{Node, Step, Text, Value, shown};
use super::place::Place;
use super::problem::{Problem, Problems};
use super::veil::Veil;

/// The largest file that a text may be made of.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// What was used to fill a tree.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// Variables, whether they were set or not.
    pub(crate) variables: BTreeSet<String>,
    /// Files.
    pub(crate) files: Vec<PathBuf>,
    /// What must not be shown.
    pub(crate) veil: Veil,
}

/// Fills every text of the tree.
pub(crate) fn fill(root: &mut Node, environment: &Environment) -> (Used, Result<(), Problems>) {
    let mut filling = Filling { environment, used: Used::default(), problems: Problems::default() };
    filling.node(root, &mut Vec::new());
    (filling.used, filling.problems.or(()))
}

struct Filling<'e> {
    environment: &'e Environment,
    used: Used,
    problems: Problems,
}

impl Filling<'_> {
    fn node(&mut self, node: &mut Node, way: &mut Vec<Step>) {
        let place = &node.place;
        match &mut node.value {
            Value::Text(text) => self.text(text, place, way),
            Value::Array(nodes) => {
                for (index, node) in nodes.iter_mut().enumerate() {
                    way.push(Step::Index(index));
                    self.node(node, way);
                    way.pop();
                }
            }
            Value::Table(table) => {
                for entry in &mut table.0 {
                    way.push(Step::Key(entry.key.clone()));
                    self.node(&mut entry.node, way);
                    way.pop();
                }
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Date(_) => {}
        }
    }

    fn text(&mut self, text: &mut Text, place: &Place, way: &[Step]) {
        if !text.written.contains("${") {
            return;
        }
        let mut filled = String::new();
        let mut rest = text.written.as_str();
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = &from[2..];
                continue;
            }
            filled.push_str(before);
            let Some(end) = from.find('}') else {
                self.refuse(place, from, way, "`${` has no `}` behind it", HOW);
                return;
            };
            let (reference, after) = from.split_at(end + 1);
            let Some(value) = self.value(&reference[2..end], reference, place, way) else { return };
            filled.push_str(&value);
            rest = after;
        }
        filled.push_str(rest);
        text.filled = Some(Secret::new(filled));
    }

    /// What a reference stands for.
    fn value(&mut self, inside: &str, reference: &str, place: &Place, way: &[Step]) -> Option<String> {
        let value = match inside.strip_prefix("file:") {
            Some(path) => self.file(path, reference, place, way)?,
            None => self.variable(inside, reference, place, way)?,
        };
        self.used.veil.add(&value, reference);
        Some(value)
    }

    fn variable(&mut self, inside: &str, reference: &str, place: &Place, way: &[Step]) -> Option<String> {
        let (name, default) =
            inside.split_once(":-").map_or((inside, None), |(name, text)| (name, Some(text)));
        let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.refuse(place, reference, way, &format!("`{reference}` names no variable"), HOW);
            return None;
        }
        self.used.variables.insert(name.to_owned());
        match (self.environment.get(name), default) {
            (Some(Ok(value)), None) => Some(value.to_owned()),
            (Some(Ok(value)), Some(_)) if !value.is_empty() => Some(value.to_owned()),
            (Some(Ok(_)) | None, Some(default)) => Some(default.to_owned()),
            (None, None) => {
                let message = format!("the variable {name} is not set");
                let help = format!("set it, or write ${{{name}:-…}} with what to use without it");
                self.refuse(place, reference, way, &message, &help);
                None
            }
            (Some(Err(())), _) => {
                let message = format!("the variable {name} is no text in UTF-8");
                self.refuse(place, reference, way, &message, "set it to text");
                None
            }
        }
    }

    fn file(&mut self, path: &str, reference: &str, place: &Place, way: &[Step]) -> Option<String> {
        let beside = place.file().map_or(Path::new(""), |file| file.directory());
        let path = beside.join(path);
        self.used.files.push(path.clone());
        match read(&path) {
            Ok(text) => Some(text),
            Err(why) => {
                let message = format!("can't read the file {}: {why}", path.display());
                self.refuse(place, reference, way, &message, "relative paths begin where the config file is");
                None
            }
        }
    }

    fn refuse(&mut self, place: &Place, part: &str, way: &[Step], message: &str, help: &str) {
        let problem = Problem::new(message).at(&place.narrowed(part)).key(shown(way)).help(help);
        self.problems.push(problem);
    }
}

const HOW: &str = "write ${NAME}, ${NAME:-default} or ${file:PATH}, and $${ where `${` is meant";

/// The text of a file, without the line break at its end.
fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path);
    let was_read = opened.and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    was_read.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "it is not there".to_owned(),
        _ => error.to_string(),
    })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
