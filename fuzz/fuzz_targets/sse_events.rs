//! Whatever is framed as server-sent events, a client that reads by the HTML standard gets the same back: as many
//! events, with the same data line by line, the same name and the same id, and nothing that the data smuggled in.
#![no_main]

use impresario_codec::sse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|inputs: Vec<(Option<String>, Option<String>, Vec<u8>)>| {
    let mut written = Vec::new();
    let mut expected = Vec::new();
    let mut last_id = String::new();
    for (name, id, data) in &inputs {
        written.extend_from_slice(sse::KEEP_ALIVE);
        match name {
            Some(name) => sse::write_named_event(&mut written, name, id.as_deref(), data),
            None => sse::write_event(&mut written, id.as_deref(), data),
        }
        sse::write_retry(&mut written, data.len() as u64);
        if let Some(id) = id {
            last_id = kept(id);
        }
        let name = name.as_deref().map_or_else(|| "message".to_owned(), kept);
        // An empty name is the default one.
        let name = if name.is_empty() { "message".to_owned() } else { name };
        // A client drops an event without data, but keeps its id.
        if !data.is_empty() {
            expected.push(Event { name, id: last_id.clone(), data: with_line_feeds(data) });
        }
    }
    let mut client = Client::default();
    client.read(&written);
    assert_eq!(client.events, expected, "{:?}", String::from_utf8_lossy(&written));
    assert_eq!(client.last_id, last_id);
    assert_eq!(client.retry_ms, inputs.last().map(|(_, _, data)| data.len() as u64));
    assert!(client.pending.is_empty(), "the last event is complete");
});

/// What a name or an id keeps: line breaks can't stand in one, and a NUL would make clients ignore it.
fn kept(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, '\r' | '\n' | '\0')).collect()
}

/// Every line break as clients see it: one line feed.
fn with_line_feeds(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = data.iter().peekable();
    while let Some(byte) = bytes.next() {
        if *byte == b'\r' {
            bytes.next_if_eq(&&b'\n');
            out.push(b'\n');
        } else {
            out.push(*byte);
        }
    }
    out
}

#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Vec<u8>,
}

/// A reader by the HTML standard, "Interpreting an event stream", on bytes: what is no UTF-8 stays what it is.
#[derive(Default)]
struct Client {
    events: Vec<Event>,
    last_id: String,
    retry_ms: Option<u64>,
    name: String,
    pending: Vec<u8>,
}

impl Client {
    fn read(&mut self, mut stream: &[u8]) {
        while let Some(end) = stream.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            let line_break = if stream[end..].starts_with(b"\r\n") { 2 } else { 1 };
            self.line(&stream[..end]);
            stream = &stream[end + line_break..];
        }
        assert!(stream.is_empty(), "every line ends");
    }

    fn line(&mut self, line: &[u8]) {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => return,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = text(value),
            b"data" => {
                self.pending.extend_from_slice(value);
                self.pending.push(b'\n');
            }
            b"id" if !value.contains(&0) => self.last_id = text(value),
            b"retry" => self.retry_ms = text(value).parse().ok().or(self.retry_ms),
            other => panic!("a field that nobody wrote: {:?}", String::from_utf8_lossy(other)),
        }
    }

    fn dispatch(&mut self) {
        let mut data = std::mem::take(&mut self.pending);
        let name = std::mem::take(&mut self.name);
        data.pop();
        if data.is_empty() {
            return;
        }
        let name = if name.is_empty() { "message".to_owned() } else { name };
        self.events.push(Event { name, id: self.last_id.clone(), data });
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8(value.to_vec()).expect("names and ids were text")
}
