//! The pack as its parts see it: what can be reached, what can't, and what stays whole.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ground::Ground;
use super::lines::Lines;
use super::read::Held;
use super::*;

mod changes;
mod escapes;
mod finding;
mod writing;

/// A folder of this test's own with the root `root` in it; what stands beside that is outside.
struct Folder(TempDir);

/// What stands outside, and must be in no answer.
const SECRET: &str = "SECRET";

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.root()).unwrap();
        fs::create_dir(folder.outside()).unwrap();
        fs::write(folder.outside().join("f"), SECRET).unwrap();
        folder
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn outside(&self) -> PathBuf {
        self.0.path().join("outside")
    }

    fn path(&self, below: &str) -> String {
        self.root().join(below).to_str().unwrap().to_owned()
    }

    fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn held(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    fn settings(&self) -> Settings {
        Settings::new([RootSettings::read_write(self.root())])
    }

    fn files(&self) -> Files {
        Files::open(self.settings(), "/").unwrap()
    }

    /// Everything outside: names, inodes and contents.
    fn outside_state(&self) -> Vec<(PathBuf, u64, Vec<u8>)> {
        use std::os::unix::fs::MetadataExt;
        let mut state: Vec<_> = fs::read_dir(self.outside())
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let contents = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                (path.clone(), fs::symlink_metadata(&path).unwrap().ino(), contents)
            })
            .collect();
        state.sort();
        state
    }

    /// Names below the root that a write has left unfinished.
    fn leftovers(&self) -> Vec<PathBuf> {
        fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_str().is_some_and(write::is_temporary) {
                    found.push(path);
                } else if path.is_dir() && !path.is_symlink() {
                    walk(&path, found);
                }
            }
        }
        let mut found = Vec::new();
        walk(self.0.path(), &mut found);
        found
    }
}

fn never() -> bool {
    false
}

fn read_text(ground: &Ground, path: &str) -> Result<String, FileError> {
    read::read_text(ground, &ground.locate(path)?, Lines::All, &never)
}

fn edit_once(ground: &Ground, path: &str, old: &str, new: &str) -> Result<String, FileError> {
    let edit = serde_json::from_value(serde_json::json!({ "oldText": old, "newText": new })).unwrap();
    edit::edit(ground, &ground.locate(path)?, &[edit], false, &never).map(|(diff, _)| diff)
}

fn search_all(ground: &Ground, path: &str, content: Option<&str>) -> Result<String, FileError> {
    let query = search::Query { pattern: Some("**"), exclude: &[], content };
    search::search(ground, &ground.locate(path)?, &query, &never, &|_| {}).map(|found| found.to_text())
}

/// Does everything that any tool does with that path, and returns all that was said.
fn try_everything(files: &Files, path: &str) -> Vec<Result<String, FileError>> {
    let ground = &files.ground;
    let at = |path: &str| ground.locate(path);
    vec![
        read_text(ground, path),
        at(path)
            .and_then(|place| read::read(ground, &place, Lines::All, &never))
            .map(|held| format!("{held:?}")),
        at(path).and_then(|place| read::read_media(ground, &place, &never)).map(|held| format!("{held:?}")),
        at(path).and_then(|place| list::list(ground, &place, None)).map(|listing| listing.to_text()),
        at(path).and_then(|place| list::tree(ground, &place, &[], &never)).map(|tree| format!("{tree:?}")),
        search_all(ground, path, None),
        search_all(ground, path, Some(".")),
        at(path).and_then(|place| info::info(ground, &place)).map(|info| info.to_text()),
        files.write(path, "written").map(|is_new| is_new.to_string()),
        edit_once(ground, path, "S", "written"),
        at(path).and_then(|place| arrange::create_directory(ground, &place)).map(|is_new| is_new.to_string()),
        at(path).and_then(|from| arrange::move_file(ground, &from, &at("moved")?)).map(|()| "moved".into()),
        at("mine").and_then(|from| arrange::move_file(ground, &from, &at(path)?)).map(|()| "moved".into()),
    ]
}
