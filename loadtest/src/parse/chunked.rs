//! Takes the chunks off a body: bytes in, bytes out, wherever they were cut.

/// The largest chunk that is taken, so that a size can't be read as a huge allocation.
pub const CHUNK_BYTES_MAX: u64 = 1 << 30;
/// The longest line of a chunk's size with its extensions, and the longest trailer.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// Where in the body the decoder is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    /// In the digits of a size; so many were read.
    #[default]
    Size,
    /// Behind the digits, up to the line's end.
    Extension,
    /// In a chunk.
    Data,
    /// Behind a chunk: its line's end.
    DataEnd,
    /// Behind the last chunk: lines, up to an empty one.
    Trailer,
    /// Behind it all.
    Done,
}

/// A decoder of the chunked transfer coding.
#[derive(Debug, Clone, Default)]
pub struct Chunked {
    place: Place,
    /// What is left of the chunk, or its size while that is read.
    left: u64,
    /// How long the line is so far.
    line: usize,
}

/// The bytes are not chunked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not properly chunked")]
pub struct BadChunk;

impl Chunked {
    /// Takes bytes, adds the body's own to `body`, and says how many were taken: all of them until it is done.
    ///
    /// # Errors
    /// When they are not chunked.
    pub fn take(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<usize, BadChunk> {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            if self.place == Place::Data {
                let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
                body.extend_from_slice(&bytes[at..at + length]);
                at += length;
                self.left -= length as u64;
                if self.left == 0 {
                    self.enter(Place::DataEnd);
                }
            } else {
                self.step(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    /// Whether the body's end was seen.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    fn enter(&mut self, place: Place) {
        self.place = place;
        self.line = 0;
    }

    /// One byte of what stands around the chunks.
    fn step(&mut self, byte: u8) -> Result<(), BadChunk> {
        if byte != b'\n' {
            self.line += 1;
        }
        if self.line > LINE_BYTES_MAX {
            return Err(BadChunk);
        }
        match (self.place, byte) {
            (Place::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = (byte as char).to_digit(16).map_or(0, u64::from);
                self.left = self.left * 16 + digit;
                if self.left > CHUNK_BYTES_MAX {
                    return Err(BadChunk);
                }
            }
            (Place::Size, b';' | b' ' | b'\t' | b'\r') if self.line > 1 => self.place = Place::Extension,
            (Place::Size, b'\n') if self.line > 0 => self.size_read(),
            (Place::Extension, b'\n') => self.size_read(),
            (Place::Extension, _) => {}
            (Place::DataEnd, b'\r') if self.line == 1 => {}
            (Place::DataEnd, b'\n') => self.enter(Place::Size),
            (Place::Trailer, b'\n') if self.line <= 1 && self.left == 0 => self.enter(Place::Done),
            (Place::Trailer, b'\n') => {
                self.left = 0;
                self.line = 0;
            }
            // Whether the line has anything but its end is kept where a chunk's size stood.
            (Place::Trailer, b'\r') if self.line == 1 => {}
            (Place::Trailer, _) => self.left = 1,
            _ => return Err(BadChunk),
        }
        Ok(())
    }

    fn size_read(&mut self) {
        self.enter(if self.left == 0 { Place::Trailer } else { Place::Data });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, usize, bool), BadChunk> {
        let (mut decoder, mut body, mut taken) = (Chunked::default(), Vec::new(), 0);
        for piece in pieces {
            taken += decoder.take(piece, &mut body)?;
        }
        Ok((body, taken, decoder.is_done()))
    }

    #[test]
    fn chunks_are_taken_off_wherever_they_are_cut() {
        let text = b"4\r\nWiki\r\n5;a=\"b\"\r\npedia\r\n1F\n0123456789abcdef0123456789abcde\n0\r\nTrailer: x\r\n\r\nNEXT";
        let whole = text.len() - 4;
        for cut in 0..=text.len() {
            let (body, taken, is_done) = decode(&[&text[..cut], &text[cut..]]).unwrap();
            assert_eq!(body, b"Wikipedia0123456789abcdef0123456789abcde");
            assert_eq!((taken, is_done), (whole, true), "{cut}");
            let (_, _, is_done) = decode(&[&text[..cut.min(whole - 1)]]).unwrap();
            assert!(!is_done, "{cut}");
        }
    }

    #[test]
    fn what_is_not_chunked_is_refused() {
        for text in ["\r\n", "x\r\n", "-1\r\n", "3\r\nabcd\r\n", "ffffffffff\r\n", ";a\r\n", "3\r\nabc\rx"] {
            assert_eq!(decode(&[text.as_bytes()]), Err(BadChunk), "{text:?}");
        }
        assert_eq!(decode(&[b"1;", &[b'x'; LINE_BYTES_MAX]]), Err(BadChunk));
    }

    proptest! {
        #[test]
        fn what_was_chunked_comes_back(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..8), step in 1_usize..40) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n\r\n");
            let pieces: Vec<&[u8]> = text.chunks(step).collect();
            prop_assert_eq!(decode(&pieces).unwrap(), (chunks.concat(), text.len(), true));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&[&bytes]);
        }
    }
}
