//! Splits server-sent events out of bytes, wherever those were cut.
//!
//! What is longer than a bound is counted and not kept.

/// The largest event that is kept, where no other bound is given.
pub const EVENT_BYTES_MAX: usize = 1 << 30;
/// What a line of data begins with, which counts for nobody.
const FIELD_BYTES: usize = "data: ".len();
/// A longer type of an event is cut.
const TYPE_BYTES_MAX: usize = 256;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its type; empty means `message`.
    pub kind: String,
    /// Its data, the lines joined by line feeds.
    pub data: Vec<u8>,
    /// How long the data was: more than is kept, if it was cut.
    pub data_bytes: u64,
}

impl Event {
    fn is_cut(&self) -> bool {
        (self.data.len() as u64) < self.data_bytes
    }
}

/// Collects lines into events. Feed it the body's bytes as they come.
#[derive(Debug)]
pub struct Events {
    data_bytes_max: usize,
    /// The line so far.
    line: Vec<u8>,
    /// How long the line is: more than is kept, if it is long.
    line_bytes: usize,
    /// The event so far.
    event: Event,
    /// Whether the event has a line of data: an empty one counts too.
    has_data: bool,
    /// Whether the last byte was a carriage return, whose line feed is still to come.
    after_return: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self::new(EVENT_BYTES_MAX)
    }
}

impl Events {
    /// Keeps at most so many bytes of an event's data.
    #[must_use]
    pub fn new(data_bytes_max: usize) -> Self {
        let (line, event) = (Vec::new(), Event::default());
        Self { data_bytes_max, line, line_bytes: 0, event, has_data: false, after_return: false }
    }

    /// Takes all of these bytes and hands every event that they complete to `each`.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Event)) {
        while !bytes.is_empty() {
            let (event, taken) = self.take(bytes);
            bytes = &bytes[taken..];
            event.into_iter().for_each(&mut each);
        }
    }

    /// Takes bytes up to the end of the next event; gives the event, if there is one, and how many bytes were taken.
    pub fn take(&mut self, bytes: &[u8]) -> (Option<Event>, usize) {
        let mut at = 0;
        if self.after_return && bytes.first() == Some(&b'\n') {
            at = 1;
        }
        self.after_return &= bytes.is_empty();
        while at < bytes.len() {
            let Some(length) = memchr::memchr2(b'\n', b'\r', &bytes[at..]) else {
                self.keep(&bytes[at..]);
                return (None, bytes.len());
            };
            self.keep(&bytes[at..at + length]);
            at += length + 1;
            if bytes[at - 1] == b'\r' {
                match bytes.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => self.after_return = true,
                }
            }
            if let Some(event) = self.line_read() {
                return (Some(event), at);
            }
        }
        (None, at)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.data_bytes_max.saturating_add(FIELD_BYTES).saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.line_bytes += bytes.len();
    }

    fn line_read(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let missing = std::mem::take(&mut self.line_bytes) - line.len();
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            // An event without data is none (HTML, "Interpreting an event stream").
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (name, value) = match memchr::memchr(b':', &line) {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (&line[..], &b""[..]),
        };
        match name {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.add_data(b"\n", 0);
                }
                self.add_data(value, missing);
            }
            b"event" => {
                let kept = &value[..value.len().min(TYPE_BYTES_MAX)];
                self.event.kind = String::from_utf8_lossy(kept).into_owned();
            }
            // A comment, an id, a pause before reconnecting: nothing that we act on.
            _ => {}
        }
        None
    }

    fn add_data(&mut self, value: &[u8], missing: usize) {
        // Nothing may follow what was cut: it would look as if it belonged there.
        let room = if self.event.is_cut() { 0 } else { self.data_bytes_max - self.event.data.len() };
        self.event.data.extend_from_slice(&value[..value.len().min(room)]);
        self.event.data_bytes += (value.len() + missing) as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        for piece in pieces {
            let mut at = 0;
            while at < piece.len() {
                let (event, taken) = events.take(&piece[at..]);
                at += taken;
                found.extend(event.map(|event| (event.kind, String::from_utf8(event.data).unwrap())));
            }
        }
        found
    }

    #[test]
    fn events_are_found_wherever_they_are_cut() {
        let text = b": hi\n\nevent: endpoint\r\ndata: /m?s=1\r\n\r\nid: 1\rdata:{\"a\":\rdata: 1}\r\rdata\n\nretry: 5\n\ndata: cut";
        let expected = [("endpoint", "/m?s=1"), ("", "{\"a\":\n1}"), ("", "")];
        let expected = expected.map(|(kind, data)| (kind.to_owned(), data.to_owned()));
        for cut in 0..=text.len() {
            assert_eq!(all(&[&text[..cut], &text[cut..]]), expected, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(all(&bytes), expected);
    }

    #[test]
    fn long_data_is_counted_and_not_kept() {
        let text = format!("data: {}\ndata: more\n\ndata: ok\n\nevent: x\n\n", "x".repeat(50));
        let mut found = Vec::new();
        Events::new(10).feed(text.as_bytes(), |event| found.push((event.data, event.data_bytes)));
        assert_eq!(found, [(b"x".repeat(10), 55), (b"ok".to_vec(), 2)]);
    }

    proptest! {
        #[test]
        fn what_was_sent_arrives(data in proptest::collection::vec("[^\r\n]{0,30}", 1..5), end in "\r\n|\n|\r", step in 1_usize..20) {
            let lines: String = data.iter().map(|line| format!("data: {line}{end}")).collect();
            let text = format!("{lines}{end}");
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(step).collect();
            prop_assert_eq!(all(&pieces), vec![(String::new(), data.join("\n"))]);
        }
    }
}
