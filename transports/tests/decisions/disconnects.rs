//! Decision 8: what becomes of a call whose client goes away.

use tokio::time::timeout;

use crate::support::ask::{Prepared, Seat, ask, call, post};
use crate::support::era::{self, Era, MODERN};
use crate::support::house::{House, take};
use crate::support::http_sse::HttpSse;
use crate::support::http1::{Http1, written};
use crate::support::http2::{Http2, exchange_mounted};
use crate::support::lines::Lines;
use crate::support::table::{Carrier, PATIENCE};

async fn seat_of(house: &House, era: Era) -> Seat {
    let mut seat = Seat { era, session: None, host: house.address.to_string() };
    if !era.is_modern() {
        let mut client = Http1::connect(house.address).await;
        let opened = client.exchange(&post(era.initialize()).prepare(&seat, "")).await.expect("an answer");
        seat.session = Some(opened.header("mcp-session-id").expect("a session").to_owned());
    }
    seat
}

/// Sends a call, waits until its tool runs, and goes away.
async fn call_and_leave(house: &House, carrier: Carrier, prepared: &Prepared) {
    match carrier {
        Carrier::Http1 => {
            let mut connection = Http1::connect(house.address).await;
            connection.send_bytes(&written(prepared)).await;
            take(&house.held.begun).await;
        }
        Carrier::Http2 => {
            let mut connection = Http2::connect(house.address).await;
            tokio::select! {
                answer = connection.exchange(prepared) => panic!("it is answered only later: {answer:?}"),
                () = take(&house.held.begun) => {}
            }
        }
        Carrier::Mounted => tokio::select! {
            answer = exchange_mounted(&house.router, prepared) => panic!("it is answered only later: {answer:?}"),
            () = take(&house.held.begun) => {}
        },
        Carrier::Lines => {
            let mut lines = Lines::enter(&house.runtime, MODERN).await;
            lines.send([&prepared.body[..], b"\n"].concat()).await;
            take(&house.held.begun).await;
        }
        Carrier::HttpSse => {
            let mut session = HttpSse::enter(house.address, era::OLDEST).await;
            let told = session.exchange(prepared, false).await.expect("an answer");
            assert_eq!(told.status, Some(202));
            take(&house.held.begun).await;
        }
    }
}

#[tokio::test]
async fn in_the_modern_era_the_call_is_taken_back() {
    let house = House::open();
    let seat = seat_of(&house, MODERN).await;
    for carrier in [Carrier::Http1, Carrier::Http2, Carrier::Mounted, Carrier::Lines] {
        for id in ["1", "2", "3"] {
            call_and_leave(&house, carrier, &post(call("hold", "{}")).prepare(&seat, id)).await;
            let dropped = timeout(PATIENCE, take(&house.held.dropped)).await;
            assert!(dropped.is_ok(), "decision 8, {carrier:?}: the tool runs on");
        }
    }
    assert_eq!(house.runtime.shared().gate.calls(), 0);
}

