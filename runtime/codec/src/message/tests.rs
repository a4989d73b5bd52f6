//! What is a message and what is none, row by row.

use impresario_protocol::ErrorKind;

use super::*;

fn limits() -> DecodeLimits {
    DecodeLimits::from(&Limits::default())
}

/// What a message is, in one line: `request 1 "m"`, or why it is none: `parse -`, `invalid 1`.
fn decoded(bytes: &[u8]) -> String {
    let mut gathered = Gathered::with_room(0);
    bytes.chunks(5).for_each(|piece| gathered.push(piece));
    let in_place = described(Message::parse_in_place(gathered, &limits()));
    assert_eq!(in_place, described(Message::parse(bytes, &limits())));
    in_place
}

fn described(decoded: Result<Message, DecodeError>) -> String {
    match decoded {
        Ok(message) => {
            let kind = match message.kind() {
                MessageKind::Request => "request",
                MessageKind::Notification => "notification",
                MessageKind::Response if message.error().is_some() => "error",
                MessageKind::Response => "result",
            };
            let id = message.id().map_or("-".to_owned(), Id::to_string);
            format!("{kind} {id} {}", message.method()).trim_end().to_owned()
        }
        Err(DecodeError { error, id }) => {
            let kind = match error.kind {
                ErrorKind::Parse => "parse",
                ErrorKind::InvalidRequest => "invalid",
                other => panic!("{other:?} is not for a decoder to say"),
            };
            format!("{kind} {}", id.map_or("-".to_owned(), |id| id.to_string()))
        }
    }
}

#[track_caller]
fn check(text: impl AsRef<[u8]>, expected: &str) {
    let text = text.as_ref();
    assert_eq!(decoded(text), expected, "{}", String::from_utf8_lossy(text));
}

/// A request whose params hold `value`.
fn with_param(value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"x":{value}}}}}"#)
}

#[test]
fn what_is_no_json_is_a_parse_error_without_an_id() {
    for text in [
        &b""[..],
        b" \n\t",
        b"{\"jsonrpc\":",
        b"{",
        b"}",
        b"\"",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"",
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}",
        b"\xff\xfe{\0}\0",
        b"\xfe\xff\0{\0}",
        b"{\0\"\0i\0d\0\"\0:\x001\0}\0",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc0\xaf\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xed\xa0\x80\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}\0",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"m\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"} {}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"},",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}]",
        b"{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"m\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1 \"method\":\"m\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\" \"m\"}",
        b"{jsonrpc:\"2.0\"}",
        b"{'jsonrpc':'2.0'}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"a\nb\"}",
        b"NaN",
        b"undefined",
    ] {
        check(text, "parse -");
    }
}

#[test]
fn a_value_that_json_does_not_have_is_a_parse_error_wherever_it_stands() {
    for value in [
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "inf",
        "01",
        "-01",
        "00",
        "+1",
        ".5",
        "1.",
        "1.e1",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "1e400",
        "-1e400",
        "1e309",
        "1.5.5",
        "--1",
        "-",
        "1a",
        "tru",
        "truee",
        "True",
        "nul",
        "nulll",
        "fals",
        "falsey",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "[",
        "]",
        "[}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "// c\n1",
        "/* c */ 1",
        "1 // c",
        "#",
        "'a'",
        "`a`",
        "",
        r#""\ud800""#,
        r#""\udfff""#,
        r#""\udc00\ud800""#,
        r#""\ud800\ud800""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
        r#""\uD83D\u0041""#,
        r#""\u12g4""#,
        r#""\u123""#,
        r#""\u""#,
        r#""\x41""#,
        r#""\'""#,
        r#""\0""#,
        r#""\"#,
        "\"\u{1}\"",
        "\"\t\"",
        "\"\u{0}\"",
        "\\",
        "\\\"a\"",
        "1\u{a0}",
        "\u{2028}1",
    ] {
        // Far from the start as well, so that the vector paths meet it in other lanes and blocks.
        for blanks in [0, 1, 31, 40, 200] {
            check(with_param(&format!("{}{value}", " ".repeat(blanks))), "parse -");
        }
        // A mistake in the last block of 64 bytes, and the text on its own.
        check(format!("[{}{value}]", "1,".repeat(70)), "parse -");
        if !value.contains("//") {
            check(value, "parse -");
        }
    }
}

#[test]
fn all_of_json_is_taken() {
    for value in [
        "0",
        "-0",
        "1",
        "-1",
        "1.5",
        "-0.0",
        "1e2",
        "1E+2",
        "1e-400",
        "18446744073709551615",
        "-9223372036854775808",
        "18446744073709551616",
        "123456789012345678901234567890",
        "1.7976931348623157e308",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[[],{}]",
        r#""""#,
        r#""\"\\\/\b\f\n\r\t""#,
        r#""\u0000""#,
        r#""\ud83d\ude00""#,
        r#""\uD83D\uDE00""#,
        r#""\uffff""#,
        "\"\u{7f}\"",
        "\"\u{2028}\"",
        "\"é€😀\"",
        " 1 ",
        "\t\r\n 1",
        "[ 1 , 2 ]",
        "{ \"a\" : 1 }",
        r#"{"":1}"#,
        r#"{"a":1,"a":2}"#,
    ] {
        check(with_param(value), "request 1 m");
    }
    check(format!(" \r\n\t{}\n", with_param("1")), "request 1 m");
}

