//! Where tokens end, in each dialect, and that nothing is lost.

use proptest::prelude::*;

use super::Dialect::{Postgres, Sqlite};
use super::Kind::{Blank, Mark, Name, Number, Parameter, Text, Word};
use super::*;

fn check(dialect: Dialect, sql: &str, expected: &[(Kind, &str)]) {
    let found = tokens(sql, dialect).unwrap_or_else(|refusal| panic!("{sql}: {refusal}"));
    let found: Vec<_> = found.iter().map(|token| (token.kind, token.text)).collect();
    assert_eq!(found, expected, "{sql}");
}

#[test]
fn both_dialects_agree_on_most() {
    for dialect in [Sqlite, Postgres] {
        check(dialect, "a.b", &[(Word, "a"), (Mark, "."), (Word, "b")]);
        check(dialect, "'it''s'", &[(Text, "'it''s'")]);
        check(dialect, "'a\\'", &[(Text, "'a\\'")]);
        check(dialect, "\"a\"\"b\"", &[(Name, "\"a\"\"b\"")]);
        check(dialect, "x'00'", &[(Word, "x"), (Text, "'00'")]);
        check(dialect, "a--b\nc", &[(Word, "a"), (Blank, "--b"), (Blank, "\n"), (Word, "c")]);
        check(dialect, "/* a */b", &[(Blank, "/* a */"), (Word, "b")]);
        check(dialect, ":a::b", &[(Parameter, ":a"), (Mark, "::"), (Word, "b")]);
        check(dialect, "a::int", &[(Word, "a"), (Mark, "::"), (Word, "int")]);
        check(dialect, "1.5e-3+.5", &[(Number, "1.5e-3"), (Mark, "+"), (Number, ".5")]);
        check(dialect, "0x1e+1", &[(Number, "0x1e"), (Mark, "+"), (Number, "1")]);
        check(dialect, "größe", &[(Word, "größe")]);
        check(dialect, "a$b", &[(Word, "a$b")]);
        check(dialect, "->>'$.a'", &[(Mark, "-"), (Mark, ">"), (Mark, ">"), (Text, "'$.a'")]);
    }
}

#[test]
fn each_dialect_has_its_own() {
    check(Sqlite, "[a'b]", &[(Name, "[a'b]")]);
    check(Sqlite, "`a``b`", &[(Name, "`a``b`")]);
    check(Sqlite, "--a\rb", &[(Blank, "--a\rb")]);
    check(Sqlite, "/* /* */", &[(Blank, "/* /* */")]);
    check(Postgres, "a[1]", &[(Word, "a"), (Mark, "["), (Number, "1"), (Mark, "]")]);
    check(Postgres, "--a\rb", &[(Blank, "--a"), (Blank, "\r"), (Word, "b")]);
    check(Postgres, "/* /* */ */a", &[(Blank, "/* /* */ */"), (Word, "a")]);
    check(Postgres, "$$a'$b$$c", &[(Text, "$$a'$b$$"), (Word, "c")]);
    check(Postgres, "$t$a$$b$t$", &[(Text, "$t$a$$b$t$")]);
    check(Postgres, "E'\\'a'", &[(Text, "E'\\'a'")]);
    check(Postgres, "e'a''b'", &[(Text, "e'a''b'")]);
    check(Postgres, "ORe'a'", &[(Word, "ORe"), (Text, "'a'")]);
    check(
        Postgres,
        "a ? b @> c",
        &[
            (Word, "a"),
            (Blank, " "),
            (Mark, "?"),
            (Blank, " "),
            (Word, "b"),
            (Blank, " "),
            (Mark, "@"),
            (Mark, ">"),
            (Blank, " "),
            (Word, "c"),
        ],
    );
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let rows = [
        (Sqlite, "'a", "a string is not closed"),
        (Sqlite, "\"a", "a name is not closed"),
        (Sqlite, "[a", "add ]"),
        (Sqlite, "/* a", "add */"),
        (Sqlite, "/*/", "add */"),
        (Sqlite, "?1", ":name"),
        (Sqlite, "@a", ":name"),
        (Sqlite, "$a", ":name"),
        (Sqlite, "a\0b", "no character"),
        (Sqlite, "\u{feff}SELECT 1", "byte order mark"),
        (Sqlite, "1[", "space behind the number 1"),
        (Postgres, "$1", ":name"),
        (Postgres, "$a", ":name"),
        (Postgres, "$1$a$1$", ":name"),
        (Postgres, "$t$a$T$", "add $t$"),
        (Postgres, "/* /* */", "add */"),
        (Postgres, "E'\\'", "not closed"),
        (Postgres, "1E'\\''", "space behind the number 1E"),
        (Postgres, "1$$a$$", "space behind the number 1"),
        (Postgres, "U&'\\0061'", "the characters themselves"),
        (Postgres, "u&\"a\"", "the characters themselves"),
        (Postgres, "E'a'\n'\\'", "in one piece"),
        (Postgres, "E'a' -- b\n 'c'", "in one piece"),
        (Postgres, "a \\ b", "no character"),
        (Postgres, "a\u{b}b", "no character"),
    ];
    for (dialect, sql, expected) in rows {
        let refusal = tokens(sql, dialect).expect_err(sql);
        assert!(refusal.to_string().contains(expected), "{sql}: {refusal}");
    }
}

