//! The tools as clients see them: names, descriptions, hints, and what each calls.
//!
//! All of them block, so all run on threads of a blocking pool. Those that write are offered only where something may be
//! written.

use std::sync::Arc;

use impresario_engine::{
    Content, Context, IntoToolResult, Json, NoArguments, Offer, ToolAnnotations, ToolError, ToolResult,
    ToolSpec,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::{
    AtPath, DirectoryTree, EditFile, ListWithSizes, MoveFile, ReadFile, ReadMultipleFiles, SearchFiles,
    WriteFile,
};
use super::ground::Ground;
use super::info::Info;
use super::list::{Listing, Tree};
use super::roots::Place;
use super::search::{Matches, Query};
use super::settings::Access;
use super::{arrange, edit, info, list, read, search, write};

/// Every tool that these roots allow.
pub(super) fn tools(ground: &Arc<Ground>) -> Offer {
    let readers = [
        read_file(ground),
        read_text_file(ground),
        read_media_file(ground),
        read_multiple_files(ground),
        list_directory(ground),
        list_directory_with_sizes(ground),
        directory_tree(ground),
        search_files(ground),
        file_info(ground, "get_file_info").description("What is known of a file or directory without reading it: size, times, type, permissions, media type."),
        file_info(ground, "file_info").description("The same as get_file_info."),
        list_allowed_directories(ground),
    ];
    let offer = readers.into_iter().fold(Offer::default(), Offer::tool);
    if !ground.roots.any_writable() {
        return offer;
    }
    [write_file(ground), edit_file(ground), create_directory(ground), move_file(ground)]
        .into_iter()
        .fold(offer, Offer::tool)
}

/// A tool's text for clients that read no data, and its data for those that do.
struct Told<T> {
    text: String,
    data: T,
}

impl<T: Serialize + JsonSchema> IntoToolResult for Told<T> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        let result = Json(self.data).into_tool_result()?;
        Ok(ToolResult { content: vec![Content::text(self.text)], ..result })
    }

    fn output_schema() -> Option<serde_json::Value> {
        Json::<T>::output_schema()
    }
}

/// A tool that changes nothing.
fn reader<A, R>(
    ground: &Arc<Ground>,
    name: &str,
    run: impl Fn(&Ground, A, &Context) -> Result<R, ToolError> + Send + Sync + 'static,
) -> ToolSpec
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoToolResult,
{
    let hints = ToolAnnotations {
        read_only_hint: Some(true),
        open_world_hint: Some(false),
        ..ToolAnnotations::default()
    };
    tool(ground, name, run).annotations(hints)
}

/// A tool that changes something.
fn writer<A, R>(
    ground: &Arc<Ground>,
    name: &str,
    (is_destructive, is_idempotent): (bool, bool),
    run: impl Fn(&Ground, A, &Context) -> Result<R, ToolError> + Send + Sync + 'static,
) -> ToolSpec
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoToolResult,
{
    tool(ground, name, run).annotations(ToolAnnotations {
        title: None,
        read_only_hint: Some(false),
        destructive_hint: Some(is_destructive),
        idempotent_hint: Some(is_idempotent),
        open_world_hint: Some(false),
    })
}

fn tool<A, R>(
    ground: &Arc<Ground>,
    name: &str,
    run: impl Fn(&Ground, A, &Context) -> Result<R, ToolError> + Send + Sync + 'static,
) -> ToolSpec
where
    A: DeserializeOwned + JsonSchema + 'static,
    R: IntoToolResult,
{
    let ground = Arc::clone(ground);
    ToolSpec::blocking(name, move |arguments: A, ctx| run(&ground, arguments, &ctx))
}

fn read_file(ground: &Arc<Ground>) -> ToolSpec {
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

fn read_text_file(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "read_text_file", |ground, asked: ReadFile, ctx| {
        let place = ground.locate(&asked.path)?;
        Ok(read::read_text(ground, &place, asked.lines()?, &|| ctx.is_cancelled())?)
    })
    .title("Read text file")
    .description(
        "Read a file as UTF-8 text, whatever its name. head, tail, or offset and limit read some lines only.",
    )
}

fn read_media_file(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "read_media_file", |ground, asked: AtPath, ctx| {
        let place = ground.locate(&asked.path)?;
        let held = read::read_media(ground, &place, &|| ctx.is_cancelled())?;
        Ok(held.into_content(&place))
    })
    .title("Read media file")
    .description("Read a whole file as an image, a sound, or an embedded resource with its bytes, with its media type.")
}

fn read_multiple_files(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "read_multiple_files", |ground, asked: ReadMultipleFiles, ctx| {
        Ok(read::read_several(ground, &asked.paths, &|| ctx.is_cancelled())?)
    })
    .title("Read multiple files")
    .description("Read several files at once, each with its path before it. One that can't be read does not keep the others.")
}

