//! RFC 6570 URI templates: which resource a URI means, and which URI a set of values makes.
//!
//! Matching reads URIs that clients wrote, so it must never take more than linear time: no regex, no
//! backtracking. It runs in two passes. From the end of the URI to its start, every step of the template
//! notes at which bytes it could begin so that the rest still matches; from the start to the end, each
//! variable then takes the longest text that leaves the rest matching.

use std::fmt;
use std::str::FromStr;

use impresario_protocol::McpError;
use impresario_protocol::error::Shown;

/// The longest prefix (`{name:9999}`) that RFC 6570 allows, in characters.
const PREFIX_CHARS_MAX: usize = 9_999;

/// A URI template, such as `file:///{+path}` or `search://items{?query,page}`.
///
/// Undefined variables leave nothing behind in a URI, so an expression with an operator that writes a
/// character of its own (`#`, `.`, `/`, `;`, `?`, `&`) may be absent, and trailing variables of a list
/// (`{x,y}`) too; the named ones (`;`, `?`, `&`) may come in any order.
#[derive(Debug, Clone)]
pub struct UriTemplate {
    text: String,
    parts: Vec<Part>,
    steps: Vec<Step>,
}

/// What a URI held for the variables of a template, or a client for the arguments of a prompt, in order.
///
/// Values are percent-decoded: `%2F` has become `/` and `%00` a NUL, so check a value before it becomes a
/// path or a command.
#[derive(Debug, Clone, Default)]
pub struct Variables(Vec<(String, String)>);

/// Why a text is no URI template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    template: String,
    at_byte: usize,
    problem: String,
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// The text is no RFC 6570 template, or one that would not say where a variable ends.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let fail = |(at_byte, problem)| TemplateError { template: text.to_owned(), at_byte, problem };
        let parts = parse_parts(text).map_err(fail)?;
        let steps = compile(&parts).map_err(fail)?;
        Ok(Self { text: text.to_owned(), parts, steps })
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its variables, in the order in which they stand.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| part.variables()).map(|variable| variable.name.as_str())
    }

    /// What the URI holds for each variable, or `None` when the URI is not of this template.
    ///
    /// Takes time linear in the URI's length. The values of an exploded variable (`{/path*}`, `{?tag*}`)
    /// are joined by commas.
    #[must_use]
    pub fn matches(&self, uri: &str) -> Option<Variables> {
        let bytes = uri.as_bytes();
        if !self.steps.first().is_none_or(|step| step.may_start(bytes)) || !has_valid_escapes(bytes) {
            return None;
        }
        let rows = self.rows(bytes)?;
        let mut found = Variables::new();
        let mut at = 0;
        let mut index = 0;
        while let Some(step) = self.steps.get(index) {
            let next = &rows[index + 1];
            match (step.take(bytes, at, next, &mut found)?, step.skip_to) {
                (Some(end), _) => (at, index) = (end, index + 1),
                (None, Some(skip_to)) => index = skip_to,
                (None, None) => return None,
            }
        }
        Some(found)
    }

    /// Per step, and after the last: at which bytes of the URI it can begin so that the rest matches.
    fn rows(&self, bytes: &[u8]) -> Option<Vec<Vec<bool>>> {
        let mut end = vec![false; bytes.len() + 1];
        end[bytes.len()] = true;
        let mut rows = vec![Vec::new(); self.steps.len()];
        rows.push(end);
        for (index, step) in self.steps.iter().enumerate().rev() {
            let mut row = step.starts(bytes, &rows[index + 1]);
            if let Some(skip_to) = step.skip_to {
                row.iter_mut().zip(&rows[skip_to]).for_each(|(start, skipped)| *start |= skipped);
            }
            if !row.contains(&true) {
                return None;
            }
            rows[index] = row;
        }
        rows[0][0].then_some(rows)
    }

    /// The URI that these values make. A variable without a value leaves nothing behind; the value of an
    /// exploded variable is a list joined by commas.
    pub fn expand(&self, get: impl Fn(&str) -> Option<String>) -> String {
        let mut uri = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => encode_into(&mut uri, text, true),
                Part::Expression(expression) => expression.expand_into(&mut uri, &get),
            }
        }
        uri
    }
}

