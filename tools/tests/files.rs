//! The pack `files` as a client meets it: tools, resources and changes, over the protocol.

#![cfg(feature = "files")]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::call::CancelReason;
use impresario_engine::hub::Subscriber;
use impresario_engine::session::{Connection, ConnectionKind, Frame, Via};
use impresario_engine::{Caller, Limits, ListenFilter, Runtime};
use impresario_tools::files::{self, Files, RootSettings, Settings};
use impresario_tools::part::{Opening, Part};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A served folder, which goes with the test.
struct House {
    folder: TempDir,
    files: Files,
    runtime: Runtime,
}

impl House {
    fn new(root: impl Fn(&std::path::Path) -> RootSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("notes.md"), "# Notes\none\ntwo\n").unwrap();
        std::fs::write(folder.path().join("dot.png"), b"\x89PNG\r\n\x1a\n\0").unwrap();
        std::fs::create_dir(folder.path().join("sub dir")).unwrap();
        std::fs::write(folder.path().join("sub dir/a+b.txt"), "inside").unwrap();
        let files = Files::open(Settings::new([root(folder.path()).named("house")]), "/").unwrap();
        let runtime = Runtime::builder().offer(files.offer()).lanes(1).start().unwrap();
        Self { folder, files, runtime }
    }

    fn open() -> Self {
        Self::new(|path| RootSettings::read_write(path))
    }

    fn uri(&self, below: &str) -> String {
        format!("file://{}/{below}", self.folder.path().display())
    }

    /// Everything that is sent for a request, in order; with `cancel`, the request is taken back at once.
    fn frames(&self, method: &str, params: &Value, cancel: bool) -> Vec<Value> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let message = Message::parse(request.as_bytes(), &DecodeLimits::from(&Limits::default())).unwrap();
        let (frames_tx, frames_rx) = sync_channel(1);
        let errand = move |stage: &std::rc::Rc<impresario_engine::session::Stage>| {
            let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
            let mut exchange = connection.request(message, Via::InProcess);
            tokio::task::spawn_local(async move {
                if cancel {
                    exchange.call().cancel(CancelReason::Asked);
                }
                let mut frames = Vec::new();
                loop {
                    match exchange.next_frame().await {
                        Frame::Message(json) => frames.push(serde_json::from_slice(&json).unwrap()),
                        Frame::Reply(reply) => {
                            break frames.push(serde_json::from_slice(&reply.into_bytes()).unwrap());
                        }
                        Frame::Nothing => break,
                    }
                }
                connection.close();
                frames_tx.send(frames).unwrap();
            });
        };
        self.runtime.on_lane(0, errand).unwrap();
        frames_rx.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// The result or the error that a request is answered with.
    fn ask(&self, method: &str, params: &Value) -> Value {
        let mut reply = self.frames(method, params, false).pop().unwrap();
        let member = if reply.get("error").is_some() { "error" } else { "result" };
        reply[member].take()
    }

    fn call(&self, name: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": name, "arguments": arguments}))
    }

    fn read(&self, uri: &str) -> Value {
        self.ask("resources/read", &json!({ "uri": uri }))
    }

    fn subscribe(&self, uris: &[String]) -> Arc<Subscriber> {
        let filter = ListenFilter { uris: uris.to_vec(), ..ListenFilter::default() };
        self.runtime.shared().hub.subscribe(filter)
    }
}

/// What a subscriber has been told so far.
fn told(subscriber: &Subscriber) -> String {
    let (mut task, mut all) = (Context::from_waker(Waker::noop()), String::new());
    while let Poll::Ready(change) = subscriber.poll_change(&mut task) {
        all.push_str(&format!("{change:?}\n"));
    }
    all
}

fn text_of(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().or(answer["message"].as_str()).unwrap_or_default()
}

