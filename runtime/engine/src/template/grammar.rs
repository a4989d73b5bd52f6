//! A template as it is written: text and expressions in turn, read by the grammar of RFC 6570.
//!
//! Each operator's characters stand here and nowhere else, so that matching and expanding can't disagree on
//! them. What a template means as a whole, such as where a value ends, is not judged here.

use super::encoding::escaped_byte;

/// The longest prefix (`{name:9999}`) that RFC 6570 allows, in characters.
const PREFIX_CHARS_MAX: usize = 9_999;

/// Where a problem stands, and what it is.
pub(super) type Problem = (usize, String);

/// A template as it is written: text and expressions in turn.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Literal(String),
    Expression(Expression),
}

impl Part {
    pub(super) fn variables(&self) -> &[Variable] {
        match self {
            Self::Literal(_) => &[],
            Self::Expression(expression) => &expression.variables,
        }
    }
}

/// What stands between two braces.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) at_byte: usize,
    pub(super) operator: Operator,
    pub(super) variables: Vec<Variable>,
}

#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) at_byte: usize,
    pub(super) name: String,
    pub(super) explode: bool,
    pub(super) prefix_chars: Option<usize>,
}

/// The expression types of RFC 6570, section 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Simple,
    Reserved,
    Fragment,
    Label,
    Path,
    Parameter,
    Query,
    Continuation,
}

impl Operator {
    fn from_char(character: char) -> Option<Self> {
        Some(match character {
            '+' => Self::Reserved,
            '#' => Self::Fragment,
            '.' => Self::Label,
            '/' => Self::Path,
            ';' => Self::Parameter,
            '?' => Self::Query,
            '&' => Self::Continuation,
            _ => return None,
        })
    }

    /// The character that the expression begins with, unless all its variables are undefined.
    pub(super) fn first(self) -> Option<u8> {
        match self {
            Self::Simple | Self::Reserved => None,
            Self::Fragment => Some(b'#'),
            Self::Label => Some(b'.'),
            Self::Path => Some(b'/'),
            Self::Parameter => Some(b';'),
            Self::Query => Some(b'?'),
            Self::Continuation => Some(b'&'),
        }
    }

    /// What stands between two variables, and between the values of an exploded one.
    pub(super) fn separator(self) -> u8 {
        match self {
            Self::Simple | Self::Reserved | Self::Fragment => b',',
            Self::Label => b'.',
            Self::Path => b'/',
            Self::Parameter => b';',
            Self::Query | Self::Continuation => b'&',
        }
    }

    /// Whether values are written as `name=value`.
    pub(super) fn is_named(self) -> bool {
        matches!(self, Self::Parameter | Self::Query | Self::Continuation)
    }

    /// Whether values keep the characters that have a meaning in URIs.
    pub(super) fn keeps_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Fragment)
    }

    /// The characters that a value holds only when encoded.
    pub(super) fn stops(self) -> Stops {
        Stops::of(match self {
            Self::Reserved | Self::Fragment => b"",
            Self::Simple | Self::Label | Self::Path => b"/?#",
            Self::Parameter => b";/?#",
            Self::Query | Self::Continuation => b"&#",
        })
    }

    /// Whether values, which else might hold the character, do not hold it in front of an expression that
    /// begins with it: `{name}{.extension}`, `{+path}{?query}`.
    pub(super) fn yields_to(self, first: u8) -> bool {
        match self {
            Self::Simple | Self::Label | Self::Path => matches!(first, b'.' | b';' | b'&'),
            Self::Reserved => matches!(first, b'?' | b'#'),
            Self::Fragment | Self::Parameter | Self::Query | Self::Continuation => false,
        }
    }
}

/// A set of ASCII characters that end a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stops(u128);

impl Stops {
    fn of(characters: &[u8]) -> Self {
        characters.iter().fold(Self(0), |stops, character| stops.with(*character))
    }

    pub(super) fn with(self, character: u8) -> Self {
        Self(self.0 | 1 << character)
    }

    pub(super) fn without(self, character: u8) -> Self {
        Self(self.0 & !(1 << character))
    }

    pub(super) fn holds(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 >> byte & 1 == 1
    }
}

