//! The cache in virtual time: what is kept, for how long, how often the tool runs, what is forgotten.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use impresario_codec::{DecodeLimits, Document, Message};
use impresario_protocol::{McpError, Outcome, ToolResult};
use serde_json::json;
use tokio::task::{JoinHandle, LocalSet};

use super::*;
use crate::call::{Call, Ending};
use crate::caller::Caller;
use crate::hub::Hub;
use crate::registry::Registry;
use crate::result_size::size_of_result;
use crate::tool::ToolSpec;

mod flights;
mod room;
mod staleness;

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> CachePolicy {
    CachePolicy::ttl(60 * SECOND).sharing(CacheSharing::Public)
}

/// The caches of a house, and the registry that they come from.
struct House {
    caches: Arc<ResultCache>,
    registry: Registry,
}

impl House {
    fn new(limits: Limits) -> Self {
        let caches = ResultCache::new(&limits, Eviction::default(), 1);
        let hub = Arc::new(Hub::default());
        let forgetting = Arc::clone(&caches);
        hub.on_list_changed(move |kind| forgetting.list_changed(kind));
        let registry = Registry::new(hub, Arc::new(limits), vec!["default".into()], Arc::clone(&caches));
        Self { caches, registry }
    }

    fn cache(&self, tool: &str, policy: CachePolicy) -> Rc<Tester> {
        let spec =
            ToolSpec::from_context(tool, json!({ "type": "object" }), |_ctx| async { "x" }).cache(policy);
        self.registry.add_tool(spec).unwrap();
        let cache = self.registry.snapshot().tool(tool).unwrap().cache.clone().unwrap();
        Rc::new(Tester { cache, runs: Cell::new(0), takes: Cell::new(SECOND), next: RefCell::default() })
    }
}

/// One tool's cache in front of a tool that counts its runs.
struct Tester {
    cache: Arc<ToolCache>,
    runs: Cell<usize>,
    /// How long a run takes.
    takes: Cell<Duration>,
    /// How the next runs end; without any, with their number.
    next: RefCell<VecDeque<Ran>>,
}

impl Tester {
    fn key(&self, number: u64) -> CacheKey {
        let document = Document::parse(number.to_string().as_bytes(), 64).unwrap();
        self.cache.key(&Caller::default(), Some(document.root()))
    }

    /// One call of the tool, as a session makes it.
    fn call(self: &Rc<Self>, number: u64) -> Arc<Call> {
        let (call, key) = (call(), self.key(number));
        match self.cache.look_up(key) {
            Found::Fresh(kept) => call.finish(kept.ending()),
            Found::Stale(kept) => {
                if let Some(flight) = self.cache.refresh(key) {
                    self.fly(flight, Arc::new(Call::unheard(&call)));
                }
                call.finish(kept.ending());
            }
            Found::Nothing => match self.cache.join(key, &call) {
                Joined::Kept(kept) => call.finish(kept.ending()),
                Joined::Waits => {}
                Joined::Leads(flight) => drop(self.fly(flight, Arc::clone(&call))),
            },
        }
        call
    }

    fn fly(self: &Rc<Self>, flight: Flight, leader: Arc<Call>) -> JoinHandle<()> {
        let tool = Rc::clone(self);
        tokio::task::spawn_local(flight.fly(leader, move |_leader| {
            let tool = Rc::clone(&tool);
            async move {
                tool.runs.set(tool.runs.get() + 1);
                let planned = tool.next.borrow_mut().pop_front();
                let ran = planned.unwrap_or_else(|| answer(&format!("run {}", tool.runs.get())));
                tokio::time::sleep(tool.takes.get()).await;
                ran
            }
        }))
    }

    /// One call to its end, as text.
    async fn ask(self: &Rc<Self>, number: u64) -> String {
        text(self.call(number).ended().await)
    }

    fn then(&self, ran: Ran) {
        self.next.borrow_mut().push_back(ran);
    }

    fn figures(&self) -> CacheFigures {
        self.cache.tidy();
        self.cache.figures()
    }

    /// Whether there is a fresh answer, without asking for one.
    fn keeps(&self, number: u64) -> bool {
        self.cache.fresh(self.key(number)).is_some()
    }
}

fn call() -> Arc<Call> {
    let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
    let message = Message::parse(text, &DecodeLimits::from(&Limits::default())).unwrap();
    let call = Call::new(message, crate::shared::call_limits(&Limits::default()));
    call.accept(crate::call::Facts::default());
    Arc::new(call)
}

fn answer(text: &str) -> Ran {
    Ran { ending: Ending::Answered(Outcome::Tool(ToolResult::text(text))), was_noisy: false }
}

fn failure(code: Option<&'static str>) -> Ran {
    let result = ToolResult { error_code: code.map(Into::into), ..ToolResult::error("failed") };
    Ran { ending: Ending::Answered(Outcome::Tool(result)), was_noisy: false }
}

fn panicked() -> Ran {
    Ran { ending: Ending::Failed(McpError::internal()), was_noisy: false }
}

fn timed_out() -> Ran {
    Ran { ending: Ending::TimedOut { after: SECOND }, was_noisy: false }
}

fn refused() -> Ran {
    Ran { ending: Ending::Refused(McpError::overloaded("full", 1)), was_noisy: false }
}

fn text(ending: Ending) -> String {
    match ending {
        Ending::Answered(Outcome::Tool(result)) => result.content[0].as_text().unwrap().into(),
        Ending::Failed(error) | Ending::Refused(error) => error.message.into(),
        Ending::TimedOut { .. } => "timed out".into(),
        other => panic!("{other:?}"),
    }
}

/// What an answer of that text takes.
fn bytes_of(text: &str) -> u64 {
    size_of_result(&ToolResult::text(text)) as u64 + ENTRY_BYTES
}

