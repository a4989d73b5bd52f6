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

#[tool(cache(ttl = "1m", eviction = "fifo"))]
fn unknown_eviction() {}

#[tool(cache(ttl = "1m", key_fields = "city"))]
fn one_key_field() {}

#[tool(cache(ttl = "1m", tags = ["a", 1]))]
fn numeric_tag() {}

#[tool(cache(ttl = "1m", errors = ["not_found"]))]
fn errors_without_a_time() {}

#[tool(cache(ttl = "1m", error_ttl = "1s"))]
fn a_time_without_errors() {}

#[tool(cache(ttl = "1m", forget_on_list_changed = ["skills"]))]
fn unknown_list() {}

#[tool(annotations(readonly))]
fn unknown_annotation() {}

#[tool(annotations(idempotent = "yes"))]
fn textual_annotation() {}

fn main() {}
