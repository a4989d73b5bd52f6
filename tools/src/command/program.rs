//! The program, its directory and its environment, looked at when the section is opened: what can't run is refused
//! then, and not in somebody's call.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::settings::Settings;
use crate::part::{Opening, PartError};
use crate::setting::Secret;

/// Programs that read a program from their arguments. With one of them, a parameter is a script.
const SHELLS: [&str; 12] =
    ["sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "mksh", "pwsh", "tcsh", "zsh"];

/// The bits of a file's mode that make its program run as the file's owner or group.
const SET_USER_ID: u32 = 0o4000;
const SET_GROUP_ID: u32 = 0o2000;

/// What is started, and where.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) directory: PathBuf,
    pub(super) env: BTreeMap<String, Secret>,
}

impl Program {
    /// Looks at everything that a start needs.
    pub(super) fn check(settings: &Settings, opening: &Opening) -> Result<Self, PartError> {
        check_program(&settings.program).map_err(|problem| PartError::at("program", problem))?;
        let directory = settings.directory.as_deref().unwrap_or(Path::new("."));
        let directory = std::path::absolute(opening.path(directory))
            .map_err(|error| PartError::at("directory", format!("can't be made absolute: {error}")))?;
        if !directory.is_dir() {
            let problem = format!("there is no directory {}", directory.display());
            return Err(PartError::at("directory", problem));
        }
        for (name, value) in &settings.env {
            let key = format!("env.{name}");
            if name.is_empty() || name.contains(['=', '\0']) || value.reveal().contains('\0') {
                let problem = "a name has neither `=` nor U+0000 and is not empty; a value has no U+0000";
                return Err(PartError::at(key, problem));
            }
            let placeholder = |parameter: &&String| value.reveal().contains(&format!("{{{parameter}}}"));
            if let Some(parameter) = settings.parameters.keys().find(placeholder) {
                let problem =
                    format!("`{{{parameter}}}` can't stand here: no parameter reaches the environment");
                return Err(PartError::at(key, problem));
            }
        }
        Ok(Self { path: settings.program.clone(), directory, env: settings.env.clone() })
    }
}

fn check_program(program: &Path) -> Result<(), String> {
    let shown = program.display();
    if !program.is_absolute() {
        return Err(format!("`{shown}` must be an absolute path: nothing is looked for in PATH"));
    }
    let metadata = std::fs::metadata(program).map_err(|error| format!("`{shown}`: {error}"))?;
    if !metadata.is_file() || access(program, Access::EXEC_OK).is_err() {
        return Err(format!("`{shown}` is no file that may be executed"));
    }
    if metadata.mode() & (SET_USER_ID | SET_GROUP_ID) != 0 {
        return Err(format!(
            "`{shown}` runs as somebody else (set-user-ID): it could not be bounded or killed"
        ));
    }
    // Also where a link of another name leads to one.
    let resolved = program.canonicalize().map_err(|error| format!("`{shown}`: {error}"))?;
    let is_shell =
        |path: &Path| path.file_name().is_some_and(|name| SHELLS.iter().any(|shell| name == *shell));
    if is_shell(program) || is_shell(&resolved) {
        return Err(format!(
            "`{shown}` is a shell; name the program that it would run, or a script of your own"
        ));
    }
    Ok(())
}
