//! Nothing is left of programs that never answer: no process, no zombie, no file descriptor. A process of its own,
//! because it counts all of them.

#![cfg(all(feature = "command", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]
#![allow(dead_code, reason = "not every test needs all of the house")]

use std::time::Duration;

use house::{PATIENCE, begin, call, eventually, house, house_of, open, refusal};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

#[path = "house/command.rs"]
mod house;

/// Runs of a program that never answers.
const RUNS: usize = 500;
/// How many of them at once.
const AT_ONCE: usize = 8;
/// Starts that fail.
const FAILURES: usize = 1_000;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The children that this process has, zombies among them.
fn children() -> usize {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap();
    let stat = |entry: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        // The number of the parent is the second word behind the name, which ends with the last bracket.
        Some(stat.rsplit_once(") ")?.1.split(' ').nth(1)? == own)
    };
    processes.filter_map(stat).filter(|is_child| *is_child).count()
}

#[test]
fn nothing_is_left_of_programs_that_never_answer_or_never_start() {
    let sleep = json!({"program": "/bin/sleep", "argv": ["1000"], "at_once": AT_ONCE});
    // Shorter than the tool's own: the engine ends these calls, and drops their future.
    let tool = open(&sleep).unwrap().tool().timeout(Duration::from_millis(20));
    let sleeping = house_of(tool);
    let honest = house(&json!({"program": "/bin/true"}));
    let warm_up: Vec<_> =
        (0..AT_ONCE).map(|_| begin(&sleeping, &json!({}), std::future::pending())).collect();
    warm_up.iter().for_each(|answer| drop(answer.recv_timeout(PATIENCE).unwrap()));
    call(&honest, &json!({}));
    eventually("programs are left of the first runs", || children() == 0);
    let before = open_files();

    for _ in 0..RUNS.div_ceil(AT_ONCE) {
        let answers: Vec<_> =
            (0..AT_ONCE).map(|_| begin(&sleeping, &json!({}), std::future::pending())).collect();
        for answer in answers {
            let frames = answer.recv_timeout(PATIENCE).unwrap();
            assert_eq!(frames[0]["result"]["isError"], true, "{frames:?}");
        }
    }
    eventually("programs are left", || children() == 0);
    eventually("files are left", || open_files() <= before);

    // Where there are no more file descriptors, a start fails, and costs none.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(before as u64 + 1), ..limit }).unwrap();
    for _ in 0..FAILURES {
        assert!(refusal(&honest, &json!({})).starts_with("the program can't be run: "));
    }
    setrlimit(Resource::Nofile, limit).unwrap();
    assert_eq!(call(&honest, &json!({}))["structuredContent"]["exit_code"], 0);
    eventually("programs are left of failed starts", || children() == 0);
    eventually("files are left of failed starts", || open_files() <= before);
}
