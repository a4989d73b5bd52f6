//! What is known of a file or folder without reading it.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::fs::{Metadata, MetadataExt};
use schemars::JsonSchema;
use serde::Serialize;

use super::ground::Ground;
use super::open::open_file;
use super::problem::FileError;
use super::read::kind_of;
use super::roots::Place;
use super::uri;
use super::walk::EntryKind;

/// What is known of a file or folder.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Info {
    path: String,
    uri: String,
    #[serde(rename = "type")]
    kind: EntryKind,
    is_file: bool,
    is_directory: bool,
    /// Whether the path is a symbolic link; everything else is said of what it leads to.
    is_link: bool,
    /// Bytes.
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accessed: Option<String>,
    /// The mode in octal, such as 644.
    permissions: String,
    /// What a file holds, by its first bytes and its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'static str>,
    /// Whether the tools may change it: its root is read-write.
    writable: bool,
}

/// # Errors
/// When nothing stands there, or it leads out of its root.
pub(super) fn info(ground: &Ground, place: &Place<'_>) -> Result<Info, FileError> {
    let wrong = |error: std::io::Error| FileError::of(&error, "look at", &place.shown());
    let dir = &place.root.dir;
    let is_link =
        !place.relative.is_empty() && dir.symlink_metadata(place.path()).map_err(wrong)?.is_symlink();
    let metadata = dir.metadata(place.path()).map_err(wrong)?;
    let time =
        |time: std::io::Result<cap_std::time::SystemTime>| time.ok().map(|time| rfc_3339(time.into_std()));
    let start =
        || open_file(place, ground.hard_links).and_then(|(mut file, _)| kind_of(&mut file, place)).ok();
    Ok(Info {
        path: place.shown(),
        uri: uri::of_path(&place.shown()),
        kind: kind_of_entry(&metadata),
        is_file: metadata.is_file(),
        is_directory: metadata.is_dir(),
        is_link,
        size: metadata.len(),
        created: time(metadata.created()),
        modified: time(metadata.modified()),
        accessed: time(metadata.accessed()),
        permissions: format!("{:03o}", metadata.mode() & 0o777),
        media_type: metadata.is_file().then(start).flatten().map(super::kind::Kind::media_type),
        writable: place.root.is_writable(),
    })
}

fn kind_of_entry(metadata: &Metadata) -> EntryKind {
    match () {
        () if metadata.is_dir() => EntryKind::Directory,
        () if metadata.is_file() => EntryKind::File,
        () => EntryKind::Other,
    }
}

impl Info {
    /// A line for each thing that is known.
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("size: {}\n", self.size);
        let times = [("created", &self.created), ("modified", &self.modified), ("accessed", &self.accessed)];
        for (name, time) in times {
            if let Some(time) = time {
                let _ = writeln!(text, "{name}: {time}");
            }
        }
        let _ = writeln!(
            text,
            "isDirectory: {}\nisFile: {}\nisLink: {}",
            self.is_directory, self.is_file, self.is_link
        );
        let _ = write!(text, "permissions: {}\nwritable: {}", self.permissions, self.writable);
        if let Some(media_type) = self.media_type {
            let _ = write!(text, "\nmediaType: {media_type}");
        }
        text
    }
}

/// A time as in RFC 3339, in UTC.
fn rfc_3339(time: SystemTime) -> String {
    let (seconds, millis) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_millis()),
        Err(before) => (-i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX), 0),
    };
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date_of(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The date so many days after 1970-01-01, reckoned in years that begin with March, so that the leap day comes last.
fn date_of(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    const DAYS_FROM_0000_03_01: i64 = 719_468;
    let days = days + DAYS_FROM_0000_03_01;
    let (era, day) = (days.div_euclid(DAYS_IN_400_YEARS), days.rem_euclid(DAYS_IN_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_as_people_and_programs_read_them() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc_3339(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
        assert_eq!(rfc_3339(UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31T23:59:59.000Z");
    }
}
