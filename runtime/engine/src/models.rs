//! What several threads share, run under schedules that an explorer chooses: thousands of them for each model.
//!
//! The types are the real ones; with the feature `model` their locks and counters let the explorer decide who goes
//! next (`sync.rs`). A thread that waits for ever is a deadlock, and fails the model. A failing schedule is printed.
//!
//! `cargo test -p impresario-engine --lib --features model models::`

#![allow(clippy::unwrap_used, reason = "a model that can not go on panics, in its helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use impresario_codec::{DecodeLimits, Message};
use impresario_protocol::{Limits, ListenFilter, Outcome};
use shuttle::future::block_on;
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::mpsc::channel;
use shuttle::thread;

use crate::call::{Call, CallEvent, CallLimits, CancelReason, Ending};
use crate::gate::{Counter, Gate};
use crate::hub::{Change, Hub, seat_on};
use crate::in_flight::InFlight;

/// Schedules of each kind for each model.
const SCHEDULES: usize = 3_000;

/// Runs a model under random schedules, and under ones that are good at finding a few unlucky switches.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    const SWITCHES: usize = 3;
    let model = Arc::new(model);
    let again = Arc::clone(&model);
    shuttle::check_random(move || model(), SCHEDULES);
    shuttle::check_pct(move || again(), SCHEDULES, SWITCHES);
}

fn call() -> Arc<Call> {
    let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#;
    let message = Message::parse(text, &DecodeLimits::from(&Limits::default())).unwrap();
    let limits = CallLimits {
        notifications_max: 4,
        notification_bytes_max: 4_096,
        progress_per_second_max: 10,
        questions_max: 4,
        question_rounds_max: 4,
        question_timeout: std::time::Duration::from_secs(1),
    };
    Arc::new(Call::new(message, limits))
}

/// What a session and the house count and list.
#[derive(Clone)]
struct Books {
    gate: Arc<Gate>,
    session: Arc<Counter>,
    table: Arc<InFlight<Call>>,
}

impl Books {
    fn open(calls_max: u64) -> Self {
        let limits = Limits { in_flight_max: calls_max, ..Limits::default() };
        Self { gate: Arc::new(Gate::new(&limits)), session: Arc::default(), table: Arc::default() }
    }

    fn admit(&self, call: &Arc<Call>) {
        let permit = self.gate.admit(&self.session).unwrap();
        call.hold(permit, Some(&self.table)).unwrap();
    }

    fn are_clear(&self) -> bool {
        self.gate.calls() == 0 && self.session.get() == 0 && self.table.is_empty()
    }
}

