//! Roots and paths, listings, trees, searches, and what is known of a file.

use super::*;
use crate::setting::{Bytes, Span};

fn open(roots: Vec<RootSettings>) -> Result<Files, PartError> {
    Files::open(Settings::new(roots), "/")
}

#[test]
fn paths_are_absolute_or_relative_to_the_roots() {
    let folder = Folder::new();
    folder.write("a/x", "mine");
    let one = folder.files();
    let x = folder.path("a/x");
    for path in ["a/x", "./a//x", "a/x/", &x, &format!("/{x}")] {
        assert_eq!(one.locate(path).unwrap(), x, "{path}");
    }
    assert_eq!(one.locate(".").unwrap(), folder.root().to_str().unwrap());

    let roots = vec![
        RootSettings::read_only(folder.root()),
        RootSettings::read_only(folder.outside()).named("other"),
    ];
    let two = open(roots).unwrap();
    assert_eq!(two.locate("root/a/x").unwrap(), x);
    assert_eq!(two.locate(&x).unwrap(), x);
    assert_eq!(two.read("other/f").unwrap(), SECRET.as_bytes());
    for path in ["a/x", ".", "f"] {
        let said = two.locate(path).unwrap_err().to_string();
        assert!(said.contains("begins with a root's name (root/…, other/…)"), "{said}");
    }
}

#[test]
fn a_root_may_be_written_as_it_is_or_as_a_link_to_it() {
    let folder = Folder::new();
    folder.write("x", "mine");
    let link = folder.0.path().join("link");
    symlink(folder.root(), &link).unwrap();
    let files = open(vec![RootSettings::read_only(&link)]).unwrap();
    let expected = format!("{}/x", link.display());
    assert_eq!(files.locate(&folder.path("x")).unwrap(), expected);
    assert_eq!(files.read(&expected).unwrap(), b"mine");
}

#[test]
fn a_root_inside_another_has_its_own_access() {
    let folder = Folder::new();
    folder.write("out/x", "mine");
    let inner = || folder.root().join("out");
    let files =
        open(vec![RootSettings::read_only(folder.root()), RootSettings::read_write(inner()).named("drafts")])
            .unwrap();
    assert_eq!(files.write(&folder.path("out/x"), "new"), Ok(false));
    assert_eq!(files.write("root/out/x", "newer"), Ok(false));
    assert_eq!(files.write("root/x", "").unwrap_err().kind(), FileErrorKind::Forbidden);

    let wrong = |roots| open(roots).unwrap_err().to_string();
    let inside = wrong(vec![RootSettings::read_write(folder.root()), RootSettings::read_only(inner())]);
    assert!(
        inside.starts_with("roots[1].access: a read-only root can't stand inside a read-write one"),
        "{inside}"
    );
    let same = wrong(vec![
        RootSettings::read_only(folder.root()),
        RootSettings::read_only(folder.root()).named("b"),
    ]);
    assert!(same.starts_with("roots[1].path: is the folder of roots[0]"), "{same}");
    let name = wrong(vec![
        RootSettings::read_only(folder.root()),
        RootSettings::read_only(folder.outside()).named("root"),
    ]);
    assert!(name.starts_with("roots[1].name"), "{name}");
    assert!(wrong(vec![]).starts_with("roots: there must be at least one"));
    assert!(
        wrong(vec![RootSettings::read_only(folder.path("none"))]).starts_with("roots[0].path: can't open")
    );
    assert!(
        wrong(vec![RootSettings::read_only(folder.path("out/x"))]).starts_with("roots[0].path: can't open")
    );
}

