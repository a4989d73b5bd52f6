//! Part F: tools, resources, prompts and completions that there are not, or that are asked for wrongly.

use crate::support::ask::{call, post, request};
use crate::support::expect::{error, result, served, tool_error};
use crate::support::house::{House, SECRET};
use crate::support::table::{HTTP, LINES, bodies, hold, row};

#[tokio::test]
async fn unknown_tools_are_told_as_such() {
    let unknown = [
        "nope",
        "Count",
        "COUNT",
        "count ",
        " count",
        "cоunt",
        "count\\u200b",
        "tools/call",
        "../count",
        "*",
        "gone",
    ];
    let ill_named = ["", "\\n", "count\\n", "co\\nunt", "\\u0000", "count\\u0000", "\\u001b[31m", "\\t"];
    let long = ["x".repeat(128), "x".repeat(129), "x".repeat(5_000), "é".repeat(65)];
    let named = |name: &str| post(call(name, "{}"));
    let no_text = ["5", "null", "true", "[\"count\"]", r#"{"name":"count"}"#]
        .map(|name| post(request("tools/call", &format!(r#""name":{name},"arguments":{{}},"#))));
    let no_name = bodies([request("tools/call", ""), request("tools/call", r#""arguments":{},"#)]);
    hold(
        &House::open(),
        &[
            row(68, "no such tool", unknown.map(named)).both(error(200, -32602)),
            row(71, "a name that can't be one", ill_named.map(named)).both(error(200, -32602)),
            row(71, "a name that is as long as it may be, or longer", long.map(|name| named(&name)))
                .both(error(200, -32602)),
            row(71, "a name that is no text", no_text).both(error(200, -32602)),
            row(71, "no name", no_name).both(error(200, -32602)),
            row(72, "a tool that was taken away looks like one that never was", [named("gone")]).both(
                error(200, -32602).whose(|error| {
                    error["message"] == "unknown tool: gone; tools/list names the tools there are"
                }),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn arguments_are_held_against_their_schema() {
    let no_object = ["\"x\"", "\"\"", "[]", "[1]", "1", "true", "null", r#""{\"n\":1}""#];
    let wrong = [
        "{}",
        r#"{"n":"1"}"#,
        r#"{"n":1.5}"#,
        r#"{"n":0}"#,
        r#"{"n":11}"#,
        r#"{"n":null}"#,
        r#"{"n":[1]}"#,
        r#"{"N":1}"#,
        r#"{"n":1,"colour":"green"}"#,
        r#"{"n":1,"colour":"RED"}"#,
        r#"{"n":1,"names":["four"]}"#,
        r#"{"n":1,"names":[1]}"#,
        r#"{"n":1,"names":"abc"}"#,
        r#"{"n":1,"more":true}"#,
        r#"{"n":18446744073709551616}"#,
    ];
    let right = [
        r#"{"n":1}"#,
        r#"{"n":10,"colour":"red","names":["abc",""]}"#,
        r#"{"colour":"blue","n":2}"#,
        r#"{"n":1.0}"#,
    ];
    let no_arguments = bodies([request("tools/call", r#""name":"typed","#)]);
    // A model must be able to mend its call: the text names the field, the rule and the value's type.
    let telling = result(|result| {
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        result["isError"] == true && ["n", "integer", "string"].iter().all(|word| text.contains(word))
    });
    hold(
        &House::open(),
        &[
            row(
                69,
                "arguments that are no object",
                no_object.map(|arguments| post(call("count", arguments))),
            )
            .both(error(200, -32602)),
            row(70, "arguments that break the schema", wrong.map(|arguments| post(call("typed", arguments))))
                .both(tool_error()),
            row(70, "no arguments where some are asked for", no_arguments).both(tool_error()),
            row(70, "what is wrong is told", [post(call("typed", r#"{"n":"1"}"#))]).both(telling),
            row(
                70,
                "arguments that keep to the schema",
                right.map(|arguments| post(call("typed", arguments))),
            )
            .both(served()),
        ],
    )
    .await;
}

#[tokio::test]
async fn resources_that_are_not_there_are_never_empty() {
    let missing = [
        "test://missing",
        "test://fixed/",
        "test://fixed?x",
        "TEST://fixed",
        "test://FIXED",
        "test://",
        "note://",
        "note:one",
        "note://one/two",
    ];
    let hostile = [
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
        "http://169.254.169.254/latest",
        "gopher://127.0.0.1:70/",
        "",
        " ",
        "passwd",
        "/etc/passwd",
        "../../etc/passwd",
        "test://../fixed",
        "test://fixed\\u0000",
        "test://fi xed",
        "test://%66ixed",
        "note://../../etc/passwd",
        "note://a/../b",
        "::::",
        "%",
        "\\n",
        "http://[::1",
        "é",
        "\\\\\\\\host\\\\share",
    ];
    let long = ["test://", "note://", "x"]
        .map(|start| post(request("resources/read", &format!(r#""uri":"{start}{}","#, "x".repeat(9_000)))));
    let commas = post(request("resources/read", &format!(r#""uri":"note://{}","#, ",".repeat(8_000))));
    let read = |uri: &str| post(request("resources/read", &format!(r#""uri":"{uri}","#)));
    let no_text = ["5", "null", "[\"test://fixed\"]", "{}"]
        .map(|uri| post(request("resources/read", &format!(r#""uri":{uri},"#))));
    let no_uri = bodies([request("resources/read", ""), request("resources/read", r#""name":"fixed","#)]);
    let sound = ["test://fixed", "note://one", "note://x%2Fy", "note://%C3%A9"].map(read);
    let is_read = result(|result| result["contents"].as_array().is_some_and(|contents| contents.len() == 1));
    hold(
        &House::open(),
        &[
            row(73, "no such resource", missing.map(read))
                .legacy(error(200, -32002))
                .modern(error(200, -32602)),
            row(74, "a URI that leads elsewhere or nowhere", hostile.map(read))
                .legacy(error(200, -32002).or_code(-32602))
                .modern(error(200, -32602)),
            // The URI stands in a header too, which has a limit of its own over HTTP.
            row(74, "a URI that is too long", long.clone()).legacy(error(200, -32002).or_code(-32602)),
            row(74, "a URI that is too long, on lines", long).over(LINES).modern(error(200, -32602)),
            row(74, "a URI that is no text", no_text).both(error(200, -32602)),
            row(74, "no URI", no_uri).both(error(200, -32602)),
            row(73, "resources that are there", sound).both(is_read.clone()),
            row(73, "a URI that is made to be slow to match", [commas]).over(HTTP).legacy(is_read),
        ],
    )
    .await;
}

#[tokio::test]
async fn prompts_and_completions_are_checked() {
    let get = |params: &str| post(request("prompts/get", params));
    let unknown = ["nope", "Greet", "greet ", "", "\\n", "count"]
        .map(|name| get(&format!(r#""name":"{name}","arguments":{{"name":"Ada"}},"#)));
    let incomplete = [
        r#""name":"greet","#,
        r#""name":"greet","arguments":{},"#,
        r#""name":"greet","arguments":{"Name":"Ada"},"#,
    ]
    .map(get);
    let mistyped = [
        r#""name":"greet","arguments":{"name":5},"#,
        r#""name":"greet","arguments":{"name":null},"#,
        r#""name":"greet","arguments":{"name":["Ada"]},"#,
        r#""name":"greet","arguments":"Ada","#,
        r#""name":"greet","arguments":["Ada"],"#,
        r#""name":5,"arguments":{},"#,
        r#""arguments":{"name":"Ada"},"#,
    ]
    .map(get);
    let complete = |params: &str| post(request("completion/complete", params));
    let wrong_completions = [
        "",
        r#""ref":{"type":"ref/prompt","name":"nope"},"argument":{"name":"name","value":""},"#,
        r#""ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"nope","value":""},"#,
        r#""ref":{"type":"ref/prompt"},"argument":{"name":"name","value":""},"#,
        r#""ref":{"type":"ref/tool","name":"count"},"argument":{"name":"name","value":""},"#,
        r#""ref":"greet","argument":{"name":"name","value":""},"#,
        r#""ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"name","value":5},"#,
        r#""ref":{"type":"ref/prompt","name":"greet"},"argument":"A","#,
        r#""ref":{"type":"ref/prompt","name":"greet"},"#,
    ]
    .map(complete);
    let sound = [
        r#""ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"name","value":"A"},"#,
        r#""ref":{"type":"ref/resource","uri":"note://{id}"},"argument":{"name":"id","value":"o"},"#,
    ];
    let cursors = ["\"\"", "\"x\"", "\"dG9vbHM6OTk\"", "5", "null", "{}"]
        .map(|cursor| post(request("tools/list", &format!(r#""cursor":{cursor},"#))));
    let everything = sound.map(complete).into_iter().chain(wrong_completions.clone());
    let has_values =
        result(|result| result["completion"]["values"].as_array().is_some_and(|values| values.len() == 1));
    let filled = result(|result| result["messages"][0]["content"]["text"] == "greet Ada");
    hold(
        &House::open(),
        &[
            row(76, "no such prompt", unknown).both(error(200, -32602)),
            row(76, "an argument is missing", incomplete).both(error(200, -32602)),
            row(76, "arguments of other types", mistyped).both(error(200, -32602)),
            row(76, "a prompt that is filled in", [get(r#""name":"greet","arguments":{"name":"Ada"},"#)])
                .both(filled),
            row(76, "a cursor that is not ours", cursors).both(error(200, -32602)),
            row(77, "a completion of what there is not", wrong_completions).both(error(200, -32602)),
            row(77, "a completion", sound.map(complete)).both(has_values),
        ],
    )
    .await;
    hold(
        &House::bare(),
        &[
            row(77, "a completion where nothing completes", everything)
                .legacy(error(200, -32601))
                .modern(error(404, -32601)),
            row(
                73,
                "a resource where there are none",
                [post(request("resources/read", r#""uri":"test://fixed","#))],
            )
            .legacy(error(200, -32002))
            .modern(error(200, -32602)),
            row(76, "a prompt where there are none", [get(r#""name":"greet","#)]).both(error(200, -32602)),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_panic_costs_one_call_and_tells_nothing() {
    let panics = ["panic_now", "panic_later", "panic_blocking"].map(|tool| post(call(tool, "{}")));
    let generic = error(200, -32603)
        .ran(1)
        .whose(|error| !error.to_string().contains(SECRET) && error.get("data").is_none());
    hold(&House::open(), &[row(79, "a tool panics", panics.into_iter().cycle().take(9)).both(generic)]).await;
}
