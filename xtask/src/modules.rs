//! One crate's modules, and which of them a path leads to.
//!
//! A path is followed through the re-exports of the modules that enclose the one it is written in, because
//! `crate::Tool` says nothing about who needs whom until it is known where `Tool` lives. It is followed no
//! further than to the first module outside of that line: to name a module is to depend on it, whatever
//! it re-exports.

use std::collections::BTreeMap;

use crate::house::{House, Source};
use crate::reading::{Import, Scope};

/// How many re-exports may lead to one another before the search gives up: a circle of them never compiles.
const REEXPORTS_MAX: usize = 16;

type Way = Vec<String>;

/// The modules of one crate by their way from its root.
#[derive(Debug)]
pub(crate) struct Modules<'a> {
    scopes: BTreeMap<Way, Vec<&'a Scope>>,
    /// The modules that are files; an inline module belongs to its file.
    files: BTreeMap<Way, &'a Source>,
}

impl<'a> Modules<'a> {
    /// The shipped modules of a package. Where a package is a library and a binary, they share one tree.
    pub(crate) fn of(house: &'a House, package: usize) -> Self {
        let mut modules = Self { scopes: BTreeMap::new(), files: BTreeMap::new() };
        for source in house.sources.iter().filter(|source| source.package == Some(package) && !source.is_test)
        {
            let Some(module) = &source.module else { continue };
            modules.files.insert(module.clone(), source);
            for (inline, scope) in &source.reading.scopes {
                let way: Way = module.iter().chain(inline).cloned().collect();
                modules.scopes.entry(way).or_default().push(scope);
            }
        }
        modules
    }

    /// The file that an import of `source` leads to, when that is a file of this crate.
    pub(crate) fn target(&self, source: &Source, import: &Import) -> Option<Way> {
        let home: Way = source.module.iter().flatten().chain(&import.inline).cloned().collect();
        let (start, rest) = self.start(&home, &import.segments)?;
        self.file_of(self.follow(start, rest, &home, REEXPORTS_MAX))
    }

    /// Whether the first word of a path means something of this crate, and not another crate of that name.
    pub(crate) fn is_local(&self, source: &Source, import: &Import) -> bool {
        let home: Way = source.module.iter().flatten().chain(&import.inline).cloned().collect();
        let first = &import.segments[0];
        let bound = self
            .scope(&home)
            .any(|scope| scope.bindings.get(first).is_some_and(|path| path != &import.segments[..1]));
        self.start(&home, &import.segments).is_some() || bound
    }

    fn scope(&self, way: &Way) -> impl Iterator<Item = &'a Scope> {
        self.scopes.get(way).into_iter().flatten().copied()
    }

    /// The module where a path begins, and what is left of the path.
    fn start<'p>(&self, home: &Way, segments: &'p [String]) -> Option<(Way, &'p [String])> {
        let mut way = home.clone();
        match segments.first()?.as_str() {
            "crate" => Some((Way::new(), &segments[1..])),
            "self" => self.start_of_supers(way, &segments[1..]),
            "super" => self.start_of_supers(way, segments),
            child => {
                way.push(child.to_owned());
                self.scopes.contains_key(&way).then_some((way, &segments[1..]))
            }
        }
    }

    fn start_of_supers<'p>(&self, mut way: Way, mut rest: &'p [String]) -> Option<(Way, &'p [String])> {
        while rest.first().is_some_and(|word| word == "super") {
            way.pop()?;
            rest = &rest[1..];
        }
        self.scopes.contains_key(&way).then_some((way, rest))
    }

    fn follow(&self, mut here: Way, mut rest: &[String], home: &Way, reexports_left: usize) -> Way {
        while let Some((name, behind)) = rest.split_first() {
            if !home.starts_with(&here) {
                return here;
            }
            let mut child = here.clone();
            child.push(name.clone());
            if !self.scopes.contains_key(&child) {
                return self.reexported(&here, name, behind, home, reexports_left).unwrap_or(here);
            }
            (here, rest) = (child, behind);
        }
        here
    }

    /// Where a name leads that an enclosing module does not define but brings in with `use`.
    fn reexported(&self, here: &Way, name: &str, behind: &[String], home: &Way, left: usize) -> Option<Way> {
        let left = left.checked_sub(1)?;
        for scope in self.scope(here) {
            if let Some(path) = scope.bindings.get(name) {
                let path: Vec<_> = path.iter().chain(behind).cloned().collect();
                let (start, rest) = self.start(here, &path)?;
                return Some(self.follow(start, rest, home, left));
            }
        }
        let globs = self.scope(here).flat_map(|scope| &scope.globs);
        let mut opened =
            globs.filter_map(|path| self.start(here, path)).map(|(start, rest)| self.descend(start, rest));
        opened.find(|way| {
            self.scope(way).any(|scope| scope.items.contains(name) || scope.bindings.contains_key(name))
        })
    }

    /// The module that a path of modules names, without looking at re-exports.
    fn descend(&self, mut way: Way, rest: &[String]) -> Way {
        for name in rest {
            way.push(name.clone());
            if !self.scopes.contains_key(&way) {
                way.pop();
                break;
            }
        }
        way
    }

    fn file_of(&self, mut way: Way) -> Option<Way> {
        while !self.files.contains_key(&way) {
            way.pop()?;
        }
        Some(way)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &'a Source> {
        self.files.values().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str =
        "mod a; mod b; mod face; pub use a::Tool; pub use b::*; pub use face::inner;\npub struct Own;";

    /// Where each import of `src/a/deep.rs` leads.
    fn targets(deep: &str) -> Vec<String> {
        let house = House::of(&[
            ("Cargo.toml", "[package]\nname = \"one\"\n"),
            ("src/lib.rs", LIB),
            ("src/a.rs", "pub mod deep; use crate::b::Thing; pub mod inline { pub struct In; }"),
            ("src/a/deep.rs", deep),
            ("src/b.rs", "pub struct Thing; pub use crate::face::Re;"),
            ("src/face.rs", "pub mod inner { pub struct Deep; }"),
        ]);
        let modules = Modules::of(&house, 0);
        let source = house.sources.iter().find(|source| source.path == "src/a/deep.rs").unwrap();
        let imports = source.reading.imports.iter();
        imports
            .map(|import| modules.target(source, import).map_or("nowhere".to_owned(), |way| way.join("::")))
            .collect()
    }

    #[test]
    fn paths_lead_to_the_file_that_defines_what_they_name() {
        let rows = [
            ("use crate::b::Thing;", "b"),
            ("use crate::b::Re;", "b"),
            ("use crate::Tool;", "a"),
            ("use crate::Thing;", "b"),
            ("use crate::Own;", ""),
            ("use crate::inner::Deep;", "face"),
            ("use super::Thing;", "b"),
            ("use super::Item;", "a"),
            ("use super::inline::In;", "a"),
            ("use super::super::b;", "b"),
            ("mod own { use super::super::super::b::Thing; }", "b"),
            ("fn f(x: self::X) {}", "a::deep"),
            ("use serde::Serialize;", "nowhere"),
        ];
        for (text, expected) in rows {
            assert_eq!(targets(text), [expected], "{text}");
        }
    }
}
