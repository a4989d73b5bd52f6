//! What rules refuse, strip and leave alone: by rows, and for any text whatever.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(rule: &TextRule, text: &str, expected: Result<&str, &str>) {
    let found = rule.compile().unwrap().apply(text).map(Cow::into_owned);
    assert_eq!(found, expected.map(Into::into).map_err(Into::into), "{text:?}");
}

#[test]
fn lengths_and_patterns_hold_for_the_whole_text() {
    let rule = || TextRule::default();
    check(&rule(), "anything\u{202e}\0", Ok("anything\u{202e}\0"));
    check(&rule().max_chars(3), "äöü", Ok("äöü"));
    check(&rule().max_chars(3), "äöüx", Err("must have at most 3 characters, got 4"));
    check(&rule().min_chars(2), "é", Err("must have at least 2 characters, got 1"));
    check(&rule().min_chars(2), "éé", Ok("éé"));
    check(&rule().pattern("[a-z]+"), "abc", Ok("abc"));
    check(&rule().pattern("[a-z]+"), "abc1", Err("must match the pattern `[a-z]+`, got \"abc1\""));
    check(&rule().pattern("^[a-z]+$"), "abc\n", Err("must match the pattern `^[a-z]+$`, got \"abc\\n\""));
    check(&rule().pattern("a|ab"), "ab", Ok("ab"));
    check(&rule().pattern("(?i)ABC"), "abc", Ok("abc"));
}

#[test]
fn what_a_rule_rejects_is_told_with_its_code_and_its_place() {
    let strict = TextRule::strict;
    check(&strict(), "two\nlines\tand é 日本", Ok("two\nlines\tand é 日本"));
    check(&strict(), "a\u{7}b", Err("must not hold control characters, got U+0007 at character 2"));
    check(&strict(), "ab\r\n", Err("must not hold control characters, got U+000D at character 3"));
    check(&strict(), "é\u{1b}[31m", Err("must not hold commands to a terminal, got U+001B at character 2"));
    check(&strict(), "\u{9b}31m", Err("must not hold commands to a terminal, got U+009B at character 1"));
    check(
        &strict(),
        "a\u{202e}b",
        Err("must not hold characters that turn text around, got U+202E at character 2"),
    );
    check(&strict(), "a\u{200b}b", Err("must not hold invisible characters, got U+200B at character 2"));
    check(&strict(), "x\u{e0041}", Err("must not hold invisible characters, got U+E0041 at character 2"));
    // A joiner does its work in a family and in Persian, and hides something in English.
    check(
        &strict(),
        "👩\u{200d}💻 می\u{200c}خواهم 1\u{fe0f}\u{20e3}",
        Ok("👩\u{200d}💻 می\u{200c}خواهم 1\u{fe0f}\u{20e3}"),
    );
    check(
        &strict(),
        "pass\u{200d}word",
        Err("must not hold invisible characters, got U+200D at character 5"),
    );
    check(
        &strict(),
        "é\u{200d}\u{200c}",
        Err("must not hold invisible characters, got U+200C at character 3"),
    );
    let control_alone = TextRule::default().control(Mark::Reject);
    check(&control_alone, "\u{1b}[m", Err("must not hold control characters, got U+001B at character 1"));
    let mixed = TextRule::default().control(Mark::Reject).ansi(Mark::Strip);
    check(&mixed, "\u{1b}]0;title\u{7}text", Ok("text"));
    // What a command takes along joins nothing any more.
    let mixed = TextRule::default().invisible(Mark::Reject).ansi(Mark::Strip);
    check(&mixed, "7\u{1b}7\u{fe0f}", Ok("7\u{fe0f}"));
    check(&mixed, "\u{1b}7\u{fe0f}", Err("must not hold invisible characters, got U+FE0F at character 3"));
}

#[test]
fn what_is_stripped_goes_before_anything_is_measured() {
    let clean = TextRule::clean;
    check(&clean(), "\u{1b}[1mbold\u{1b}[0m\r\nnext\0", Ok("bold\nnext"));
    check(&clean(), "user\u{202e}\u{2066} na\u{200b}me\u{e0041}\u{e007f}", Ok("user name"));
    check(&clean().max_chars(4), "\u{200b}\u{200b}\u{200b}name", Ok("name"));
    check(&clean().min_chars(1), "\u{200b}", Err("must have at least 1 characters, got 0"));
    check(&clean().pattern("[a-z]+"), "na\u{200b}me", Ok("name"));
    let bidi_alone = TextRule::default().bidi(Mark::Strip);
    check(&bidi_alone, "\u{1b}[m\u{202e}\u{200b}", Ok("\u{1b}[m\u{200b}"));
    let control_alone = TextRule::default().control(Mark::Strip);
    check(&control_alone, "\u{1b}[31m\u{7}x", Ok("[31mx"));
}

