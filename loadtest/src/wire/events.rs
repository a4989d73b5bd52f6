//! Splits server-sent events out of bytes, wherever those were cut.

/// The largest event that is kept.
pub const EVENT_BYTES_MAX: usize = 1 << 30;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its type; empty means `message`.
    pub kind: String,
    /// Its data, the lines joined by line feeds.
    pub data: Vec<u8>,
}

/// Collects lines into events. Feed it the body's bytes as they come.
#[derive(Debug, Default)]
pub struct Events {
    /// The line so far.
    line: Vec<u8>,
    /// The event so far.
    event: Event,
    /// Whether the event has a line of data: an empty one counts too.
    has_data: bool,
    /// Whether the last byte was a carriage return, whose line feed is still to come.
    after_return: bool,
}

impl Events {
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
        let room = EVENT_BYTES_MAX.saturating_sub(self.line.len() + self.event.data.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line_read(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (name, value) = match memchr::memchr(b':', &line) {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (&line[..], &b""[..]),
        };
        match name {
            b"data" => {
                if self.has_data {
                    self.event.data.push(b'\n');
                }
                self.has_data = true;
                self.event.data.extend_from_slice(value);
            }
            b"event" => self.event.kind = String::from_utf8_lossy(value).into_owned(),
            // A comment, an id, a pause before reconnecting: nothing that we act on.
            _ => {}
        }
        None
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
