//! Tools that ask their client: its person, its model, its folders.

use impresario_engine::client::{CreateMessageParams, SamplingBlock, SamplingMessage};
use impresario_engine::{Context, Elicited, Form, ToolError, tool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answers::counter;

/// A name, as a person fills it in.
#[derive(Form, Deserialize, JsonSchema)]
struct Name {
    /// What you are called
    #[schemars(title = "Your name", length(min = 1, max = 64))]
    name: String,
}

/// A colour, as a person chooses it.
#[derive(Form, Deserialize, JsonSchema)]
struct Favourite {
    #[schemars(title = "Your colour")]
    colour: Colour,
}

#[derive(Debug, Clone, Copy, Form, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
    Blue,
}

/// Ask for a name, and greet.
#[tool(title = "Ask", annotations(read_only, open_world = false))]
pub async fn ask(ctx: &Context) -> Result<String, ToolError> {
    greeted(ctx).await
}

/// Ask for a name, and greet; as a task where the client knows tasks.
#[tool(
    title = "Ask in a task",
    task = "optional",
    task_ttl = "1h",
    annotations(read_only, open_world = false)
)]
pub async fn ask_in_task(ctx: &Context) -> Result<String, ToolError> {
    greeted(ctx).await
}

async fn greeted(ctx: &Context) -> Result<String, ToolError> {
    let name = ctx.elicit::<Name>("name", "What is your name?").await?;
    Ok(match name.accepted() {
        Some(Name { name }) => format!("Hello, {name}!"),
        None => "Hello, whoever you are!".into(),
    })
}

/// Ask for a name, count one up as the tool `counter` does, then ask for a colour.
/// It counts once, however often the call has to be sent for its answers.
#[tool(
    title = "Ask twice",
    annotations(read_only = false, destructive = false, idempotent = false, open_world = false)
)]
pub async fn ask_twice(ctx: &Context) -> Result<String, ToolError> {
    let Name { name } =
        ctx.elicit("name", "What is your name?").await?.accepted_or("no name, no second question")?;
    let visit = ctx.once("visit", async { counter() }).await?;
    let Favourite { colour } = ctx
        .elicit("colour", format!("{name}, which colour do you like?"))
        .await?
        .accepted_or("no colour, no answer")?;
    Ok(format!("{name} likes {colour:?}; visit {visit}"))
}

/// Send the person to a page, and return what they said to it: accepted, declined or cancelled.
#[tool(title = "Ask for a page", annotations(read_only, open_world = false))]
pub async fn ask_page(
    /// the address of the page
    url: &str,
    ctx: &Context,
) -> Result<&'static str, ToolError> {
    let answer = ctx.elicit_url("page", "Please look at this page.", url).await?;
    ctx.url_settled("page");
    Ok(match answer {
        Elicited::Accepted(()) => "accepted",
        Elicited::Declined => "declined",
        Elicited::Cancelled => "cancelled",
    })
}

/// Ask the client's model, and return its text.
#[tool(title = "Sample text", annotations(read_only, open_world = false))]
pub async fn sample_text(
    /// what the model is asked
    prompt: &str,
    ctx: &Context,
) -> Result<String, ToolError> {
    const TOKENS_MAX: u64 = 100;
    let params = CreateMessageParams::new(vec![SamplingMessage::user(prompt)], TOKENS_MAX);
    let said = ctx.sample("text", params).await?;
    let texts = said.content.blocks().iter().filter_map(|block| match block {
        SamplingBlock::Content(content) => content.as_text(),
        _ => None,
    });
    Ok(texts.collect())
}

/// Ask for the client's roots, and return their addresses, one on each line.
#[tool(title = "Show roots", annotations(read_only, open_world = false))]
pub async fn show_roots(ctx: &Context) -> Result<String, ToolError> {
    let roots = ctx.list_roots().await?;
    Ok(roots.iter().map(|root| root.uri.as_str()).collect::<Vec<_>>().join("\n"))
}
