//! The tools as clients see them: names, descriptions, hints, and what each calls.
//!
//! All of them block, so all run on threads of a blocking pool. Those that write are offered only where something may be
//! written.

use std::sync::Arc;

use impresario_engine::{Offer, OutputRule, ToolSpec, Treatment};

use super::ground::Ground;
use reading::{
    directory_tree, file_info, list_allowed_directories, list_directory, list_directory_with_sizes,
    read_file, read_media_file, read_multiple_files, read_text_file, search_files,
};
use writing::{create_directory, edit_file, move_file, write_file};

mod reading;
mod spec;
mod writing;

/// What does more than it shows is written out, so that a reader sees it.
const SHOWN: OutputRule =
    OutputRule::KEEP.escapes(Treatment::Escape).bidi(Treatment::Escape).invisible(Treatment::Escape);

/// Every tool that these roots allow.
pub(super) fn tools(ground: &Arc<Ground>) -> Offer {
    let readers = [read_file, read_text_file, read_media_file, read_multiple_files];
    // What a file holds is what `edit_file` looks for, so nothing of it may vanish: it is written out instead.
    let offer =
        readers.map(|tool| tool(ground).output_rule(SHOWN)).into_iter().fold(Offer::default(), Offer::tool);
    let others = [
        list_directory(ground),
        list_directory_with_sizes(ground),
        directory_tree(ground),
        search_files(ground),
        file_info(ground, "get_file_info").description("What is known of a file or directory without reading it: size, times, type, permissions, media type."),
        file_info(ground, "file_info").description("The same as get_file_info."),
        list_allowed_directories(ground),
    ];
    let clean = |tool: ToolSpec| tool.output_rule(OutputRule::clean());
    let offer = others.map(clean).into_iter().fold(offer, Offer::tool);
    if !ground.roots.any_writable() {
        return offer;
    }
    [write_file(ground), edit_file(ground), create_directory(ground), move_file(ground)]
        .map(|tool| tool.output_rule(SHOWN))
        .into_iter()
        .fold(offer, Offer::tool)
}