#[test]
fn names_are_told_without_their_quotes() {
    let rows = [
        (Sqlite, "a"),
        (Sqlite, "\"a\""),
        (Sqlite, "`a`"),
        (Sqlite, "[a]"),
        (Sqlite, "'a'"),
        (Postgres, "$$a$$"),
    ];
    for (dialect, sql) in rows {
        let tokens = tokens(sql, dialect).unwrap();
        assert_eq!(tokens[0].unquoted().unwrap().trim_matches('$'), "a", "{sql}");
    }
    assert_eq!(tokens("\"a\"\"b\"", Sqlite).unwrap()[0].unquoted().unwrap(), "a\"b");
    assert_eq!(tokens("'", Sqlite).ok(), None);
}

/// Texts made of what tokens are made of.
pub(in super::super) fn texts() -> impl Strategy<Value = String> {
    let pieces = [
        "'",
        "''",
        "\"",
        "`",
        "[",
        "]",
        "(",
        ")",
        ";",
        "--",
        "\n",
        "\r",
        "/*",
        "*/",
        "$$",
        "$a$",
        ":a",
        "::",
        "E'",
        "e",
        "\\",
        "x",
        "1",
        "1e",
        ".",
        " ",
        "SELECT ",
        "1",
        ",",
        "DROP TABLE canary",
        "; DROP TABLE canary",
        "UNION SELECT 2",
        "AS q",
        "WITH a AS ",
        "VALUES",
        "ü",
        "U&'",
        "-",
        "/",
        "*",
        "a",
        "PRAGMA user_version = 1",
        "canary",
        "FROM ",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_is_lost(sql in prop_oneof![texts(), any::<String>()], postgres: bool) {
        let dialect = if postgres { Postgres } else { Sqlite };
        if let Ok(tokens) = tokens(&sql, dialect) {
            prop_assert!(tokens.iter().all(|token| !token.text.is_empty()));
            prop_assert_eq!(tokens.iter().map(|token| token.text).collect::<String>(), sql);
        }
    }

    #[test]
    fn a_quoted_name_is_one_token_that_says_the_name(name in any::<String>(), postgres: bool) {
        let dialect = if postgres { Postgres } else { Sqlite };
        let quoted = super::super::guard::quoted(&name);
        let tokens = tokens(&quoted, dialect).unwrap();
        prop_assert_eq!(tokens.len(), 1);
        prop_assert_eq!(tokens[0].kind, Name);
        prop_assert_eq!(tokens[0].unquoted().unwrap(), name);
    }
}
