//! Answers held against their questions: what comes from outside is what was asked for, or is refused.

use impresario_codec::{Schema, SchemaLimits, Violation};
use impresario_protocol::JsonObject;
use impresario_protocol::client::{
    CreateMessageResult, ElicitAction, ElicitParams, ElicitResult, InputRequest, InputResponse,
    ListRootsResult, NumberType, PrimitiveSchema, RequestedSchema,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The answer to a question, if it is one; else what is wrong with it.
pub(crate) fn check(question: &InputRequest, answer: Value) -> Result<InputResponse, String> {
    if !answer.is_object() {
        return Err("an answer must be an object".into());
    }
    match question {
        InputRequest::Elicit(elicit) => {
            let mut answer: ElicitResult = read(
                answer,
                "an `action` (accept, decline or cancel) and, for a form that was accepted, `content`",
            )?;
            let content = answer.content.take().filter(|_| answer.action == ElicitAction::Accept);
            if let (ElicitParams::Form(form), ElicitAction::Accept) = (&elicit.params, answer.action) {
                let content = content.ok_or("a form that was accepted must have `content`, an object")?;
                answer.content = Some(check_content(&form.requested_schema, content)?);
            }
            Ok(InputResponse::Elicit(answer))
        }
        InputRequest::CreateMessage(_) => {
            let answer: CreateMessageResult = read(answer, "`role`, `content` and `model`")?;
            Ok(InputResponse::CreateMessage(Box::new(answer)))
        }
        InputRequest::ListRoots(_) => {
            let answer: ListRootsResult = read(answer, "`roots`, each with a `uri`")?;
            match answer.roots.iter().find(|root| !root.uri.starts_with("file://")) {
                None => Ok(InputResponse::ListRoots(answer)),
                Some(_) => Err("every root must have a `uri` that begins with `file://`".into()),
            }
        }
    }
}

fn read<T: DeserializeOwned>(answer: Value, members: &str) -> Result<T, String> {
    serde_json::from_value(answer).map_err(|error| format!("it must have {members}: {error}"))
}

/// What was filled in, held against the form. What the form does not have is left out, and a whole number may
/// be written with a fraction of nothing.
pub(crate) fn check_content(form: &RequestedSchema, mut content: JsonObject) -> Result<JsonObject, String> {
    content.retain(|name, _| form.properties.get(name).is_some());
    for (name, field) in &form.properties.0 {
        if let (PrimitiveSchema::Number(number), Some(value)) = (field, content.get_mut(name))
            && number.r#type == NumberType::Integer
            && let Some(whole) = value.as_f64().and_then(whole)
        {
            *value = whole.into();
        }
    }
    let schema = serde_json::to_value(form).map_err(|error| error.to_string())?;
    let schema = Schema::compile_with_formats(&schema, &FORM_LIMITS).map_err(|error| error.to_string())?;
    let content = Value::Object(content);
    // Without what the person wrote: it goes to whoever reads the error.
    schema.check_value(&content).map_err(|violations| Violation::join_rules(&violations))?;
    match content {
        Value::Object(content) => Ok(content),
        _ => Err("`content` must be an object".into()),
    }
}

/// A form is flat, and as large as its author made it.
const FORM_LIMITS: SchemaLimits = SchemaLimits { depth_max: 16, nodes_max: 100_000 };

/// A float without a fraction as an integer; integers are left as they are.
fn whole(number: f64) -> Option<i64> {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= WHOLE_MAX).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use impresario_protocol::client::{StringFormat, StringSchema};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_filled_in_has_the_format_that_was_asked_for() {
        let rows: [(StringFormat, &[&str], &[&str]); 4] = [
            (
                StringFormat::Email,
                &["ada@example.com", "a.b+c@sub.example.org"],
                &["", "ada", "@example.com", "ada@", "ada@@example.com", "ada example@example.com"],
            ),
            (
                StringFormat::Uri,
                &["https://example.com/a?b#c", "urn:isbn:0451450523"],
                &["", "example", "/a/b", "https://exa mple.com", "https://example.com/<>"],
            ),
            (
                StringFormat::Date,
                &["2026-11-22", "2024-02-29"],
                &["", "22.11.2026", "2026-13-01", "2026-02-29", "2026-11-22T00:00:00Z", "26-11-22"],
            ),
            (
                StringFormat::DateTime,
                &["2026-11-22T16:00:00Z", "2026-11-22T16:00:00.25+01:00"],
                &["", "2026-11-22", "2026-11-22T16:00:00", "2026-11-22T25:00:00Z", "16:00:00Z"],
            ),
        ];
        for (format, good, bad) in rows {
            let field = StringSchema { format: Some(format), ..StringSchema::default() };
            let form = RequestedSchema::new().require("field", field);
            let fill = |text: &str| {
                let Value::Object(content) = json!({ "field": text }) else {
                    unreachable!("it is an object")
                };
                check_content(&form, content)
            };
            for text in good {
                assert_eq!(fill(text).unwrap()["field"], json!(text), "{format:?}");
            }
            for text in bad {
                let refused = fill(text).expect_err(text);
                assert!(refused.contains("field"), "{format:?} {text}: {refused}");
            }
        }
    }
}
