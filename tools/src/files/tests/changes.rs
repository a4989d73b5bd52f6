//! What others change is noticed: as the operating system tells it, or by looking.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::hints::Hints;
use super::watch::Watcher;
use super::*;
use crate::setting::Span;

/// Steps until all of that was told, and returns everything that was.
fn told(watcher: &mut Watcher<'_>, wanted: &[String]) -> BTreeSet<String> {
    let until = Instant::now() + Duration::from_secs(30);
    let mut all = BTreeSet::new();
    while !wanted.iter().all(|uri| all.contains(uri)) {
        assert!(Instant::now() < until, "{wanted:?} was not told, but {all:?}");
        all.extend(watcher.step(Duration::from_secs(1)));
    }
    all
}

/// Both ways of noticing: told by the operating system, and looking because there are more folders than are watched.
fn both(folder: &Folder, check: impl Fn(&Files, &mut Watcher<'_>)) {
    for directories_max in [100, 1] {
        let watch = WatchSettings {
            debounce: Span(Duration::from_millis(5)),
            poll_interval: Span(Duration::from_millis(5)),
            directories_max,
            ..WatchSettings::default()
        };
        let files = Files::open(Settings { watch, ..folder.settings() }, "/").unwrap();
        let mut watcher = Watcher::new(&files.ground, Hints::new());
        assert_eq!(watcher.is_looking(), directories_max == 1);
        check(&files, &mut watcher);
    }
}

fn uri(folder: &Folder, below: &str) -> String {
    format!("file://{}", folder.path(below))
}

#[test]
fn what_others_change_is_told() {
    let folder = Folder::new();
    folder.write("a/b/x", "one");
    let structure = "project://root/structure".to_owned();
    both(&folder, |_, watcher| {
        folder.write("a/b/x", "something else");
        let all = told(watcher, &[uri(&folder, "a/b/x")]);
        assert!(!all.contains(&structure), "{all:?}");

        folder.write("a/b/y", "new");
        told(watcher, &[uri(&folder, "a/b/y"), uri(&folder, "a/b"), structure.clone()]);

        // A folder with something in it that comes, is renamed and goes.
        folder.write("c/d/z", "new");
        told(watcher, &[uri(&folder, "c"), uri(&folder, "c/d"), uri(&folder, "c/d/z")]);
        folder.write("c/d/z", "newer still");
        told(watcher, &[uri(&folder, "c/d/z")]);
        fs::rename(folder.root().join("c"), folder.root().join("e")).unwrap();
        told(watcher, &[uri(&folder, "c/d/z"), uri(&folder, "e/d/z")]);
        folder.write("e/d/z", "under another name");
        told(watcher, &[uri(&folder, "e/d/z")]);
        fs::remove_dir_all(folder.root().join("e")).unwrap();
        told(watcher, &[uri(&folder, "e"), uri(&folder, "e/d/z")]);
        fs::remove_file(folder.root().join("a/b/y")).unwrap();
        told(watcher, &[uri(&folder, "a/b/y"), structure.clone()]);
        folder.write("a/b/x", "one");
        told(watcher, &[uri(&folder, "a/b/x")]);
    });
}

#[test]
fn what_the_tools_changed_and_what_is_quiet_or_outside_is_not_told() {
    let folder = Folder::new();
    folder.write("a/x", "one");
    folder.write("node_modules/m/x", "one");
    both(&folder, |files, watcher| {
        files.write("a/x", "two").unwrap();
        files.write("a/fresh", "two").unwrap();
        folder.write("node_modules/m/x", "other");
        fs::write(folder.outside().join("f"), SECRET).unwrap();
        // A folder that becomes a link to the outside has nothing below it any more.
        folder.write("g/f", "mine");
        told(watcher, &[uri(&folder, "g/f")]);
        fs::remove_dir_all(folder.root().join("g")).unwrap();
        symlink(folder.outside(), folder.root().join("g")).unwrap();
        let mut all = told(watcher, &[uri(&folder, "g")]);
        fs::write(folder.outside().join("new"), SECRET).unwrap();
        folder.write("last", "");
        all.extend(told(watcher, &[uri(&folder, "last")]));
        for below in ["a/x", "a/fresh", "node_modules/m/x", "g/new"] {
            assert!(!all.contains(&uri(&folder, below)), "{below}: {all:?}");
        }
        assert!(all.iter().all(|uri| !uri.contains("outside")), "{all:?}");
        for gone in ["g", "last", "a/fresh"] {
            fs::remove_file(folder.root().join(gone)).unwrap();
        }
        told(watcher, &[uri(&folder, "last")]);
    });
}

#[test]
fn more_than_is_watched_is_left_alone() {
    let folder = Folder::new();
    (0..20).for_each(|number| folder.write(&format!("{number:02}"), ""));
    let watch = WatchSettings {
        entries_max: 10,
        debounce: Span(Duration::from_millis(5)),
        ..WatchSettings::default()
    };
    let files = Files::open(Settings { watch, ..folder.settings() }, "/").unwrap();
    let mut watcher = Watcher::new(&files.ground, Hints::new());
    let root = files.ground.roots.iter().next().unwrap();
    assert!(files.ground.with_known(root, |known| known.len()) <= 10);
    folder.write("fresh", "");
    told(&mut watcher, &[uri(&folder, "fresh")]);
    assert!(files.ground.with_known(root, |known| known.len()) <= 10);
}

/// What the operating system could not tell is found by looking at everything once; it goes on telling the rest.
#[test]
fn lost_reports_are_made_up_for() {
    let folder = Folder::new();
    folder.write("a/b/x", "one");
    let watch = WatchSettings {
        directories_max: 3,
        debounce: Span(Duration::from_millis(5)),
        ..WatchSettings::default()
    };
    let files = Files::open(Settings { watch, ..folder.settings() }, "/").unwrap();
    let hints = Hints::new();
    let reporter = hints.reporter();
    let mut watcher = Watcher::new(&files.ground, hints);
    for round in 0..3 {
        reporter.take(Err(notify::Error::generic("lost")));
        fs::remove_file(folder.root().join("a/b/x")).unwrap();
        told(&mut watcher, &[uri(&folder, "a/b/x"), uri(&folder, "a/b")]);
        folder.write("a/b/x", format!("{round}"));
        told(&mut watcher, &[uri(&folder, "a/b/x")]);
        assert!(!watcher.is_looking());
    }
    // One folder more than may be watched: from then on everything is looked at.
    folder.write("c/x", "");
    told(&mut watcher, &[uri(&folder, "c/x")]);
    assert!(watcher.is_looking());
}
