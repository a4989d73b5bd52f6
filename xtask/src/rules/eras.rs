//! Only the places that ARCHITECTURE.md lists may name an era: everything else sees what is true in all.
//!
//! Comments and documentation may say what they like, and so may tests.

use crate::architecture;
use crate::finding::Finding;
use crate::house::{House, Source};

/// The revisions' dates, as clients send them. A new revision's name is a finding until it is added.
const DATES: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// Identifiers that name an era as a whole, and words that name one inside of a longer identifier.
const NAMES: [&str; 2] = ["Revision", "Era"];
const WORDS: [&str; 2] = ["legacy", "modern"];

pub(super) fn check(house: &House) -> Vec<Finding> {
    let mut findings = unknown_revisions(house);
    match architecture::era_places(&house.tree) {
        Ok(places) => {
            let outside = house.shipped().filter(|(source, _)| !architecture::holds(&places, &source.path));
            findings.extend(outside.flat_map(|(source, _)| named_in(source)));
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

fn named_in(source: &Source) -> Vec<Finding> {
    let advice = "decide it in the session or the transport, and hand down what follows from it";
    let finding = |line, what: &str| {
        Finding::error(
            &source.path,
            line,
            "era",
            format!("{what} names an era outside of the places that may: {advice}"),
        )
    };
    let names = source.reading.names.iter().filter(|name| names_era(&name.text));
    let names = names.map(|name| finding(name.line, &format!("`{}`", name.text)));
    let literals = source.reading.literals.iter();
    let dates = literals.filter_map(|literal| {
        let date = DATES.iter().find(|date| literal.text.contains(*date))?;
        Some(finding(literal.line, &format!("the date {date}")))
    });
    names.chain(dates).collect()
}

fn names_era(identifier: &str) -> bool {
    NAMES.contains(&identifier)
        || date_of(identifier).is_some()
        || words_of(identifier).iter().any(|word| WORDS.contains(&word.as_str()))
}

/// The date in a revision's identifier: `V2025_11_25` is `2025-11-25`.
fn date_of(identifier: &str) -> Option<String> {
    let digits = identifier.strip_prefix('V')?;
    let shape: String =
        digits.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    (shape == "0000_00_00").then(|| digits.replace('_', "-"))
}

/// An identifier's words in lower case, whether it is written `like_this`, `LIKE_THIS` or `LikeThis`.
fn words_of(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for letter in identifier.chars() {
        if letter == '_' || letter.is_uppercase() && before.is_lowercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter != '_') {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words
}

/// Revisions that the sources know and this rule does not: it would overlook their dates.
fn unknown_revisions(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, _) in house.shipped() {
        for name in &source.reading.names {
            if let Some(date) = date_of(&name.text).filter(|date| !DATES.contains(&date.as_str())) {
                let message =
                    format!("{date} is new: add it to the dates that the era rule looks for, in xtask");
                findings.push(Finding::error(&source.path, name.line, "era", message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let page = "<!-- eras:begin -->\n| may name an era | why |\n|---|---|\n| `src/session/**` | it decides |\n<!-- eras:end -->";
        let files = [("ARCHITECTURE.md", page), ("Cargo.toml", "[package]\nname = \"one\"\n"), (path, text)];
        check(&House::of(&files)).iter().map(ToString::to_string).collect()
    }

    const NAMING: [&str; 9] = [
        "use protocol::Revision;",
        "fn f(era: Era) {}",
        "const LATEST_LEGACY: u8 = 1;",
        "mod legacy;",
        "fn begin_modern() {}",
        "struct LegacySession;",
        "const V: Own = Own::V2025_11_25;",
        "const DATE: &str = \"2025-11-25\";",
        "fn f() { json!({\"protocolVersion\": \"2024-11-05\"}) }",
    ];

    #[test]
    fn an_era_is_named_in_its_places_only() {
        for text in NAMING {
            let outside = found("src/hub.rs", text);
            assert_eq!(outside.len(), 1, "{text}: {outside:?}");
            assert!(outside[0].starts_with("src/hub.rs:1: "), "{outside:?}");
            assert!(found("src/session/encode.rs", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn comments_tests_and_other_words_are_free() {
        let rows = [
            "/// Legacy, since 2025-11-25.\nfn f() {}",
            "// Modern: 2026-07-28",
            "#[cfg(test)] mod tests { const DATE: &str = \"2025-11-25\"; fn legacy() {} }",
            "const DAY: &str = \"2026-01-31\";",
            "fn revision_count(operation: u8, several: u8) {}",
            "struct Several; struct V2; struct Modernize;",
        ];
        for text in rows {
            assert!(found("src/hub.rs", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_revision_that_this_rule_does_not_know_is_a_finding_even_in_its_place() {
        let found = found("src/session/state.rs", "enum Own { V2031_01_01 }");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("2031-01-01 is new"), "{found:?}");
    }

    #[test]
    fn without_the_table_nothing_is_guessed() {
        let findings = check(&House::of(&[("Cargo.toml", "[package]\nname = \"one\"\n")]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "ARCHITECTURE.md");
    }
}
