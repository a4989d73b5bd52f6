//! However the bytes are cut into chunks, the lines are the same, and they are the ones that a plain split
//! of the whole text finds.
#![no_main]

use impresario_codec::{Line, LineDecoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<u8>, &[u8])| {
    let (line_bytes_max, cuts, bytes) = input;
    let line_bytes_max = usize::from(line_bytes_max);
    let expected = split_plainly(bytes, line_bytes_max);
    assert_eq!(decoded([bytes], line_bytes_max), expected);
    assert_eq!(decoded(bytes.chunks(1), line_bytes_max), expected);
    assert_eq!(decoded(cut(bytes, &cuts), line_bytes_max), expected);
});

/// The line, or `None` for one that is too long.
type Lines = Vec<Option<Vec<u8>>>;

fn decoded<'c>(chunks: impl IntoIterator<Item = &'c [u8]>, line_bytes_max: usize) -> Lines {
    let mut decoder = LineDecoder::new(line_bytes_max);
    let mut lines = Vec::new();
    for mut unread in chunks {
        while let Some(line) = decoder.next_line(&mut unread) {
            lines.push(match line {
                Line::Text(text) => Some(text.to_vec()),
                Line::TooLong => None,
            });
        }
        assert!(unread.is_empty());
    }
    lines
}

fn cut<'b>(mut bytes: &'b [u8], cuts: &[u8]) -> Vec<&'b [u8]> {
    let mut chunks = Vec::new();
    for length in cuts {
        let (chunk, rest) = bytes.split_at(usize::from(*length).min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks.push(bytes);
    chunks
}

fn split_plainly(bytes: &[u8], line_bytes_max: usize) -> Lines {
    let mut pieces: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let unended = pieces.pop().unwrap_or_default();
    let line = |piece: &[u8]| {
        let text = piece.strip_suffix(b"\r").unwrap_or(piece);
        if text.len() > line_bytes_max {
            Some(None)
        } else {
            (!text.trim_ascii().is_empty()).then(|| Some(text.to_vec()))
        }
    };
    let mut lines: Lines = pieces.into_iter().filter_map(line).collect();
    // A last line without an end is never returned, but it is refused as soon as it is too long.
    if unended.strip_suffix(b"\r").unwrap_or(unended).len() > line_bytes_max {
        lines.push(None);
    }
    lines
}
