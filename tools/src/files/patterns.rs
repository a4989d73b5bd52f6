//! The globs and regular expressions of a call: bounded when they are read, and matched in linear time.

use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use regex::bytes::{Regex, RegexBuilder};

use super::problem::{FileError, shown};
use super::settings::FileLimits;

/// A glob on the path from the folder on where the search began: `*` stays within a name, `**` does not.
///
/// # Errors
/// When it is none, or too long.
pub(super) fn path_glob(pattern: &str, limits: &FileLimits) -> Result<GlobMatcher, FileError> {
    check_len(pattern, "pattern", limits)?;
    Ok(glob(pattern)?.compile_matcher())
}

/// What is left out: a glob with a slash is one on the path, any other one on each name, at any depth.
///
/// # Errors
/// When one is none or too long, or there are too many.
pub(super) fn excluded(patterns: &[String], limits: &FileLimits) -> Result<GlobSet, FileError> {
    let patterns_max = limits.patterns_max;
    if patterns.len() > patterns_max {
        let text = format!(
            "{} excludePatterns are more than {patterns_max} (patterns_max): pass fewer",
            patterns.len()
        );
        return Err(FileError::invalid(text));
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        check_len(pattern, "excludePatterns", limits)?;
        let pattern = pattern.trim_end_matches('/');
        let pattern = pattern.strip_suffix("/**").unwrap_or(pattern);
        match pattern.strip_prefix('/') {
            Some(anchored) => set.add(glob(anchored)?),
            None if pattern.contains('/') => set.add(glob(pattern)?),
            None => set.add(glob(&format!("**/{pattern}"))?),
        };
    }
    set.build().map_err(|error| {
        FileError::invalid(format!("excludePatterns are too large together: {}", error.kind()))
    })
}

/// A regular expression on each line of a file.
///
/// # Errors
/// When it is none, too long or too large.
pub(super) fn content_regex(pattern: &str, limits: &FileLimits) -> Result<Regex, FileError> {
    const PROGRAM_BYTES_MAX: usize = 1 << 20;
    check_len(pattern, "content", limits)?;
    let regex =
        RegexBuilder::new(pattern).size_limit(PROGRAM_BYTES_MAX).dfa_size_limit(PROGRAM_BYTES_MAX).build();
    regex.map_err(|error| {
        let why = match error {
            regex::Error::CompiledTooBig(_) => "it is too large; repeat less in it".to_owned(),
            // The last line of the text says what is wrong; those before it draw the place.
            other => {
                other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        };
        FileError::invalid(format!("content {} is no regular expression: {why}", shown(pattern)))
    })
}

fn glob(pattern: &str) -> Result<Glob, FileError> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| FileError::invalid(format!("{} is no glob: {}", shown(pattern), error.kind())))
}

fn check_len(pattern: &str, argument: &str, limits: &FileLimits) -> Result<(), FileError> {
    let bytes_max = limits.pattern_bytes_max;
    match pattern.len() {
        0 => Err(FileError::invalid(format!("{argument} is empty: pass a pattern, such as **/*.md"))),
        len if len > bytes_max => Err(FileError::invalid(format!(
            "{argument} is longer than {bytes_max} bytes (pattern_bytes_max): shorten it"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_their_readers_expect() {
        let limits = FileLimits::default();
        for (pattern, path, expected) in [
            ("*.md", "a.md", true),
            ("*.md", "b/a.md", false),
            ("**/*.md", "a.md", true),
            ("**/*.md", "b/c/a.md", true),
            ("b/**", "b/c/a.md", true),
            ("{a,b}.md", "b.md", true),
            ("[!a].md", "b.md", true),
            ("*", ".hidden", true),
            ("A.md", "a.md", false),
        ] {
            assert_eq!(path_glob(pattern, &limits).unwrap().is_match(path), expected, "{pattern} {path}");
        }
        for (pattern, path, expected) in [
            ("node_modules", "node_modules", true),
            ("node_modules", "a/node_modules", true),
            ("node_modules/**", "a/node_modules", true),
            ("target/", "target", true),
            ("*.log", "a/b.log", true),
            ("a/*.log", "a/b.log", true),
            ("a/*.log", "c/a/b.log", false),
            ("/target", "a/target", false),
            ("/target", "target", true),
        ] {
            assert_eq!(
                excluded(&[pattern.into()], &limits).unwrap().is_match(path),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn patterns_that_are_none_or_too_large_are_refused() {
        let limits = FileLimits::default();
        let said = |error: FileError| error.to_string();
        assert!(said(path_glob("", &limits).unwrap_err()).contains("empty"));
        assert!(said(path_glob("[a", &limits).unwrap_err()).contains("no glob"));
        assert!(said(path_glob(&"a".repeat(1_001), &limits).unwrap_err()).contains("pattern_bytes_max"));
        assert!(said(excluded(&vec!["a".into(); 101], &limits).unwrap_err()).contains("patterns_max"));
        assert!(said(content_regex("(", &limits).unwrap_err()).contains("unclosed group"));
        assert!(said(content_regex("(?:a{1000}){1000}", &limits).unwrap_err()).contains("too large"));
        assert!(said(content_regex(r"(a)\1", &limits).unwrap_err()).contains("backreferences"));
    }
}
