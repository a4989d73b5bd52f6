//! Edits a file: every edit fits or none is made, and what changes is shown as a unified diff.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use similar::TextDiff;

use super::ground::{Ground, Stamp};
use super::open::{Stop, open_file, read_all};
use super::problem::{FileError, FileErrorKind, shown};
use super::roots::Place;
use super::write::{Target, check_size, write_limit};

/// One edit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Edit {
    /// Text to search for: exactly as it stands in the file, and in one place only
    old_text: String,
    /// Text to put in its place
    new_text: String,
    /// Replace every place where oldText stands, not only one
    #[serde(default)]
    replace_all: bool,
}

/// Edits a file, or shows what would change. Returns the difference, and whether the file is another now.
///
/// # Errors
/// When an edit does not fit, or the file can't be read or written; then nothing has changed.
pub(super) fn edit(
    ground: &Ground,
    place: &Place<'_>,
    edits: &[Edit],
    is_dry_run: bool,
    stop: Stop<'_>,
) -> Result<(String, bool), FileError> {
    place.check_writable()?;
    let edits_max = ground.limits.edits_max;
    if edits.is_empty() || edits.len() > edits_max {
        return Err(FileError::invalid(format!("pass 1 to {edits_max} edits (edits_max)")));
    }
    let target = Target::find(ground, place)?;
    let _held = target.hold(ground, place)?;
    let (file, metadata) = open_file(place, ground.hard_links)?;
    let bytes = read_all(file, &place.shown(), &write_limit(ground), stop)?;
    let before = String::from_utf8(bytes).map_err(|_| {
        FileError::new(
            FileErrorKind::WrongKind,
            format!("{:?} is no UTF-8 text and can't be edited", place.shown()),
        )
    })?;
    let after = apply(&before, edits, ground.limits.write_bytes_max.0)?;
    check_size(ground, place, &after)?;
    let is_written = !is_dry_run && after != before;
    if is_written {
        // What was written by others since it was read is not to be lost.
        let now = Target::find(ground, place)?;
        if now.before.as_ref().map(Stamp::of) != Some(Stamp::of(&metadata)) {
            let text = format!("{:?} was changed by somebody else meanwhile: read it again", place.shown());
            return Err(FileError::new(FileErrorKind::Conflict, text));
        }
        if stop() {
            return Err(FileError::cancelled());
        }
        now.replace(ground, place, after.as_bytes())?;
    }
    let diff_bytes_max = usize::try_from(ground.limits.diff_bytes_max.0).unwrap_or(usize::MAX);
    Ok((difference(&place.shown(), &before, &after, diff_bytes_max), is_written))
}

/// The text with every edit made, one after the other.
///
/// # Errors
/// Which edit does not fit, and why.
pub(super) fn apply(text: &str, edits: &[Edit], bytes_max: u64) -> Result<String, FileError> {
    let has_crlf = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
    let mut text = text.to_owned();
    for (place, edit) in edits.iter().enumerate() {
        let wrong = |kind, problem: String| {
            FileError::new(kind, format!("edits[{place}]: {problem}; nothing was changed"))
        };
        if edit.old_text.is_empty() {
            return Err(wrong(FileErrorKind::Invalid, "oldText is empty: pass the text to replace".into()));
        }
        // A file keeps its line ends, whatever the model writes.
        let in_its_style = |text: &str| match has_crlf && !text.contains('\r') {
            true => text.replace('\n', "\r\n"),
            false => text.to_owned(),
        };
        let (old, new) = (in_its_style(&edit.old_text), in_its_style(&edit.new_text));
        let count = text.matches(&old).count();
        match count {
            0 => return Err(wrong(FileErrorKind::Conflict, not_found(&text, &old))),
            1 => {}
            _ if edit.replace_all => {}
            _ => {
                let lines = lines_of(&text, &old);
                let problem = format!(
                    "oldText stands in {count} places (lines {lines}): add lines around it until it stands in one, or set replaceAll"
                );
                return Err(wrong(FileErrorKind::Conflict, problem));
            }
        }
        let grown = (text.len() as u64).saturating_add((count as u64).saturating_mul(new.len() as u64));
        if grown > bytes_max.saturating_add((count as u64).saturating_mul(old.len() as u64)) {
            let problem =
                format!("the file would be larger than {bytes_max} bytes (write_bytes_max): make it shorter");
            return Err(wrong(FileErrorKind::TooLarge, problem));
        }
        text = text.replace(&old, &new);
    }
    Ok(text)
}