#[test]
fn tools_have_the_names_and_hints_that_prompts_count_on() {
    let tools = |house: &House| house.ask("tools/list", &json!({}))["tools"].as_array().unwrap().clone();
    let hints = |tool: &Value| {
        let hint = |name: &str| tool["annotations"].get(name).and_then(Value::as_bool);
        (hint("readOnlyHint"), hint("destructiveHint"), hint("idempotentHint"), hint("openWorldHint"))
    };
    let reads = (Some(true), None, None, Some(false));
    let readers = [
        "read_file",
        "read_text_file",
        "read_media_file",
        "read_multiple_files",
        "list_directory",
        "list_directory_with_sizes",
        "directory_tree",
        "search_files",
        "get_file_info",
        "file_info",
        "list_allowed_directories",
    ];
    let all = tools(&House::open());
    let expected = readers.map(|name| (name, reads)).into_iter().chain([
        ("write_file", (Some(false), Some(true), Some(true), Some(false))),
        ("edit_file", (Some(false), Some(true), Some(false), Some(false))),
        ("create_directory", (Some(false), Some(false), Some(true), Some(false))),
        ("move_file", (Some(false), Some(true), Some(false), Some(false))),
    ]);
    let listed: Vec<_> = all.iter().map(|tool| (tool["name"].as_str().unwrap(), hints(tool))).collect();
    assert_eq!(listed, expected.collect::<Vec<_>>());
    for tool in &all {
        assert!(tool["description"].is_string() && tool["title"].is_string(), "{tool}");
        let takes_others = tool["inputSchema"].get("additionalProperties") != Some(&json!(false));
        assert_eq!(takes_others, tool["name"] == "list_allowed_directories", "{tool}");
    }
    let read_only = tools(&House::new(|path| RootSettings::read_only(path)));
    assert_eq!(read_only.iter().map(|tool| tool["name"].as_str().unwrap()).collect::<Vec<_>>(), readers);
}

#[test]
fn tools_answer_their_calls() {
    let house = House::open();
    let path = |below: &str| house.folder.path().join(below).to_str().unwrap().to_owned();
    let rows = [
        ("read_file", json!({"path": "notes.md", "head": 1}), "# Notes\n".to_owned()),
        ("read_text_file", json!({"path": path("notes.md"), "tail": 1}), "two\n".into()),
        ("read_text_file", json!({"path": "notes.md", "offset": 1, "limit": 1}), "one\n".into()),
        ("read_multiple_files", json!({"paths": ["notes.md"]}), "notes.md:\n# Notes\none\ntwo\n\n".into()),
        ("list_directory", json!({"path": "."}), "[FILE] dot.png\n[FILE] notes.md\n[DIR] sub dir\n".into()),
        ("search_files", json!({"path": ".", "pattern": "**/*.txt"}), path("sub dir/a+b.txt")),
        (
            "search_files",
            json!({"path": ".", "pattern": "*.md", "content": "^t.o$"}),
            format!("{}:3: two", path("notes.md")),
        ),
        (
            "write_file",
            json!({"path": "new.txt", "content": "x"}),
            format!("Successfully wrote to {}", path("new.txt")),
        ),
        (
            "move_file",
            json!({"source": "new.txt", "destination": "sub dir/n"}),
            format!("Successfully moved {} to {}", path("new.txt"), path("sub dir/n")),
        ),
        (
            "create_directory",
            json!({"path": "a/b"}),
            format!("Successfully created directory {}", path("a/b")),
        ),
        (
            "list_allowed_directories",
            json!({}),
            format!("Allowed directories:\n{} (house, read-write)", house.folder.path().display()),
        ),
    ];
    for (name, arguments, expected) in rows {
        let answer = house.call(name, &arguments);
        assert_eq!(
            (text_of(&answer), answer.get("isError")),
            (expected.as_str(), None),
            "{name} {arguments}: {answer}"
        );
    }
    let diff = house.call(
        "edit_file",
        &json!({"path": "notes.md", "edits": [{"oldText": "two", "newText": "2"}], "dryRun": true}),
    );
    assert!(text_of(&diff).contains("-two\n+2\n"), "{diff}");

    let image = house.call("read_file", &json!({"path": "dot.png"}));
    assert_eq!(
        image["content"][0],
        json!({"type": "image", "data": "iVBORw0KGgoA", "mimeType": "image/png"})
    );
    let media = house.call("read_media_file", &json!({"path": "notes.md"}));
    assert_eq!(media["content"][0]["resource"]["uri"], house.uri("notes.md"));

    // Data for clients that read it, held against the tools' output schemas on the way.
    let tree = house.call("directory_tree", &json!({"path": "sub dir"}));
    let expected = json!([{"name": "a+b.txt", "type": "file"}, {"name": "n", "type": "file"}]);
    assert_eq!(tree["structuredContent"]["tree"], expected);
    for name in ["get_file_info", "file_info"] {
        assert_eq!(house.call(name, &json!({"path": "notes.md"}))["structuredContent"]["size"], 16);
    }
    let listing = house.call("list_directory_with_sizes", &json!({"path": "sub dir", "sortBy": "size"}));
    assert_eq!(
        listing["structuredContent"]["entries"][0],
        json!({"name": "a+b.txt", "type": "file", "size": 6})
    );
}

