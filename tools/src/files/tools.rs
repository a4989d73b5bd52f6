//! The tools as clients see them: names, descriptions, hints, and what each calls.
//!
//! All of them block, so all run on threads of a blocking pool. Those that write are offered only where something may be
//! written.

use std::sync::Arc;

use impresario_engine::Offer;

use super::ground::Ground;
use reading::{
    directory_tree, file_info, list_allowed_directories, list_directory, list_directory_with_sizes,
    read_file, read_media_file, read_multiple_files, read_text_file, search_files,
};
use writing::{create_directory, edit_file, move_file, write_file};

mod reading;
mod spec;
mod writing;

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