pub(super) fn parse_parts(text: &str) -> Result<Vec<Part>, Problem> {
    let mut parts: Vec<Part> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if let Some(inside) = rest.strip_prefix('{') {
            let length = inside.find(['{', '}']).filter(|end| inside.as_bytes()[*end] == b'}');
            let length = length.ok_or_else(|| (at, "`{` is not closed; add `}`".to_owned()))?;
            let known: Vec<&str> = parts.iter().flat_map(Part::variables).map(|v| v.name.as_str()).collect();
            let expression = parse_expression(&inside[..length], at, &known)?;
            parts.push(Part::Expression(expression));
            at += length + 2;
        } else {
            let length = rest.find('{').unwrap_or(rest.len());
            check_literal(&rest[..length], at)?;
            parts.push(Part::Literal(rest[..length].to_owned()));
            at += length;
        }
    }
    Ok(parts)
}

fn check_literal(text: &str, at_byte: usize) -> Result<(), Problem> {
    for (offset, character) in text.char_indices() {
        let at_byte = at_byte + offset;
        if character == '}' {
            return Err((at_byte, "`}` closes nothing; add `{` or remove it".into()));
        }
        if character.is_control() || character.is_whitespace() || "\"<>\\^`|".contains(character) {
            return Err((at_byte, format!("a URI holds no {character:?}; write it percent-encoded")));
        }
        if character == '%' && escaped_byte(text.as_bytes(), offset).is_none() {
            return Err((at_byte, "`%` starts no percent-encoding; write `%25`".into()));
        }
    }
    Ok(())
}

fn parse_expression(inside: &str, brace_at: usize, known: &[&str]) -> Result<Expression, Problem> {
    let at_byte = brace_at + 1;
    let Some(first) = inside.chars().next() else {
        return Err((brace_at, "`{}` names no variable".into()));
    };
    let operator = Operator::from_char(first);
    if operator.is_none() && "=,!@|$*()<>^~-".contains(first) {
        return Err((at_byte, format!("unknown operator `{first}`; there are + # . / ; ? &")));
    }
    let mut expression = Expression {
        at_byte: brace_at,
        operator: operator.unwrap_or(Operator::Simple),
        variables: Vec::new(),
    };
    let mut at_byte = at_byte + usize::from(operator.is_some());
    for specification in inside[usize::from(operator.is_some())..].split(',') {
        let variable = parse_variable(specification, at_byte)?;
        let mut names = expression.variables.iter().map(|v| v.name.as_str()).chain(known.iter().copied());
        if names.any(|name| name == variable.name) {
            return Err((at_byte, format!("variable `{}` stands twice; rename one", variable.name)));
        }
        at_byte += specification.len() + 1;
        expression.variables.push(variable);
    }
    Ok(expression)
}

fn parse_variable(specification: &str, at_byte: usize) -> Result<Variable, Problem> {
    let (name, explode, prefix) = match (specification.strip_suffix('*'), specification.split_once(':')) {
        (Some(name), _) => (name, true, None),
        (None, Some((name, prefix))) => (name, false, Some(prefix)),
        (None, None) => (specification, false, None),
    };
    if name.is_empty() {
        return Err((at_byte, "a variable has no name".into()));
    }
    if !is_variable_name(name) {
        let rule = "use letters, digits and `_`, with single dots between";
        return Err((at_byte, format!("`{name}` is no variable name; {rule}")));
    }
    let prefix_chars = prefix.map(|digits| parse_prefix(digits, at_byte + name.len() + 1)).transpose()?;
    Ok(Variable { at_byte, name: name.to_owned(), explode, prefix_chars })
}

fn parse_prefix(digits: &str, at_byte: usize) -> Result<usize, Problem> {
    let chars = digits.parse().ok().filter(|chars| (1..=PREFIX_CHARS_MAX).contains(chars));
    let starts_well = digits.starts_with(|first: char| ('1'..='9').contains(&first));
    chars
        .filter(|_| starts_well)
        .ok_or_else(|| (at_byte, format!("a prefix is a number from 1 to {PREFIX_CHARS_MAX}")))
}

fn is_variable_name(name: &str) -> bool {
    name.split('.')
        .all(|piece| !piece.is_empty() && piece.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}
