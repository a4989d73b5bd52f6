//! Nothing outside of the roots is read or written, whatever path is passed and whatever stands below a root.

use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, mknodat, renameat_with};

use super::*;

/// Everything that any tool does with that path is refused, and nothing of the outside is said or changed.
fn check_refused(folder: &Folder, path: &str) {
    let before = folder.outside_state();
    let files = folder.files();
    let begun = Instant::now();
    for (place, said) in try_everything(&files, path).into_iter().enumerate() {
        let error = said.expect_err(path);
        let text = error.to_string();
        assert!(
            !text.contains(SECRET) && !text.contains("outside/") && !text.contains("passwd:"),
            "{place}: {text}"
        );
        assert!(text.len() < 600 && !text.ends_with('.'), "{place}: {text}");
    }
    // A hundred milliseconds each is the promise; a busy machine is given more.
    assert!(begun.elapsed() < Duration::from_secs(5), "{path} takes too long");
    assert_eq!(folder.outside_state(), before, "{path}");
    assert_eq!(folder.leftovers(), Vec::<PathBuf>::new());
}

/// Rows 80, 81 and 83 of the decisions.
#[test]
fn paths_that_lead_elsewhere_are_refused_by_every_tool() {
    let folder = Folder::new();
    folder.write("a/x", "mine");
    folder.write("mine", "mine");
    fs::create_dir(folder.0.path().join("root_evil")).unwrap();
    fs::write(folder.0.path().join("root_evil/x"), SECRET).unwrap();
    let root = folder.path("");
    let beside = folder.0.path().to_str().unwrap();
    let long = "x".repeat(4_097);
    let rows = [
        "../../etc/passwd",
        "../outside/f",
        "a/../../x",
        "a/../x",
        "%2e%2e/x",
        "%2E%2e%2foutside%2ff",
        "..\\..\\x",
        "..\\outside\\f",
        &format!("{beside}/root_evil/x"),
        &format!("{beside}/root_evil"),
        &format!("{beside}/outside/f"),
        &format!("{beside}/root/../outside/f"),
        &format!("{root}/../outside/f"),
        beside,
        "/",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/root/etc/passwd",
        "/dev/zero",
        "file:///etc/passwd",
        &format!("file://{root}/a/x"),
        "~/../../etc/passwd",
        "a/x\0",
        "a\0/../../x",
        "\0",
        "a/x\n",
        "a/\u{202e}x",
        "a/x\u{200b}",
        "a/\u{fffd}\u{feff}x",
        "",
        &long,
    ];
    for path in rows {
        check_refused(&folder, path);
    }
    assert_eq!(folder.files().read("a/x").unwrap(), b"mine");
}

