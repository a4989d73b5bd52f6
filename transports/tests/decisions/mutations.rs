//! Row 1b.12 and what nobody thought of: sound messages with a few bytes changed. Whatever they have become,
//! they are answered by the rules, and the next message is too.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use crate::support::answer::Answer;
use crate::support::ask::{Prepared, Seat, call, post, request};
use crate::support::era::{self, Era, MODERN, NEWEST_LEGACY};
use crate::support::expect::{Expect, result};
use crate::support::house::House;
use crate::support::http1::Http1;
use crate::support::lines::Lines;

/// One change to a text; places wrap around.
#[derive(Debug, Clone)]
enum Change {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize, usize),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let byte = || prop_oneof![any::<u8>(), proptest::sample::select(br#"{}[]",:\0019eE+-tfn"#.to_vec())];
    prop_oneof![
        (any::<usize>(), byte()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<usize>(), byte()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        (any::<usize>(), 1..20_usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<usize>(), 1..20_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
    ]
}

fn changed(mut text: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = text.len().max(1);
        match *change {
            Change::Replace(at, byte) if !text.is_empty() => text[at % length] = byte,
            Change::Insert(at, byte) => text.insert(at % length, byte),
            Change::Remove(at, count) => {
                let at = at % length;
                text.drain(at..(at + count).min(text.len()));
            }
            Change::Repeat(at, count) => {
                let at = at % length;
                let piece = text[at..(at + count).min(text.len())].to_vec();
                text.splice(at..at, piece);
            }
            Change::Replace(..) => {}
        }
    }
    text
}

fn templates() -> Vec<String> {
    vec![
        call("count", r#"{"a":[1,2.5,"\u00e9",null,{"b":true}]}"#),
        request("tools/list", r#""cursor":"x","#),
        request("resources/read", r#""uri":"note://one","#),
        request("prompts/get", r#""name":"greet","arguments":{"name":"Ada"},"#),
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#.into(),
    ]
}

fn fail(reason: String) -> TestCaseError {
    TestCaseError::fail(reason)
}

/// Whatever a message has become, these are the answers that there are.
fn is_by_the_rules(answer: &Answer) -> Result<bool, String> {
    if let Some(status) = answer.status
        && (!matches!(status, 200 | 202 | 400 | 404) || (status == 202) != answer.texts.is_empty())
    {
        return Err(answer.shown());
    }
    let mut has_result = false;
    for text in &answer.texts {
        let message: Value =
            serde_json::from_slice(text).map_err(|error| format!("{error}: {}", answer.shown()))?;
        let messages = if let Value::Array(messages) = message { messages } else { vec![message] };
        for message in messages {
            let is_error = message["error"]["code"].is_i64() && message["error"]["message"].is_string();
            let is_result = message["result"].is_object() && message.get("id").is_some();
            if message["jsonrpc"] != "2.0"
                || is_error == is_result
                || message.get("id").is_some_and(Value::is_null)
            {
                return Err(answer.shown());
            }
            has_result |= is_result;
        }
    }
    Ok(has_result)
}

struct Client {
    house: House,
    seat: Seat,
}

impl Client {
    async fn enter(era: Era) -> Self {
        let house = House::open();
        let mut seat = Seat { era, session: None, host: house.address.to_string() };
        if !era.is_modern() {
            let mut connection = Http1::connect(house.address).await;
            let opened =
                connection.exchange(&post(era.initialize()).prepare(&seat, "")).await.expect("an answer");
            seat.session = Some(opened.header("mcp-session-id").expect("a session").to_owned());
        }
        Self { house, seat }
    }

    fn healthy(&self) -> (Prepared, Expect) {
        let ask = post(call("echo", r#"{"message":"hi"}"#));
        (ask.prepare(&self.seat, "\"next\""), result(|result| result["content"][0]["text"] == "hi"))
    }

    fn prepared(&self, template: &str, changes: &[Change]) -> Prepared {
        let mut prepared = post(template).prepare(&self.seat, "77");
        prepared.body = changed(prepared.body, changes);
        prepared
    }

    /// Says what is wrong about the answers.
    async fn try_http(
        &self,
        connection: &mut Http1,
        template: &str,
        changes: &[Change],
    ) -> Result<(), String> {
        let ran = self.house.ran();
        let answer = connection.exchange(&self.prepared(template, changes)).await?;
        let has_result = is_by_the_rules(&answer)?;
        let ran = self.house.ran() - ran;
        if ran > u64::from(has_result) {
            return Err(format!("{ran} tools ran: {}", answer.shown()));
        }
        let (healthy, expect) = self.healthy();
        expect.check(&connection.exchange(&healthy).await?, "\"next\"")
    }

    async fn try_lines(&self, template: &str, changes: &[Change]) -> Result<(), String> {
        let mut lines = Lines::enter(&self.house.runtime, self.seat.era).await;
        let (healthy, _) = self.healthy();
        lines.send([&self.prepared(template, changes).body[..], b"\n", &healthy.body, b"\n"].concat()).await;
        let answers = lines.until("next").await.ok_or("the conversation ended")?;
        is_by_the_rules(&Answer::over_lines(answers)).map(drop)
    }
}

/// Runs cases against one house, on one thread.
fn run(era: Era, cases: u32, over_lines: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = runtime.block_on(Client::enter(era));
    let connection = Cell::new(None);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let strategy = (proptest::sample::select(templates()), vec(change(), 1..4));
    let checked = runner.run(&strategy, |(template, changes)| {
        let tried = runtime.block_on(async {
            if over_lines {
                return client.try_lines(&template, &changes).await;
            }
            let mut open = match connection.take().filter(|open: &Http1| open.is_alive) {
                Some(open) => open,
                None => Http1::connect(client.house.address).await,
            };
            let tried = client.try_http(&mut open, &template, &changes).await;
            connection.set(Some(open));
            tried
        });
        tried.map_err(fail)
    });
    if let Err(error) = checked {
        panic!("{era:?}: {error}");
    }
}

#[test]
fn over_http_changed_messages_are_answered_by_the_rules() {
    for era in [MODERN, NEWEST_LEGACY, era::BATCHING] {
        run(era, 400, false);
    }
}

#[test]
fn on_lines_changed_messages_are_answered_by_the_rules() {
    for era in [MODERN, NEWEST_LEGACY, era::BATCHING] {
        run(era, 200, true);
    }
}
