//! The pack `command` at work: real programs, started by calls.

#![cfg(all(feature = "command", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::path::Path;

use house::{
    PATIENCE, begin, call, eventually, frames, house, house_of, is_there, open, program, refusal,
    written_processes,
};
use serde_json::{Value, json};

#[path = "house/command.rs"]
mod house;

/// What a shell, an option parser, a format or a terminal would make something of.
const PAYLOADS: [&str; 34] = [
    "; id",
    "$(id)",
    "`id`",
    "a\nb",
    "a && b",
    "a || b",
    "a | b",
    "a & b",
    "> /tmp/x",
    "< /etc/passwd",
    "2>&1",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "~root",
    "$HOME",
    "${IFS}",
    "$((1+1))",
    "\"quoted\"",
    "'quoted'",
    "back\\slash",
    "!history",
    "# comment",
    "%s%n",
    "a b\tc",
    "",
    " ",
    "é日本👩‍💻",
    "\u{1b}[31m",
    "user\u{202e}name",
    "=equals",
    "@file",
    "{text}",
];

#[test]
fn every_payload_stays_one_item_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let settings = json!({
        "program": program("record"),
        "argv": ["--in={text}", "{text}", ["--flag", "x{text}y"], "--", "{text}", "{texts}"],
        "parameters": {"text": {}, "texts": {"type": "array", "required": false}},
        "env": {"RECORD": record},
    });
    let runtime = house(&settings);
    let check = |arguments: &Value, expected: &[&str]| {
        let answer = call(&runtime, arguments);
        assert_eq!(answer["structuredContent"]["exit_code"], 0, "{answer}");
        let items: String = expected.iter().map(|item| format!("{item}\0")).collect();
        assert_eq!(std::fs::read_to_string(&record).unwrap(), items, "{arguments}");
    };
    for text in PAYLOADS {
        let (inside, wrapped) = (format!("--in={text}"), format!("x{text}y"));
        check(&json!({"text": text}), &[&inside, text, "--flag", &wrapped, "--", text]);
    }
    let texts = ["--upload-pack=x", "-oProxyCommand=x", "; id"];
    check(
        &json!({"text": "t", "texts": texts}),
        &["--in=t", "t", "--flag", "xty", "--", "t", texts[0], texts[1], texts[2]],
    );
    for text in ["-", "--", "-oProxyCommand=x", "--upload-pack=x", "-rf"] {
        let expected = "`text` must not begin with `-`: the program would take it for an option";
        assert_eq!(refusal(&runtime, &json!({"text": text})), expected);
    }
    assert_eq!(refusal(&runtime, &json!({"text": "a\0b"})), "`text` must not hold the character U+0000");
    let large = refusal(&runtime, &json!({"text": "x".repeat(3 << 20)}));
    assert_eq!(large, "the arguments are larger than 131072 bytes (argv_max); give less");
    assert!(refusal(&runtime, &json!({"text": 1})).contains("`text` must be a string, got the integer 1"));
    assert!(refusal(&runtime, &json!({"text": "a", "LD_PRELOAD": "/tmp/x.so"})).contains("LD_PRELOAD"));
}

#[test]
fn a_program_sees_its_own_environment_directory_and_input_alone() {
    let stdout = |settings: Value, arguments: Value| {
        let answer = call(&house(&settings), &arguments);
        answer["structuredContent"]["stdout"].as_str().unwrap_or_default().to_owned()
    };
    let env = json!({"program": "/usr/bin/env", "env": {"NAME": "value with = and spaces"}});
    assert_eq!(stdout(env, json!({})), "NAME=value with = and spaces\n");
    assert_eq!(stdout(json!({"program": "/usr/bin/env"}), json!({})), "");
    assert_eq!(stdout(json!({"program": "/bin/pwd", "directory": "usr"}), json!({})), "/usr\n");
    // It would wait for ever for what nobody writes.
    assert_eq!(stdout(json!({"program": "/bin/cat"}), json!({})), "");
    let text = "line\n".repeat(100_000);
    let cat = json!({"program": "/bin/cat", "stdin": "text", "parameters": {"text": {}}});
    assert_eq!(stdout(cat, json!({"text": text})), text);
    // A program need not read what it is given.
    let date = json!({"program": "/bin/true", "stdin": "text", "parameters": {"text": {}}});
    assert_eq!(call(&house(&date), &json!({"text": text}))["structuredContent"]["exit_code"], 0);
}