/// Reads a call to its end. Says whether it was answered.
fn read(call: &Call, books: &Books) -> bool {
    let CallEvent::Ended(ending) = block_on(call.next_event()) else { panic!("nothing else was told") };
    assert!(books.are_clear(), "who sees the ending finds the call's place free");
    let CallEvent::Ended(after) = block_on(call.next_event()) else { panic!("nothing follows an ending") };
    assert!(matches!(after, Ending::Cancelled), "an answer is given once");
    match ending {
        Ending::Answered(_) => true,
        Ending::Cancelled => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_that_is_cancelled_while_it_completes_is_answered_or_cancelled_and_leaves_nothing() {
    explore(|| {
        let (call, books) = (call(), Books::open(1));
        books.admit(&call);
        let worker = {
            let call = Arc::clone(&call);
            thread::spawn(move || call.finish(Ending::Answered(Outcome::Done)))
        };
        let client = {
            let (call, books) = (Arc::clone(&call), books.clone());
            thread::spawn(move || {
                if let Some(found) = books.table.get(call.id().unwrap()) {
                    found.cancel(CancelReason::Asked);
                }
            })
        };
        let was_answered = read(&call, &books);
        worker.join().unwrap();
        client.join().unwrap();
        assert!(was_answered || call.is_cancelled());
        assert!(books.are_clear());
    });
}

#[test]
fn a_call_that_is_cancelled_while_it_is_admitted_leaves_nothing() {
    explore(|| {
        let (call, books) = (call(), Books::open(1));
        let session = {
            let (call, books) = (Arc::clone(&call), books.clone());
            thread::spawn(move || {
                books.admit(&call);
                call.finish(Ending::Answered(Outcome::Done));
            })
        };
        let id = call.id().unwrap().clone();
        if let Some(found) = books.table.get(&id) {
            found.cancel(CancelReason::Asked);
        }
        read(&call, &books);
        session.join().unwrap();
        assert!(books.are_clear());
    });
}

#[test]
fn a_waiting_tool_is_woken_by_a_cancellation_whenever_it_comes() {
    explore(|| {
        let call = call();
        let tool = {
            let call = Arc::clone(&call);
            thread::spawn(move || {
                block_on(call.cancelled());
                call.finish(Ending::Answered(Outcome::Done));
            })
        };
        call.cancel(CancelReason::TimedOut);
        assert!(matches!(block_on(call.ended()), Ending::Answered(_)), "it had its time to clean up");
        tool.join().unwrap();
    });
}

#[test]
fn no_more_are_let_in_than_may_be_and_all_places_come_back() {
    const MAX: usize = 2;
    explore(|| {
        let books = Books::open(MAX as u64);
        let inside = Arc::new(AtomicUsize::new(0));
        let visit = |books: Books, inside: Arc<AtomicUsize>| {
            move || {
                if let Ok(permit) = books.gate.admit(&books.session) {
                    assert!(inside.fetch_add(1, Ordering::SeqCst) < MAX);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            }
        };
        let visitors: Vec<_> =
            (0..4).map(|_| thread::spawn(visit(books.clone(), Arc::clone(&inside)))).collect();
        visitors.into_iter().for_each(|visitor| visitor.join().unwrap());
        assert!(books.are_clear());
    });
}

fn watching(uri: &str) -> ListenFilter {
    ListenFilter { uris: vec![uri.to_owned()], ..ListenFilter::default() }
}

#[test]
fn a_change_is_never_lost_and_never_told_twice_while_subscribers_read() {
    const CHANGES: usize = 2;
    explore(|| {
        seat_on(0);
        let hub = Arc::new(Hub::new(1));
        let teller = shuttle::future::spawn(Arc::clone(&hub).tell(0));
        let changes = Arc::new(AtomicUsize::new(0));
        let (told_tx, told_rx) = channel();
        // More than one slice of them, so that a walk can be interrupted.
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (subscriber, changes) = (hub.subscribe(watching("a:1")), Arc::clone(&changes));
                let told_tx = told_tx.clone();
                thread::spawn(move || {
                    let mut told = 0;
                    // Whoever was not told after the last change waits for ever, which the explorer notices.
                    while changes.load(Ordering::SeqCst) < CHANGES || told == 0 {
                        assert!(matches!(block_on(subscriber.next_change()), Change::Notification(_)));
                        told += 1;
                        told_tx.send(()).unwrap();
                    }
                    assert!(told <= CHANGES, "{told}");
                })
            })
            .collect();
        for change in 0..CHANGES {
            // Sometimes in the middle of the walk that tells of the change before, when one has heard of it.
            if change > 0 && thread_rng().gen_bool(0.5) {
                told_rx.recv().unwrap();
            }
            changes.fetch_add(1, Ordering::SeqCst);
            hub.resource_updated("a:1");
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        teller.abort();
    });
}

#[test]
fn a_closing_hub_ends_those_who_read_and_those_who_come_meanwhile() {
    explore(|| {
        seat_on(0);
        let hub = Arc::new(Hub::new(1));
        let teller = shuttle::future::spawn(Arc::clone(&hub).tell(0));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let hub = Arc::clone(&hub);
                thread::spawn(move || {
                    let subscriber = hub.subscribe(watching("a:1"));
                    while block_on(subscriber.next_change()) != Change::Closed {}
                })
            })
            .collect();
        hub.resource_updated("a:1");
        hub.close();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        // It may be in the middle of a slice, and hold who is in it.
        teller.abort();
        drop(block_on(teller));
        assert!(hub.is_empty());
    });
}

#[test]
fn who_stops_watching_and_watches_again_is_told_and_leaves_nothing_behind() {
    explore(|| {
        let hub = Arc::new(Hub::default());
        let subscriber = hub.subscribe(watching("a:1"));
        let other = {
            let hub = Arc::clone(&hub);
            thread::spawn(move || {
                let other = hub.subscribe(watching("a:1"));
                hub.resource_updated("a:1");
                drop(other);
            })
        };
        let fickle = {
            let subscriber = Arc::clone(&subscriber);
            thread::spawn(move || {
                subscriber.unwatch("a:1");
                subscriber.watch("a:1", &Limits::default()).unwrap();
            })
        };
        other.join().unwrap();
        fickle.join().unwrap();
        hub.resource_updated("a:1");
        assert!(matches!(block_on(subscriber.next_change()), Change::Notification(_)));
        drop(subscriber);
        assert!(hub.is_empty() && !hub.watches_anything());
    });
}
