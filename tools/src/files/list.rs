//! What stands in a folder, and all that stands below it, as texts and as data.

use std::fmt::Write as _;
use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::ground::Ground;
use super::open::Stop;
use super::patterns;
use super::problem::FileError;
use super::roots::Place;
use super::walk::{Children, Cut, EntryKind, Found, Next, Walk, children, open_folder};

/// What stands in a folder.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listing {
    /// The folder.
    path: String,
    /// In the order that was asked for.
    entries: Vec<Listed>,
    /// Whether there are more entries than entries_max.
    truncated: bool,
    /// Names that are left out, because no path could be written with them.
    left_out: usize,
}

/// One name of a listing.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listed {
    name: String,
    #[serde(rename = "type")]
    kind: EntryKind,
    /// Bytes of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

/// All that stands below a folder.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tree {
    /// The folder.
    path: String,
    /// What stands in it, and below.
    tree: Vec<Branch>,
    /// Why something is missing: there were too many entries, or folders too deep.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Cut>,
}

/// A name in a tree; a directory has children.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Branch {
    name: String,
    #[serde(rename = "type")]
    kind: EntryKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<Vec<Branch>>,
}

/// The order of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SortBy {
    #[default]
    Name,
    /// The largest first.
    Size,
}

/// What stands in a folder, with sizes if they are asked for.
///
/// # Errors
/// When it is no folder, or can't be read.
pub(super) fn list(ground: &Ground, place: &Place<'_>, sizes: Option<SortBy>) -> Result<Listing, FileError> {
    let wrong = |error: io::Error| FileError::of(&error, "list", &place.shown());
    let dir = open_folder(&place.root.dir, place.path()).map_err(wrong)?;
    let Children { entries, left_out, is_cut } =
        children(&dir, ground.limits.walk_entries_max).map_err(wrong)?;
    let size_of = |entry: &super::walk::Entry| {
        (sizes.is_some() && entry.kind == EntryKind::File)
            .then(|| entry.metadata().ok().map(|about| about.len()))
            .flatten()
    };
    let mut entries: Vec<_> = entries
        .iter()
        .map(|entry| Listed { name: entry.name.clone(), kind: entry.kind, size: size_of(entry) })
        .collect();
    if sizes == Some(SortBy::Size) {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.size));
    }
    let truncated = is_cut || entries.len() > ground.limits.entries_max;
    entries.truncate(ground.limits.entries_max);
    Ok(Listing { path: place.shown(), entries, truncated, left_out })
}

/// All that stands below a folder.
///
/// # Errors
/// When it is no folder, can't be read, or the call was taken back.
pub(super) fn tree(
    ground: &Ground,
    place: &Place<'_>,
    exclude: &[String],
    stop: Stop<'_>,
) -> Result<Tree, FileError> {
    let excluded = patterns::excluded(exclude, &ground.limits)?;
    // Those that wait for what stands below them, outermost first; the first stands for the folder itself.
    let mut open: Vec<Vec<Branch>> = vec![Vec::new()];
    let truncated = walk(ground, place, &|found| excluded.is_match(found.relative), stop, &mut |found| {
        close_to(&mut open, found.depth);
        let children = (found.entry.kind == EntryKind::Directory).then(Vec::new);
        let is_folder = children.is_some();
        let branch = Branch { name: found.entry.name.clone(), kind: found.entry.kind, children };
        if let Some(level) = open.last_mut() {
            level.push(branch);
        }
        if is_folder {
            open.push(Vec::new());
        }
        Next::Into
    })?;
    close_to(&mut open, 0);
    Ok(Tree { path: place.shown(), tree: open.pop().unwrap_or_default(), truncated })
}

/// Hands what was gathered at deeper levels to the folders it stands in.
fn close_to(open: &mut Vec<Vec<Branch>>, depth: usize) {
    while open.len() > depth + 1 {
        let below = open.pop();
        if let Some(folder) = open.last_mut().and_then(|level| level.last_mut()) {
            folder.children = below;
        }
    }
}

