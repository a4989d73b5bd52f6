//! Tools that ask their client for something: its person, its model, its folders. Keys, messages and forms are
//! the suite's.

use impresario::client::{
    BooleanSchema, Choice, CreateMessageParams, InputRequest, MultiSelectItems, MultiSelectSchema,
    NumberSchema, NumberType, RequestedSchema, SamplingMessage, SingleSelectSchema, StringSchema,
    TitledItems, TitledMultiSelectSchema, TitledSingleSelectSchema,
};
use impresario::{AskError, Context, Elicited, JsonObject, ToolError, tool};
use serde_json::{Number, Value, json};

/// A form of one text.
pub(crate) fn text_form(field: &str) -> RequestedSchema {
    RequestedSchema::new().require(field, StringSchema::default())
}

fn confirmation() -> RequestedSchema {
    RequestedSchema::new().require("ok", BooleanSchema::default())
}

/// What the person did, and what was filled in.
fn told(answer: Elicited<JsonObject>) -> String {
    match answer {
        Elicited::Accepted(content) => format!("action=accept, content={}", Value::Object(content)),
        Elicited::Declined => "action=decline, content={}".into(),
        Elicited::Cancelled => "action=cancel, content={}".into(),
    }
}

fn sampling(prompt: &str, max_tokens: u64) -> CreateMessageParams {
    CreateMessageParams::new(vec![SamplingMessage::user(prompt)], max_tokens)
}

/// What the client's model says to a prompt.
async fn sampled(ctx: &Context, key: &str, prompt: &str) -> Result<String, AskError> {
    let said = ctx.sample(key, sampling(prompt, 100)).await?;
    let texts = said.content.blocks().iter().filter_map(|block| match block {
        impresario::client::SamplingBlock::Content(content) => content.as_text(),
        _ => None,
    });
    Ok(texts.collect())
}

/// Asks the client's model.
#[tool]
pub(crate) async fn test_sampling(
    /// The prompt to send to the LLM
    prompt: &str,
    ctx: &Context,
) -> Result<String, ToolError> {
    Ok(format!("LLM response: {}", sampled(ctx, "sampling", prompt).await?))
}

/// Asks the person for a name and an address.
#[tool]
pub(crate) async fn test_elicitation(
    /// The message to show the user
    message: &str,
    ctx: &Context,
) -> Result<String, ToolError> {
    let form = RequestedSchema::new()
        .require("username", StringSchema::default().described("User's response"))
        .require("email", StringSchema::default().described("User's email address"));
    Ok(format!("User response: {}", told(ctx.elicit_form("user", message, form).await?)))
}

/// Asks with a form whose fields all have defaults.
#[tool]
pub(crate) async fn test_elicitation_sep1034_defaults(ctx: &Context) -> Result<String, ToolError> {
    let number = |r#type, default| NumberSchema { r#type, default, ..NumberSchema::default() };
    let statuses = ["active", "inactive", "pending"].map(String::from).to_vec();
    let status = SingleSelectSchema {
        r#enum: statuses,
        default: Some("active".into()),
        ..SingleSelectSchema::default()
    };
    let form = RequestedSchema::new()
        .field("name", StringSchema { default: Some("John Doe".into()), ..StringSchema::default() })
        .field("age", number(NumberType::Integer, Some(30.into())))
        .field("score", number(NumberType::Number, Number::from_f64(95.5)))
        .field("status", status)
        .field("verified", BooleanSchema { default: Some(true), ..BooleanSchema::default() });
    let answer = ctx.elicit_form("defaults", "Please review the defaults", form).await?;
    Ok(format!("Elicitation completed: {}", told(answer)))
}

