//! Part A: texts that are no JSON, or JSON that two readers could understand differently.

use crate::support::ask::{Ask, call, count, post, request};
use crate::support::era::{BATCHING, is_newest};
use crate::support::expect::{Expect, error, result, served, tool_error};
use crate::support::house::House;
use crate::support::table::{HTTP, HTTP1, bodies, hold, row};

fn unreadable() -> Expect {
    error(400, -32700).without_id()
}

/// A sound call whose arguments hold that text in place of a value.
fn with_value(value: impl AsRef<[u8]>) -> Vec<u8> {
    let call = call("count", r#"{"value":@}"#);
    let (before, after) = call.split_once('@').expect("the place is marked");
    [before.as_bytes(), value.as_ref(), after.as_bytes()].concat()
}

fn values<V: AsRef<[u8]>>(values: impl IntoIterator<Item = V>) -> Vec<Ask> {
    values.into_iter().map(|value| post(with_value(value))).collect()
}

#[tokio::test]
async fn truncated_texts_are_no_json() {
    let truncated = [
        r#"{"jsonrpc":"#,
        "{",
        r#"{"jsonrpc":"2.0","id":1"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/ca"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping\"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping\u00"#,
        r#"""#,
        "tru",
        "nul",
        "-",
        "}",
        "]",
    ];
    let truncated_arrays =
        ["[", r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list""#, "[1,2", r#"["#, "[[[]]"];
    hold(
        &House::open(),
        &[
            row(1, "a truncated text", bodies(truncated)).both(unreadable()),
            row(1, "a truncated array", bodies(truncated_arrays)).both(unreadable()),
            row(2, "an empty body", bodies(["", " ", "\t ", "\r\n", "\n\n"])).over(HTTP).both(unreadable()),
        ],
    )
    .await;
}

#[tokio::test]
async fn every_beginning_of_a_sound_text_is_no_json() {
    let whole = call("count", "{}").replace("$meta", r#""_meta":{"a":"b"}"#).replace("$id", "77");
    let beginnings = (1..whole.len()).map(|length| post(&whole[..length]));
    hold(&House::open(), &[row(1, "a beginning", beginnings).in_eras(is_newest).both(unreadable())]).await;
}

#[tokio::test]
async fn texts_in_other_encodings_are_no_json() {
    let bad_bytes: [&[u8]; 9] = [
        b"\"\xff\"",
        b"\"\xff\xfe\"",
        b"\"\xc0\x80\"",
        b"\"\xc1\xbf\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xe2\x82\"",
        b"\"\xf5\x80\x80\x80\"",
        b"\"\xf0\x9f\x98\"",
        b"\"\x80\"",
    ];
    let elsewhere = [
        b"{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"tools/\xff\",\"params\":{$meta}}".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"tools/list\",\"params\":{$meta}}".to_vec(),
        b"{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"tools/list\",\"params\":{$meta},\"\xc3\":1}".to_vec(),
        b"\xff\xfe".to_vec(),
        b"\xc3\x28".to_vec(),
    ];
    let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<_>>();
    let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
    let wide = [
        little.clone(),
        big.clone(),
        [b"\xff\xfe", &little[..]].concat(),
        [b"\xfe\xff", &big[..]].concat(),
        text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
    ];
    let surrogates = [
        r#""\ud800""#,
        r#""\udbff""#,
        r#""\udc00""#,
        r#""\udfff""#,
        r#""\ud800\ud800""#,
        r#""\ud800A""#,
        r#""\ud800x""#,
        r#""\udc00\ud800""#,
        r#""\uD83D \uDE00""#,
    ];
    let surrogate_names = [
        r#"{"jsonrpc":"2.0","id":$id,"method":"\ud800","params":{$meta}}"#,
        r#"{"jsonrpc":"2.0","id":"\udc00","method":"tools/list","params":{$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/list","params":{$meta},"\ud800":1}"#,
    ];
    hold(
        &House::open(),
        &[
            row(3, "bytes that are no UTF-8, in a value", values(bad_bytes)).both(unreadable()),
            row(3, "bytes that are no UTF-8, elsewhere", bodies(elsewhere)).both(unreadable()),
            row(3, "UTF-8 of every length", values([r#""é€😀\ud83d\ude00""#])).both(served()),
            row(4, "UTF-16 and UTF-32", bodies(wide)).both(unreadable()),
            row(6, "a lone surrogate, in a value", values(surrogates)).both(unreadable()),
            row(6, "a lone surrogate, elsewhere", bodies(surrogate_names)).both(unreadable()),
        ],
    )
    .await;
}

#[tokio::test]
async fn only_json_is_json() {
    let no_json = [
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "01",
        "-01",
        "00",
        "+1",
        ".5",
        "1.",
        "-.5",
        "1e",
        "1e+",
        "1.e5",
        "0x10",
        "1_000",
        "- 1",
        "1 2",
        "True",
        "FALSE",
        "None",
        "undefined",
        "'x'",
        "`x`",
        "{a:1}",
        "{'a':1}",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[,]",
        r#"{"a":1,}"#,
        r#"{,"a":1}"#,
        r#"{"a" 1}"#,
        r#"{"a":}"#,
        r#"{"a":1 "b":2}"#,
        r#"{1:2}"#,
        "1 // one",
        "/* one */ 1",
        "# one",
        r#""\x41""#,
        r#""\u12""#,
        r#""\u{41}""#,
        r#""\a""#,
        "\"\u{1}\"",
        "\"\u{1f}\"",
        "\"tab\there\"",
        "[1}",
        r#"{"a":1]"#,
    ];
    let not_finite = [
        "1e400",
        "-1e400",
        "1E+400",
        "1e999999999999",
        "1.5e309",
        &format!("1{}", "0".repeat(400)),
        &format!("-{}.5", "9".repeat(400)),
    ]
    .map(with_value);
    let around = [
        format!("{} {{}}", call("count", "{}")),
        format!("{}]", call("count", "{}")),
        format!("{},", call("count", "{}")),
        format!("{} // once", call("count", "{}")),
        format!("\u{b}{}", call("count", "{}")),
        format!("{}\0", call("count", "{}")),
    ];
    let numbers = [
        "0",
        "-0",
        "1e3",
        "1E-400",
        "1.7976931348623157e308",
        "18446744073709551616",
        "123456789012345678901234567890",
    ];
    hold(
        &House::open(),
        &[
            row(8, "what other languages have", values(no_json)).both(unreadable()),
            row(8, "something before or after the text", bodies(around)).both(unreadable()),
            row(9, "a number without end", bodies(not_finite)).both(unreadable()),
            row(9, "numbers of all sizes", values(numbers)).both(served()),
            row(8, "blanks around", bodies([format!(" \t{} \t", call("count", "{}"))])).both(served()),
            row(8, "blanks around, with line breaks", bodies([format!("\r\n {}\n\n", call("count", "{}"))]))
                .over(HTTP)
                .both(served()),
        ],
    )
    .await;
}

/// A call whose arguments make the whole text that deep: the message, its params and the arguments are three.
fn of_depth(depth: usize, open: &str, innermost: &str, close: &str) -> Vec<u8> {
    with_value(format!("{}{innermost}{}", open.repeat(depth - 3), close.repeat(depth - 3)))
}

fn of_any_shape(depth: usize) -> Vec<Ask> {
    let pairs = (depth - 3) / 2;
    let mixed = format!(
        "{}{}{}{}",
        r#"[{"a":"#.repeat(pairs),
        "[".repeat((depth - 3) % 2),
        "]".repeat((depth - 3) % 2),
        "}]".repeat(pairs)
    );
    let mixed = if mixed.contains(r#""a":}"#) { mixed.replacen(r#""a":}"#, r#""a":0}"#, 1) } else { mixed };
    [of_depth(depth, "[", "", "]"), of_depth(depth, r#"{"a":"#, "0", "}"), with_value(mixed)]
        .into_iter()
        .map(post)
        .collect()
}

#[tokio::test]
async fn depth_has_a_limit() {
    let deep: Vec<_> = [65, 66, 128, 129, 1_024, 1_025, 100_000].into_iter().flat_map(of_any_shape).collect();
    let unclosed = [65, 1_025, 1_000_000].map(|depth| with_value("[".repeat(depth)));
    let bare = [
        "[".repeat(65),
        "[".repeat(1_000_000),
        r#"{"a":"#.repeat(65),
        r#"{"a":"#.repeat(800_000),
        "[".repeat(65) + &"]".repeat(65),
    ];
    hold(
        &House::open(),
        &[
            row(7, "as deep as it may be", [4, 5, 32, 63, 64].into_iter().flat_map(of_any_shape))
                .both(served()),
            row(7, "too deep", deep).both(unreadable()),
            row(7, "a million deep", [post(of_depth(1_000_000, "[", "", "]"))])
                .over(HTTP1)
                .in_eras(is_newest)
                .both(unreadable()),
            row(7, "too deep and unclosed", bodies(unclosed)).in_eras(is_newest).both(unreadable()),
            row(7, "nothing but depth", bodies(bare)).in_eras(is_newest).both(unreadable()),
        ],
    )
    .await;
}

#[tokio::test]
async fn no_member_that_decides_is_written_twice() {
    let twice = [
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/list","method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","m\u0065thod":"tools/list","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count",$meta},"params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"echo","name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","n\u0061me":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","arguments":{},"arguments":{"a":1},$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count",$meta,$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"resources/read","params":{"uri":"test://fixed","uri":"note://one",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"prompts/get","params":{"name":"greet","name":"count","arguments":{"name":"Ada"},$meta}}"#,
    ];
    let id_twice = [
        r#"{"jsonrpc":"2.0","id":$id,"id":$id,"method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"\u0069d":null,"method":"tools/call","params":{"name":"count",$meta}}"#,
    ];
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let metadata_twice = [
        format!(r#"{{"{version}":"2026-07-28","{version}":"2025-11-25","{capabilities}":{{}}}}"#),
        format!(r#"{{"{version}":"2025-11-25","{version}":"2026-07-28","{capabilities}":{{}}}}"#),
        format!(r#"{{"{version}":"2026-07-28","{capabilities}":{{}},"{capabilities}":{{"sampling":{{}}}}}}"#),
    ]
    .map(|meta| post(call("needs_sampling", "{}").replace("$meta", &format!(r#""_meta":{meta}"#))));
    // A proxy may have decided by the header, which repeats one of the two.
    let mirrored_twice =
        |arguments: &str| [post(call("mirrored", arguments)).set("Mcp-Param-Region", "here")];
    hold(
        &House::open(),
        &[
            row(11, "a member that decides, twice", bodies(twice)).both(error(400, -32600)),
            row(11, "the id, twice", bodies(id_twice)).both(error(400, -32600).without_id()),
            row(11, "metadata that decides, twice", metadata_twice).modern(
                error(400, -32600)
                    .or_code(-32602)
                    .or_code(-32020)
                    .or_code(-32021)
                    .or_code(-32022)
                    .with_any_id(),
            ),
            // Refused by its header when the first of the two is not mirrored, else by its arguments.
            row(
                11,
                "an argument that a header mirrors, twice",
                mirrored_twice(r#"{"region":"here","region":"there"}"#),
            )
            .over(HTTP)
            .modern(tool_error()),
            row(11, "the same, the other one first", mirrored_twice(r#"{"region":"there","region":"here"}"#))
                .over(HTTP)
                .modern(error(400, -32020)),
        ],
    )
    .await;
}

#[tokio::test]
async fn members_are_told_apart_by_every_letter() {
    let no_method = ["Method", "METHOD", "method ", "me\u{7468}od", "methoԁ", "method\\u0000"].map(|name| {
        format!(r#"{{"jsonrpc":"2.0","id":$id,"{name}":"tools/call","params":{{"name":"count",$meta}}}}"#)
    });
    let no_version = ["JSONRPC", "Jsonrpc", "jsonRpc", "json-rpc"].map(|name| {
        format!(r#"{{"{name}":"2.0","id":$id,"method":"tools/call","params":{{"name":"count",$meta}}}}"#)
    });
    let no_id = ["Id", "ID", "iD", "ıd"].map(|name| {
        format!(r#"{{"jsonrpc":"2.0","{name}":$id,"method":"tools/call","params":{{"name":"count",$meta}}}}"#)
    });
    let no_params = ["Params", "PARAMS", "paramſ", "param\u{73}\u{200b}"].map(|name| {
        post(format!(
            r#"{{"jsonrpc":"2.0","id":$id,"method":"tools/call","{name}":{{"name":"count",$meta}}}}"#
        ))
    });
    let no_name = ["Name", "NAME", "nаme", "name "].map(|name| {
        post(format!(
            r#"{{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{{"{name}":"count",$meta}}}}"#
        ))
    });
    let odd_beside = [
        r#"{"jsonrpc":"2.0","Method":"ping","id":$id,"method":"tools/call","params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"Name":"panic_now","name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{"name":"count","NAME":"panic_now",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"method":"tools/call","paramſ":{"name":"panic_now"},"params":{"name":"count",$meta}}"#,
        r#"{"jsonrpc":"2.0","id":$id,"ID":7,"Id":null,"method":"tools/call","params":{"name":"count","extra":[1],$meta},"extra":{"a":1}}"#,
    ];
    let odd_arguments =
        [r#""Arguments":{"n":1}"#, r#""argumentſ":{"n":1}"#, r#""ARGUMENTS":{"n":1},"arguments":{"n":11}"#]
            .map(|member| request("tools/call", &format!(r#""name":"typed",{member},"#)));
    hold(&House::open(), &[
        row(12, "no `method`", bodies(no_method)).both(error(400, -32600)),
        row(12, "no `jsonrpc`", bodies(no_version)).both(error(400, -32600)),
        row(12, "no `id`", bodies(no_id)).both(error(400, -32600).without_id()),
        row(12, "no `params`", no_params).over(HTTP).legacy(error(200, -32602)).modern(error(400, -32602)),
        row(12, "no `name`", no_name).both(error(200, -32602)),
        row(12, "an odd member beside the right one has no effect", bodies(odd_beside)).both(served()),
        row(12, "odd arguments have no effect", bodies(odd_arguments)).both(tool_error()),
        row(12, "an escaped name is the same name", bodies([
            r#"{"jsonrpc":"2.0","id":$id,"m\u0065thod":"tools\/call","p\u0061rams":{"n\u0061me":"co\u0075nt",$meta}}"#,
        ])).both(served()),
    ])
    .await;
}

#[tokio::test]
async fn a_message_is_an_object() {
    let scalars = ["42", "null", r#""x""#, "true", "false", "-0.5", "0", "\"\""];
    let empty = ["[]", "[ ]", " [\t] "];
    let arrays = ["[1]", "[[]]", "[null]", "[\"x\",2]"].map(post);
    let objects = ["{}", r#"{"a":1}"#, r#"{"jsonrpc":"2.0"}"#];
    hold(
        &House::open(),
        &[
            row(14, "a scalar", bodies(scalars)).both(error(400, -32600).without_id()),
            row(14, "an empty array", bodies(empty)).both(error(400, -32600).without_id()),
            row(14, "an array of no messages", arrays)
                .in_eras(|era| era != BATCHING)
                .both(error(400, -32600).without_id()),
            row(14, "an object that is no message", bodies(objects)).both(error(400, -32600).without_id()),
            row(14, "an id is echoed as it was written", [count()])
                .both(result(|result| result.is_object()).ran(1)),
        ],
    )
    .await;
}
