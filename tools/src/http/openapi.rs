//! OpenAPI documents.
use super::arguments::Arguments;
use super::request::Plan;
use super::settings::{Operations, Settings};
use crate::part::{Opening, PartError};
use serde_json::Value;
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) arguments: Arguments,
    pub(super) plan: Plan,
    pub(super) output_schema: Option<Value>,
}
pub(super) struct Document;
pub(super) async fn load(_: &str, _: &Settings, _: &Opening) -> Result<Document, PartError> {
    Ok(Document)
}
impl Document {
    pub(super) fn server(&self) -> Result<String, PartError> {
        Ok(String::new())
    }
    pub(super) fn operations(&self, _: &Operations) -> Result<Vec<Operation>, PartError> {
        Ok(vec![])
    }
}
