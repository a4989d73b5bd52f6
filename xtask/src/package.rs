//! The crates of the tree, as their manifests describe them.

use toml::{Table, Value};

use crate::finding::Finding;
use crate::tree::{Tree, name_of};

/// A folder with a manifest that names a package, in the workspace or beside it.
#[derive(Debug)]
pub(crate) struct Package {
    pub name: String,
    /// What sources write to import it.
    pub lib_name: String,
    /// Its folder from the root, with a slash at its end; empty at the root itself.
    pub folder: String,
    pub manifest: String,
    /// The files that it names as roots of crates, from its folder.
    pub roots: Vec<String>,
    pub dependencies: Vec<Dependency>,
}

/// A line of `[dependencies]` or `[build-dependencies]`. What only tests need is no layer, and left out.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub package: String,
    pub line: usize,
}

/// Every package of the tree, and what could not be read.
pub(crate) fn packages(tree: &Tree) -> (Vec<Package>, Vec<Finding>) {
    let mut packages = Vec::new();
    let mut broken = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| name_of(path) == "Cargo.toml") {
        match text.parse::<Table>() {
            Ok(manifest) => packages.extend(package(path, text, &manifest)),
            Err(error) => broken.push(Finding::error(
                path,
                1,
                "parse",
                format!("make it valid TOML: {}", error.message()),
            )),
        }
    }
    (packages, broken)
}

fn package(path: &str, text: &str, manifest: &Table) -> Option<Package> {
    let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
    let lib_name = manifest.get("lib").and_then(|lib| lib.get("name")).and_then(Value::as_str);
    let lib_name = lib_name.map_or_else(|| name.replace('-', "_"), str::to_owned);
    let folder = path.strip_suffix("Cargo.toml")?.to_owned();
    Some(Package {
        name,
        lib_name,
        folder,
        manifest: path.to_owned(),
        roots: roots(manifest),
        dependencies: dependencies(text, manifest),
    })
}

fn roots(manifest: &Table) -> Vec<String> {
    let lists =
        ["bin", "test", "bench", "example"].into_iter().filter_map(|kind| manifest.get(kind)?.as_array());
    let targets = manifest.get("lib").into_iter().chain(lists.flatten());
    targets.filter_map(|target| Some(target.get("path")?.as_str()?.to_owned())).collect()
}

fn dependencies(text: &str, manifest: &Table) -> Vec<Dependency> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = std::iter::once(manifest)
        .chain(targets.into_iter().flat_map(|targets| targets.values().filter_map(Value::as_table)));
    let mut found = Vec::new();
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            for (key, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned();
                found.push(Dependency { package, line: line_of(text, key) });
            }
        }
    }
    found
}

/// The line that starts with this key: good enough to jump to.
fn line_of(text: &str, key: &str) -> usize {
    let starts = |line: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '.', '=']))
    };
    text.lines().position(starts).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_gives_names_folder_and_dependencies() {
        let manifest = "[package]\nname = \"x-codec\"\n[dependencies]\nbytes = \"1\"\nold = { package = \"x-protocol\" }\n\
                        [dev-dependencies]\nproptest = \"1\"\n[target.'cfg(unix)'.dependencies]\nrustix = \"1\"\n";
        let (packages, broken) = packages(&Tree::of(&[("runtime/codec/Cargo.toml", manifest)]));
        assert!(broken.is_empty());
        assert_eq!(packages.len(), 1);
        let package = &packages[0];
        assert_eq!((package.name.as_str(), package.lib_name.as_str()), ("x-codec", "x_codec"));
        assert_eq!(package.folder, "runtime/codec/");
        let found: Vec<_> = package.dependencies.iter().map(|one| (one.package.as_str(), one.line)).collect();
        assert_eq!(found, [("bytes", 4), ("x-protocol", 5), ("rustix", 9)]);
    }

    #[test]
    fn a_library_may_have_a_name_of_its_own() {
        let tree = Tree::of(&[("Cargo.toml", "[package]\nname = \"a\"\n[lib]\nname = \"b\"\n")]);
        assert_eq!(packages(&tree).0[0].lib_name, "b");
    }

    #[test]
    fn a_workspace_without_a_package_is_none_and_a_broken_manifest_is_a_finding() {
        assert!(packages(&Tree::of(&[("Cargo.toml", "[workspace]\n")])).0.is_empty());
        let (found, broken) = packages(&Tree::of(&[("Cargo.toml", "[package\n")]));
        assert!(found.is_empty());
        assert_eq!(broken[0].rule, "parse");
    }
}