impl Variables {
    /// No variables yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable, replacing the value it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Names and values, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a variable, read as a `T`.
    ///
    /// # Errors
    /// Invalid parameters, naming the variable, when it is missing or is no `T`.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<T, McpError> {
        let value = self
            .get(name)
            .ok_or_else(|| McpError::invalid_params(format!("`{name}` is missing; give it a value")))?;
        value.parse().map_err(|_| {
            let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            McpError::invalid_params(format!("`{name}` can't be read as {expected}: {}", Shown(value)))
        })
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { template, at_byte, problem } = self;
        write!(f, "invalid URI template {template:?}: {problem} (byte {at_byte})")
    }
}

impl std::error::Error for TemplateError {}

/// Where a problem stands, and what it is.
type Problem = (usize, String);

/// A template as it is written: text and expressions in turn.
#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    Expression(Expression),
}

/// What stands between two braces.
#[derive(Debug, Clone)]
struct Expression {
    at_byte: usize,
    operator: Operator,
    variables: Vec<Variable>,
}

#[derive(Debug, Clone)]
struct Variable {
    at_byte: usize,
    name: String,
    explode: bool,
    prefix_chars: Option<usize>,
}

/// The expression types of RFC 6570, section 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
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
    fn first(self) -> Option<u8> {
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
    fn separator(self) -> u8 {
        match self {
            Self::Simple | Self::Reserved | Self::Fragment => b',',
            Self::Label => b'.',
            Self::Path => b'/',
            Self::Parameter => b';',
            Self::Query | Self::Continuation => b'&',
        }
    }

    /// Whether values are written as `name=value`.
    fn is_named(self) -> bool {
        matches!(self, Self::Parameter | Self::Query | Self::Continuation)
    }

    /// Whether values keep the characters that have a meaning in URIs.
    fn keeps_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Fragment)
    }

    /// The characters that a value holds only when encoded.
    fn stops(self) -> Stops {
        Stops::of(match self {
            Self::Reserved | Self::Fragment => b"",
            Self::Simple | Self::Label | Self::Path => b"/?#",
            Self::Parameter => b";/?#",
            Self::Query | Self::Continuation => b"&#",
        })
    }

    /// Whether values, which else might hold the character, do not hold it in front of an expression that
    /// begins with it: `{name}{.extension}`, `{+path}{?query}`.
    fn yields_to(self, first: u8) -> bool {
        match self {
            Self::Simple | Self::Label | Self::Path => matches!(first, b'.' | b';' | b'&'),
            Self::Reserved => matches!(first, b'?' | b'#'),
            Self::Fragment | Self::Parameter | Self::Query | Self::Continuation => false,
        }
    }
}

/// A set of ASCII characters that end a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stops(u128);

impl Stops {
    fn of(characters: &[u8]) -> Self {
        characters.iter().fold(Self(0), |stops, character| stops.with(*character))
    }

    fn with(self, character: u8) -> Self {
        Self(self.0 | 1 << character)
    }

    fn without(self, character: u8) -> Self {
        Self(self.0 & !(1 << character))
    }

    fn holds(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 >> byte & 1 == 1
    }
}

// Reading a template.

fn parse_parts(text: &str) -> Result<Vec<Part>, Problem> {
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

// From a template to the steps of its matching.

/// One step of matching; a template is a row of them.
#[derive(Debug, Clone)]
struct Step {
    kind: StepKind,
    /// The step that may come instead, when this one and those up to it may be absent.
    skip_to: Option<usize>,
}

#[derive(Debug, Clone)]
enum StepKind {
    /// This very text, or (when it has characters outside of ASCII) the same percent-encoded.
    Text { text: String, encoded: Option<String> },
    /// At least one character of a variable's value.
    Value { variable: Variable, stops: Stops, joined_by: u8 },
    /// `?name=value&name=value`, with at least one pair.
    Pairs { first: u8, separator: u8, stops: Stops, variables: Vec<Variable> },
}

fn compile(parts: &[Part]) -> Result<Vec<Step>, Problem> {
    let mut steps = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(text) => {
                let mut encoded = String::new();
                encode_into(&mut encoded, text, true);
                let encoded = Some(encoded).filter(|encoded| encoded != text);
                let kind = StepKind::Text { text: text.clone(), encoded };
                steps.push(Step { kind, skip_to: None });
            }
            Part::Expression(expression) => {
                let stops = expression.stops_before(&parts[index + 1..])?;
                expression.compile_into(&mut steps, stops)?;
            }
        }
    }
    Ok(steps)
}

