//! Modules of a crate import one another in one direction only.
//!
//! A module is a file, and `foo.rs` with everything in `foo/` is one unit. Below each parent, its units are
//! compared with one another: an import from anywhere in one to anywhere in the other is an edge between
//! them, and a circle of edges is an error. So circles are found between the units of a crate, and inside of
//! a unit between its children, down to the last file.
//!
//! A parent and its child are never a circle. The parent declares the child and may use it; the child may
//! use what the parent itself defines, as the part of an actor's handler that moved to a file of its own
//! must. What the parent merely re-exports counts as an import from where it is defined, so a re-export
//! hides no circle between siblings. The same holds for the crate's root, the parent of all.

use std::collections::BTreeMap;

use crate::circle::{Circle, Graph, Place, in_words};
use crate::finding::Finding;
use crate::house::House;
use crate::modules::Modules;

pub(super) fn check(house: &House) -> Vec<Finding> {
    let mut findings = Vec::new();
    for at in 0..house.packages.len() {
        for graph in families(&Modules::of(house, at)).values() {
            findings.extend(graph.circles().iter().map(finding));
        }
    }
    findings
}

/// For each parent, who imports whom among its children.
fn families(modules: &Modules<'_>) -> BTreeMap<Vec<String>, Graph> {
    let mut families: BTreeMap<Vec<String>, Graph> = BTreeMap::new();
    for source in modules.sources() {
        let Some(from) = &source.module else { continue };
        for import in &source.reading.imports {
            let Some(to) = modules.target(source, import) else { continue };
            let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
            if shared < from.len() && shared < to.len() {
                let family = families.entry(from[..shared].to_vec()).or_default();
                let place = Place { path: source.path.clone(), line: import.line };
                family.add(&from[..=shared].join("::"), &to[..=shared].join("::"), place);
            }
        }
    }
    families
}

fn finding(circle: &Circle<'_>) -> Finding {
    let (_, first) = circle[0];
    let advice = "move what both need into a module that imports neither";
    let message = format!("modules in a circle: {}; {advice}", in_words(circle));
    Finding::error(&first.path, first.line, "module-circle", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a crate of these files in `src/`.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let paths: Vec<_> = files.iter().map(|(path, text)| (format!("src/{path}"), *text)).collect();
        let mut all: Vec<_> = paths.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        all.push(("Cargo.toml", "[package]\nname = \"one\"\n"));
        check(&House::of(&all)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_direction_is_fine() {
        let found = found(&[
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            ("a.rs", "use crate::b::B; pub struct A(B);"),
            ("b.rs", "pub struct B;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn siblings_that_import_each_other_are_a_circle() {
        let found = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "\nfn f(x: super::a::A) {}"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("src/a.rs:1: modules in a circle: a (src/a.rs:1) -> b (src/b.rs:2) -> a;"),
            "{found:?}"
        );
    }

    #[test]
    fn a_circle_of_three_is_one_finding() {
        let found = found(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::X;"),
            ("b.rs", "use crate::c::X;"),
            ("c.rs", "use crate::a::X;"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("a (src/a.rs:1) -> b (src/b.rs:1) -> c (src/c.rs:1) -> a"), "{found:?}");
    }

    #[test]
    fn a_reexport_of_the_root_hides_no_circle() {
        let found = found(&[
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "use crate::A;"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_parent_and_its_child_may_use_each_other() {
        let found = found(&[
            ("lib.rs", "mod a; pub struct Own;"),
            ("a.rs", "mod deep; use deep::D; pub struct A;"),
            ("a/deep.rs", "use super::A; use crate::Own; pub struct D;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn children_of_one_parent_are_compared() {
        let found = found(&[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod x; mod y;"),
            ("a/x.rs", "use super::y::Y;"),
            ("a/y.rs", "use crate::a::x::X;"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("a::x (src/a/x.rs:1) -> a::y (src/a/y.rs:1) -> a::x"), "{found:?}");
    }

    #[test]
    fn units_are_compared_by_all_of_their_files() {
        let found = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod deep;"),
            ("a/deep.rs", "use crate::b::B;"),
            ("b.rs", "use crate::a::A;"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("a (src/a/deep.rs:1) -> b (src/b.rs:1) -> a"), "{found:?}");
    }

    #[test]
    fn tests_make_no_circle() {
        let found = found(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;"),
            ("b.rs", "#[cfg(test)] mod tests;\n#[cfg(test)] mod more { use crate::a::A; }"),
            ("b/tests.rs", "use crate::a::A;"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }
}
