//! What a free query may be: one question, which only reads, and which names nothing that reaches past the tables.
//!
//! This is the outer of two walls. The inner one is the engine's: a connection that can't write, a question that is
//! compiled as a subquery so that nothing but a SELECT can stand in it, and the rights of the role. So a text that
//! slips past here can still do no harm; what is refused here is refused with a reason that helps.

use super::tokens::{Dialect, Kind, Refusal, Token, tokens};

/// Bytes of a free query at most.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;

/// A name in quotes, as both engines read it.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A free query that may be asked, without the semicolon at its end.
///
/// # Errors
/// What to change.
pub fn free_query(sql: &str, dialect: Dialect) -> Result<String, Refusal> {
    if sql.len() > QUERY_BYTES_MAX {
        return Err(format!("the query is longer than {QUERY_BYTES_MAX} bytes: shorten it").into());
    }
    let tokens = tokens(sql, dialect)?;
    let query = one_statement(&tokens)?;
    balanced(query)?;
    begins_as_question(query, dialect)?;
    for token in query {
        if token.kind == Kind::Parameter {
            return Err(format!("write the value itself instead of {}", token.text).into());
        }
        // To SQLite a string is a name where no string can stand.
        let is_string = token.kind == Kind::Text && dialect == Dialect::Postgres;
        if let Some(name) = token.unquoted().filter(|name| !is_string && is_denied(name, dialect)) {
            return Err(format!("{name} can't be used here: ask the tables themselves").into());
        }
    }
    Ok(text_of(query))
}

/// The tokens of the only statement, without the semicolon at its end.
///
/// # Errors
/// When there is none, or another one behind it.
pub fn one_statement<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<&'t [Token<'a>], Refusal> {
    let is_end = |token: &Token<'_>| token.kind == Kind::Mark && token.text == ";";
    let statement = match tokens.iter().position(is_end) {
        None => tokens,
        Some(end) if tokens[end + 1..].iter().all(|token| token.kind == Kind::Blank) => &tokens[..end],
        Some(_) => return Err("one statement at a time: leave out ; and what follows it".into()),
    };
    if statement.iter().all(|token| token.kind == Kind::Blank) {
        return Err("the statement is empty: write a SELECT".into());
    }
    Ok(statement)
}

/// The text of tokens.
pub(crate) fn text_of(tokens: &[Token<'_>]) -> String {
    tokens.iter().map(|token| token.text).collect()
}

/// The first word of a statement.
pub(crate) fn first_word<'a>(tokens: &[Token<'a>]) -> Option<Token<'a>> {
    tokens.iter().find(|token| token.kind != Kind::Blank).copied()
}

/// A bracket that closes what it has not opened would end the subquery that the text is compiled in.
pub(crate) fn balanced(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    let mut depth = 0_usize;
    for token in tokens.iter().filter(|token| token.kind == Kind::Mark) {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.checked_sub(1).ok_or("a ) has no ( before it")?,
            _ => {}
        }
    }
    if depth > 0 { Err("a ( is not closed: add )".into()) } else { Ok(()) }
}

fn begins_as_question(query: &[Token<'_>], dialect: Dialect) -> Result<(), Refusal> {
    let first = first_word(query).expect("a statement that is not empty was asked for");
    let is_question = ["SELECT", "WITH", "VALUES"].iter().any(|word| first.is_word(word))
        || (dialect == Dialect::Postgres && (first.is_word("TABLE") || first.text == "("));
    if is_question {
        return Ok(());
    }
    let beginning: String = first.text.chars().take(40).collect();
    Err(format!("only a SELECT can be asked here (or WITH … SELECT, or VALUES), not {beginning}").into())
}

/// Whether a name reaches past the tables: into the server's files and settings, other sessions, other databases,
/// the database's file, or to functions that run text as SQL.
fn is_denied(name: &str, dialect: Dialect) -> bool {
    let name = name.to_ascii_lowercase();
    let (prefixes, names, but): (&[&str], &[&str], &[&str]) = match dialect {
        Dialect::Sqlite => (
            &["pragma_"],
            &[
                "load_extension",
                "fts3_tokenizer",
                "sqlite_dbpage",
                "dbstat",
                "sqlite_stmt",
                "readfile",
                "writefile",
            ],
            &[],
        ),
        Dialect::Postgres => (
            &["pg_", "lo_", "dblink", "crosstab"],
            &[
                "lowrite",
                "loread",
                "set_config",
                "current_setting",
                "ts_stat",
                "ts_rewrite",
                "connectby",
                "xpath_table",
                "query_to_xml",
                "query_to_xmlschema",
                "query_to_xml_and_xmlschema",
                "cursor_to_xml",
                "cursor_to_xmlschema",
                "table_to_xml",
                "table_to_xmlschema",
                "table_to_xml_and_xmlschema",
                "schema_to_xml",
                "schema_to_xmlschema",
                "schema_to_xml_and_xmlschema",
                "database_to_xml",
                "database_to_xmlschema",
                "database_to_xml_and_xmlschema",
            ],
            &["pg_catalog", "pg_typeof", "pg_size_pretty", "pg_column_size"],
        ),
    };
    let is_known = prefixes.iter().any(|prefix| name.starts_with(prefix)) || names.contains(&name.as_str());
    is_known && !but.contains(&name.as_str())
}

#[cfg(test)]
mod tests;
