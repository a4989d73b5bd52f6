//! Whatever path a client sends, nothing outside of the root is named, read or written.
#![no_main]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::LazyLock;

use impresario_tools::files::{Files, RootSettings, Settings};
use libfuzzer_sys::fuzz_target;

/// What stands outside of the root.
const SECRET: &[u8] = b"what stands outside";

struct House {
    folder: PathBuf,
    root: String,
    files: Files,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("impresario-fuzz-{}", std::process::id()));
    let root = folder.join("root");
    fs::create_dir_all(root.join("a")).expect("the folder for temporary files can be written");
    fs::write(folder.join("secret"), SECRET).expect("it can be written");
    fs::write(root.join("a/mine"), "mine").expect("it can be written");
    symlink("../secret", root.join("out")).expect("it can be written");
    symlink("..", root.join("up")).expect("it can be written");
    symlink("a", root.join("in")).expect("it can be written");
    let files =
        Files::open(Settings::new([RootSettings::read_only(&root)]), "/").expect("the root can be opened");
    let root = root.to_str().expect("its path is UTF-8").to_owned();
    House { folder, root, files }
});

fuzz_target!(|input: (bool, &str)| {
    let (is_absolute, path) = input;
    let house = &*HOUSE;
    let path = if is_absolute { format!("{}/{path}", house.root) } else { path.to_owned() };
    if let Ok(located) = house.files.locate(&path) {
        let below = located.strip_prefix(&house.root).expect("a located path begins with its root's");
        assert!(below.is_empty() || below.starts_with('/'), "{path:?}: {located:?}");
        assert!(
            below.split('/').skip(1).all(|name| !matches!(name, "" | "." | "..")),
            "{path:?}: {located:?}"
        );
        assert!(!located.contains(['\0', '\\']), "{path:?}: {located:?}");
    }
    if let Ok(bytes) = house.files.read(&path) {
        assert_eq!(bytes, b"mine", "{path:?}");
    }
    assert!(house.files.write(&path, "written").is_err(), "{path:?}: the root is read-only");
    debug_assert_eq!(fs::read(house.folder.join("secret")).ok().as_deref(), Some(SECRET));
});