#[test]
fn a_rule_that_can_not_hold_says_why() {
    let error = |rule: TextRule| rule.compile().unwrap_err().to_string();
    assert!(
        error(TextRule::default().pattern("(")).starts_with("the pattern `(` can't be used: error: unclosed")
    );
    for pattern in [r"(a)\1", "(?=a)b", "a)(b", "(((a{1000}){1000}){1000})"] {
        assert!(error(TextRule::default().pattern(pattern)).contains("can't be used"), "{pattern}");
    }
    assert_eq!(
        error(TextRule::default().min_chars(3).max_chars(2)),
        "min_chars (3) is more than max_chars (2)"
    );
    let read = |text: &str| serde_json::from_str::<TextRule>(text);
    assert_eq!(
        read(r#"{"max_chars": 5, "bidi": "strip"}"#).unwrap(),
        TextRule::default().max_chars(5).bidi(Mark::Strip)
    );
    assert!(read(r#"{"maxchars": 5}"#).is_err() && read(r#"{"bidi": "escape"}"#).is_err());
}

#[test]
fn an_output_rule_keeps_strips_or_writes_out() {
    let check = |rule: OutputRule, expected: &str| {
        assert_eq!(rule.clean_text("\u{1b}[31mr\u{85}\u{7f}\t\r\n\u{202e}x\u{200b}é\u{fe0f}"), expected);
    };
    check(OutputRule::KEEP, "\u{1b}[31mr\u{85}\u{7f}\t\r\n\u{202e}x\u{200b}é\u{fe0f}");
    check(OutputRule::clean(), "r\t\nxé\u{fe0f}");
    let shown =
        OutputRule::KEEP.escapes(Treatment::Escape).bidi(Treatment::Escape).invisible(Treatment::Escape);
    check(shown, "\\u{1b}[31mr\\u{85}\\u{7f}\t\r\n\\u{202e}x\\u{200b}é\u{fe0f}");
}

/// Texts in which special characters are as frequent as they are in an attack.
fn texts() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        "\u{1b}",
        "\u{1b}[",
        "\u{1b}]",
        "\u{9b}",
        "\u{9d}",
        "\u{9c}",
        "\u{7}",
        "\\",
        "31m",
        ";",
        "\r",
        "\n",
        "\t",
        "\u{202e}",
        "\u{2066}",
        "\u{61c}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{fe0f}",
        "\u{e0041}",
        "\u{feff}",
        "é",
        "日",
        "👩",
        "1",
        "a",
        " ",
        "\0",
        "\u{ad}",
        "\u{e0100}",
        "\u{1b}7",
        "\u{1b}(",
    ]);
    let any = prop_oneof![4 => special.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from), 1 => "[ -~]{0,80}"];
    prop::collection::vec(any, 0..40).prop_map(|parts| parts.concat())
}

fn rules() -> impl Strategy<Value = TextRule> {
    let mark = || prop::sample::select(vec![Mark::Allow, Mark::Reject, Mark::Strip]);
    (mark(), mark(), mark(), mark()).prop_map(|(control, bidi, invisible, ansi)| TextRule {
        control,
        bidi,
        invisible,
        ansi,
        ..TextRule::default()
    })
}

fn treatments() -> impl Strategy<Value = Treatment> {
    prop::sample::select(vec![Treatment::Keep, Treatment::Strip, Treatment::Escape])
}

proptest! {
    #[test]
    fn cleaning_twice_is_cleaning_once(text in texts(), escapes in treatments(), bidi in treatments(), invisible in treatments()) {
        let rule = OutputRule { escapes, bidi, invisible, bytes_max: None };
        let once = rule.clean_text(&text).into_owned();
        let twice = rule.clean_text(&once);
        prop_assert!(matches!(twice, Cow::Borrowed(_)), "{text:?} {once:?} {twice:?}");
    }

    #[test]
    fn what_a_rule_lets_through_it_lets_through_again(text in texts(), rule in rules()) {
        let check = rule.compile().unwrap();
        if let Ok(kept) = check.apply(&text).map(Cow::into_owned) {
            prop_assert_eq!(check.apply(&kept), Ok(Cow::Borrowed(kept.as_str())), "{:?}", text);
        }
    }

    #[test]
    fn nothing_that_must_not_be_there_is_left(text in texts()) {
        let cleaned = OutputRule::clean().clean_text(&text).into_owned();
        for character in cleaned.chars() {
            prop_assert!(!character.is_control() || character == '\n' || character == '\t', "{cleaned:?}");
            let hides = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}');
            prop_assert!(!hides, "{cleaned:?}");
        }
        prop_assert_eq!(TextRule::strict().compile().unwrap().apply(&cleaned), Ok(Cow::Borrowed(cleaned.as_str())));
    }

    #[test]
    fn a_clean_text_is_neither_changed_nor_copied(text in "[ -~\n\té日本語ßя]{0,300}") {
        prop_assert!(matches!(OutputRule::clean().clean_text(&text), Cow::Borrowed(same) if same == text));
        let check = TextRule::clean().compile().unwrap();
        prop_assert!(matches!(check.apply(&text), Ok(Cow::Borrowed(same)) if same == text));
    }

    #[test]
    fn what_is_stripped_from_an_argument_is_never_refused_afterwards(text in texts()) {
        let cleaned = TextRule::clean().compile().unwrap().apply(&text).unwrap().into_owned();
        prop_assert_eq!(TextRule::strict().compile().unwrap().apply(&cleaned), Ok(Cow::Borrowed(cleaned.as_str())));
    }
}
