//! Reloading as clients of a running server see it.

use std::sync::atomic::Ordering;

use impresario_engine::ListKind;
use impresario_protocol::ListenFilter;
use impresario_transports::Serve as _;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::super::packs::probe;
use super::*;

/// Probes have counters of the whole process.
static ONE_AT_A_TIME: AsyncMutex<()> = AsyncMutex::const_new(());

struct Stage {
    keeper: Arc<Keeper>,
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    async fn with(text: &str) -> Self {
        let alone = ONE_AT_A_TIME.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, text).unwrap();
        let source = Source { path: Some(path), ..Source::default() };
        let Next { house, offer, .. } = Next::first(source.load().unwrap()).await.unwrap();
        let runtime = Runtime::builder().offer(offer).lanes(1).start().unwrap();
        Self { keeper: Keeper::new(runtime, source, house), folder, _alone: alone }
    }

    async fn reload(&self, text: &str) -> Result<Changes, Problems> {
        std::fs::write(self.folder.path().join("a.toml"), text).unwrap();
        self.keeper.reload(Why::Asked).await
    }

    async fn call(&self, tool: &str) -> Result<String, String> {
        let client = self.keeper.runtime().connect().await.unwrap();
        let result = client.call_tool(tool, json!({})).await.map_err(|error| format!("{:?}", error.kind))?;
        Ok(result.content[0].as_text().unwrap_or_default().to_owned())
    }

    fn tools(&self) -> Vec<String> {
        let snapshot = self.keeper.runtime().shared().registry.snapshot();
        snapshot.tools().iter().map(|tool| tool.definition.name.clone()).collect()
    }
}

fn probe_of(name: &str, tools: &str, answer: &str) -> String {
    format!("[packs.probe.{name}]\ntools = [{tools}]\nanswer = '{answer}'\n")
}

#[tokio::test]
async fn only_what_is_different_is_opened_anew() {
    let stage = Stage::with(&(probe_of("x", "'a'", "one") + &probe_of("y", "'b'", "two"))).await;
    assert_eq!((stage.call("a").await, stage.call("b").await), (Ok("one 1".into()), Ok("two 1".into())));
    let changes =
        stage.reload(&(probe_of("x", "'a'", "one") + &probe_of("y", "'b', 'c'", "three"))).await.unwrap();
    assert_eq!(changes.parts.changed, ["packs.probe.y"]);
    assert_eq!((changes.tools.added, changes.tools.changed), (vec!["c".to_owned()], vec!["b".to_owned()]));
    // `x` goes on counting, so it is the same part as before.
    assert_eq!((stage.call("a").await, stage.call("b").await), (Ok("one 2".into()), Ok("three 1".into())));
    assert_eq!(probe::OPEN.load(Ordering::Relaxed), 2, "the old `y` was dropped");
    let again = stage.keeper.reload(Why::Hangup).await.unwrap();
    assert!(again.is_empty(), "{again:?}");
}

#[tokio::test]
async fn running_calls_finish_on_the_old_one_and_new_ones_are_refused() {
    let stage = Stage::with(&probe_of("x", "'gated', 'stays'", "old")).await;
    let client = stage.keeper.runtime().connect().await.unwrap();
    let running = client.call_tool(probe::GATED, json!({}));
    tokio::pin!(running);
    tokio::select! {
        _ = &mut running => unreachable!("it waits for the gate"),
        begun = probe::BEGUN.acquire() => begun.unwrap().forget(),
    }
    let changes = stage.reload(&probe_of("x", "'stays'", "new")).await.unwrap();
    assert_eq!(changes.tools.removed, [probe::GATED]);
    assert_eq!(stage.call(probe::GATED).await, Err("InvalidParams".to_owned()));
    assert_eq!(stage.call("stays").await, Ok("new 1".to_owned()));
    probe::GATE.add_permits(1);
    let finished = running.await.unwrap();
    assert_eq!(
        finished.content[0].as_text(),
        Some("old 1"),
        "the session of the call is there, and its answer"
    );
}