impl Part {
    fn variables(&self) -> &[Variable] {
        match self {
            Self::Literal(_) => &[],
            Self::Expression(expression) => &expression.variables,
        }
    }
}

impl Expression {
    /// What ends this expression's values, given the parts that follow. Expressions that may be absent
    /// let those behind them come next, so everything up to the next text counts.
    fn stops_before(&self, following: &[Part]) -> Result<Stops, Problem> {
        let mut stops = self.operator.stops();
        let explodes = self.variables.iter().any(|variable| variable.explode);
        for part in following {
            let Part::Expression(next) = part else { break };
            let ambiguous = || {
                let (this, name) = (&self.variables[0].name, &next.variables[0].name);
                let advice = "put text between the two";
                (next.at_byte, format!("nothing says where `{this}` ends and `{name}` begins; {advice}"))
            };
            let first = next.operator.first().ok_or_else(ambiguous)?;
            let by_name = self.operator.is_named() && first == self.operator.separator();
            let separates = explodes && first == self.operator.separator();
            if by_name || (stops.holds(first) && !separates) {
                continue;
            }
            if separates || !self.operator.yields_to(first) {
                return Err(ambiguous());
            }
            stops = stops.with(first);
        }
        Ok(stops)
    }

    fn compile_into(&self, steps: &mut Vec<Step>, stops: Stops) -> Result<(), Problem> {
        let separator = self.operator.separator();
        if let (Some(first), true) = (self.operator.first(), self.operator.is_named()) {
            let kind = StepKind::Pairs { first, separator, stops, variables: self.variables.clone() };
            steps.push(Step { kind, skip_to: Some(steps.len() + 1) });
            return Ok(());
        }
        let is_list = self.variables.len() > 1;
        let length = self.variables.len() * 2 - usize::from(self.operator.first().is_none());
        let skip_to = Some(steps.len() + length);
        for (index, variable) in self.variables.iter().enumerate() {
            if variable.explode && index + 1 < self.variables.len() {
                let advice = "put it last";
                return Err((
                    variable.at_byte,
                    format!("nothing says where `{}*` ends; {advice}", variable.name),
                ));
            }
            if let Some(between) = if index == 0 { self.operator.first() } else { Some(separator) } {
                let text = char::from(between).to_string();
                steps.push(Step { kind: StepKind::Text { text, encoded: None }, skip_to });
            }
            let stops = match (variable.explode, is_list) {
                (true, _) => stops.without(separator),
                (false, true) => stops.with(separator),
                (false, false) => stops,
            };
            let kind = StepKind::Value { variable: variable.clone(), stops, joined_by: separator };
            steps.push(Step { kind, skip_to: None });
        }
        Ok(())
    }

    fn expand_into(&self, uri: &mut String, get: &impl Fn(&str) -> Option<String>) {
        let mut before = self.operator.first();
        let separator = self.operator.separator();
        for variable in &self.variables {
            let Some(value) = get(&variable.name) else { continue };
            let value = match variable.prefix_chars {
                Some(chars) => value.chars().take(chars).collect(),
                None => value,
            };
            let pieces = if variable.explode { value.split(',').collect() } else { vec![value.as_str()] };
            for piece in pieces {
                uri.extend(before.map(char::from));
                before = Some(separator);
                if self.operator.is_named() {
                    uri.push_str(&variable.name);
                    if !(piece.is_empty() && self.operator == Operator::Parameter) {
                        uri.push('=');
                    }
                }
                encode_into(uri, piece, self.operator.keeps_reserved());
            }
        }
    }
}

// Matching.

