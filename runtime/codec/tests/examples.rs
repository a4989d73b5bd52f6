//! Every official example comes out of the codec as it went in, and those that are messages are read as such.
//!
//! The examples are no part of the project. `MCP_SPEC_DIR` names the folder of the specification; without it
//! the test says that it was skipped.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use impresario_codec::{DecodeLimits, Document, Message, MessageKind, Node, write_serialized};
use impresario_protocol::Limits;
use serde_json::Value;

/// The revision whose specification comes with examples.
const REVISION: &str = "2026-07-28";

#[test]
fn every_example_comes_out_as_it_went_in() {
    let Some(folder) = std::env::var_os("MCP_SPEC_DIR") else {
        // Written past the test runner, which shows nothing of a test that passes.
        writeln!(io::stderr(), "skipped: MCP_SPEC_DIR does not name the folder of the specification")
            .unwrap();
        return;
    };
    let mut files = Vec::new();
    find(&PathBuf::from(folder).join(REVISION).join("examples"), &mut files);
    let mut messages = 0;
    for file in &files {
        let text = fs::read(file).unwrap();
        let example: Value = serde_json::from_slice(&text).unwrap();
        check_document(file, &text, &example);
        if example.get("jsonrpc").is_some() {
            check_message(file, &text, &example);
            messages += 1;
        }
    }
    assert!(messages > 0 && messages < files.len(), "{messages} of {} examples are messages", files.len());
}

/// All files below a folder.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { find(&path, files) } else { files.push(path) }
    }
}

fn check_document(file: &Path, text: &[u8], example: &Value) {
    let depth_max = Limits::size(Limits::default().json_depth_max);
    let document =
        Document::parse(text, depth_max).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    check_written(file, document.root(), example);
    assert_eq!(&document.root().to_value(), example, "{}", file.display());
    let deserialized: Value = document.root().deserialize().unwrap();
    assert_eq!(&deserialized, example, "{}", file.display());
    let mut serialized = Vec::new();
    write_serialized(&mut serialized, example).unwrap();
    assert_eq!(&serde_json::from_slice::<Value>(&serialized).unwrap(), example, "{}", file.display());
}

fn check_message(file: &Path, text: &[u8], example: &Value) {
    let limits = DecodeLimits::from(&Limits::default());
    let message =
        Message::parse(text, &limits).unwrap_or_else(|refused| panic!("{}: {refused}", file.display()));
    let kind = match (example.get("method"), example.get("id")) {
        (Some(_), Some(_)) => MessageKind::Request,
        (Some(_), None) => MessageKind::Notification,
        (None, _) => MessageKind::Response,
    };
    assert_eq!(message.kind(), kind, "{}", file.display());
    assert_eq!(message.method(), example["method"].as_str().unwrap_or_default(), "{}", file.display());
    assert_eq!(
        message.id().map(ToString::to_string),
        example.get("id").map(ToString::to_string),
        "{}",
        file.display()
    );
    for (part, name) in
        [(message.params(), "params"), (message.result(), "result"), (message.error(), "error")]
    {
        assert_eq!(part.is_some(), example.get(name).is_some(), "{}: {name}", file.display());
        if let Some(part) = part {
            check_written(file, part, &example[name]);
        }
    }
    check_written(file, message.document().root(), example);
}

/// What the codec writes for a value is that value again.
fn check_written(file: &Path, node: Node<'_>, expected: &Value) {
    let mut written = Vec::new();
    node.write_json(&mut written);
    assert_eq!(&serde_json::from_slice::<Value>(&written).unwrap(), expected, "{}", file.display());
}
