//! A directory of skills as a part of a server that a config file describes.

use std::path::PathBuf;
use std::sync::Arc;

use impresario_engine::{Offer, Runtime};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Skills;
use super::following::Following;
use crate::part::{Opening, Part, PartError, SharedPart};

/// A directory of skills, served as resources and by the Skills extension.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The directory with the skills: folders with a SKILL.md.
    pub directory: PathBuf,
}

/// Opens the directory.
///
/// # Errors
/// When there is no such directory, or it can't be read.
pub async fn open(settings: Settings, opening: &Opening) -> Result<SharedPart, PartError> {
    let directory = opening.path(&settings.directory);
    let problem = |what: String| {
        PartError::at(
            "directory",
            format!("can't read the skills in {}: {what}; name a directory", directory.display()),
        )
    };
    let opened = directory.clone();
    let opened = tokio::task::spawn_blocking(move || Skills::open(opened)).await;
    let skills =
        opened.map_err(|error| problem(error.to_string()))?.map_err(|error| problem(error.to_string()))?;
    tracing::info!(skills = skills.len(), directory = %directory.display(), "serving skills");
    let following = Following::new(skills.shelf.index());
    Ok(Arc::new(SkillsPart { skills, following }))
}

struct SkillsPart {
    skills: Skills,
    following: Following,
}

impl Part for SkillsPart {
    fn offer(&self) -> Offer {
        let offered = self.following.offered().unwrap_or_else(|| self.skills.shelf.index());
        self.skills.offer_of(&offered)
    }

    fn follow(&self, runtime: &Runtime) -> Result<(), PartError> {
        let begun = self.following.begin(&self.skills, runtime);
        begun.map_err(|error| PartError::at("directory", format!("can't be followed: {error}")))
    }
}

impl Drop for SkillsPart {
    fn drop(&mut self) {
        self.following.end();
    }
}