/// Asks with a form of every kind of choice.
#[tool]
pub(crate) async fn test_elicitation_sep1330_enums(ctx: &Context) -> Result<String, ToolError> {
    let options = || ["option1", "option2", "option3"].map(String::from).to_vec();
    let titled = |noun: &str| {
        let titles = [("value1", "First"), ("value2", "Second"), ("value3", "Third")];
        titles.map(|(value, title)| Choice::new(value, format!("{title} {noun}"))).to_vec()
    };
    let legacy = SingleSelectSchema {
        r#enum: ["opt1", "opt2", "opt3"].map(String::from).to_vec(),
        enum_names: ["Option One", "Option Two", "Option Three"].map(String::from).to_vec(),
        ..SingleSelectSchema::default()
    };
    let items = MultiSelectItems { r#enum: options(), ..MultiSelectItems::default() };
    let titled_items = TitledItems { any_of: titled("Choice") };
    let form = RequestedSchema::new()
        .field("untitledSingle", SingleSelectSchema { r#enum: options(), ..SingleSelectSchema::default() })
        .field("titledSingle", TitledSingleSelectSchema { one_of: titled("Option"), ..Default::default() })
        .field("legacyEnum", legacy)
        .field("untitledMulti", MultiSelectSchema { items, ..MultiSelectSchema::default() })
        .field("titledMulti", TitledMultiSelectSchema { items: titled_items, ..Default::default() });
    let answer = ctx.elicit_form("choices", "Please choose", form).await?;
    Ok(format!("Elicitation completed: {}", told(answer)))
}

/// Asks for a name, and greets.
#[tool]
pub(crate) async fn test_input_required_result_elicitation(ctx: &Context) -> Result<String, ToolError> {
    let answer = ctx.elicit_form("user_name", "What is your name?", text_form("name")).await?;
    let name = answer.accepted().and_then(|content| Some(content.get("name")?.as_str()?.to_owned()));
    Ok(format!("Hello, {}!", name.as_deref().unwrap_or("stranger")))
}

/// Asks the client's model for a capital.
#[tool]
pub(crate) async fn test_input_required_result_sampling(ctx: &Context) -> Result<String, ToolError> {
    Ok(sampled(ctx, "capital_question", "What is the capital of France?").await?)
}

/// Asks for the folders.
#[tool]
pub(crate) async fn test_input_required_result_list_roots(ctx: &Context) -> Result<String, ToolError> {
    let roots = ctx.list_roots().await?;
    let uris: Vec<_> = roots.iter().map(|root| root.uri.as_str()).collect();
    Ok(format!("Roots: {}", uris.join(", ")))
}

/// Asks for a confirmation.
#[tool]
pub(crate) async fn test_input_required_result_request_state(ctx: &Context) -> Result<String, ToolError> {
    let answer = ctx.elicit_form("confirm", "Please confirm", confirmation()).await?;
    Ok(format!("state-ok: {}", told(answer)))
}

/// Asks for a confirmation; its state must come back unchanged.
#[tool]
pub(crate) async fn test_input_required_result_tampered_state(ctx: &Context) -> Result<String, ToolError> {
    let answer = ctx.elicit_form("confirm", "Please confirm", confirmation()).await?;
    Ok(format!("confirmed: {}", told(answer)))
}

/// Asks the person, the model and for the folders at once.
#[tool]
pub(crate) async fn test_input_required_result_multiple_inputs(ctx: &Context) -> Result<String, ToolError> {
    let questions = [
        ("user_name", InputRequest::form("What is your name?", text_form("name"))),
        ("greeting", InputRequest::sample(sampling("Generate a greeting", 50))),
        ("client_roots", InputRequest::roots()),
    ];
    Ok(json!(ctx.ask_all(questions).await?).to_string())
}

/// Asks for a name and then for a colour.
#[tool]
pub(crate) async fn test_input_required_result_multi_round(ctx: &Context) -> Result<String, ToolError> {
    let name = ctx.elicit_form("step1", "Step 1: What is your name?", text_form("name")).await?;
    let colour = ctx.elicit_form("step2", "Step 2: What is your favorite color?", text_form("color")).await?;
    Ok(format!("{}; {}", told(name), told(colour)))
}

/// Asks for whatever this client can be asked.
#[tool]
pub(crate) async fn test_input_required_result_capabilities(ctx: &Context) -> Result<String, ToolError> {
    let mut questions = Vec::new();
    if ctx.client().can_elicit() {
        questions.push(("user_name", InputRequest::form("What is your name?", text_form("name"))));
    }
    if ctx.client().can_sample() {
        questions.push(("greeting", InputRequest::sample(sampling("Generate a greeting", 50))));
    }
    Ok(format!("{} answers", ctx.ask_all(questions).await?.len()))
}
