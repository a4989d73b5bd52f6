//! The hub: who is told of what, how often, and how much of it at once.

use std::sync::atomic::AtomicUsize;
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use impresario_protocol::{Limits, Notification};

use super::teller::WAKES_PER_SLICE;
use super::*;

const MANY: usize = 10_000;

fn next(subscriber: &Subscriber) -> Poll<Change> {
    subscriber.poll_change(&mut TaskContext::from_waker(Waker::noop()))
}

fn told(subscriber: &Subscriber) -> Vec<Change> {
    let mut changes = Vec::new();
    while let Poll::Ready(change) = next(subscriber) {
        let closed = change == Change::Closed;
        changes.push(change);
        if closed {
            break;
        }
    }
    changes
}

fn updated(uri: &str) -> Change {
    Change::Notification(Notification::ResourceUpdated { uri: uri.into() })
}

fn watching(uris: &[&str]) -> ListenFilter {
    ListenFilter { uris: uris.iter().map(|uri| (*uri).to_owned()).collect(), ..ListenFilter::default() }
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Has a subscriber wait on that lane, or on none.
fn wait_on(lane: Option<usize>, subscriber: &Arc<Subscriber>, bell: &Arc<Bell>) {
    let seated = std::thread::spawn({
        let waker = Waker::from(Arc::clone(bell));
        let subscriber = Arc::clone(subscriber);
        move || {
            lane.into_iter().for_each(seat_on);
            assert!(subscriber.poll_change(&mut TaskContext::from_waker(&waker)).is_pending());
        }
    });
    seated.join().unwrap();
}

/// Has all of them wait on that lane, each with a bell of its own.
fn all_wait_on(lane: usize, subscribers: &[Arc<Subscriber>]) -> Vec<Arc<Bell>> {
    let handles: Vec<_> = subscribers.iter().map(Arc::clone).collect();
    let seated = std::thread::spawn(move || {
        seat_on(lane);
        let wait = |subscriber: Arc<Subscriber>| {
            let bell = Arc::<Bell>::default();
            let waker = Waker::from(Arc::clone(&bell));
            assert!(subscriber.poll_change(&mut TaskContext::from_waker(&waker)).is_pending());
            bell
        };
        handles.into_iter().map(wait).collect()
    });
    seated.join().unwrap()
}

fn rung(bells: &[Arc<Bell>]) -> usize {
    bells.iter().map(|bell| bell.0.load(Ordering::Relaxed)).sum()
}

#[test]
fn a_subscriber_hears_what_it_asked_for_once_however_often_it_changes() {
    let hub = Arc::new(Hub::default());
    let subscriber = hub.subscribe(ListenFilter { tools: true, ..watching(&["a:1"]) });
    for _ in 0..1_000 {
        hub.list_changed(ListKind::Tools);
        hub.list_changed(ListKind::Prompts);
        hub.resource_updated("a:1");
        hub.resource_updated("a:2");
    }
    let expected = [Change::Notification(Notification::ListChanged(ListKind::Tools)), updated("a:1")];
    assert_eq!(told(&subscriber), expected);
    hub.resource_updated("a:1");
    assert_eq!(told(&subscriber).len(), 1);
}

#[test]
fn one_subscriber_watches_no_more_than_it_may() {
    let hub = Arc::new(Hub::default());
    let subscriber = hub.subscribe(ListenFilter::default());
    let limits = Limits { subscriptions_per_session_max: 2, ..Limits::default() };
    subscriber.watch("a:1", &limits).unwrap();
    subscriber.watch("a:2", &limits).unwrap();
    subscriber.watch("a:2", &limits).unwrap();
    assert!(subscriber.watch("a:3", &limits).is_err());
    hub.resource_updated("a:1");
    subscriber.unwatch("a:1");
    subscriber.watch("a:3", &limits).unwrap();
    hub.resource_updated("a:1");
    assert_eq!(told(&subscriber), []);
    assert_eq!(subscriber.filter().uris, ["a:2", "a:3"]);
}

#[test]
fn what_one_subscriber_watches_is_bounded_in_bytes_too() {
    let hub = Arc::new(Hub::default());
    let subscriber = hub.subscribe(ListenFilter::default());
    let limits = Limits { subscription_bytes_per_session_max: 6, ..Limits::default() };
    subscriber.watch("a:1", &limits).unwrap();
    assert!(
        subscriber.watch("a:22", &limits).unwrap_err().message.contains("subscription_bytes_per_session_max")
    );
    subscriber.watch("a:2", &limits).unwrap();
    assert!(subscriber.watch("b", &limits).is_err());
    subscriber.watch("a:1", &limits).unwrap();
    subscriber.unwatch("a:2");
    subscriber.watch("b", &limits).unwrap();
}

#[test]
fn a_closed_hub_ends_its_subscribers_after_what_they_still_have_to_hear() {
    let hub = Arc::new(Hub::default());
    let subscriber = hub.subscribe(ListenFilter { prompts: true, ..ListenFilter::default() });
    hub.list_changed(ListKind::Prompts);
    hub.close();
    assert_eq!(told(&subscriber).len(), 2);
    assert_eq!(next(&subscriber), Poll::Ready(Change::Closed));
    assert_eq!(next(&hub.subscribe(ListenFilter::default())), Poll::Ready(Change::Closed), "who comes late");
}

#[test]
fn a_dropped_subscriber_leaves_nothing_behind() {
    let hub = Arc::new(Hub::default());
    let (one, other) = (hub.subscribe(watching(&["a:1", "a:2"])), hub.subscribe(watching(&["a:2"])));
    assert_eq!((hub.len(), hub.watched_len()), (2, 2));
    drop(one);
    assert_eq!((hub.len(), hub.watched_len()), (1, 1));
    other.unwatch("a:2");
    assert_eq!(hub.watched_len(), 0);
    drop(other);
    assert!(hub.is_empty());
}

#[test]
fn a_change_touches_only_those_who_asked_for_it() {
    let hub = Arc::new(Hub::new(1));
    let others: Vec<_> = (0..MANY).map(|number| hub.subscribe(watching(&[&format!("a:{number}")]))).collect();
    let lists = hub.subscribe(ListenFilter { tools: true, ..ListenFilter::default() });
    let bells = all_wait_on(0, &others);
    hub.resource_updated("a:7");
    assert_eq!(hub.tell_slice(0), Slice { woken: 1, marked: 0 }, "marked by the caller, woken by the lane");
    hub.list_changed(ListKind::Tools);
    assert_eq!(rung(&bells), 1);
    assert_eq!(told(&others[7]), [updated("a:7")]);
    assert_eq!((told(&others[8]), told(&lists).len()), (Vec::new(), 1));
}

#[test]
fn ten_thousand_are_told_in_slices_by_two_lanes_and_none_is_forgotten() {
    let hub = Arc::new(Hub::new(2));
    let subscribers: Vec<_> = (0..MANY).map(|_| hub.subscribe(watching(&["a:1"]))).collect();
    let (here, there) = subscribers.split_at(MANY / 2);
    let bells = [all_wait_on(0, here), all_wait_on(1, there)];
    hub.resource_updated("a:1");
    assert_eq!(rung(&bells[0]) + rung(&bells[1]), 0, "the caller itself wakes nobody");
    let mut slices = 0;
    loop {
        let before = [rung(&bells[0]), rung(&bells[1])];
        let mut is_done = true;
        for (lane, before) in before.into_iter().enumerate() {
            let Slice { woken, marked } = hub.tell_slice(lane);
            assert!(woken <= WAKES_PER_SLICE && marked <= MARKS_PER_SLICE);
            is_done &= woken == 0 && marked == 0;
            assert_eq!(rung(&bells[lane]) - before, woken, "a lane wakes its own alone");
        }
        if is_done {
            break;
        }
        slices += 1;
    }
    assert!(slices >= MANY / 2 / WAKES_PER_SLICE, "{slices}");
    for subscriber in &subscribers {
        assert_eq!(told(subscriber), [updated("a:1")]);
    }
    assert_eq!(rung(&bells[0]) + rung(&bells[1]), MANY);
}

#[test]
fn a_change_in_the_middle_of_a_walk_is_told_to_those_who_were_passed_and_to_nobody_twice() {
    let hub = Arc::new(Hub::new(1));
    let subscribers: Vec<_> = (0..3 * MARKS_PER_SLICE).map(|_| hub.subscribe(watching(&["a:1"]))).collect();
    hub.resource_updated("a:1");
    assert_eq!(hub.tell_slice(0).marked, MARKS_PER_SLICE);
    let (passed, ahead) = subscribers.split_at(MARKS_PER_SLICE);
    assert!(passed.iter().all(|subscriber| told(subscriber).len() == 1));
    hub.resource_updated("a:1");
    let newcomer = hub.subscribe(watching(&["a:1"]));
    while hub.tell_slice(0).marked > 0 {}
    assert!(passed.iter().all(|subscriber| told(subscriber).len() == 1), "told of the second change");
    assert!(ahead.iter().all(|subscriber| told(subscriber).len() == 1), "told of both at once");
    assert!(told(&newcomer).len() <= 1);
    while hub.tell_slice(0).marked > 0 {}
    assert!(subscribers.iter().all(|subscriber| told(subscriber).is_empty()));
}

#[test]
fn many_topics_take_turns_and_a_topic_has_one_walk_at_most() {
    let hub = Arc::new(Hub::new(1));
    let subscribers: Vec<_> =
        (0..2 * MARKS_PER_SLICE).map(|_| hub.subscribe(watching(&["a:1", "a:2"]))).collect();
    for _ in 0..100 {
        hub.resource_updated("a:1");
        hub.resource_updated("a:2");
    }
    hub.tell_slice(0);
    hub.tell_slice(0);
    assert_eq!(told(&subscribers[0]), [updated("a:1"), updated("a:2")], "neither waits for the other's end");
    let slices = std::iter::from_fn(|| Some(hub.tell_slice(0)).filter(|slice| slice.marked > 0)).count();
    assert!(slices <= 4, "{slices} more slices for two walks");
}

#[test]
fn who_waits_on_no_lane_is_woken_at_once_and_a_closing_house_leaves_nobody_waiting() {
    let hub = Arc::new(Hub::new(1));
    let subscriber = hub.subscribe(watching(&["a:1"]));
    let bell = Arc::<Bell>::default();
    wait_on(None, &subscriber, &bell);
    hub.resource_updated("a:1");
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    assert_eq!(told(&subscriber), [updated("a:1")]);
    let many: Vec<_> = (0..MANY).map(|_| hub.subscribe(ListenFilter::default())).collect();
    wait_on(None, &subscriber, &bell);
    hub.close();
    assert_eq!(bell.0.load(Ordering::Relaxed), 2);
    assert!(many.iter().all(|subscriber| told(subscriber) == [Change::Closed]));
}

#[tokio::test]
async fn a_call_that_comes_in_meanwhile_waits_for_one_slice() {
    let hub = Arc::new(Hub::new(1));
    let (waiting, woken) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            seat_on(0);
            let subscribers: Vec<_> = (0..MANY).map(|_| hub.subscribe(watching(&["a:1"]))).collect();
            let streams: Vec<_> = subscribers
                .into_iter()
                .map(|subscriber| {
                    let (waiting, woken) = (Arc::clone(&waiting), Arc::clone(&woken));
                    tokio::task::spawn_local(async move {
                        waiting.fetch_add(1, Ordering::Relaxed);
                        assert_eq!(subscriber.next_change().await, updated("a:1"));
                        woken.fetch_add(1, Ordering::Relaxed);
                    })
                })
                .collect();
            tokio::task::spawn_local(Arc::clone(&hub).tell(0));
            // Behind every stream's first look, so that all of them wait.
            while waiting.load(Ordering::Relaxed) < MANY {
                tokio::task::yield_now().await;
            }
            hub.resource_updated("a:1");
            let mut longest = 0;
            while woken.load(Ordering::Relaxed) < MANY {
                let before = woken.load(Ordering::Relaxed);
                // Stands for a call: ready again as soon as it is its turn.
                tokio::task::yield_now().await;
                longest = longest.max(woken.load(Ordering::Relaxed) - before);
            }
            assert!(longest <= 2 * WAKES_PER_SLICE, "{longest} streams were served before a call was");
            for stream in streams {
                stream.await.unwrap();
            }
        })
        .await;
}
