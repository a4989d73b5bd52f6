//! A disk without room: the call fails, the file is as it was, and nothing half written is left behind.
//!
//! No test can fill a disk without being root. A process may lower its own limit on the size of files, though, and then a
//! write fails in the middle, just as on a full disk. So the test runs itself again under such a limit.

#![cfg(feature = "files")]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::fs;
use std::process::Command;

use impresario_tools::files::{FileErrorKind, Files, RootSettings, Settings};

/// Tells the second run where to write.
const FOLDER: &str = "IMPRESARIO_TEST_FULL_DISK";

#[test]
fn a_file_that_has_no_room_is_not_written_at_all() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return write_without_room(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("kept"), "old").unwrap();
    // Files of 16 blocks of 512 bytes at most; beyond that writing fails, and no signal ends the process.
    let script = r#"trap '' XFSZ; ulimit -f 16; exec "$0" --exact a_file_that_has_no_room_is_not_written_at_all --nocapture"#;
    let ran = Command::new("sh")
        .args(["-c", script, std::env::current_exe().unwrap().to_str().unwrap()])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["kept"]);
    assert_eq!(fs::read_to_string(folder.path().join("kept")).unwrap(), "small enough");
}

fn write_without_room(folder: &str) {
    let files = Files::open(Settings::new([RootSettings::read_write(folder)]), "/").unwrap();
    let large = "x".repeat(100_000);
    for path in ["kept", "new"] {
        let error = files.write(path, &large).unwrap_err();
        assert_eq!(error.kind(), FileErrorKind::Full, "{error}");
        assert!(error.to_string().contains("no room on the disk"), "{error}");
    }
    assert_eq!(files.read("kept").unwrap(), b"old");
    assert_eq!(files.write("kept", "small enough"), Ok(false));
}
