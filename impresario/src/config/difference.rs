//! What is different between what runs and what a configuration describes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::node::{Node, quoted};

/// Names that came, went and changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    pub(crate) added: Vec<String>,
    pub(crate) changed: Vec<String>,
    pub(crate) removed: Vec<String>,
}

/// Everything that a change of the configuration would do, or has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    /// Sections below `[packs]`; a changed one is opened anew.
    pub(crate) parts: Names,
    pub(crate) tools: Names,
    /// By URI, and families by template.
    pub(crate) resources: Names,
    pub(crate) prompts: Names,
    /// Sections below `[tools]`.
    pub(crate) overlays: Names,
    /// Keys that are read only when the process starts.
    pub(crate) needs_restart: Vec<String>,
}

impl Names {
    /// The difference of two lists; `is_changed` tells of what is in both.
    pub(crate) fn between(before: &[String], after: &[String], is_changed: impl Fn(&str) -> bool) -> Self {
        let without = |list: &[String], other: &[String]| {
            list.iter().filter(|name| !other.contains(name)).cloned().collect()
        };
        let in_both = after.iter().filter(|name| before.contains(name) && is_changed(name));
        Self {
            added: without(after, before),
            changed: in_both.cloned().collect(),
            removed: without(before, after),
        }
    }

    /// The difference of what two maps hold.
    pub(crate) fn of_maps<T: PartialEq>(before: &BTreeMap<String, T>, after: &BTreeMap<String, T>) -> Self {
        let keys = |map: &BTreeMap<String, T>| map.keys().cloned().collect::<Vec<_>>();
        Self::between(&keys(before), &keys(after), |name| before.get(name) != after.get(name))
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn counted(&self) -> String {
        format!("+{} ~{} -{}", self.added.len(), self.changed.len(), self.removed.len())
    }
}

impl Changes {
    /// Whether nothing is different.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The lists with what each holds.
    pub(crate) fn lists(&self) -> [(&'static str, &Names); 5] {
        [
            ("parts", &self.parts),
            ("tools", &self.tools),
            ("resources", &self.resources),
            ("prompts", &self.prompts),
            ("overlays", &self.overlays),
        ]
    }

    /// In a line, for the log.
    pub(crate) fn counted(&self) -> String {
        let lists = self.lists();
        let counts = lists.iter().filter(|(_, names)| !names.is_empty());
        let counts: Vec<_> = counts.map(|(what, names)| format!("{what} {}", names.counted())).collect();
        if counts.is_empty() { "nothing that is offered is different".to_owned() } else { counts.join(", ") }
    }
}

/// Sections that are read only when the process starts.
const AT_START: [&str; 4] = ["server", "limits", "pools", "cache"];

/// The keys of those sections that differ.
pub(crate) fn needs_restart(running: &Node, next: &Node) -> Vec<String> {
    let mut keys = Vec::new();
    for section in AT_START {
        let (running, next) = (running.get(section), next.get(section));
        let names = |node: Option<&Node>| {
            let entries = node.map_or(&[][..], Node::entries);
            entries.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>()
        };
        let value = |node: Option<&Node>, key: &str| node.and_then(|node| node.get(key)).cloned();
        let differs = |key: &str| value(running, key) != value(next, key);
        let Names { added, changed, removed } = Names::between(&names(running), &names(next), differs);
        let all = [changed, added, removed].concat();
        keys.extend(all.into_iter().map(|key| format!("{section}.{}", quoted(&key))));
    }
    keys
}
