//! The cache as an administrator sees it: what can be shown of it, and how it is cleared.

use impresario_engine::Runtime;
use serde_json::{Value as Json, json};

/// What the cache holds.
pub(super) fn show(runtime: &Runtime) -> Json {
    let limits = &runtime.shared().limits;
    json!({
        "bytes_max": limits.cache_bytes_max,
        "entry_bytes_max": limits.cache_entry_bytes_max,
        "ttl_max_ms": limits.cache_ttl_max_ms,
    })
}

/// Forgets what the query names: nothing for everything.
pub(super) fn clear(runtime: &Runtime, query: Option<&str>) -> Result<Json, String> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err("clear everything: kept answers can't be told apart by tool or tag here".to_owned());
    }
    runtime.clear_cache();
    Ok(json!({ "cleared": "everything" }))
}