#[test]
fn wrong_calls_are_answered_with_what_to_change() {
    let house = House::open();
    for (name, arguments, expected) in [
        ("read_file", json!({"path": "../../etc/passwd"}), "\"..\""),
        ("read_file", json!({"path": "/etc/passwd"}), "below no allowed folder"),
        ("read_file", json!({"path": "none"}), "list_directory"),
        ("read_file", json!({"path": "sub dir"}), "is a folder"),
        ("read_file", json!({"path": "notes.md", "head": 1, "tail": 1}), "not several"),
        ("read_file", json!({"path": "notes.md", "head": 0}), "head"),
        ("read_file", json!({"path": 7}), "path"),
        ("read_file", json!({"file": "notes.md"}), "path"),
        ("read_multiple_files", json!({"paths": []}), "paths"),
        ("list_directory", json!({"path": "notes.md"}), "no folder"),
        ("search_files", json!({"path": ".", "pattern": "[a"}), "no glob"),
        ("search_files", json!({"path": ".", "content": "("}), "no regular expression"),
        ("search_files", json!({"path": ".", "exclude_patterns": []}), "exclude_patterns"),
        ("edit_file", json!({"path": "notes.md", "edits": [{"oldText": "o", "newText": ""}]}), "places"),
        ("edit_file", json!({"path": "dot.png", "edits": [{"oldText": "P", "newText": ""}]}), "no UTF-8"),
        ("write_file", json!({"path": "none/x", "content": ""}), "create_directory"),
        ("move_file", json!({"source": "notes.md", "destination": "dot.png"}), "already"),
    ] {
        let answer = house.call(name, &arguments);
        assert_eq!(answer["isError"], true, "{name} {arguments}: {answer}");
        assert!(text_of(&answer).contains(expected), "{name} {arguments}: {}", text_of(&answer));
    }
}

#[test]
fn a_search_that_is_taken_back_stops() {
    let house = House::open();
    let params = json!({"name": "search_files", "arguments": {"path": ".", "pattern": "**"}});
    let frames = house.frames("tools/call", &params, true);
    assert!(frames.iter().all(|frame| frame["result"]["structuredContent"].is_null()), "{frames:?}");
}

