//! The pack `skills`: a directory of skills, served as resources and by the Skills extension (SEP-2640).
//!
//! A skill is a folder with a `SKILL.md` that begins with YAML front matter, and whatever files stand beside it.
//! Each file is a resource below `skill://`, `skills/list` and `skills/get` describe whole skills with the digest
//! and size of every file, and `resources/directory/read` lists folders. Only what a scan has found can be read:
//! no request names a path. Nothing outside of the directory is opened, whatever links stand in it.
//!
//! ```no_run
//! use impresario_engine::Runtime;
//! use impresario_tools::skills::Skills;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let skills = Skills::open("./skills")?;
//! let runtime = Runtime::builder().offer(skills.offer()).start()?;
//! skills.follow(&runtime)?;
//! # Ok(())
//! # }
//! ```

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use impresario_engine::{
    CacheHint, CacheScope, ExtensionParams, ExtensionResult, ExtensionSpec, McpError, Offer,
    ResourceContents, ResourceEntry, ResourceSpec, Runtime, Shared, TemplateSpec,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::media;
use following::Following;
use index::{Index, Skill};

pub use part::{Settings, open};

mod following;
mod front_matter;
mod index;
mod page;
mod part;
mod scan;
mod uri;

/// The extension's identifier.
const EXTENSION: &str = "io.modelcontextprotocol/skills";

/// Files that are read at once; whoever comes later waits, within the timeout of its call.
const READS_MAX: usize = 8;

/// What was scanned so long ago is scanned again before it is described.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Bounds of what is served; what exceeds one is left out, and the log says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillLimits {
    /// Skills.
    pub skills_max: usize,
    /// Files of one skill, its `SKILL.md` among them.
    pub files_per_skill_max: usize,
    /// Bytes of all files of one skill.
    pub skill_bytes_max: u64,
    /// Bytes of one front matter.
    pub front_matter_bytes_max: usize,
    /// Folders inside each other.
    pub depth_max: usize,
    /// Files and folders that one scan looks at.
    pub entries_max: usize,
}

impl Default for SkillLimits {
    fn default() -> Self {
        Self {
            skills_max: 1_000,
            files_per_skill_max: 512,
            skill_bytes_max: 16 * 1024 * 1024,
            front_matter_bytes_max: 64 * 1024,
            depth_max: 16,
            entries_max: 100_000,
        }
    }
}

/// A directory of skills. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Skills {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    /// Everything is opened through this handle, which leads nowhere else.
    root: Dir,
    limits: SkillLimits,
    scanned: std::sync::Mutex<Scanned>,
    reads: Semaphore,
}

/// What the last scan found.
#[derive(Debug)]
struct Scanned {
    index: Arc<Index>,
    at: Instant,
}

impl Skills {
    /// The skills in that directory, as they are now.
    ///
    /// # Errors
    /// When there is no such directory, or it can't be read.
    pub fn open(directory: impl AsRef<Path>) -> std::io::Result<Self> {
        Self::open_with(directory, SkillLimits::default())
    }

    /// The same, with other bounds.
    ///
    /// # Errors
    /// When there is no such directory, or it can't be read.
    pub fn open_with(directory: impl AsRef<Path>, limits: SkillLimits) -> std::io::Result<Self> {
        let root = Dir::open_ambient_dir(directory, ambient_authority())?;
        let index = Arc::new(scan::scan(&root, &limits, &Index::default())?);
        index.tell_problems(&Index::default());
        let scanned = std::sync::Mutex::new(Scanned { index, at: Instant::now() });
        Ok(Self { shelf: Arc::new(Shelf { root, limits, scanned, reads: Semaphore::new(READS_MAX) }) })
    }

    /// How many skills there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shelf.index().skills.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is offered: the extension, each `SKILL.md` as a listed resource, and every other file to be read.
    #[must_use]
    pub fn offer(&self) -> Offer {
        self.offer_of(&self.shelf.index())
    }

    fn offer_of(&self, index: &Index) -> Offer {
        let listed =
            index.skills.values().fold(Offer::default(), |offer, skill| offer.resource(self.resource(skill)));
        listed.resource(self.template()).extension(self.extension())
    }

    /// Keeps what the runtime offers as the directory is: looks every two seconds, lists what came and unlists
    /// what went, and tells subscribers which files have changed. Ends with the runtime.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn follow(&self, runtime: &Runtime) -> std::io::Result<()> {
        Following::new(self.shelf.index()).begin(self, runtime)
    }

    /// Scans, and makes what is offered the same. `offered` is what was offered before; returns what is now.
    fn bring_up_to_date(&self, shared: &Shared, offered: &Arc<Index>) -> Arc<Index> {
        self.shelf.rescan(Duration::ZERO);
        let now = self.shelf.index();
        let changes = now.since(offered);
        for uri in changes.unlisted {
            shared.registry.remove_resource(&uri);
        }
        for skill in changes.listed {
            if let Err(error) = shared.registry.add_resource(ResourceEntry::Resource(self.resource(&skill))) {
                tracing::warn!(%error, "a skill can't be listed");
            }
        }
        for uri in changes.updated {
            shared.hub.resource_updated(&uri);
        }
        now
    }

    fn resource(&self, skill: &Skill) -> ResourceSpec {
        let (shelf, uri) = (Arc::clone(&self.shelf), skill.uri.clone());
        ResourceSpec::new(&skill.uri, &skill.name, move |_ctx| read(Arc::clone(&shelf), uri.clone()))
            .description(&skill.description)
            .mime_type(media::MARKDOWN)
            .size(skill.size)
    }

    fn template(&self) -> TemplateSpec {
        let shelf = Arc::clone(&self.shelf);
        TemplateSpec::new("skill://{+path}", "skill file", move |variables, _ctx| {
            let uri = format!("{}{}", uri::SCHEME, variables.get("path").unwrap_or_default());
            read(Arc::clone(&shelf), uri)
        })
        .description("A file of a skill, as `skills/list` and `skills/get` name it.")
    }

    fn extension(&self) -> ExtensionSpec {
        let method = |answer: fn(&Index, &ExtensionParams) -> Result<Answer, McpError>| {
            let shelf = Arc::clone(&self.shelf);
            move |params: ExtensionParams, _ctx| describe(Arc::clone(&shelf), params, answer)
        };
        ExtensionSpec::new(EXTENSION)
            .setting("directoryRead", true)
            .method("skills/list", method(list))
            .method("skills/get", method(get))
            .method("resources/directory/read", method(read_directory))
    }
}

