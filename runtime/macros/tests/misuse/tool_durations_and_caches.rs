//! Durations, caches and annotations that can't be read.

use impresario_macros::tool;

#[tool(timeout = 5)]
fn no_unit() {}

#[tool(timeout = "5 days")]
fn unknown_unit() {}

#[tool(timeout = "0s")]
fn no_time() {}

#[tool(cache)]
fn bare_cache() {}

#[tool(cache(scope = "public"))]
fn cache_without_ttl() {}

#[tool(cache(ttl = "1m", scope = "shared"))]
fn unknown_scope() {}

#[tool(cache(ttl = "1m", max_bytes = "64k"))]
fn textual_size() {}

#[tool(cache(ttl = "1m", size = 1))]
fn unknown_in_cache() {}

#[tool(annotations(readonly))]
fn unknown_annotation() {}

#[tool(annotations(idempotent = "yes"))]
fn textual_annotation() {}

fn main() {}
