//! The two tables of `ARCHITECTURE.md` that this check enforces: who may import whom, and who may name an era.
//!
//! The tables are the rule, not a description of it: there is no second list in this code.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::tree::Tree;

pub(crate) const PAGE: &str = "ARCHITECTURE.md";

/// Which crates a crate may import, and the line that says so.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub may_import: BTreeSet<String>,
    pub line: usize,
}

pub(crate) type Layers = BTreeMap<String, Row>;

/// Reads the table `| crate | may import |`. A second cell without a name in backticks means: nothing.
///
/// # Errors
/// A finding, when the page or its table is missing or cannot be read.
pub(crate) fn layers(tree: &Tree) -> Result<Layers, Finding> {
    let mut layers = Layers::new();
    for (line, cells) in rows(tree, "layers", ["crate", "may import"])? {
        let [name] = names(cells[0])[..] else {
            return Err(Finding::error(
                PAGE,
                line,
                "layer",
                "name one crate in backticks in the row's first cell",
            ));
        };
        let may_import = names(cells[1]).into_iter().map(str::to_owned).collect();
        if layers.insert(name.to_owned(), Row { may_import, line }).is_some() {
            return Err(Finding::error(
                PAGE,
                line,
                "layer",
                format!("`{name}` has a row already: merge the two"),
            ));
        }
    }
    Ok(layers)
}

/// The places that may name an era: a path, or a folder's path with `/**` behind it.
///
/// # Errors
/// A finding, when the page or its table is missing or cannot be read.
pub(crate) fn era_places(tree: &Tree) -> Result<Vec<String>, Finding> {
    let rows = rows(tree, "eras", ["may name an era", "why"])?;
    Ok(rows.iter().flat_map(|(_, cells)| names(cells[0])).map(str::to_owned).collect())
}

/// Whether a path is one of the places.
pub(crate) fn holds(places: &[String], path: &str) -> bool {
    places.iter().any(|place| match place.strip_suffix("**") {
        Some(folder) => path.starts_with(folder),
        None => path == place,
    })
}

type Cells<'a> = [&'a str; 2];

/// The rows of the table between two markers, without its head, each with its line.
fn rows<'a>(tree: &'a Tree, name: &str, head: Cells<'_>) -> Result<Vec<(usize, Cells<'a>)>, Finding> {
    let wrong = |line, what: String| Finding::error(PAGE, line, "architecture", what);
    let text = tree
        .text(PAGE)
        .ok_or_else(|| wrong(1, "write this page: the layers are checked by its tables".into()))?;
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let lines = || text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let Some((first, _)) = lines().find(|(_, line)| *line == begin) else {
        return Err(wrong(1, format!("put the table of {name} between `{begin}` and `{end}`")));
    };
    if !lines().skip(first).any(|(_, line)| line == end) {
        return Err(wrong(first, format!("close the table of {name} with `{end}`")));
    }
    let inside =
        lines().skip(first).take_while(|(_, line)| *line != end).filter(|(_, line)| !line.is_empty());
    let mut rows = Vec::new();
    for (line, row) in inside {
        rows.push((
            line,
            cells(row).ok_or_else(|| wrong(line, "write `| … | … |`, two cells and nothing else".into()))?,
        ));
    }
    match rows.split_first_chunk::<2>() {
        Some(([(_, titles), (_, rule)], rows))
            if *titles == head && rule.iter().all(|cell| is_rule(cell)) =>
        {
            Ok(rows.to_vec())
        }
        _ => Err(wrong(
            first,
            format!("open the table with `| {} | {} |` and a line of dashes", head[0], head[1]),
        )),
    }
}

fn cells(row: &str) -> Option<Cells<'_>> {
    let inner = row.strip_prefix('|')?.strip_suffix('|')?;
    let (first, second) = inner.split_once('|')?;
    (!second.contains('|')).then_some([first.trim(), second.trim()])
}

fn is_rule(cell: &str) -> bool {
    cell.contains('-') && cell.chars().all(|letter| matches!(letter, '-' | ':'))
}

/// What stands in backticks.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Tree {
        Tree::of(&[(PAGE, text)])
    }

    #[test]
    fn a_table_of_layers_is_read() {
        let tree = page(
            "# Words\n\n<!-- layers:begin -->\n| crate | may import |\n|---|:--|\n| `a` | `b`, `c` |\n| `b` | nothing |\n\n\
             <!-- layers:end -->\n| `z` | `y` |\n",
        );
        let layers = layers(&tree).unwrap();
        assert_eq!(layers.len(), 2);
        assert_eq!(layers["a"], Row { may_import: ["b", "c"].map(str::to_owned).into(), line: 6 });
        assert!(layers["b"].may_import.is_empty());
    }

    #[test]
    fn a_table_that_cannot_be_read_is_a_finding_with_its_line() {
        let rows = [
            ("no table", 1),
            ("\n<!-- layers:begin -->\n| crate | may import |\n|---|---|\n", 2),
            ("<!-- layers:begin -->\n| what | ever |\n|---|---|\n<!-- layers:end -->", 1),
            ("<!-- layers:begin -->\n| crate | may import |\n|---|---|\n| `a` |\n<!-- layers:end -->", 4),
            ("<!-- layers:begin -->\n| crate | may import |\n|---|---|\n| a | `b` |\n<!-- layers:end -->", 4),
            (
                "<!-- layers:begin -->\n| crate | may import |\n|---|---|\n| `a` | |\n| `a` | |\n<!-- layers:end -->",
                5,
            ),
        ];
        for (text, line) in rows {
            assert_eq!(layers(&page(text)).expect_err(text).line, line, "{text}");
        }
        assert_eq!(layers(&Tree::of(&[])).expect_err("there is no page").path, PAGE);
    }

    #[test]
    fn places_are_files_or_folders() {
        let tree = page(
            "<!-- eras:begin -->\n| may name an era | why |\n|--|--|\n| `a/b.rs`, `c/**` | x |\n<!-- eras:end -->",
        );
        let places = era_places(&tree).unwrap();
        for (path, expected) in [("a/b.rs", true), ("a/b.rs.rs", false), ("c/d/e.rs", true), ("c.rs", false)]
        {
            assert_eq!(holds(&places, path), expected, "{path}");
        }
    }
}