#[test]
fn settings_are_read_as_the_page_says() {
    let settings: Settings = serde_json::from_value(serde_json::json!({
        "roots": [{"path": "docs"}, {"path": "drafts", "access": "read-write", "name": "d"}],
        "hard_links": "allow",
        "limits": {"read_bytes_max": "64KiB", "search_time": "2s"},
        "watch": {"enabled": false},
    }))
    .unwrap();
    let roots = [RootSettings::read_only("docs"), RootSettings::read_write("drafts").named("d")];
    let limits = FileLimits {
        read_bytes_max: Bytes(65_536),
        search_time: Span(std::time::Duration::from_secs(2)),
        ..FileLimits::default()
    };
    let watch = WatchSettings { enabled: false, ..WatchSettings::default() };
    assert_eq!(settings, Settings { hard_links: HardLinks::Allow, limits, watch, ..Settings::new(roots) });
    for wrong in [
        serde_json::json!({}),
        serde_json::json!({"roots": [], "root": "."}),
        serde_json::json!({"roots": [{"path": ".", "access": "write"}]}),
        serde_json::json!({"roots": [], "limits": {"read_bytes": 1}}),
    ] {
        assert!(serde_json::from_value::<Settings>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn files_are_read_as_what_they_are() {
    let folder = Folder::new();
    folder.write("a.png", b"\x89PNG\r\n\x1a\n\0");
    folder.write("latin.txt", b"caf\xe9");
    folder.write("late.txt", [vec![b'x'; 9_000], vec![0xe9]].concat());
    folder.write("drawing.svg", "<svg/>");
    folder.write("large", vec![b'x'; 1_048_577]);
    folder.write("empty", "");
    let files = folder.files();
    let ground = &files.ground;
    let read = |path: &str, lines| read::read(ground, &ground.locate(path).unwrap(), lines, &never);
    let kind = |path: &str| match read(path, Lines::All).unwrap() {
        Held::Text { media_type, .. } => format!("text {media_type}"),
        Held::Bytes { kind, .. } => format!("{kind:?}"),
    };
    assert_eq!(kind("a.png"), r#"Image("image/png")"#);
    assert_eq!(kind("latin.txt"), r#"Other("application/octet-stream")"#);
    assert_eq!(kind("late.txt"), r#"Other("application/octet-stream")"#);
    assert_eq!(kind("drawing.svg"), "text image/svg+xml");
    assert_eq!(kind("empty"), "text text/plain");
    let large = read("large", Lines::All).unwrap_err().to_string();
    assert!(large.contains("larger than 1048576 bytes (read_bytes_max): ask for fewer lines"), "{large}");
    let no_lines = read("a.png", Lines::Last(1)).unwrap_err().to_string();
    assert!(no_lines.contains("image/png, which has no lines"), "{no_lines}");
    assert!(read_text(ground, "latin.txt").unwrap_err().to_string().contains("read_media_file"));
    let media = read::read_media(ground, &ground.locate("drawing.svg").unwrap(), &never).unwrap();
    assert!(format!("{media:?}").contains("Image"), "{media:?}");

    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let several = read::read_several(ground, &paths(&["empty", "none", "a.png"]), &never).unwrap();
    let texts: Vec<_> = several.iter().map(|content| content.as_text().unwrap_or("(image)")).collect();
    assert_eq!((texts[0], texts[2], texts[3]), ("empty:\n\n", "a.png:", "(image)"));
    assert!(texts[1].starts_with("none: Error - nothing stands at"), "{texts:?}");
    assert!(
        read::read_several(ground, &vec!["a".into(); 51], &never)
            .unwrap_err()
            .to_string()
            .contains("files_max")
    );
}

#[test]
fn listings_and_trees_are_in_order_and_bounded() {
    let folder = Folder::new();
    for path in ["b/c/deep", "b/x", "a.txt", "node_modules/m/i.js", "b/y.log"] {
        folder.write(path, "12");
    }
    folder.write("large", "123456");
    folder.write("new\nline", "");
    symlink("a.txt", folder.root().join("link")).unwrap();
    let files = folder.files();
    let ground = &files.ground;
    let root = || ground.locate(".").unwrap();
    let listing = list::list(ground, &root(), None).unwrap().to_text();
    let expected = "[FILE] a.txt\n[DIR] b\n[FILE] large\n[LINK] link\n[DIR] node_modules\n… 1 names are left out: no path can be written with them\n";
    assert_eq!(listing, expected);
    let sizes = list::list(ground, &root(), Some(list::SortBy::Size)).unwrap().to_text_with_sizes();
    assert!(sizes.starts_with("[FILE] large "), "{sizes}");
    assert!(sizes.ends_with("Total: 2 files, 2 directories\nCombined size: 8 B"), "{sizes}");

    let exclude = ["node_modules".to_owned(), "*.log".to_owned()];
    let tree = serde_json::to_value(list::tree(ground, &root(), &exclude, &never).unwrap()).unwrap();
    let expected = serde_json::json!([
        {"name": "a.txt", "type": "file"},
        {"name": "b", "type": "directory", "children": [
            {"name": "c", "type": "directory", "children": [{"name": "deep", "type": "file"}]},
            {"name": "x", "type": "file"},
        ]},
        {"name": "large", "type": "file"},
        {"name": "link", "type": "link"},
    ]);
    assert_eq!((&tree["tree"], tree.get("truncated")), (&expected, None));
    let outline = list::outline(ground, &root(), &never).unwrap();
    let expected =
        "  a.txt\n  b/\n    c/\n      deep\n    x\n    y.log\n  large\n  link (link)\n  node_modules/ …\n";
    assert_eq!(outline, format!("{}/\n{expected}", folder.root().display()));

    let limits = FileLimits { entries_max: 3, depth_max: 1, ..FileLimits::default() };
    let few = Files::open(Settings { limits, ..folder.settings() }, "/").unwrap();
    let root = few.ground.locate(".").unwrap();
    assert!(
        list::list(&few.ground, &root, None).unwrap().to_text().contains("more than 3 entries (entries_max)")
    );
    let tree = serde_json::to_value(list::tree(&few.ground, &root, &exclude, &never).unwrap()).unwrap();
    assert_eq!(tree["truncated"], "entries");
    let b = few.ground.locate("b").unwrap();
    let tree = serde_json::to_value(list::tree(&few.ground, &b, &exclude, &never).unwrap()).unwrap();
    assert_eq!(tree["truncated"], "depth");
    assert!(list::tree(ground, &ground.locate("a.txt").unwrap(), &[], &never).is_err());
    let said = list::tree(ground, &ground.locate(".").unwrap(), &[], &|| true).unwrap_err();
    assert_eq!(said.kind(), FileErrorKind::Cancelled);
}

#[test]
fn searches_find_paths_and_lines() {
    let folder = Folder::new();
    folder.write("docs/a.md", "# Title\nthe lazy dog\n");
    folder.write("docs/deep/b.md", "no dogs\r\nDOG");
    folder.write("docs/image.md", b"dog\0dog");
    folder.write("target/c.md", "dog");
    folder.write("long.txt", format!("{}dog{}", "é".repeat(300), "x".repeat(600)));
    let files = folder.files();
    let ground = &files.ground;
    let search = |ground: &Ground, pattern: Option<&str>, content: Option<&str>| {
        let query = search::Query { pattern, exclude: &["target".to_owned()], content };
        search::search(ground, &ground.locate(".").unwrap(), &query, &never, &|_| {})
            .map(|found| found.to_text())
    };
    let path = |below: &str| folder.path(below);
    assert_eq!(search(ground, Some("*.md"), None).unwrap(), "No matches found");
    let found = search(ground, Some("**/*.md"), None).unwrap();
    assert_eq!(found, [path("docs/a.md"), path("docs/deep/b.md"), path("docs/image.md")].join("\n"));
    let found = search(ground, Some("**/*.md"), Some("(?i)dog$")).unwrap();
    let expected = format!(
        "{}:2: the lazy dog\n{}:2: DOG\n… 1 files were not searched: too large, or no text",
        path("docs/a.md"),
        path("docs/deep/b.md")
    );
    assert_eq!(found, expected);
    let found = search(ground, Some("long.txt"), Some("dog")).unwrap();
    assert!(
        found.contains("dog") && found.contains("1: …") && found.ends_with('…') && found.len() < 600,
        "{found}"
    );
    assert!(search(ground, None, None).unwrap_err().to_string().contains("pass pattern"));

    let settings = |limits: FileLimits| Files::open(Settings { limits, ..folder.settings() }, "/").unwrap();
    let one = settings(FileLimits { matches_max: 1, ..FileLimits::default() });
    assert!(search(&one.ground, Some("**"), None).unwrap().contains("there may be more"));
    let brief =
        settings(FileLimits { search_time: Span(std::time::Duration::ZERO), ..FileLimits::default() });
    assert!(search(&brief.ground, Some("**"), None).unwrap().contains("stopped after search_time"));
    let stopped = search::Query { pattern: Some("**"), exclude: &[], content: None };
    let said = search::search(ground, &ground.locate(".").unwrap(), &stopped, &|| true, &|_| {}).unwrap_err();
    assert_eq!(said.kind(), FileErrorKind::Cancelled);
}

#[test]
fn what_is_known_of_a_file_is_told() {
    let folder = Folder::new();
    folder.write("a b.md", "# A");
    fs::set_permissions(folder.root().join("a b.md"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("a b.md", folder.root().join("link")).unwrap();
    let files = folder.files();
    let info = |path: &str| {
        serde_json::to_value(info::info(&files.ground, &files.ground.locate(path).unwrap()).unwrap()).unwrap()
    };
    let told = info("a b.md");
    assert_eq!(told["uri"], format!("file://{}", folder.path("a%20b.md")));
    assert_eq!(
        (&told["size"], &told["permissions"], &told["mediaType"]),
        (&3.into(), &"640".into(), &"text/markdown".into())
    );
    assert_eq!((&info("link")["isLink"], &info("link")["size"]), (&true.into(), &3.into()));
    assert_eq!(
        (&info(".")["type"], &info(".")["mediaType"]),
        (&"directory".into(), &serde_json::Value::Null)
    );
}
