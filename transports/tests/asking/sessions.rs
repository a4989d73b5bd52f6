//! Questions in a session: which answers count, which do not, and what becomes of questions nobody answers.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::client::{
    Carrier, Reply, able, accept, agreeable, open_lines, open_session, response, run, serve,
};
use crate::house::House;
use crate::http::{Http, LegacySession};
use crate::messages::{LEGACY, MODERN, legacy, notification, text_of, tool};
use crate::pipe::Pipe;
use crate::wait::{until, within};

const SESSIONS: [&str; 2] = ["2025-06-18", LEGACY];

fn greet() -> Value {
    tool("greet", json!({}))
}

/// Calls, and gives the question that comes.
async fn asked(pipe: &mut Pipe, id: u64, name: &str) -> Value {
    let question = pipe.ask(&legacy(id, "tools/call", tool(name, json!({})))).await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    question
}

/// That nothing is kept of calls that are over.
async fn at_rest(house: &House) {
    until("no call is left", || house.runtime.shared().gate.calls() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_none_to_its_question_is_a_failure_that_says_so() {
    let house = House::open();
    let cases: [(&str, Reply, &str); 8] = [
        ("greet", Reply::Result(json!({ "action": "accept" })), "content"),
        ("greet", Reply::Result(json!({ "action": "accept", "content": { "name": "A" } })), "`name`"),
        ("greet", Reply::Result(json!({ "action": "accept", "content": { "name": 5 } })), "`name`"),
        ("greet", Reply::Result(json!({ "roots": [] })), "action"),
        ("greet", Reply::Result(json!([])), "object"),
        ("roots", Reply::Result(json!({ "roots": [{ "uri": "https://example.com" }] })), "file://"),
        ("sample", Reply::Result(json!({ "role": "assistant" })), "content"),
        ("greet", Reply::Error(-32601, "no such thing"), "no such thing (-32601)"),
    ];
    for era in SESSIONS {
        for (name, reply, text) in &cases {
            let mut pipe = open_lines(&house, era, &able()).await;
            let question = pipe.ask(&legacy(1, "tools/call", tool(name, json!({})))).await;
            let answer = pipe.ask(&response(&question["id"], reply.clone())).await;
            assert_eq!(answer["result"]["isError"], json!(true), "{answer}");
            let said = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert!(said.contains(text), "{text}: {said}");
        }
    }
    at_rest(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_both_sides_never_meet() {
    let house = House::open();
    let mut pipe = open_lines(&house, LEGACY, &able()).await;
    let question = asked(&mut pipe, 1, "greet").await;
    let id = question["id"].as_str().expect("our ids are texts").to_owned();
    assert!(id.starts_with("ask-") && id.len() > 16, "{id}");
    // A request of the client's own under our id is a request like any other.
    let echo =
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": tool("first", json!({})) });
    assert!(text_of(&pipe.ask(&echo).await).starts_with("true"));
    // Answers under ids that are not ours, in other spellings, or under the call's own.
    for wrong in [json!(1), json!("1"), json!("ask-1"), json!(id.to_uppercase()), json!(format!("{id} "))] {
        pipe.send(&response(&wrong, accept("Eve"))).await;
    }
    let answer = pipe.ask(&response(&question["id"], accept("Ann"))).await;
    assert_eq!(text_of(&answer), "Hello, Ann!");
    // Once more, and late: nothing happens, and the next call is none the wiser.
    pipe.send(&response(&question["id"], accept("Eve"))).await;
    let next = asked(&mut pipe, 2, "greet").await;
    assert_ne!(next["id"], question["id"]);
    assert_eq!(text_of(&pipe.ask(&response(&next["id"], accept("Bob"))).await), "Hello, Bob!");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_counts_in_its_own_session_alone() {
    let house = House::open();
    let address = serve(&house);
    let mut http = Http::connect(address).await;
    let mine = open_session(&mut http, LEGACY, &able()).await;
    let other = open_session(&mut http, LEGACY, &able()).await;
    let mut calling = Http::connect(address).await;
    calling.send(&mine.bytes(address, &legacy(1, "tools/call", greet()))).await;
    assert!(calling.head().await.is_stream());
    let question = calling.event().await.unwrap();
    let forged = response(&question["id"], accept("Eve"));
    assert_eq!(other.post(&mut http, &forged).await.head.status, 202);
    let mut pipe = open_lines(&house, LEGACY, &able()).await;
    pipe.send(&forged).await;
    // The right one, over a connection of its own.
    let mut http = Http::connect(address).await;
    assert_eq!(mine.post(&mut http, &response(&question["id"], accept("Ann"))).await.head.status, 202);
    assert_eq!(text_of(&calling.event().await.unwrap()), "Hello, Ann!");
    assert_eq!(calling.event().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_never_answered_is_given_up_and_the_calls_own_time_stands_still() {
    let change = |limits: &mut impresario_engine::Limits| {
        limits.call_timeout_ms = 20;
        limits.question_timeout_ms = 200;
    };
    let house = House::with(change, |builder| builder);
    for name in ["greet", "greet_blocking"] {
        let mut pipe = open_lines(&house, LEGACY, &able()).await;
        let question = asked(&mut pipe, 1, name).await;
        let withdrawn = pipe.next().await.unwrap();
        assert_eq!(withdrawn["method"], "notifications/cancelled", "{withdrawn}");
        assert_eq!(withdrawn["params"]["requestId"], question["id"]);
        let answer = pipe.next().await.unwrap();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(text, "nobody answered the question `name` in time (question_timeout_ms)");
        // What comes late has no effect.
        pipe.send(&response(&question["id"], accept("Ann"))).await;
        let next = asked(&mut pipe, 2, name).await;
        assert_eq!(text_of(&pipe.ask(&response(&next["id"], accept("Bob"))).await), "Hello, Bob!");
    }
    at_rest(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_taken_back_withdraws_its_question() {
    let house = House::open();
    for name in ["greet", "greet_blocking", "both"] {
        let mut pipe = open_lines(&house, LEGACY, &able()).await;
        let question = asked(&mut pipe, 1, name).await;
        let questions =
            if name == "both" { vec![question, pipe.next().await.unwrap()] } else { vec![question] };
        pipe.send(&notification("notifications/cancelled", json!({ "requestId": 1 }))).await;
        for question in &questions {
            let withdrawn = pipe.next().await.unwrap();
            assert_eq!(withdrawn["method"], "notifications/cancelled", "{withdrawn}");
            assert_eq!(withdrawn["params"]["requestId"], question["id"]);
        }
        // Nothing more is sent for it, whatever the client still answers.
        pipe.send(&response(&questions[0]["id"], accept("Ann"))).await;
        let next = asked(&mut pipe, 2, "greet").await;
        assert_eq!(text_of(&pipe.ask(&response(&next["id"], accept("Bob"))).await), "Hello, Bob!");
    }
    at_rest(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_takes_its_calls_along() {
    let house = House::open();
    let mut pipe = open_lines(&house, LEGACY, &able()).await;
    asked(&mut pipe, 1, "greet").await;
    drop(pipe);
    at_rest(&house).await;
    // Over HTTP a session ends when its client says so.
    let address = serve(&house);
    let mut http = Http::connect(address).await;
    let session = open_session(&mut http, LEGACY, &able()).await;
    let mut calling = Http::connect(address).await;
    calling.send(&session.bytes(address, &legacy(1, "tools/call", greet()))).await;
    assert!(calling.head().await.is_stream());
    let question = calling.event().await.unwrap();
    assert_eq!(session.close(&mut http).await, 204);
    assert_eq!(calling.event().await.unwrap()["params"]["requestId"], question["id"]);
    assert_eq!(calling.event().await, None);
    at_rest(&house).await;
}

/// Calls over HTTP, and drops the stream once the question is there. Gives the question and its event's id.
async fn left_asking(session: &LegacySession, address: SocketAddr) -> (Value, String) {
    let mut calling = Http::connect(address).await;
    calling.send(&session.bytes(address, &legacy(1, "tools/call", greet()))).await;
    assert!(calling.head().await.is_stream());
    loop {
        let chunk = String::from_utf8(calling.chunk().await.unwrap().unwrap()).unwrap();
        let field = |name: &str| chunk.lines().find_map(|line| line.strip_prefix(name));
        if let (Some(id), Some(data)) = (field("id: "), field("data: "))
            && !data.is_empty()
        {
            return (serde_json::from_str(data).unwrap(), id.to_owned());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_stream_alone_was_dropped_waits_for_its_client_but_not_for_ever() {
    let house = House::open();
    let address = serve(&house);
    let mut http = Http::connect(address).await;
    let session = open_session(&mut http, LEGACY, &able()).await;
    // The client comes back, and goes on where it was.
    let (question, last) = left_asking(&session, address).await;
    assert_eq!(house.runtime.shared().gate.calls(), 1, "it still waits");
    assert_eq!(session.post(&mut http, &response(&question["id"], accept("Ann"))).await.head.status, 202);
    let [id, version] = session.headers();
    let resumed = [id, version, ("accept", "text/event-stream"), ("last-event-id", &last)];
    let answer = Http::connect(address).await.get("/mcp", &resumed).await;
    assert_eq!(text_of(&answer.message()), "Hello, Ann!");
    // It ends its session instead.
    left_asking(&session, address).await;
    assert_eq!(session.close(&mut http).await, 204);
    at_rest(&house).await;

    // It never comes back.
    let house = House::with(|limits| limits.question_timeout_ms = 200, |builder| builder);
    let address = serve(&house);
    let session = open_session(&mut Http::connect(address).await, LEGACY, &able()).await;
    left_asking(&session, address).await;
    at_rest(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_does_not_wait_withdraws_its_question() {
    let house = House::open();
    for era in SESSIONS {
        let mut pipe = open_lines(&house, era, &able()).await;
        pipe.send(&legacy(1, "tools/call", tool("impatient", json!({})))).await;
        let mut messages = Vec::new();
        while messages.last().is_none_or(|last: &Value| last.get("result").is_none()) {
            messages.push(pipe.next().await.unwrap());
        }
        assert_eq!(text_of(messages.last().unwrap()), "did not wait");
        // It may not even have come to asking.
        assert!(matches!(messages.len(), 1 | 3), "{messages:?}");
        if let [question, withdrawn, _] = &messages[..] {
            assert_eq!(withdrawn["params"]["requestId"], question["id"]);
        }
    }
    at_rest(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_of_one_session_ask_at_once_and_each_gets_its_own_answer() {
    const CALLS: usize = 200;
    let house = House::open();
    let mut pipe = open_lines(&house, LEGACY, &able()).await;
    for id in 0..CALLS {
        pipe.send(&legacy(id, "tools/call", tool("rounds", json!({})))).await;
    }
    let mut open = CALLS;
    while open > 0 {
        let message = within("a message", pipe.next()).await.unwrap();
        if message["method"].is_null() {
            let text = text_of(&message);
            assert!(
                text.starts_with("Hello, one! Hello, two ") && text.ends_with("! Hello, three!"),
                "{text}"
            );
            open -= 1;
        } else {
            let reply = agreeable("elicitation/create", &message["params"]);
            pipe.send(&response(&message["id"], reply)).await;
        }
    }
    assert_eq!(house.effects(), CALLS);
    at_rest(&house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_per_session_max_is_how_many_are_open() {
    let house = House::with(|limits| limits.questions_per_session_max = 2, |builder| builder);
    let mut pipe = open_lines(&house, LEGACY, &able()).await;
    let first = asked(&mut pipe, 1, "greet").await;
    asked(&mut pipe, 2, "greet").await;
    let refused = pipe.ask(&legacy(3, "tools/call", greet())).await;
    let text = refused["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(text, "2 questions are open already (questions_per_session_max); ask again later");
    // Another session is not full, and this one has room as soon as a question is answered.
    let mut other = open_lines(&house, LEGACY, &able()).await;
    asked(&mut other, 1, "greet").await;
    assert_eq!(text_of(&pipe.ask(&response(&first["id"], accept("Ann"))).await), "Hello, Ann!");
    asked(&mut pipe, 4, "greet").await;
    // Without a session each call has as many. What finds no room comes with the next round.
    let house = House::with(|limits| limits.questions_per_session_max = 1, |builder| builder);
    let called = ("tools/call", tool("both", json!({})));
    let ran = run(&house, (Carrier::Lines, MODERN), &able(), called, agreeable).await;
    assert_eq!((ran.text(), ran.sent), ("Hello, one! Hello, two!", 3));
}
