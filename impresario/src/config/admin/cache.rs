//! The cache as an administrator sees it: what it has done and holds, and how it is cleared.

use std::borrow::Cow;

use impresario_engine::{CacheStats, Runtime};
use serde_json::{Value as Json, json};

/// What the cache has done and holds, in all and for each tool.
pub(super) fn show(runtime: &Runtime) -> CacheStats {
    runtime.cache().stats()
}

/// Forgets what the query names: the answers of a tool, those with a tag, or everything without a query.
pub(super) fn clear(runtime: &Runtime, query: Option<&str>) -> Result<Json, String> {
    let cache = runtime.cache();
    let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
    match &pairs[..] {
        [] => Ok(json!({ "cleared": "everything", "entries": cache.clear() })),
        [(key, name)] if key == "tool" => {
            if !cache.stats().tools.iter().any(|known| known.tool == *name) {
                return Err(format!(
                    "no tool `{name}` keeps its answers; `impresario cache` lists those that do"
                ));
            }
            Ok(json!({ "cleared": format!("tool {name}"), "entries": cache.forget_tool(name) }))
        }
        [(key, tag)] if key == "tag" => {
            if !cache.stats().tools.iter().any(|known| known.tags.iter().any(|own| own == tag)) {
                return Err(format!("no tool has the tag `{tag}`; `impresario cache` lists them"));
            }
            Ok(json!({ "cleared": format!("tag {tag}"), "entries": cache.forget_tag(tag) }))
        }
        _ => Err("name one `tool`, one `tag`, or nothing for everything".to_owned()),
    }
}
