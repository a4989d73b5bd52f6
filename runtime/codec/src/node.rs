//! A view of one value of a document: read it, walk it, measure it. Never panics, whatever it is asked.

use std::fmt;

use serde_json::{Map, Number, Value};
use simd_json::{Node as TapeNode, StaticNode};

/// Where in its document a value stands; keeps no borrow, so it can be stored beside the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeIndex(u32);

impl NodeIndex {
    pub(crate) const ROOT: Self = Self(0);
}

/// What kind of value a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number written without fraction and exponent that fits 64 bits.
    Integer,
    /// Any other number.
    Float,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl NodeKind {
    /// Its name in JSON Schema's words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Integer => "integer",
            Self::Float => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// One value of a document.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    /// The whole tape of the document: a container is followed by what is in it.
    tape: &'d [TapeNode<'d>],
    at: usize,
}

impl<'d> Node<'d> {
    pub(crate) fn new(tape: &'d [TapeNode<'d>], at: NodeIndex) -> Self {
        Self { tape, at: at.0 as usize }
    }

    /// The tape's own word for this value.
    #[inline]
    pub(crate) fn head(self) -> TapeNode<'d> {
        self.tape.get(self.at).copied().unwrap_or(TapeNode::Static(StaticNode::Null))
    }

    /// An address that no other value of any living document has.
    pub(crate) fn address(self) -> usize {
        self.tape.get(self.at).map_or(0, |head| std::ptr::from_ref(head).addr())
    }

    /// Where the value stands, for [`Document::node`](crate::Document::node).
    #[must_use]
    pub fn index(self) -> NodeIndex {
        // A document is shorter than 4 GiB and a node takes at least one byte of it.
        NodeIndex(u32::try_from(self.at).unwrap_or(u32::MAX))
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(self) -> NodeKind {
        match self.head() {
            TapeNode::String(_) => NodeKind::String,
            TapeNode::Object { .. } => NodeKind::Object,
            TapeNode::Array { .. } => NodeKind::Array,
            TapeNode::Static(StaticNode::Null) => NodeKind::Null,
            TapeNode::Static(StaticNode::Bool(_)) => NodeKind::Bool,
            TapeNode::Static(StaticNode::I64(_) | StaticNode::U64(_)) => NodeKind::Integer,
            TapeNode::Static(StaticNode::F64(_)) => NodeKind::Float,
        }
    }

    /// The text, when it is a string.
    #[must_use]
    #[inline]
    pub fn as_str(self) -> Option<&'d str> {
        if let TapeNode::String(text) = self.head() { Some(text) } else { None }
    }

    /// Its truth, when it is a boolean.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        if let TapeNode::Static(StaticNode::Bool(truth)) = self.head() { Some(truth) } else { None }
    }

    /// The number, when it is an integer that fits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.head() {
            TapeNode::Static(StaticNode::I64(number)) => Some(number),
            TapeNode::Static(StaticNode::U64(number)) => i64::try_from(number).ok(),
            _ => None,
        }
    }

    /// The number, when it is an integer that fits.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        match self.head() {
            TapeNode::Static(StaticNode::I64(number)) => u64::try_from(number).ok(),
            TapeNode::Static(StaticNode::U64(number)) => Some(number),
            _ => None,
        }
    }

    /// The number, when it is any number; a large integer is rounded.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "JSON has one kind of number")]
    pub fn as_f64(self) -> Option<f64> {
        match self.head() {
            TapeNode::Static(StaticNode::I64(number)) => Some(number as f64),
            TapeNode::Static(StaticNode::U64(number)) => Some(number as f64),
            TapeNode::Static(StaticNode::F64(number)) => Some(number),
            _ => None,
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.head(), TapeNode::Static(StaticNode::Null))
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        matches!(self.head(), TapeNode::Object { .. })
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        matches!(self.head(), TapeNode::Array { .. })
    }

    /// How many elements or members it has; 0 when it is neither array nor object.
    #[must_use]
    pub fn len(self) -> usize {
        match self.head() {
            TapeNode::Object { len, .. } | TapeNode::Array { len, .. } => len,
            TapeNode::String(_) | TapeNode::Static(_) => 0,
        }
    }

    /// Whether it has no elements and no members.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The first member of that name, when it is an object that has one.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.members().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The members in the order they were written, a name twice if it was written twice; none when it is no
    /// object.
    #[must_use]
    pub fn members(self) -> Members<'d> {
        let left = if self.is_object() { self.len() } else { 0 };
        Members { next: Self { tape: self.tape, at: self.at + 1 }, left }
    }

    /// The elements; none when it is no array.
    #[must_use]
    pub fn elements(self) -> Elements<'d> {
        let left = if self.is_array() { self.len() } else { 0 };
        Elements { next: Self { tape: self.tape, at: self.at + 1 }, left }
    }

    /// How many nodes of the tape the value takes, with itself; member names count.
    #[inline]
    pub(crate) fn span(self) -> usize {
        match self.head() {
            TapeNode::Object { count, .. } | TapeNode::Array { count, .. } => count + 1,
            TapeNode::String(_) | TapeNode::Static(_) => 1,
        }
    }

    /// This value and everything below it, in the order of the text; member names come as strings.
    pub(crate) fn descendants(self) -> impl Iterator<Item = Self> {
        (self.at..self.at + self.span()).map(move |at| Self { tape: self.tape, at })
    }

    /// How many arrays and objects stand inside each other, with this one; a scalar is 0.
    #[must_use]
    pub fn depth(self) -> usize {
        let mut ends = Vec::new();
        let mut deepest = 0;
        for node in self.descendants() {
            while ends.last().is_some_and(|end| *end <= node.at) {
                ends.pop();
            }
            if node.is_array() || node.is_object() {
                ends.push(node.at + node.span());
                deepest = deepest.max(ends.len());
            }
        }
        deepest
    }

    /// Whether no more than `depth_max` arrays and objects stand inside each other, with this one.
    #[must_use]
    pub fn is_at_most_deep(self, depth_max: usize) -> bool {
        // Nothing can be deeper than it has containers, and nearly everything has few.
        let containers = self.descendants().filter(|node| node.is_array() || node.is_object()).count();
        containers <= depth_max || self.depth() <= depth_max
    }

    /// The value as a tree. Of a name written twice the first is kept, as [`get`](Self::get) finds it.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self.head() {
            TapeNode::String(text) => Value::String(text.to_owned()),
            TapeNode::Static(StaticNode::Null) => Value::Null,
            TapeNode::Static(StaticNode::Bool(truth)) => Value::Bool(truth),
            TapeNode::Static(StaticNode::I64(number)) => Value::from(number),
            TapeNode::Static(StaticNode::U64(number)) => Value::from(number),
            TapeNode::Static(StaticNode::F64(number)) => {
                Number::from_f64(number).map_or(Value::Null, Value::Number)
            }
            TapeNode::Array { .. } => Value::Array(self.elements().map(Self::to_value).collect()),
            TapeNode::Object { .. } => {
                let mut object = Map::new();
                for (name, value) in self.members() {
                    object.entry(name).or_insert_with(|| value.to_value());
                }
                Value::Object(object)
            }
        }
    }
}

