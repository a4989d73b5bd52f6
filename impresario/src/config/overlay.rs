//! `[tools.NAME]`: what holds for any tool, whichever pack it comes from.

use std::collections::BTreeMap;

use impresario_engine::{OutputRule, TextRule, ToolSpec};
use impresario_tools::setting::Span;
use schemars::JsonSchema;
use serde::Deserialize;

mod cache;

/// What is changed about a tool, whichever pack it comes from.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Overlay {
    /// Whether it is offered at all.
    pub(crate) enabled: bool,
    /// Its name for people.
    pub(crate) title: Option<String>,
    /// What it does, for models.
    pub(crate) description: Option<String>,
    /// How long one call may take.
    pub(crate) timeout: Option<Span>,
    /// The pool it runs in: one of `[pools.NAME]`.
    pub(crate) pool: Option<String>,
    /// Its answers are kept and given again.
    pub(crate) cache: Option<cache::Cache>,
    /// What its textual arguments may hold, by name; `options.name` is one inside another, `names[]` each of a list.
    pub(crate) arguments: BTreeMap<String, TextRule>,
    /// What its answers may hold.
    pub(crate) output: Option<OutputRule>,
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            enabled: true,
            title: None,
            description: None,
            timeout: None,
            pool: None,
            cache: None,
            arguments: BTreeMap::new(),
            output: None,
        }
    }
}

impl Overlay {
    /// The tool with these changes; none if it is not offered.
    pub(crate) fn applied(&self, tool: ToolSpec) -> Option<ToolSpec> {
        let Self { enabled, title, description, timeout, pool, cache, arguments, output } = self;
        if !enabled {
            return None;
        }
        let tool = title.iter().fold(tool, ToolSpec::title);
        let tool = description.iter().fold(tool, ToolSpec::description);
        let tool = timeout.iter().fold(tool, |tool, span| tool.timeout(span.0));
        let tool = pool.iter().fold(tool, ToolSpec::pool);
        let tool = cache.iter().fold(tool, |tool, cache| tool.cache(cache.policy()));
        let tool = arguments.iter().fold(tool, |tool, (name, rule)| tool.argument(name, rule.clone()));
        Some(output.iter().fold(tool, |tool, rule| tool.output_rule(*rule)))
    }
}
