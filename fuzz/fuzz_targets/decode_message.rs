//! Any bytes are decoded, walked through, written back and decoded again; JSON must be what serde_json takes
//! for JSON.
#![no_main]

use impresario_codec::{DecodeLimits, Document, Message, Node, is_batch, split_batch};
use impresario_protocol::{ErrorKind, Limits};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let limits = DecodeLimits::from(&Limits::default());
    agrees_with_serde_json(bytes, limits.depth_max);
    if is_batch(bytes)
        && let Ok(messages) = split_batch(bytes, 1_000)
    {
        for message in messages {
            Document::parse(message, 1_024).expect("what a batch holds is JSON");
        }
    }
    match Message::parse(bytes, &limits) {
        Ok(message) => walk(&message),
        Err(refused) => {
            assert!(matches!(refused.error.kind, ErrorKind::Parse | ErrorKind::InvalidRequest));
            assert!(!refused.error.message.is_empty());
        }
    }
});

/// Both parsers take the same texts, but for what is deeper than we allow.
fn agrees_with_serde_json(bytes: &[u8], depth_max: usize) {
    let expected = serde_json::from_slice::<Value>(bytes);
    match Document::parse(bytes, depth_max) {
        Ok(document) => {
            assert!(document.root().depth() <= depth_max);
            expected.expect("what is taken is JSON");
            let mut text = Vec::new();
            document.root().write_json(&mut text);
            let again = Document::parse(&text, depth_max).expect("what was written is JSON");
            assert_eq!(document.root().to_value(), again.root().to_value());
            let read: Value = document.root().deserialize().expect("a value can be anything");
            // Of a member that is written twice the tree has the first, and this the last.
            if !has_repeated_member(document.root()) {
                assert_eq!(read, document.root().to_value());
            }
        }
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Parse);
            if let Ok(value) = expected {
                assert!(depth(&value) > depth_max || bytes_are_deep(bytes, depth_max), "refused: {error}");
            }
        }
    }
}

fn has_repeated_member(node: Node<'_>) -> bool {
    let mut names: Vec<_> = node.members().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
        || node.members().any(|(_, value)| has_repeated_member(value))
        || node.elements().any(has_repeated_member)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A deep value may be hidden behind a later member of the same name.
fn bytes_are_deep(bytes: &[u8], depth_max: usize) -> bool {
    bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() > depth_max
}

/// Looks at everything there is, writes it back, and finds the same again.
fn walk(message: &Message) {
    let parts = [message.params(), message.result(), message.error()];
    for part in parts.into_iter().flatten() {
        let same = message.node(part.index());
        assert_eq!(same.kind(), part.kind());
        assert_eq!(same.len(), part.members().count() + part.elements().count());
        for (name, _) in part.members() {
            assert!(part.get(name).is_some());
        }
    }
    let mut text = Vec::new();
    message.document().root().write_json(&mut text);
    let limits = DecodeLimits { depth_max: 128, id_bytes_max: usize::MAX, method_bytes_max: usize::MAX };
    let again = Message::parse(&text, &limits).expect("what was written is a message");
    assert_eq!(again.kind(), message.kind());
    assert_eq!(again.method(), message.method());
    assert_eq!(again.id().is_some(), message.id().is_some());
    if let Some(id) = message.id() {
        echoed_id_is_read_as_the_same(&id.to_string(), &limits);
    }
}

fn echoed_id_is_read_as_the_same(id: &str, limits: &DecodeLimits) {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#);
    let reply = Message::parse(text.as_bytes(), limits).expect("an id can be echoed");
    assert_eq!(reply.id().expect("the reply has it").to_string(), id);
}
