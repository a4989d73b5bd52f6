//! The folders that are served, each held by a handle that leads nowhere else, and the place below them that a path
//! means.

use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::path::{self, Written};
use super::problem::{FileError, FileErrorKind};
use super::settings::{Access, RootSettings};
use crate::part::PartError;

/// The folders that are served.
#[derive(Debug)]
pub(super) struct Roots {
    roots: Vec<Root>,
    path_bytes_max: usize,
}

/// One folder that is served.
#[derive(Debug)]
pub(super) struct Root {
    /// What relative paths begin with when there are several roots.
    pub(super) name: String,
    /// Its absolute path, as the file of settings has it.
    pub(super) path: String,
    /// The same without symbolic links: clients may write either.
    pub(super) real_path: String,
    pub(super) access: Access,
    /// Everything below is opened through this handle.
    pub(super) dir: Dir,
}

/// What stands, or may come to stand, somewhere below a root.
#[derive(Debug, Clone)]
pub(super) struct Place<'r> {
    pub(super) root: &'r Root,
    /// The path from the root on; empty for the root itself.
    pub(super) relative: String,
}

impl Roots {
    /// Opens the folders; relative paths are relative to `directory`.
    ///
    /// # Errors
    /// Which of them can't be served, and why.
    pub(super) fn open(
        settings: &[RootSettings],
        directory: &Path,
        path_bytes_max: usize,
    ) -> Result<Self, PartError> {
        if settings.is_empty() {
            return Err(PartError::at(
                "roots",
                "there must be at least one: add a [[packs.files.roots]] with a path",
            ));
        }
        let mut roots = Vec::new();
        for (place, root) in settings.iter().enumerate() {
            let root = Root::open(root, directory, place)?;
            root.check_beside(&roots, place)?;
            roots.push(root);
        }
        Ok(Self { roots, path_bytes_max })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }

    /// Whether anything may be written anywhere.
    pub(super) fn any_writable(&self) -> bool {
        self.roots.iter().any(Root::is_writable)
    }

    /// The place that a path means: an absolute one below a root, or one relative to the roots.
    ///
    /// # Errors
    /// When it means none.
    pub(super) fn locate(&self, path: &str) -> Result<Place<'_>, FileError> {
        match path::read(path, self.path_bytes_max)? {
            Written::Absolute(names) => self.below(&names).ok_or_else(|| self.outside()),
            Written::Relative(names) => self.relative(&names),
        }
    }

    /// With one root a relative path begins there; with several it begins with the name of one of them.
    fn relative(&self, names: &[&str]) -> Result<Place<'_>, FileError> {
        let (root, rest) = match (&*self.roots, names) {
            ([root], names) => (root, names),
            (roots, [first, rest @ ..]) => match roots.iter().find(|root| root.name == *first) {
                Some(root) => (root, rest),
                None => return Err(self.outside()),
            },
            (_, []) => return Err(self.outside()),
        };
        // By way of the absolute path, since a root may stand inside another.
        let absolute: Vec<_> = names_of(&root.path).chain(rest.iter().copied()).collect();
        Ok(self.below(&absolute).unwrap_or_else(|| Place { root, relative: rest.join("/") }))
    }

    /// The place with those names from the top of the file system on: below the innermost root that holds it.
    fn below(&self, names: &[&str]) -> Option<Place<'_>> {
        let matches = self.roots.iter().flat_map(|root| {
            [&root.path, &root.real_path].into_iter().filter_map(move |path| {
                let len = names_of(path).count();
                names_of(path).eq(names.iter().copied().take(len)).then_some((len, root))
            })
        });
        let (len, root) = matches.max_by_key(|(len, _)| *len)?;
        Some(Place { root, relative: names[len..].join("/") })
    }

    fn outside(&self) -> FileError {
        let paths = self.roots.iter().map(|root| root.path.as_str()).collect::<Vec<_>>().join(", ");
        let relative = match &*self.roots {
            [_] => "or one relative to it".to_owned(),
            roots => {
                let names = roots.iter().map(|root| root.name.as_str()).collect::<Vec<_>>().join("/…, ");
                format!("or a relative one that begins with a root's name ({names}/…)")
            }
        };
        FileError::new(
            FileErrorKind::Outside,
            format!("the path is below no allowed folder: pass an absolute path below {paths}, {relative}"),
        )
    }
}