impl Shelf {
    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.scanned().index)
    }

    fn scanned(&self) -> std::sync::MutexGuard<'_, Scanned> {
        self.scanned.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Scans again what was scanned longer ago than that. Blocks; one scan runs at a time.
    fn rescan(&self, fresh_for: Duration) {
        let mut scanned = self.scanned();
        if scanned.at.elapsed() < fresh_for {
            return;
        }
        match scan::scan(&self.root, &self.limits, &scanned.index) {
            Ok(index) => {
                index.tell_problems(&scanned.index);
                scanned.index = Arc::new(index);
            }
            Err(error) => tracing::warn!(%error, "the directory of skills can't be read; what it had stays"),
        }
        scanned.at = Instant::now();
    }

    /// The contents of a file that the last scan found.
    fn read(&self, uri: &str) -> Result<ResourceContents, McpError> {
        let index = self.index();
        let file = index.files.get(uri).ok_or_else(|| McpError::resource_not_found(uri))?;
        let bytes =
            scan::read_file(&self.root, &file.path, self.limits.skill_bytes_max).map_err(|problem| {
                tracing::warn!(%uri, %problem, "a skill's file can't be read any more");
                McpError::resource_not_found(uri)
            })?;
        let contents = match String::from_utf8(bytes) {
            Ok(text) => ResourceContents::text(uri, text),
            Err(error) => ResourceContents::blob(uri, error.into_bytes()),
        };
        Ok(contents.with_mime_type(file.mime_type))
    }
}

/// Reads a file on a thread that may block.
async fn read(shelf: Arc<Shelf>, uri: String) -> Result<ResourceContents, McpError> {
    blocking(shelf, move |shelf| shelf.read(&uri)).await
}

/// Does something that blocks, at most so many at once.
async fn blocking<T: Send + 'static>(
    shelf: Arc<Shelf>,
    work: impl FnOnce(&Shelf) -> Result<T, McpError> + Send + 'static,
) -> Result<T, McpError> {
    let Ok(_place) = shelf.reads.acquire().await else { return Err(McpError::internal()) };
    let worker = Arc::clone(&shelf);
    tokio::task::spawn_blocking(move || work(&worker))
        .await
        .unwrap_or_else(|_panicked| Err(McpError::internal()))
}

/// What a method of the extension answers, and whether the protocol's caching attributes go with it.
struct Answer(Value, Option<CacheHint>);

/// What may be kept: as long as a scan holds, by anybody.
const FRESH: CacheHint = CacheHint { ttl_ms: 1_000, cache_scope: CacheScope::Public };

async fn describe(
    shelf: Arc<Shelf>,
    params: ExtensionParams,
    answer: fn(&Index, &ExtensionParams) -> Result<Answer, McpError>,
) -> Result<ExtensionResult, McpError> {
    let Answer(answer, cache) = blocking(shelf, move |shelf| {
        shelf.rescan(FRESH_FOR);
        answer(&shelf.index(), &params)
    })
    .await?;
    let Value::Object(members) = answer else { return Err(McpError::internal()) };
    Ok(ExtensionResult { members, cache })
}

fn list(index: &Index, params: &ExtensionParams) -> Result<Answer, McpError> {
    let after = page::after("skills/list", params)?;
    // A skill's entry is never split: a page ends after the one that fills it.
    let (page, next) = page::page(&index.skills, after.as_deref(), |skill| skill.resources_len());
    let skills: Vec<_> = page.into_iter().map(|skill| Value::clone(&skill.entry)).collect();
    Ok(Answer(page::with_cursor(json!({ "skills": skills }), "skills/list", next), Some(FRESH)))
}

fn get(index: &Index, params: &ExtensionParams) -> Result<Answer, McpError> {
    let uri = params.text("uri")?;
    let skill = index.skills.get(uri).ok_or_else(|| unknown("skill", uri))?;
    Ok(Answer(json!({ "skill": *skill.entry }), Some(FRESH)))
}

fn read_directory(index: &Index, params: &ExtensionParams) -> Result<Answer, McpError> {
    const METHOD: &str = "resources/directory/read";
    let uri = params.text("uri")?;
    let name = uri.strip_suffix('/').unwrap_or(uri);
    let children = index.directories.get(name).ok_or_else(|| unknown("directory", uri))?;
    let after = page::after(METHOD, params)?;
    let (page, next) = page::page(children, after.as_deref(), |_child| 1);
    let resources: Vec<_> = page.into_iter().cloned().collect();
    Ok(Answer(page::with_cursor(json!({ "resources": resources }), METHOD, next), Some(FRESH)))
}

fn unknown(what: &str, uri: &str) -> McpError {
    let shown: String = uri.chars().take(200).collect();
    McpError::invalid_params(format!(
        "no {what} of a skill stands at {shown:?}; skills/list names what there is"
    ))
}

#[cfg(test)]
mod tests;
