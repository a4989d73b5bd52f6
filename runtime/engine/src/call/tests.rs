//! Calls: one ending, notifications in order and within bounds, cancellation.

use impresario_codec::DecodeLimits;
use impresario_protocol::Limits;

use super::spare::{SPARE, SPARE_MAX};
use super::*;

fn call(notifications_max: usize) -> Call {
    call_with(notifications_max, usize::MAX)
}

fn call_with(notifications_max: usize, notification_bytes_max: usize) -> Call {
    let limits = DecodeLimits::from(&Limits::default());
    let text = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}}"#;
    let message = Message::parse(text, &limits).unwrap();
    Call::new(
        message,
        CallLimits {
            notifications_max,
            notification_bytes_max,
            ..crate::shared::call_limits(&Limits::default())
        },
    )
}

fn progress(progress: f64) -> Notification {
    let token = ProgressToken(Id::from(1_i64));
    Notification::Progress { token, progress, total: None, message: None }
}

fn now(call: &Call) -> Poll<CallEvent> {
    call.poll_event(&mut TaskContext::from_waker(Waker::noop()))
}

#[test]
fn the_first_ending_wins_and_nothing_follows_it() {
    let call = call(4);
    call.finish(Ending::Answered(Outcome::Done));
    call.finish(Ending::Cancelled);
    call.notify(progress(1.0));
    assert!(matches!(now(&call), Poll::Ready(CallEvent::Ended(Ending::Answered(Outcome::Done)))));
    assert!(matches!(now(&call), Poll::Ready(CallEvent::Ended(Ending::Cancelled))));
}

#[test]
fn notifications_come_before_the_ending_in_order() {
    let call = call(4);
    assert!(now(&call).is_pending());
    call.notify(progress(1.0));
    call.notify(progress(2.0));
    call.finish(Ending::Answered(Outcome::Done));
    let first = now(&call);
    assert!(matches!(
        first,
        Poll::Ready(CallEvent::Notification(Notification::Progress { progress, .. })) if progress < 1.5
    ));
    assert!(matches!(now(&call), Poll::Ready(CallEvent::Notification(_))));
    assert!(matches!(now(&call), Poll::Ready(CallEvent::Ended(_))));
}

#[test]
fn a_reader_that_falls_behind_sees_the_newest_notifications() {
    let call = call(2);
    for step in 1..=5 {
        call.notify(progress(f64::from(step)));
    }
    let mut seen = Vec::new();
    while let Poll::Ready(CallEvent::Notification(Notification::Progress { progress, .. })) = now(&call) {
        seen.push(progress);
    }
    assert_eq!(seen, [4.0, 5.0]);
}

#[test]
fn unsent_notifications_are_bounded_in_bytes_too() {
    let call = call_with(1_000, 10_000);
    let log = |data: String| Notification::Log { level: LogLevel::Info, logger: None, data: data.into() };
    for _ in 0..100 {
        call.notify(log("x".repeat(1_000)));
    }
    call.notify(log("x".repeat(20_000)));
    let mut count = 0;
    while let Poll::Ready(CallEvent::Notification(_)) = now(&call) {
        count += 1;
    }
    assert!((5..10).contains(&count), "{count}");
}

#[test]
fn progress_only_grows_and_is_finite() {
    let call = call(8);
    for step in [1.0, 1.0, 0.5, f64::NAN, f64::INFINITY, 2.0] {
        call.notify(progress(step));
    }
    let mut count = 0;
    while let Poll::Ready(CallEvent::Notification(_)) = now(&call) {
        count += 1;
    }
    assert_eq!(count, 2);
}

#[tokio::test(start_paused = true)]
async fn progress_has_a_burst_and_then_a_rate() {
    let call = call(1_000);
    for step in 1..=150 {
        call.notify(progress(f64::from(step)));
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    for step in 151..=200 {
        call.notify(progress(f64::from(step)));
    }
    let mut count = 0;
    while let Poll::Ready(CallEvent::Notification(_)) = now(&call) {
        count += 1;
    }
    assert_eq!(count, 110);
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once_and_wakes_whoever_watches() {
    let call = std::sync::Arc::new(call(1));
    let watched = std::sync::Arc::clone(&call);
    let mut watcher = Box::pin(async move { watched.cancelled().await });
    assert!(futures_util::poll!(&mut watcher).is_pending());
    assert!(call.watches_cancel());
    call.cancel(CancelReason::Asked);
    watcher.await;
    assert!(matches!(call.ended().await, Ending::Cancelled));
}

#[test]
fn a_call_that_is_over_is_used_again_and_nothing_of_it_is_left() {
    let Source::Message(message) = call(1).source else { unreachable!("it was made of a message") };
    let begun = Arc::new(call(1));
    begun.cancel(CancelReason::Asked);
    let place = Arc::as_ptr(&begun);
    Call::put_back(begun);
    let again = Call::begin(message, call(1).limits);
    assert_eq!(Arc::as_ptr(&again), place);
    assert!(!again.is_cancelled() && !again.is_ended() && again.facts().opened_session.is_none());
    assert_eq!(again.message().method(), "tools/call");
}

#[test]
fn a_call_that_somebody_holds_is_not_used_again_and_only_so_many_are_kept() {
    let held = Arc::new(call(1));
    Call::put_back(Arc::clone(&held));
    assert!(SPARE.with(|spare| spare.borrow().is_empty()));
    (0..SPARE_MAX + 10).for_each(|_| Call::put_back(Arc::new(call(1))));
    assert_eq!(SPARE.with(|spare| spare.borrow().len()), SPARE_MAX);
}
