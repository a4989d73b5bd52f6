//! Part M: lines, and what is no line; the end of the input.

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::support::ask::{Seat, call, post};
use crate::support::era::{self, Era, INITIALIZED, MODERN};
use crate::support::house::{House, take};
use crate::support::lines::Lines;
use crate::support::table::PATIENCE;

fn echo(era: Era, id: u32) -> String {
    text(era, &call("echo", r#"{"message":"hi"}"#), id)
}

fn text(era: Era, template: &str, id: u32) -> String {
    let seat = Seat { era, session: None, host: String::new() };
    String::from_utf8(post(template).prepare(&seat, &id.to_string()).body).expect("text")
}

async fn next(lines: &mut Lines) -> Value {
    timeout(PATIENCE, lines.next_message()).await.expect("an answer in time")
}

async fn is_answered(lines: &mut Lines, id: u32, what: &str) {
    let answer = next(lines).await;
    assert_eq!(
        (&answer["id"], &answer["result"]["content"][0]["text"]),
        (&json!(id), &json!("hi")),
        "{what}"
    );
}

#[tokio::test]
async fn lines_end_in_every_way_and_blank_ones_are_ignored() {
    let house = House::open();
    for era in era::EVERY {
        let mut lines = Lines::enter(&house.runtime, era).await;
        let (one, two) = (echo(era, 1), echo(era, 2));
        let cases = [
            ("a carriage return before the line feed", format!("{one}\r\n{two}\r\n")),
            ("blank lines", format!("\n\n\r\n{one}\n\n \n\t\r\n  \r\n{two}\n\n")),
            ("blanks around", format!("  {one}\t \n\t{two} \r\n")),
            ("two lines at once", format!("{one}\n{two}\n")),
        ];
        for (what, input) in &cases {
            lines.send(input).await;
            is_answered(&mut lines, 1, what).await;
            is_answered(&mut lines, 2, what).await;
        }
        for byte in cases[1].1.bytes() {
            lines.send([byte]).await;
        }
        is_answered(&mut lines, 1, "byte by byte").await;
        is_answered(&mut lines, 2, "byte by byte").await;
        for (before, after) in [(1, 70), (40, 3)] {
            lines.send(&one[..before]).await;
            lines.send(&one[before..after.max(before)]).await;
            lines.send(format!("{}\n{two}", &one[after.max(before)..])).await;
            is_answered(&mut lines, 1, "in pieces").await;
            lines.send("\n").await;
            is_answered(&mut lines, 2, "in pieces").await;
        }
    }
}

#[tokio::test]
async fn a_handshake_byte_by_byte() {
    let house = House::open();
    let mut lines = Lines::open(&house.runtime);
    let era = era::NEWEST_LEGACY;
    for byte in format!("{}\r\n\r\n{INITIALIZED}\r\n{}\r\n", era.initialize(), echo(era, 1)).bytes() {
        lines.send([byte]).await;
    }
    assert_eq!(next(&mut lines).await["result"]["protocolVersion"], era.0);
    is_answered(&mut lines, 1, "row 113").await;
}

#[tokio::test]
async fn an_endless_line_is_refused_once() {
    let house = House::open();
    for era in era::EVERY {
        let mut lines = Lines::enter(&house.runtime, era).await;
        for _ in 0..2 {
            for _ in 0..9 {
                lines.send(vec![b'x'; 1024 * 1024]).await;
            }
            let refused = next(&mut lines).await;
            assert_eq!(
                (refused.get("id"), &refused["error"]["code"]),
                (None, &json!(-32600)),
                "row 114: {refused}"
            );
            lines.send(format!("{}\n{}\n", echo(era, 1), echo(era, 2))).await;
            is_answered(&mut lines, 2, "row 114: the rest of the line is skipped, the next one is read")
                .await;
        }
    }
}

#[tokio::test]
async fn junk_is_answered_at_a_limited_rate() {
    let house = House::open();
    for era in [era::NEWEST_LEGACY, MODERN] {
        let begun = Instant::now();
        let mut lines = Lines::enter(&house.runtime, era).await;
        let junk = ["{", "\u{1}", "junk", "\"\\ud800\"", "[1,", "}{"].join("\n") + "\n";
        for _ in 0..200 {
            lines.send(&junk).await;
            lines.send(b"\xff\xfe\n").await;
        }
        lines.send(format!("{}\n", echo(era, 1).replace("\"id\":1", "\"id\":\"end\""))).await;
        let answers =
            timeout(PATIENCE, lines.until("end")).await.expect("in time").expect("the conversation goes on");
        for answer in &answers {
            let answer: Value = serde_json::from_slice(answer).expect("JSON");
            assert_eq!(
                (answer.get("id"), &answer["error"]["code"]),
                (None, &json!(-32700)),
                "decision 5: {answer}"
            );
        }
        let seconds = usize::try_from(begun.elapsed().as_secs()).expect("a short while") + 1;
        assert!(
            (1..=10 * seconds).contains(&answers.len()),
            "decision 5: {} answers in {seconds} s",
            answers.len()
        );
    }
}

#[tokio::test]
async fn answers_of_its_own_kind_are_not_answered() {
    let house = House::open();
    for era in era::EVERY {
        let mut lines = Lines::enter(&house.runtime, era).await;
        // What a peer sends that answers our answers.
        let answers = [
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"no"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ];
        lines.send(format!("{}\n{}\n", answers.join("\n"), echo(era, 9))).await;
        is_answered(&mut lines, 9, "row 1b.17").await;
    }
}

#[tokio::test]
async fn half_a_line_at_the_end_is_ignored() {
    let house = House::open();
    for (era, whole) in era::EVERY.into_iter().flat_map(|era| [true, false].map(|whole| (era, whole))) {
        let mut lines = Lines::enter(&house.runtime, era).await;
        let count = text(era, &call("count", "{}"), 5);
        let half = if whole { &count[..] } else { &count[..count.len() / 2] };
        lines.send(format!("{}\n{half}", echo(era, 1))).await;
        lines.end_input().await;
        let rest = timeout(PATIENCE, lines.rest()).await.expect("row 115: the conversation ends");
        assert_eq!(rest.len(), 1, "row 115, {era:?}");
    }
    assert_eq!(house.ran(), 0, "row 115");
}

#[tokio::test]
async fn what_is_in_flight_at_the_end_is_answered() {
    const CALLS: usize = 100;
    let house = House::open();
    for era in era::EVERY {
        let mut lines = Lines::enter(&house.runtime, era).await;
        for id in 0..100 {
            lines.send(format!("{}\n", text(era, &call("hold", "{}"), id))).await;
        }
        for _ in 0..CALLS {
            take(&house.held.begun).await;
        }
        lines.end_input().await;
        house.held.go_on.add_permits(CALLS);
        let rest = timeout(PATIENCE, lines.rest()).await.expect("row 115: the conversation ends");
        let mut ids: Vec<_> = rest
            .iter()
            .map(|line| serde_json::from_slice::<Value>(line).expect("JSON"))
            .map(|answer| {
                answer["result"]["content"][0]["text"].as_str().and(answer["id"].as_u64()).expect("a result")
            })
            .collect();
        ids.sort_unstable();
        assert!(ids.iter().copied().eq(0..100), "row 115, {era:?}: {ids:?}");
    }
}

#[tokio::test]
async fn an_input_that_ends_at_once_is_no_trouble() {
    let house = House::open();
    for input in ["", "\n", "{", "\r\n\r\n"] {
        let mut lines = Lines::open(&house.runtime);
        lines.send(input).await;
        lines.end_input().await;
        assert_eq!(timeout(PATIENCE, lines.rest()).await.expect("row 1d.31"), Vec::<Vec<u8>>::new());
    }
}