#[tokio::test]
async fn whoever_listens_is_told_once() {
    let stage = Stage::with(&(probe_of("x", "'a'", "1") + &probe_of("y", "'b'", "1"))).await;
    let hub = &stage.keeper.runtime().shared().hub;
    let filter = ListenFilter { tools: true, resources: true, prompts: true, ..ListenFilter::default() };
    let subscriber = hub.subscribe(filter);
    stage.reload(&(probe_of("x", "'a', 'c'", "2") + &probe_of("z", "'d'", "1"))).await.unwrap();
    let mut told = Vec::new();
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    while let std::task::Poll::Ready(change) = subscriber.poll_change(&mut task) {
        told.push(format!("{change:?}"));
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(&format!("{:?}", ListKind::Tools)), "{told:?}");
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_says_why() {
    let good = probe_of("x", "'a'", "one");
    let stage = Stage::with(&good).await;
    let rows = [
        ("[packs.probe.x]\ntools = 7\n".to_owned(), "expected an array, found 7"),
        ("[packs.probe.x".to_owned(), "unclosed table"),
        (
            probe_of("x", "'a'", "two") + "[packs.probe.y]\ntools = []\nrefuses = 'no'\n",
            "packs.probe.y says no",
        ),
        (probe_of("x", "'a', 'bad name'", "two"), "its name must be 1 to 128 characters"),
        (
            probe_of("x", "'a'", "1") + &probe_of("y", "'a'", "2"),
            "comes from [packs.probe.x] and [packs.probe.y]",
        ),
        (probe_of("x", "'a'", "two") + "[tools.b]\n", "no part offers a tool `b`"),
    ];
    for (text, why) in rows {
        let problems = stage.reload(&text).await.unwrap_err();
        assert!(problems.to_string().contains(why), "{problems}");
        let last = &stage.keeper.status()["last_reload"];
        assert_eq!(last["outcome"], "refused");
        assert!(last["problems"].to_string().contains(why), "{last}");
        assert_eq!(stage.tools(), ["a"]);
        assert_eq!(probe::OPEN.load(Ordering::Relaxed), 1, "what was opened for nothing is closed");
    }
    assert_eq!(stage.call("a").await, Ok("one 1".to_owned()));
    assert!(stage.reload(&good).await.unwrap().is_empty());
    assert_eq!(stage.keeper.status()["last_reload"]["outcome"], "unchanged");
}

#[tokio::test]
async fn a_tool_that_is_the_same_keeps_its_cached_answers() {
    let cached = |pools: &str, title: &str| {
        probe_of("x", "'a', 'b'", "one")
            + &format!(
                "[tools.a]\ncache = {{ ttl = '1h', scope = 'public' }}\n[tools.b]\ntitle = '{title}'\n{pools}"
            )
    };
    let stage = Stage::with(&cached("", "t")).await;
    assert_eq!((stage.call("a").await, stage.call("a").await), (Ok("one 1".into()), Ok("one 1".into())));
    let changes =
        stage.reload(&cached("[pools.p]\nworkers = 2\n[limits]\nin_flight_max = 7\n", "u")).await.unwrap();
    assert_eq!(changes.tools.changed, ["b"]);
    assert_eq!(changes.overlays.changed, ["b"]);
    assert!(changes.parts.is_empty());
    assert_eq!(changes.needs_restart, ["limits.in_flight_max", "pools.p"]);
    assert_eq!(stage.keeper.status()["needs_restart"], json!(["limits.in_flight_max", "pools.p"]));
    assert_eq!(stage.call("a").await, Ok("one 1".to_owned()), "kept over the reload");
    assert_eq!(stage.call("b").await, Ok("one 2".to_owned()));
}

#[tokio::test]
async fn overlays_change_tools_and_take_them_away() {
    let stage = Stage::with(&(probe_of("x", "'a', 'b'", "1") + "[tools.a]\nenabled = false\n")).await;
    assert_eq!(stage.tools(), ["b"]);
    let changes =
        stage.reload(&(probe_of("x", "'a', 'b'", "1") + "[tools.b]\ndescription = 'B.'\n")).await.unwrap();
    assert_eq!((changes.tools.added, changes.tools.changed), (vec!["a".to_owned()], vec!["b".to_owned()]));
    let snapshot = stage.keeper.runtime().shared().registry.snapshot();
    assert_eq!(snapshot.tool("b").unwrap().definition.description.as_deref(), Some("B."));
}

#[tokio::test]
async fn a_plan_tells_and_changes_nothing() {
    let stage = Stage::with(&probe_of("x", "'a'", "one")).await;
    let path = stage.folder.path().join("a.toml");
    let text = probe_of("x", "'a', 'b'", "two") + "[server]\nhttp = '127.0.0.1:1'\n";
    let changes = stage.keeper.plan(Some(vec![SourceFile { path, text }])).await.unwrap();
    assert_eq!(
        (changes.parts.changed, changes.tools.added),
        (vec!["packs.probe.x".into()], vec!["b".into()])
    );
    assert_eq!(changes.needs_restart, ["server.http"]);
    assert_eq!((stage.tools(), stage.call("a").await), (vec!["a".to_owned()], Ok("one 1".to_owned())));
    assert_eq!(probe::OPEN.load(Ordering::Relaxed), 1);
    assert!(stage.keeper.plan(None).await.unwrap().is_empty());
}
