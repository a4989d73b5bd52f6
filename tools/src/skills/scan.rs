//! Walks the directory of skills and reads what it serves.
//!
//! Hidden files, symbolic links, special files and files with a second name elsewhere are left out. All is opened
//! through a handle on the root that can't lead out of it, so a link that is put there while the walk goes on
//! opens nothing either.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::{Dir, DirEntry, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::index::{File, Index, Skill, Stamp};
use super::{SkillLimits, front_matter, uri};
use crate::media;

/// The file that makes a folder a skill.
const SKILL_FILE: &str = "SKILL.md";

/// Finds every skill below the root. What `before` knows of an unchanged file is not read again.
///
/// # Errors
/// When the root can't be read. What can't be read below it is a problem that the index names.
pub(super) fn scan(root: &Dir, limits: &SkillLimits, before: &Index) -> io::Result<Index> {
    let mut scan = Scan { root, limits, before, index: Index::default(), entries: 0 };
    let mut names = Vec::new();
    scan.search(root, &mut names)?;
    Ok(scan.index)
}

/// The contents of a regular file below the root.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read_file(root: &Dir, path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let wrong = |error: io::Error| format!("{}: {error}", path.display());
    let mut options = OpenOptions::new();
    // A pipe that stands where a file stood must not keep the thread.
    options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = root.open_with(path, &options).map_err(wrong)?;
    check_file(&file.metadata().map_err(wrong)?)
        .map_err(|problem| format!("{}: {problem}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(wrong)?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("{}: it is larger than {bytes_max} bytes", path.display()));
    }
    Ok(bytes)
}

/// Only a plain file that has no other name is served: another name could stand for a file of somebody else.
fn check_file(metadata: &Metadata) -> Result<(), &'static str> {
    if !metadata.is_file() {
        return Err("it is no regular file");
    }
    if metadata.nlink() > 1 {
        return Err("it has another name (a hard link)");
    }
    Ok(())
}

struct Scan<'s> {
    root: &'s Dir,
    limits: &'s SkillLimits,
    before: &'s Index,
    index: Index,
    entries: usize,
}

/// A file of a skill, not read yet.
struct Found {
    names: Vec<String>,
    metadata: Metadata,
}

