//! Server-sent events: replies and notifications framed for a `text/event-stream` body.
//!
//! Only the writing side; what clients read is defined by the HTML standard, section "Server-sent events".

/// A comment that no client sees, sent so that a quiet stream is not taken for a dead one.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// Appends a `message` event: `data` is one JSON text, or nothing for an event that only carries its id.
pub fn write_event(out: &mut Vec<u8>, id: Option<&str>, data: &[u8]) {
    write_named_event(out, "message", id, data);
}

/// Appends an event of that name. Line breaks can't stand in a name or an id; they are left out.
///
/// The name is written even where it is the default: one SDK or another drops events that have none.
pub fn write_named_event(out: &mut Vec<u8>, name: &str, id: Option<&str>, data: &[u8]) {
    out.reserve(data.len() + 64);
    write_field(out, b"event: ", name);
    if let Some(id) = id {
        write_field(out, b"id: ", id);
    }
    write_data(out, data);
    out.push(b'\n');
}

/// Appends a `message` event that also says how long a client should wait before it connects again.
pub fn write_event_with_retry(out: &mut Vec<u8>, id: &str, retry_ms: u64, data: &[u8]) {
    write_field(out, b"retry: ", &retry_ms.to_string());
    write_event(out, Some(id), data);
}

/// Appends how long a client should wait before it connects again.
pub fn write_retry(out: &mut Vec<u8>, retry_ms: u64) {
    write_field(out, b"retry: ", &retry_ms.to_string());
    out.push(b'\n');
}

fn write_field(out: &mut Vec<u8>, label: &[u8], value: &str) {
    out.extend_from_slice(label);
    // A NUL would make clients ignore an id.
    out.extend(value.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)));
    out.push(b'\n');
}

/// One `data` line for each line of the data; clients join them with a line feed.
fn write_data(out: &mut Vec<u8>, mut data: &[u8]) {
    loop {
        out.extend_from_slice(b"data: ");
        let Some(end) = memchr::memchr2(b'\r', b'\n', data) else {
            out.extend_from_slice(data);
            out.push(b'\n');
            return;
        };
        out.extend_from_slice(&data[..end]);
        out.push(b'\n');
        let line_break = if data[end..].starts_with(b"\r\n") { 2 } else { 1 };
        data = &data[end + line_break..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_framed() {
        let check = |id: Option<&str>, data: &str, expected: &str| {
            let mut out = Vec::new();
            write_event(&mut out, id, data.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{id:?} {data:?}");
        };
        check(None, r#"{"a":1}"#, "event: message\ndata: {\"a\":1}\n\n");
        check(Some("s1-7"), "{}", "event: message\nid: s1-7\ndata: {}\n\n");
        check(Some("s1-7"), "", "event: message\nid: s1-7\ndata: \n\n");
        check(Some("a\r\nb\0c"), "{}", "event: message\nid: abc\ndata: {}\n\n");
        check(None, "{\n}", "event: message\ndata: {\ndata: }\n\n");
        check(None, "{\r\n}", "event: message\ndata: {\ndata: }\n\n");
        check(None, "{\r}", "event: message\ndata: {\ndata: }\n\n");
        check(None, "{\n\n}\n", "event: message\ndata: {\ndata: \ndata: }\ndata: \n\n");
    }

    #[test]
    fn an_event_says_when_to_come_back() {
        let mut out = Vec::new();
        write_event_with_retry(&mut out, "s1.0", 3_000, b"");
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "retry: 3000\nevent: message\nid: s1.0\ndata: \n\n");
    }

    #[test]
    fn another_name_and_a_retry_are_framed() {
        let mut out = Vec::new();
        write_named_event(&mut out, "endpoint", None, b"/messages?id=1");
        write_retry(&mut out, 3_000);
        out.extend_from_slice(KEEP_ALIVE);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "event: endpoint\ndata: /messages?id=1\n\nretry: 3000\n\n: keep-alive\n\n");
    }
}
