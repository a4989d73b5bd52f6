//! What is wrong with a value, told so that a model can mend its call: which field, which rule, what was found.
//!
//! What was found stands apart, because it may be anything: the caller may see it, a log should not.

use std::fmt::{self, Write as _};

use impresario_protocol::error::Shown;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

use crate::node::Node;
use crate::schema::found::Found;

/// How many bytes of what a schema or a caller wrote are shown in one message.
const SHOWN_BYTES_MAX: usize = 160;
/// How many names or forms are listed in one message.
const LISTED_MAX: usize = 4;

/// One rule that a value breaks: `` `height_m` must be greater than 0, got -1.8 ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: empty for the value itself, else such as `filter.minValue` or `data[3].id`.
    pub path: String,
    /// Which rule: one sentence that names the field, without anything of the value.
    pub message: String,
    /// What was found, shortened and escaped, where that helps.
    pub got: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.got.as_ref().map_or(Ok(()), |got| write!(f, ", got {got}"))
    }
}

impl Violation {
    /// All of them in one line.
    #[must_use]
    pub fn join(violations: &[Self]) -> String {
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// The rules alone in one line, for where the value must not be shown.
    #[must_use]
    pub fn join_rules(violations: &[Self]) -> String {
        violations.iter().map(|violation| violation.message.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// What is wrong with a value of that document.
    pub(super) fn on_tape(error: &ValidationError<'_>, root: Node<'_>) -> Self {
        Self::new(error, Found::at(error.instance_path(), root))
    }

    /// What is wrong with a value that the error brings along.
    pub(super) fn on_value(error: &ValidationError<'_>) -> Self {
        Self::new(error, Some(Found::Value(error.instance())))
    }

    fn new(error: &ValidationError<'_>, found: Option<Found<'_>>) -> Self {
        let (path, message) = sentence(error);
        Self { path, message, got: found.and_then(|found| got(error, found)) }
    }

    pub(super) fn repeated(name: &str) -> Self {
        let path = Shown(name).to_string();
        Self { message: format!("`{path}` must not be written twice in one object"), path, got: None }
    }

    pub(super) fn unexplained() -> Self {
        let message = "the value does not match the schema".to_owned();
        Self { path: String::new(), message, got: None }
    }
}

/// Where something is wrong, and the rule with the field it is about.
fn sentence(error: &ValidationError<'_>) -> (String, String) {
    let mut path = path(error.instance_path());
    if let ValidationErrorKind::Required { property: Value::String(name) } = error.kind() {
        // The field that is missing is the one to name, not the object that lacks it.
        push_name(&mut path, name);
    }
    let rule = rule(error);
    let message = if path.is_empty() { format!("the value {rule}") } else { format!("`{path}` {rule}") };
    (path, message)
}

fn path(location: &Location) -> String {
    let mut path = String::new();
    for segment in location.segments() {
        match segment {
            LocationSegment::Property(name) => push_name(&mut path, &name),
            LocationSegment::Index(at) => {
                let _ = write!(path, "[{at}]");
            }
        }
    }
    path
}

fn push_name(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    let _ = write!(path, "{}", Shown(name));
}

/// The rule that is broken, as the rest of a sentence that begins with the field.
fn rule(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Required { .. } => "is required, but missing".to_owned(),
        Kind::Type { kind } => format!("must be {}", types(kind)),
        Kind::Enum { options } => format!("must be one of {}", options_listed(options)),
        Kind::Constant { expected_value } => format!("must be {}", shortened(&expected_value.to_string())),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be greater than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("must have at least {}", counted(*limit, "character")),
        Kind::MaxLength { limit } => format!("must have at most {}", counted(*limit, "character")),
        Kind::MinItems { limit } => format!("must have at least {}", counted(*limit, "element")),
        Kind::MaxItems { limit } => format!("must have at most {}", counted(*limit, "element")),
        Kind::AdditionalItems { limit } => {
            format!("must have at most {}", counted(*limit as u64, "element"))
        }
        Kind::MinProperties { limit } => format!("must have at least {}", counted(*limit, "member")),
        Kind::MaxProperties { limit } => format!("must have at most {}", counted(*limit, "member")),
        Kind::Pattern { pattern } => format!("must match the pattern `{}`", shortened(pattern)),
        Kind::Format { format } => format!("must be of the format `{}`", shortened(format)),
        Kind::UniqueItems => "must not have the same element twice".to_owned(),
        Kind::Contains => "must contain an element of the required form".to_owned(),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("must not have {}; there is no such member", names_listed(unexpected))
        }
        Kind::UnevaluatedItems { .. } => "must not have so many elements".to_owned(),
        Kind::PropertyNames { error } => {
            format!("has a member whose name is not allowed: it {}", rule(error))
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            format!("must have one of the allowed forms: {}", forms(context))
        }
        Kind::OneOfMultipleValid { .. } => "must have only one of the allowed forms, not several".to_owned(),
        Kind::Not { .. } => "must not have the form that is excluded".to_owned(),
        Kind::FalseSchema => "is not allowed".to_owned(),
        other => format!("must keep to the rule `{}`", other.keyword()),
    }
}

/// What was found, in the way that belongs to the rule; nothing where the rule says it all.
fn got(error: &ValidationError<'_>, found: Found<'_>) -> Option<String> {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Type { .. } => Some(found.shown_with_type()),
        Kind::MinLength { .. }
        | Kind::MaxLength { .. }
        | Kind::MinItems { .. }
        | Kind::MaxItems { .. }
        | Kind::AdditionalItems { .. }
        | Kind::MinProperties { .. }
        | Kind::MaxProperties { .. } => Some(found.len().to_string()),
        Kind::Required { .. }
        | Kind::AdditionalProperties { .. }
        | Kind::UnevaluatedProperties { .. }
        | Kind::UnevaluatedItems { .. }
        | Kind::PropertyNames { .. }
        | Kind::UniqueItems
        | Kind::FalseSchema => None,
        _ => Some(found.shown()),
    }
}

/// What each of the alternatives asks for first.
fn forms(context: &[Vec<ValidationError<'_>>]) -> String {
    let mut listed = String::new();
    for (at, error) in context.iter().filter_map(|errors| errors.first()).take(LISTED_MAX).enumerate() {
        let separator = if at == 0 { "" } else { ", or " };
        let form = match error.kind() {
            // An alternative of alternatives is not spelt out.
            ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
                "one of further forms".to_owned()
            }
            _ => sentence(error).1,
        };
        let _ = write!(listed, "{separator}{form}");
    }
    if context.len() > LISTED_MAX {
        let _ = write!(listed, ", or {} more", context.len() - LISTED_MAX);
    }
    listed
}

fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn types(kind: &TypeKind) -> String {
    let with_article = |name: &str| match name {
        "null" => "null".to_owned(),
        "array" | "integer" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    };
    match kind {
        TypeKind::Single(name) => with_article(&name.to_string()),
        TypeKind::Multiple(names) => {
            names.iter().map(|name| with_article(&name.to_string())).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn options_listed(options: &Value) -> String {
    let Value::Array(options) = options else { return shortened(&options.to_string()) };
    shortened(&options.iter().take(32).map(Value::to_string).collect::<Vec<_>>().join(", "))
}

fn names_listed(names: &[String]) -> String {
    let mut listed =
        names.iter().take(LISTED_MAX).map(|name| format!("`{}`", Shown(name))).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED_MAX {
        let _ = write!(listed, " and {} more", names.len() - LISTED_MAX);
    }
    listed
}

fn shortened(text: &str) -> String {
    if text.len() <= SHOWN_BYTES_MAX {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(SHOWN_BYTES_MAX)])
}
