//! Texts, paths and bodies with arguments in them, read once and filled in for each call.
//!
//! What an argument holds can never change the shape of what it is filled into: in a path it stays within its segment,
//! in a query within its value, in JSON it is a value.

use impresario_engine::JsonObject;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What the author of a path may not have meant as it stands.
const UNSAFE_IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}').add(b'^').add(b'|');

/// A text with arguments in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Argument(String),
}

/// A path, cut into the segments between its slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Text>);

/// A JSON value with arguments in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Fixed(Value),
    Text(Text),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A text as it goes into a path or a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A value as plain text; nothing for null.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

impl Text {
    /// Reads a text in which `{name}` stands for an argument, and `{{` and `}}` for braces.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = rest
                .split_once('}')
                .filter(|(name, _)| brace == "{" && !name.is_empty() && !name.contains('{'))
                .ok_or_else(|| {
                    format!("a single brace in {text:?}; write an argument as {{name}}, and a brace twice")
                })?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Argument(name.to_owned()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    /// A text that is one argument.
    pub(super) fn argument(name: &str) -> Self {
        Self(vec![Piece::Argument(name.to_owned())])
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Argument(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// The name of the argument that is the whole text.
    pub(super) fn whole(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Argument(name)] => Some(name),
            _ => None,
        }
    }

    /// The text with what `get` says in place of each name; nothing if it has nothing for one.
    pub(super) fn fill(&self, get: impl Fn(&str) -> Option<String>) -> Option<String> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => filled.push_str(text),
                Piece::Argument(name) => filled.push_str(&get(name)?),
            }
        }
        Some(filled)
    }

    /// The text with the arguments as they are; nothing if one was not given.
    pub(super) fn fill_plain(&self, arguments: &JsonObject) -> Option<String> {
        self.fill(|name| plain(arguments.get(name)?))
    }
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn parse(path: &str) -> Result<Self, String> {
        if !path.starts_with('/') {
            return Err(format!("{path:?} must begin with a slash; it goes behind `base_url`"));
        }
        let segments = path[1..].split('/').map(Text::parse).collect::<Result<Vec<_>, _>>()?;
        for piece in segments.iter().flat_map(|segment| &segment.0) {
            let Piece::Literal(literal) = piece else { continue };
            if literal.contains(['?', '#', '\\']) || literal.contains(char::is_control) {
                return Err(format!("{path:?} must hold a path alone; write the query as `query`"));
            }
        }
        Ok(Self(segments))
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(Text::names)
    }

    /// The same path, its arguments named otherwise.
    ///
    /// # Errors
    /// The first name for which there is no other.
    pub(super) fn rename(mut self, other: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        for piece in self.0.iter_mut().flat_map(|segment| &mut segment.0) {
            if let Piece::Argument(name) = piece {
                *name = other(name).ok_or_else(|| name.clone())?;
            }
        }
        Ok(self)
    }

    /// The path with the arguments, each within its segment.
    ///
    /// # Errors
    /// An argument was not given, or would make another path.
    pub(super) fn fill(&self, arguments: &JsonObject) -> Result<String, String> {
        let mut path = String::new();
        for segment in &self.0 {
            path.push('/');
            let at = path.len();
            for piece in &segment.0 {
                match piece {
                    Piece::Literal(text) => path.extend(utf8_percent_encode(text, UNSAFE_IN_PATH)),
                    Piece::Argument(name) => path.push_str(&in_segment(name, arguments.get(name))?),
                }
            }
            let segment_has_argument = segment.names().next();
            // A parser takes these away, encoded or not, so they can't be sent as a segment.
            let is_dots = matches!(path[at..].to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
            if let Some(name) = segment_has_argument.filter(|_| is_dots) {
                return Err(format!("`{name}` must be more than dots, which would name another path"));
            }
        }
        Ok(path)
    }
}

/// A value within a segment: a list is joined by commas.
fn in_segment(name: &str, value: Option<&Value>) -> Result<String, String> {
    let text = match value {
        Some(Value::Array(items)) => {
            let items: Vec<String> = items.iter().filter_map(plain).map(|item| encoded(&item)).collect();
            items.join(",")
        }
        Some(value) => plain(value).map(|text| encoded(&text)).unwrap_or_default(),
        None => String::new(),
    };
    if text.is_empty() {
        Err(format!("`{name}` must not be empty: it is a part of the path"))
    } else {
        Ok(text)
    }
}

impl Json {
    /// Reads a value whose texts may hold arguments.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Text::parse(text).map(Self::Text),
            Value::Array(items) => items.iter().map(Self::parse).collect::<Result<_, _>>().map(Self::List),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| Ok((name.clone(), Self::parse(value)?)))
                .collect::<Result<_, String>>()
                .map(Self::Object),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Self::Fixed(value.clone())),
        }
    }

    /// The names in it.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Text(text) => text.names().collect(),
            Self::List(items) => items.iter().flat_map(Self::names).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, value)| value.names()).collect(),
        }
    }

    /// The value with the arguments; nothing if it is a text whose argument was not given. Members and items that are
    /// nothing are left out.
    pub(super) fn fill(&self, arguments: &JsonObject) -> Option<Value> {
        Some(match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(text) => match text.whole() {
                Some(name) => arguments.get(name)?.clone(),
                None => Value::String(text.fill_plain(arguments)?),
            },
            Self::List(items) => items.iter().filter_map(|item| item.fill(arguments)).collect(),
            Self::Object(members) => {
                let filled = |(name, value): &(String, Self)| Some((name.clone(), value.fill(arguments)?));
                Value::Object(members.iter().filter_map(filled).collect())
            }
        })
    }
}

#[cfg(test)]
mod tests;
