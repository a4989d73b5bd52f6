//! Which operations of an OpenAPI document become tools.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// Which operations of an OpenAPI document become tools. By default those that only read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// Only these: names of operations, where `*` stands for anything, or `tag:NAME`. With none all are taken.
    pub include: Vec<String>,
    /// Not these.
    pub exclude: Vec<String>,
    /// Operations of these methods. What changes something is offered only when its method stands here.
    pub methods: Vec<String>,
    /// Other names for tools, by the operation's name.
    pub rename: BTreeMap<String, String>,
    /// More operations than this are refused: a model can't choose among hundreds of tools.
    pub max: usize,
    /// Whether the document's schemas of answers become output schemas. Then answers are held against them, and many
    /// APIs answer otherwise than their documents say.
    pub output_schemas: bool,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            methods: vec!["GET".into()],
            rename: BTreeMap::new(),
            max: 64,
            output_schemas: false,
        }
    }
}
