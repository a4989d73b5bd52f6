//! Part B: JSON that is no JSON-RPC, and JSON-RPC that asks for what there is not.

use crate::support::ask::{Ask, call, post, request};
use crate::support::era::BATCHING;
use crate::support::expect::{accepted, error, result, served};
use crate::support::house::House;
use crate::support::table::{EVERYWHERE, HTTP, LINES, bodies, hold, hold_with_id, row};

/// Bodies with each of those texts in the place of `@`.
fn each(template: &str, texts: &[&str]) -> Vec<Ask> {
    texts.iter().map(|text| post(template.replace('@', text))).collect()
}

#[tokio::test]
async fn the_envelope_is_checked() {
    let versions = [
        "\"1.0\"",
        "\"2\"",
        "\"2.00\"",
        "\" 2.0\"",
        "\"２.０\"",
        "\"\"",
        "2.0",
        "2",
        "null",
        "true",
        "[\"2.0\"]",
        "{}",
    ];
    let version = r#"{"jsonrpc":@,"id":$id,"method":"tools/call","params":{"name":"count",$meta}}"#;
    let no_version = r#"{"id":$id,"method":"tools/call","params":{"name":"count",$meta}}"#;
    let ids = [
        "1.5",
        "-0.5",
        "1e-3",
        "true",
        "false",
        "{}",
        "[]",
        "[1]",
        r#"{"id":1}"#,
        "18446744073709551616",
        "-9223372036854775809",
    ];
    let id = r#"{"jsonrpc":"2.0","id":@,"method":"tools/call","params":{"name":"count",$meta}}"#;
    let long_id = format!("\"{}\"", "x".repeat(257));
    let methods = ["null", "1", "true", "[\"tools/call\"]", "{}", r#"{"method":"tools/call"}"#];
    let method = r#"{"jsonrpc":"2.0","id":$id,"method":@,"params":{"name":"count",$meta}}"#;
    let no_method = [
        r#"{"jsonrpc":"2.0","id":$id,"params":{"name":"count",$meta}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":$id}"#.to_owned(),
        request(&"m".repeat(129), ""),
    ];
    let both = [
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count",$meta},"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"result":{},"method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count",$meta},"result":null}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count",$meta},"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"result":{},"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/x","params":{$meta},"result":{}}"#,
    ];
    hold(
        &House::open(),
        &[
            row(18, "another `jsonrpc`", each(version, &versions)).both(error(400, -32600)),
            row(18, "no `jsonrpc`", bodies([no_version])).both(error(400, -32600)),
            row(19, "a null id", each(id, &["null"])).both(error(400, -32600).without_id()),
            row(20, "an id that is neither text nor integer", each(id, &ids))
                .both(error(400, -32600).without_id()),
            row(20, "an id that is too long", each(id, &[&long_id])).both(error(400, -32600).without_id()),
            row(24, "a method that is no text", each(method, &methods)).both(error(400, -32600)),
            row(24, "no method", bodies(no_method)).both(error(400, -32600)),
            row(31, "a method and an outcome", bodies(both)).both(error(400, -32600).with_any_id()),
        ],
    )
    .await;
}

