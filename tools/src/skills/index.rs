//! What a scan has found: skills, files and folders, each by its URI.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

/// What a scan has found.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By the URI of its `SKILL.md`.
    pub(super) skills: BTreeMap<String, Skill>,
    /// Every file of every skill.
    pub(super) files: HashMap<String, File>,
    /// The folders of skills, each with what stands in it by name.
    pub(super) directories: HashMap<String, BTreeMap<String, Value>>,
    /// What was left out, and why.
    pub(super) problems: BTreeSet<String>,
}

/// One skill.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Skill {
    pub(super) uri: String,
    pub(super) name: String,
    pub(super) description: String,
    /// Bytes of its `SKILL.md`.
    pub(super) size: u64,
    /// As `skills/list` has it.
    pub(super) entry: Arc<Value>,
}

impl Skill {
    /// How many files it has.
    pub(super) fn resources_len(&self) -> usize {
        self.entry["resources"].as_array().map_or(0, Vec::len)
    }
}

/// One file of a skill.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct File {
    /// Where it stands below the root.
    pub(super) path: PathBuf,
    pub(super) mime_type: &'static str,
    pub(super) stamp: Stamp,
    /// `sha256:` and 64 hexadecimal digits.
    pub(super) digest: Arc<str>,
}

/// By what a file is known not to have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) modified: SystemTime,
    pub(super) inode: u64,
}

/// What is different from what was offered before.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// `SKILL.md`s that are not to be listed any more, or not as they were.
    pub(super) unlisted: Vec<String>,
    /// Skills that are to be listed.
    pub(super) listed: Vec<Skill>,
    /// Files with other contents than before.
    pub(super) updated: Vec<String>,
}

impl Index {
    /// What is different from `before`.
    pub(super) fn since(&self, before: &Self) -> Changes {
        let is_listed_alike = |one: &Skill, other: &Skill| {
            (&one.name, &one.description, one.size) == (&other.name, &other.description, other.size)
        };
        let stays = |skill: &Skill, there: &BTreeMap<String, Skill>| {
            there.get(&skill.uri).is_some_and(|other| is_listed_alike(skill, other))
        };
        let was = before.skills.values().filter(|skill| !stays(skill, &self.skills));
        let is = self.skills.values().filter(|skill| !stays(skill, &before.skills));
        let is_other = |(uri, file): &(&String, &File)| {
            before.files.get(*uri).is_some_and(|before| before.digest != file.digest)
        };
        Changes {
            unlisted: was.map(|skill| skill.uri.clone()).collect(),
            listed: is.cloned().collect(),
            updated: self.files.iter().filter(is_other).map(|(uri, _)| uri.clone()).collect(),
        }
    }

    /// Logs what was left out and was not before.
    pub(super) fn tell_problems(&self, before: &Self) {
        for problem in self.problems.difference(&before.problems) {
            tracing::warn!("left out of the skills: {problem}");
        }
    }
}