impl Step {
    /// A quick look at the start of a URI, which refuses most URIs of other templates.
    fn may_start(&self, bytes: &[u8]) -> bool {
        match &self.kind {
            StepKind::Text { text, encoded } if self.skip_to.is_none() => {
                text_lengths(bytes, 0, text, encoded.as_deref()).next().is_some()
            }
            StepKind::Text { .. } | StepKind::Value { .. } | StepKind::Pairs { .. } => true,
        }
    }

    /// Where this step can begin, given where the next one can.
    fn starts(&self, bytes: &[u8], next: &[bool]) -> Vec<bool> {
        match &self.kind {
            StepKind::Text { text, encoded } => (0..=bytes.len())
                .map(|at| text_lengths(bytes, at, text, encoded.as_deref()).any(|length| next[at + length]))
                .collect(),
            StepKind::Value { variable, stops, .. } => {
                let chars_max = variable.prefix_chars.unwrap_or(usize::MAX);
                value_starts(bytes, *stops, chars_max, next)
            }
            StepKind::Pairs { first, separator, stops, variables } => {
                let pairs = PairRows::new(bytes, *separator, *stops, variables, next);
                (0..=bytes.len()).map(|at| bytes.get(at) == Some(first) && pairs.starts[at + 1]).collect()
            }
        }
    }

    /// Where this step ends when it begins here, taking as much as it can; `Some(None)` when it can't
    /// begin here and `None` when the URI is invalid.
    #[expect(clippy::option_option, reason = "absent and invalid are different answers")]
    fn take(&self, bytes: &[u8], at: usize, next: &[bool], found: &mut Variables) -> Option<Option<usize>> {
        match &self.kind {
            StepKind::Text { text, encoded } => {
                let mut lengths = text_lengths(bytes, at, text, encoded.as_deref());
                Some(lengths.find(|length| next[at + length]).map(|length| at + length))
            }
            StepKind::Value { variable, stops, joined_by } => {
                let chars_max = variable.prefix_chars.unwrap_or(usize::MAX);
                let Some(end) = value_end(bytes, at, *stops, chars_max, next).filter(|end| *end > at) else {
                    return Some(None);
                };
                let separator = (variable.explode && *joined_by != b',').then_some(*joined_by);
                found.0.push((variable.name.clone(), decode(&bytes[at..end], separator)?));
                Some(Some(end))
            }
            StepKind::Pairs { first, separator, stops, variables } => {
                if bytes.get(at) != Some(first) {
                    return Some(None);
                }
                let pairs = PairRows::new(bytes, *separator, *stops, variables, next);
                if !pairs.starts[at + 1] {
                    return Some(None);
                }
                pairs.take(bytes, at + 1, found).map(Some)
            }
        }
    }
}

/// The lengths of the text's forms that stand at that place.
fn text_lengths<'a>(
    bytes: &'a [u8],
    at: usize,
    text: &'a str,
    encoded: Option<&'a str>,
) -> impl Iterator<Item = usize> + 'a {
    let forms = [Some(text), encoded].into_iter().flatten();
    forms.filter(move |form| bytes[at..].starts_with(form.as_bytes())).map(str::len)
}

/// Where a value of one to `chars_max` characters can begin, given where what follows it can.
fn value_starts(bytes: &[u8], stops: Stops, chars_max: usize, next: &[bool]) -> Vec<bool> {
    let mut starts = vec![false; bytes.len() + 1];
    // How many characters there are to the nearest end, from each of the three next bytes.
    let mut ahead = [None; 3];
    for at in (0..=bytes.len()).rev() {
        let through = character_at(bytes, at, stops).and_then(|character| {
            let chars: Option<usize> = ahead[character.length - 1];
            chars.map(|chars| chars + usize::from(character.is_start))
        });
        starts[at] = through.is_some_and(|chars| chars <= chars_max);
        ahead = [if next[at] { Some(0) } else { through }, ahead[0], ahead[1]];
    }
    starts
}

/// The furthest end of a value that begins here, at most `chars_max` characters on.
fn value_end(bytes: &[u8], mut at: usize, stops: Stops, chars_max: usize, ends: &[bool]) -> Option<usize> {
    let mut end = ends[at].then_some(at);
    let mut chars = 0;
    while let Some(character) = character_at(bytes, at, stops) {
        chars += usize::from(character.is_start);
        if chars > chars_max {
            break;
        }
        at += character.length;
        if ends[at] {
            end = Some(at);
        }
    }
    end
}

