//! The tools that change something, and tell whoever subscribed to it.

use std::sync::Arc;

use impresario_engine::{Context, ToolSpec};

use super::spec::writer;
use crate::files::arguments::{AtPath, EditFile, MoveFile, WriteFile};
use crate::files::ground::Ground;
use crate::files::resources::touched;
use crate::files::roots::Place;
use crate::files::{arrange, edit, write};

pub(super) fn write_file(ground: &Arc<Ground>) -> ToolSpec {
    writer(ground, "write_file", (true, true), |ground, asked: WriteFile, ctx| {
        let place = ground.locate_writable(&asked.path)?;
        let is_new = write::write(ground, &place, &asked.content)?;
        changed(ctx, &place, is_new);
        Ok(format!("Successfully wrote to {}", place.shown()))
    })
    .title("Write file")
    .description("Create a file, or replace all of what it holds. The directory must exist. Others see the old or the new file, never half of one.")
}

pub(super) fn edit_file(ground: &Arc<Ground>) -> ToolSpec {
    writer(ground, "edit_file", (true, false), |ground, asked: EditFile, ctx| {
        let place = ground.locate_writable(&asked.path)?;
        let (diff, is_written) = edit::edit(ground, &place, &asked.edits, asked.dry_run, &|| ctx.is_cancelled())?;
        if is_written {
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

pub(super) fn create_directory(ground: &Arc<Ground>) -> ToolSpec {
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

pub(super) fn move_file(ground: &Arc<Ground>) -> ToolSpec {
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
    let uris = touched(place.root, &place.relative, is_name);
    uris.iter().for_each(|uri| ctx.resource_updated(uri));
}
