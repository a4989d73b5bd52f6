//! What a file holds, by how it begins: a name alone proves nothing, and a model that is handed text as an image fails.

use crate::media;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text(&'static str),
    Image(&'static str),
    Audio(&'static str),
    Other(&'static str),
}

impl Kind {
    /// Of a file of that name with those first bytes.
    pub(super) fn of(name: &str, start: &[u8]) -> Self {
        let named = media::media_type(name);
        if let Some(kind) = of_start(start, named) {
            return kind;
        }
        if is_text(start) {
            return Self::Text(if is_binary(named) { "text/plain" } else { named });
        }
        Self::Other(if is_binary(named) && !is_media(named) { named } else { "application/octet-stream" })
    }

    pub(super) fn media_type(self) -> &'static str {
        let (Self::Text(media_type)
        | Self::Image(media_type)
        | Self::Audio(media_type)
        | Self::Other(media_type)) = self;
        media_type
    }
}

/// Whether bytes are most likely text: no NUL, and UTF-8 as far as they go.
pub(super) fn is_text(start: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The last character may go on behind the bytes.
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !start.contains(&0)
}

/// The kinds that begin with something of their own.
fn of_start(start: &[u8], named: &'static str) -> Option<Kind> {
    const STARTS: &[(&[u8], Kind)] = &[
        (b"\x89PNG\r\n\x1a\n", Kind::Image("image/png")),
        (b"\xff\xd8\xff", Kind::Image("image/jpeg")),
        (b"GIF87a", Kind::Image("image/gif")),
        (b"GIF89a", Kind::Image("image/gif")),
        (b"II*\0", Kind::Image("image/tiff")),
        (b"MM\0*", Kind::Image("image/tiff")),
        (b"fLaC", Kind::Audio("audio/flac")),
        (b"OggS", Kind::Audio("audio/ogg")),
        (b"ID3", Kind::Audio("audio/mpeg")),
        (b"%PDF-", Kind::Other("application/pdf")),
        (b"PK\x03\x04", Kind::Other("application/zip")),
    ];
    let known = STARTS.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, kind)| *kind);
    match (known, start) {
        // An office document is an archive too: its name says more.
        (Some(Kind::Other("application/zip")), _) if is_binary(named) && !is_media(named) => {
            Some(Kind::Other(named))
        }
        (Some(kind), _) => Some(kind),
        (None, [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..]) if form.starts_with(b"WEBP") => {
            Some(Kind::Image("image/webp"))
        }
        (None, [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..]) if form.starts_with(b"WAVE") => {
            Some(Kind::Audio("audio/wav"))
        }
        (None, [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..]) if brand.starts_with(b"avif") => {
            Some(Kind::Image("image/avif"))
        }
        (None, [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..]) if brand.starts_with(b"M4A") => {
            Some(Kind::Audio("audio/mp4"))
        }
        // Too short to be believed without the name.
        (None, [b'B', b'M', ..]) if named == "image/bmp" => Some(Kind::Image(named)),
        (None, [0xff, second, ..]) if named == "audio/mpeg" && second & 0xe0 == 0xe0 => {
            Some(Kind::Audio(named))
        }
        _ => None,
    }
}

fn is_media(media_type: &str) -> bool {
    ["image/", "audio/", "video/"].iter().any(|family| media_type.starts_with(family))
}

/// Whether files of that type are no text.
fn is_binary(media_type: &str) -> bool {
    (is_media(media_type) && media_type != "image/svg+xml")
        || matches!(media_type, "application/octet-stream" | "application/pdf" | "application/zip")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_begins_as() {
        let rows: [(&str, &[u8], Kind); 18] = [
            ("a.png", b"\x89PNG\r\n\x1a\nrest", Kind::Image("image/png")),
            ("a.jpg", b"\x89PNG\r\n\x1a\nrest", Kind::Image("image/png")),
            ("a.png", b"<html>", Kind::Text("text/plain")),
            ("a.png", b"\xfe\xfe\0", Kind::Other("application/octet-stream")),
            ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", Kind::Image("image/webp")),
            ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", Kind::Audio("audio/wav")),
            ("a.mp3", b"\xff\xfb\x90\0", Kind::Audio("audio/mpeg")),
            ("a.bin", b"\xff\xfb\x90\0", Kind::Other("application/octet-stream")),
            ("a.m4a", b"\0\0\0\x20ftypM4A ", Kind::Audio("audio/mp4")),
            ("a.bmp", b"BM\0\0", Kind::Image("image/bmp")),
            ("BMX.txt", b"BMX is a sport", Kind::Text("text/plain")),
            ("a.pdf", b"%PDF-1.7", Kind::Other("application/pdf")),
            ("a.svg", b"<svg/>", Kind::Text("image/svg+xml")),
            ("a.rs", b"fn main() {}", Kind::Text("text/plain")),
            ("a.rs", b"", Kind::Text("text/plain")),
            ("a.md", "# \u{e9}".as_bytes(), Kind::Text("text/markdown")),
            ("cut.txt", &"é".as_bytes()[..1], Kind::Text("text/plain")),
            ("latin.txt", b"caf\xe9 au lait", Kind::Other("application/octet-stream")),
        ];
        for (name, start, expected) in rows {
            assert_eq!(Kind::of(name, start), expected, "{name}");
        }
    }
}