/// The program that behaves as it is told, with that change of its settings.
fn behaving(change: &Value) -> Value {
    let mut settings = json!({
        "program": program("behave"),
        "argv": ["{how}", "{what}"],
        "parameters": {"how": {}, "what": {"type": "integer", "required": false}},
        "env": {"PATH": "/usr/bin:/bin"},
    });
    settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    settings
}

#[test]
fn how_it_ended_is_told() {
    let runtime = house(&behaving(&json!({"success": [0, 1]})));
    let ended = |how: &str, what: u32| {
        let answer = call(&runtime, &json!({"how": how, "what": what}));
        let structured = &answer["structuredContent"];
        (answer["isError"] == true, structured["exit_code"].clone(), structured["signal"].clone())
    };
    assert_eq!(ended("exit", 0), (false, json!(0), json!(null)));
    assert_eq!(ended("exit", 1), (false, json!(1), json!(null)));
    assert_eq!(ended("exit", 2), (true, json!(2), json!(null)));
    assert_eq!(ended("signal", 9), (true, json!(null), json!(9)));
    let answer = call(&runtime, &json!({"how": "exit", "what": 2}));
    assert_eq!(answer["structuredContent"]["stdout"], "on its way\n");
    assert_eq!(answer["structuredContent"]["stderr"], "why\n");
    let text: Value = serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, answer["structuredContent"]);
    // What would do something to a terminal is taken out.
    let answer = call(&runtime, &json!({"how": "colours"}));
    assert_eq!(answer["structuredContent"]["stdout"], "bold\nx");
}

#[test]
fn a_flood_of_output_neither_blocks_nor_grows() {
    let runtime = house(&behaving(&json!({"stdout_max": "1KiB"})));
    let answer = call(&runtime, &json!({"how": "stderr", "what": 64 << 20}));
    let structured = &answer["structuredContent"];
    assert_eq!((&structured["exit_code"], &structured["stdout"]), (&json!(0), &json!("\ndone\n")));
    assert_eq!(structured["stderr_bytes"], 64 << 20);
    assert_eq!(structured["stderr"].as_str().unwrap().len(), 64 << 10);
    assert_eq!(structured["truncated"], true);
    // What is too much is dropped, and the program still ends as it wants to.
    let answer = call(&runtime, &json!({"how": "stdout", "what": 8 << 20}));
    let structured = &answer["structuredContent"];
    assert_eq!((&structured["exit_code"], &structured["stdout_bytes"]), (&json!(3), &json!(8 << 20)));
    assert_eq!(
        (structured["stdout"].as_str().unwrap().len(), &structured["truncated"]),
        (1024, &json!(true))
    );
}

#[test]
fn its_lines_are_progress() {
    let told = |change: &Value| -> Vec<String> {
        let mut frames = frames(&house(&behaving(change)), &json!({"how": "lines"}));
        frames.pop();
        let message = |frame: &Value| frame["params"]["message"].as_str().unwrap().to_owned();
        frames.iter().map(message).collect()
    };
    assert_eq!(told(&json!({})), ["one", "two red"]);
    assert_eq!(told(&json!({"progress": "stdout"})), ["out"]);
    assert_eq!(told(&json!({"progress": "none"})), Vec::<String>::new());
}

#[test]
fn its_limits_hold_before_it_gets_its_input() {
    let settings = json!({
        "program": program("behave"),
        "argv": ["limits"],
        "stdin": "text",
        "parameters": {"text": {}},
        "env": {"PATH": "/usr/bin:/bin"},
        "limits": {"files": 17, "file_size": "1MiB", "memory": "512MiB"},
    });
    let answer = call(&house(&settings), &json!({"text": "go\n"}));
    // Files, file size in blocks of 512 bytes, memory in KiB.
    assert_eq!(answer["structuredContent"]["stdout"], "17\n2048\n524288\n");
}

