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
    schema.check_value(&content).map_err(|violations| Violation::join(&violations))?;
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