#[test]
fn depth_is_counted_and_limited() {
    let nested = |levels: usize| with_param(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    // The message and its params are two of the levels.
    check(nested(62), "request 1 m");
    check(nested(63), "parse -");
    check(nested(1_000_000), "parse -");
    check("[".repeat(1_000_000), "parse -");
    check(r#"{"a":"#.repeat(1_000_000), "parse -");
    let at_limit = Message::parse(nested(62).as_bytes(), &limits()).unwrap();
    assert_eq!(at_limit.document().root().depth(), 64);
}

#[test]
fn what_is_no_message_object_is_refused_without_an_id() {
    for text in
        ["[]", "42", "null", "\"x\"", "true", "1.5", r#"[{"jsonrpc":"2.0","id":1,"method":"m"}]"#, "{}"]
    {
        check(text, "invalid -");
    }
}

#[test]
fn ids_are_strings_or_integers_and_echoed_as_they_were_written() {
    for id in [
        "0",
        "-0",
        "1",
        "-1",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "-9223372036854775808",
        r#""""#,
        r#""a""#,
        r#""1""#,
        r#""\u0041\/\n\\\"""#,
        r#""\ud83d\ude00""#,
        "\"é\"",
        r#""\\""#,
        r#""\"""#,
    ] {
        check(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#), &format!("request {id} m"));
        check(
            format!(
                r#"{{"method":"m", "params":{{"a\\\"\u0041":"\\"}}, "\u0069d" : {id} ,"jsonrpc":"2.0"}}"#
            ),
            &format!("request {id} m"),
        );
        check(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#), &format!("result {id}"));
    }
    for id in [
        "null",
        "1.5",
        "1.0",
        "-1.0",
        "1e2",
        "true",
        "false",
        "[]",
        "[1]",
        "{}",
        r#"{"a":1}"#,
        "18446744073709551616",
        "-9223372036854775809",
        "1e-1",
        "-0.0",
    ] {
        check(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#), "invalid -");
        check(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#), "invalid -");
    }
}

#[test]
fn in_a_large_text_an_id_near_either_end_is_echoed_as_written_and_any_other_by_its_value() {
    let padding = |bytes: usize| format!("\"x\":\"{}\"", "x".repeat(bytes));
    let id = r#""id":"\u0041\/\"""#;
    let (written, value) = (r#"request "\u0041\/\"" m"#, r#"request "A/\"" m"#);
    for (before, after, expected) in [(10, 5_000, written), (5_000, 10, written), (5_000, 5_000, value)] {
        let (before, after) = (padding(before), padding(after));
        let text = format!(r#"{{"jsonrpc":"2.0",{before},{id},{after},"method":"m"}}"#);
        let mut gathered = Gathered::with_room(text.len());
        gathered.push(text.as_bytes());
        assert_eq!(described(Message::parse_in_place(gathered, &limits())), expected);
        assert_eq!(described(Message::parse(text.as_bytes(), &limits())), written);
    }
}

#[test]
fn an_id_is_limited_in_the_bytes_it_was_written_in() {
    let with_id = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"m"}}"#);
    let longest = "x".repeat(256);
    check(with_id(&longest), &format!("request \"{longest}\" m"));
    check(with_id(&"x".repeat(257)), "invalid -");
    check(with_id(&"x".repeat(100_000)), "invalid -");
    // 43 escapes are 258 bytes, though only 43 characters.
    check(with_id(&r"\u0041".repeat(42)), &format!("request \"{}\" m", r"\u0041".repeat(42)));
    check(with_id(&r"\u0041".repeat(43)), "invalid -");
}

#[test]
fn methods_are_strings_of_limited_length() {
    let with_method = |method: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":{method}}}"#);
    check(with_method(r#""""#), "request 1");
    check(with_method(&format!("\"{}\"", "m".repeat(128))), &format!("request 1 {}", "m".repeat(128)));
    check(with_method(&format!("\"{}\"", "m".repeat(129))), "invalid 1");
    for method in ["1", "null", "true", "[]", "{}", "1.5"] {
        check(with_method(method), "invalid 1");
    }
}

#[test]
fn the_members_decide_what_a_message_is() {
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#, "request 1 m");
    check(r#"{"jsonrpc":"2.0","method":"m"}"#, "notification - m");
    check(r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "result 1");
    check(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#, "error 1");
    check(r#"{"jsonrpc":"2.0","error":{}}"#, "error -");
    check(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, "error -");
    check(r#"{"jsonrpc":"2.0","result":{}}"#, "invalid -");
    check(r#"{"jsonrpc":"2.0","id":1}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","id":1,"params":{}}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","id":1,"Method":"m"}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","ID":1,"method":"m"}"#, "notification - m");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m","result":{}}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m","error":{}}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, "invalid -");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m","x":[],"Result":{}}"#, "request 1 m");
    for params in ["null", "1", "\"x\"", "[1]", "{}"] {
        check(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#), "request 1 m");
    }
}

#[test]
fn the_protocol_must_be_json_rpc_2() {
    for jsonrpc in [r#""1.0""#, "2.0", "2", "null", r#""2""#, r#"" 2.0""#, r#"["2.0"]"#] {
        check(format!(r#"{{"jsonrpc":{jsonrpc},"id":1,"method":"m"}}"#), "invalid 1");
    }
    check(r#"{"id":1,"method":"m"}"#, "invalid 1");
    check(r#"{"jsonRPC":"2.0","id":1,"method":"m"}"#, "invalid 1");
    check(r#"{"jsonrpc":"\u0032.0","id":1,"method":"m"}"#, "request 1 m");
}

#[test]
fn a_member_that_decides_must_not_be_written_twice() {
    check(r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"m"}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","id":1,"id":1,"method":"m"}"#, "invalid -");
    check(r#"{"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"m"}"#, "invalid -");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{},"params":{}}"#, "invalid 1");
    check(r#"{"jsonrpc":"2.0","id":1,"result":{},"result":{}}"#, "invalid -");
    check(r#"{"jsonrpc":"2.0","id":1,"error":{},"error":{}}"#, "invalid -");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m","x":1,"x":2}"#, "request 1 m");
    for name in
        ["name", "uri", "arguments", "_meta", "cursor", "requestState", "inputResponses", "ref", "argument"]
    {
        let twice = format!(r#"{{"{name}":1,"x":2,"{name}":1}}"#);
        check(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{twice}}}"#), "invalid 1");
        check(format!(r#"{{"jsonrpc":"2.0","method":"m","params":{twice}}}"#), "invalid -");
        // One level further down it is the tool's business.
        check(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"x":{twice}}}}}"#), "request 1 m");
        check(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":[{twice}]}}"#), "request 1 m");
    }
    check(with_param(r#"1,"y":1,"y":2"#), "request 1 m");
    check(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":1,"n\u0061me":2}}"#, "invalid 1");
}

#[test]
fn each_part_is_found_where_it_belongs() {
    let parse = |text: &str| Message::parse(text.as_bytes(), &limits()).unwrap();
    let request = parse(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[1,"x"]}}"#);
    let x = request.params().and_then(|params| params.get("a")).and_then(|a| a.elements().nth(1)).unwrap();
    assert_eq!(request.node(x.index()).as_str(), Some("x"));
    assert!(request.result().is_none() && request.error().is_none());

    let result = parse(r#"{"jsonrpc":"2.0","id":1,"params":[],"result":{"a":1}}"#);
    assert_eq!(result.result().map(Node::len), Some(1));
    assert!(result.params().is_none() && result.error().is_none() && result.method().is_empty());

    let error = parse(r#"{"jsonrpc":"2.0","id":1,"error":"x"}"#);
    assert_eq!(error.error().and_then(Node::as_str), Some("x"));
    assert!(error.params().is_none() && error.result().is_none());
}

#[test]
fn of_a_message_the_id_alone_can_be_kept() {
    let message =
        Message::parse(br#"{"jsonrpc":"2.0","id":"a\u0041","method":"m","params":{"name":"n"}}"#, &limits());
    let message = message.unwrap().into_id_alone();
    let mut id = Vec::new();
    message.id().unwrap().write_json(&mut id);
    assert_eq!(id, br#""a\u0041""#);
    assert!(message.method().is_empty() && message.params().is_none() && message.param("name").is_none());
}

#[test]
fn a_message_moves_to_other_threads_and_stays_small() {
    fn assert_send<T: Send + 'static>() {}
    assert_send::<Message>();
    assert!(size_of::<Message>() <= 96, "{}", size_of::<Message>());

    let message = Message::parse(br#"{"jsonrpc":"2.0","id":"a","method":"m"}"#, &limits()).unwrap();
    let method = std::thread::spawn(move || message.method().to_owned()).join().unwrap();
    assert_eq!(method, "m");
}

#[test]
fn errors_say_what_to_change() {
    let error = |text: &str| Message::parse(text.as_bytes(), &limits()).unwrap_err().to_string();
    assert_eq!(error(""), "the text is empty, a JSON text was expected");
    assert_eq!(error("{\"a\":1,}"), "not valid JSON, the first mistake is near byte 7");
    assert_eq!(error("[1e400]"), "not valid JSON: a number near byte 1 is malformed or out of range");
    assert_eq!(error("{\"a"), "not valid JSON: a string does not end, or holds a raw control character");
    assert_eq!(error(r#"["\ud800"]"#), "not valid JSON: a string has a \\u escape that is no character");
    assert_eq!(
        error(&"[".repeat(65)),
        "arrays and objects are nested deeper than 64 levels (json_depth_max)"
    );
    assert_eq!(error("[]"), "a message must be a JSON object");
    assert_eq!(
        error(r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"uri":1,"uri":2}}"#),
        "the member `uri` of `params` must not be written twice"
    );
}