impl Scan<'_> {
    /// Looks for skills in a folder that is none itself.
    fn search(&mut self, dir: &Dir, names: &mut Vec<String>) -> io::Result<()> {
        let children = self.children(dir, names)?;
        let has_skill_file = children.iter().any(|(name, entry)| name == SKILL_FILE && !is_folder(entry));
        if has_skill_file {
            match names.last().cloned() {
                Some(folder) => self.skill(dir, names, &folder),
                None => self.problem(names, "a skill needs a folder of its own below the root"),
            }
            return Ok(());
        }
        for (name, entry) in children.into_iter().filter(|(_, entry)| is_folder(entry)) {
            names.push(name);
            if names.len() > self.limits.depth_max {
                self.problem(names, "it is too deep");
            } else if let Err(error) = entry.open_dir().and_then(|dir| self.search(&dir, names)) {
                self.problem(names, &error.to_string());
            }
            names.pop();
        }
        Ok(())
    }

    /// Takes in a skill, or says why not.
    fn skill(&mut self, dir: &Dir, names: &[String], folder: &str) {
        if self.index.skills.len() >= self.limits.skills_max {
            return self.problem(names, &format!("there are {} skills already", self.limits.skills_max));
        }
        let mut found = Vec::new();
        let mut folders = vec![names.to_vec()];
        if let Err(problem) = self.collect(dir, &mut names.to_vec(), &mut found, &mut folders) {
            return self.problem(names, &problem);
        }
        if let Err(problem) = self.take_in(names, folder, &found, &folders) {
            self.problem(names, &problem);
        }
    }

    /// Finds every file and folder of a skill.
    fn collect(
        &mut self,
        dir: &Dir,
        names: &mut Vec<String>,
        found: &mut Vec<Found>,
        folders: &mut Vec<Vec<String>>,
    ) -> Result<(), String> {
        if names.len() > self.limits.depth_max {
            return Err("its folders are too deep".into());
        }
        for (name, entry) in self.children(dir, names).map_err(|error| error.to_string())? {
            names.push(name);
            if is_folder(&entry) {
                folders.push(names.clone());
                let dir = entry.open_dir().map_err(|error| error.to_string())?;
                self.collect(&dir, names, found, folders)?;
            } else {
                let metadata = entry.metadata().map_err(|error| error.to_string())?;
                match check_file(&metadata) {
                    Ok(()) => found.push(Found { names: names.clone(), metadata }),
                    Err(problem) => self.problem(names, problem),
                }
            }
            names.pop();
            if found.len() > self.limits.files_per_skill_max {
                return Err(format!("it has more than {} files", self.limits.files_per_skill_max));
            }
        }
        Ok(())
    }

    /// Reads what has changed of a skill's files, and puts all of it into the index.
    fn take_in(
        &mut self,
        names: &[String],
        folder: &str,
        found: &[Found],
        folders: &[Vec<String>],
    ) -> Result<(), String> {
        let bytes: u64 = found.iter().map(|file| file.metadata.len()).sum();
        if bytes > self.limits.skill_bytes_max {
            return Err(format!("its files are larger than {} bytes", self.limits.skill_bytes_max));
        }
        let files = found.iter().map(|file| self.file(file)).collect::<Result<Vec<_>, _>>()?;
        let skill_uri = uri::uri_of(&[names, &[SKILL_FILE.to_owned()]].concat());
        let main =
            files.iter().find(|(uri, _)| *uri == skill_uri).ok_or("its SKILL.md is no file of its own")?;
        let front_matter = self.front_matter(&skill_uri, &main.1, folder)?;
        let resource = |(uri, file): &(String, File)| json!({"uri": uri, "digest": &*file.digest, "size": file.stamp.size});
        let resources: Vec<_> = files.iter().map(resource).collect();
        let entry = json!({"uri": skill_uri, "frontmatter": front_matter.whole, "resources": resources});
        let skill = Skill {
            uri: skill_uri.clone(),
            name: front_matter.name,
            description: front_matter.description,
            size: main.1.stamp.size,
            entry: Arc::new(entry),
        };
        self.index.skills.insert(skill_uri, skill);
        self.list_folders(folders, found);
        self.index.files.extend(files);
        Ok(())
    }

    /// What stands in each folder, as resources.
    fn list_folders(&mut self, folders: &[Vec<String>], found: &[Found]) {
        for names in folders {
            self.index.directories.insert(uri::uri_of(names), std::collections::BTreeMap::new());
        }
        let in_a_skill = |names: &[String]| uri::uri_of(&names[..names.len() - 1]);
        let folders = folders.iter().skip(1).map(|names| (names, media::DIRECTORY, None));
        let files = found.iter().map(|file| {
            let mime_type = file.names.last().map_or("", |name| media::media_type(name));
            (&file.names, mime_type, Some(file.metadata.len()))
        });
        for (names, mime_type, size) in folders.chain(files) {
            let Some(name) = names.last() else { continue };
            let mut child = json!({"uri": uri::uri_of(names), "name": name, "mimeType": mime_type});
            if let Some(size) = size {
                child["size"] = Value::from(size);
            }
            if let Some(children) = self.index.directories.get_mut(&in_a_skill(names)) {
                children.insert(name.clone(), child);
            }
        }
    }

    /// A file with its digest, which is reckoned anew only when the file has changed.
    fn file(&self, found: &Found) -> Result<(String, File), String> {
        let uri = uri::uri_of(&found.names);
        let path: PathBuf = found.names.iter().collect();
        let modified = found.metadata.modified().map_err(|error| error.to_string())?.into_std();
        let mut stamp = Stamp { size: found.metadata.len(), modified, inode: found.metadata.ino() };
        let known = self.before.files.get(&uri).filter(|known| known.stamp == stamp);
        let digest = match known {
            Some(known) => Arc::clone(&known.digest),
            None => {
                let bytes = read_file(self.root, &path, self.limits.skill_bytes_max)?;
                // What was read counts, should it have grown meanwhile.
                stamp.size = bytes.len() as u64;
                digest_of(&bytes)
            }
        };
        let mime_type = found.names.last().map_or("", |name| media::media_type(name));
        Ok((uri, File { path, mime_type, stamp, digest }))
    }

    fn front_matter(
        &self,
        uri: &str,
        file: &File,
        folder: &str,
    ) -> Result<front_matter::FrontMatter, String> {
        let is_known = self.before.files.get(uri).is_some_and(|known| known.digest == file.digest);
        if let Some(known) = self.before.skills.get(uri).filter(|_| is_known) {
            let whole = known.entry["frontmatter"].clone();
            let (name, description) = (known.name.clone(), known.description.clone());
            return Ok(front_matter::FrontMatter { name, description, whole });
        }
        let bytes = read_file(self.root, &file.path, self.limits.skill_bytes_max)?;
        if digest_of(&bytes) != file.digest {
            return Err("it changes while it is read; the next look finds it".into());
        }
        front_matter::read(&bytes, folder, self.limits.front_matter_bytes_max)
    }

    /// What may be served of a folder's children, in the order of their names.
    fn children(&mut self, dir: &Dir, names: &[String]) -> io::Result<Vec<(String, DirEntry)>> {
        let mut children = Vec::new();
        for entry in dir.entries()? {
            self.entries += 1;
            if self.entries > self.limits.entries_max {
                return Err(io::Error::other(format!(
                    "there are more than {} files and folders",
                    self.limits.entries_max
                )));
            }
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                self.problem(names, "a name in it is not UTF-8");
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_symlink() {
                self.problem(&[names, &[name]].concat(), "it is a symbolic link");
                continue;
            }
            children.push((name, entry));
        }
        children.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(children)
    }

    fn problem(&mut self, names: &[String], problem: &str) {
        let place = if names.is_empty() { ".".to_owned() } else { names.join("/") };
        self.index.problems.insert(format!("{place:?}: {problem}"));
    }
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

fn digest_of(bytes: &[u8]) -> Arc<str> {
    use std::fmt::Write as _;
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        write!(digest, "{byte:02x}").expect("text takes whatever is written to it");
    }
    digest.into()
}
