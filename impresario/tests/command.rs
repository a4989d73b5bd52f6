//! The command as a person or a script meets it: the real binary, its exit codes, and what stands on which
//! stream.
#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]

#[path = "command/running.rs"]
mod running;
#[path = "command/secured.rs"]
mod secured;

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};

use running::{BINARY, Server, Talk, await_line, impresario, printed_json, run, text, url_announced};

#[test]
fn limits_are_listed_for_people_and_for_programs() {
    let (table, stderr, code) = text(&run(&["limits"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(table.starts_with("LIMIT "), "{table}");
    let row = table.lines().find(|line| line.starts_with("body_bytes_max ")).unwrap();
    assert!(row.contains("4MiB") && row.contains("bytes") && row.contains("413"), "{row}");

    let output = run(&["limits", "--json"]);
    let rows = printed_json(&output);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), impresario::Limits::TABLE.len());
    let row = rows.iter().find(|row| row["name"] == "json_depth_max").unwrap();
    let meaning = row["meaning"].clone();
    assert!(!meaning.as_str().unwrap().is_empty());
    let expected = json!({
        "name": "json_depth_max", "unit": "levels", "default": 64, "min": 1, "max": 128, "meaning": meaning,
    });
    assert_eq!(*row, expected);
}

#[test]
fn a_wrong_command_line_is_told_what_to_write() {
    let rows: [(&[&str], &str); 12] = [
        (
            &["serve", "--limit", "body_byte_max=1"],
            "unknown limit `body_byte_max`; did you mean `body_bytes_max`?",
        ),
        (&["serve", "--limit", "json_depth_max=999"], "must be from 1 to 128 levels, not 999"),
        (&["serve", "--limit", "json_depth_max"], "write NAME=VALUE"),
        (&["serve", "--pack", "clac"], "[possible values: calc, lab]"),
        (&["serve", "--http", "example"], "write ADDRESS:PORT"),
        (&["serve", "--lanes", "0"], "write a number from 1 to 1024"),
        (&["--lanes", "many"], "write a number from 1 to 1024"),
        (&["serve", "--log", "=nonsense="], "--log <FILTER>"),
        (&["sevre"], "similar subcommand exists: 'serve'"),
        (&["list"], "<URL>"),
        (&["list", "ftp://127.0.0.1/"], "http:// or https://"),
        (&["call", "http://127.0.0.1:9"], "which tool?"),
    ];
    for (arguments, expected) in rows {
        let (stdout, stderr, code) = text(&run(arguments));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}

#[test]
fn every_verb_has_help_with_examples() {
    for verb in ["serve", "list", "call", "inspect", "limits", "completions"] {
        let (stdout, stderr, code) = text(&run(&[verb, "--help"]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{verb}");
        assert!(stdout.contains(&format!("Examples:\n  impresario {verb}")), "{verb}: {stdout}");
    }
    let (tour, _, code) = text(&run(&["--help"]));
    assert_eq!(code, Some(0));
    assert!(tour.contains("A short tour:") && tour.contains("Exit codes:"), "{tour}");
    let (version, _, code) = text(&run(&["--version"]));
    assert_eq!((version.as_str(), code), (concat!("impresario ", env!("CARGO_PKG_VERSION"), "\n"), Some(0)));
}

#[test]
fn completions_are_printed_for_each_shell() {
    for (shell, mark) in [
        ("bash", "complete -F _impresario"),
        ("zsh", "#compdef impresario"),
        ("fish", "complete -c impresario"),
    ] {
        let (script, stderr, code) = text(&run(&["completions", shell]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(script.contains(mark), "{shell}");
    }
}

#[test]
fn the_server_says_where_it_listens_and_how_to_connect() {
    let server = Server::start(&[]);
    assert!(server.url.starts_with("http://127.0.0.1:") && server.url.ends_with("/mcp"), "{}", server.url);
    let url = server.url.clone();
    server.signal(Signal::TERM);
    let (code, stdout, stderr) = server.ended();
    assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    assert!(stderr.contains(&format!("claude mcp add --transport http impresario {url}\n")), "{stderr}");
    assert!(stderr.contains(&format!("impresario list {url}\n")), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "colour without a terminal: {stderr}");
}

#[test]
fn a_server_is_listed_by_url_and_by_command() {
    let server = Server::start(&[]);
    let command = format!("'{BINARY}' serve --stdio");
    for target in [&[server.url.as_str()][..], &["--command", &command]] {
        let with = |flags: &[&'static str]| run(&[&["list"], target, flags].concat());
        let (stdout, stderr, code) = text(&with(&[]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{target:?}");
        let row = stdout.lines().find(|line| line.trim_start().starts_with("add ")).unwrap();
        assert!(row.ends_with("Add two numbers and return their sum."), "{row}");
        for part in ["Tools\n", "Resource templates\n", "greeting://{name}", "Prompts\n", "math_helper"] {
            assert!(stdout.contains(part), "{target:?}: {part}: {stdout}");
        }

        let output = with(&["--json"]);
        assert_eq!(text(&output).1, "", "{target:?}");
        let listed = printed_json(&output);
        for group in ["tools", "resources", "resourceTemplates", "prompts"] {
            assert!(!listed[group].as_array().unwrap().is_empty(), "{target:?}: {group}");
        }
        let add = listed["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == "add").unwrap();
        assert_eq!(add["inputSchema"]["properties"]["a"]["type"], "number", "{target:?}");
    }
}

#[test]
fn a_server_is_inspected_by_url_and_by_command() {
    let server = Server::start(&["--pack", "calc"]);
    let command = format!("'{BINARY}' --stdio --pack calc");
    let rows = [(&[server.url.as_str()][..], "http"), (&["--command", &command], "stdio")];
    for (target, transport) in rows {
        let (stdout, stderr, code) = text(&run(&[&["inspect"], target].concat()));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{target:?}");
        assert!(
            stdout.starts_with("impresario ") && stdout.contains("  revision      2026-07-28\n"),
            "{stdout}"
        );
        assert!(stdout.contains("operation  add|subtract|multiply|divide  "), "{stdout}");
        assert!(stdout.contains("(default 0.5)"), "{stdout}");

        let inspected = printed_json(&run(&[&["inspect"], target, &["--json"]].concat()));
        assert_eq!(inspected["transport"], transport);
        assert_eq!(inspected["protocolVersion"], "2026-07-28");
        assert_eq!(inspected["serverInfo"]["name"], "impresario");
        assert!(inspected["capabilities"]["tools"].is_object(), "{inspected}");
        let names: Vec<_> = inspected["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert!(names.contains(&&json!("add")) && !names.contains(&&json!("echo")), "{names:?}");
    }
}

#[test]
fn a_call_has_its_result_on_standard_output() {
    let server = Server::start(&[]);
    let command = format!("'{BINARY}' --stdio");
    for target in [&[server.url.as_str()][..], &["--command", &command]] {
        let rows: [(&[&str], &str); 5] = [
            (&["add", "a=2", "b=3"], "5\n"),
            (&["add", "--args", r#"{"a": 1, "b": 1}"#, "b=40"], "41\n"),
            (&["echo", "message=5"], "5\n"),
            (&["echo", r#"message:="quoted""#], "quoted\n"),
            (&["progress", "steps=2", "ms=1"], "2 steps done\n"),
        ];
        for (words, expected) in rows {
            let arguments = match target {
                [url] => [&["call", url], words].concat(),
                flags => [&["call"], words, flags].concat(),
            };
            assert_eq!(
                text(&run(&arguments)),
                (expected.to_owned(), String::new(), Some(0)),
                "{arguments:?}"
            );
        }
    }
    let result = printed_json(&run(&["call", &server.url, "add", "a=2", "b=3", "--json"]));
    assert_eq!(result["content"], json!([{ "type": "text", "text": "5" }]));
}

#[test]
fn a_failed_tool_and_a_failed_call_are_told_apart() {
    let server = Server::start(&[]);
    let url = server.url.as_str();
    let expected = ("".to_owned(), "error: nope\n".to_owned(), Some(3));
    assert_eq!(text(&run(&["call", url, "fail", "message=nope"])), expected);
    let output = run(&["call", url, "fail", "message=nope", "--json"]);
    assert_eq!((output.status.code(), &printed_json(&output)["isError"]), (Some(3), &json!(true)));
    assert_eq!(output.stderr, b"");

    let (stdout, stderr, code) = text(&run(&["call", url, "panic"]));
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(stderr.contains("answered with error -32603: "), "{stderr}");
    let output = run(&["call", url, "panic", "--json"]);
    assert_eq!((output.status.code(), &printed_json(&output)["error"]["code"]), (Some(1), &json!(-32603)));

    let (stdout, stderr, code) = text(&run(&["call", url, "add", "a=two", "b=3"]));
    assert_eq!((stdout.as_str(), code), ("", Some(2)));
    assert_eq!(stderr, "error: argument `a` must be a number, not `two`\n");

    let (stdout, stderr, code) = text(&run(&["call", url, "ad"]));
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(stderr.contains(&format!("{url} has no tool `ad`; it has add, ")), "{stderr}");
}

#[test]
fn a_server_that_can_not_be_reached_is_explained_in_one_line() {
    // Bound and let go: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{free}");
    let server = Server::start(&[]);
    let health = server.url.replace("/mcp", "/healthz");
    let rows: [(&[&str], &str); 6] = [
        (&["list", &nobody], "connection refused; is it running? start one with `impresario serve`"),
        (&["list", &health], "there is no MCP server at that path, which usually is /mcp"),
        (
            &["list", "--command", "no-such-program --at-all"],
            "can't start `no-such-program`: no such program",
        ),
        (&["list", "--command", "true"], "`true` ended before it answered"),
        (&["list", "--command", "cat", "--timeout", "0.3"], "no answer from cat within 0.3 s"),
        (
            &["call", &server.url, "sleep", "ms=60000", "--timeout", "0.3"],
            "within 0.3 s; allow more with --timeout",
        ),
    ];
    for (arguments, expected) in rows {
        let (stdout, stderr, code) = text(&run(arguments));
        assert_eq!((stdout.as_str(), code), ("", Some(1)), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{arguments:?}: {stderr}");
    }
    let (_, stderr, code) = text(&run(&["list", "--command", "sh -c 'echo out of luck >&2; exit 1'"]));
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("server: out of luck\nerror: `sh -c "), "{stderr}");
    let output = run(&["list", &nobody, "--json"]);
    assert!(printed_json(&output)["error"]["message"].as_str().unwrap().contains("connection refused"));
}

#[test]
fn a_second_server_on_the_same_port_is_refused() {
    let server = Server::start(&[]);
    let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    let (stdout, stderr, code) = text(&run(&["serve", "--http", &address]));
    assert_eq!((stdout.as_str(), code), ("", Some(1)));
    assert!(stderr.starts_with(&format!("error: can't listen on {address}: ")), "{stderr}");
}

#[test]
fn flags_may_stand_in_the_environment() {
    let mut command = impresario(&[]);
    command
        .env("IMPRESARIO_HTTP", "127.0.0.1:0")
        .env("IMPRESARIO_PACK", "lab")
        .env("IMPRESARIO_LIMIT", "line_bytes_max=1KiB");
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let url = url_announced(&mut stderr);
    let server = Server { child, stderr, url };
    let listed = printed_json(&run(&["list", &server.url, "--json"]));
    let names: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert!(names.contains(&&json!("echo")) && !names.contains(&&json!("add")), "{names:?}");
}

#[test]
fn what_a_started_server_logs_is_shown_when_it_is_asked_for() {
    let command = format!("'{BINARY}' --stdio --log impresario_engine=error");
    let arguments = ["call", "--command", &command, "panic"];
    let (_, stderr, _) = text(&run(&arguments));
    assert!(stderr.contains("server: the tool `panic` was called\n"), "{stderr}");
    let (_, stderr, _) = text(&run(&[&arguments[..], &["--server-log"]].concat()));
    assert!(stderr.contains("\nthe tool `panic` was called\n"), "{stderr}");
}

/// A call of the tool `progress`, which says by its notifications that it runs.
fn progress_call(id: u64, steps: u64, ms: u64, meta: &Value) -> Value {
    let params = json!({ "name": "progress", "arguments": { "steps": steps, "ms": ms }, "_meta": meta });
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

#[test]
fn a_signal_lets_running_calls_over_http_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(&["--pack", "lab"]);
        let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp");
        let mut stream = TcpStream::connect(address).unwrap();
        let meta = json!({
            "progressToken": 1,
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "0" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let body = progress_call(1, 2, 300, &meta).to_string();
        let headers = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
             Mcp-Method: tools/call\r\nMcp-Name: progress\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((headers + &body).as_bytes()).unwrap();
        let mut answer = BufReader::new(stream);
        await_line(&mut answer, "notifications/progress");
        server.signal(signal);
        await_line(&mut answer, "2 steps done");
        let (code, stdout, stderr) = server.ended();
        assert_eq!((code, stdout.as_str()), (Some(0), ""), "{stderr}");
    }
}

#[test]
fn a_signal_lets_running_calls_over_stdio_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut talk = Talk::start(&["--stdio", "--pack", "lab"]);
        talk.shake_hands();
        talk.say(&progress_call(1, 2, 300, &json!({ "progressToken": 1 })));
        assert_eq!(talk.hear()["method"], "notifications/progress");
        talk.signal(signal);
        let (rest, code) = talk.ended();
        let result = rest.iter().find(|message| message["id"] == 1).unwrap();
        assert_eq!(result["result"]["content"][0]["text"], "2 steps done");
        assert_eq!(code, Some(0));
    }
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    for (signal, expected) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut talk = Talk::start(&["--stdio", "--pack", "lab"]);
        talk.shake_hands();
        talk.say(&progress_call(1, 1_000, 1_000, &json!({ "progressToken": 1 })));
        assert_eq!(talk.hear()["method"], "notifications/progress");
        talk.signal(signal);
        await_line(&mut talk.stderr, "draining");
        talk.signal(signal);
        assert_eq!(talk.ended().1, Some(expected));
    }
}

#[test]
fn the_end_of_the_input_ends_the_server_when_everything_is_answered() {
    let mut talk = Talk::start(&["--stdio"]);
    talk.shake_hands();
    talk.say(&progress_call(7, 2, 100, &json!({})));
    drop(talk.child.stdin.take());
    let (rest, code) = talk.ended();
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(
        (&rest[0]["id"], &rest[0]["result"]["content"][0]["text"]),
        (&json!(7), &json!("2 steps done"))
    );
    assert_eq!(code, Some(0));
}

#[test]
fn stdio_and_http_are_served_together() {
    let mut talk = Talk::start(&["--stdio", "--http", "127.0.0.1:0", "--pack", "lab"]);
    let url = url_announced(&mut talk.stderr);
    talk.shake_hands();
    assert_eq!(
        text(&run(&["call", &url, "echo", "message=there"])),
        ("there\n".into(), String::new(), Some(0))
    );
    talk.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    assert_eq!(talk.hear()["result"], json!({}));
    drop(talk.child.stdin.take());
    assert_eq!(talk.ended(), (Vec::new(), Some(0)));
}

#[test]
fn logs_never_reach_standard_output() {
    let mut talk = Talk::start(&["--stdio", "--log", "trace"]);
    talk.shake_hands();
    let params = json!({ "name": "panic", "arguments": {} });
    talk.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }));
    assert_eq!(talk.hear()["error"]["code"], -32603);
    drop(talk.child.stdin.take());
    await_line(&mut talk.stderr, "the tool `panic` was called");
    let mut logs = String::new();
    talk.stderr.read_to_string(&mut logs).unwrap();
    assert!(!logs.is_empty());
    assert_eq!(talk.ended(), (Vec::new(), Some(0)));
}

#[test]
fn a_tool_that_prints_does_not_disturb_the_protocol() {
    let mut talk = Talk::start(&["--stdio", "--pack", "lab"]);
    talk.shake_hands();
    let params = json!({ "name": "print", "arguments": { "message": "careless" } });
    talk.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }));
    assert_eq!(talk.hear()["id"], 1);
    drop(talk.child.stdin.take());
    await_line(&mut talk.stderr, "careless");
    assert_eq!(talk.ended(), (Vec::new(), Some(0)));
}

#[test]
fn a_parent_that_dies_ends_the_server_though_its_input_is_still_open() {
    let mut talk = Talk::start_in_a_wrapper("serve --stdio --pack lab");
    talk.shake_hands();
    talk.signal(Signal::KILL);
    // The end of its output is the end of the server: the wrapper, whose exit code this is, was killed.
    let mut rest = String::new();
    talk.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(talk.child.stdin.take().is_some(), "our end of the input was open all the time");
}
