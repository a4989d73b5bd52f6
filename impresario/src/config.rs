//! A server from a file: what may stand there, what it means, and how a running server follows it.
//!
//! `load` finds the files and makes a [`node`] tree of them, `merge` puts them and the environment together,
//! `interpolate` puts in what `${…}` stands for, and `read` makes settings of the sections, with everything that is
//! wrong and where. What comes out is a [`Config`]. A [`house`] is what it describes, opened; `reload` brings a house
//! up to date by its difference to another config. No value that was put in ever comes out again (`veil`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::spelling::LimitSetting;
use environment::Environment;
use node::{Node, Value};
use overlay::Overlay;
use packs::PartSettings;
use place::{Origin, Place, SourceFile};
use problem::{Problem, Problems};
use sections::{READ, Sections};
use settings::{Cache, Pool, Server};
use veil::Veil;

pub(crate) mod admin;
pub(crate) mod difference;
pub(crate) mod environment;
mod fingerprint;
pub(crate) mod house;
mod interpolate;
mod keep;
mod load;
mod merge;
mod nearest;
mod node;
mod overlay;
mod packs;
pub(crate) mod place;
pub(crate) mod problem;
mod read;
pub(crate) mod reload;
pub(crate) mod schema;
mod sections;
pub(crate) mod settings;
mod veil;
pub(crate) mod watch;

/// Where a configuration comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    /// The file, or the directory of files; without one the environment and flags say everything.
    pub(crate) path: Option<PathBuf>,
    pub(crate) environment: Environment,
    /// Packs that flags name.
    pub(crate) packs: Vec<String>,
    /// The directory of skills that a flag names.
    pub(crate) skills: Option<PathBuf>,
}

/// A configuration in which nothing is wrong.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) limits: Vec<LimitSetting>,
    pub(crate) pools: BTreeMap<String, Pool>,
    pub(crate) cache: Cache,
    /// In the order of the file.
    pub(crate) parts: Vec<PartConfig>,
    pub(crate) overlays: BTreeMap<String, Overlay>,
    /// All of it, as it is written.
    pub(crate) root: Node,
    /// The config files.
    pub(crate) files: Vec<SourceFile>,
    /// Files that texts were made of.
    pub(crate) secret_files: Vec<PathBuf>,
    pub(crate) veil: Veil,
}

/// A part as the file describes it.
#[derive(Clone)]
pub(crate) struct PartConfig {
    /// The key of its section.
    pub(crate) key: String,
    pub(crate) settings: PartSettings,
    /// Where its relative paths begin.
    pub(crate) directory: PathBuf,
}

impl std::fmt::Debug for PartConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PartConfig").field(&self.key).finish()
    }
}

impl Source {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(crate) fn load(&self) -> Result<Config, Problems> {
        let files = self.path.as_deref().map_or_else(|| Ok(Vec::new()), load::files)?;
        self.of(files)
    }

    /// The config files, as they are.
    pub(crate) fn files(&self) -> Result<Vec<SourceFile>, Problems> {
        self.path.as_deref().map_or_else(|| Ok(Vec::new()), load::files)
    }

    /// The admin socket that the files or the environment name.
    ///
    /// # Errors
    /// When the files can't be read. What else is wrong with them is no matter here.
    pub(crate) fn admin(&self) -> Result<Option<PathBuf>, Problems> {
        let files = self.files()?;
        let directory = files.first().map_or(Path::new(""), |file| file.directory()).to_owned();
        let mut root = Node::empty();
        for file in files {
            merge::beside(&mut root, load::tree(file)?)?;
        }
        let (mut used, _) = interpolate::fill(&mut root, &self.environment);
        if let Ok(layer) = self.environment.layer(&root, &used.variables, &mut used.veil) {
            merge::over(&mut root, layer);
        }
        let written = root.get("server").and_then(|server| server.get("admin"));
        let Some(Value::Text(text)) = written.map(|node| &node.value) else { return Ok(None) };
        Ok(crate::spelling::unix_path(text.meaning()).ok().map(|path| absolute(&directory).join(path)))
    }

    /// Checks these files, with the environment and the flags of this source.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(crate) fn of(&self, files: Vec<SourceFile>) -> Result<Config, Problems> {
        let mut problems = Problems::default();
        let mut root = Node::empty();
        for file in &files {
            if let Some(tree) = problems.take(load::tree(file.clone())) {
                problems.take(merge::beside(&mut root, tree));
            }
        }
        // What can't be read could be anything: what follows from its absence is no news.
        let mut root = problems.or(root)?;
        let mut problems = Problems::default();
        let (mut used, filled) = interpolate::fill(&mut root, &self.environment);
        problems.take(filled);
        if let Some(layer) = problems.take(self.environment.layer(&root, &used.variables, &mut used.veil)) {
            merge::over(&mut root, layer);
        }
        let flags = self.flags(&root);
        merge::over(&mut root, flags);
        let veil = used.veil.clone();
        let directory = files.first().map_or(Path::new(""), |file| file.directory()).to_owned();
        let sections = Sections { root: &root, directory: &directory, is_whole: problems.is_empty() };
        let read = problems.take(sections.read());
        let all = problems.or(()).map_err(|problems| problems.map_text(|text| veil.over(text)));
        let mut config = all.map(|()| read.expect(READ))?;
        (config.root, config.files, config.secret_files, config.veil) = (root, files, used.files, veil);
        Ok(config)
    }

    /// What the flags say, as a tree to put over the file.
    fn flags(&self, root: &Node) -> Node {
        let mut layer = Node::empty();
        let place = |flag| Place::new(&Arc::new(Origin::Flag(flag)), 0..0);
        let Some(table) = layer.as_table_mut() else { return layer };
        let demo = impresario_tools::PACKS.iter().map(|pack| pack.name.to_owned());
        let says_nothing = self.path.is_none() && self.packs.is_empty() && root.get("packs").is_none();
        let packs: Vec<_> = if says_nothing { demo.collect() } else { self.packs.clone() };
        for pack in packs {
            let place = place("--pack");
            table.table_at("packs", &place).as_table_mut().map(|packs| packs.table_at(&pack, &place));
        }
        if let Some(directory) = &self.skills {
            let place = place("--skills");
            // A path of the command line begins where the command is run.
            let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.clone());
            let text = Value::Text(node::Text::plain(directory.to_string_lossy()));
            let packs = table.table_at("packs", &place).as_table_mut();
            let skills = packs.and_then(|packs| packs.table_at("skills", &place).as_table_mut());
            if let Some(skills) = skills {
                skills.set("directory", text, &place);
            }
        }
        layer
    }
}

impl Config {
    /// The place of a key such as `packs.http.weather.roots[1].path`, or of the nearest around it.
    pub(crate) fn place(&self, key: &str) -> Option<Place> {
        let steps = node::steps(key);
        (1..=steps.len()).rev().find_map(|len| self.root.place_of(&steps[..len]))
    }

    /// A problem of that key, without anything that was put in.
    pub(crate) fn problem(&self, key: &str, message: &str) -> Problem {
        let problem = Problem::new(self.veil.over(message)).key(key);
        match self.place(key) {
            Some(place) => problem.at(&place),
            None => problem,
        }
    }
}

/// The same directory, wherever the process goes.
fn absolute(directory: &Path) -> PathBuf {
    let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    std::path::absolute(here).unwrap_or_else(|_| directory.to_owned())
}

#[cfg(test)]
mod tests;
