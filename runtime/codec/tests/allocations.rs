//! What parsing costs in allocations once a thread is warm.

use allocation_counter::measure;
use impresario_codec::{DecodeLimits, Document, Message, write_str};
use impresario_protocol::Limits;

const CALL: &[u8] =
    br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":[2.5,"x\ny"]}}}"#;

/// How many allocations `work` makes on a warm thread.
fn allocations(mut work: impl FnMut()) -> u64 {
    work();
    measure(work).count_total
}

#[test]
fn a_small_message_costs_one_allocation() {
    let limits = DecodeLimits::from(&Limits::default());
    // The one is the box that owns the buffer and the tape together.
    assert_eq!(allocations(|| drop(Message::parse(CALL, &limits).unwrap())), 1);
    let text_id = br#"{"jsonrpc":"2.0","id":"a-7","method":"ping"}"#;
    assert_eq!(allocations(|| drop(Message::parse(text_id, &limits).unwrap())), 2);
}

#[test]
fn walking_and_reading_a_document_allocates_nothing() {
    #[derive(serde::Deserialize)]
    struct Arguments<'a> {
        a: u32,
        #[serde(borrow)]
        b: (f64, &'a str),
    }
    let limits = DecodeLimits::from(&Limits::default());
    let message = Message::parse(CALL, &limits).unwrap();
    let read = || {
        let arguments = message.params().unwrap().get("arguments").unwrap();
        let Arguments { a, b } = arguments.deserialize().unwrap();
        assert_eq!((a, b), (1, (2.5, "x\ny")));
    };
    assert_eq!(allocations(read), 0);
}

#[test]
fn what_is_refused_leaves_its_parts_to_the_next() {
    let refuse = || drop(Document::parse(b"[1,2,3", 64).unwrap_err());
    // The box, and the message that says what is wrong.
    assert!(allocations(refuse) <= 2);
}

#[test]
fn writing_into_room_that_is_there_allocates_nothing() {
    let document = Document::parse(CALL, 64).unwrap();
    let mut out = Vec::with_capacity(1024);
    let write = || {
        out.clear();
        write_str(&mut out, "a \"quoted\"\nline");
        document.root().write_json(&mut out);
    };
    assert_eq!(allocations(write), 0);
}
