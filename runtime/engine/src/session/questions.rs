//! Questions in a session of the handshake era: what each revision can ask, how it is written, and where an
//! answer goes.

use impresario_codec::{Message, Node};
use impresario_protocol::client::{
    CreateMessageParams, ElicitParams, InputRequest, PrimitiveSchema, RequestedSchema, SamplingBlock,
    SamplingContent, SamplingMessage, SingleSelectSchema,
};
use impresario_protocol::{ClientCapabilities, Id, Implementation, Revision};
use serde_json::{Value, json};

use super::downgrade;
use crate::call::Call;
use crate::caller::{Abilities, ClientFacts};
use crate::question::OpenQuestions;

/// What a client said of itself in its handshake. What its revision does not have can't be asked, whatever it
/// declares.
pub(super) fn client_facts(
    implementation: Implementation,
    capabilities: ClientCapabilities,
    revision: Revision,
) -> ClientFacts {
    let mut abilities = Abilities::of(&capabilities);
    if revision < Revision::V2025_11_25 {
        // Modes came later: until then every client that elicits shows forms, with simpler fields.
        abilities.form = capabilities.elicitation.is_some();
        (abilities.url, abilities.multi_select, abilities.sampling_tools) = (false, false, false);
    }
    if revision < Revision::V2025_06_18 {
        abilities.form = false;
    }
    ClientFacts::with_abilities(Some(implementation), capabilities, abilities)
}

/// An answer of the client. One that nobody waits for in this session has no effect.
pub(super) fn on_answer(open: &OpenQuestions<Call>, message: &Message) {
    let Some((call, key)) = message.id().and_then(|id| open.take(id)) else {
        tracing::debug!("an answer came to no question of this session");
        return;
    };
    let reply = match (message.result(), message.error()) {
        (Some(result), _) => Ok(result.to_value()),
        (None, error) => {
            let member = |name: &str| error.and_then(|error| error.get(name));
            let code = member("code").and_then(Node::as_i64).unwrap_or_default();
            let message = member("message").and_then(Node::as_str).unwrap_or("no reason given");
            Err((code, impresario_protocol::error::Shown(message).to_string()))
        }
    };
    call.on_answer(&key, reply);
}

/// The params of a question, in the words of this revision.
pub(super) fn params(question: &InputRequest, id: &Id, revision: Revision) -> Value {
    let written = match question {
        InputRequest::Elicit(elicit) => match &elicit.params {
            ElicitParams::Form(form) => {
                let mut form = form.clone();
                if revision < Revision::V2025_11_25 {
                    form.mode = None;
                    simplify(&mut form.requested_schema);
                }
                serde_json::to_value(form)
            }
            ElicitParams::Url(page) => {
                let mut page = page.clone();
                page.elicitation_id = serde_json::from_str(&id.to_string()).ok();
                serde_json::to_value(page)
            }
        },
        InputRequest::CreateMessage(sample) if revision < Revision::V2025_11_25 => {
            serde_json::to_value(one_block_each(sample.params.clone(), revision))
        }
        InputRequest::CreateMessage(sample) => serde_json::to_value(&sample.params),
        InputRequest::ListRoots(_) => Ok(json!({})),
    };
    written.unwrap_or_else(|error| {
        tracing::error!(%error, "a question can't be written");
        Value::Null
    })
}

/// Until 2025-11-25 choices had their names beside them, and only truths a default.
fn simplify(form: &mut RequestedSchema) {
    form.schema = None;
    for (_, field) in &mut form.properties.0 {
        match field {
            PrimitiveSchema::TitledSingleSelect(select) => {
                let (values, names) =
                    select.one_of.iter().map(|choice| (choice.r#const.clone(), choice.title.clone())).unzip();
                *field = PrimitiveSchema::SingleSelect(SingleSelectSchema {
                    title: select.title.take(),
                    description: select.description.take(),
                    r#enum: values,
                    enum_names: names,
                    ..SingleSelectSchema::default()
                });
            }
            PrimitiveSchema::SingleSelect(select) => select.default = None,
            PrimitiveSchema::String(text) => text.default = None,
            PrimitiveSchema::Number(number) => number.default = None,
            PrimitiveSchema::Boolean(_)
            | PrimitiveSchema::MultiSelect(_)
            | PrimitiveSchema::TitledMultiSelect(_) => {}
        }
    }
}

/// Until 2025-11-25 a message is one block: several become as many messages.
fn one_block_each(mut params: CreateMessageParams, revision: Revision) -> CreateMessageParams {
    let messages = std::mem::take(&mut params.messages);
    params.messages = messages
        .into_iter()
        .flat_map(|SamplingMessage { role, content, .. }| {
            let blocks = match content {
                SamplingContent::One(block) => vec![*block],
                SamplingContent::Many(blocks) => blocks,
            };
            blocks.into_iter().map(move |block| SamplingMessage {
                role,
                content: downgraded(block, revision).into(),
                meta: None,
            })
        })
        .collect();
    params
}

fn downgraded(block: SamplingBlock, revision: Revision) -> SamplingBlock {
    match block {
        SamplingBlock::Content(content) => SamplingBlock::Content(downgrade::block(content, revision)),
        // Nobody comes here with tools: the client can't be asked about them.
        tools @ (SamplingBlock::ToolUse(_) | SamplingBlock::ToolResult(_)) => tools,
    }
}
