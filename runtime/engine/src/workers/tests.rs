//! Pools at their limits: queue full, queue deadline, panics, cancellation, deadlines.

use std::cell::Cell;

use impresario_codec::{DecodeLimits, Message};
use impresario_protocol::{ClientCapabilities, ErrorKind, JsonObject, Outcome};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use super::*;
use crate::call::{ClientSource, Facts};
use crate::caller::ClientFacts;
use crate::context::Context;
use crate::question::{AskError, Asks, OpenQuestions};

const SECOND: Duration = Duration::from_secs(1);

fn workers(workers: usize, queue_max: usize) -> Workers {
    let pool = PoolConfig {
        workers,
        queue_max,
        queue_timeout: 5 * SECOND,
        ..PoolConfig::new(DEFAULT_POOL, &Limits::default())
    };
    Workers::new(&[pool], 1, 5, &Arc::default(), &Arc::new(Sealer::new(&[], &Limits::default())))
}

fn call() -> Arc<Call> {
    let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
    let message = Message::parse(text, &DecodeLimits::from(&Limits::default())).unwrap();
    Arc::new(Call::new(message, crate::shared::call_limits(&Limits::default())))
}

/// Submits work and gives the call it answers.
fn submit(workers: &Workers, work: impl Future<Output = Ending> + 'static) -> Arc<Call> {
    let call = call();
    let job = Job {
        call: Arc::clone(&call),
        work: Box::pin(work),
        timeout: 60 * SECOND,
        cancel_grace: SECOND,
        tool: None,
    };
    workers.submit(job);
    call
}

async fn done() -> Ending {
    Ending::Answered(Outcome::Done)
}

/// Work that ends when the sender is used or dropped.
fn held() -> (oneshot::Sender<()>, impl Future<Output = Ending>) {
    let (tx, rx) = oneshot::channel();
    (tx, async move {
        drop(rx.await);
        done().await
    })
}

#[test]
fn a_job_that_is_done_at_once_needs_no_task() {
    let workers = workers(1, 1);
    // There is no runtime here: a spawned task would panic.
    let call = submit(&workers, done());
    assert!(call.is_ended());
    assert_eq!(workers.busy(DEFAULT_POOL), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_the_rest_is_served_in_order() {
    LocalSet::new()
        .run_until(async {
            let workers = workers(1, 1);
            let (go, work) = held();
            let first = submit(&workers, work);
            let second = submit(&workers, done());
            let third = submit(&workers, done());
            assert!(matches!(third.ended().await, Ending::Refused(error) if error.message.contains("pool_queue_max")));
            assert!(!second.is_ended());
            go.send(()).unwrap();
            assert!(matches!(first.ended().await, Ending::Answered(_)));
            assert!(matches!(second.ended().await, Ending::Answered(_)));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_too_long_is_refused_and_was_never_begun() {
    LocalSet::new()
        .run_until(async {
            let workers = workers(1, 8);
            let (_go, work) = held();
            let _first = submit(&workers, work);
            let begun = Rc::new(Cell::new(false));
            let seen = Rc::clone(&begun);
            let waits = submit(&workers, async move {
                seen.set(true);
                done().await
            });
            let start = Instant::now();
            let ending = waits.ended().await;
            assert!(matches!(ending, Ending::Refused(error) if error.kind == ErrorKind::Overloaded));
            assert_eq!(start.elapsed(), 5 * SECOND);
            assert!(!begun.get());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_call_at_once_or_later() {
    LocalSet::new()
        .run_until(async {
            let workers = workers(1, 8);
            let at_once = submit(&workers, async { panic!("on purpose") });
            let later = submit(&workers, async {
                tokio::task::yield_now().await;
                panic!("on purpose")
            });
            let after = submit(&workers, done());
            for call in [at_once, later] {
                assert!(
                    matches!(call.ended().await, Ending::Failed(error) if error.message == "internal error")
                );
            }
            assert!(matches!(after.ended().await, Ending::Answered(_)));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_never_ends_is_timed_out_and_its_worker_is_free_again() {
    LocalSet::new()
        .run_until(async {
            let workers = workers(1, 8);
            let start = Instant::now();
            let call = submit(&workers, std::future::pending());
            assert!(matches!(call.ended().await, Ending::TimedOut { after } if after == 60 * SECOND));
            assert_eq!(start.elapsed(), 60 * SECOND);
            assert!(matches!(submit(&workers, done()).ended().await, Ending::Answered(_)));
        })
        .await;
}

/// Says when it is dropped.
struct Dropped(Rc<Cell<bool>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_job_is_dropped_at_once_unless_it_watches_for_it() {
    LocalSet::new()
        .run_until(async {
            let workers = workers(2, 8);
            let dropped = Rc::new(Cell::new(false));
            let guard = Dropped(Rc::clone(&dropped));
            let call = submit(&workers, async move {
                let _guard = guard;
                std::future::pending().await
            });
            call.cancel(CancelReason::Asked);
            assert!(matches!(call.ended().await, Ending::Cancelled));
            while workers.busy(DEFAULT_POOL) > 0 {
                tokio::task::yield_now().await;
            }
            assert!(dropped.get());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_watches_for_its_cancellation_may_clean_up_for_a_moment() {
    LocalSet::new()
        .run_until(async {
            let workers = workers(1, 8);
            let cleaned = Rc::new(Cell::new(false));
            let (seen, slot) = (Rc::clone(&cleaned), call());
            let watched = Arc::clone(&slot);
            let work = async move {
                watched.cancelled().await;
                tokio::time::sleep(SECOND / 2).await;
                seen.set(true);
                done().await
            };
            let job = Job {
                call: Arc::clone(&slot),
                work: Box::pin(work),
                timeout: 60 * SECOND,
                cancel_grace: SECOND,
                tool: None,
            };
            workers.submit(job);
            slot.cancel(CancelReason::Disconnected);
            assert!(matches!(slot.ended().await, Ending::Cancelled));
            assert!(matches!(submit(&workers, done()).ended().await, Ending::Answered(_)));
            assert!(cleaned.get());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_calls_time_stands_still_while_its_client_is_asked_and_the_question_has_a_time_of_its_own() {
    LocalSet::new()
        .run_until(async {
            let workers = workers(1, 1);
            let open = Arc::<OpenQuestions<Call>>::default();
            let can = ClientCapabilities { roots: Some(JsonObject::new()), ..ClientCapabilities::default() };
            let call = call();
            call.accept(Facts {
                asks: Asks::InSession(Arc::clone(&open)),
                client: ClientSource::Said(ClientFacts::new(None, can)),
                ..Facts::default()
            });
            let ctx = Context::new(Arc::clone(&call), Arc::default());
            let work = async move {
                tokio::time::sleep(40 * SECOND).await;
                let asked = Instant::now();
                let nobody = ctx.list_roots().await.unwrap_err();
                assert!(matches!(nobody, AskError::NeverAnswered { .. }), "{nobody}");
                assert_eq!(asked.elapsed(), 300 * SECOND, "question_timeout_ms");
                // Of its minute 20 s are left.
                std::future::pending().await
            };
            let begun = Instant::now();
            let (cancel_grace, timeout) = (SECOND, 60 * SECOND);
            workers.submit(Job {
                call: Arc::clone(&call),
                work: Box::pin(work),
                timeout,
                cancel_grace,
                tool: None,
            });
            assert!(matches!(call.ended().await, Ending::TimedOut { .. }));
            assert_eq!(begun.elapsed(), 360 * SECOND);
            assert!(open.is_empty());
        })
        .await;
}
