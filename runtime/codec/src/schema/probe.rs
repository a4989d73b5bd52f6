//! The tape as the validator sees it, and what keeps a hostile value from making it work without end.
//!
//! Whether a value is valid is decided in time linear in it. Saying *why not* is another matter: the validator
//! follows every branch of every `anyOf` and keeps every error, so a recursive schema with two branches would
//! take time exponential in the value's depth. A probe that explains therefore carries fuel: when that is
//! used up, every value looks like null, nothing is left to walk through, and what is reported from then on
//! is thrown away.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use ahash::{AHashMap, AHashSet};
use jsonschema::JsonType;
use jsonschema::json::{self, Json, JsonNumber, NodeIdentity, cmp};
use jsonschema_value::LazyInstance;
use serde_json::{Number, Value};
use simd_json::{Node as TapeNode, StaticNode};

use crate::node::{Elements, Members, Node, NodeIndex, NodeKind};
use crate::schema::violation::Violation;

/// How often values may be looked at to explain what is wrong with one of them.
const FUEL: u32 = 20_000;
/// What stands for a value in errors from after the fuel was used up.
const MADE_UP: &str = "made up";
/// Objects of no more members than this are compared pair by pair, larger ones by hash.
const PAIRWISE_MEMBERS_MAX: usize = 16;

/// How often one keyword walks through the members of one object before it gets an index of them.
const WALKS_MAX: u32 = 16;
/// Objects of no more members than this never get one.
const WALKED_MEMBERS_MAX: usize = 64;

/// The tape as a representation of JSON.
pub(super) struct TapeJson;

/// How often values may still be looked at.
pub(super) struct Fuel(Cell<u32>);

impl Default for Fuel {
    fn default() -> Self {
        Self(Cell::new(FUEL))
    }
}

/// One value of the tape, under the validator's eyes.
#[derive(Clone, Copy)]
pub(super) struct Probe<'d> {
    node: Node<'d>,
    fuel: Option<&'d Fuel>,
}

impl<'d> Probe<'d> {
    /// For the question whether the value is valid.
    pub(super) fn new(node: Node<'d>) -> Self {
        Self { node, fuel: None }
    }

    /// For the question why it is not.
    pub(super) fn fuelled(node: Node<'d>, fuel: &'d Fuel) -> Self {
        Self { node, fuel: Some(fuel) }
    }

    fn is_spent(self) -> bool {
        self.fuel.is_some_and(|fuel| fuel.0.get() == 0)
    }

    /// The value, and null once the fuel is used up.
    #[inline]
    fn look(self) -> TapeNode<'d> {
        if let Some(Fuel(left)) = self.fuel {
            left.set(left.get().saturating_sub(1));
            if left.get() == 0 {
                return TapeNode::Static(StaticNode::Null);
            }
        }
        self.node.head()
    }
}

/// Whether an error is about what a value only looked like after the fuel was used up.
pub(super) fn is_made_up(instance: &Value) -> bool {
    instance == MADE_UP
}

impl Json for TapeJson {
    type Node<'a> = Probe<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    // A lookup walks the members, so one walk for many names is always the better way.
    const KEYS_PER_LOOKUP: usize = 1 << 32;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Probe<'_>) -> T) -> T {
        f(Probe::new(Node::new(&[TapeNode::String(string)], NodeIndex::ROOT)))
    }
}

impl<'a> json::Node<'a, TapeJson> for Probe<'a> {
    type Object = Lookup<'a>;
    type Array = Self;
    type Number = StaticNumber;

    fn as_object(&self) -> Option<Lookup<'a>> {
        matches!(self.look(), TapeNode::Object { .. }).then(|| Lookup::new(*self))
    }

    fn as_array(&self) -> Option<Self> {
        matches!(self.look(), TapeNode::Array { .. }).then_some(*self)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        if let TapeNode::String(text) = self.look() { Some(Cow::Borrowed(text)) } else { None }
    }

    fn as_number(&self) -> Option<StaticNumber> {
        match self.look() {
            TapeNode::Static(number @ (StaticNode::I64(_) | StaticNode::U64(_) | StaticNode::F64(_))) => {
                Some(StaticNumber(number))
            }
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        if let TapeNode::Static(StaticNode::Bool(truth)) = self.look() { Some(truth) } else { None }
    }

    fn is_null(&self) -> bool {
        matches!(self.look(), TapeNode::Static(StaticNode::Null))
    }

    fn json_type(&self) -> JsonType {
        match self.look() {
            TapeNode::String(_) => JsonType::String,
            TapeNode::Object { .. } => JsonType::Object,
            TapeNode::Array { .. } => JsonType::Array,
            TapeNode::Static(StaticNode::Null) => JsonType::Null,
            TapeNode::Static(StaticNode::Bool(_)) => JsonType::Boolean,
            TapeNode::Static(_) => JsonType::Number,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self.look(), expected) {
            (TapeNode::String(text), Value::String(expected)) => text == expected,
            (TapeNode::Static(StaticNode::Null), Value::Null) => true,
            (TapeNode::Static(StaticNode::Bool(truth)), Value::Bool(expected)) => truth == *expected,
            (TapeNode::Static(_), Value::Number(_)) => cmp::equal(&self.node.to_value(), expected),
            (TapeNode::Array { len, .. }, Value::Array(expected_elements)) => {
                len == expected_elements.len() && cmp::equal(&self.node.to_value(), expected)
            }
            (TapeNode::Object { len, .. }, Value::Object(expected_members)) => {
                len == expected_members.len() && cmp::equal(&self.node.to_value(), expected)
            }
            _ => false,
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(if self.is_spent() { Value::Null } else { self.node.to_value() })
    }

    /// Errors are told from the type of the value alone, so no error ever copies a value.
    fn lazy_value(&self) -> LazyInstance<'a> {
        let stand_in = match self.node.kind() {
            _ if self.is_spent() => Value::from(MADE_UP),
            NodeKind::String => Value::String(String::new()),
            NodeKind::Array => Value::Array(Vec::new()),
            NodeKind::Object => Value::Object(serde_json::Map::new()),
            NodeKind::Null | NodeKind::Bool | NodeKind::Integer | NodeKind::Float => self.node.to_value(),
        };
        LazyInstance::Ready(Cow::Owned(stand_in))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(self.node.address()))
    }
}

