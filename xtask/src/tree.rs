//! The project's files as text: from git's list, from the folder where there is no git, or from a test's
//! strings.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// What the walk leaves out when git cannot say which files belong to the project.
const BUILT_FOLDERS: [&str; 5] = [".git", "target", "node_modules", "__pycache__", "results"];

/// Every text file of the project by its path from the root, with `/` between the parts.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads what git tracks, and what it would offer to track: a new file is judged before its first commit.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let paths = match listed_by_git(root) {
            Some(paths) => paths,
            None => walked(root)?,
        };
        let mut files = BTreeMap::new();
        for path in paths {
            let place = root.join(&path);
            // A deleted file is still in git's list, and a symbolic link has nothing of its own to check.
            if !place.symlink_metadata().is_ok_and(|about| about.is_file()) {
                continue;
            }
            let bytes = std::fs::read(&place).with_context(|| format!("read {path}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.insert(path, text);
            }
        }
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// Where a file's name starts: behind its last slash.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").arg("-C").arg(root).args(list).output().ok()?;
    let names = output.status.success().then(|| String::from_utf8(output.stdout).ok())??;
    Some(names.split_terminator('\0').map(str::to_owned).collect())
}

fn walked(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(root.join(&folder)).with_context(|| format!("list the folder {folder}"))?;
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if !entry.file_type()?.is_dir() {
                found.push(path);
            } else if !BUILT_FOLDERS.contains(&name.as_str()) && !name.starts_with(".venv") {
                folders.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_finds_sources_and_leaves_out_what_was_built() {
        let root = std::env::temp_dir().join(format!("xtask-walk-{}", std::process::id()));
        for (path, text) in [("src/a.rs", "a"), ("target/debug/b.rs", "b"), (".ci/run", "c")] {
            let place = root.join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        let mut found = walked(&root).unwrap();
        found.sort();
        assert_eq!(found, [".ci/run", "src/a.rs"]);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn git_lists_this_very_file_or_the_walk_does() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let tree = Tree::read(root).unwrap();
        assert!(tree.text("xtask/src/tree.rs").is_some());
        assert!(tree.files().all(|(path, _)| !path.starts_with("target/")));
    }

    #[test]
    fn a_name_is_what_stands_behind_the_last_slash() {
        assert_eq!(name_of("a/b/mod.rs"), "mod.rs");
        assert_eq!(name_of("build.rs"), "build.rs");
    }
}
