//! The whole project as the rules see it: its text, its crates, and its sources read.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::package::{Package, packages};
use crate::reading::Reading;
use crate::tree::Tree;

/// Folders of a package whose files only tests, benches and examples compile.
const TEST_FOLDERS: [&str; 3] = ["tests", "benches", "examples"];

#[derive(Debug)]
pub(crate) struct House {
    pub tree: Tree,
    pub packages: Vec<Package>,
    pub sources: Vec<Source>,
    /// What could not be read at all.
    pub broken: Vec<Finding>,
}

/// A file of Rust.
#[derive(Debug)]
pub(crate) struct Source {
    pub path: String,
    /// Its package's place in [`House::packages`].
    pub package: Option<usize>,
    /// Its way from the crate's root. A file outside of `src/`, or a binary in `src/bin/`, has none: it is
    /// a crate of its own, of one file.
    pub module: Option<Vec<String>>,
    pub reading: Reading,
    /// Whether only tests compile it.
    pub is_test: bool,
}

impl House {
    pub(crate) fn new(tree: Tree) -> Self {
        let (packages, mut broken) = packages(&tree);
        let mut sources = Vec::new();
        for (path, text) in tree.files().filter(|(path, _)| path.ends_with(".rs")) {
            match Reading::of(text) {
                Ok(reading) => sources.push(source(path, reading, &packages)),
                Err((line, reason)) => {
                    broken.push(Finding::error(path, line, "parse", format!("make it valid Rust: {reason}")));
                }
            }
        }
        mark_test_modules(&mut sources);
        Self { tree, packages, sources, broken }
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self::new(Tree::of(files))
    }

    /// The sources that are part of what is shipped, with their package.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = (&Source, &Package)> {
        let shipped = self.sources.iter().filter(|source| !source.is_test);
        shipped.filter_map(|source| Some((source, &self.packages[source.package?])))
    }
}

fn source(path: &str, reading: Reading, packages: &[Package]) -> Source {
    let owner = packages.iter().enumerate().filter(|(_, package)| path.starts_with(&package.folder));
    let package = owner.max_by_key(|(_, package)| package.folder.len()).map(|(at, _)| at);
    let inside = package.map_or(path, |at| &path[packages[at].folder.len()..]);
    let is_test =
        reading.is_test || TEST_FOLDERS.iter().any(|folder| inside.starts_with(&format!("{folder}/")));
    Source { path: path.to_owned(), package, module: module_of(inside), reading, is_test }
}

fn module_of(inside: &str) -> Option<Vec<String>> {
    let stem = inside.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut parts: Vec<_> = stem.split('/').map(str::to_owned).collect();
    if matches!(stem, "lib" | "main") || parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    (parts.first().is_none_or(|first| first != "bin")).then_some(parts)
}

/// A module that only tests declare is a test, and so is every module below it.
fn mark_test_modules(sources: &mut [Source]) {
    let mut declared = BTreeSet::new();
    for source in sources.iter() {
        let Some(module) = &source.module else { continue };
        for (inline, scope) in &source.reading.scopes {
            for name in &scope.test_modules {
                let way = module.iter().chain(inline).chain([name]).cloned().collect::<Vec<_>>();
                declared.insert((source.package, way));
            }
        }
    }
    for source in sources.iter_mut() {
        let Some(module) = &source.module else { continue };
        let package = source.package;
        source.is_test |=
            (1..=module.len()).any(|length| declared.contains(&(package, module[..length].to_vec())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str) -> String {
        format!("[package]\nname = \"{name}\"\n")
    }

    #[test]
    fn sources_know_their_package_and_their_module() {
        let (outer, inner) = (manifest("outer"), manifest("inner"));
        let house = House::of(&[
            ("Cargo.toml", &outer),
            ("src/lib.rs", ""),
            ("src/a/b.rs", ""),
            ("src/bin/tool.rs", ""),
            ("inner/Cargo.toml", &inner),
            ("inner/src/main.rs", ""),
        ]);
        let seen: Vec<_> = house
            .sources
            .iter()
            .map(|source| {
                let package = &house.packages[source.package.unwrap()].name;
                (
                    source.path.as_str(),
                    package.as_str(),
                    source.module.as_ref().map(|module| module.join("::")),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("inner/src/main.rs", "inner", Some(String::new())),
                ("src/a/b.rs", "outer", Some("a::b".to_owned())),
                ("src/bin/tool.rs", "outer", None),
                ("src/lib.rs", "outer", Some(String::new())),
            ]
        );
    }

    #[test]
    fn what_only_tests_declare_or_hold_is_a_test() {
        let manifest = manifest("one");
        let house = House::of(&[
            ("Cargo.toml", &manifest),
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "#[cfg(test)] mod tests;"),
            ("src/a/tests.rs", "mod rows;"),
            ("src/a/tests/rows.rs", ""),
            ("tests/all.rs", ""),
            ("benches/all.rs", ""),
        ]);
        let tests: Vec<_> =
            house.sources.iter().filter(|source| source.is_test).map(|source| source.path.as_str()).collect();
        assert_eq!(tests, ["benches/all.rs", "src/a/tests.rs", "src/a/tests/rows.rs", "tests/all.rs"]);
    }

    #[test]
    fn a_file_that_is_no_rust_is_a_finding() {
        let house = House::of(&[("a.rs", "fn {")]);
        assert_eq!(house.broken[0].path, "a.rs");
        assert!(House::of(&[("a.rs", "fn f() {}")]).broken.is_empty());
    }
}
