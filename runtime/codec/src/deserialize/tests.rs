//! What is read from the tape as which type, and what an error says.
#![expect(dead_code, reason = "what is read is compared in its debug form")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;

use crate::document::Document;

/// Reads `text` as a `T` and checks it; `expected` is its debug form, or the error's text.
#[track_caller]
fn check<T: for<'d> Deserialize<'d> + Debug>(text: &str, expected: &str) {
    let document = Document::parse(text.as_bytes(), 64).unwrap();
    let read = match document.root().deserialize::<T>() {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(read, expected, "{text}");
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    filter: Filter,
    #[serde(default)]
    tags: Vec<String>,
    limit: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Filter {
    min_value: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Nothing,
    Circle(f64),
    Pair(i8, i8),
    Box { width: u32 },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Tagged {
    A { x: u8 },
    B,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i32),
    Text(String),
}

#[derive(Debug, Deserialize)]
struct Wrapped(u16);

#[derive(Debug, Deserialize)]
struct Rest {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[test]
fn structs_are_read_and_unknown_members_are_skipped() {
    check::<Query>(
        r#"{"x":[{"y":1}],"filter":{"minValue":-3},"tags":["a","b"],"limit":7}"#,
        r#"Query { filter: Filter { min_value: -3 }, tags: ["a", "b"], limit: Some(7) }"#,
    );
    check::<Query>(
        r#"{"filter":{"minValue":3},"limit":null}"#,
        "Query { filter: Filter { min_value: 3 }, tags: [], limit: None }",
    );
    check::<Rest>(r#"{"b":1,"a":2}"#, r#"Rest { a: 2, rest: {"b": Number(1)} }"#);
}

#[test]
fn an_error_says_where_it_is_what_was_expected_and_what_was_found() {
    check::<Query>(r#"{"filter":{"minValue":"3"}}"#, "`filter.minValue`: expected i64, found a string");
    check::<Query>(r#"{"filter":{"minValue":1.5}}"#, "`filter.minValue`: expected i64, found a number");
    check::<Query>(r#"{"filter":{}}"#, "`filter`: missing field `minValue`");
    check::<Query>(r#"{"filter":{"minValue":1,"minValue":2}}"#, "`filter`: duplicate field `minValue`");
    check::<Query>(r#"{"filter":{"other":1}}"#, "`filter`: unknown field `other`, expected `minValue`");
    check::<Query>(r#"{"filter":[]}"#, "`filter`: invalid length 0, expected struct Filter with 1 element");
    check::<Query>("{}", "missing field `filter`");
    check::<Query>(
        r#"{"filter":{"minValue":1},"tags":["a",{}]}"#,
        "`tags[1]`: expected a string, found an object",
    );
    check::<Query>(
        r#"{"filter":{"minValue":1},"limit":256}"#,
        "`limit`: invalid value: integer `256`, expected u8",
    );
    check::<Vec<Filter>>(r#"[{"minValue":1},{"minValue":null}]"#, "`[1].minValue`: expected i64, found null");
    check::<Vec<Vec<u8>>>("[[1],[2,true]]", "`[1][1]`: expected u8, found a boolean");
    check::<Query>("[1]", "`[0]`: expected struct Filter, found an integer");
    check::<(u8, u8)>("[1,2,3]", "expected 2 elements, found 3");
    check::<(u8, u8)>("[1]", "invalid length 1, expected a tuple of size 2");
}

#[test]
fn the_error_hands_out_its_parts() {
    let document = Document::parse(br#"{"filter":{"minValue":[]}}"#, 64).unwrap();
    let error = document.root().deserialize::<Query>().unwrap_err();
    assert_eq!((error.path(), error.message()), ("filter.minValue", "expected i64, found an array"));
}

#[test]
fn a_number_is_an_integer_when_it_is_whole() {
    check::<u8>("7", "7");
    check::<u8>("7.0", "7");
    check::<i8>("-1e2", "-100");
    check::<i64>("1e300", "expected i64, found a number");
    check::<u64>("-1.0", "invalid value: integer `-1`, expected u64");
    check::<u64>("18446744073709551615", "18446744073709551615");
    check::<u64>("18446744073709551616", "expected u64, found a number");
    check::<i64>("-0", "0");
    check::<i128>("-5", "-5");
    check::<u128>("5", "5");
    check::<f64>("7", "7.0");
    check::<f32>("0.5", "0.5");
    check::<f64>(r#""7""#, "expected f64, found a string");
}

#[test]
fn enums_are_read_in_each_of_their_forms() {
    check::<Shape>(r#""nothing""#, "Nothing");
    check::<Shape>(r#"{"nothing":null}"#, "Nothing");
    check::<Shape>(r#"{"circle":1.5}"#, "Circle(1.5)");
    check::<Shape>(r#"{"pair":[1,2]}"#, "Pair(1, 2)");
    check::<Shape>(r#"{"box":{"width":3}}"#, "Box { width: 3 }");
    check::<Shape>(r#"{"box":{"width":"3"}}"#, "`box.width`: expected u32, found a string");
    check::<Shape>(r#""circle""#, "expected newtype variant, found a name alone");
    check::<Shape>(
        r#""square""#,
        "unknown variant `square`, expected one of `nothing`, `circle`, `pair`, `box`",
    );
    check::<Shape>(
        r#"{"circle":1,"pair":[1,2]}"#,
        "expected a string or an object with one member, found object",
    );
    check::<Shape>("1", "expected a string or an object with one member, found integer");
    check::<Tagged>(r#"{"x":1,"type":"a"}"#, "A { x: 1 }");
    check::<Tagged>(r#"{"type":"b"}"#, "B");
    check::<Untagged>("1", "Number(1)");
    check::<Untagged>(r#""1""#, r#"Text("1")"#);
}

#[test]
fn other_types_are_read_as_serde_json_reads_them() {
    check::<Wrapped>("7", "Wrapped(7)");
    check::<()>("null", "()");
    check::<char>(r#""é""#, "'é'");
    check::<Option<Option<u8>>>("null", "None");
    check::<[bool; 2]>("[true,false]", "[true, false]");
    check::<BTreeMap<u16, String>>(r#"{"1":"a","2":"b"}"#, r#"{1: "a", 2: "b"}"#);
    check::<BTreeMap<bool, u8>>(r#"{"true":1}"#, "{true: 1}");
    check::<BTreeMap<u16, u8>>(r#"{"x":1}"#, "expected u16, found a string");
    check::<BTreeMap<Wrapped2, u8>>(r#"{"x":1}"#, r#"{Wrapped2("x"): 1}"#);
    check::<BTreeMap<Key, u8>>(r#"{"left":1}"#, "{Left: 1}");
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Wrapped2(String);

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Key {
    Left,
}

#[test]
fn strings_are_borrowed_also_when_they_were_escaped() {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        plain: &'a str,
        escaped: &'a str,
        bytes: &'a [u8],
        #[serde(borrow)]
        either: Cow<'a, str>,
    }
    let document =
        Document::parse(br#"{"plain":"a","escaped":"\u00e9\n","bytes":"b","either":"c"}"#, 64).unwrap();
    let read: Borrowed<'_> = document.root().deserialize().unwrap();
    assert_eq!((read.plain, read.escaped, read.bytes), ("a", "é\n", &b"b"[..]));
    assert!(matches!(read.either, Cow::Borrowed("c")));
}
