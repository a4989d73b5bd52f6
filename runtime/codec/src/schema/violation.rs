//! What is wrong with a value, told so that a model can mend its call, and never with the value itself.

use std::fmt::{self, Write as _};

use impresario_protocol::error::Shown;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

/// How many bytes of what a schema or a caller wrote are shown in one message.
const SHOWN_BYTES_MAX: usize = 160;
/// How many names or forms are listed in one message.
const LISTED_MAX: usize = 4;

/// One rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: empty for the value itself, else such as `filter.minValue` or `data[3].id`.
    pub path: String,
    /// Which rule, and what was found: one sentence that names the field.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Violation {
    /// All of them in one line.
    #[must_use]
    pub fn join(violations: &[Self]) -> String {
        violations.iter().map(|violation| violation.message.as_str()).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn from_error(error: &ValidationError<'_>) -> Self {
        let mut path = path(error.instance_path());
        if let ValidationErrorKind::Required { property: Value::String(name) } = error.kind() {
            // The field that is missing is the one to name, not the object that lacks it.
            push_name(&mut path, name);
        }
        let rule = rule(error);
        let message = if path.is_empty() { format!("the value {rule}") } else { format!("`{path}` {rule}") };
        Self { path, message }
    }

    pub(super) fn repeated(name: &str) -> Self {
        let path = Shown(name).to_string();
        Self { message: format!("`{path}` must not be written twice in one object"), path }
    }

    pub(super) fn unexplained() -> Self {
        Self { path: String::new(), message: "the value does not match the schema".to_owned() }
    }
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
        Kind::Required { .. } => "is missing (required)".to_owned(),
        Kind::Type { kind } => format!("must be {}, not {} (type)", types(kind), type_name(error.instance())),
        Kind::Enum { options } => format!("must be one of {} (enum)", options_listed(options)),
        Kind::Constant { expected_value } => {
            format!("must be {} (const)", shortened(&expected_value.to_string()))
        }
        Kind::Minimum { limit } => format!("must be at least {limit} (minimum)"),
        Kind::Maximum { limit } => format!("must be at most {limit} (maximum)"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit} (exclusiveMinimum)"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit} (exclusiveMaximum)"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of} (multipleOf)"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters (minLength)"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters (maxLength)"),
        Kind::MinItems { limit } => format!("must have at least {limit} elements (minItems)"),
        Kind::MaxItems { limit } => format!("must have at most {limit} elements (maxItems)"),
        Kind::AdditionalItems { limit } => format!("must have at most {limit} elements (additionalItems)"),
        Kind::MinProperties { limit } => format!("must have at least {limit} members (minProperties)"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members (maxProperties)"),
        Kind::Pattern { pattern } => format!("must match the pattern `{}` (pattern)", shortened(pattern)),
        Kind::Format { format } => format!("must be of the format `{}` (format)", shortened(format)),
        Kind::UniqueItems => "must not have the same element twice (uniqueItems)".to_owned(),
        Kind::Contains => "must contain an element of the required form (contains)".to_owned(),
        Kind::AdditionalProperties { unexpected } => {
            format!("must not have {} (additionalProperties)", names_listed(unexpected))
        }
        Kind::UnevaluatedProperties { unexpected } => {
            format!("must not have {} (unevaluatedProperties)", names_listed(unexpected))
        }
        Kind::UnevaluatedItems { .. } => "has more elements than allowed (unevaluatedItems)".to_owned(),
        Kind::PropertyNames { error } => {
            format!("has a member whose name is not allowed: it {}", rule(error))
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            format!("must have one of the allowed forms: {} ({})", forms(context), error.kind().keyword())
        }
        Kind::OneOfMultipleValid { .. } => "must have exactly one of the allowed forms (oneOf)".to_owned(),
        Kind::Not { .. } => "must not have the form that is excluded (not)".to_owned(),
        Kind::FalseSchema => "is not allowed".to_owned(),
        other => format!("breaks the rule `{}`", other.keyword()),
    }
}

/// What each of the alternatives asks for first.
fn forms(context: &[Vec<ValidationError<'_>>]) -> String {
    let mut listed = String::new();
    for (at, error) in context.iter().filter_map(|errors| errors.first()).take(LISTED_MAX).enumerate() {
        let separator = if at == 0 { "" } else { ", or " };
        let violation = match error.kind() {
            // An alternative of alternatives is not spelt out.
            ValidationErrorKind::AnyOf { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
                "one of further forms".to_owned()
            }
            _ => Violation::from_error(error).message,
        };
        let _ = write!(listed, "{separator}{violation}");
    }
    if context.len() > LISTED_MAX {
        let _ = write!(listed, ", or {} more", context.len() - LISTED_MAX);
    }
    listed
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(name) => name.to_string(),
        TypeKind::Multiple(names) => {
            names.iter().map(|name| name.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
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
