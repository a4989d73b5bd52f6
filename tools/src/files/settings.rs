//! What the section `[packs.files]` of a config file may hold: folders, and the bounds of what a call may do.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::setting::{Bytes, Span};

/// The settings of the pack `files`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folders that are served. Nothing outside of them is ever opened.
    #[schemars(length(min = 1))]
    pub roots: Vec<RootSettings>,
    /// What happens with a file that has more than one name (hard links): `refuse` (the default) or `allow`.
    #[serde(default)]
    pub hard_links: HardLinks,
    /// Names of folders whose contents are neither watched nor shown in the project structure, as globs; default
    /// .git, node_modules, target, __pycache__, .venv. The tools reach them like any other.
    #[serde(default = "quiet_names")]
    pub quiet: Vec<String>,
    /// Bounds of what one call may do.
    #[serde(default)]
    pub limits: FileLimits,
    /// How changes are noticed.
    #[serde(default)]
    pub watch: WatchSettings,
}

/// One folder that is served, with everything below it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RootSettings {
    /// The folder; a relative path is relative to the config file's folder.
    pub path: PathBuf,
    /// What may be done below it: `read-only` (the default) or `read-write`.
    #[serde(default)]
    pub access: Access,
    /// What it is called: relative paths begin with it when there are several roots. By default the folder's own name.
    #[serde(default)]
    pub name: Option<String>,
}

/// What may be done below a root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Files are read and listed.
    #[default]
    ReadOnly,
    /// Files are also written, moved and created.
    ReadWrite,
}

/// What happens with a file that has more than one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HardLinks {
    /// It is neither read nor written: its other name may be that of a file outside of the roots.
    #[default]
    Refuse,
    /// It is like any other. For trees that tools fill with hard links, as some package managers do.
    Allow,
}

/// Bounds of what one call may do.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FileLimits {
    /// Text that one call reads; default 1MiB. Parts of larger files are read by lines.
    pub read_bytes_max: Bytes,
    /// An image, a sound or any other file that is read as a whole; default 8MiB.
    pub media_bytes_max: Bytes,
    /// A file that is written, and one that is edited, before and after; default 4MiB.
    pub write_bytes_max: Bytes,
    /// Files that one call of `read_multiple_files` names; default 50.
    pub files_max: usize,
    /// Edits of one call of `edit_file`; default 100.
    pub edits_max: usize,
    /// The difference that `edit_file` shows; a longer one is cut; default 64KiB.
    pub diff_bytes_max: Bytes,
    /// Files and folders that one listing, tree or project structure shows; default 1000.
    pub entries_max: usize,
    /// Folders inside each other that a tree, a search or a new folder goes down; default 32.
    pub depth_max: usize,
    /// Files and folders that one call looks at; default 100000.
    pub walk_entries_max: usize,
    /// What one search finds before it stops; default 500.
    pub matches_max: usize,
    /// How long one search takes before it stops with what it has; default 10s.
    pub search_time: Span,
    /// A larger file's contents are not searched; default 8MiB.
    pub search_file_bytes_max: Bytes,
    /// A path, as it is written; default 4096 bytes.
    pub path_bytes_max: usize,
    /// A glob or a regular expression; default 1000 bytes.
    pub pattern_bytes_max: usize,
    /// Patterns of one call; default 100.
    pub patterns_max: usize,
    /// Resources that are read at once; later ones wait; default 8.
    pub resource_reads_max: usize,
}

/// How changes are noticed and told.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WatchSettings {
    /// Whether clients are told of changes that others make; default true. Changes by the tools are always told.
    pub enabled: bool,
    /// How long changes are gathered before they are told; default 100ms.
    pub debounce: Span,
    /// Folders that the operating system watches for us; a root with more is looked at now and then; default 4096.
    pub directories_max: usize,
    /// How often a root is looked at that the operating system can't watch; default 2s.
    pub poll_interval: Span,
    /// Files and folders of one root whose changes are noticed; default 50000.
    pub entries_max: usize,
}

impl Settings {
    /// Those folders, and the defaults of everything else.
    #[must_use]
    pub fn new(roots: impl IntoIterator<Item = RootSettings>) -> Self {
        Self {
            roots: roots.into_iter().collect(),
            hard_links: HardLinks::default(),
            quiet: quiet_names(),
            limits: FileLimits::default(),
            watch: WatchSettings::default(),
        }
    }
}

fn quiet_names() -> Vec<String> {
    [".git", "node_modules", "target", "__pycache__", ".venv"].map(Into::into).into()
}

impl RootSettings {
    /// A folder whose files may be read.
    #[must_use]
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::ReadOnly, name: None }
    }

    /// A folder whose files may be read and changed.
    #[must_use]
    pub fn read_write(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), access: Access::ReadWrite, name: None }
    }

    /// The same folder under that name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl Default for FileLimits {
    fn default() -> Self {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        Self {
            read_bytes_max: Bytes(MIB),
            media_bytes_max: Bytes(8 * MIB),
            write_bytes_max: Bytes(4 * MIB),
            files_max: 50,
            edits_max: 100,
            diff_bytes_max: Bytes(64 * KIB),
            entries_max: 1_000,
            depth_max: 32,
            walk_entries_max: 100_000,
            matches_max: 500,
            search_time: Span(Duration::from_secs(10)),
            search_file_bytes_max: Bytes(8 * MIB),
            path_bytes_max: 4_096,
            pattern_bytes_max: 1_000,
            patterns_max: 100,
            resource_reads_max: 8,
        }
    }
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            debounce: Span(Duration::from_millis(100)),
            directories_max: 4_096,
            poll_interval: Span(Duration::from_secs(2)),
            entries_max: 50_000,
        }
    }
}
