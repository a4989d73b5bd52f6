//! Every scenario against the real server, in both eras.

use super::support::{all, ask, errors, figure};
use ::impresario::{HttpConfig, HttpServer, Limits, NoArguments, Runtime, Serve as _, ToolSpec, packs};

struct Server {
    runtime: Runtime,
    _http: HttpServer,
    url: String,
}

/// The demo tools on any free port, and a tool `change` that changes the list of tools.
async fn server() -> Server {
    let mut limits = Limits::default();
    limits.set("sessions_per_client_max", 5_000).unwrap();
    let builder = packs::PACKS.iter().fold(Runtime::builder(), |builder, pack| (pack.install)(builder));
    let runtime = builder.lanes(1).limits(limits).start().unwrap();
    let changing = runtime.clone();
    let change = ToolSpec::new("change", move |_: NoArguments, _ctx| {
        let runtime = changing.clone();
        async move {
            if !runtime.remove_tool("extra") {
                runtime.add_tool(ToolSpec::new("extra", |_: NoArguments, _ctx| async { "hi" })).unwrap();
            }
            "changed"
        }
    });
    runtime.add_tool(change).unwrap();
    let http = runtime.serve_http(HttpConfig::on(([127, 0, 0, 1], 0).into())).unwrap();
    let url = http.url();
    Server { runtime, _http: http, url }
}

async fn right(work: &str, flags: &str) {
    let server = server().await;
    let flags = format!("--warm-up 0s --connections 4 {flags}");
    let result = ask(&server.url, work, &flags).await.unwrap();
    assert_eq!(errors(&result), [], "{work} {flags}");
    assert!(all(&result).answers > 0, "{work} {flags}");
    server.runtime.shutdown().await;
}

#[tokio::test]
async fn every_revision_is_spoken() {
    for revision in ["auto", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] {
        right("echo", &format!("--count 200 --sessions-per-connection 3 --revision {revision}")).await;
    }
}

#[tokio::test]
async fn steady_work_is_answered_rightly() {
    for work in
        ["echo --message 'two \"words\"'", "call add a=1 b=2", "call counter", "list", "payload 300KB"]
    {
        right(work, "--count 60 --threads 2").await;
    }
}

#[tokio::test]
async fn a_count_is_kept_exactly() {
    let server = server().await;
    let result =
        ask(&server.url, "echo", "--warm-up 0s --count 777 --threads 2 --connections 5").await.unwrap();
    assert_eq!((all(&result).answers, result.interrupted), (777, false));
    assert_eq!(result.slices.iter().map(|slice| slice.answers).sum::<u64>(), 777);
    assert_eq!((result.target.revision.as_str(), result.load.shape.as_str()), ("2026-07-28", "closed"));
    server.runtime.shutdown().await;
}

#[tokio::test]
async fn open_loops_send_what_they_should() {
    let server = server().await;
    for (flags, expected) in [("--rate 500", 500), ("--ramp 100..900", 500), ("--steps 200,800", 500)] {
        let flags = format!("{flags} --warm-up 100ms --duration 1s --connections 4 --threads 2");
        let result = ask(&server.url, "call add a=1 b=2", &flags).await.unwrap();
        assert!(all(&result).answers.abs_diff(expected) <= 2, "{flags}: {}", all(&result).answers);
        assert_eq!(errors(&result), []);
    }
    server.runtime.shutdown().await;
}

#[tokio::test]
async fn a_mix_keeps_its_weights() {
    let server = server().await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mix.toml");
    let result = ask(&server.url, &format!("mix {file}"), "--warm-up 0s --count 2000").await.unwrap();
    assert_eq!(errors(&result), []);
    let multiply = result.series.iter().find(|series| series.name == "multiply").unwrap();
    assert!((300..500).contains(&multiply.answers), "{}", multiply.answers);
    server.runtime.shutdown().await;
}

