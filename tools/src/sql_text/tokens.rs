//! The words of an SQL text: where strings, quoted names, comments and parameters begin and end.
//!
//! Everything that guards a statement stands on this. It follows the lexers of SQLite and PostgreSQL where they agree
//! on where a token ends, and refuses a text where two releases, or two settings of the server, would not.
//! Nothing is lost: the tokens' texts, one after the other, are the text that was read.

use std::borrow::Cow;
use std::fmt;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's, with `standard_conforming_strings` on.
    Postgres,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// As it stands in the text.
    pub text: &'a str,
}

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// White space, or a comment.
    Blank,
    /// A keyword, or a name without quotes.
    Word,
    /// A name in quotes.
    Name,
    /// A string.
    Text,
    /// A number.
    Number,
    /// A parameter, `:name`.
    Parameter,
    /// Anything else: an operator's character, a bracket, a comma, `::`.
    Mark,
}

/// Why a text is not taken. It is meant for whoever wrote the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub Cow<'static, str>);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl From<&'static str> for Refusal {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Token<'_> {
    /// Whether it is that keyword, in any case.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// What a word, a quoted name or a string says, without its quotes.
    pub(crate) fn unquoted(&self) -> Option<Cow<'_, str>> {
        match self.kind {
            Kind::Word => Some(Cow::Borrowed(self.text)),
            Kind::Name | Kind::Text => {
                let open = self.text.find(['"', '\'', '`', '[', '$'])?;
                let quote = &self.text[open..=open];
                let inner = self.text.get(open + 1..self.text.len().checked_sub(1)?)?;
                Some(match quote {
                    "[" | "$" => Cow::Borrowed(inner),
                    quote => Cow::Owned(inner.replace(&quote.repeat(2), quote)),
                })
            }
            Kind::Blank | Kind::Number | Kind::Parameter | Kind::Mark => None,
        }
    }
}

/// The pieces of a text, in order.
///
/// # Errors
/// Where the text can't be read in one way only: an open string or comment, a character that SQL does not have, a
/// parameter in another notation than `:name`.
pub fn tokens(sql: &str, dialect: Dialect) -> Result<Vec<Token<'_>>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (kind, len) = first_token(first, rest, dialect)?;
        let (text, behind) = rest.split_at(len);
        tokens.push(Token { kind, text });
        rest = behind;
    }
    if dialect == Dialect::Postgres {
        refuse_continued_escapes(&tokens)?;
    }
    Ok(tokens)
}

/// `E'a' 'b\''` with a line break between is one string to PostgreSQL, and its escapes go on in the second part.
fn refuse_continued_escapes(tokens: &[Token<'_>]) -> Result<(), Refusal> {
    let mut after_escapes = false;
    for token in tokens.iter().filter(|token| token.kind != Kind::Blank) {
        if after_escapes && token.kind == Kind::Text {
            return Err("write a string with escapes in one piece: E'…' is followed by another string".into());
        }
        after_escapes = token.kind == Kind::Text && token.text.starts_with(['e', 'E']);
    }
    Ok(())
}

/// What the text begins with, and how many bytes of it.
fn first_token(first: char, rest: &str, dialect: Dialect) -> Result<(Kind, usize), Refusal> {
    let postgres = dialect == Dialect::Postgres;
    let second = rest[first.len_utf8()..].chars().next().unwrap_or_default();
    match first {
        ' ' | '\t' | '\n' | '\r' | '\x0c' => Ok((Kind::Blank, 1)),
        '-' if second == '-' => Ok((Kind::Blank, line_comment(rest, dialect))),
        '/' if second == '*' => Ok((Kind::Blank, block_comment(rest, dialect)?)),
        '\'' => Ok((Kind::Text, quoted(rest, '\'')?)),
        '"' => Ok((Kind::Name, quoted(rest, '"')?)),
        '`' if !postgres => Ok((Kind::Name, quoted(rest, '`')?)),
        '[' if !postgres => Ok((Kind::Name, bracketed(rest)?)),
        '$' if postgres => Ok((Kind::Text, dollar_quoted(rest)?)),
        '0'..='9' => number(rest).map(|len| (Kind::Number, len)),
        '.' if second.is_ascii_digit() => number(rest).map(|len| (Kind::Number, len)),
        ':' if second == ':' || second == '=' => Ok((Kind::Mark, 2)),
        ':' if is_word_start(second) => Ok((Kind::Parameter, 1 + word(&rest[1..]))),
        '?' | '@' | '$' | '#' if !postgres => {
            Err(format!("parameters are written as :name here, not with {first}").into())
        }
        '\u{feff}' => Err("leave out the byte order mark".into()),
        first if is_word_start(first) => word_or_prefixed(first, rest, postgres),
        first if first.is_ascii_control() || first == '\\' => {
            Err(format!("SQL has no character {:?} outside of strings", first.to_string()).into())
        }
        _ => Ok((Kind::Mark, 1)),
    }
}

/// A word, unless it is the first letter of a string with escapes.
fn word_or_prefixed(first: char, rest: &str, postgres: bool) -> Result<(Kind, usize), Refusal> {
    let len = word(rest);
    if postgres && len == 1 {
        let behind = &rest[1..];
        if matches!(first, 'e' | 'E') && behind.starts_with('\'') {
            return Ok((Kind::Text, 1 + escape_quoted(behind)?));
        }
        if matches!(first, 'u' | 'U') && (behind.starts_with("&'") || behind.starts_with("&\"")) {
            return Err("write the characters themselves instead of U&'…' or U&\"…\"".into());
        }
    }
    Ok((Kind::Word, len))
}

fn is_word_start(first: char) -> bool {
    first.is_ascii_alphabetic() || first == '_' || (!first.is_ascii() && first != '\u{feff}')
}

fn word(rest: &str) -> usize {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii();
    rest.find(|c| !goes_on(c)).unwrap_or(rest.len())
}

/// Digits with all that releases of the engines have let follow them.
fn number(rest: &str) -> Result<usize, Refusal> {
    let bytes = rest.as_bytes();
    let mut len = 0;
    while let Some(byte) = bytes.get(len) {
        let is_exponent_sign = matches!(byte, b'+' | b'-')
            && len > 0
            && matches!(bytes[len - 1], b'e' | b'E')
            && !rest.starts_with("0x")
            && !rest.starts_with("0X")
            && bytes.get(len + 1).is_some_and(u8::is_ascii_digit);
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || is_exponent_sign) {
            break;
        }
        len += 1;
    }
    // What follows could be a string with a prefix or a dollar quote to one release, and not to another.
    if rest[len..].starts_with(['\'', '"', '$', '`', '[']) || rest[len..].starts_with(|c: char| !c.is_ascii())
    {
        return Err(format!("put a space behind the number {}", &rest[..len]).into());
    }
    Ok(len)
}

