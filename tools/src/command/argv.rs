//! From a template and a call's arguments to what the program is given: item by item, never by a shell.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::settings::{Argument, Kind, Parameter};
use crate::part::PartError;

/// How long one item may be: what Linux takes (`MAX_ARG_STRLEN`), with its NUL.
const ITEM_BYTES_MAX: usize = 128 * 1024;

/// What a program is given, read and checked.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    parameters: BTreeMap<String, Parameter>,
    bytes_max: usize,
}

/// What stands and falls together.
#[derive(Debug)]
struct Part {
    items: Vec<Item>,
    /// A `--` of its own stands in front of it: programs take nothing behind it for an option.
    is_guarded: bool,
}

#[derive(Debug)]
struct Item(Vec<Piece>);

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    /// The parameter of that name.
    Value(String),
}

impl Template {
    /// Reads a template.
    pub(super) fn read(
        argv: &[Argument],
        parameters: &BTreeMap<String, Parameter>,
        bytes_max: u64,
    ) -> Result<Self, PartError> {
        let mut parts = Vec::with_capacity(argv.len());
        let mut is_guarded = false;
        for (place, argument) in argv.iter().enumerate() {
            let texts = match argument {
                Argument::Item(text) => std::slice::from_ref(text),
                Argument::Together(texts) => texts,
            };
            let items = texts.iter().map(|text| Item::read(text, parameters)).collect::<Result<_, _>>();
            let items = items.map_err(|problem| PartError::at(format!("argv[{place}]"), problem))?;
            parts.push(Part { items, is_guarded });
            is_guarded |= *argument == Argument::Item("--".into());
        }
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Ok(Self { parts, parameters: parameters.clone(), bytes_max })
    }

    /// Whether that parameter stands anywhere in it.
    pub(super) fn uses(&self, name: &str) -> bool {
        let mut items = self.parts.iter().flat_map(|part| &part.items);
        items.any(|item| item.0.iter().any(|piece| matches!(piece, Piece::Value(used) if used == name)))
    }

    /// What the program is given for those arguments, which keep to the tool's schema.
    ///
    /// # Errors
    /// What the caller can change.
    pub(super) fn fill(&self, arguments: &Map<String, Value>) -> Result<Vec<String>, String> {
        let mut argv = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let filled = part.items.iter().map(|item| self.fill_item(item, arguments, part.is_guarded));
            let filled: Option<Vec<Vec<String>>> = filled.collect::<Result<_, _>>()?;
            argv.extend(filled.into_iter().flatten().flatten());
        }
        let bytes: usize = argv.iter().map(|item| item.len() + 1 + size_of::<usize>()).sum();
        if bytes > self.bytes_max || argv.iter().any(|item| item.len() >= ITEM_BYTES_MAX) {
            let max = self.bytes_max;
            return Err(format!("the arguments are larger than {max} bytes (argv_max); give less"));
        }
        Ok(argv)
    }

    /// The items that one becomes; nothing when a parameter of it is not given.
    fn fill_item(
        &self,
        item: &Item,
        arguments: &Map<String, Value>,
        is_guarded: bool,
    ) -> Result<Option<Vec<String>>, String> {
        if let [Piece::Value(name)] = item.0.as_slice() {
            return match (self.value(name, arguments), self.parameters.get(name)) {
                (Some(Value::Array(elements)), Some(parameter)) => {
                    let element = |value: &Value| text_of(name, parameter.element(), value, is_guarded);
                    let items = elements.iter().map(element).collect::<Result<Vec<_>, _>>()?;
                    Ok(Some(items).filter(|items| !items.is_empty()))
                }
                (Some(Value::Bool(is_set)), Some(Parameter { flag: Some(flag), .. })) => {
                    Ok(is_set.then(|| vec![flag.clone()]))
                }
                (Some(value), Some(parameter)) => {
                    text_of(name, parameter, value, is_guarded).map(|text| Some(vec![text]))
                }
                _ => Ok(None),
            };
        }
        let mut filled = String::new();
        for piece in &item.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Value(name) => {
                    let (Some(value), Some(parameter)) =
                        (self.value(name, arguments), self.parameters.get(name))
                    else {
                        return Ok(None);
                    };
                    // Behind text of the template nothing begins an item.
                    filled.push_str(&text_of(name, parameter, value, is_guarded || !filled.is_empty())?);
                }
            }
        }
        Ok(Some(vec![filled]))
    }

    fn value<'v>(&'v self, name: &str, arguments: &'v Map<String, Value>) -> Option<&'v Value> {
        let given = arguments.get(name).filter(|value| !value.is_null());
        given.or_else(|| self.parameters.get(name)?.default.as_ref())
    }
}

/// A value as text that may stand at that place.
fn text_of(name: &str, parameter: &Parameter, value: &Value, is_guarded: bool) -> Result<String, String> {
    let Value::String(text) = value else { return Ok(value.to_string()) };
    if text.contains('\0') {
        return Err(format!("`{name}` must not hold the character U+0000"));
    }
    let is_chosen = parameter.values.is_some();
    if text.starts_with('-') && !is_guarded && !parameter.allow_leading_dash && !is_chosen {
        return Err(format!("`{name}` must not begin with `-`: the program would take it for an option"));
    }
    Ok(text.clone())
}

impl Item {
    fn read(text: &str, parameters: &BTreeMap<String, Parameter>) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("no item can hold the character U+0000".into());
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let found = &rest[at..];
            if found.starts_with("{{") || found.starts_with("}}") {
                literal.push_str(&found[..1]);
                rest = &found[2..];
                continue;
            }
            let name = found.strip_prefix('{').and_then(|found| found.split_once('}'));
            let Some((name, after)) = name else {
                return Err(format!("`{text}` has a brace without its other; write `{{{{` for a brace"));
            };
            if !parameters.contains_key(name) {
                let known: Vec<_> = parameters.keys().map(String::as_str).collect();
                return Err(format!("there is no parameter `{name}`; there are: {}", known.join(", ")));
            }
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Value(name.to_owned()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Self(pieces).checked(parameters)
    }

    /// Lists and flags become items of their own, so they stand alone.
    fn checked(self, parameters: &BTreeMap<String, Parameter>) -> Result<Self, String> {
        let stands_alone = |piece: &&Piece| match piece {
            Piece::Value(name) => parameters
                .get(name)
                .is_some_and(|parameter| parameter.kind == Kind::Array || parameter.flag.is_some()),
            Piece::Text(_) => false,
        };
        match self.0.iter().find(stands_alone) {
            Some(Piece::Value(name)) if self.0.len() > 1 => {
                Err(format!("`{{{name}}}` must stand alone: it becomes items of its own"))
            }
            _ => Ok(self),
        }
    }
}