/// All that stands below a folder, a line each, indented: what a project looks like.
///
/// # Errors
/// When it is no folder, or can't be read.
pub(super) fn outline(ground: &Ground, place: &Place<'_>, stop: Stop<'_>) -> Result<String, FileError> {
    let mut text = format!("{}/\n", place.root.path.trim_end_matches('/'));
    // Nobody wants to read these, and their number would push out what one does want to read.
    let is_noise =
        |found: &Found<'_>| found.entry.kind == EntryKind::Directory && ground.quiet.is_match(found.relative);
    let cut = walk(ground, place, &|_| false, stop, &mut |found| {
        let end = match found.entry.kind {
            EntryKind::Directory if is_noise(found) => "/ …",
            EntryKind::Directory => "/",
            EntryKind::Link => " (link)",
            EntryKind::File | EntryKind::Other => "",
        };
        let _ = writeln!(text, "{:indent$}{}{end}", "", found.entry.name, indent = 2 * (found.depth + 1));
        if is_noise(found) { Next::Past } else { Next::Into }
    })?;
    if cut.is_some() {
        text.push_str("… more: list a folder with list_directory, or search with search_files\n");
    }
    Ok(text)
}

/// Shows what stands below a folder, within the bounds of what is shown, but nothing that is left out.
fn walk(
    ground: &Ground,
    place: &Place<'_>,
    is_left_out: &dyn Fn(&Found<'_>) -> bool,
    stop: Stop<'_>,
    show: &mut dyn FnMut(&Found<'_>) -> Next,
) -> Result<Option<Cut>, FileError> {
    let wrong = |error: io::Error| FileError::of(&error, "list", &place.shown());
    let limits = &ground.limits;
    let dir = open_folder(&place.root.dir, place.path()).map_err(wrong)?;
    let mut walk =
        Walk { entries_left: limits.walk_entries_max, depth_max: limits.depth_max, stop, cut: None };
    let (mut left, mut is_full) = (limits.entries_max, false);
    let walked = walk.run(&dir, &mut |found| {
        if is_left_out(found) {
            return Next::Past;
        }
        if left == 0 {
            is_full = true;
            return Next::End;
        }
        left -= 1;
        show(found)
    });
    walked.map_err(wrong)?;
    if stop() {
        return Err(FileError::cancelled());
    }
    Ok(if is_full { Some(Cut::Entries) } else { walk.cut })
}

impl Listing {
    /// A line for each name, as `[DIR] name` or `[FILE] name`.
    pub(super) fn to_text(&self) -> String {
        self.lines(|text, entry| writeln!(text, "{} {}", entry.mark(), entry.name))
    }

    /// The same with sizes, and a summary.
    pub(super) fn to_text_with_sizes(&self) -> String {
        let mut text = self.lines(|text, entry| {
            let size = entry.size.map(size_of).unwrap_or_default();
            writeln!(text, "{} {:30} {size:>10}", entry.mark(), entry.name)
        });
        let count = |kind| self.entries.iter().filter(|entry| entry.kind == kind).count();
        let bytes = self.entries.iter().filter_map(|entry| entry.size).sum();
        let (files, folders) = (count(EntryKind::File), count(EntryKind::Directory));
        let _ =
            write!(text, "\nTotal: {files} files, {folders} directories\nCombined size: {}", size_of(bytes));
        text
    }

    fn lines(&self, write: impl Fn(&mut String, &Listed) -> std::fmt::Result) -> String {
        let mut text = String::new();
        for entry in &self.entries {
            let _ = write(&mut text, entry);
        }
        if self.truncated {
            let _ =
                writeln!(text, "… more than {} entries (entries_max): use search_files", self.entries.len());
        }
        if self.left_out > 0 {
            let _ =
                writeln!(text, "… {} names are left out: no path can be written with them", self.left_out);
        }
        text
    }
}

impl Listed {
    fn mark(&self) -> &'static str {
        match self.kind {
            EntryKind::Directory => "[DIR]",
            EntryKind::File => "[FILE]",
            EntryKind::Link => "[LINK]",
            EntryKind::Other => "[OTHER]",
        }
    }
}

/// A size as people read it.
pub(super) fn size_of(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = (0..UNITS.len() - 1).find(|unit| bytes >> (10 * (unit + 1)) == 0).unwrap_or(UNITS.len() - 1);
    match unit {
        0 => format!("{bytes} B"),
        unit => format!("{:.2} {}", bytes as f64 / (1_u64 << (10 * unit)) as f64, UNITS[unit]),
    }
}
