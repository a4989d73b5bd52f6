//! What can't be meant is refused at compile time, where it stands and with what to write instead.

#[test]
fn misuses_are_refused_where_they_stand() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
