//! Pages of what is described. A cursor names the last thing of its page, so it holds while others come and go.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use impresario_engine::{ExtensionParams, McpError};
use serde_json::Value;

/// A page ends with the item that reaches this weight; one weighs what it has of files.
const PAGE_WEIGHT: usize = 1_000;

/// Items on one page, however little they weigh.
const PAGE_ITEMS_MAX: usize = 100;

/// The key behind which the asked-for page begins.
pub(super) fn after(method: &str, params: &ExtensionParams) -> Result<Option<String>, McpError> {
    let Some(cursor) = params.optional_text("cursor")? else { return Ok(None) };
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    // A cursor names its method, so that one method's does not open another.
    let key =
        text.as_deref().and_then(|text| text.strip_prefix(method)?.strip_prefix('\n').map(ToOwned::to_owned));
    key.map(Some).ok_or_else(|| McpError::invalid_params("invalid cursor; start again without one"))
}

/// The items of a page, and the key behind which the next one begins, if there is one.
pub(super) fn page<'i, T>(
    items: &'i BTreeMap<String, T>,
    after: Option<&str>,
    weigh: impl Fn(&T) -> usize,
) -> (Vec<&'i T>, Option<&'i str>) {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let (mut page, mut last, mut weight) = (Vec::new(), None, 0);
    for (key, item) in items.range::<str, _>((from, Bound::Unbounded)) {
        if weight >= PAGE_WEIGHT || page.len() >= PAGE_ITEMS_MAX {
            return (page, last);
        }
        weight += weigh(item);
        page.push(item);
        last = Some(key.as_str());
    }
    (page, None)
}

/// The result with the cursor of the next page, if there is one.
pub(super) fn with_cursor(mut result: Value, method: &str, next: Option<&str>) -> Value {
    if let Some(next) = next {
        result["nextCursor"] = URL_SAFE_NO_PAD.encode(format!("{method}\n{next}")).into();
    }
    result
}