#[tokio::test(start_paused = true)]
async fn failures_noisy_calls_and_large_answers_are_never_kept() {
    let house = House::new(Limits { cache_entry_bytes_max: 200, ..Limits::default() });
    let tool = house.cache("t", policy());
    let small = house.cache("small", policy().max_bytes(64));
    LocalSet::new()
        .run_until(async {
            let noisy = Ran { was_noisy: true, ..answer("x") };
            let large = answer(&"x".repeat(200));
            for (number, ran) in [failure(None), failure(Some("gone")), noisy, large, timed_out(), refused()]
                .into_iter()
                .enumerate()
            {
                tool.then(ran);
                tool.ask(number as u64).await;
                assert!(!tool.keeps(number as u64), "{number}");
            }
            small.ask(0).await;
            assert!(!small.keeps(0), "its own bound");
            tool.ask(10).await;
            assert!(tool.keeps(10));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn chosen_failures_are_kept_for_a_time_of_their_own() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().keep_errors(["not_found", "gone"], 5 * SECOND));
    LocalSet::new()
        .run_until(async {
            tool.then(failure(Some("not_found")));
            tool.then(failure(Some("other")));
            assert_eq!(tool.ask(1).await, "failed");
            assert_eq!(tool.ask(1).await, "failed");
            assert_eq!(tool.runs.get(), 1);
            tokio::time::advance(5 * SECOND).await;
            assert_eq!(tool.ask(1).await, "failed");
            assert_eq!(tool.ask(1).await, "run 3", "the other code is not kept");
            tokio::time::advance(59 * SECOND).await;
            assert_eq!(tool.ask(1).await, "run 3", "what is no failure has the longer time");
            // Errors are kept by their code and not because they are errors of a tool.
            let noisy = Ran { was_noisy: true, ..failure(Some("gone")) };
            tool.then(noisy);
            tool.ask(2).await;
            assert!(!tool.keeps(2));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_gone_and_so_is_what_was_on_its_way() {
    let house = House::new(Limits::default());
    let weather = house.cache("weather", policy().tags(["sky", "outside"]));
    let tides =
        house.cache("tides", policy().tags(["outside"]).forget_on_list_changed([ListKind::Resources]));
    LocalSet::new()
        .run_until(async {
            let fill = async || {
                for tool in [&weather, &tides] {
                    tool.ask(1).await;
                    tool.ask(2).await;
                }
            };
            let keep = || (weather.keeps(1), tides.keeps(1));
            let caches = &house.caches;
            type Forget<'f> = &'f dyn Fn() -> u64;
            let rows: [(Forget<'_>, u64, (bool, bool)); 6] = [
                (&|| caches.forget_tool("weather"), 2, (false, true)),
                (&|| caches.forget_tag("sky"), 2, (false, true)),
                (&|| caches.forget_tag("outside"), 4, (false, false)),
                (&|| caches.forget_tool("moon") + caches.forget_tag("moon"), 0, (true, true)),
                (&|| caches.clear(), 4, (false, false)),
                (
                    &|| {
                        caches.list_changed(ListKind::Templates);
                        0
                    },
                    0,
                    (true, false),
                ),
            ];
            for (place, (forget, answers, kept)) in rows.into_iter().enumerate() {
                fill().await;
                assert_eq!(keep(), (true, true), "{place}");
                assert_eq!((forget(), keep()), (answers, kept), "{place}");
            }
            caches.list_changed(ListKind::Tools);
            assert!(weather.keeps(1));

            let runs = tides.runs.get();
            let before = tides.call(3);
            tokio::task::yield_now().await;
            caches.clear();
            let after = tides.call(3);
            let (before, after) = (text(before.ended().await), text(after.ended().await));
            assert_eq!((before, after), (format!("run {}", runs + 1), format!("run {}", runs + 2)));
            assert_eq!(tides.ask(3).await, format!("run {}", runs + 2), "what began before is not kept");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn figures_say_what_happened_and_outlive_their_tool() {
    let house = House::new(Limits::default());
    let tool = house.cache("t", policy().stale_while_revalidate(10 * SECOND).tags(["sky"]));
    LocalSet::new()
        .run_until(async {
            let (first, second) = (tool.call(1), tool.call(1));
            first.ended().await;
            second.ended().await;
            tool.ask(1).await;
            tokio::time::advance(60 * SECOND).await;
            tool.ask(1).await;
            tool.ask(2).await;
            tokio::time::advance(500 * Duration::from_millis(1)).await;
        })
        .await;
    let figures = CacheFigures {
        hits: 1,
        misses: 2,
        stale_hits: 1,
        coalesced: 1,
        evictions: 0,
        entries: 2,
        bytes: bytes_of("run 2") + bytes_of("run 3"),
        oldest_age_ms: Some(500),
    };
    let stats = house.caches.stats();
    assert_eq!(stats.total, figures);
    assert_eq!(figures.hit_ratio(), 0.4);
    let expected = json!({
        "total": figures,
        "bytes_max": 256 << 20,
        "tools": [{
            "tool": "t", "tags": ["sky"], "hits": 1, "misses": 2, "stale_hits": 1, "coalesced": 1, "evictions": 0,
            "entries": 2, "bytes": figures.bytes, "oldest_age_ms": 500,
        }],
    });
    assert_eq!(serde_json::to_value(&stats).unwrap(), expected);
    assert_eq!(serde_json::from_value::<CacheStats>(expected).unwrap(), stats);
    drop(tool);
    house.registry.remove_tool("t");
    let gone = CacheFigures { entries: 0, bytes: 0, oldest_age_ms: None, ..figures };
    assert_eq!(house.caches.stats(), CacheStats { total: gone, bytes_max: 256 << 20, tools: Vec::new() });
}
