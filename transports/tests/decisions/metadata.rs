//! Part E: the metadata that each request of the modern era carries.

use crate::support::ask::{Ask, call, post, request};
use crate::support::era::{BATCHING, MODERN};
use crate::support::expect::{error, result, served};
use crate::support::house::House;
use crate::support::table::{EVERYWHERE, HTTP, LINES, bodies, hold, row};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// A call of that tool with that metadata.
fn with_meta(tool: &str, meta: &str) -> Ask {
    post(call(tool, "{}").replace("$meta", &format!(r#""_meta":{meta}"#)))
}

/// A call with sound metadata and some more members of it.
fn with_more_meta(more: &str) -> Ask {
    with_meta("count", &format!(r#"{{"{VERSION}":"2026-07-28","{CAPABILITIES}":{{}},{more}}}"#))
}

#[tokio::test]
async fn metadata_must_be_there() {
    let none = [
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count"}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","_meta":null}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","_meta":[]}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","_meta":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","_meta":{}}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/list"}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/list","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"resources/read","params":{"uri":"test://fixed"}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"subscriptions/listen","params":{"notifications":{}}}"#,
    ];
    let discoveries = [
        r#"{"jsonrpc":"2.0","id":$id,"method":"server/discover"}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"server/discover","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"server/discover","params":{"_meta":{}}}"#,
    ];
    let no_version = [
        format!(r#"{{"{CAPABILITIES}":{{}}}}"#),
        format!(r#"{{"protocolVersion":"2026-07-28","{CAPABILITIES}":{{}}}}"#),
    ];
    let other_versions = ["1", "null", "[\"2026-07-28\"]", "true"]
        .map(|version| with_meta("count", &format!(r#"{{"{VERSION}":{version},"{CAPABILITIES}":{{}}}}"#)));
    hold(
        &House::open(),
        &[
            row(58, "no metadata", bodies(none)).over(HTTP).modern(error(400, -32602)),
            row(58, "no metadata in a discovery", bodies(discoveries)).modern(error(400, -32602)),
            row(58, "no version in it", no_version.map(|meta| with_meta("count", &meta)))
                .over(HTTP)
                .modern(error(400, -32602)),
            row(58, "a version that is no text", other_versions).over(EVERYWHERE).modern(error(400, -32602)),
            // On lines a request without metadata is one of the other era, before its handshake.
            row(33, "no metadata, on lines", bodies(none)).over(LINES).modern(error(400, -32600)),
        ],
    )
    .await;
}

#[tokio::test]
async fn capabilities_must_be_declared() {
    let undeclared = [
        format!(r#"{{"{VERSION}":"2026-07-28"}}"#),
        format!(r#"{{"{VERSION}":"2026-07-28","clientCapabilities":{{}}}}"#),
        format!(r#"{{"{VERSION}":"2026-07-28","{CAPABILITIES}":null}}"#),
        format!(r#"{{"{VERSION}":"2026-07-28","{CAPABILITIES}":[]}}"#),
        format!(r#"{{"{VERSION}":"2026-07-28","{CAPABILITIES}":"sampling"}}"#),
        format!(r#"{{"{VERSION}":"2026-07-28","{CAPABILITIES}":true}}"#),
        format!(r#"{{"{VERSION}":"2026-07-28","{CAPABILITIES}":7}}"#),
    ];
    let anonymous = [
        format!(r#"{{"{VERSION}":"2026-07-28","{CAPABILITIES}":{{}}}}"#),
        format!(
            r#"{{"{CAPABILITIES}":{{"sampling":{{}},"unheard/of":{{"a":[1]}}}},"{VERSION}":"2026-07-28","com.example/x":1}}"#
        ),
    ];
    let insufficient = [
        "{}",
        r#"{"elicitation":{}}"#,
        r#"{"Sampling":{}}"#,
        r#"{"sampling ":{}}"#,
        r#"{"roots":{"listChanged":true}}"#,
    ];
    let insufficient = insufficient.map(|declared| with_meta("needs_sampling", &MODERN.metadata(declared)));
    let sufficient = [r#"{"sampling":{}}"#, r#"{"sampling":{"tools":{}},"roots":{}}"#]
        .map(|declared| with_meta("needs_sampling", &MODERN.metadata(declared)));
    hold(
        &House::open(),
        &[
            row(59, "no capabilities", undeclared.map(|meta| with_meta("count", &meta)))
                .modern(error(400, -32602)),
            row(60, "no client info", anonymous.map(|meta| with_meta("count", &meta))).modern(served()),
            row(61, "a tool needs more than was declared", insufficient).modern(
                error(400, -32021)
                    .whose(|error| error["data"]["requiredCapabilities"]["sampling"].is_object()),
            ),
            row(61, "and with it declared it runs", sufficient).modern(served()),
        ],
    )
    .await;
}

#[tokio::test]
async fn methods_that_were_removed_are_not_found() {
    let removed = [
        request("ping", ""),
        request("logging/setLevel", r#""level":"info","#),
        request(
            "initialize",
            r#""protocolVersion":"2026-07-28","capabilities":{},"clientInfo":{"name":"a","version":"1"},"#,
        ),
        request(
            "initialize",
            r#""protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"},"#,
        ),
        request("initialize", ""),
        request("resources/subscribe", r#""uri":"test://fixed","#),
        request("resources/unsubscribe", r#""uri":"test://fixed","#),
        request("tasks/cancel", r#""taskId":"x","#),
    ];
    hold(&House::open(), &[row(62, "a removed method", bodies(removed)).modern(error(404, -32601))]).await;
}

#[tokio::test]
async fn log_levels_are_known_ones() {
    let bad = [
        "\"verbose\"",
        "\"\"",
        "\"INFO\"",
        "\"warn\"",
        "\" info\"",
        "3",
        "null",
        "true",
        "[]",
        "{}",
        "[\"info\"]",
    ];
    let in_metadata = bad.map(|level| with_more_meta(&format!(r#""{LOG_LEVEL}":{level}"#)));
    let set = bad.map(|level| post(request("logging/setLevel", &format!(r#""level":{level},"#))));
    let good = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
    let set_well = good.map(|level| post(request("logging/setLevel", &format!(r#""level":"{level}","#))));
    let good = good.map(|level| with_more_meta(&format!(r#""{LOG_LEVEL}":"{level}""#)));
    let no_level = bodies([request("logging/setLevel", "")]);
    hold(
        &House::open(),
        &[
            row(66, "a level that there is not", in_metadata).modern(error(200, -32602)),
            row(66, "a level that there is not, set", set).legacy(error(200, -32602)),
            row(66, "no level", no_level).legacy(error(200, -32602)),
            row(66, "every level", good).modern(served()),
            row(66, "every level, set", set_well).legacy(result(|result| result.is_object())),
        ],
    )
    .await;
}

#[tokio::test]
async fn metadata_has_limits() {
    let members =
        |count: usize| (0..count).map(|n| format!(r#""com.example/{n}":1"#)).collect::<Vec<_>>().join(",");
    let nested =
        |levels: usize| format!(r#""com.example/deep":{}1{}"#, "[".repeat(levels), "]".repeat(levels));
    let long = |bytes: usize| format!(r#""com.example/long":"{}""#, "x".repeat(bytes));
    let within = [members(30), nested(7), long(7_900)].map(|more| with_more_meta(&more));
    let beyond = [members(31), nested(8), nested(50), long(8_192)].map(|more| with_more_meta(&more));
    let tokens =
        ["1.5", "true", "{}", "[1]"].map(|token| with_more_meta(&format!(r#""progressToken":{token}"#)));
    hold(
        &House::open(),
        &[
            row(58, "as much metadata as there may be", within).modern(served()),
            row(58, "more metadata than there may be", beyond).modern(error(200, -32602)),
            row(58, "a progress token that is neither text nor integer", tokens).modern(error(200, -32602)),
            row(
                58,
                "none is asked for in a session",
                bodies([call("count", "{}"), call("count", "{}").replace(",$meta", "")]),
            )
            .in_eras(|era| era >= BATCHING)
            .legacy(served()),
        ],
    )
    .await;
}
