//! The tools that change nothing.

use std::sync::Arc;

use impresario_engine::{Json, NoArguments, ToolSpec};
use schemars::JsonSchema;
use serde::Serialize;

use super::spec::{Told, reader};
use crate::files::arguments::{
    AtPath, DirectoryTree, ListWithSizes, ReadFile, ReadMultipleFiles, SearchFiles,
};
use crate::files::ground::Ground;
use crate::files::search::Query;
use crate::files::settings::Access;
use crate::files::{info, list, read, search};

pub(super) fn read_file(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "read_file", |ground, asked: ReadFile, ctx| {
        let place = ground.locate(&asked.path)?;
        let held = read::read(ground, &place, asked.lines()?, &|| ctx.is_cancelled())?;
        Ok(held.into_content(&place))
    })
    .title("Read file")
    .description(
        "Read a file as what it is: text, an image, a sound, or else its bytes. Of a text, head, tail, or offset and limit \
         read some lines only.",
    )
}

pub(super) fn read_text_file(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "read_text_file", |ground, asked: ReadFile, ctx| {
        let place = ground.locate(&asked.path)?;
        Ok(read::read_text(ground, &place, asked.lines()?, &|| ctx.is_cancelled())?)
    })
    .title("Read text file")
    .description(
        "Read a file as UTF-8 text, whatever its name. head, tail, or offset and limit read some lines only.",
    )
}

pub(super) fn read_media_file(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "read_media_file", |ground, asked: AtPath, ctx| {
        let place = ground.locate(&asked.path)?;
        let held = read::read_media(ground, &place, &|| ctx.is_cancelled())?;
        Ok(held.into_content(&place))
    })
    .title("Read media file")
    .description("Read a whole file as an image, a sound, or an embedded resource with its bytes, with its media type.")
}

pub(super) fn read_multiple_files(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "read_multiple_files", |ground, asked: ReadMultipleFiles, ctx| {
        Ok(read::read_several(ground, &asked.paths, &|| ctx.is_cancelled())?)
    })
    .title("Read multiple files")
    .description("Read several files at once, each with its path before it. One that can't be read does not keep the others.")
}

pub(super) fn list_directory(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "list_directory", |ground, asked: AtPath, _ctx| {
        let listing = list::list(ground, &ground.locate(&asked.path)?, None)?;
        Ok(Told { text: listing.to_text(), data: listing })
    })
    .title("List directory")
    .description("List what stands in a directory, with [DIR], [FILE] or [LINK] before each name.")
}

pub(super) fn list_directory_with_sizes(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "list_directory_with_sizes", |ground, asked: ListWithSizes, _ctx| {
        let listing = list::list(ground, &ground.locate(&asked.path)?, Some(asked.sort_by))?;
        Ok(Told { text: listing.to_text_with_sizes(), data: listing })
    })
    .title("List directory with sizes")
    .description("List what stands in a directory, with the sizes of files and their sum.")
}

pub(super) fn directory_tree(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "directory_tree", |ground, asked: DirectoryTree, ctx| {
        let place = ground.locate(&asked.path)?;
        let tree = list::tree(ground, &place, &asked.exclude_patterns, &|| ctx.is_cancelled())?;
        Ok(Json(tree))
    })
    .title("Directory tree")
    .description(
        "All that stands below a directory, as a tree in JSON: name, type, and the children of directories.",
    )
}

pub(super) fn search_files(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "search_files", |ground, asked: SearchFiles, ctx| {
        let query = Query {
            pattern: asked.pattern.as_deref(),
            exclude: &asked.exclude_patterns,
            content: asked.content.as_deref(),
        };
        let looked = |count: usize| ctx.progress(count as f64, None, Some("searching"));
        let place = ground.locate(&asked.path)?;
        let found = search::search(ground, &place, &query, &|| ctx.is_cancelled(), &looked)?;
        Ok(Told { text: found.to_text(), data: found })
    })
    .title("Search files")
    .description(
        "Find files and directories below a directory by a glob on their paths, and lines of text files by a regular \
         expression. Returns absolute paths.",
    )
}

/// Offered under two names: the reference server's, and the one that other servers and guides use.
pub(super) fn file_info(ground: &Arc<Ground>, name: &str) -> ToolSpec {
    reader(ground, name, |ground, asked: AtPath, _ctx| {
        let info = info::info(ground, &ground.locate(&asked.path)?)?;
        Ok(Told { text: info.to_text(), data: info })
    })
    .title("File info")
}

/// The folders that are served.
#[derive(Debug, Serialize, JsonSchema)]
struct Allowed {
    directories: Vec<AllowedDirectory>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AllowedDirectory {
    path: String,
    /// What relative paths begin with, when there are several directories
    name: String,
    /// read-only or read-write
    access: &'static str,
}

pub(super) fn list_allowed_directories(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "list_allowed_directories", |ground, _: NoArguments, _ctx| {
        let access = |access| match access {
            Access::ReadOnly => "read-only",
            Access::ReadWrite => "read-write",
        };
        let directories: Vec<_> = ground
            .roots
            .iter()
            .map(|root| AllowedDirectory {
                path: root.path.clone(),
                name: root.name.clone(),
                access: access(root.access),
            })
            .collect();
        let line = |directory: &AllowedDirectory| {
            format!("\n{} ({}, {})", directory.path, directory.name, directory.access)
        };
        let text = format!("Allowed directories:{}", directories.iter().map(line).collect::<String>());
        Ok(Told { text, data: Allowed { directories } })
    })
    .title("List allowed directories")
    .description("The directories below which files may be reached, and whether they may be written.")
}
