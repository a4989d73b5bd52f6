//! A configuration as a tree in which everything knows where it is written.

use std::fmt;
use std::sync::Arc;

use impresario_tools::setting::Secret;
use serde_json::{Map, Value as Json};

use super::place::{Origin, Place};

/// A value and its place. Two are equal when what they mean is, wherever and however it is written.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// A value of a config file.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// A date or time; nothing here takes one, so it is kept as it is written.
    Date(String),
    Array(Vec<Node>),
    Table(Table),
}

/// A text as it is written, and what it means if that is something else.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) written: String,
    /// With everything put in that `${…}` stands for. Never shown.
    pub(crate) filled: Option<Secret>,
}

/// Keys with their values, in the order in which they are written.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Table(pub(crate) Vec<Entry>);

/// A key with its value.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_place: Place,
    pub(crate) node: Node,
}

/// A step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

impl Text {
    pub(crate) fn plain(written: impl Into<String>) -> Self {
        Self { written: written.into(), filled: None }
    }

    /// What it means.
    pub(crate) fn meaning(&self) -> &str {
        self.filled.as_ref().map_or(&self.written, Secret::reveal)
    }
}

impl Node {
    pub(crate) fn table(place: Place) -> Self {
        Self { value: Value::Table(Table::default()), place }
    }

    /// An empty table that stands nowhere in particular.
    pub(crate) fn empty() -> Self {
        Self::table(Place::new(&Arc::new(Origin::Flag("")), 0..0))
    }

    pub(crate) fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn as_table_mut(&mut self) -> Option<&mut Table> {
        match &mut self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The entries of a table; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        self.as_table().map_or(&[], |table| &table.0)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.as_table()?.get(key).map(|entry| &entry.node)
    }

    /// The entry or element that the steps lead to: its place, that of its key where it has one.
    pub(crate) fn place_of(&self, steps: &[Step]) -> Option<Place> {
        let (last, way) = steps.split_last()?;
        let parent = way.iter().try_fold(self, |node, step| node.step(step))?;
        match last {
            Step::Key(key) => parent.as_table()?.get(key).map(|entry| entry.node.place.clone()),
            Step::Index(_) => parent.step(last).map(|node| node.place.clone()),
        }
    }

    pub(crate) fn step(&self, step: &Step) -> Option<&Self> {
        match (step, &self.value) {
            (Step::Key(key), Value::Table(table)) => table.get(key).map(|entry| &entry.node),
            (Step::Index(index), Value::Array(nodes)) => nodes.get(*index),
            _ => None,
        }
    }

    pub(crate) fn step_mut(&mut self, step: &Step) -> Option<&mut Self> {
        match (step, &mut self.value) {
            (Step::Key(key), Value::Table(table)) => table.get_mut(key).map(|entry| &mut entry.node),
            (Step::Index(index), Value::Array(nodes)) => nodes.get_mut(*index),
            _ => None,
        }
    }

    /// Every text in it.
    pub(crate) fn texts_mut(&mut self, visit: &mut dyn FnMut(&mut Text, &Place)) {
        match &mut self.value {
            Value::Text(text) => visit(text, &self.place),
            Value::Array(nodes) => nodes.iter_mut().for_each(|node| node.texts_mut(visit)),
            Value::Table(table) => table.0.iter_mut().for_each(|entry| entry.node.texts_mut(visit)),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Date(_) => {}
        }
    }

    /// What kind of value it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "text",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::Date(_) => "a date",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
        }
    }

    /// The value as it is written, with `${…}` where it says so.
    pub(crate) fn as_written(&self) -> Json {
        match &self.value {
            Value::Text(text) => text.written.clone().into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Boolean(yes) => (*yes).into(),
            Value::Date(date) => date.clone().into(),
            Value::Array(nodes) => nodes.iter().map(Self::as_written).collect(),
            Value::Table(table) => {
                let member = |entry: &Entry| (entry.key.clone(), entry.node.as_written());
                Json::Object(table.0.iter().map(member).collect::<Map<_, _>>())
            }
        }
    }
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.0.iter_mut().find(|entry| entry.key == key)
    }

    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| entry.key != key);
        self.0.len() < before
    }

    /// The table at that key, made if it is not there.
    pub(crate) fn table_at(&mut self, key: &str, place: &Place) -> &mut Node {
        if self.get(key).is_none() {
            let node = Node::table(place.clone());
            self.0.push(Entry { key: key.to_owned(), key_place: place.clone(), node });
        }
        &mut self.get_mut(key).expect("it was put there if it was missing").node
    }

    /// Sets a key, whatever it was.
    pub(crate) fn set(&mut self, key: &str, value: Value, place: &Place) {
        self.remove(key);
        let node = Node { value, place: place.clone() };
        self.0.push(Entry { key: key.to_owned(), key_place: place.clone(), node });
    }
}

/// A way through a tree as people write it: `roots[1].path`.
pub(crate) fn shown(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(&quoted(key)),
            Step::Key(key) => text.push_str(&format!(".{}", quoted(key))),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// A key as TOML writes it.
pub(crate) fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { key.to_owned() } else { format!("{key:?}") }
}

/// The steps of a way as people write it. What can't be read ends it.
pub(crate) fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in text.split('.') {
        let (key, indices) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        if !key.is_empty() {
            steps.push(Step::Key(key.trim_matches('"').to_owned()));
        }
        for index in indices.split(['[', ']']).filter(|index| !index.is_empty()) {
            match index.parse() {
                Ok(index) => steps.push(Step::Index(index)),
                Err(_) => return steps,
            }
        }
    }
    steps
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.node == other.node
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl fmt::Debug for Node {
    /// As it is written, without what was put in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_written())
    }
}