#[tokio::test]
async fn storms_leave_the_server_standing() {
    for revision in ["2025-11-25", "2026-07-28"] {
        let end = format!("--duration 300ms --revision {revision}");
        right("cancel-storm sleep ms=5000 --after 5ms", &end).await;
        right("reconnect-storm --requests 2", &end).await;
        right("slow-reader --readers 2 --size 60KB --speed 200KB", &end).await;
        right("noisy-neighbour --quiet-rate 50", &end).await;
    }
}

#[tokio::test]
async fn runs_behind_a_cache_are_counted() {
    let server = server().await;
    let runs = "--runs 'slow_count key=0 ms=0'";
    let flags = "--count 300 --connections 30 --threads 2";
    let cached = ask(&server.url, &format!("cache kept_count ms=1 --keys 5 {runs}"), flags).await.unwrap();
    assert_eq!((errors(&cached), all(&cached).answers), (Vec::new(), 300));
    // Each key once, or again if this machine is so slow that a second passes.
    let ran = figure(&cached, "runs of the tool");
    assert!((1.0..=5.0 * (cached.measured_s + 1.0)).contains(&ran), "{ran} runs");
    let bare = ask(&server.url, &format!("cache slow_count ms=0 --keys 5 {runs}"), flags).await.unwrap();
    assert_eq!(figure(&bare, "runs of the tool"), 300.0);
    assert_eq!(figure(&bare, "calls without a run"), 0.0);
    for (work, expected) in [
        ("cache nothing", "has no tool"),
        ("cache kept_count ms=1 --skew=-1", "--skew"),
        ("cache kept_count ms=1 --runs 'echo message=x'", "a number of runs"),
    ] {
        let fault = ask(&server.url, work, flags).await.unwrap_err().to_string();
        assert!(fault.contains(expected), "{work}: {fault}");
    }
    server.runtime.shutdown().await;
}

#[tokio::test]
async fn sessions_are_opened_and_closed() {
    right("sessions --pings 2", "--count 100").await;
}

#[tokio::test]
async fn idle_sessions_and_streams_are_counted() {
    for (work, revision, expected) in [
        ("idle 500", "2025-11-25", "idle sessions opened"),
        ("idle 40 --streams", "2025-11-25", "idle streams opened"),
        ("idle 40 --streams", "2026-07-28", "idle streams opened"),
    ] {
        let server = server().await;
        let flags = format!(
            "--duration 50ms --connections 8 --revision {revision} --server-pid {}",
            std::process::id()
        );
        let result = ask(&server.url, work, &flags).await.unwrap();
        assert_eq!(errors(&result), [], "{work}");
        let count = if work.contains("500") { 500.0 } else { 40.0 };
        assert_eq!(figure(&result, expected), count, "{work}");
        server.runtime.shutdown().await;
    }
}

#[tokio::test]
async fn every_listener_hears_of_every_change() {
    for revision in ["2025-11-25", "2026-07-28"] {
        let server = server().await;
        let flags = format!("--count 5 --timeout 5s --revision {revision}");
        let result =
            ask(&server.url, "subscribe --trigger change --listeners 20 --every 1ms", &flags).await.unwrap();
        assert_eq!((errors(&result), all(&result).answers), (Vec::new(), 100), "{revision}");
        server.runtime.shutdown().await;
    }
}

#[tokio::test]
async fn a_scenario_that_does_not_suit_the_server_says_so() {
    let server = server().await;
    for (work, flags, expected) in [
        ("call nothing", "", "has no tool `nothing`"),
        ("call add a=x", "", "must be a number"),
        ("sessions", "--revision 2026-07-28", "assigns none"),
        ("sessions", "--find-max", "--find-max works with"),
        ("subscribe --trigger 'echo message=x' --listeners 2", "--timeout 300ms", "no listener heard"),
    ] {
        let fault = ask(&server.url, work, flags).await.unwrap_err().to_string();
        assert!(fault.contains(expected), "{work}: {fault}");
    }
    server.runtime.shutdown().await;
}
