//! The command's exit codes: 0 all is well, 1 what was measured failed, 2 the command line has to change, 130 interrupted.
#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use impresario::{HttpConfig, HttpServer, Runtime, Serve as _, tool};
use impresario_loadtest::result::RunResult;
use rustix::process::{Pid, Signal, kill_process};

/// Return the message.
#[tool]
async fn echo(message: String) -> String {
    message
}

/// Say no.
#[tool]
async fn refuse() -> Result<String, String> {
    Err("no".to_owned())
}

fn server() -> (Runtime, HttpServer, String) {
    let runtime = Runtime::builder().name("test server").tool(echo).tool(refuse).start().unwrap();
    let server = runtime.serve_http(HttpConfig::on(([127, 0, 0, 1], 0).into())).unwrap();
    let url = server.url();
    (runtime, server, url)
}

/// Runs a line whose word URL stands for a server's; gives the exit code, standard output and standard error.
fn run(line: &str, url: &str) -> (i32, String, String) {
    let words = shell_words::split(line).unwrap().into_iter().map(|word| word.replace("URL", url));
    let mut command = Command::new(env!("CARGO_BIN_EXE_impresario-loadtest"));
    let output = command.args(words).current_dir(env!("CARGO_TARGET_TMPDIR")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn lines_end_with_the_code_that_the_page_promises() {
    let (_runtime, _server, url) = server();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rows = [
        ("echo URL -c 20 -n 2 -w 0", 0, ""),
        ("call URL refuse -c 20 -n 2 -w 0 --errors-max 20", 0, ""),
        ("call URL refuse -c 20 -n 2 -w 0", 1, ""),
        ("echo http://NOBODY -c 1", 1, "can't connect"),
        ("echo --command 'no-such-program'", 1, "no-such-program"),
        ("compare a=URL b=http://NOBODY --rounds 1 -c 5 -w 0", 1, "can't connect"),
        ("echo URL --find-max --p99-bound 1us -d 50ms -w 0 -n 1", 1, "no rate was good"),
        ("echo URL --no-such-flag", 2, "--no-such-flag"),
        ("echo URL -n 0", 2, "from 1 to"),
        ("echo URL --rate=-5", 2, "no rate"),
        ("echo URL -d 0", 2, "--duration"),
        ("call URL missing", 2, "it has echo, refuse"),
        ("echo URL --command 'cat'", 2, "a URL or a --command, not both"),
        ("echo URL --html /no/such/folder/x.html", 2, "can't be written"),
        ("compare a=URL b=URL --html /no/such/folder/x.html", 2, "can't be written"),
        ("grow connections=1 a=URL --svg /no/such/folder/x.svg", 2, "can't be written"),
        ("compare a=URL", 2, "one server"),
        ("report /no/such/file", 2, "/no/such/file"),
        ("check /no/such/file", 2, "/no/such/file"),
        ("replay /no/such/file URL", 2, "/no/such/file"),
    ];
    for (line, code, words) in rows {
        let (ended, table, told) = run(&line.replace("NOBODY", &nobody.to_string()), &url);
        assert_eq!(ended, code, "{line}: {table}{told}");
        assert!(told.contains(words), "{line}: {told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_is_not_there_and_a_disk_that_is_full_are_told() {
    let (_runtime, _server, url) = server();
    let (code, _, told) = run("echo URL --server-pid 4294967295 -c 5", &url);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("there is no such process"), "{told}");
    let (code, table, told) = run("echo URL -c 5 -n 1 -w 0 --html /dev/full", &url);
    assert_eq!(code, 1, "{told}");
    assert!(table.contains("5 answers") && told.contains("/dev/full"), "the result is shown: {table}{told}");
}

#[test]
fn a_cost_that_nobody_knows_is_told_behind_the_table() {
    let (_runtime, _server, url) = server();
    let line = "grow connections=1,2 a=URL --rounds 1 -c 20 -w 0 --svg unknown.svg";
    let (code, table, told) = run(line, &url);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("a: its process is not known; name it with --server-pid a=PID"), "{told}");
    assert!(told.contains("2 runs"), "{told}");
    assert!(!table.contains("AT MOST"), "{table}");
}

/// Starts a line, waits until it tells that it measures, sends the signal, and gives what came of it.
fn interrupt(line: &str, url: &str, begun: &str, signal: Signal) -> (i32, String) {
    let words = shell_words::split(line).unwrap().into_iter().map(|word| word.replace("URL", url));
    let mut command = Command::new(env!("CARGO_BIN_EXE_impresario-loadtest"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let found = told.find(|told| told.as_ref().is_ok_and(|told| told.contains(begun)));
    assert!(found.is_some(), "{line} never said {begun}");
    kill_process(Pid::from_child(&child), signal).unwrap();
    // What it still tells has to go somewhere.
    let draining = std::thread::spawn(move || told.for_each(drop));
    let output = child.wait_with_output().unwrap();
    draining.join().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_run_that_is_interrupted_shows_what_it_has_and_ends_with_130() {
    let (_runtime, _server, url) = server();
    for (line, begun, signal) in [
        ("echo URL -d 30s -n 2 -w 0 --json", "measuring", Signal::INT),
        ("echo URL -d 30s -n 2 -w 0 --json --rate 50", "measuring", Signal::TERM),
        ("echo URL -d 30s -n 2 -w 0 --json --find-max", "measuring", Signal::INT),
    ] {
        let (code, json) = interrupt(line, &url, begun, signal);
        assert_eq!(code, 130, "{line}: {json}");
        let result: RunResult = serde_json::from_str(&json).unwrap();
        assert!(result.interrupted && result.series[0].answers > 0, "{line}");
    }
    let (code, told) = interrupt("compare a=URL b=URL -d 30s -w 0", &url, "measuring", Signal::TERM);
    assert_eq!((code, told.as_str()), (130, ""), "nothing was measured to its end");
}
