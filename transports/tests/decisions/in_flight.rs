//! Rows 23 and 111: two calls of one id, calls that are taken back, and calls that are too many.

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::answer::Answer;
use crate::support::ask::{Ask, Seat, call, post};
use crate::support::era::{self, Era};
use crate::support::house::{House, take};
use crate::support::http1::Http1;
use crate::support::http2::Http2;
use crate::support::lines::Lines;
use crate::support::table::PATIENCE;

fn hold_call() -> Ask {
    post(call("hold", "{}"))
}

async fn seat_of(house: &House, era: Era) -> Seat {
    let mut seat = Seat { era, session: None, host: house.address.to_string() };
    if !era.is_modern() {
        let mut client = Http1::connect(house.address).await;
        let opened = client.exchange(&post(era.initialize()).prepare(&seat, "")).await.expect("an answer");
        seat.session = Some(opened.header("mcp-session-id").expect("a session").to_owned());
    }
    seat
}

/// Sends a request on a connection of its own and leaves its answer to be read.
async fn begin(house: &House, seat: &Seat, ask: &Ask, id: &str) -> tokio::task::JoinHandle<Answer> {
    let mut connection = Http1::connect(house.address).await;
    let prepared = ask.prepare(seat, id);
    tokio::task::spawn_local(async move { connection.exchange(&prepared).await.expect("an answer") })
}

async fn local(story: impl Future<Output = ()>) {
    let story = timeout(3 * PATIENCE, story);
    tokio::task::LocalSet::new().run_until(story).await.expect("the story ends in time");
}

fn code(answer: &Answer) -> Value {
    answer.message().expect("a message")["error"]["code"].clone()
}

#[tokio::test]
async fn an_id_that_is_in_flight_is_refused_in_a_session_and_served_without_one() {
    local(async {
        let house = House::open();
        for (era, id) in
            era::EVERY.into_iter().flat_map(|era| ["7", "-1", "\"seven\"", "\"\""].map(|id| (era, id)))
        {
            let seat = seat_of(&house, era).await;
            let first = begin(&house, &seat, &hold_call(), id).await;
            take(&house.held.begun).await;
            let mut connection = Http1::connect(house.address).await;
            let second =
                connection.exchange(&post(call("count", "{}")).prepare(&seat, id)).await.expect("an answer");
            let expected = if era.is_modern() { Value::Null } else { json!(-32600) };
            assert_eq!(
                (second.status, code(&second)),
                (Some(200), expected),
                "row 23, {era:?}, {id}: {}",
                second.shown()
            );
            assert_eq!(
                second.message().expect("JSON")["id"],
                serde_json::from_str::<Value>(id).expect("JSON")
            );
            // Another client's calls have nothing to do with it, and neither has the same number as text.
            let other = seat_of(&house, era).await;
            let other_id = if id.starts_with('"') { "7" } else { "\"7\"" };
            for (seat, id) in [(&other, id), (&seat, other_id)] {
                let answer = connection
                    .exchange(&post(call("count", "{}")).prepare(seat, id))
                    .await
                    .expect("an answer");
                assert_eq!(code(&answer), Value::Null, "row 23, {era:?}: {}", answer.shown());
            }
            house.held.go_on.add_permits(1);
            let first = first.await.expect("it does not panic");
            assert_eq!(code(&first), Value::Null, "row 23, {era:?}: {}", first.shown());
            // The id is free again.
            let third =
                connection.exchange(&post(call("count", "{}")).prepare(&seat, id)).await.expect("an answer");
            assert_eq!(code(&third), Value::Null, "row 23, {era:?}: {}", third.shown());
        }
        let legacy = 4 * 4;
        let modern = 4;
        assert_eq!(house.ran(), legacy * 3 + modern * 4);
    })
    .await;
}

#[tokio::test]
async fn on_http2_one_connection_serves_one_id_twice() {
    local(async {
        let house = House::open();
        let seat = seat_of(&house, era::MODERN).await;
        let mut connection = Http2::connect(house.address).await;
        let mut other = connection.clone();
        let prepared = hold_call().prepare(&seat, "7");
        let first =
            tokio::task::spawn_local(async move { other.exchange(&prepared).await.expect("an answer") });
        take(&house.held.begun).await;
        let second =
            connection.exchange(&post(call("count", "{}")).prepare(&seat, "7")).await.expect("an answer");
        assert_eq!(code(&second), Value::Null, "row 23: {}", second.shown());
        house.held.go_on.add_permits(1);
        assert_eq!(code(&first.await.expect("it does not panic")), Value::Null);
        assert_eq!(house.ran(), 1);
    })
    .await;
}

