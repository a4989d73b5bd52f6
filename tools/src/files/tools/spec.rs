//! How a tool of this pack is written down: it blocks, stands on the ground, and says whether it changes anything.

use std::sync::Arc;

use impresario_engine::{
    Content, Context, IntoToolResult, Json, ToolAnnotations, ToolError, ToolResult, ToolSpec,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files::ground::Ground;

/// A tool's text for clients that read no data, and its data for those that do.
pub(super) struct Told<T> {
    pub(super) text: String,
    pub(super) data: T,
}

impl<T: Serialize + JsonSchema> IntoToolResult for Told<T> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        let result = Json(self.data).into_tool_result()?;
        Ok(ToolResult { content: vec![Content::text(self.text)], ..result })
    }

    fn output_schema() -> Option<serde_json::Value> {
        Json::<T>::output_schema()
    }
}

/// A tool that changes nothing.
pub(super) fn reader<A, R>(
    ground: &Arc<Ground>,
    name: &str,
    run: impl Fn(&Ground, A, &Context) -> Result<R, ToolError> + Send + Sync + 'static,
) -> ToolSpec
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoToolResult,
{
    let hints = ToolAnnotations {
        read_only_hint: Some(true),
        open_world_hint: Some(false),
        ..ToolAnnotations::default()
    };
    tool(ground, name, run).annotations(hints)
}

/// A tool that changes something.
pub(super) fn writer<A, R>(
    ground: &Arc<Ground>,
    name: &str,
    (is_destructive, is_idempotent): (bool, bool),
    run: impl Fn(&Ground, A, &Context) -> Result<R, ToolError> + Send + Sync + 'static,
) -> ToolSpec
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoToolResult,
{
    tool(ground, name, run).annotations(ToolAnnotations {
        title: None,
        read_only_hint: Some(false),
        destructive_hint: Some(is_destructive),
        idempotent_hint: Some(is_idempotent),
        open_world_hint: Some(false),
    })
}

fn tool<A, R>(
    ground: &Arc<Ground>,
    name: &str,
    run: impl Fn(&Ground, A, &Context) -> Result<R, ToolError> + Send + Sync + 'static,
) -> ToolSpec
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoToolResult,
{
    let ground = Arc::clone(ground);
    ToolSpec::blocking(name, move |arguments: A, ctx| run(&ground, arguments, &ctx))
}
