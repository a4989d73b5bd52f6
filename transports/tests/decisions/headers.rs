//! Part D: the version that a request names, and the headers that repeat its body.

use crate::support::ask::{Ask, ask, call, count, header_text, post, request};
use crate::support::era::NEWEST_LEGACY;
use crate::support::expect::{error, refused, result, served};
use crate::support::house::House;
use crate::support::table::{HTTP, HTTP1, LINES, bodies, hold, row};

const VERSION: &str = "MCP-Protocol-Version";

/// A counted call that names one version in its header and another one in its body.
fn versions(header: &str, body: &str) -> Ask {
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{body}","io.modelcontextprotocol/clientCapabilities":{{}}}}"#
    );
    post(call("count", "{}").replace("$meta", &meta)).set(VERSION, header)
}

const UNKNOWN: [&str; 9] = [
    "foo",
    "1900-01-01",
    "2026-07-29",
    "9999-99-99",
    "2025-11",
    "1.0",
    "DRAFT-2026-v1",
    "2026-07-28.",
    "20260728",
];

#[tokio::test]
async fn unknown_versions_are_refused() {
    let with_version = |version: &&str| count().set(VERSION, *version);
    let ambiguous = [
        count().set(VERSION, "2025-11-25, 2025-06-18"),
        count().set(VERSION, "2025-11-25").add(VERSION, "foo"),
        count().set(VERSION, "2025-11-25").add(VERSION, "2025-06-18"),
        count().set(VERSION, ""),
        count().set(VERSION, b"2025-11-25\x80"),
    ];
    let other_methods = [
        ask("GET", "/mcp").set(VERSION, "foo"),
        ask("DELETE", "/mcp").set(VERSION, "foo"),
        ask("GET", "/mcp").set(VERSION, "1900-01-01"),
        ask("DELETE", "/mcp").set(VERSION, "1900-01-01"),
    ];
    let says_which = |code| {
        error(400, code).whose(|error| {
            error["data"]["supported"]
                .as_array()
                .is_some_and(|supported| supported.iter().any(|version| version == "2026-07-28"))
        })
    };
    let legacy_in_metadata = ["2025-11-25", "2024-11-05"].map(|version| versions(version, version));
    hold(
        &House::open(),
        &[
            row(46, "an unknown version", UNKNOWN.iter().map(with_version))
                .over(HTTP)
                .legacy(error(400, -32600)),
            row(46, "more than one version, or none that can be read", ambiguous)
                .over(HTTP)
                .legacy(error(400, -32600)),
            row(
                46,
                "an unknown version in the header",
                UNKNOWN.map(|version| versions(version, "2026-07-28")),
            )
            .over(HTTP)
            .modern(error(400, -32020)),
            row(46, "an unknown version in both places", UNKNOWN.map(|version| versions(version, version)))
                .modern(says_which(-32022)),
            row(49, "a version of the other era in both places", legacy_in_metadata)
                .modern(says_which(-32022)),
            row(47, "no version: the negotiated one holds", [count().without(VERSION)])
                .over(HTTP)
                .legacy(served()),
            row(
                47,
                "no version",
                [count().without(VERSION), post(request("server/discover", "")).without(VERSION)],
            )
            .over(HTTP)
            .modern(error(400, -32020)),
            row(
                48,
                "two versions",
                [
                    versions("2026-07-28", "2025-11-25"),
                    versions("2025-11-25", "2026-07-28"),
                    versions("2026-07-28", "2026-07-29"),
                    versions("2026-07-28", ""),
                    versions("", "2026-07-28"),
                    versions("2026-07-28, 2026-07-28", "2026-07-28"),
                    versions("2026-07-28", "2026-07-28").add(VERSION, "2026-07-28"),
                    versions("2026-07-28", "2026-07-28").add(VERSION, "2025-11-25"),
                    versions("2025-11-25", "2026-07-28").add(VERSION, "2026-07-28"),
                ],
            )
            .over(HTTP)
            .modern(error(400, -32020)),
            row(
                49,
                "an unknown version where there are no headers",
                [versions("", "2027-01-01"), versions("", "foo"), versions("", "")],
            )
            .over(LINES)
            .modern(says_which(-32022)),
            // Last, because a DELETE that is not refused ends the session.
            row(46, "an unknown version of what is no POST", other_methods)
                .over(HTTP)
                .legacy(refused(&[400])),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_method_stands_in_a_header_too() {
    let wrong = [
        count().without("Mcp-Method"),
        count().set("Mcp-Method", "tools/list"),
        count().set("Mcp-Method", "Tools/Call"),
        count().set("Mcp-Method", "TOOLS/CALL"),
        count().set("Mcp-Method", ""),
        count().set("Mcp-Method", "tools/call tools/list"),
        count().set("Mcp-Method", "tools/call, tools/call"),
        count().add("Mcp-Method", "tools/call"),
        count().add("Mcp-Method", "tools/list"),
        count().set("Mcp-Method", b"tools/call\x80"),
        // Only names and parameters have a form in base64.
        count().set("Mcp-Method", "=?base64?dG9vbHMvY2FsbA==?="),
    ];
    let others = [
        post(request("tools/list", "")).without("Mcp-Method"),
        post(request("server/discover", "")).set("Mcp-Method", "server/Discover"),
        post(request("resources/read", r#""uri":"test://fixed","#)).set("Mcp-Method", "tools/call"),
        post(request("no/such", "")).without("Mcp-Method"),
    ];
    let padded = [
        count().set("Mcp-Method", "  tools/call  "),
        count().set("Mcp-Method", "\ttools/call\t"),
        count().set("mcp-method", "tools/call"),
        count()
            .set("MCP-METHOD", "tools/call")
            .set("mcp-NAME", "count")
            .set("MCP-protocol-VERSION", "2026-07-28"),
        count().set("Mcp-Name", " count "),
        count().set(VERSION, " 2026-07-28\t"),
    ];
    hold(
        &House::open(),
        &[
            row(50, "another method in the header", wrong.clone()).over(HTTP).modern(error(400, -32020)),
            row(50, "another method in the header of other requests", others)
                .over(HTTP)
                .modern(error(400, -32020)),
            row(50, "nobody looks", wrong).over(HTTP).legacy(served()),
            row(51, "names in other cases, values with blanks around", padded).over(HTTP1).modern(served()),
            row(51, "names in lower case", [count()]).over(HTTP).modern(served()),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_name_stands_in_a_header_too() {
    let wrong = [
        count().without("Mcp-Name"),
        count().set("Mcp-Name", "echo"),
        count().set("Mcp-Name", "Count"),
        count().set("Mcp-Name", ""),
        count().add("Mcp-Name", "count"),
        count().add("Mcp-Name", "echo"),
        count().set("Mcp-Name", "count,count"),
        count().set("Mcp-Name", b"count\xc3\xa9"),
        count().set("Mcp-Name", "=?base64?Y291bnQ?="),
        count().set("Mcp-Name", "=?base64?!!!!?="),
        count().set("Mcp-Name", "=?base64?ZWNobw==?="),
        count().set("Mcp-Name", "=?base64??="),
        count().set("Mcp-Name", "=?base64?/////w==?="),
        count().set("Mcp-Name", "=?BASE64?Y291bnQ=?="),
        count().set("Mcp-Name", "=?base64?Y291bnQ="),
    ];
    let others = [
        post(request("prompts/get", r#""name":"greet","arguments":{"name":"Ada"},"#)).without("Mcp-Name"),
        post(request("prompts/get", r#""name":"greet","arguments":{"name":"Ada"},"#))
            .set("Mcp-Name", "other"),
        post(request("resources/read", r#""uri":"test://fixed","#)).without("Mcp-Name"),
        post(request("resources/read", r#""uri":"test://fixed","#)).set("Mcp-Name", "test://other"),
        post(call("no_such_tool", "{}")).without("Mcp-Name"),
        post(request("tasks/get", r#""taskId":"one","#)).set("Mcp-Name", "other"),
    ];
    // Clients must send it, but a server need not refuse who doesn't. Here nobody has tasks, which is what is said.
    let routed = [post(request("tasks/get", r#""taskId":"one","#)).without("Mcp-Name")];
    let encoded =
        [count().set("Mcp-Name", "=?base64?Y291bnQ=?="), count().set("Mcp-Name", " =?base64?Y291bnQ=?= ")];
    let unneeded = [post(request("tools/list", "")).set("Mcp-Name", "count")];
    hold(
        &House::open(),
        &[
            row(52, "another name in the header", wrong.clone()).over(HTTP).modern(error(400, -32020)),
            row(52, "another name in the header of other requests", others)
                .over(HTTP)
                .modern(error(400, -32020)),
            row(52, "no name for a task's request", routed).over(HTTP).modern(error(404, -32601)),
            row(52, "nobody looks", wrong).over(HTTP).legacy(served()),
            row(52, "a name in base64", encoded).over(HTTP1).modern(served()),
            row(52, "a name where none belongs", unneeded)
                .over(HTTP)
                .modern(result(|result| result["tools"].is_array())),
        ],
    )
    .await;
}

/// A call of the tool that asks for headers.
fn mirrored(arguments: &str) -> Ask {
    post(call("mirrored", arguments))
}

#[tokio::test]
async fn parameters_stand_in_headers_too() {
    let region = r#"{"region":"us-west1"}"#;
    let wrong = [
        mirrored(region),
        mirrored(region).set("Mcp-Param-Region", "us-east1"),
        mirrored(region).set("Mcp-Param-Region", "US-WEST1"),
        mirrored(region).set("Mcp-Param-Region", ""),
        mirrored(region).set("Mcp-Param-Region", "us-west1").add("Mcp-Param-Region", "us-west1"),
        mirrored(region).set("Mcp-Param-Other", "us-west1"),
        mirrored(region).set("Mcp-Param-Region", "=?base64?dXMtZWFzdDE=?="),
        mirrored(region).set("Mcp-Param-Region", "=?base64?dXMtd2VzdDE?="),
        mirrored("{}").set("Mcp-Param-Region", "us-west1"),
        mirrored(r#"{"region":null}"#).set("Mcp-Param-Region", "us-west1"),
        mirrored(r#"{"level":42}"#),
        mirrored(r#"{"level":42}"#).set("Mcp-Param-Level", "43"),
        mirrored(r#"{"level":42}"#).set("Mcp-Param-Level", "forty-two"),
        mirrored(r#"{"level":42}"#).set("Mcp-Param-Level", ""),
        mirrored(r#"{"level":9007199254740993}"#).set("Mcp-Param-Level", "9007199254740992"),
        mirrored(r#"{"urgent":true}"#).set("Mcp-Param-Urgent", "True"),
        mirrored(r#"{"urgent":true}"#).set("Mcp-Param-Urgent", "1"),
        mirrored(r#"{"urgent":false}"#),
        mirrored(r#"{"region":"a","level":1}"#).set("Mcp-Param-Region", "a"),
    ];
    let raw = [b"us-west1\x80".as_slice(), b"\x80", b"\xff\xfe", "é".as_bytes()]
        .map(|value| mirrored(region).set("Mcp-Param-Region", value));
    let sound = [
        mirrored("{}"),
        mirrored(region).set("Mcp-Param-Region", "us-west1"),
        mirrored(region).set("mcp-param-REGION", "us-west1"),
        mirrored(region).set("Mcp-Param-Region", header_text("us-west1")),
        mirrored(region).set("Mcp-Param-Region", "=?base64?dXMtd2VzdDE=?="),
        mirrored(r#"{"region":"Hello, 世界"}"#).set("Mcp-Param-Region", header_text("Hello, 世界")),
        mirrored(r#"{"region":" padded "}"#).set("Mcp-Param-Region", header_text(" padded ")),
        mirrored(r#"{"region":"=?base64?literal?="}"#)
            .set("Mcp-Param-Region", header_text("=?base64?literal?=")),
        mirrored(r#"{"region":""}"#).set("Mcp-Param-Region", ""),
        mirrored(r#"{"level":42}"#).set("Mcp-Param-Level", "42"),
        mirrored(r#"{"level":42}"#).set("Mcp-Param-Level", "42.0"),
        mirrored(r#"{"level":-7,"urgent":false}"#)
            .set("Mcp-Param-Level", "-7")
            .set("Mcp-Param-Urgent", "false"),
        mirrored(r#"{"other":1}"#).set("Mcp-Param-Unasked", b"\x80"),
        count().set("Mcp-Param-Region", "us-west1"),
    ];
    let nulls = [mirrored(r#"{"region":null}"#)];
    hold(
        &House::open(),
        &[
            row(55, "a header that does not repeat the argument", wrong.clone())
                .over(HTTP)
                .modern(error(400, -32020)),
            row(57, "a header with bytes that may not stand in one", raw.clone())
                .over(HTTP)
                .modern(error(400, -32020)),
            row(55, "headers that repeat the arguments", sound).over(HTTP1).modern(served()),
            row(55, "nobody looks", raw).over(HTTP).legacy(served()),
            // The header agrees with the body: what is wrong is the argument, which the schema says.
            row(55, "no header for null", nulls)
                .over(HTTP)
                .modern(result(|result| result["isError"] == true)),
            row(55, "on lines there are no headers", bodies([call("mirrored", region)]))
                .over(LINES)
                .modern(served()),
            row(55, "nobody looks in a session", bodies([call("mirrored", region)]))
                .in_eras(|era| era == NEWEST_LEGACY)
                .legacy(served()),
        ],
    )
    .await;
}