/// An object in which one keyword looks up its names.
pub(super) struct Lookup<'d> {
    object: Probe<'d>,
    /// How often a name was looked for by walking through the members.
    walks: Cell<u32>,
    /// Built once walking would cost more: hundreds of names may be asked of hundreds of thousands of members.
    index: OnceCell<AHashMap<&'d str, Node<'d>>>,
}

impl<'d> Lookup<'d> {
    fn new(object: Probe<'d>) -> Self {
        Self { object, walks: Cell::new(0), index: OnceCell::new() }
    }

    fn find(&self, name: &str) -> Option<Node<'d>> {
        let object = self.object.node;
        if self.walks.get() < WALKS_MAX || object.len() <= WALKED_MEMBERS_MAX {
            self.walks.set(self.walks.get() + 1);
            return object.get(name);
        }
        self.index.get_or_init(|| object.members().collect()).get(name).copied()
    }
}

impl<'a> json::Object<'a, TapeJson> for Lookup<'a> {
    type Node = Probe<'a>;
    type MemberName = &'a str;
    type MembersIter = Within<'a, Members<'a>>;

    fn len(&self) -> usize {
        self.object.node.len()
    }

    fn get(&self, key: &Box<str>) -> Option<Probe<'a>> {
        self.find(key).map(|node| Probe { node, ..self.object })
    }

    fn members(&self) -> Self::MembersIter {
        Within { inner: self.object.node.members(), object: self.object }
    }
}

impl<'a> json::Array<'a, TapeJson> for Probe<'a> {
    type Node = Self;
    type ElementsIter = Within<'a, Elements<'a>>;

    fn len(&self) -> usize {
        self.node.len()
    }

    fn elements(&self) -> Self::ElementsIter {
        Within { inner: self.node.elements(), object: *self }
    }
}

/// What is in an object or array, as far as the fuel goes.
pub(super) struct Within<'d, I> {
    inner: I,
    object: Probe<'d>,
}

impl<'d> Iterator for Within<'d, Members<'d>> {
    type Item = (&'d str, Probe<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, node) = self.inner.next().filter(|_| !self.object.is_spent())?;
        Some((name, Probe { node, ..self.object }))
    }
}

impl<'d> Iterator for Within<'d, Elements<'d>> {
    type Item = Probe<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        let node = self.inner.next().filter(|_| !self.object.is_spent())?;
        Some(Probe { node, ..self.object })
    }
}

/// A number of the tape.
pub(super) struct StaticNumber(StaticNode);

impl JsonNumber for StaticNumber {
    fn as_u64(&self) -> Option<u64> {
        match self.0 {
            StaticNode::U64(number) => Some(number),
            StaticNode::I64(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    fn as_i64(&self) -> Option<i64> {
        match self.0 {
            StaticNode::U64(number) => i64::try_from(number).ok(),
            StaticNode::I64(number) => Some(number),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        self.to_number().as_f64()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_number().to_string())
    }

    fn to_number(&self) -> Cow<'_, Number> {
        Cow::Owned(match self.0 {
            StaticNode::U64(number) => Number::from(number),
            StaticNode::I64(number) => Number::from(number),
            // The parser refuses what is not finite, so there is a number for each float.
            StaticNode::F64(number) => Number::from_f64(number).unwrap_or_else(|| Number::from(0)),
            StaticNode::Null | StaticNode::Bool(_) => Number::from(0),
        })
    }

    fn is_integer(&self) -> bool {
        match self.0 {
            StaticNode::F64(number) => number.fract() == 0.0,
            StaticNode::U64(_) | StaticNode::I64(_) => true,
            StaticNode::Null | StaticNode::Bool(_) => false,
        }
    }

    fn is_written_as_integer(&self) -> bool {
        self.to_number().is_written_as_integer()
    }
}

/// The first object in the value that has a member twice. Of two members the validator may check one and a
/// tool read the other.
pub(super) fn repeated_member(node: Node<'_>) -> Option<Violation> {
    let mut names = AHashSet::new();
    for object in node.descendants().filter(|node| node.is_object() && node.len() > 1) {
        let repeated = if object.len() <= PAIRWISE_MEMBERS_MAX {
            repeated_among_few(object)
        } else {
            names.clear();
            names.reserve(object.len());
            object.members().map(|(name, _)| name).find(|name| !names.insert(*name))
        };
        if let Some(name) = repeated {
            return Some(Violation::repeated(name));
        }
    }
    None
}

fn repeated_among_few(object: Node<'_>) -> Option<&str> {
    let mut names = [""; PAIRWISE_MEMBERS_MAX];
    for (count, (name, _)) in object.members().enumerate() {
        if names[..count].contains(&name) {
            return Some(name);
        }
        names[count] = name;
    }
    None
}
