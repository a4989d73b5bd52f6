//! Files are written whole or not at all, and edits fit or change nothing.

use proptest::prelude::*;

use super::*;

#[test]
fn a_file_is_replaced_with_its_mode_and_a_new_one_has_the_usual() {
    let folder = Folder::new();
    folder.write("script", "old");
    fs::set_permissions(folder.root().join("script"), fs::Permissions::from_mode(0o750)).unwrap();
    let files = folder.files();
    assert_eq!(files.write("script", "new"), Ok(false));
    assert_eq!(files.write("fresh", "new"), Ok(true));
    let mode = |path: &str| fs::metadata(folder.root().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((folder.held("script").as_str(), mode("script")), ("new", 0o750));
    // As the process' umask has it, like any new file.
    folder.write("usual", "");
    assert_eq!(mode("fresh"), mode("usual"));
    assert_eq!(folder.leftovers(), Vec::<PathBuf>::new());
}

#[test]
fn what_cannot_be_written_says_what_to_do() {
    let folder = Folder::new();
    folder.write("a/x", "mine");
    let limits = FileLimits { write_bytes_max: crate::setting::Bytes(10), ..FileLimits::default() };
    let files = Files::open(Settings { limits, ..folder.settings() }, "/").unwrap();
    for (path, contents, expected) in [
        ("none/x", "", "create it with create_directory"),
        ("a", "", "is a folder"),
        (".", "", "is a folder"),
        ("a/x/y", "", "no folder"),
        ("a/x", "12345678901", "write_bytes_max"),
        (&"n".repeat(300), "", "too long"),
    ] {
        let said = files.write(path, contents).unwrap_err().to_string();
        assert!(said.contains(expected), "{path}: {said}");
    }
    assert_eq!(folder.held("a/x"), "mine");
}

#[test]
fn a_read_only_root_is_not_written() {
    let folder = Folder::new();
    folder.write("mine", SECRET);
    let files = Files::open(Settings::new([RootSettings::read_only(folder.root())]), "/").unwrap();
    for (place, said) in try_everything(&files, "mine").into_iter().enumerate().skip(8) {
        let text = said.unwrap_err().to_string();
        assert!(text.contains("read-only"), "{place}: {text}");
    }
    let tools = files.offer().names().tools;
    assert!(
        ["write_file", "edit_file", "create_directory", "move_file"]
            .iter()
            .all(|name| !tools.contains(&(*name).into()))
    );
    assert_eq!(folder.files().offer().names().tools.len(), tools.len() + 4);
}

#[test]
fn a_disk_without_room_is_told_as_such() {
    use std::io::Write as _;
    // The one device that always has none.
    let error = fs::OpenOptions::new().write(true).open("/dev/full").unwrap().write_all(b"x").unwrap_err();
    let said = FileError::of(&error, "write", "/srv/a");
    assert_eq!(said.kind(), FileErrorKind::Full);
    assert!(
        said.to_string().contains("no room on the disk to write \"/srv/a\"; nothing was changed: make room")
    );
}

#[test]
fn a_dry_run_changes_nothing_and_shows_what_would_change() {
    let folder = Folder::new();
    folder.write("a", "one\ntwo\n");
    let files = folder.files();
    let edits = |value: serde_json::Value| serde_json::from_value::<Vec<edit::Edit>>(value).unwrap();
    let two =
        edits(serde_json::json!([{"oldText": "one", "newText": "1"}, {"oldText": "two", "newText": "2"}]));
    let place = files.ground.locate("a").unwrap();
    let (shown, is_written) = edit::edit(&files.ground, &place, &two, true, &never).unwrap();
    assert!(!is_written);
    assert!(shown.contains("-one\n-two\n+1\n+2\n"), "{shown}");
    assert_eq!(folder.held("a"), "one\ntwo\n");
    let wrong =
        edits(serde_json::json!([{"oldText": "one", "newText": "1"}, {"oldText": "three", "newText": "3"}]));
    let said = edit::edit(&files.ground, &place, &wrong, false, &never).unwrap_err().to_string();
    assert!(said.contains("edits[1]") && said.contains("nothing was changed"), "{said}");
    assert_eq!(folder.held("a"), "one\ntwo\n");
    assert_eq!(edit::edit(&files.ground, &place, &two, false, &never).unwrap(), (shown, true));
    assert_eq!(folder.held("a"), "1\n2\n");
    let said = edit::edit(&files.ground, &place, &[], false, &never).unwrap_err().to_string();
    assert!(said.contains("edits_max"), "{said}");
}

#[test]
fn edits_at_once_lose_nothing() {
    let folder = Folder::new();
    let count = 20;
    let text: String = (0..count).map(|line| format!("line {line};\n")).collect();
    folder.write("a", &text);
    let files = folder.files();
    std::thread::scope(|threads| {
        for line in 0..count {
            let ground = &files.ground;
            threads.spawn(move || {
                edit_once(ground, "a", &format!("line {line};"), &format!("edited {line};")).unwrap()
            });
        }
    });
    assert_eq!(folder.held("a"), text.replace("line", "edited"));
}

#[test]
fn nothing_is_moved_onto_something_else() {
    let folder = Folder::new();
    folder.write("a/x", "mine");
    folder.write("b", "other");
    let files = folder.files();
    let move_file = |from: &str, to: &str| {
        let ground = &files.ground;
        arrange::move_file(ground, &ground.locate(from)?, &ground.locate(to)?)
            .map_err(|error| error.to_string())
            .map_err(|text| FileError::new(FileErrorKind::Failed, text))
    };
    for (from, to, expected) in [
        ("b", "a/x", "stands at"),
        ("a", "a/below", "into itself"),
        ("none", "c", "nothing stands at"),
        ("b", "none/b", "create_directory"),
        (".", "c", "is a root"),
        ("b", ".", "is a root"),
    ] {
        let said = move_file(from, to).unwrap_err().to_string();
        assert!(said.contains(expected), "{from} {to}: {said}");
    }
    assert_eq!(move_file("a", "c"), Ok(()));
    assert_eq!(move_file("b", "c/b"), Ok(()));
    assert_eq!((folder.held("c/x").as_str(), folder.held("c/b").as_str()), ("mine", "other"));
    let create = |path: &str| arrange::create_directory(&files.ground, &files.ground.locate(path).unwrap());
    assert_eq!((create("d/e/f"), create("d/e/f")), (Ok(true), Ok(false)));
    assert_eq!(create("c/b").unwrap_err().kind(), FileErrorKind::Conflict);
    assert!(create(&"d/".repeat(33)).unwrap_err().to_string().contains("depth_max"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is replaced and put back leaves the file as it was, byte for byte.
    #[test]
    fn an_edit_and_its_opposite_change_nothing(before in "[a-z\n\r é]{0,60}", after in "[a-z\n é]{0,60}", new in "[A-Z\n]{1,20}", crlf: bool) {
        let text = format!("{before}[OLD]{after}");
        let text = if crlf { text.replace('\r', "").replace('\n', "\r\n") } else { text };
        let folder = Folder::new();
        folder.write("a", &text);
        let files = folder.files();
        let new = format!("<{new}>");
        edit_once(&files.ground, "a", "[OLD]", &new).unwrap();
        let edited = folder.held("a");
        prop_assert_ne!(&edited, &text);
        prop_assert_eq!(edited.contains("\r\n"), text.contains("\r\n") || (crlf && edited.contains('\n') && edited.contains("\r\n")));
        edit_once(&files.ground, "a", &new, "[OLD]").unwrap();
        prop_assert_eq!(folder.held("a"), text);
    }

    /// What is written is what is read.
    #[test]
    fn what_is_written_is_read(text in any::<String>()) {
        let folder = Folder::new();
        let files = folder.files();
        files.write("a", &text).unwrap();
        prop_assert_eq!(files.read("a").unwrap(), text.as_bytes());
        prop_assert_eq!(read_text(&files.ground, "a").unwrap(), text);
    }
}