impl fmt::Debug for Node<'_> {
    /// The kind and the size only: what clients send does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}", self.kind().name())?;
        if self.is_array() || self.is_object() {
            write!(f, " of {}", self.len())?;
        }
        f.write_str(")")
    }
}

/// The members of an object: names and values.
#[derive(Clone, Debug)]
pub struct Members<'d> {
    /// The name of the next member.
    next: Node<'d>,
    left: usize,
}

impl<'d> Iterator for Members<'d> {
    type Item = (&'d str, Node<'d>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = self.next.as_str()?;
        let value = Node { tape: self.next.tape, at: self.next.at + 1 };
        self.next.at = value.at + value.span();
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Members<'_> {}

/// The elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'d> {
    next: Node<'d>,
    left: usize,
}

impl<'d> Iterator for Elements<'d> {
    type Item = Node<'d>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let element = self.next;
        self.next.at += element.span();
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Elements<'_> {}

#[cfg(test)]
mod tests {
    use crate::document::Document;

    use super::*;

    #[test]
    fn a_node_answers_only_what_it_is() {
        let check = |text: &str, kind: NodeKind, numbers: (Option<i64>, Option<u64>, Option<f64>)| {
            let document = Document::parse(text.as_bytes(), 64).unwrap();
            let node = document.root();
            assert_eq!(node.kind(), kind, "{text}");
            assert_eq!((node.as_i64(), node.as_u64(), node.as_f64()), numbers, "{text}");
            assert_eq!(node.as_str().is_some(), kind == NodeKind::String);
            assert_eq!(node.as_bool().is_some(), kind == NodeKind::Bool);
            assert_eq!(node.is_null(), kind == NodeKind::Null);
            assert_eq!(node.is_array(), kind == NodeKind::Array);
            assert_eq!(node.is_object(), kind == NodeKind::Object);
            assert_eq!(node.len(), node.members().len() + node.elements().len());
        };
        check("null", NodeKind::Null, (None, None, None));
        check("true", NodeKind::Bool, (None, None, None));
        check("\"1\"", NodeKind::String, (None, None, None));
        check("[1]", NodeKind::Array, (None, None, None));
        check(r#"{"a":1}"#, NodeKind::Object, (None, None, None));
        check("7", NodeKind::Integer, (Some(7), Some(7), Some(7.0)));
        check("-7", NodeKind::Integer, (Some(-7), None, Some(-7.0)));
        check("-0", NodeKind::Integer, (Some(0), Some(0), Some(0.0)));
        check(
            "18446744073709551615",
            NodeKind::Integer,
            (None, Some(u64::MAX), Some(18_446_744_073_709_551_615.0)),
        );
        check("7.0", NodeKind::Float, (None, None, Some(7.0)));
        check("18446744073709551616", NodeKind::Float, (None, None, Some(18_446_744_073_709_551_616.0)));
    }

    #[test]
    fn members_and_elements_are_walked_past_what_is_in_them() {
        let document =
            Document::parse(br#"{"a":[1,[2,{"x":[]}],3],"b":{"c":"d"},"a":0,"":null}"#, 64).unwrap();
        let root = document.root();
        let names: Vec<_> = root.members().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "a", ""]);
        assert_eq!(root.get("a").map(Node::len), Some(3));
        assert_eq!(root.get("").map(Node::kind), Some(NodeKind::Null));
        assert!(root.get("c").is_none() && root.get("a").unwrap().get("x").is_none());
        let a: Vec<_> = root.get("a").unwrap().elements().map(Node::kind).collect();
        assert_eq!(a, [NodeKind::Integer, NodeKind::Array, NodeKind::Integer]);
        assert_eq!(
            root.to_value(),
            serde_json::json!({"a": [1, [2, {"x": []}], 3], "b": {"c": "d"}, "": null})
        );
    }

    #[test]
    fn depth_counts_what_stands_inside_each_other() {
        let check = |text: &str, depth: usize| {
            let document = Document::parse(text.as_bytes(), 64).unwrap();
            assert_eq!(document.root().depth(), depth, "{text}");
        };
        check("1", 0);
        check("[]", 1);
        check("[[],[]]", 2);
        check(r#"{"a":[],"b":{"c":[{}]},"d":[1]}"#, 4);
    }

    #[test]
    fn an_index_finds_its_node_again_and_a_foreign_one_is_null() {
        let document = Document::parse(br#"[1,{"a":"b"}]"#, 64).unwrap();
        let inner = document.root().elements().nth(1).and_then(|node| node.get("a")).unwrap();
        assert_eq!(document.node(inner.index()).as_str(), Some("b"));
        assert!(Document::parse(b"1", 64).unwrap().node(inner.index()).is_null());
    }

    #[test]
    fn the_debug_form_holds_no_contents() {
        let document = Document::parse(br#"{"password":"secret"}"#, 64).unwrap();
        assert_eq!(format!("{document:?}"), "Document(Node(object of 1))");
        assert_eq!(format!("{:?}", document.root().get("password")), "Some(Node(string))");
    }
}