/// The program that does not want to end, and where it writes down what it is.
fn stubborn(folder: &Path, change: &Value) -> (Value, std::path::PathBuf) {
    let record = folder.join("processes");
    let mut settings =
        behaving(&json!({"kill_grace": "50ms", "env": {"PATH": "/usr/bin:/bin", "RECORD": record}}));
    settings.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    (settings, record)
}

#[track_caller]
fn all_gone(record: &Path) {
    let processes = written_processes(record);
    assert_eq!(processes.len(), 2);
    eventually("what was started is still there", || !processes.iter().any(|process| is_there(*process)));
}

#[test]
fn a_program_that_takes_too_long_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, record) = stubborn(folder.path(), &json!({"timeout": "2s"}));
    let answer = call(&house(&settings), &json!({"how": "stubborn"}));
    assert_eq!((&answer["isError"], &answer["structuredContent"]["timed_out"]), (&json!(true), &json!(true)));
    assert_eq!(answer["structuredContent"]["signal"], 9);
    all_gone(&record);
}

#[test]
fn a_call_that_is_taken_back_kills_its_program_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, record) = stubborn(folder.path(), &json!({"at_once": 1}));
    let runtime = house(&settings);
    let (begun_tx, begun_rx) = tokio::sync::oneshot::channel::<()>();
    let taken_back = async move { drop(begun_rx.await) };
    let answer = begin(&runtime, &json!({"how": "stubborn"}), taken_back);
    eventually("the program does not begin", || written_processes(&record).len() == 2);
    // There is one place, and it is taken.
    begun_tx.send(()).unwrap();
    assert!(answer.recv_timeout(PATIENCE).unwrap().is_empty());
    all_gone(&record);
    assert_eq!(call(&runtime, &json!({"how": "exit", "what": 0}))["structuredContent"]["exit_code"], 0);
}

#[test]
fn the_end_of_the_house_is_the_end_of_its_programs() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, record) = stubborn(folder.path(), &json!({"kill_grace": "1h"}));
    let runtime = house(&settings);
    let _answer = begin(&runtime, &json!({"how": "stubborn"}), std::future::pending());
    eventually("the program does not begin", || written_processes(&record).len() == 2);
    drop(runtime);
    all_gone(&record);
}

#[test]
fn what_a_program_leaves_behind_is_killed_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, record) = stubborn(folder.path(), &json!({}));
    let answer = call(&house(&settings), &json!({"how": "leave"}));
    assert_eq!(answer["structuredContent"]["exit_code"], 0, "{answer}");
    all_gone(&record);
    // One that has left the group holds the output, and is not waited for.
    let answer = call(&house(&settings), &json!({"how": "escape"}));
    assert_eq!(answer["structuredContent"]["stdout"], "gone\n", "{answer}");
}

#[test]
fn so_many_run_at_once_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, record) = stubborn(folder.path(), &json!({"at_once": 1, "wait": "1ms"}));
    let runtime = house(&settings);
    let _answer = begin(&runtime, &json!({"how": "stubborn"}), std::future::pending());
    eventually("the program does not begin", || written_processes(&record).len() == 2);
    let expected = "1 of these run already (at_once); call again later";
    assert_eq!(refusal(&runtime, &json!({"how": "exit", "what": 0})), expected);
}

#[test]
fn a_program_that_is_gone_is_an_error_of_its_call() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("program");
    std::os::unix::fs::symlink("/bin/true", &copy).unwrap();
    let runtime = house_of(open(&json!({"program": copy})).unwrap().tool());
    assert_eq!(call(&runtime, &json!({}))["structuredContent"]["exit_code"], 0);
    std::fs::remove_file(&copy).unwrap();
    assert_eq!(refusal(&runtime, &json!({})), "the program can't be run: entity not found");
}
