//! The command from end to end: a run, a report of it, a check against it, and a comparison of two servers.
#![allow(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::path::{Path, PathBuf};
use std::process::Command;

use impresario::{HttpConfig, Runtime, Serve as _, tool};
use impresario_loadtest::comparison::{Comparison, Metric};
use impresario_loadtest::result::RunResult;

/// Return the message.
#[tool]
async fn echo(message: String) -> String {
    message
}

/// A folder of its own for a test, in the folder that cargo gives for that.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the command and says its exit code, standard output and standard error.
fn loadtest(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_impresario-loadtest"));
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Writes a result that claims to be of an optimized build, and this many times as fast.
fn save(folder: &Path, name: &str, result: &RunResult, faster: f64) {
    let mut result = result.clone();
    result.machine.optimized = true;
    result.series[0].rate_per_s *= faster;
    std::fs::write(folder.join(name), serde_json::to_string(&result).unwrap()).unwrap();
}

#[test]
fn a_run_is_shown_reported_and_checked() {
    let folder = folder("run");
    let runtime = Runtime::builder().name("test server").tool(echo).start().unwrap();
    let server = runtime.serve_http(HttpConfig::on(([127, 0, 0, 1], 0).into())).unwrap();
    let url = server.url();
    let few = ["--count", "50", "-n", "2", "--warm-up", "0"];

    let line = [["echo", url.as_str()].as_slice(), &few].concat();
    let (code, table, told) = loadtest(&folder, &line);
    assert_eq!(code, Some(0), "{told}");
    assert!(table.contains("50 answers, 0 errors") && table.contains("LATENCY"), "{table}");
    assert!(table.contains("debug build") == cfg!(debug_assertions), "{table}");

    let line = [line.as_slice(), &["--json", "--html", "one.html"]].concat();
    let (code, json, told) = loadtest(&folder, &line);
    assert_eq!(code, Some(0), "{told}");
    let result: RunResult = serde_json::from_str(&json).unwrap();
    assert_eq!((result.series[0].answers, result.target.server_name.as_str()), (50, "test server"));
    assert!(std::fs::read_to_string(folder.join("one.html")).unwrap().contains("Latency by percentile"));

    save(&folder, "baseline.json", &result, 1.0);
    save(&folder, "slow.json", &result, 0.5);
    std::fs::write(folder.join("nonsense.json"), "{}").unwrap();
    for (new, expected) in [("baseline.json", 0), ("slow.json", 1), ("nonsense.json", 2), ("missing.json", 2)]
    {
        let (code, table, told) = loadtest(&folder, &["check", "baseline.json", "--result", new]);
        assert_eq!(code, Some(expected), "{new}: {table}{told}");
    }
    let (code, _, told) = loadtest(&folder, &["report", "baseline.json", "slow.json", "--html", "two.html"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(std::fs::read_to_string(folder.join("two.html")).unwrap().contains("2 rounds in turn"));
}

#[test]
fn servers_are_compared_in_turns_and_one_that_fails_is_told() {
    let folder = folder("compare");
    let runtime = Runtime::builder().name("test server").tool(echo).start().unwrap();
    let server = runtime.serve_http(HttpConfig::on(([127, 0, 0, 1], 0).into())).unwrap();
    let (one, other) = (format!("one={}", server.url()), format!("other={}", server.url()));
    let pid = format!("one={}", std::process::id());
    let few = ["--count", "50", "-n", "2", "--warm-up", "0", "--rounds", "3", "--json"];

    let line =
        [["compare", &one, &other, "--server-pid", &pid, "--html", "page.html"].as_slice(), &few].concat();
    let (code, json, told) = loadtest(&folder, &line);
    assert_eq!(code, Some(0), "{told}");
    let comparison: Comparison = serde_json::from_str(&json).unwrap();
    let part = &comparison.parts[0];
    assert_eq!(part.against, "one");
    assert!(part.servers.iter().all(|server| server.rounds.len() == 3 && server.failure.is_none()));
    assert!(part.ratio(&part.servers[1], Metric::Rate).unwrap().is_bounded());
    assert!(std::fs::read_to_string(folder.join("page.html")).unwrap().contains("Round by round"));

    let broken = "broken=sh -c 'echo out of luck >&2; exit 9' {port}";
    let (code, json, told) = loadtest(&folder, &[["compare", &one, broken].as_slice(), &few].concat());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("out of luck") && told.contains("exit status: 9"), "{told}");
    let comparison: Comparison = serde_json::from_str(&json).unwrap();
    assert_eq!(comparison.parts[0].servers[0].rounds.len(), 3, "the other one went on");
}

#[test]
fn outside_of_the_source_tree_the_headline_says_what_it_needs() {
    let nowhere = std::env::temp_dir();
    let (code, _, told) = loadtest(&nowhere, &["compare"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("needs Impresario's source tree") && told.contains("compare a=URL"), "{told}");
}