/// A byte of a value, plain or percent-encoded.
struct Encoded {
    length: usize,
    /// Whether it starts a character; the other bytes of UTF-8 continue one.
    is_start: bool,
}

fn character_at(bytes: &[u8], at: usize, stops: Stops) -> Option<Encoded> {
    let byte = *bytes.get(at)?;
    if stops.holds(byte) {
        return None;
    }
    let (byte, length) = escaped_byte(bytes, at).map_or((byte, 1), |escaped| (escaped, 3));
    Some(Encoded { length, is_start: byte & 0xC0 != 0x80 })
}

/// Where the pieces of `name=value&name=value` can stand.
struct PairRows<'a> {
    variables: &'a [Variable],
    separator: u8,
    stops: Stops,
    /// Where a pair can begin.
    starts: Vec<bool>,
    /// Where a pair can end: before another, or before what follows them all.
    ends: Vec<bool>,
    /// Where what is left of a value can begin.
    values: Vec<bool>,
}

impl<'a> PairRows<'a> {
    fn new(bytes: &[u8], separator: u8, stops: Stops, variables: &'a [Variable], next: &[bool]) -> Self {
        let empty = vec![false; bytes.len() + 1];
        let (starts, ends, values) = (empty.clone(), empty.clone(), empty);
        let mut rows = Self { variables, separator, stops, starts, ends, values };
        for at in (0..=bytes.len()).rev() {
            rows.ends[at] = next[at] || rows.continues(bytes, at);
            let through = character_at(bytes, at, stops);
            rows.values[at] = rows.ends[at] || through.is_some_and(|c| rows.values[at + c.length]);
            rows.starts[at] = rows.name(bytes, at).is_some();
        }
        rows
    }

    fn continues(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at) == Some(&self.separator) && self.starts[at + 1]
    }

    /// The variable whose pair begins here, and where its value does.
    fn name(&self, bytes: &[u8], at: usize) -> Option<(&'a Variable, usize)> {
        self.variables.iter().find_map(|variable| {
            let rest = bytes[at..].strip_prefix(variable.name.as_bytes())?;
            let value_at = bytes.len() - rest.len();
            match rest.first() {
                Some(b'=') => self.values[value_at + 1].then_some((variable, value_at + 1)),
                Some(_) | None => self.ends[value_at].then_some((variable, value_at)),
            }
        })
    }

    /// Takes all pairs, the first of which begins here.
    fn take(&self, bytes: &[u8], mut at: usize, found: &mut Variables) -> Option<usize> {
        let mut values: Vec<(&Variable, String)> = Vec::new();
        loop {
            let (variable, value_at) = self.name(bytes, at)?;
            let is_bare = bytes[value_at - 1] != b'=';
            let end = if is_bare {
                value_at
            } else {
                value_end(bytes, value_at, self.stops, usize::MAX, &self.ends)?
            };
            let value = decode(&bytes[value_at..end], None)?;
            if variable.prefix_chars.is_some_and(|chars_max| value.chars().count() > chars_max) {
                return None;
            }
            match values.iter_mut().find(|(known, _)| known.name == variable.name) {
                None => values.push((variable, value)),
                Some((_, joined)) if variable.explode => {
                    joined.push(',');
                    joined.push_str(&value);
                }
                Some(_) => return None,
            }
            if !self.continues(bytes, end) {
                found.0.extend(values.into_iter().map(|(variable, value)| (variable.name.clone(), value)));
                return Some(end);
            }
            at = end + 1;
        }
    }
}

// Percent-encoding.

/// The byte that a percent-encoding at that place stands for.
fn escaped_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = *bytes.get(at..at + 3)? else { return None };
    let (high, low) = (char::from(high).to_digit(16)?, char::from(low).to_digit(16)?);
    u8::try_from(high << 4 | low).ok()
}

fn has_valid_escapes(bytes: &[u8]) -> bool {
    let mut escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    escapes.all(|(at, _)| escaped_byte(bytes, at).is_some())
}

