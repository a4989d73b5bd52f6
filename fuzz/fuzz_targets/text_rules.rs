//! Whatever a text holds: what a rule lets through is clean, stays as it is the second time, and nothing panics.
#![no_main]

use std::borrow::Cow;

use impresario_engine::{Mark, OutputRule, TextRule, Treatment};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &str, &str)| {
    let (choice, pattern, text) = input;
    let treatment = |shift: u16| match choice >> shift & 3 {
        0 => Treatment::Keep,
        1 => Treatment::Strip,
        _ => Treatment::Escape,
    };
    let mark = |shift: u16| match choice >> shift & 3 {
        0 => Mark::Allow,
        1 => Mark::Strip,
        _ => Mark::Reject,
    };
    let output = OutputRule::KEEP.escapes(treatment(0)).bidi(treatment(2)).invisible(treatment(4));
    let cleaned = output.clean_text(text).into_owned();
    assert!(matches!(output.clean_text(&cleaned), Cow::Borrowed(_)), "{text:?} {cleaned:?}");

    let rule = TextRule::default().control(mark(6)).bidi(mark(8)).invisible(mark(10)).ansi(mark(12));
    if let Ok(kept) = rule.compile().map(|check| check.apply(text).map(Cow::into_owned))
        && let Ok(kept) = kept
    {
        let again = rule.compile().map(|check| check.apply(&kept).map(Cow::into_owned));
        assert_eq!(again, Ok(Ok(kept)), "{text:?}");
    }
    if let Ok(check) = TextRule::clean().pattern(pattern).compile()
        && let Ok(kept) = check.apply(text)
    {
        let strict = TextRule::strict().compile().expect("a rule without a pattern can hold");
        assert_eq!(strict.apply(&kept), Ok(Cow::Borrowed(&*kept)), "{text:?}");
    }
});
