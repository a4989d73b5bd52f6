//! Finds files by their paths, and lines by what they hold. It ends by itself: after so many matches, so many entries,
//! or so much time, and at once when the call is taken back.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Instant;

use globset::{GlobMatcher, GlobSet};
use regex::bytes::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use super::ground::Ground;
use super::kind;
use super::open::{Stop, open_file};
use super::patterns;
use super::problem::FileError;
use super::roots::{Place, joined};
use super::walk::{Cut, EntryKind, Found, Next, Walk, open_folder};

/// What to search for.
pub(super) struct Query<'q> {
    pub(super) pattern: Option<&'q str>,
    pub(super) exclude: &'q [String],
    pub(super) content: Option<&'q str>,
}

/// What a search has found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Matches {
    matches: Vec<Match>,
    /// Why there may be more: a bound was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Cut>,
    /// Files whose contents were not searched: larger than search_file_bytes_max, no text, or not to be opened.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    files_skipped: usize,
}

/// A file or folder, or a line of a file.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Match {
    path: String,
    #[serde(rename = "type")]
    kind: EntryKind,
    /// The line's number, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The line, or the part of it around what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A search that goes on.
struct Search<'s> {
    ground: &'s Ground,
    /// Where it began.
    place: &'s Place<'s>,
    pattern: Option<GlobMatcher>,
    excluded: GlobSet,
    content: Option<Regex>,
    stop: Stop<'s>,
    until: Instant,
    found: Matches,
}

/// Searches below a folder. `looked` is told now and then how many entries were looked at.
///
/// # Errors
/// When it is no folder, a pattern is none, or the call was taken back.
pub(super) fn search(
    ground: &Ground,
    place: &Place<'_>,
    query: &Query<'_>,
    stop: Stop<'_>,
    looked: &dyn Fn(usize),
) -> Result<Matches, FileError> {
    const TELL_EVERY: usize = 1_000;
    let limits = &ground.limits;
    if query.pattern.is_none() && query.content.is_none() {
        return Err(FileError::invalid(
            "pass pattern, a glob such as **/*.md, or content, a regular expression, or both",
        ));
    }
    let mut search = Search {
        ground,
        place,
        pattern: query.pattern.map(|pattern| patterns::path_glob(pattern, limits)).transpose()?,
        excluded: patterns::excluded(query.exclude, limits)?,
        content: query.content.map(|content| patterns::content_regex(content, limits)).transpose()?,
        stop,
        until: Instant::now() + limits.search_time.0,
        found: Matches { matches: Vec::new(), truncated: None, files_skipped: 0 },
    };
    let wrong = |error: io::Error| FileError::of(&error, "search", &place.shown());
    let dir = open_folder(&place.root.dir, place.path()).map_err(wrong)?;
    let mut walk =
        Walk { entries_left: limits.walk_entries_max, depth_max: limits.depth_max, stop, cut: None };
    let mut count = 0;
    walk.run(&dir, &mut |found| {
        count += 1;
        if count % TELL_EVERY == 0 {
            looked(count);
        }
        search.visit(found)
    })
    .map_err(wrong)?;
    if stop() {
        return Err(FileError::cancelled());
    }
    let truncated = search.found.truncated.or(walk.cut);
    Ok(Matches { truncated, ..search.found })
}

impl Search<'_> {
    fn visit(&mut self, found: &Found<'_>) -> Next {
        if self.excluded.is_match(found.relative) {
            return Next::Past;
        }
        if self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(found.relative)) {
            if self.content.is_none() {
                let path = self.place.root.shown(&self.relative(found));
                self.add(Match { path, kind: found.entry.kind, line: None, text: None });
            } else if found.entry.kind == EntryKind::File && self.look_into(found).is_err() {
                self.found.files_skipped += 1;
            }
        }
        if Instant::now() >= self.until {
            self.found.truncated.get_or_insert(Cut::Time);
        }
        if self.found.truncated.is_some() { Next::End } else { Next::Into }
    }

    fn add(&mut self, found: Match) {
        if self.found.matches.len() < self.ground.limits.matches_max {
            self.found.matches.push(found);
        } else {
            self.found.truncated.get_or_insert(Cut::Entries);
        }
    }

    /// The path from the root on.
    fn relative(&self, found: &Found<'_>) -> String {
        joined(&self.place.relative, found.relative)
    }

    /// Searches a file's lines.
    ///
    /// # Errors
    /// When its contents are not searched.
    fn look_into(&mut self, found: &Found<'_>) -> Result<(), FileError> {
        let place = self.place.root.at(self.relative(found));
        let (file, metadata) = open_file(&place, self.ground.hard_links)?;
        let bytes_max = self.ground.limits.search_file_bytes_max.0;
        let mut reader = BufReader::with_capacity(64 * 1024, file.take(bytes_max));
        let wrong = |error: io::Error| FileError::of(&error, "search", &place.shown());
        if metadata.len() > bytes_max || !kind::is_text(reader.fill_buf().map_err(wrong)?) {
            return Err(FileError::invalid("not searched"));
        }
        let path = place.shown();
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(wrong)? == 0 {
                break;
            }
            let bare = line.strip_suffix(b"\n").unwrap_or(&line);
            let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
            if let Some(place) = self.content.as_ref().and_then(|content| content.find(bare)) {
                let text = Some(around(bare, place.start()));
                self.add(Match { path: path.clone(), kind: EntryKind::File, line: Some(number), text });
            }
            if number % 256 == 0 && Instant::now() >= self.until {
                self.found.truncated.get_or_insert(Cut::Time);
            }
            if self.found.truncated.is_some() || (self.stop)() {
                break;
            }
        }
        Ok(())
    }
}

/// A line, or where it is long the part of it around that place.
fn around(line: &[u8], at: usize) -> String {
    const BYTES_MAX: usize = 400;
    const BEFORE: usize = 100;
    if line.len() <= BYTES_MAX {
        return String::from_utf8_lossy(line).into_owned();
    }
    let is_middle = |at: &usize| line.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let mut start = at.saturating_sub(BEFORE);
    while is_middle(&start) {
        start += 1;
    }
    let mut end = (start + BYTES_MAX).min(line.len());
    while is_middle(&end) {
        end -= 1;
    }
    let cut = |is_cut| if is_cut { "…" } else { "" };
    format!("{}{}{}", cut(start > 0), String::from_utf8_lossy(&line[start..end]), cut(end < line.len()))
}

impl Matches {
    /// A line for each: the path, and for lines of files their number and text.
    pub(super) fn to_text(&self) -> String {
        let shown = |found: &Match| match (found.line, &found.text) {
            (Some(line), Some(text)) => format!("{}:{line}: {text}", found.path),
            _ => found.path.clone(),
        };
        let mut lines: Vec<_> = self.matches.iter().map(shown).collect();
        if lines.is_empty() {
            lines.push("No matches found".into());
        }
        match self.truncated {
            Some(Cut::Entries) => {
                lines.push("… there may be more: search a smaller folder, or for less".into())
            }
            Some(Cut::Depth) => lines
                .push("… folders deeper than depth_max were not searched: search them by their path".into()),
            Some(Cut::Time) => {
                lines.push("… stopped after search_time: search a smaller folder, or exclude some".into())
            }
            None => {}
        }
        if self.files_skipped > 0 {
            lines.push(format!("… {} files were not searched: too large, or no text", self.files_skipped));
        }
        lines.join("\n")
    }
}
