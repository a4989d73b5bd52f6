//! What was found where something else was to be: short, and so that nothing in it does more than it shows.

use std::fmt;

use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

use crate::node::{Node, NodeKind};

/// How many characters of a text are shown.
const TEXT_CHARS_SHOWN_MAX: usize = 64;

/// A value that breaks a rule.
#[derive(Clone, Copy)]
pub(super) enum Found<'d> {
    Node(Node<'d>),
    Value(&'d Value),
}

impl<'d> Found<'d> {
    /// What stands there in a document.
    pub(super) fn at(location: &Location, root: Node<'d>) -> Option<Self> {
        let step = |node: Node<'d>, segment| match segment {
            LocationSegment::Property(name) => node.get(&name),
            LocationSegment::Index(at) => node.elements().nth(at),
        };
        location.segments().try_fold(root, step).map(Self::Node)
    }

    /// The value in JSON: in full where it is small, by its size where it is not.
    pub(super) fn shown(self) -> String {
        if let Some(text) = self.text() {
            return Quoted(text).to_string();
        }
        match self.container() {
            Some((kind, 0)) => format!("an empty {kind}"),
            Some(("array", 1)) => "an array of 1 element".to_owned(),
            Some(("array", len)) => format!("an array of {len} elements"),
            Some((_, 1)) => "an object of 1 member".to_owned(),
            Some((_, len)) => format!("an object of {len} members"),
            None => self.scalar(),
        }
    }

    /// The same, with the name of its type.
    pub(super) fn shown_with_type(self) -> String {
        let shown = self.shown();
        match self {
            _ if self.text().is_some() => format!("the string {shown}"),
            Self::Node(node) if node.as_f64().is_some() => format!("the {} {shown}", node.kind().name()),
            Self::Value(Value::Number(number)) if number.is_f64() => format!("the number {shown}"),
            Self::Value(Value::Number(_)) => format!("the integer {shown}"),
            Self::Node(node) if node.as_bool().is_some() => format!("the boolean {shown}"),
            Self::Value(Value::Bool(_)) => format!("the boolean {shown}"),
            _ => shown,
        }
    }

    /// How many characters, elements or members it has.
    pub(super) fn len(self) -> usize {
        match (self.text(), self.container()) {
            (Some(text), _) => text.chars().count(),
            (None, Some((_, len))) => len,
            (None, None) => 0,
        }
    }

    fn text(self) -> Option<&'d str> {
        match self {
            Self::Node(node) => node.as_str(),
            Self::Value(value) => value.as_str(),
        }
    }

    fn container(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Node(node) if node.kind() == NodeKind::Array => Some(("array", node.len())),
            Self::Node(node) if node.kind() == NodeKind::Object => Some(("object", node.len())),
            Self::Value(Value::Array(items)) => Some(("array", items.len())),
            Self::Value(Value::Object(members)) => Some(("object", members.len())),
            _ => None,
        }
    }

    fn scalar(self) -> String {
        match self {
            Self::Node(node) => node.to_value().to_string(),
            Self::Value(value) => value.to_string(),
        }
    }
}

/// A text in quotes, shortened. Rust's debug form writes out whatever is not simply shown.
struct Quoted<'t>(&'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(TEXT_CHARS_SHOWN_MAX) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}", format_args!("{}…", &self.0[..end]).to_string()),
        }
    }
}
