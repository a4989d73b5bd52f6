//! Rows 42 and 65: streams that stay open, of a session and of a request that listens.

use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::support::ask::{Ask, Seat, ask, call, post, request};
use crate::support::era::{self, Era, MODERN};
use crate::support::expect::{answered, error, result};
use crate::support::house::House;
use crate::support::http1::{Events, Http1};
use crate::support::lines::Lines;
use crate::support::table::{HTTP, PATIENCE, hold, row};

const STREAMS_MAX: usize = 4;

/// A client in a session of its own.
async fn enter(house: &House, era: Era) -> (Http1, Seat) {
    let mut client = Http1::connect(house.address).await;
    let mut seat = Seat { era, session: None, host: house.address.to_string() };
    let opened = client.exchange(&post(era.initialize()).prepare(&seat, "")).await.expect("an answer");
    seat.session = Some(opened.header("mcp-session-id").expect("a session").to_owned());
    (client, seat)
}

async fn open_stream(house: &House, seat: &Seat) -> Result<Events, u16> {
    Http1::connect(house.address).await.open_stream(&ask("GET", "/mcp").prepare(seat, "")).await
}

async fn expect(client: &mut Http1, seat: &Seat, ask: &Ask, is_right: fn(&Value) -> bool) {
    let answer = timeout(PATIENCE, client.exchange(&ask.prepare(seat, "1")))
        .await
        .expect("in time")
        .expect("an answer");
    let checked = result(is_right).check(&answer, "1");
    assert!(checked.is_ok(), "{checked:?}: {}", answer.shown());
}

#[tokio::test]
async fn a_session_has_several_streams_and_no_new_one_replaces_an_old_one() {
    let house = House::open();
    for era in era::EVERY.into_iter().filter(|era| !era.is_modern()) {
        let (mut client, seat) = enter(&house, era).await;
        let mut streams = Vec::new();
        for _ in 0..STREAMS_MAX {
            streams.push(open_stream(&house, &seat).await.expect("a stream"));
        }
        for _ in 0..3 {
            assert_eq!(open_stream(&house, &seat).await.expect_err("one too many"), 409, "row 42, {era:?}");
        }
        let subscribed = request("resources/subscribe", r#""uri":"test://fixed","#);
        expect(&mut client, &seat, &post(subscribed), Value::is_object).await;
        // Each message goes to one of them, and all of them together miss none.
        for _ in 0..50 {
            house.runtime.resource_updated("test://fixed");
            let [a, b, c, d] = &mut streams[..] else { unreachable!("there are four") };
            let event = async {
                tokio::select! { event = a.next() => event, event = b.next() => event, event = c.next() => event, event = d.next() => event }
            };
            let event = timeout(PATIENCE, event).await.expect("in time").expect("no stream has ended");
            assert_eq!(
                (&event["method"], &event["params"]["uri"]),
                (&"notifications/resources/updated".into(), &"test://fixed".into())
            );
        }
        for n in 0..100 {
            expect(&mut client, &seat, &post(call("echo", &format!(r#"{{"message":"{n}"}}"#))), |result| {
                result["isError"] != true
            })
            .await;
        }
        // A stream that its client closes makes room for another one, as soon as that is noticed.
        drop(streams.pop());
        let given_up = Instant::now() + PATIENCE;
        let fifth = loop {
            match open_stream(&house, &seat).await {
                Ok(stream) => break stream,
                Err(status) => assert_eq!(status, 409),
            }
            assert!(Instant::now() < given_up, "a closed stream keeps its place");
        };
        streams.push(fifth);
        let ended = client.exchange(&ask("DELETE", "/mcp").prepare(&seat, "")).await.expect("an answer");
        assert!(answered(&[204]).check(&ended, "").is_ok());
        for stream in &mut streams {
            let end = timeout(PATIENCE, stream.next()).await.expect("a session's streams end with it");
            assert_eq!(end, None, "no message comes twice");
        }
    }
}

#[tokio::test]
async fn a_listener_is_told_what_it_will_hear_of() {
    let house = House::open();
    let seat = Seat { era: MODERN, session: None, host: house.address.to_string() };
    let cases = [
        (r#"{"toolsListChanged":true,"weatherChanged":true}"#, r#"{"toolsListChanged":true}"#),
        (r#"{"taskStatus":true,"x":[1]}"#, "{}"),
        ("{}", "{}"),
        (r#"{"promptsListChanged":true,"resourcesListChanged":false}"#, r#"{"promptsListChanged":true}"#),
        (
            r#"{"resourceSubscriptions":["test://fixed"],"tasks":["a"]}"#,
            r#"{"resourceSubscriptions":["test://fixed"]}"#,
        ),
        (r#"{"resourceSubscriptions":[]}"#, "{}"),
    ];
    let is_acknowledged = |message: &Value, id: &Value, honoured: &str| {
        let (method, params) = (&message["method"], &message["params"]);
        let honoured: Value = serde_json::from_str(honoured).expect("JSON");
        assert_eq!(method, "notifications/subscriptions/acknowledged", "row 65");
        assert_eq!(&params["_meta"]["io.modelcontextprotocol/subscriptionId"], id, "row 65");
        assert_eq!(params["notifications"], honoured, "row 65");
    };
    let mut lines = Lines::enter(&house.runtime, MODERN).await;
    for (id, (wanted, honoured)) in (100..).zip(cases) {
        let listen = post(request("subscriptions/listen", &format!(r#""notifications":{wanted},"#)));
        let prepared = listen.prepare(&seat, &id.to_string());
        let mut events = Http1::connect(house.address).await.open_stream(&prepared).await.expect("a stream");
        let first = timeout(PATIENCE, events.next()).await.expect("in time").expect("the stream stays open");
        is_acknowledged(&first, &id.into(), honoured);
        lines.send([&prepared.body[..], b"\n"].concat()).await;
        is_acknowledged(&lines.next_message().await, &id.into(), honoured);
    }
}

#[tokio::test]
async fn a_listener_that_asks_wrongly_is_refused() {
    let wrong = [
        "",
        r#""notifications":null,"#,
        r#""notifications":[],"#,
        r#""notifications":"toolsListChanged","#,
        r#""notifications":{"toolsListChanged":"yes"},"#,
        r#""notifications":{"toolsListChanged":1},"#,
        r#""notifications":{"resourceSubscriptions":"test://fixed"},"#,
        r#""notifications":{"resourceSubscriptions":[5]},"#,
        r#""notifications":{"resourceSubscriptions":{}},"#,
    ];
    let many = format!(
        r#""notifications":{{"resourceSubscriptions":[{}]}},"#,
        vec![r#""test://fixed""#; 257].join(",")
    );
    let wrong = wrong.into_iter().chain([&*many]).map(|params| post(request("subscriptions/listen", params)));
    hold(
        &House::open(),
        &[
            row(65, "listening to nothing that there could be", wrong.collect::<Vec<_>>())
                .modern(error(200, -32602)),
            row(42, "no stream of its own in this era", [ask("GET", "/mcp")])
                .over(HTTP)
                .modern(answered(&[405])),
        ],
    )
    .await;
}
