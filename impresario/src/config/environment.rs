//! Variables of the environment: `IMPRESARIO_SECTION__KEY` for every key of the file, with two underscores between
//! levels.
//!
//! A variable with the prefix that means nothing is refused, because it is a key that somebody misspelt. Not so those
//! that Kubernetes makes for a service named `impresario`, and those that the file itself names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use impresario_tools::setting::Secret;

use super::load;
use super::nearest;
use super::node::{Node, Text, Value};
use super::place::{Origin, Place};
use super::problem::{Problem, Problems};
use super::veil::Veil;

const PREFIX: &str = "IMPRESARIO_";

/// What the environment was when the process started.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, OsString>,
    /// Variables that stand for a flag each.
    flags: BTreeSet<String>,
}

impl Environment {
    /// That of this process. `flags` are the variables that stand for a flag each.
    pub(crate) fn of_process(flags: impl IntoIterator<Item = String>) -> Self {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self {
            variables: std::env::vars_os().filter_map(named).collect(),
            flags: flags.into_iter().collect(),
        }
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).into());
        let flags = ["IMPRESARIO_HTTP", "IMPRESARIO_CONFIG"].map(str::to_owned).into();
        Self { variables: variables.iter().map(owned).collect(), flags }
    }

    /// The value of a variable, unless it is no text.
    pub(crate) fn get(&self, name: &str) -> Option<Result<&str, ()>> {
        self.variables.get(name).map(|value| value.to_str().ok_or(()))
    }

    /// What the variables say, as a tree to put over `base`, whose spelling of names counts. `named` are variables that
    /// the file names.
    pub(crate) fn layer(
        &self,
        base: &Node,
        named: &BTreeSet<String>,
        veil: &mut Veil,
    ) -> Result<Node, Problems> {
        let mut layer = Node::empty();
        let mut problems = Problems::default();
        for (name, value) in &self.variables {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if !rest.contains("__") {
                if let Err(problem) = self.check(name, named) {
                    problems.push(problem);
                }
                continue;
            }
            let origin = Arc::new(Origin::Variable(name.clone()));
            let place = Place::new(&origin, 0..0);
            match value.to_str() {
                Some(text) if rest.split("__").all(|part| !part.is_empty()) => {
                    veil.add(text, &format!("${{{name}}}"));
                    put(&mut layer, Some(base), rest, text, &place);
                }
                Some(_) => {
                    let how = "write IMPRESARIO_SECTION__KEY, two underscores between levels";
                    problems.push(Problem::new("the variable names no key").at(&place).help(how));
                }
                None => problems.push(Problem::new("the variable is no text in UTF-8").at(&place)),
            }
        }
        problems.or(layer)
    }

    /// A variable without levels must be that of a flag.
    fn check(&self, name: &str, named: &BTreeSet<String>) -> Result<(), Problem> {
        if self.flags.contains(name) || named.contains(name) || is_service_link(name) {
            return Ok(());
        }
        let place = Place::new(&Arc::new(Origin::Variable(name.to_owned())), 0..0);
        let near = nearest::nearest(name, self.flags.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "keys have two underscores between levels: IMPRESARIO_SERVER__NAME".to_owned(),
        };
        Err(Problem::new("the variable stands for no flag and no key").at(&place).help(help))
    }
}

/// Puts a value where the parts of the name say.
fn put(layer: &mut Node, base: Option<&Node>, rest: &str, text: &str, place: &Place) {
    let (part, deeper) = rest.split_once("__").map_or((rest, None), |(part, deeper)| (part, Some(deeper)));
    let is_same = |key: &str| key.replace('-', "_").eq_ignore_ascii_case(part);
    let known = base.and_then(|base| base.entries().iter().find(|entry| is_same(&entry.key)));
    let key = known.map_or_else(|| part.to_lowercase(), |entry| entry.key.clone());
    let Some(table) = layer.as_table_mut() else { return };
    match deeper {
        None => table.set(&key, value(text, place), place),
        Some(deeper) => {
            let inner = table.table_at(&key, place);
            put(inner, known.map(|entry| &entry.node), deeper, text, place);
        }
    }
}

/// Tables and arrays as TOML; anything else as text that is read as what is wanted.
fn value(text: &str, place: &Place) -> Value {
    let loose = |text: &str| {
        let written = place.variable().map(|name| format!("${{{name}}}")).unwrap_or_default();
        Text { written, filled: Some(Secret::new(text)) }
    };
    match load::value(text, &place.origin) {
        Some(mut value @ (Value::Array(_) | Value::Table(_))) => {
            let mut node = Node { value, place: place.clone() };
            node.texts_mut(&mut |text, _| *text = loose(&text.written));
            value = node.value;
            value
        }
        Some(Value::Text(read)) => Value::Text(loose(&read.written)),
        _ => Value::Text(loose(text)),
    }
}

/// Whether Kubernetes makes such a variable in every pod beside a service named `impresario`.
fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else { return false };
    let is_port_of = |rest: &str| {
        let (number, rest) = rest.split_once('_').unwrap_or((rest, ""));
        let protocol = rest.split('_').next().unwrap_or_default();
        number.bytes().all(|byte| byte.is_ascii_digit()) && ["TCP", "UDP", "SCTP"].contains(&protocol)
    };
    rest == "SERVICE_HOST"
        || rest == "SERVICE_PORT"
        || rest.starts_with("SERVICE_PORT_")
        || rest == "PORT"
        || rest.strip_prefix("PORT_").is_some_and(is_port_of)
}

impl fmt::Debug for Environment {
    /// Names without values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_kubernetes_makes_are_told_from_misspelt_ones() {
        for link in ["SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_8000_TCP", "PORT_8000_TCP_ADDR"] {
            assert!(is_service_link(&format!("IMPRESARIO_{link}")), "{link}");
        }
        for other in ["HTTPS", "PORT_8000", "PORTS", "SERVICE", "PORT_X_TCP"] {
            assert!(!is_service_link(&format!("IMPRESARIO_{other}")), "{other}");
        }
    }
}
