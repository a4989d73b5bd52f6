//! The rules of one tool's arguments, applied to a call.

use impresario_codec::{Document, Node, write_serialized};
use serde_json::Value;

use super::text_rule::{TextCheck, TextRule, TextRuleError};

/// How many mistakes one check tells at the most.
const MISTAKES_MAX: usize = 8;
/// How deep arguments may be that are written anew; deeper ones were refused when they were read.
const DEPTH_MAX: usize = 128;

/// The rules of one tool, each with the path to its argument.
#[derive(Debug)]
pub(crate) struct ArgumentRules(Vec<(Vec<String>, TextCheck)>);

/// What the rules make of a call's arguments.
#[derive(Debug)]
pub(crate) enum Screened {
    /// They are as they should be.
    Clean,
    /// They were, once something was stripped.
    Cleaned(Document),
    /// They are refused: each mistake is a sentence of its own.
    Refused(Vec<String>),
}

/// Why the rules of a tool can't hold.
#[derive(Debug)]
pub(crate) enum RulesError {
    /// That one is none.
    Rule { argument: String, reason: TextRuleError },
    /// The tool takes no such argument, but those.
    NoSuchArgument { argument: String, takes: String },
}

impl ArgumentRules {
    /// The rules, checked against the schema of what the tool takes; nothing when there are none.
    pub(crate) fn compile(
        rules: Vec<(String, TextRule)>,
        schema: &Value,
    ) -> Result<Option<Self>, RulesError> {
        if rules.is_empty() {
            return Ok(None);
        }
        let compiled = rules.into_iter().map(|(argument, rule)| {
            let path: Vec<_> = argument.split('.').map(ToOwned::to_owned).collect();
            if let Some(takes) = names_without(schema, &path[0]) {
                return Err(RulesError::NoSuchArgument { argument, takes });
            }
            match rule.compile() {
                Ok(check) => Ok((path, check)),
                Err(reason) => Err(RulesError::Rule { argument, reason }),
            }
        });
        compiled.collect::<Result<_, _>>().map(|rules| Some(Self(rules)))
    }

    /// Holds arguments against the rules.
    pub(crate) fn screen(&self, arguments: Node<'_>) -> Screened {
        let (mut mistakes, mut is_dirty) = (Vec::new(), false);
        for (path, check) in &self.0 {
            each_text(arguments, path, &mut |text| match check.apply(text) {
                Ok(kept) => is_dirty |= kept.len() != text.len(),
                Err(mistake) if mistakes.len() < MISTAKES_MAX => {
                    mistakes.push(format!("`{}` {mistake}", path.join(".")));
                }
                Err(_) => {}
            });
        }
        match (mistakes.is_empty(), is_dirty) {
            (false, _) => Screened::Refused(mistakes),
            (true, false) => Screened::Clean,
            (true, true) => self.cleaned(arguments),
        }
    }

    /// The arguments, written anew.
    #[cold]
    fn cleaned(&self, arguments: Node<'_>) -> Screened {
        let mut value = arguments.to_value();
        for (path, check) in &self.0 {
            each_string(&mut value, path, &mut |text| {
                if let Ok(kept) = check.apply(text)
                    && kept.len() != text.len()
                {
                    *text = kept.into_owned();
                }
            });
        }
        let mut text = Vec::new();
        let written = write_serialized(&mut text, &value);
        let document = written.ok().and_then(|()| Document::parse(&text, DEPTH_MAX).ok());
        document.map_or_else(
            || Screened::Refused(vec!["the arguments can't be cleaned".to_owned()]),
            Screened::Cleaned,
        )
    }
}

/// Every text at the end of that path; lists are walked through.
fn each_text<'d>(node: Node<'d>, path: &[String], see: &mut impl FnMut(&'d str)) {
    if node.is_array() {
        return node.elements().for_each(|item| each_text(item, path, see));
    }
    match (path, node.as_str()) {
        ([], Some(text)) => see(text),
        ([name, rest @ ..], None) => {
            if let Some(member) = node.get(name) {
                each_text(member, rest, see);
            }
        }
        _ => {}
    }
}

/// The same for a tree that may be changed.
fn each_string(value: &mut Value, path: &[String], see: &mut impl FnMut(&mut String)) {
    match (value, path) {
        (Value::Array(items), _) => items.iter_mut().for_each(|item| each_string(item, path, see)),
        (Value::String(text), []) => see(text),
        (Value::Object(members), [name, rest @ ..]) => {
            if let Some(member) = members.get_mut(name) {
                each_string(member, rest, see);
            }
        }
        _ => {}
    }
}

/// The names of what the tool takes, when that name is not among them.
fn names_without(schema: &Value, name: &str) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    if properties.contains_key(name) {
        return None;
    }
    Some(properties.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
}