/// A second request behind the first: a short one, and one that comes in several pieces.
fn behind(seat: &Seat) -> [Vec<u8>; 2] {
    [10, 30_000].map(|bytes| {
        let arguments = format!(r#"{{"message":"{}"}}"#, "x".repeat(bytes));
        written(&post(call("echo", &arguments)).prepare(seat, "2"))
    })
}

#[tokio::test]
async fn a_client_that_has_sent_a_second_request_and_leaves_takes_the_first_one_back() {
    let house = House::open();
    let seat = seat_of(&house, MODERN).await;
    let held = written(&post(call("hold", "{}")).prepare(&seat, "1"));
    for second in behind(&seat) {
        for is_together in [true, false] {
            let mut connection = Http1::connect(house.address).await;
            if is_together {
                connection.send_bytes(&[&held[..], &second[..]].concat()).await;
                take(&house.held.begun).await;
            } else {
                connection.send_bytes(&held).await;
                take(&house.held.begun).await;
                connection.send_bytes(&second).await;
            }
            drop(connection);
            let dropped = timeout(PATIENCE, take(&house.held.dropped)).await;
            assert!(dropped.is_ok(), "decision 8, {} bytes, {is_together}: the tool runs on", second.len());
        }
    }
    assert_eq!(house.runtime.shared().gate.calls(), 0);
}

#[tokio::test]
async fn a_second_request_that_came_meanwhile_is_answered_after_the_first() {
    let house = House::open();
    let seat = seat_of(&house, MODERN).await;
    let held = written(&post(call("hold", "{}")).prepare(&seat, "1"));
    let mut connection = Http1::connect(house.address).await;
    for second in behind(&seat) {
        connection.send_bytes(&held).await;
        take(&house.held.begun).await;
        connection.send_bytes(&second).await;
        // Another request of the same lane is answered between, so that the first connection has been looked at.
        let mut other = Http1::connect(house.address).await;
        other
            .exchange(&post(call("echo", r#"{"message":"hi"}"#)).prepare(&seat, "3"))
            .await
            .expect("an answer");
        house.held.go_on.add_permits(1);
        take(&house.held.finished).await;
        for id in [1, 2] {
            let answer =
                timeout(PATIENCE, connection.next_answer()).await.expect("in time").expect("an answer");
            assert_eq!(answer.status, Some(200), "{}", answer.shown());
            assert_eq!(answer.message().expect("JSON")["id"], id);
        }
    }
}

#[tokio::test]
async fn on_http2_a_stream_that_is_reset_takes_its_call_back_and_no_other() {
    let house = House::open();
    let seat = seat_of(&house, MODERN).await;
    let mut connection = Http2::connect(house.address).await;
    let mut other = connection.clone();
    let [first, second] = ["1", "2"].map(|id| post(call("hold", "{}")).prepare(&seat, id));
    let kept = connection.exchange(&first);
    let mut kept = std::pin::pin!(kept);
    tokio::select! {
        answer = &mut kept => panic!("it is answered only later: {answer:?}"),
        () = take(&house.held.begun) => {}
    }
    tokio::select! {
        answer = other.exchange(&second) => panic!("it is answered only later: {answer:?}"),
        answer = &mut kept => panic!("it is answered only later: {answer:?}"),
        () = take(&house.held.begun) => {}
    }
    timeout(PATIENCE, take(&house.held.dropped))
        .await
        .expect("decision 8: the reset stream's call is taken back");
    house.held.go_on.add_permits(1);
    let answer = timeout(PATIENCE, kept).await.expect("in time").expect("an answer");
    assert_eq!(answer.status, Some(200), "{}", answer.shown());
}

#[tokio::test]
async fn in_a_session_the_call_goes_on() {
    let house = House::open();
    for era in era::EVERY.into_iter().filter(|era| !era.is_modern()) {
        let seat = seat_of(&house, era).await;
        // Ids of their own: a call leaves the table of those in flight a moment after its tool has finished.
        for (id, carrier) in [("1", Carrier::Http1), ("2", Carrier::Http2), ("3", Carrier::Mounted)] {
            call_and_leave(&house, carrier, &post(call("hold", "{}")).prepare(&seat, id)).await;
            let mut other = Http1::connect(house.address).await;
            let healthy =
                other.exchange(&post(call("echo", r#"{"message":"hi"}"#)).prepare(&seat, "9")).await;
            assert_eq!(healthy.expect("an answer").status, Some(200));
            house.held.go_on.add_permits(1);
            let finished = timeout(PATIENCE, take(&house.held.finished)).await;
            assert!(finished.is_ok(), "decision 8, {era:?}, {carrier:?}: the tool did not finish");
            assert_eq!(house.held.dropped.available_permits(), 0, "decision 8, {era:?}, {carrier:?}");
        }
        let ended =
            Http1::connect(house.address).await.exchange(&ask("DELETE", "/mcp").prepare(&seat, "")).await;
        assert_eq!(ended.expect("an answer").status, Some(204));
    }
    assert!(house.runtime.sessions().is_empty());
}

#[tokio::test]
async fn over_http_sse_the_session_ends_with_its_stream_and_takes_the_call_back() {
    let house = House::open();
    let seat = Seat { era: era::OLDEST, session: None, host: house.address.to_string() };
    call_and_leave(&house, Carrier::HttpSse, &post(call("hold", "{}")).prepare(&seat, "1")).await;
    timeout(PATIENCE, take(&house.held.dropped)).await.expect("the tool is told to stop");
}

#[tokio::test]
async fn a_session_that_ends_takes_its_calls_back() {
    let house = House::open();
    let seat = seat_of(&house, era::NEWEST_LEGACY).await;
    call_and_leave(&house, Carrier::Http1, &post(call("hold", "{}")).prepare(&seat, "1")).await;
    let ended = Http1::connect(house.address).await.exchange(&ask("DELETE", "/mcp").prepare(&seat, "")).await;
    assert_eq!(ended.expect("an answer").status, Some(204));
    timeout(PATIENCE, take(&house.held.dropped)).await.expect("the tool is told to stop");
    assert_eq!(house.runtime.shared().gate.calls(), 0);
}