fn list_directory(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "list_directory", |ground, asked: AtPath, _ctx| {
        let listing: Listing = list::list(ground, &ground.locate(&asked.path)?, None)?;
        Ok(Told { text: listing.to_text(), data: listing })
    })
    .title("List directory")
    .description("List what stands in a directory, with [DIR], [FILE] or [LINK] before each name.")
}

fn list_directory_with_sizes(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "list_directory_with_sizes", |ground, asked: ListWithSizes, _ctx| {
        let listing: Listing = list::list(ground, &ground.locate(&asked.path)?, Some(asked.sort_by))?;
        Ok(Told { text: listing.to_text_with_sizes(), data: listing })
    })
    .title("List directory with sizes")
    .description("List what stands in a directory, with the sizes of files and their sum.")
}

fn directory_tree(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "directory_tree", |ground, asked: DirectoryTree, ctx| {
        let place = ground.locate(&asked.path)?;
        let tree: Tree = list::tree(ground, &place, &asked.exclude_patterns, &|| ctx.is_cancelled())?;
        Ok(Json(tree))
    })
    .title("Directory tree")
    .description(
        "All that stands below a directory, as a tree in JSON: name, type, and the children of directories.",
    )
}

fn search_files(ground: &Arc<Ground>) -> ToolSpec {
    reader(ground, "search_files", |ground, asked: SearchFiles, ctx| {
        let query = Query {
            pattern: asked.pattern.as_deref(),
            exclude: &asked.exclude_patterns,
            content: asked.content.as_deref(),
        };
        let looked = |count: usize| ctx.progress(count as f64, None, Some("searching"));
        let place = ground.locate(&asked.path)?;
        let found: Matches = search::search(ground, &place, &query, &|| ctx.is_cancelled(), &looked)?;
        Ok(Told { text: found.to_text(), data: found })
    })
    .title("Search files")
    .description(
        "Find files and directories below a directory by a glob on their paths, and lines of text files by a regular \
         expression. Returns absolute paths.",
    )
}

/// Offered under two names: the reference server's, and the one that other servers and guides use.
fn file_info(ground: &Arc<Ground>, name: &str) -> ToolSpec {
    reader(ground, name, |ground, asked: AtPath, _ctx| {
        let info: Info = info::info(ground, &ground.locate(&asked.path)?)?;
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

fn list_allowed_directories(ground: &Arc<Ground>) -> ToolSpec {
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

fn write_file(ground: &Arc<Ground>) -> ToolSpec {
    writer(ground, "write_file", (true, true), |ground, asked: WriteFile, ctx| {
        let place = ground.locate_writable(&asked.path)?;
        let is_new = write::write(ground, &place, &asked.content)?;
        changed(ctx, &place, is_new);
        Ok(format!("Successfully wrote to {}", place.shown()))
    })
    .title("Write file")
    .description("Create a file, or replace all of what it holds. The directory must exist. Others see the old or the new file, never half of one.")
}

fn edit_file(ground: &Arc<Ground>) -> ToolSpec {
    writer(ground, "edit_file", (true, false), |ground, asked: EditFile, ctx| {
        let place = ground.locate_writable(&asked.path)?;
        let diff = edit::edit(ground, &place, &asked.edits, asked.dry_run, &|| ctx.is_cancelled())?;
        if !asked.dry_run {
            changed(ctx, &place, false);
        }
        Ok(diff)
    })
    .title("Edit file")
    .description(
        "Replace texts in a file: each oldText must stand in it exactly, in one place only. All edits are made or none. \
         Returns the difference as a unified diff; with dryRun nothing is written.",
    )
}

fn create_directory(ground: &Arc<Ground>) -> ToolSpec {
    writer(ground, "create_directory", (false, true), |ground, asked: AtPath, ctx| {
        let place = ground.locate_writable(&asked.path)?;
        if arrange::create_directory(ground, &place)? {
            changed(ctx, &place, true);
        }
        Ok(format!("Successfully created directory {}", place.shown()))
    })
    .title("Create directory")
    .description("Create a directory, and those it stands in. One that exists already stays as it is.")
}

fn move_file(ground: &Arc<Ground>) -> ToolSpec {
    writer(ground, "move_file", (true, false), |ground, asked: MoveFile, ctx| {
        let (from, to) = (ground.locate_writable(&asked.source)?, ground.locate_writable(&asked.destination)?);
        arrange::move_file(ground, &from, &to)?;
        changed(ctx, &from, true);
        changed(ctx, &to, true);
        Ok(format!("Successfully moved {} to {}", from.shown(), to.shown()))
    })
    .title("Move file")
    .description("Move or rename a file or a directory. Nothing may stand at the destination; its directory must exist.")
}

/// Tells whoever subscribed to what stands at that place, and where a name came or went, to what it stands in.
fn changed(ctx: &Context, place: &Place<'_>, is_name: bool) {
    let uris = super::resources::touched(place.root, &place.relative, is_name);
    uris.iter().for_each(|uri| ctx.resource_updated(uri));
}