fn line_comment(rest: &str, dialect: Dialect) -> usize {
    let ends = |c: char| c == '\n' || (c == '\r' && dialect == Dialect::Postgres);
    rest.find(ends).unwrap_or(rest.len())
}

/// PostgreSQL's comments nest, SQLite's do not.
fn block_comment(rest: &str, dialect: Dialect) -> Result<usize, Refusal> {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (2, 1_usize);
    while depth > 0 {
        match bytes.get(at..at + 2) {
            None => return Err("a comment is not closed: add */".into()),
            Some(b"*/") => (at, depth) = (at + 2, depth - 1),
            Some(b"/*") if dialect == Dialect::Postgres => (at, depth) = (at + 2, depth + 1),
            Some(_) => at += 1,
        }
    }
    Ok(at)
}

/// Up to the quote that is not doubled.
fn quoted(rest: &str, quote: char) -> Result<usize, Refusal> {
    let mut at = 1;
    loop {
        at += rest[at..].find(quote).ok_or_else(|| not_closed(quote))? + 1;
        if !rest[at..].starts_with(quote) {
            return Ok(at);
        }
        at += 1;
    }
}

/// As [`quoted`], but a backslash takes the next character's meaning away.
fn escape_quoted(rest: &str) -> Result<usize, Refusal> {
    let bytes = rest.as_bytes();
    let mut at = 1;
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (None, _) => return Err(not_closed('\'')),
            (Some(b'\\'), _) | (Some(b'\''), Some(b'\'')) => at += 2,
            (Some(b'\''), _) => return Ok(at + 1),
            (Some(_), _) => at += 1,
        }
    }
}

fn bracketed(rest: &str) -> Result<usize, Refusal> {
    rest.find(']').map(|at| at + 1).ok_or_else(|| "a name is not closed: add ]".into())
}

/// `$$…$$` or `$tag$…$tag$`.
fn dollar_quoted(rest: &str) -> Result<usize, Refusal> {
    let other = || Refusal::from("parameters are written as :name here, not with $");
    let tag_len = rest[1..].find('$').ok_or_else(other)?;
    let tag = &rest[..tag_len + 2];
    let inner = &tag[1..=tag_len];
    let is_tag = inner.is_empty() || (inner.starts_with(is_word_start) && word(inner) == inner.len());
    if !is_tag || inner.contains('$') {
        return Err(other());
    }
    let body = &rest[tag.len()..];
    let end = body.find(tag).ok_or_else(|| Refusal(format!("a string is not closed: add {tag}").into()))?;
    Ok(tag.len() + end + tag.len())
}

fn not_closed(quote: char) -> Refusal {
    match quote {
        '\'' => "a string is not closed: add ', and write ' inside of a string as ''".into(),
        quote => format!("a name is not closed: add {quote}").into(),
    }
}

#[cfg(test)]
pub(super) mod tests;
