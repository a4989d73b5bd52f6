//! Tools that ask their client's person.

use impresario_engine::{Context, Form, ToolError, tool};
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
