//! Words that no file of the project may hold: one machine's paths, and work left open without an issue.

use std::path::Path;

use crate::finding::Finding;
use crate::house::House;
use crate::tree::name_of;

/// Marks of open work, put together here, so that this file passes.
const OPEN_WORK: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
/// Where a mark is one: data and lock files may hold any letters.
const WRITTEN_BY_HAND: [&str; 14] =
    ["rs", "sh", "py", "js", "mjs", "cjs", "ts", "mts", "toml", "yaml", "yml", "md", "json5", "run"];

pub(super) fn check(house: &House) -> Vec<Finding> {
    let folders = machine_folders();
    house.tree.files().flat_map(|(path, text)| check_file(path, text, &folders)).collect()
}

/// The folders of this machine that no file may name: where this clone lies, and the home of who works in it.
fn machine_folders() -> Vec<String> {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
    let folders = [clone, std::env::home_dir()].into_iter().flatten();
    // The root itself is in every path.
    folders.map(|folder| format!("{}/", folder.display())).filter(|folder| folder.len() > 2).collect()
}

fn check_file(path: &str, text: &str, folders: &[String]) -> Vec<Finding> {
    let by_hand = WRITTEN_BY_HAND.contains(&name_of(path).rsplit('.').next().unwrap_or_default());
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(place) = machine_path(line, folders) {
            let message = format!(
                "`{place}` is a path of one machine: make it relative, or take it from the environment"
            );
            findings.push(Finding::error(path, at + 1, "machine-path", message));
        }
        if let Some(mark) = OPEN_WORK.iter().find(|mark| by_hand && is_open(line, mark)) {
            let message =
                format!("{mark} without an issue: do it now, or open an issue and write {mark}(#number)");
            findings.push(Finding::error(path, at + 1, "open-work", message));
        }
    }
    findings
}

/// The folder of this machine that a line names, if it does; not one of that name inside of another.
fn machine_path<'f>(line: &str, folders: &'f [String]) -> Option<&'f String> {
    let starts_path = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|letter| {
            !letter.is_alphanumeric() && !matches!(letter, '_' | '-' | '.' | '/' | '*' | '}' | ')')
        })
    };
    folders.iter().find(|folder| line.match_indices(folder.as_str()).any(|(at, _)| starts_path(at)))
}

/// Whether a line holds the mark as a word, and no issue's number behind it.
fn is_open(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let behind = &line[at + mark.len()..];
        let in_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let is_word = !line[..at].ends_with(in_word) && !behind.starts_with(in_word);
        is_word
            && !behind
                .split('#')
                .skip(1)
                .any(|number| number.starts_with(|digit: char| digit.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(&'static str, usize)> {
        check(&House::of(&[(path, text)])).iter().map(|finding| (finding.rule, finding.line)).collect()
    }

    #[test]
    fn paths_of_this_machine_are_found_in_any_text() {
        for folder in machine_folders() {
            for line in [
                format!("cd {folder}main"),
                format!("\"{folder}x\""),
                format!("{folder}x"),
                format!("a:{folder}x"),
            ] {
                assert_eq!(rules("notes.txt", &format!("\n{line}\n")), [("machine-path", 2)], "{line}");
            }
            for line in [
                format!("src{folder}x"),
                format!("..{folder}x"),
                format!("https://a{folder}"),
                format!("$A-b{folder}"),
            ] {
                assert_eq!(rules("notes.txt", &line), [], "{line}");
            }
        }
    }

    #[test]
    fn open_work_names_its_issue() {
        for mark in OPEN_WORK {
            for line in [format!("// {mark}: later"), format!("// {mark}(me) later"), format!("# {mark}")] {
                assert_eq!(rules("notes.md", &line), [("open-work", 1)], "{line}");
            }
            for line in [
                format!("// {mark}(#12): later"),
                format!("// {mark} #7"),
                format!("MY{mark}S"),
                format!("{mark}_LIST"),
            ] {
                assert_eq!(rules("notes.md", &line), [], "{line}");
            }
            assert_eq!(rules("data.json", &format!("\"{mark}\"")), []);
        }
    }
}