/// Row 82, and what a link must not be followed to.
#[test]
fn links_that_lead_out_are_refused_by_every_tool() {
    let folder = Folder::new();
    folder.write("mine", "mine");
    let root = folder.root();
    let outside = folder.outside();
    symlink(outside.join("f"), root.join("out")).unwrap();
    symlink("../outside/f", root.join("relative")).unwrap();
    symlink("out", root.join("chain")).unwrap();
    symlink(&outside, root.join("folder")).unwrap();
    symlink("../outside", root.join("relative_folder")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    symlink("/proc/self/cwd", root.join("magic")).unwrap();
    symlink(outside.join("none"), root.join("dangling_out")).unwrap();
    let paths =
        ["folder/f", "folder/new", "relative_folder/f", "relative_folder/new", "magic/x", "out/x", "loop/x"];
    for path in paths {
        check_refused(&folder, path);
    }
    // The links themselves may be moved, and nothing else done with them.
    let files = folder.files();
    let before = folder.outside_state();
    for path in ["out", "relative", "chain", "folder", "relative_folder", "loop", "magic", "dangling_out"] {
        let said = try_everything(&files, path);
        for said in &said[..11] {
            assert!(said.is_err(), "{path}: {said:?}");
        }
        assert_eq!(said[11], Ok("moved".into()), "{path}");
        fs::rename(root.join("moved"), root.join(format!("was_{path}"))).unwrap();
        fs::rename(root.join(path), root.join("mine")).unwrap();
    }
    assert_eq!(folder.outside_state(), before);
    let told = search_all(&files.ground, ".", Some(SECRET)).unwrap();
    assert!(told.starts_with("No matches found"), "{told}");
}

#[test]
fn a_hard_link_is_refused_unless_the_settings_allow_it() {
    let folder = Folder::new();
    fs::hard_link(folder.outside().join("f"), folder.root().join("hard")).unwrap();
    let files = folder.files();
    let before = folder.outside_state();
    let said = try_everything(&files, "hard");
    for place in [0, 1, 2, 8, 9] {
        let text = said[place].as_ref().unwrap_err().to_string();
        assert!(text.contains("hard link") && text.contains("hard_links"), "{place}: {text}");
    }
    assert_eq!(folder.outside_state(), before);
    assert!(search_all(&files.ground, ".", Some(SECRET)).unwrap().contains("1 files were not searched"));

    fs::rename(folder.root().join("moved"), folder.root().join("hard")).unwrap();
    let files = Files::open(Settings { hard_links: HardLinks::Allow, ..folder.settings() }, "/").unwrap();
    assert_eq!(files.read("hard").unwrap(), SECRET.as_bytes());
    // Even so the other name keeps what it had: what is written is a new file.
    assert_eq!(files.write("hard", "mine"), Ok(false));
    assert_eq!((folder.held("hard").as_str(), folder.outside_state()), ("mine", before));
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let folder = Folder::new();
    let fifo = folder.root().join("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.root().join("socket")).unwrap();
    let files = folder.files();
    for path in ["fifo", "socket"] {
        let said = try_everything(&files, path);
        for place in [0, 1, 2, 3, 4, 5, 6, 8, 9, 10] {
            assert!(said[place].is_err(), "{path} {place}: {said:?}");
        }
        assert!(said[0].as_ref().unwrap_err().to_string().contains("no regular file"), "{said:?}");
        fs::remove_file(folder.root().join("moved")).unwrap();
    }
    symlink("/dev/zero", folder.root().join("device")).unwrap();
    assert!(files.read("device").is_err());
}

#[test]
fn a_link_inside_of_the_root_leads_to_its_file() {
    let folder = Folder::new();
    folder.write("a/real", "mine");
    symlink("a/real", folder.root().join("link")).unwrap();
    symlink("a", folder.root().join("folder")).unwrap();
    let files = folder.files();
    assert_eq!(files.read("link").unwrap(), b"mine");
    assert_eq!(files.read("folder/real").unwrap(), b"mine");
    assert_eq!(files.write("link", "other"), Ok(false));
    assert!(folder.root().join("link").is_symlink());
    assert_eq!(edit_once(&files.ground, "folder/real", "other", "third").map(|_| ()), Ok(()));
    assert_eq!(folder.held("a/real"), "third");
}

/// Row 54 of the incidents: a folder and a link to the outside change places at full speed while everything is done
/// with paths through it.
#[test]
fn no_race_between_a_folder_and_a_link_leads_out() {
    const ROUNDS: usize = 2_000;
    let folder = Folder::new();
    folder.write("d/f", "mine");
    folder.write("mine", "mine");
    symlink("../outside", folder.root().join("l")).unwrap();
    let before = folder.outside_state();
    let inode = fs::metadata(folder.outside()).unwrap().ino();
    let files = folder.files();
    let (is_done, succeeded, refused) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let root = folder.root();
    let until = Instant::now() + Duration::from_secs(30);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                renameat_with(CWD, root.join("d"), CWD, root.join("l"), RenameFlags::EXCHANGE).unwrap();
            }
        });
        let (succeeded, refused) = (&succeeded, &refused);
        let work = move |what: &dyn Fn(usize) -> Result<String, FileError>| {
            for round in 0.. {
                let said = what(round);
                match &said {
                    Ok(text) => assert!(!text.contains(SECRET), "{text}"),
                    Err(error) => assert!(!error.to_string().contains(SECRET), "{error}"),
                }
                let count = if said.is_ok() { succeeded } else { refused };
                count.fetch_add(1, Ordering::Relaxed);
                let both = succeeded.load(Ordering::Relaxed) > 100 && refused.load(Ordering::Relaxed) > 100;
                if (round >= ROUNDS && both) || Instant::now() > until {
                    return;
                }
            }
        };
        let ground = &files.ground;
        let write = |round: usize| files.write("d/w", &round.to_string()).map(|is_new| is_new.to_string());
        let one = threads.spawn(move || work(&|_| read_text(ground, "d/f")));
        let two = threads.spawn(move || work(&write));
        let three = threads.spawn(move || {
            work(&|round| match round % 6 {
                0 => edit_once(ground, "d/f", "mine", "mine"),
                1 => search_all(ground, "d", Some(".")),
                2 => ground
                    .locate("d")
                    .and_then(|place| list::list(ground, &place, None))
                    .map(|listing| listing.to_text()),
                3 => ground
                    .locate("d/n")
                    .and_then(|place| arrange::create_directory(ground, &place))
                    .map(|_| String::new()),
                4 => ground
                    .locate("d/f")
                    .and_then(|place| info::info(ground, &place))
                    .map(|info| info.to_text()),
                _ => {
                    let (from, to) = (ground.locate("d/n")?, ground.locate("d/m")?);
                    arrange::move_file(ground, &from, &to)?;
                    arrange::move_file(ground, &to, &from).map(|()| String::new())
                }
            });
        });
        let ended = [one, two, three].map(std::thread::ScopedJoinHandle::join);
        is_done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
    assert_eq!(folder.outside_state(), before);
    assert_eq!(fs::metadata(folder.outside()).unwrap().ino(), inode);
    assert!(succeeded.into_inner() > 100 && refused.into_inner() > 100, "the race was none");
}

