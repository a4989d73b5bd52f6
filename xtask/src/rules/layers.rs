//! Crates import downwards only: no edge that the table of layers does not list, and no circle.
//!
//! An edge is an import in shipped sources or a line of a manifest. What only tests need is no edge: a macro
//! crate is tested with the engine that uses it.

use crate::architecture::{self, Layers, PAGE};
use crate::circle::{Graph, Place, in_words};
use crate::finding::Finding;
use crate::house::House;
use crate::modules::Modules;
use crate::package::Package;

pub(super) fn check(house: &House) -> Vec<Finding> {
    let graph = imports(house);
    let mut findings = circles(&graph);
    match architecture::layers(&house.tree) {
        Ok(layers) => {
            findings.extend(unlisted(&graph, &layers));
            findings.extend(stale(&house.packages, &layers));
        }
        Err(finding) => findings.push(finding),
    }
    findings
}

/// Who imports whom among the crates of this tree.
fn imports(house: &House) -> Graph {
    let mut graph = Graph::default();
    for (at, package) in house.packages.iter().enumerate() {
        for dependency in &package.dependencies {
            if house.packages.iter().any(|other| other.name == dependency.package) {
                let place = Place { path: package.manifest.clone(), line: dependency.line };
                graph.add(&package.name, &dependency.package, place);
            }
        }
        let modules = Modules::of(house, at);
        for (source, _) in house.shipped().filter(|(source, _)| source.package == Some(at)) {
            for import in &source.reading.imports {
                let other = house.packages.iter().find(|other| other.lib_name == import.segments[0]);
                if let Some(other) = other.filter(|_| !modules.is_local(source, import)) {
                    graph.add(
                        &package.name,
                        &other.name,
                        Place { path: source.path.clone(), line: import.line },
                    );
                }
            }
        }
    }
    graph
}

fn circles(graph: &Graph) -> Vec<Finding> {
    let circles = graph.circles();
    let found = circles.iter().map(|circle| {
        let (_, first) = circle[0];
        let advice = "move what both need into a lower crate";
        Finding::error(
            &first.path,
            first.line,
            "crate-circle",
            format!("crates in a circle: {}; {advice}", in_words(circle)),
        )
    });
    found.collect()
}

fn unlisted(graph: &Graph, layers: &Layers) -> Vec<Finding> {
    let edges = graph
        .edges()
        .filter(|(from, to, _)| !layers.get(*from).is_some_and(|row| row.may_import.contains(*to)));
    let found = edges.map(|(from, to, place)| {
        let message = format!(
            "`{from}` may not import `{to}` by the table of layers in {PAGE}: turn the dependency around, or change \
             the table and say why"
        );
        Finding::error(&place.path, place.line, "layer", message)
    });
    found.collect()
}

/// Rows that name no crate, and crates without a row.
fn stale(packages: &[Package], layers: &Layers) -> Vec<Finding> {
    let exists = |name: &str| packages.iter().any(|package| package.name == name);
    let mut findings = Vec::new();
    for (name, row) in layers {
        for word in row.may_import.iter().chain([name]).filter(|word| !exists(word)) {
            findings.push(Finding::error(
                PAGE,
                row.line,
                "layer",
                format!("there is no crate `{word}`: correct the row"),
            ));
        }
    }
    for package in packages.iter().filter(|package| !layers.contains_key(&package.name)) {
        let message = format!("`{}` has no row in {PAGE}'s table of layers: add one", package.name);
        findings.push(Finding::error(&package.manifest, 1, "layer", message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: &str = "[package]\nname = \"x-low\"\n";
    const HIGH: &str = "[package]\nname = \"x-high\"\n";

    /// Two crates with these sources and this table, and what is wrong with them.
    fn found(high: &str, low: &str, table: &str) -> Vec<String> {
        let page = format!(
            "<!-- layers:begin -->\n| crate | may import |\n|---|---|\n{table}\n<!-- layers:end -->\n"
        );
        let files = [
            ("ARCHITECTURE.md", page.as_str()),
            ("high/Cargo.toml", HIGH),
            ("high/src/lib.rs", high),
            ("low/Cargo.toml", LOW),
            ("low/src/lib.rs", low),
        ];
        check(&House::of(&files)).iter().map(ToString::to_string).collect()
    }

    const DOWN: &str = "| `x-high` | `x-low` |\n| `x-low` | nothing |";

    #[test]
    fn an_import_that_the_table_lists_is_fine() {
        assert!(found("use x_low::A;", "pub struct A;", DOWN).is_empty());
        assert!(found("fn f() { x_low::a() }", "pub fn a() {}", DOWN).is_empty());
    }

    #[test]
    fn an_import_that_the_table_does_not_list_names_its_line() {
        for low in [
            "\nuse x_high::A;",
            "\nfn f() { ::x_high::a() }",
            "\nextern crate x_high;",
            "\nfn f() { vec![x_high::a()] }",
        ] {
            let found = found("", low, DOWN);
            assert_eq!(found.len(), 1, "{low}: {found:?}");
            assert!(found[0].starts_with("low/src/lib.rs:2: `x-low` may not import `x-high`"), "{found:?}");
        }
    }

    #[test]
    fn tests_may_import_what_they_like() {
        assert!(found("", "#[cfg(test)] mod tests { use x_high::A; }", DOWN).is_empty());
    }

    #[test]
    fn a_module_of_the_same_name_is_no_crate() {
        assert!(found("", "mod x_high { pub struct A; } use x_high::A;", DOWN).is_empty());
    }

    #[test]
    fn two_crates_in_a_circle_are_found_even_when_the_table_lists_them() {
        let found =
            found("use x_low::A;", "use x_high::B;", "| `x-high` | `x-low` |\n| `x-low` | `x-high` |");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].contains("x-high (high/src/lib.rs:1) -> x-low (low/src/lib.rs:1) -> x-high"),
            "{found:?}"
        );
    }

    #[test]
    fn a_dependency_of_the_manifest_is_an_edge_and_one_of_tests_is_none() {
        let with = |kind: &str| {
            let manifest = format!("{LOW}[{kind}]\nx-high = {{ path = \"../high\" }}\n");
            let page = format!(
                "<!-- layers:begin -->\n| crate | may import |\n|---|---|\n{DOWN}\n<!-- layers:end -->\n"
            );
            let files = [
                ("ARCHITECTURE.md", page.as_str()),
                ("low/Cargo.toml", &manifest),
                ("high/Cargo.toml", HIGH),
            ];
            check(&House::of(&files))
        };
        assert_eq!(
            (with("dependencies")[0].path.as_str(), with("dependencies")[0].line),
            ("low/Cargo.toml", 4)
        );
        assert!(with("dev-dependencies").is_empty());
    }

    #[test]
    fn rows_and_crates_must_match() {
        let found = found("", "", "| `x-high` | `x-gone` |\n| `x-old` | nothing |");
        assert_eq!(found.len(), 3, "{found:?}");
        for (line, words) in [(4, "no crate `x-gone`"), (5, "no crate `x-old`")] {
            assert!(
                found.iter().any(|one| one.starts_with(&format!("{PAGE}:{line}: ")) && one.contains(words)),
                "{found:?}"
            );
        }
        assert!(found.iter().any(|one| one.starts_with("low/Cargo.toml:1: `x-low` has no row")), "{found:?}");
    }
}