impl Root {
    fn open(settings: &RootSettings, directory: &Path, place: usize) -> Result<Self, PartError> {
        let key = |name: &str| format!("roots[{place}].{name}");
        let wrong = |error: std::io::Error| {
            let path = settings.path.display();
            PartError::at(key("path"), format!("can't open the folder {path}: {error}"))
        };
        let absolute = std::path::absolute(directory.join(&settings.path)).map_err(wrong)?;
        let path = text_of(&plain(&absolute)).map_err(|message| PartError::at(key("path"), message))?;
        let real = std::fs::canonicalize(&absolute).map_err(wrong)?;
        let real_path = text_of(&real).map_err(|message| PartError::at(key("path"), message))?;
        let dir = Dir::open_ambient_dir(&real, ambient_authority()).map_err(wrong)?;
        let own_name = || real.file_name().and_then(|name| name.to_str()).unwrap_or("root").to_owned();
        let name = settings.name.clone().unwrap_or_else(own_name);
        if name.is_empty() || name == "." || name.contains('/') || !path::can_be_written(&name) {
            return Err(PartError::at(
                key("name"),
                "must be a name without / and characters that are not seen",
            ));
        }
        Ok(Self { name, path, real_path, access: settings.access, dir })
    }

    /// Holds the root against those before it.
    fn check_beside(&self, others: &[Self], place: usize) -> Result<(), PartError> {
        let is_inside =
            |inner: &Self, outer: &Self| Path::new(&inner.real_path).starts_with(&outer.real_path);
        for (other_place, other) in others.iter().enumerate() {
            if other.name == self.name {
                let message = format!(
                    "roots[{other_place}] is called {:?} too: give one of them another name",
                    self.name
                );
                return Err(PartError::at(format!("roots[{place}].name"), message));
            }
            if other.real_path == self.real_path {
                let message = format!("is the folder of roots[{other_place}]: leave one of them out");
                return Err(PartError::at(format!("roots[{place}].path"), message));
            }
            let (inner, outer) = if is_inside(self, other) { (self, other) } else { (other, self) };
            // A link inside of the outer root would lead around the inner one's protection.
            if is_inside(inner, outer) && outer.is_writable() && !inner.is_writable() {
                let message = "a read-only root can't stand inside a read-write one: serve them apart, or give both the same access";
                return Err(PartError::at(format!("roots[{place}].access"), message));
            }
        }
        Ok(())
    }

    pub(super) fn is_writable(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// The absolute path of what stands there below it.
    pub(super) fn shown(&self, relative: &str) -> String {
        joined(&self.path, relative)
    }

    /// The root itself, as a place.
    pub(super) fn place(&self) -> Place<'_> {
        self.at(String::new())
    }

    /// A place below it.
    pub(super) fn at(&self, relative: String) -> Place<'_> {
        Place { root: self, relative }
    }
}

impl Place<'_> {
    /// The path for the root's handle.
    pub(super) fn path(&self) -> &Path {
        Path::new(if self.relative.is_empty() { "." } else { &self.relative })
    }

    /// The absolute path, for whoever asked.
    pub(super) fn shown(&self) -> String {
        self.root.shown(&self.relative)
    }

    /// Its last name; that of the root, for the root itself.
    pub(super) fn name(&self) -> &str {
        match self.relative.rsplit('/').next() {
            None | Some("") => &self.root.name,
            Some(name) => name,
        }
    }

    /// # Errors
    /// When nothing may be written there.
    pub(super) fn check_writable(&self) -> Result<(), FileError> {
        if self.root.is_writable() {
            return Ok(());
        }
        let text = format!(
            "{} is read-only: pass a path below a root that list_allowed_directories calls read-write",
            self.root.path
        );
        Err(FileError::new(FileErrorKind::Forbidden, text))
    }
}

/// One path below another; either may be empty.
pub(super) fn joined(path: &str, below: &str) -> String {
    match (path, below) {
        (path, "") => path.to_owned(),
        ("", below) => below.to_owned(),
        (path, below) => format!("{}/{below}", path.trim_end_matches('/')),
    }
}

fn names_of(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// Without `..`, which `absolute` leaves in, and without a slash at the end. The root that is opened is the real one.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}

fn text_of(path: &Path) -> Result<String, String> {
    path.to_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| "its path is not UTF-8: serve another folder".to_owned())
}
