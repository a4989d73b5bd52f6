//! What a client can be asked: read once from what it declared, so that nobody spells capabilities twice.

use impresario_protocol::client::{
    ElicitParams, InputRequest, PrimitiveSchema, SamplingBlock, SamplingMessage,
};
use impresario_protocol::{ClientCapabilities, JsonObject};
use serde_json::{Value, json};

/// What a client can be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Its person fills in forms.
    pub form: bool,
    /// A form may have fields to choose several of.
    pub multi_select: bool,
    /// Its person goes to pages.
    pub url: bool,
    /// Its model goes on from messages.
    pub sampling: bool,
    /// Its model is given tools.
    pub sampling_tools: bool,
    /// It names the folders that may be worked in.
    pub roots: bool,
}

impl Abilities {
    /// What the capabilities say, as the newest revision reads them. An empty `elicitation` stands for forms
    /// (client/elicitation, "Capabilities").
    #[must_use]
    pub fn of(declared: &ClientCapabilities) -> Self {
        let has = |object: &Option<JsonObject>, member: &str| {
            object.as_ref().is_some_and(|object| object.get(member).is_some_and(|value| !value.is_null()))
        };
        let form = has(&declared.elicitation, "form")
            || declared.elicitation.as_ref().is_some_and(JsonObject::is_empty);
        Self {
            form,
            multi_select: form,
            url: has(&declared.elicitation, "url"),
            sampling: declared.sampling.is_some(),
            sampling_tools: has(&declared.sampling, "tools"),
            roots: declared.roots.is_some(),
        }
    }

    /// The capabilities that this question needs and the client lacks, as errors name them.
    pub(crate) fn missing_for(&self, question: &InputRequest) -> Option<Value> {
        match question {
            InputRequest::Elicit(elicit) => match &elicit.params {
                ElicitParams::Form(form) => {
                    let is_multi = |field: &PrimitiveSchema| {
                        matches!(
                            field,
                            PrimitiveSchema::MultiSelect(_) | PrimitiveSchema::TitledMultiSelect(_)
                        )
                    };
                    let has_multi =
                        form.requested_schema.properties.0.iter().any(|(_, field)| is_multi(field));
                    let can = self.form && (self.multi_select || !has_multi);
                    (!can).then(|| json!({ "elicitation": { "form": {} } }))
                }
                ElicitParams::Url(_) => (!self.url).then(|| json!({ "elicitation": { "url": {} } })),
            },
            InputRequest::CreateMessage(sample) => {
                let params = &sample.params;
                let is_about_tools = |block: &SamplingBlock| {
                    matches!(block, SamplingBlock::ToolUse(_) | SamplingBlock::ToolResult(_))
                };
                let speaks_of_tools =
                    |message: &SamplingMessage| message.content.blocks().iter().any(is_about_tools);
                let needs_tools = !params.tools.is_empty()
                    || params.tool_choice.is_some()
                    || params.messages.iter().any(speaks_of_tools);
                if needs_tools {
                    return (!self.sampling_tools).then(|| json!({ "sampling": { "tools": {} } }));
                }
                (!self.sampling).then(|| json!({ "sampling": {} }))
            }
            InputRequest::ListRoots(_) => (!self.roots).then(|| json!({ "roots": {} })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_elicitation_stands_for_forms_alone() {
        let of = |elicitation: Value| {
            let declared = ClientCapabilities {
                elicitation: elicitation.as_object().cloned(),
                ..ClientCapabilities::default()
            };
            let abilities = Abilities::of(&declared);
            (abilities.form, abilities.url)
        };
        assert_eq!(of(Value::Null), (false, false));
        assert_eq!(of(json!({})), (true, false));
        assert_eq!(of(json!({ "form": {} })), (true, false));
        assert_eq!(of(json!({ "url": {} })), (false, true));
        assert_eq!(of(json!({ "form": {}, "url": {} })), (true, true));
    }
}
