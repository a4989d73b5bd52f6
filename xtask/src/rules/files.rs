//! How a file of Rust is laid out: its name, its first line, its length, and two things it must not hold.

use crate::finding::Finding;
use crate::house::{House, Source};
use crate::tree::name_of;

/// Above this many lines a file is an error, tests not counted.
const LINES_MAX: usize = 600;
/// From this many on it is a warning.
const LINES_WARN: usize = 500;

pub(super) fn check(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in house.tree.files().filter(|(path, _)| path.ends_with(".rs")) {
        findings.extend(name_and_opening(path, text));
    }
    for source in &house.sources {
        let line_count = house.tree.text(&source.path).map_or(0, |text| text.lines().count());
        findings.extend(length(source, line_count));
        findings.extend(contents(source));
    }
    findings
}

fn name_and_opening(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if name_of(path) == "mod.rs" {
        let message = "this layout hides the module's name: make it `foo.rs` beside `foo/`";
        findings.push(Finding::error(path, 1, "mod-file", message));
    }
    if !text.starts_with("//!") {
        let message = "open the file with `//!`: what it is, then why it exists or what it must never do";
        findings.push(Finding::error(path, 1, "header", message));
    }
    findings
}

fn length(source: &Source, line_count: usize) -> Option<Finding> {
    if source.is_test {
        return None;
    }
    let count = line_count - source.reading.test_line_count;
    let message =
        format!("{count} lines without tests, and {LINES_MAX} are the limit: split it by what it answers");
    match count {
        0..LINES_WARN => None,
        LINES_WARN..=LINES_MAX => Some(Finding::warning(&source.path, 1, "length", message)),
        _ => Some(Finding::error(&source.path, 1, "length", message)),
    }
}

fn contents(source: &Source) -> Vec<Finding> {
    let globs = source.reading.super_globs.iter().filter(|_| !source.is_test).map(|line| {
        let message = "a star hides what is imported: name it (tests may use the star)";
        Finding::error(&source.path, *line, "super-glob", message)
    });
    let ignored = source.reading.ignored_tests.iter().map(|line| {
        let message = "an ignored test proves nothing: make it run everywhere, or delete it";
        Finding::error(&source.path, *line, "ignored-test", message)
    });
    globs.chain(ignored).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(&'static str, crate::finding::Severity, usize)> {
        let findings = check(&House::of(&[("Cargo.toml", "[package]\nname = \"one\"\n"), (path, text)]));
        findings.iter().map(|finding| (finding.rule, finding.severity, finding.line)).collect()
    }

    use crate::finding::Severity::{Error, Warning};

    #[test]
    fn files_open_with_their_purpose() {
        assert_eq!(found("src/a.rs", "//! A.\n"), []);
        for text in ["", "// A.\n", "use a::b;\n", "\n//! A.\n", "#![forbid(unsafe_code)]\n//! A.\n"] {
            assert_eq!(found("src/a.rs", text), [("header", Error, 1)], "{text:?}");
        }
    }

    #[test]
    fn no_file_is_named_mod() {
        assert_eq!(found("src/a/mod.rs", "//! A.\n"), [("mod-file", Error, 1)]);
        assert_eq!(found("src/a/model.rs", "//! A.\n"), []);
    }

    #[test]
    fn length_is_counted_without_tests() {
        let lines = |count: usize| format!("//! A.\n{}", "fn f() {}\n".repeat(count - 1));
        assert_eq!(found("src/a.rs", &lines(499)), []);
        assert_eq!(found("src/a.rs", &lines(500)), [("length", Warning, 1)]);
        assert_eq!(found("src/a.rs", &lines(600)), [("length", Warning, 1)]);
        assert_eq!(found("src/a.rs", &lines(601)), [("length", Error, 1)]);
        assert_eq!(found("tests/a.rs", &lines(601)), []);
        let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(499), "fn f() {}\n".repeat(300));
        assert_eq!(found("src/a.rs", &tested), []);
    }

    #[test]
    fn stars_of_super_belong_to_tests() {
        assert_eq!(found("src/a.rs", "//! A.\nuse super::*;\n"), [("super-glob", Error, 2)]);
        assert_eq!(found("src/a.rs", "//! A.\n#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"), []);
        assert_eq!(found("tests/a.rs", "//! A.\nmod inner { use super::*; }\n"), []);
    }

    #[test]
    fn no_test_is_ignored() {
        assert_eq!(
            found("tests/a.rs", "//! A.\n#[test]\n#[ignore]\nfn f() {}\n"),
            [("ignored-test", Error, 3)]
        );
        assert_eq!(found("tests/a.rs", "//! A.\n#[test]\nfn f() {}\n"), []);
    }
}
