//! Statements as the engines take them: parameters by place, values beside the text.

use super::tokens::{Kind, Token};
use super::value::Argument;

/// A statement with the values of its placeholders.
#[derive(Debug)]
pub(super) struct Query {
    pub sql: String,
    pub arguments: Vec<Argument>,
}

/// What the engine says of a statement before it runs.
#[derive(Debug, Default)]
pub(super) struct Described {
    /// Whether it writes.
    pub writes: bool,
    /// The types of its parameters, in their order; none where the engine knows none.
    pub parameters: Vec<String>,
    /// Whether it answers with rows.
    pub has_rows: bool,
}

/// The text with each parameter replaced by the placeholder of its place, which counts from 1.
pub(super) fn rewritten(
    statement: &[Token<'_>],
    parameters: &[&str],
    placeholder: impl Fn(usize) -> String,
) -> String {
    let mut sql = String::new();
    for token in statement {
        let place =
            parameters.iter().position(|name| token.kind == Kind::Parameter && token.text[1..] == **name);
        match place {
            Some(place) => sql.push_str(&placeholder(place + 1)),
            None => sql.push_str(token.text),
        }
    }
    sql
}

/// The names of a statement's parameters, each once, in the order in which they stand.
pub(super) fn parameters<'a>(statement: &[Token<'a>]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for token in statement.iter().filter(|token| token.kind == Kind::Parameter) {
        let name = &token.text[1..];
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::tokens::{Dialect, tokens};
    use super::*;

    #[test]
    fn parameters_become_placeholders_and_nothing_else_changes() {
        let rows = [
            (
                Dialect::Sqlite,
                "SELECT :a, ':a', \":a\" -- :a\n, :b, :a",
                "SELECT ?1, ':a', \":a\" -- :a\n, ?2, ?1",
            ),
            (Dialect::Postgres, "SELECT :a::int, $$:b$$, a[1 : 2]", "SELECT ?1::int, $$:b$$, a[1 : 2]"),
            (Dialect::Postgres, "SELECT E'\\':a', :a /* /* :b */ */", "SELECT E'\\':a', ?1 /* /* :b */ */"),
            (Dialect::Sqlite, "SELECT [:a], `:a`, x':a', :größe", "SELECT [:a], `:a`, x':a', ?1"),
        ];
        for (dialect, sql, expected) in rows {
            let tokens = tokens(sql, dialect).unwrap();
            let names = parameters(&tokens);
            assert_eq!(rewritten(&tokens, &names, |place| format!("?{place}")), expected);
        }
    }
}
