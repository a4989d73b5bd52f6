//! Every file of Rust is compiled: a crate's root, or named by a `mod` of a file that is.
//!
//! The compiler never says of a file that nobody names it, and such a file keeps looking like code: it is read, searched
//! and changed, its tests never run, and it never breaks. A file that a test names as text, because it must not
//! compile, is no orphan.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::house::{House, Source};
use crate::package::Package;
use crate::reading::{Declared, Folder};

pub(super) fn check(house: &House) -> Vec<Finding> {
    let orphans = (0..house.packages.len()).flat_map(|at| orphans(house, at));
    orphans.map(finding).collect()
}

fn finding(source: &Source) -> Finding {
    let message = "no `mod` names this file, so nothing compiles it: name it, or delete it";
    Finding::error(&source.path, 1, "orphan", message)
}

/// The sources of a package that no compilation reaches.
fn orphans(house: &House, at: usize) -> Vec<&Source> {
    let package = &house.packages[at];
    let sources: BTreeMap<&str, &Source> = house
        .sources
        .iter()
        .filter(|source| source.package == Some(at))
        .map(|source| (source.path.as_str(), source))
        .collect();
    let is_root = |path: &&str| is_root(package, path);
    let mut reached: BTreeSet<String> = BTreeSet::new();
    // A file that is named by `#[path]` looks for its modules where a root would: beside itself.
    let mut waiting: Vec<(String, bool)> =
        sources.keys().copied().filter(is_root).map(|path| (path.to_owned(), true)).collect();
    while let Some((path, is_at_home)) = waiting.pop() {
        let Some(source) = sources.get(path.as_str()) else { continue };
        if reached.insert(path.clone()) {
            let declared = source.reading.declared.iter();
            waiting.extend(declared.flat_map(|declared| places(&path, is_at_home, declared)));
        }
    }
    let named: Vec<String> = sources
        .values()
        .flat_map(|source| &source.reading.rust_files)
        .map(|name| format!("{}{name}", package.folder))
        .collect();
    let is_orphan = |source: &&&Source| {
        !reached.contains(&source.path) && !named.iter().any(|name| matches(name, &source.path))
    };
    sources.values().filter(is_orphan).copied().collect()
}

/// Whether Cargo compiles this file as a crate of its own.
fn is_root(package: &Package, path: &str) -> bool {
    let inside = &path[package.folder.len()..];
    let parts: Vec<&str> = inside.split('/').collect();
    let is_usual = matches!(
        parts[..],
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["src", "bin", _, "main.rs"]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
    );
    is_usual || package.roots.iter().any(|root| root == inside)
}

/// The files that a declaration may mean, and whether they look for their own modules beside themselves.
fn places(path: &str, is_at_home: bool, declared: &Declared) -> Vec<(String, bool)> {
    let (beside, stem) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let stem = stem.trim_end_matches(".rs");
    let own = if is_at_home || stem == "mod" { beside.to_owned() } else { joined(beside, stem) };
    // A `#[path]` counts from the file's folder, unless an inline module stands around it.
    let mut folder = own;
    for (depth, inline) in declared.folders.iter().enumerate() {
        folder = match inline {
            Folder::Named(name) => joined(&folder, name),
            Folder::At(path) if depth == 0 => joined(beside, path),
            Folder::At(path) => joined(&folder, path),
        };
    }
    match &declared.path {
        Some(path) if declared.folders.is_empty() => vec![(joined(beside, path), true)],
        Some(path) => vec![(joined(&folder, path), true)],
        None => vec![
            (joined(&folder, &format!("{}.rs", declared.name)), false),
            (joined(&folder, &format!("{}/mod.rs", declared.name)), true),
        ],
    }
}

/// A path behind a folder, without `.` and `..`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a name, perhaps with one star for a part of the last segment, means that path.
fn matches(name: &str, path: &str) -> bool {
    let Some((start, end)) = name.split_once('*') else { return name == path };
    let inner = path.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    inner.is_some_and(|inner| !inner.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = ("one/Cargo.toml", "[package]\nname = \"one\"\n");

    /// The orphans among these files of a package in `one/`.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(String, &str)> =
            files.iter().map(|(path, text)| (format!("one/{path}"), *text)).collect();
        let mut all = vec![MANIFEST];
        all.extend(files.iter().map(|(path, text)| (path.as_str(), *text)));
        check(&House::of(&all)).into_iter().map(|finding| finding.path["one/".len()..].to_owned()).collect()
    }

    #[test]
    fn a_file_that_no_mod_names_is_an_orphan() {
        let files = [
            ("src/lib.rs", "mod a; #[cfg(test)] mod tests;"),
            ("src/a.rs", "pub mod b;"),
            ("src/a/b.rs", ""),
            ("src/tests.rs", "mod rows;"),
            ("src/tests/rows.rs", ""),
            ("src/b.rs", ""),
            ("src/a/c.rs", "mod d;"),
            ("src/a/c/d.rs", ""),
        ];
        assert_eq!(found(&files), ["src/a/c.rs", "src/a/c/d.rs", "src/b.rs"]);
    }

    #[test]
    fn roots_are_no_orphans() {
        let roots =
            ["build.rs", "src/main.rs", "src/bin/x.rs", "src/bin/y/main.rs", "tests/t.rs", "benches/b.rs"];
        assert_eq!(found(&roots.map(|root| (root, ""))), [""; 0]);
        let manifest = "[package]\nname = \"x\"\n[[bin]]\nname = \"x\"\npath = \"targets/x.rs\"\n";
        let files = [("Cargo.toml", manifest), ("targets/x.rs", ""), ("targets/y.rs", "")];
        let findings = check(&House::of(&files));
        assert_eq!(
            findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(),
            ["targets/y.rs"]
        );
    }

    #[test]
    fn a_test_finds_its_modules_beside_itself_or_where_a_path_says() {
        let files = [
            ("tests/all.rs", "#[path = \"all\"] mod all { mod a; mod deep { mod b; } } mod common;"),
            ("tests/all/a.rs", ""),
            ("tests/all/deep/b.rs", ""),
            ("tests/common/mod.rs", "mod house;"),
            ("tests/common/house.rs", ""),
            ("tests/other.rs", "#[path = \"other/x.rs\"] mod y; #[path = \"../shared/z.rs\"] mod z;"),
            ("tests/other/x.rs", "mod beside;"),
            ("tests/other/beside.rs", ""),
            ("shared/z.rs", ""),
            ("tests/all/orphan.rs", ""),
        ];
        assert_eq!(found(&files), ["tests/all/orphan.rs"]);
    }

    #[test]
    fn a_file_that_a_test_names_as_text_is_no_orphan() {
        let test = "#[test]\nfn t() { cases(\"tests/misuse/*.rs\"); all![\"tests/other/one.rs\"]; }";
        let files = [
            ("tests/misuse.rs", test),
            ("tests/misuse/a.rs", ""),
            ("tests/misuse/deep/b.rs", ""),
            ("tests/other/one.rs", ""),
            ("tests/other/two.rs", ""),
        ];
        assert_eq!(found(&files), ["tests/misuse/deep/b.rs", "tests/other/two.rs"]);
    }
}
