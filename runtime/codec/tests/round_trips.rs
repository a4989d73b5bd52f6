//! Whatever is written is read again as the same, and whatever bytes come in, nothing breaks.

use impresario_codec::{
    DecodeLimits, Document, Line, LineDecoder, Message, Node, NodeKind, is_batch, split_batch,
    write_serialized, write_str,
};
use impresario_protocol::Limits;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

const DEPTH_MAX: usize = 64;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z]{0,80}",
        // Much that must be escaped, at any distance from each other.
        vec(prop_oneof![Just('"'), Just('\\'), Just('\n'), Just('\u{0}'), Just('😀'), Just('a')], 0..100)
            .prop_map(String::from_iter),
    ]
}

fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        (-100_i64..100).prop_map(Number::from),
        any::<f64>().prop_filter_map("JSON has no such number", Number::from_f64),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any_number().prop_map(Value::Number),
        any_text().prop_map(Value::String),
    ];
    scalar.prop_recursive(8, 128, 10, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..10).prop_map(Value::Array),
            btree_map(any_text(), inner, 0..10).prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The value as a reader would put it together who only uses the views.
fn rebuilt(node: Node<'_>) -> Value {
    match node.kind() {
        NodeKind::Null => Value::Null,
        NodeKind::Bool => node.as_bool().into(),
        NodeKind::Integer => node.as_i64().map_or_else(|| node.as_u64().into(), Value::from),
        NodeKind::Float => node.as_f64().into(),
        NodeKind::String => node.as_str().into(),
        NodeKind::Array => node.elements().map(rebuilt).collect(),
        NodeKind::Object => node.members().map(|(name, value)| (name.to_owned(), rebuilt(value))).collect(),
    }
}

fn lines(chunks: &[&[u8]], line_bytes_max: usize) -> Vec<Option<Vec<u8>>> {
    let mut decoder = LineDecoder::new(line_bytes_max);
    let mut lines = Vec::new();
    for chunk in chunks {
        let mut unread = *chunk;
        while let Some(line) = decoder.next_line(&mut unread) {
            lines.push(match line {
                Line::Text(text) => Some(text.to_vec()),
                Line::TooLong => None,
            });
        }
    }
    lines
}

proptest! {
    #[test]
    fn a_value_is_read_as_it_was_written(value in any_value(), pretty: bool) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        let document = Document::parse(&text, DEPTH_MAX).unwrap();
        let root = document.root();
        prop_assert_eq!(&root.to_value(), &value);
        prop_assert_eq!(&rebuilt(root), &value);
        prop_assert_eq!(&root.deserialize::<Value>().unwrap(), &value);
        prop_assert_eq!(root.depth(), depth(&value));

        let mut written = Vec::new();
        root.write_json(&mut written);
        let again = Document::parse(&written, DEPTH_MAX).unwrap();
        prop_assert_eq!(&again.root().to_value(), &value);
        let mut serialized = Vec::new();
        write_serialized(&mut serialized, &value).unwrap();
        let again = Document::parse(&serialized, DEPTH_MAX).unwrap();
        prop_assert_eq!(&again.root().to_value(), &value);
    }

    #[test]
    fn a_string_is_escaped_as_serde_json_escapes_it(text in any_text()) {
        let mut out = b"before".to_vec();
        write_str(&mut out, &text);
        prop_assert_eq!(String::from_utf8(out).unwrap(), format!("before{}", serde_json::to_string(&text).unwrap()));
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let limits = DecodeLimits::from(&Limits::default());
        let _ = Message::parse(&bytes, &limits);
        let _ = is_batch(&bytes);
        let _ = split_batch(&bytes, 3);
    }

    #[test]
    fn the_same_texts_are_json_as_for_serde_json(
        text in "[\\[\\]{}:,\"\\\\ 0-9eE.+\\-a-ftrunl\\n]{0,40}",
        value in any_value(),
        cut in any::<prop::sample::Index>(),
        put in any::<u8>(),
    ) {
        let mut damaged = serde_json::to_vec(&value).unwrap();
        let at = cut.index(damaged.len());
        damaged[at] = put;
        for text in [text.as_bytes(), &damaged] {
            let expected = serde_json::from_slice::<Value>(text).is_ok();
            prop_assert_eq!(Document::parse(text, 128).is_ok(), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn an_id_is_echoed_byte_for_byte(text in any_text(), escaped in any::<bool>(), other in any_text()) {
        let id = if escaped {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<String>();
            format!("\"{units}\"")
        } else {
            serde_json::to_string(&text).unwrap()
        };
        let other = serde_json::to_string(&other).unwrap();
        let limits = DecodeLimits { depth_max: DEPTH_MAX, id_bytes_max: usize::MAX, method_bytes_max: usize::MAX };
        let before = format!(r#"{{"x":{other},"id": {id},"jsonrpc":"2.0","method":{other}}}"#);
        let message = Message::parse(before.as_bytes(), &limits).unwrap();
        prop_assert_eq!(message.id().unwrap().to_string(), id);
    }

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_are_cut(
        text in vec(prop_oneof![3 => Just(b'\n'), 2 => Just(b'\r'), 1 => Just(b' '), 6 => any::<u8>()], 0..120),
        cuts in vec(0_usize..20, 0..20),
        line_bytes_max in 0_usize..12,
    ) {
        let mut rest = text.as_slice();
        let mut chunks = Vec::new();
        for cut in cuts {
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        prop_assert_eq!(lines(&chunks, line_bytes_max), lines(&[&text], line_bytes_max));
    }

    #[test]
    fn a_batch_is_cut_into_the_messages_it_holds(values in vec(any_value(), 1..8), pretty: bool) {
        let batch = Value::Array(values.clone());
        let text = if pretty { serde_json::to_vec_pretty(&batch) } else { serde_json::to_vec(&batch) }.unwrap();
        prop_assert!(is_batch(&text));
        let cut: Vec<_> = split_batch(&text, 8).unwrap();
        let read: Vec<_> = cut.iter().map(|text| Document::parse(text, DEPTH_MAX).unwrap().root().to_value()).collect();
        prop_assert_eq!(read, values);
    }
}