#[tokio::test]
async fn on_lines_an_id_that_is_in_flight_is_refused() {
    local(async {
        let house = House::open();
        for era in era::EVERY {
            let seat = Seat { era, session: None, host: String::new() };
            let mut lines = Lines::enter(&house.runtime, era).await;
            let line = |ask: Ask, id: &str| [&ask.prepare(&seat, id).body[..], b"\n"].concat();
            lines.send(line(hold_call(), "7")).await;
            take(&house.held.begun).await;
            lines.send(line(post(call("count", "{}")), "7")).await;
            let refused = lines.next_message().await;
            assert_eq!(
                (&refused["id"], &refused["error"]["code"]),
                (&json!(7), &json!(-32600)),
                "row 23, {era:?}"
            );
            assert_eq!(house.ran(), 0, "row 23, {era:?}");
            house.held.go_on.add_permits(1);
            let first = lines.next_message().await;
            assert_eq!((&first["id"], &first["result"]["content"][0]["text"]), (&json!(7), &json!("let go")));
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_taken_back_is_never_answered() {
    local(async {
        let house = House::open();
        for era in era::EVERY {
            let seat = Seat { era, session: None, host: String::new() };
            let mut lines = Lines::enter(&house.runtime, era).await;
            let line = |ask: Ask, id: &str| [&ask.prepare(&seat, id).body[..], b"\n"].concat();
            for id in ["7", "\"x\"", "7"] {
                lines.send(line(hold_call(), id)).await;
                take(&house.held.begun).await;
                let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":$id,"reason":"no more"}}"#;
                // Twice, and for a number that nobody used: what has ended can't be taken back.
                lines.send([line(post(cancelled), id), line(post(cancelled), id), line(post(cancelled), "99")].concat()).await;
                take(&house.held.dropped).await;
                lines.send(line(post(call("echo", r#"{"message":"hi"}"#)), "\"after\"")).await;
                let between = lines.until("after").await.expect("an answer");
                assert!(between.is_empty(), "row 1d.39, {era:?}: a call that was taken back was answered");
            }
        }
    })
    .await;
}

/// Where the second call is sent, so that it meets the first one at the limit.
#[derive(Debug, Clone, Copy)]
enum Second {
    /// On another connection, in the same session where there are sessions.
    OtherConnection,
    /// Beside the first one, on the same HTTP/2 connection and so on the same lane.
    SameConnection,
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_at_once() {
    local(async {
        let session = House::with(|limits| limits.in_flight_per_session_max = 1);
        let process = House::with(|limits| limits.in_flight_max = 1);
        let pool = House::with(|limits| {
            // One worker on each lane, and nobody waits for it.
            limits.pool_workers = 2;
            limits.pool_queue_max = 0;
        });
        for era in era::EVERY {
            if !era.is_modern() {
                overload(&session, era, Second::OtherConnection).await;
            }
            overload(&process, era, Second::OtherConnection).await;
            overload(&pool, era, Second::SameConnection).await;
            for house in [&session, &process, &pool] {
                overload_lines(house, era).await;
            }
        }
    })
    .await;
}

async fn overload(house: &House, era: Era, second: Second) {
    let seat = seat_of(house, era).await;
    let mut connection = Http2::connect(house.address).await;
    let (mut first, prepared) = (connection.clone(), hold_call().prepare(&seat, "1"));
    let first = tokio::task::spawn_local(async move { first.exchange(&prepared).await.expect("an answer") });
    take(&house.held.begun).await;
    if matches!(second, Second::OtherConnection) {
        connection = Http2::connect(house.address).await;
    }
    let ran = house.ran();
    for id in ["2", "3"] {
        let refused =
            connection.exchange(&post(call("count", "{}")).prepare(&seat, id)).await.expect("an answer");
        let waits = refused.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
        assert_eq!(
            (refused.status, code(&refused)),
            (Some(429), json!(42900)),
            "row 111, {era:?}, {second:?}: {}",
            refused.shown()
        );
        assert!(
            waits.is_some_and(|seconds| (1..=60).contains(&seconds)),
            "row 111: Retry-After is {waits:?}"
        );
        assert_eq!(refused.message().expect("JSON")["id"].to_string(), id);
    }
    assert_eq!(house.ran(), ran, "row 111: what is refused does not run");
    house.held.go_on.add_permits(1);
    assert_eq!(code(&first.await.expect("it does not panic")), Value::Null);
    let next = connection.exchange(&post(call("count", "{}")).prepare(&seat, "4")).await.expect("an answer");
    assert_eq!((next.status, code(&next)), (Some(200), Value::Null), "row 111: there is room again");
}

async fn overload_lines(house: &House, era: Era) {
    let seat = Seat { era, session: None, host: String::new() };
    let mut lines = Lines::enter(&house.runtime, era).await;
    let line = |ask: Ask, id: &str| [&ask.prepare(&seat, id).body[..], b"\n"].concat();
    lines.send(line(hold_call(), "1")).await;
    take(&house.held.begun).await;
    let ran = house.ran();
    lines.send(line(post(call("count", "{}")), "2")).await;
    let refused = lines.next_message().await;
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(2), &json!(42900)),
        "row 111, {era:?}: {refused}"
    );
    assert_eq!(house.ran(), ran);
    house.held.go_on.add_permits(1);
    assert_eq!(lines.next_message().await["id"], 1);
    lines.send(line(post(call("count", "{}")), "3")).await;
    let next = lines.next_message().await;
    assert!(next["id"] == 3 && next["result"].is_object(), "row 111, {era:?}: {next}");
}