#[tokio::test]
async fn ids_come_back_as_they_were_written() {
    // The id is part of the body here, and what is expected is held against the bytes of the answer.
    let texts = ["0", "-0", "-1", "9007199254740993", "18446744073709551615", "-9223372036854775808"]
        .map(str::to_owned);
    let strings =
        ["", "0", "id", "\\u0041", "\\\"", "\\/", "é€😀", "\\ud83d\\ude00", " ", "null", &"x".repeat(256)]
            .map(|text| format!("\"{text}\""));
    let house = House::open();
    for id in texts.iter().chain(&strings) {
        let sound = call("count", "{}").replace("$id", id);
        let unknown = request("no/such", "").replace("$id", id);
        hold_with_id(
            &house,
            id,
            &[
                row(18, "of a result", bodies([sound])).both(served()),
                row(18, "of an error", bodies([unknown]))
                    .legacy(error(200, -32601))
                    .modern(error(404, -32601)),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn unknown_methods_are_not_found() {
    let unknown = [
        "nope",
        "",
        "tools",
        "tools/",
        "tools/call/",
        "tools/Call",
        "TOOLS/CALL",
        "Tools/list",
        "tools.call",
        "tools//call",
        "rpc.discover",
        "rpc.on",
        "resources/write",
        "sampling/createMessage",
        "roots/list",
        "elicitation/create",
        &"m".repeat(128),
    ]
    .map(|method| post(request(method, "")));
    let ill_written = ["tools/call ", " ping", "töols/list", "tools/\\u0000list", "\\n"]
        .map(|method| post(request(method, "")));
    let modern_ones = [r#""notifications":{"toolsListChanged":true},"#, ""]
        .map(|params| request("subscriptions/listen", params));
    let sound = [r#"{"jsonrpc":"2.0","id":$id,"method":"tools\/call","params":{"name":"count",$meta}}"#];
    hold(
        &House::open(),
        &[
            row(25, "no such method", unknown).legacy(error(200, -32601)).modern(error(404, -32601)),
            row(25, "no such method, and no header could say it", ill_written.clone())
                .legacy(error(200, -32601)),
            row(25, "no such method, where no header must say it", ill_written)
                .over(LINES)
                .modern(error(404, -32601)),
            row(25, "a method that is not of this era", bodies(modern_ones)).legacy(error(200, -32601)),
            row(25, "the discovery of another era, in a session", bodies([request("server/discover", "")]))
                .legacy(error(200, -32601)),
            row(25, "an escaped name is the same name", bodies(sound)).both(served()),
        ],
    )
    .await;
}

#[tokio::test]
async fn params_are_an_object() {
    let params = ["[]", "[1]", "\"x\"", "1", "true", "null", r#"[{"name":"count"}]"#];
    let methods =
        ["tools/call", "tools/list", "resources/read", "prompts/get", "completion/complete"].map(|method| {
            each(&format!(r#"{{"jsonrpc":"2.0","id":$id,"method":"{method}","params":@}}"#), &params)
        });
    let legacy_only = ["ping", "logging/setLevel", "resources/subscribe"].map(|method| {
        each(&format!(r#"{{"jsonrpc":"2.0","id":$id,"method":"{method}","params":@}}"#), &params)
    });
    let handshakes = each(r#"{"jsonrpc":"2.0","id":$id,"method":"initialize","params":@}"#, &params);
    hold(
        &House::open(),
        &[
            row(26, "params that are no object", methods.concat())
                .over(EVERYWHERE)
                .legacy(error(200, -32602)),
            // On lines a request without metadata is one of the other era, before its handshake.
            row(26, "params that are no object, and hold no metadata", methods.concat())
                .over(HTTP)
                .modern(error(400, -32602)),
            row(26, "the same of a method of this era alone", legacy_only.concat())
                .legacy(error(200, -32602)),
            row(26, "the same of a handshake", handshakes).over(HTTP).legacy(error(200, -32602)),
        ],
    )
    .await;
}

#[tokio::test]
async fn notifications_are_never_answered() {
    let unknown = [
        r#"{"jsonrpc":"2.0","method":"notifications/x"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/x","params":{$meta}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/x","params":[1]}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/Initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"verbose"}}"#,
    ];
    let cancellations = [
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":null}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1.5}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{"id":1}}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nobody's","reason":7}}"#,
    ];
    let without_id = [
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"count","arguments":{"a":1}}}"#,
        r#"{"jsonrpc":"2.0","method":"tools/call"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/list","params":{$meta}}"#,
        r#"{"jsonrpc":"2.0","method":"prompts/get","params":{"name":"greet",$meta}}"#,
        r#"{"jsonrpc":"2.0","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
    ];
    let with_id = ["cancelled", "initialized", "progress", "x", ""]
        .map(|name| post(request(&format!("notifications/{name}"), r#""requestId":1,"#)));
    hold(
        &House::open(),
        &[
            row(28, "an unknown notification", bodies(unknown)).both(accepted()),
            row(28, "a cancellation of nothing", bodies(cancellations)).both(accepted()),
            row(
                28,
                "headers are not required",
                bodies(unknown).into_iter().map(|ask| ask.without("Mcp-Method").without("Mcp-Name")),
            )
            .over(HTTP)
            .modern(accepted()),
            row(29, "a request without an id", bodies(without_id)).both(error(400, -32600).without_id()),
            row(30, "a notification with an id", with_id)
                .legacy(error(200, -32601))
                .modern(error(404, -32601)),
        ],
    )
    .await;
}

#[tokio::test]
async fn answers_to_nothing_are_taken_note_of() {
    let answers = [
        r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":"x","result":{"roots":[]}}"#,
        r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}"#,
    ];
    hold(
        &House::open(),
        &[
            row(28, "an answer that nobody waits for", bodies(answers)).legacy(accepted()),
            row(
                13,
                "and in the revision with batches one that is no batch works",
                bodies([call("count", "{}")]),
            )
            .in_eras(|era| era == BATCHING)
            .legacy(result(|result| result.is_object()).ran(1)),
        ],
    )
    .await;
}