#[test]
fn every_file_is_a_resource_and_each_root_has_a_structure() {
    let house = House::open();
    let templates = house.ask("resources/templates/list", &json!({}));
    assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "file:///{+path}");
    let listed = house.ask("resources/list", &json!({}));
    assert_eq!(listed["resources"][0]["uri"], "project://house/structure");

    let read = house.read(&house.uri("notes.md"));
    assert_eq!(read["contents"][0]["text"], "# Notes\none\ntwo\n");
    assert_eq!(read["contents"][0]["mimeType"], "text/markdown");
    for spelling in ["sub%20dir/a%2Bb.txt", "sub%20dir/a+b.txt"] {
        assert_eq!(house.read(&house.uri(spelling))["contents"][0]["text"], "inside", "{spelling}");
    }
    assert_eq!(house.read(&house.uri("dot.png"))["contents"][0]["blob"], "iVBORw0KGgoA");
    let folder = house.read(&house.uri("sub%20dir"));
    assert_eq!(
        (&folder["contents"][0]["text"], &folder["contents"][0]["mimeType"]),
        (&json!("[FILE] a+b.txt\n"), &json!("inode/directory"))
    );
    let structure = house.read("project://house/structure");
    assert!(
        structure["contents"][0]["text"].as_str().unwrap().ends_with("  notes.md\n  sub dir/\n    a+b.txt\n"),
        "{structure}"
    );
    for uri in [
        "file:///etc/passwd",
        &house.uri("../x"),
        &house.uri("%2e%2e/x"),
        &house.uri("%2E%2E%2Fx"),
        &house.uri("none"),
        &house.uri("notes.md%00"),
        &house.uri("%FF"),
        "project://none/structure",
    ] {
        let said = house.read(uri);
        assert!(said["code"].as_i64().is_some() && said.get("contents").is_none(), "{uri}: {said}");
    }
}

#[test]
fn changes_by_tools_are_told_at_once() {
    let house = House::open();
    let uris = [
        house.uri("notes.md"),
        house.uri("new%2B.txt"),
        house.uri("new+.txt"),
        "project://house/structure".to_owned(),
    ];
    let subscriber = house.subscribe(&uris);
    house.call("edit_file", &json!({"path": "notes.md", "edits": [{"oldText": "two", "newText": "2"}]}));
    let first = told(&subscriber);
    assert!(first.contains(&uris[0]) && !first.contains(&uris[3]), "{first}");
    house.call("write_file", &json!({"path": "new+.txt", "content": "x"}));
    let second = told(&subscriber);
    assert!(uris[1..].iter().all(|uri| second.contains(uri.as_str())), "{second}");
    house.call(
        "edit_file",
        &json!({"path": "notes.md", "edits": [{"oldText": "2", "newText": "two"}], "dryRun": true}),
    );
    assert_eq!(told(&subscriber), "");
}

#[test]
fn changes_by_others_are_told_and_paths_are_suggested_once_it_is_followed() {
    let house = House::open();
    house.files.follow(&house.runtime).unwrap();
    let uri = house.uri("notes.md");
    let subscriber = house.subscribe(std::slice::from_ref(&uri));
    let until = Instant::now() + Duration::from_secs(60);
    // The watch may begin after the first change: others follow it.
    for round in 0.. {
        std::fs::write(house.folder.path().join("notes.md"), format!("{round}")).unwrap();
        if told(&subscriber).contains(&uri) {
            break;
        }
        assert!(Instant::now() < until, "nothing was told");
        std::thread::yield_now();
    }
    let root = house.folder.path().to_str().unwrap().trim_start_matches('/');
    let complete = |typed: &str| {
        let reference = json!({"type": "ref/resource", "uri": "file:///{+path}"});
        let params = json!({"ref": reference, "argument": {"name": "path", "value": typed}});
        house.ask("completion/complete", &params)["completion"]["values"].clone()
    };
    assert_eq!(complete(&format!("{root}/s")), json!([format!("{root}/sub dir/")]));
    assert_eq!(complete(&format!("{root}/sub dir/")), json!([format!("{root}/sub dir/a+b.txt")]));
    assert_eq!(complete(&root[..2]), json!([format!("{root}/")]));
    assert_eq!(complete("etc/"), json!([]));
}

#[test]
fn a_section_of_a_file_is_opened_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("docs")).unwrap();
    let opening = Opening { key: "packs.files".into(), directory: folder.path().to_owned() };
    let open = |settings: Value| {
        let settings = serde_json::from_value(settings).unwrap();
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(files::open(settings, &opening))
    };
    let part = open(json!({"roots": [{"path": "docs"}]})).unwrap();
    assert_eq!(part.offer().names().resources, ["file:///{+path}", "project://docs/structure"]);
    let wrong = open(json!({"roots": [{"path": "docs"}, {"path": "none"}]})).err().unwrap();
    assert_eq!(wrong.key, "roots[1].path");
}