/// Pieces of paths that mean something to somebody.
fn piece() -> impl Strategy<Value = String> {
    const FIXED: &[&str] = &[
        "..", ".", "/", "//", "\\", "a", "mine", "out", "folder", "f", "outside", "root", "etc", "passwd",
        "%2e", "%2f", "\0", "~", "\u{202e}", "\u{200b}", "file://", "C:", "…", "..;", "*", "é",
    ];
    prop_oneof![6 => proptest::sample::select(FIXED).prop_map(str::to_owned), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_escapes(pieces in prop::collection::vec(piece(), 0..8), is_absolute: bool, separator in "/?") {
        let folder = Folder::new();
        folder.write("a/mine", "mine");
        symlink(folder.outside().join("f"), folder.root().join("out")).unwrap();
        symlink(folder.outside(), folder.root().join("folder")).unwrap();
        let before = folder.outside_state();
        let mut path = pieces.join(&separator);
        if is_absolute {
            path = format!("{}/{path}", folder.path(""));
        }
        let files = folder.files();
        if let Ok(located) = files.locate(&path) {
            let below = located.strip_prefix(folder.path("").trim_end_matches('/')).unwrap();
            prop_assert!(below.is_empty() || below.starts_with('/'), "{}", located);
            prop_assert!(below.split('/').all(|name| name != ".." && name != "."), "{}", located);
        }
        for said in try_everything(&files, &path) {
            let text = said.unwrap_or_else(|error| error.to_string());
            // The caller may have written the word itself.
            prop_assert!(!text.contains(SECRET) || path.contains(SECRET), "{}", text);
        }
        prop_assert_eq!(folder.outside_state(), before);
        prop_assert_eq!(folder.leftovers(), Vec::<PathBuf>::new());
    }
}