/// The text that the bytes stand for, with the separator of an exploded list turned into a comma.
fn decode(bytes: &[u8], separator: Option<u8>) -> Option<String> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (byte, length) = match escaped_byte(bytes, at) {
            Some(escaped) => (escaped, 3),
            None if Some(*byte) == separator => (b',', 1),
            None => (*byte, 1),
        };
        decoded.push(byte);
        at += length;
    }
    String::from_utf8(decoded).ok()
}

fn encode_into(uri: &mut String, text: &str, keeps_reserved: bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for (at, byte) in text.bytes().enumerate() {
        let is_reserved = b":/?#[]@!$&'()*+,;=".contains(&byte);
        let is_escape = byte == b'%' && escaped_byte(text.as_bytes(), at).is_some();
        if byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || (keeps_reserved && (is_reserved || is_escape))
        {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            uri.push(char::from(HEX[usize::from(byte >> 4)]));
            uri.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// The values as `name=value;name=value`, or `no match`.
    fn matched(template: &str, uri: &str) -> String {
        let Some(found) = UriTemplate::parse(template).unwrap().matches(uri) else {
            return "no match".into();
        };
        found.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";")
    }

    #[test]
    fn a_uri_is_matched_or_refused() {
        let rows = [
            ("config://app", "config://app", ""),
            ("config://app", "config://app/", "no match"),
            ("greeting://{name}", "greeting://Ada", "name=Ada"),
            ("greeting://{name}", "greeting://", "no match"),
            ("greeting://{name}", "greeting://a/b", "no match"),
            ("greeting://{name}", "greeting://a%2Fb", "name=a/b"),
            ("greeting://{name}", "greeting://%C3%A9", "name=é"),
            ("greeting://{name}", "greeting://é", "name=é"),
            ("greeting://{name}", "greeting://%ff", "no match"),
            ("greeting://{name}", "greeting://50%", "no match"),
            ("greeting://{name}", "greeting://5%zz", "no match"),
            ("greeting://{name}", "greeting://x?y", "no match"),
            ("café://{name}", "café://x", "name=x"),
            ("café://{name}", "caf%C3%A9://x", "name=x"),
            ("t://{id}/full", "t://7/full", "id=7"),
            ("t://{id}/full", "t://7/fully", "no match"),
            ("t://{a}-{b}", "t://x-y-z", "a=x-y;b=z"),
            ("t://{a}2F", "t://x%2F", "no match"),
            ("t://{a,b}", "t://1,2", "a=1;b=2"),
            ("t://{a,b}", "t://1", "a=1"),
            ("t://{a,b}", "t://1,2,3", "no match"),
            ("t://{a}", "t://1,2,3", "a=1,2,3"),
            ("t://{a,rest*}", "t://1,2,3", "a=1;rest=2,3"),
            ("t://{a:3}", "t://abc", "a=abc"),
            ("t://{a:3}", "t://abcd", "no match"),
            ("t://{a:2}", "t://%C3%A9%C3%A9", "a=éé"),
            ("t://{a:2}c{b}", "t://abcc", "a=ab;b=c"),
            ("file:///{+path}", "file:///a/b%20c.txt", "path=a/b c.txt"),
            ("file:///{+path}.txt", "file:///a.txt/b.txt", "path=a.txt/b"),
            ("file:///{+path}{?rev}", "file:///a/b?rev=3", "path=a/b;rev=3"),
            ("t://x{#part}", "t://x#a/b", "part=a/b"),
            ("t://x{#part}", "t://x", ""),
            ("t://{name}{.kind}", "t://report.pdf", "name=report;kind=pdf"),
            ("t://{name}{.kind}", "t://report", "name=report"),
            ("t://{name}{/page}{.kind}", "t://report.pdf", "name=report;kind=pdf"),
            ("t://x{.parts*}", "t://x.a.b", "parts=a,b"),
            ("t://x{/a,b}", "t://x/1/2", "a=1;b=2"),
            ("t://x{/a,b}", "t://x/1", "a=1"),
            ("t://x{/a}{/b}", "t://x/1/2", "a=1;b=2"),
            ("t://x{/a}", "t://x/1/2", "no match"),
            ("t://x{/path*}", "t://x/1/2/3", "path=1,2,3"),
            ("t://x{/path*}", "t://x", ""),
            ("t://x{;a,b}", "t://x;a=1;b", "a=1;b="),
            ("t://x{?a,b}", "t://x?a=1&b=2", "a=1;b=2"),
            ("t://x{?a,b}", "t://x?b=2&a=1", "b=2;a=1"),
            ("t://x{?a,b}", "t://x?b=", "b="),
            ("t://x{?a,b}", "t://x", ""),
            ("t://x{?a,b}", "t://x?", "no match"),
            ("t://x{?a,b}", "t://x?c=1", "no match"),
            ("t://x{?a,b}", "t://x?a=1&a=2", "no match"),
            ("t://x{?a,ab}", "t://x?ab=1&a=2", "ab=1;a=2"),
            ("t://x{?a:1}", "t://x?a=12", "no match"),
            ("t://x{?tags*}", "t://x?tags=a&tags=b", "tags=a,b"),
            ("t://x{?tags}", "t://x?tags=a,b", "tags=a,b"),
            ("t://x?fixed=1{&a}", "t://x?fixed=1&a=2", "a=2"),
            ("t://x{?a}{&b}", "t://x?a=1&b=2", "a=1;b=2"),
            ("t://x{?a}#end", "t://x?a=1#end", "a=1"),
            ("{+any}", "a/b?c#d", "any=a/b?c#d"),
            ("", "", ""),
            ("", "x", "no match"),
        ];
        for (template, uri, expected) in rows {
            assert_eq!(matched(template, uri), expected, "{template} on {uri}");
        }
    }

    #[test]
    fn a_bad_template_is_refused_with_its_place() {
        let rows = [
            ("t://{a", "not closed", 4),
            ("t://{a{b}", "not closed", 4),
            ("t://a}", "closes nothing", 5),
            ("t://{}", "names no variable", 4),
            ("t://{?}", "has no name", 6),
            ("t://{a,}", "has no name", 7),
            ("t://{=a}", "unknown operator `=`", 5),
            ("t://{a-b}", "is no variable name", 5),
            ("t://{.a..b}", "is no variable name", 6),
            ("t://{é}", "is no variable name", 5),
            ("t://{a:0}", "from 1 to 9999", 7),
            ("t://{a:10000}", "from 1 to 9999", 7),
            ("t://{a:+3}", "from 1 to 9999", 7),
            ("t://{a}/{a}", "stands twice", 9),
            ("t://{a,a}", "stands twice", 7),
            ("t://a b", "holds no ' '", 5),
            ("t://a%2", "write `%25`", 5),
            ("t://{a}{b}", "where `a` ends and `b` begins", 7),
            ("t://{a}{+b}", "where `a` ends", 7),
            ("t://{+a}{/b}", "where `a` ends", 8),
            ("t://{/a*}{/b}", "where `a` ends", 9),
            ("t://{?a}{/b}", "where `a` ends", 8),
            ("t://{a*,b}", "where `a*` ends", 5),
        ];
        for (template, problem, at_byte) in rows {
            let error = UriTemplate::parse(template).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(problem) && text.ends_with(&format!("(byte {at_byte})")), "{text}");
        }
    }

    /// The values of RFC 6570, section 3.2, that are no lists.
    fn example(name: &str) -> Option<String> {
        let value = match name {
            "var" => "value",
            "hello" => "Hello World!",
            "path" => "/foo/bar",
            "half" => "50%",
            "list" => "red,green,blue",
            "x" => "1024",
            "y" => "768",
            "empty" => "",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn values_expand_as_the_operators_say() {
        let rows = [
            ("{hello}", "Hello%20World%21"),
            ("{half},{+none}x", "50%25,x"),
            ("{+path}/here", "/foo/bar/here"),
            ("x{#hello}", "x#Hello%20World!"),
            ("{x,none,y}", "1024,768"),
            ("{var:3}", "val"),
            ("x{.x,y}", "x.1024.768"),
            ("x{/list*}", "x/red/green/blue"),
            ("{+list*}", "red,green,blue"),
            ("x{;x,empty}", "x;x=1024;empty"),
            ("x{?x,empty,none}", "x?x=1024&empty="),
            ("x{?list*}", "x?list=red&list=green&list=blue"),
            ("x?fixed=yes{&x}", "x?fixed=yes&x=1024"),
            ("x{?none}{#none2}", "x"),
            ("é/{x}", "%C3%A9/1024"),
        ];
        for (template, expected) in rows {
            assert_eq!(UriTemplate::parse(template).unwrap().expand(example), expected, "{template}");
        }
    }

    #[test]
    fn what_was_expanded_is_matched_to_the_same_values() {
        let templates = [
            "t://{a}/{b}",
            "t://{a}{/b,c}",
            "t://{a}{?b,c}",
            "t://{a}{;b}{?c}",
            "t://x{/a}{#b}",
            "t://{a,b}{&c}",
        ];
        let alphabet: Vec<char> = "aZ9-_~ %/?#&=;,.+:é漢🙂\"\\\0".chars().collect();
        // A linear congruential generator: the same thousands of values on every run.
        let mut state = 7_u64;
        let mut random = move |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..2_000 {
            for text in templates {
                let template = UriTemplate::parse(text).unwrap();
                let mut values = Variables::new();
                for name in template.variables() {
                    let value: String = (0..=random(8)).map(|_| alphabet[random(alphabet.len())]).collect();
                    // `.`, `;` and `&` are encoded or end nothing here; only a fragment keeps its own text.
                    let value =
                        if text.contains("{#") && name == "b" { value.replace('%', "") + "x" } else { value };
                    values.insert(name, value);
                }
                let uri = template.expand(|name| values.get(name).map(str::to_owned));
                let found = template.matches(&uri).unwrap_or_else(|| panic!("{text} on {uri}"));
                assert!(values.iter().eq(found.iter()), "{text} on {uri}: {values:?}, found {found:?}");
            }
        }
    }

    #[test]
    fn hostile_uris_are_answered_in_linear_time() {
        let many = |text: &str| text.repeat(64 * 1024 / text.len());
        let rows = [
            ("t://x{/id*}", format!("t://x/{}", many(",")), true),
            ("t://x{/id*}", format!("t://x{}", many(",")), false),
            ("t://x{/id*}", format!("t://x{}#", many("/,")), false),
            ("t://x{?tags*}", format!("t://x?tags={}", many(",")), true),
            ("t://x{?tags*}", format!("t://x?tags={}", many("&")), false),
            ("t://x{?tags*}", format!("t://x?{}tags=1", many("tags=,&")), true),
            ("t://x{?tags*}", format!("t://x?{}", many("tags=,&")), false),
            ("t://{a}-{b}-{c}-{d}", format!("t://{}/", many("-")), false),
            ("t://{+a},{+b},{+c}!", format!("t://{}", many(",")), false),
            ("t://{+a}", format!("t://{}", many("%2C")), true),
            ("t://{+a}", format!("t://{}", many("%ff")), false),
        ];
        // Quadratic time would take seconds for these; unoptimised builds are an order slower.
        let time_max = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 5 });
        for (text, uri, matches) in rows {
            let template = UriTemplate::parse(text).unwrap();
            let times = (0..5).map(|_| {
                let start = Instant::now();
                assert_eq!(template.matches(&uri).is_some(), matches, "{text} on {uri:.40}");
                start.elapsed()
            });
            let fastest = times.min().unwrap();
            assert!(fastest <= time_max, "{text} on {uri:.40}: {fastest:?}");
        }
    }

    #[test]
    fn a_variable_that_is_missing_or_mistyped_is_named() {
        let mut variables = Variables::new();
        variables.insert("page", "3");
        variables.insert("page", "4");
        variables.insert("size", "many\n");
        assert_eq!(variables.parse::<u32>("page").unwrap(), 4);
        let missing = variables.parse::<u32>("query").unwrap_err();
        assert_eq!(missing.to_string(), "`query` is missing; give it a value");
        let mistyped = variables.parse::<u32>("size").unwrap_err();
        assert_eq!(mistyped.to_string(), "`size` can't be read as u32: many\\n");
        assert_eq!(mistyped.kind, impresario_protocol::ErrorKind::InvalidParams);
    }
}
