//! What the tools take. The names are those of the reference server for file systems, so that prompts move over.

use schemars::JsonSchema;
use serde::Deserialize;

use super::edit::Edit;
use super::lines::Lines;
use super::list::SortBy;
use super::problem::FileError;

/// A path, and nothing else.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AtPath {
    /// An absolute path below an allowed directory, or one relative to it
    pub(super) path: String,
}

/// A file, or some of its lines.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadFile {
    /// An absolute path below an allowed directory, or one relative to it
    pub(super) path: String,
    /// Only the first so many lines
    #[schemars(range(min = 1))]
    head: Option<u64>,
    /// Only the last so many lines
    #[schemars(range(min = 1))]
    tail: Option<u64>,
    /// How many lines to skip before the first
    offset: Option<u64>,
    /// How many lines to read at most, after those that are skipped
    #[schemars(range(min = 1))]
    limit: Option<u64>,
}

impl ReadFile {
    /// # Errors
    /// When the arguments contradict each other.
    pub(super) fn lines(&self) -> Result<Lines, FileError> {
        Lines::asked(self.head, self.tail, self.offset, self.limit)
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadMultipleFiles {
    /// Paths of the files, each absolute or relative
    #[schemars(length(min = 1))]
    pub(super) paths: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteFile {
    /// An absolute path below an allowed directory, or one relative to it
    pub(super) path: String,
    /// All that the file is to hold
    pub(super) content: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EditFile {
    /// An absolute path below an allowed directory, or one relative to it
    pub(super) path: String,
    /// Made one after the other: all, or none
    #[schemars(length(min = 1))]
    pub(super) edits: Vec<Edit>,
    /// Only show what would change
    #[serde(default)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListWithSizes {
    /// An absolute path below an allowed directory, or one relative to it
    pub(super) path: String,
    /// Sort by name, or by size with the largest first
    #[serde(default)]
    pub(super) sort_by: SortBy,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DirectoryTree {
    /// An absolute path below an allowed directory, or one relative to it
    pub(super) path: String,
    /// Globs of what to leave out, such as node_modules or *.log
    #[serde(default)]
    pub(super) exclude_patterns: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SearchFiles {
    /// The folder to search: an absolute path below an allowed directory, or one relative to it
    pub(super) path: String,
    /// A glob on the path from that folder on: *.md for files in it, **/*.md for files below it too
    pub(super) pattern: Option<String>,
    /// Globs of what to leave out, such as node_modules or *.log
    #[serde(default)]
    pub(super) exclude_patterns: Vec<String>,
    /// A regular expression: find the lines of text files that match it. (?i) in front ignores case
    pub(super) content: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveFile {
    /// The path of what is to be moved
    pub(super) source: String,
    /// The path it is to have; nothing may stand there
    pub(super) destination: String,
}
