//! Reads folders: one, or everything below it, in the order of names, with bounds on everything.
//!
//! Links are named but never followed, so no walk leaves its folder or goes in a circle.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, DirEntry, Metadata, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use schemars::JsonSchema;
use serde::Serialize;

use super::open::Stop;
use super::path;

/// What stands in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum EntryKind {
    File,
    Directory,
    /// A symbolic link, wherever it leads.
    Link,
    /// A pipe, a socket or a device.
    Other,
}

/// One name in a folder.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: EntryKind,
    entry: DirEntry,
}

/// The names in a folder.
#[derive(Default)]
pub(super) struct Children {
    /// In the order of names.
    pub(super) entries: Vec<Entry>,
    /// Names that no path could be written with.
    pub(super) left_out: usize,
    /// Whether there are more than were read.
    pub(super) is_cut: bool,
}

/// What a walk has come to.
pub(super) struct Found<'f> {
    /// From the folder on in which the walk began.
    pub(super) relative: &'f str,
    pub(super) entry: &'f Entry,
    /// How many folders it stands in, below the first.
    pub(super) depth: usize,
}

/// What a walk does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Goes on, into the folder if it is one.
    Into,
    /// Goes on, past whatever stands below.
    Past,
    /// Ends.
    End,
}

/// Why a walk did not see everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cut {
    /// There were more entries than one call looks at (`walk_entries_max`), or shows (`entries_max`, `matches_max`).
    Entries,
    /// Some folders stood deeper than `depth_max`.
    Depth,
    /// It took longer than `search_time`.
    Time,
}

/// The bounds of a walk, and what has become of it.
pub(super) struct Walk<'w> {
    pub(super) entries_left: usize,
    pub(super) depth_max: usize,
    pub(super) stop: Stop<'w>,
    pub(super) cut: Option<Cut>,
}

impl Entry {
    /// Its metadata, without following it.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.entry.metadata()
    }

    fn open_dir(&self) -> io::Result<Dir> {
        let mut options = OpenOptions::new();
        // A link that comes to stand there meanwhile is not followed.
        let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        Ok(Dir::from_std_file(self.entry.open_with(&options)?.into_std()))
    }
}

impl Walk<'_> {
    /// Visits what stands below a folder: each before what stands in it.
    pub(super) fn run(&mut self, dir: &Dir, visit: &mut dyn FnMut(&Found<'_>) -> Next) -> io::Result<()> {
        self.visit_all(dir, &mut String::new(), 0, visit).map(drop)
    }

    fn visit_all(
        &mut self,
        dir: &Dir,
        relative: &mut String,
        depth: usize,
        visit: &mut dyn FnMut(&Found<'_>) -> Next,
    ) -> io::Result<Next> {
        let children = children(dir, self.entries_left)?;
        self.entries_left -= children.entries.len() + children.left_out;
        let len = relative.len();
        for entry in &children.entries {
            if (self.stop)() {
                return Ok(Next::End);
            }
            if len > 0 {
                relative.push('/');
            }
            relative.push_str(&entry.name);
            let next = visit(&Found { relative, entry, depth });
            let next = match (next, entry.kind) {
                (Next::Into, EntryKind::Directory) => self.go_into(entry, relative, depth + 1, visit),
                (next, _) => next,
            };
            relative.truncate(len);
            if next == Next::End {
                return Ok(Next::End);
            }
        }
        if children.is_cut {
            self.cut.get_or_insert(Cut::Entries);
            return Ok(Next::End);
        }
        Ok(Next::Into)
    }

    fn go_into(
        &mut self,
        entry: &Entry,
        relative: &mut String,
        depth: usize,
        visit: &mut dyn FnMut(&Found<'_>) -> Next,
    ) -> Next {
        if depth >= self.depth_max {
            self.cut.get_or_insert(Cut::Depth);
            return Next::Past;
        }
        // A folder that is gone, or that the server may not read, is as an empty one.
        let below = entry.open_dir().and_then(|dir| self.visit_all(&dir, relative, depth, visit));
        below.unwrap_or_else(|error| {
            tracing::debug!(%error, "a folder is passed by");
            Next::Past
        })
    }
}

/// What stands in a folder, as far as so many names go.
///
/// # Errors
/// When the folder can't be read.
pub(super) fn children(dir: &Dir, entries_max: usize) -> io::Result<Children> {
    let mut children = Children::default();
    for entry in dir.entries()? {
        if children.entries.len() + children.left_out >= entries_max {
            children.is_cut = true;
            break;
        }
        let entry = entry?;
        match entry.file_name().into_string() {
            Ok(name) if path::can_be_written(&name) => {
                let kind = kind_of(&entry)?;
                children.entries.push(Entry { name, kind, entry });
            }
            _ => children.left_out += 1,
        }
    }
    children.entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(children)
}

/// Opens a folder below a root, through links inside of it.
pub(super) fn open_folder(root: &Dir, relative: &Path) -> io::Result<Dir> {
    root.open_dir(relative)
}

fn kind_of(entry: &DirEntry) -> io::Result<EntryKind> {
    let kind = entry.file_type()?;
    Ok(match () {
        () if kind.is_symlink() => EntryKind::Link,
        () if kind.is_dir() => EntryKind::Directory,
        () if kind.is_file() => EntryKind::File,
        () => EntryKind::Other,
    })
}