/// Why a text was not found: perhaps only its white space differs.
fn not_found(text: &str, old: &str) -> String {
    let wanted: Vec<_> = old.lines().map(str::trim).collect();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let alike =
        (!old.trim().is_empty()).then(|| lines.windows(wanted.len()).position(|window| window == wanted));
    match alike.flatten() {
        Some(line) => format!(
            "oldText is not in the file; line {} differs from it in white space only: copy it as it stands there",
            line + 1
        ),
        None => format!(
            "oldText is not in the file: {}; read the file again and copy the text from it",
            shown(old)
        ),
    }
}

/// The first lines in which a text begins, as numbers.
fn lines_of(text: &str, wanted: &str) -> String {
    const SHOWN_MAX: usize = 5;
    let line_of = |(at, _): (usize, &str)| text[..at].matches('\n').count() + 1;
    let lines: Vec<_> =
        text.match_indices(wanted).take(SHOWN_MAX).map(|found| line_of(found).to_string()).collect();
    let more = if text.matches(wanted).nth(SHOWN_MAX).is_some() { ", …" } else { "" };
    format!("{}{more}", lines.join(", "))
}

/// The difference in unified form, cut where it gets too long.
pub(super) fn difference(path: &str, before: &str, after: &str, bytes_max: usize) -> String {
    const TIME_MAX: Duration = Duration::from_millis(500);
    if before == after {
        return format!("nothing changes in {path}\n");
    }
    let diff = TextDiff::configure().deadline(Instant::now() + TIME_MAX).diff_lines(before, after);
    let mut text = diff.unified_diff().header(path, path).to_string();
    if text.len() > bytes_max {
        let whole = text.len();
        let cut = text.floor_char_boundary(bytes_max);
        text.truncate(text[..cut].rfind('\n').map_or(cut, |end| end + 1));
        text.push_str(&format!(
            "… cut: the difference has {whole} bytes, diff_bytes_max shows {bytes_max}\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(old: &str, new: &str) -> Edit {
        Edit { old_text: old.into(), new_text: new.into(), replace_all: false }
    }

    fn check(text: &str, edits: &[Edit], expected: Result<&str, &str>) {
        match (apply(text, edits, 1_000), expected) {
            (Ok(after), Ok(expected)) => assert_eq!(after, expected, "{text:?} {edits:?}"),
            (Err(said), Err(expected)) => {
                assert!(said.to_string().contains(expected), "{text:?} {edits:?}: {said}")
            }
            (after, expected) => panic!("{text:?} {edits:?}: {after:?}, not {expected:?}"),
        }
    }

    #[test]
    fn edits_are_made_one_after_the_other() {
        check("a b c", &[edit("b", "B")], Ok("a B c"));
        check("a b c", &[edit("b", "d"), edit("a d", "x")], Ok("x c"));
        check("a b c", &[edit(" b", "")], Ok("a c"));
        check("a a", &[Edit { replace_all: true, ..edit("a", "aa") }], Ok("aa aa"));
        check("one\r\ntwo\r\n", &[edit("one\ntwo", "1\n2\n3")], Ok("1\r\n2\r\n3\r\n"));
        check("one\r\ntwo\n", &[edit("two\n", "2\n")], Ok("one\r\n2\n"));
    }

    #[test]
    fn an_edit_that_does_not_fit_says_why() {
        check("a b", &[edit("x", "y")], Err("edits[0]: oldText is not in the file: \"x\""));
        check("a b", &[edit("a", "c"), edit("a", "d")], Err("edits[1]"));
        check("a\na\nb\na", &[edit("a", "c")], Err("3 places (lines 1, 2, 4)"));
        check("a", &[edit("", "c")], Err("oldText is empty"));
        check(
            "fn a() {\n    b();\n}\n",
            &[edit("fn a() {\n  b();", "")],
            Err("line 1 differs from it in white space only"),
        );
        check(
            "x".repeat(900).as_str(),
            &[Edit { replace_all: true, ..edit("x", "yyy") }],
            Err("write_bytes_max"),
        );
    }

    #[test]
    fn differences_are_in_unified_form_and_bounded() {
        let before = "one\ntwo\nthree\n";
        let shown = difference("/srv/a", before, "one\n2\nthree\n", 1_000);
        assert_eq!(shown, "--- /srv/a\n+++ /srv/a\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
        let long: String = (0..1_000).map(|line| format!("{line}é\n")).collect();
        let shown = difference("/srv/a", "", &long, 100);
        assert!(shown.len() < 200 && shown.contains("diff_bytes_max shows 100"), "{shown}");
        assert_eq!(difference("/srv/a", "a", "a", 100), "nothing changes in /srv/a\n");
    }
}
