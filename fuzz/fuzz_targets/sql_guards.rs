//! Whatever text is asked as a question: nothing panics, nothing of it is lost, and what is let through is one statement
//! that the brackets around it hold in.
#![no_main]

use impresario_tools::sql_text::guard::{free_query, one_statement, quoted};
use impresario_tools::sql_text::tokens::{Dialect, Kind, Token, tokens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, &str)| {
    let (is_postgres, sql) = input;
    let dialect = if is_postgres { Dialect::Postgres } else { Dialect::Sqlite };
    reads_back(sql, dialect);

    let name = quoted(sql);
    let name = tokens(&name, dialect).expect("a quoted name is always read");
    assert!(matches!(&name[..], [Token { kind: Kind::Name, .. }]), "{name:?}");

    for sql in [sql.to_owned(), format!("SELECT {sql}")] {
        let Ok(query) = free_query(&sql, dialect) else { continue };
        let inside = reads_back(&query, dialect).expect("what was let through can be read");
        one_statement(&tokens(&query, dialect).expect("read above")).expect("one statement is still one");
        assert!(free_query(&query, dialect).is_ok(), "{query:?} is let through once only");
        // The comment, string or name that swallows the bracket, or the bracket that closes it early, would show here.
        let subquery = format!("(\n{query}\n)");
        let around = reads_back(&subquery, dialect).expect("brackets and line breaks change nothing");
        assert_eq!(around, inside + 4, "{subquery:?}");
        assert!(closes_last(&tokens(&subquery, dialect).expect("read above")), "{subquery:?}");
    }
});

/// How many tokens a text has, if it is read at all. Together they are the text.
fn reads_back(sql: &str, dialect: Dialect) -> Option<usize> {
    let tokens = tokens(sql, dialect).ok()?;
    assert_eq!(tokens.iter().map(|token| token.text).collect::<String>(), sql);
    Some(tokens.len())
}

/// Whether the first bracket is closed by the last token, and by none before it.
fn closes_last(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0_i64;
    let mut closed_at = None;
    for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Mark) {
        depth += match token.text {
            "(" => 1,
            ")" => -1,
            _ => 0,
        };
        if depth == 0 && closed_at.is_none() {
            closed_at = Some(at);
        }
    }
    closed_at == Some(tokens.len() - 1)
}
