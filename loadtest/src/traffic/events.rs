//! Server-sent events, read from bytes as they come.
//!
//! Only the type and the data matter to a recording. Data beyond a bound is counted and not kept.

use crate::traffic::recording::Body;

/// A type of events longer than this is cut.
const TYPE_BYTES_MAX: usize = 256;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// Its type, empty for a plain message.
    pub kind: String,
    /// Its data, lines joined by line feeds.
    pub data: Body,
}

/// Collects bytes into events.
#[derive(Debug)]
pub struct Events {
    data_bytes_max: usize,
    line: Vec<u8>,
    /// How long the line really is: more than is kept, if it is long.
    line_bytes: usize,
    event: Event,
    has_data: bool,
    after_return: bool,
}

impl Events {
    /// Keeps at most so many bytes of an event's data.
    #[must_use]
    pub fn new(data_bytes_max: usize) -> Self {
        let (line, event) = (Vec::new(), Event::default());
        Self { data_bytes_max, line, line_bytes: 0, event, has_data: false, after_return: false }
    }

    /// Takes the next bytes and hands every event that they complete to `each`.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(Event)) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (text, end) = match piece.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (piece, None),
            };
            // The line feed of a pair whose carriage return has ended the line.
            let is_second = std::mem::take(&mut self.after_return) && text.is_empty() && end == Some(b'\n');
            if is_second {
                continue;
            }
            // Six more for `data: `.
            let room = (self.data_bytes_max + 6).saturating_sub(self.line.len());
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            self.line_bytes += text.len();
            if end.is_some() {
                self.after_return = end == Some(b'\r');
                if let Some(event) = self.end_line() {
                    each(event);
                }
            }
        }
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        let missing = std::mem::take(&mut self.line_bytes) - line.len();
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            // An event without data is none (HTML, "Interpreting an event stream").
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => self.add_data(value, missing),
            b"event" => {
                let kept = &value[..value.len().min(TYPE_BYTES_MAX)];
                self.event.kind = String::from_utf8_lossy(kept).into_owned();
            }
            _ => {}
        }
        None
    }

    fn add_data(&mut self, value: &[u8], missing: usize) {
        let body = &mut self.event.data;
        let joint: &[u8] = if std::mem::replace(&mut self.has_data, true) { b"\n" } else { b"" };
        for part in [joint, value] {
            let room = self.data_bytes_max.saturating_sub(body.data.len());
            // Nothing may follow what was cut: it would look as if it belonged there.
            let room = if body.is_cut() { 0 } else { room };
            body.data.extend_from_slice(&part[..part.len().min(room)]);
            body.bytes += part.len() as u64;
        }
        body.bytes += missing as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str], data_bytes_max: usize) -> Vec<(String, String, u64)> {
        let mut events = Events::new(data_bytes_max);
        let mut found = Vec::new();
        for piece in pieces {
            events.feed(piece.as_bytes(), |event| {
                let text = String::from_utf8(event.data.data).unwrap();
                found.push((event.kind, text, event.data.bytes));
            });
        }
        found
    }

    #[test]
    fn events_are_read_however_lines_end() {
        let expected = [(String::new(), "a".to_owned(), 1), ("note".to_owned(), "b\nc".to_owned(), 3)];
        for end in ["\n", "\r", "\r\n"] {
            let text =
                ": comment|data: a|id: 1||event: note|data:b|data: c||data: unfinished|".replace('|', end);
            assert_eq!(read(&[&text], 100), expected);
            let bytes: Vec<String> = text.chars().map(String::from).collect();
            let pieces: Vec<&str> = bytes.iter().map(String::as_str).collect();
            assert_eq!(read(&pieces, 100), expected, "byte by byte");
        }
    }

    #[test]
    fn an_event_without_data_is_none() {
        assert_eq!(read(&["event: x\n\nid: 7\n\ndata\n\n"], 100), [(String::new(), String::new(), 0)]);
    }

    #[test]
    fn long_data_is_counted_and_not_kept() {
        let text = format!("data: {}\ndata: more\n\ndata: ok\n\n", "x".repeat(50));
        assert_eq!(
            read(&[&text], 10),
            [(String::new(), "x".repeat(10), 55), (String::new(), "ok".into(), 2)]
        );
    }
}
