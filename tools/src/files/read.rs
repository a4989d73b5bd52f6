//! Reads files: text by lines, images and sounds as such, everything else as bytes.

use std::io::{self, Read, Seek, SeekFrom};

use cap_std::fs::File;
use impresario_engine::{Content, ResourceContents};

use super::ground::Ground;
use super::kind::Kind;
use super::lines::Lines;
use super::open::{Limit, Stop, open_file, read_all};
use super::problem::{FileError, FileErrorKind};
use super::roots::Place;
use super::uri;

/// What a file held.
#[derive(Debug, PartialEq)]
pub(super) enum Held {
    Text { text: String, media_type: &'static str },
    Bytes { bytes: Vec<u8>, kind: Kind },
}

/// Bytes that show what a file holds.
const START_BYTES: u64 = 8 * 1024;

/// Reads a file as what it is.
///
/// # Errors
/// When it can't be read, is too large, or has no lines but some were asked for.
pub(super) fn read(
    ground: &Ground,
    place: &Place<'_>,
    lines: Lines,
    stop: Stop<'_>,
) -> Result<Held, FileError> {
    let (mut file, _) = open_file(place, ground.hard_links)?;
    let kind = kind_of(&mut file, place)?;
    if let Kind::Text(media_type) = kind {
        return match String::from_utf8(text_bytes(ground, &mut file, place, lines, stop)?) {
            Ok(text) => Ok(Held::Text { text, media_type }),
            Err(error) if lines == Lines::All => {
                Ok(Held::Bytes { bytes: error.into_bytes(), kind: Kind::Other("application/octet-stream") })
            }
            Err(_) => Err(no_text(place)),
        };
    }
    if lines != Lines::All {
        let text = format!(
            "{:?} is {}, which has no lines: leave head, tail, offset and limit out",
            place.shown(),
            kind.media_type()
        );
        return Err(FileError::new(FileErrorKind::WrongKind, text));
    }
    let bytes = read_all(file, &place.shown(), &media_limit(ground), stop)?;
    Ok(Held::Bytes { bytes, kind })
}

/// Reads a file as text, whatever its name says.
///
/// # Errors
/// When it can't be read, is too large, or is no UTF-8.
pub(super) fn read_text(
    ground: &Ground,
    place: &Place<'_>,
    lines: Lines,
    stop: Stop<'_>,
) -> Result<String, FileError> {
    let (mut file, _) = open_file(place, ground.hard_links)?;
    let bytes = text_bytes(ground, &mut file, place, lines, stop)?;
    String::from_utf8(bytes).map_err(|_| no_text(place))
}

/// Reads a file as bytes, with what they most likely are.
///
/// # Errors
/// When it can't be read or is too large.
pub(super) fn read_media(ground: &Ground, place: &Place<'_>, stop: Stop<'_>) -> Result<Held, FileError> {
    let (mut file, _) = open_file(place, ground.hard_links)?;
    let kind = match kind_of(&mut file, place)? {
        Kind::Text("image/svg+xml") => Kind::Image("image/svg+xml"),
        kind => kind,
    };
    let bytes = read_all(file, &place.shown(), &media_limit(ground), stop)?;
    Ok(Held::Bytes { bytes, kind })
}

/// Reads several files, each with its path before it. One that can't be read does not keep the others.
///
/// # Errors
/// When too many are asked for, or the call was taken back.
pub(super) fn read_several(
    ground: &Ground,
    paths: &[String],
    stop: Stop<'_>,
) -> Result<Vec<Content>, FileError> {
    let files_max = ground.limits.files_max;
    if paths.len() > files_max {
        let text = format!("{} paths are more than {files_max} (files_max): ask for fewer", paths.len());
        return Err(FileError::invalid(text));
    }
    let mut left = ground.limits.read_bytes_max.0.max(ground.limits.media_bytes_max.0);
    let mut contents = Vec::new();
    for path in paths {
        if stop() {
            return Err(FileError::cancelled());
        }
        match ground.locate(path).and_then(|place| Ok((read(ground, &place, Lines::All, stop)?, place))) {
            Ok((held, place)) => {
                let Some(rest) = left.checked_sub(held.len()) else {
                    contents.push(Content::text(format!(
                        "{path}: Error - the files before it filled the answer: ask for it alone"
                    )));
                    continue;
                };
                left = rest;
                match held {
                    Held::Text { text, .. } => contents.push(Content::text(format!("{path}:\n{text}\n"))),
                    bytes @ Held::Bytes { .. } => {
                        contents.extend([Content::text(format!("{path}:")), bytes.into_content(&place)]);
                    }
                }
            }
            Err(error) if error.kind() == FileErrorKind::Cancelled => return Err(error),
            Err(error) => contents.push(Content::text(format!("{path}: Error - {error}"))),
        }
    }
    Ok(contents)
}

impl Held {
    fn len(&self) -> u64 {
        match self {
            Self::Text { text, .. } => text.len() as u64,
            Self::Bytes { bytes, .. } => bytes.len() as u64,
        }
    }

    /// As a tool's answer.
    pub(super) fn into_content(self, place: &Place<'_>) -> Content {
        match self {
            Self::Text { text, .. } => Content::text(text),
            Self::Bytes { bytes, kind: Kind::Image(media_type) } => Content::image(bytes, media_type),
            Self::Bytes { bytes, kind: Kind::Audio(media_type) } => Content::audio(bytes, media_type),
            held @ Self::Bytes { .. } => Content::resource(held.into_resource(&uri::of_path(&place.shown()))),
        }
    }

    /// As a resource's contents.
    pub(super) fn into_resource(self, uri: &str) -> ResourceContents {
        match self {
            Self::Text { text, media_type } => ResourceContents::text(uri, text).with_mime_type(media_type),
            Self::Bytes { bytes, kind } => {
                ResourceContents::blob(uri, bytes).with_mime_type(kind.media_type())
            }
        }
    }
}

fn text_bytes(
    ground: &Ground,
    file: &mut File,
    place: &Place<'_>,
    lines: Lines,
    stop: Stop<'_>,
) -> Result<Vec<u8>, FileError> {
    let limit = Limit {
        bytes: ground.limits.read_bytes_max.0,
        setting: "read_bytes_max",
        instead: "ask for fewer lines, with head, tail, or offset and limit",
    };
    lines.read(file, &place.shown(), &limit, stop)
}

fn media_limit(ground: &Ground) -> Limit {
    Limit {
        bytes: ground.limits.media_bytes_max.0,
        setting: "media_bytes_max",
        instead: "use a smaller file",
    }
}

/// What the file holds, by its first bytes. The next reading begins at its start again.
pub(super) fn kind_of(file: &mut File, place: &Place<'_>) -> Result<Kind, FileError> {
    let wrong = |error: io::Error| FileError::of(&error, "read", &place.shown());
    let mut start = Vec::new();
    (&mut *file).take(START_BYTES).read_to_end(&mut start).map_err(wrong)?;
    file.seek(SeekFrom::Start(0)).map_err(wrong)?;
    Ok(Kind::of(place.name(), &start))
}

fn no_text(place: &Place<'_>) -> FileError {
    let text = format!("{:?} is no UTF-8 text: read it with read_media_file", place.shown());
    FileError::new(FileErrorKind::WrongKind, text)
}
