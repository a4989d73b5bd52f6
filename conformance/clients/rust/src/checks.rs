//! What is right: every question a client asks, and the answer the server owes it.
//!
//! `asking.rs` has what is right when the server asks, `tasks.rs` when calls become tasks.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::connection::{Connection, Refusal, ToolAnswer};

const UNICODE_MESSAGE: &str =
    "päivää 日本語 🚀 \"quoted\" 'single' back\\slash\nsecond line\r\n\ttabbed \u{2028} end";
const CONCURRENT_CALLS: usize = 200;
const UNKNOWN_URI: &str = "nowhere://no/such/thing";
const LEGACY_RESOURCE_NOT_FOUND: i32 = -32002;
pub(crate) const INVALID_PARAMS: i32 = -32602;
const INTERNAL_ERROR: i32 = -32603;
const MISSING_CLIENT_CAPABILITY: i32 = -32021;

/// The one check that only the legacy revisions know.
pub(crate) const LEGACY_ONLY: &str = "pings";

/// Nothing when the server answered right, else what was asked, expected and got.
pub(crate) type Outcome = Result<(), String>;
pub(crate) type Check = for<'a> fn(&'a Connection) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

macro_rules! checks {
    ($($name:ident),* $(,)?) => {
        pub(crate) const ALL: &[(&str, Check)] = &[$((stringify!($name), |client| Box::pin($name(client)))),*];
    };
}
pub(crate) use checks;

checks!(
    lists_tools,
    adds,
    echoes_any_text,
    explains_a_division_by_zero,
    names_the_field_that_breaks_the_schema,
    refuses_an_unknown_tool,
    reads_a_template,
    refuses_an_unknown_resource,
    lists_resources_and_templates,
    gets_a_prompt,
    refuses_a_prompt_without_its_argument,
    completes_an_argument,
    reports_progress,
    keeps_concurrent_calls_apart,
    reports_a_failing_tool,
    survives_a_panic,
    cancels_a_call,
    asks_nobody_who_did_not_offer,
    pings,
);

pub(crate) fn expect(holds: bool, request: &str, expected: &str, answer: &impl Debug) -> Outcome {
    if holds { Ok(()) } else { Err(format!("{request}: expected {expected}, got {answer:?}")) }
}

pub(crate) fn expect_refusal<T: Debug>(request: &str, code: i32, answer: &Result<T, Refusal>) -> Outcome {
    let holds = matches!(answer, Err(Refusal::Code(got, _)) if *got == code);
    expect(holds, request, &format!("error {code}"), answer)
}

pub(crate) fn is_text(answer: &ToolAnswer, text: &str) -> bool {
    answer.text == text && !answer.is_error
}

/// Whether a text names a field as a word of its own.
fn names(text: &str, field: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == field)
}

async fn lists_tools(client: &Connection) -> Outcome {
    let tools = client.tools().await?;
    let all = ["add", "calculate", "echo"].iter().all(|name| tools.iter().any(|tool| tool == name));
    expect(all, "tools/list", "add, calculate and echo among the names", &tools)?;
    let mut distinct = tools.clone();
    distinct.sort();
    distinct.dedup();
    expect(distinct.len() == tools.len(), "tools/list", "each name once over all pages", &tools)
}

async fn adds(client: &Connection) -> Outcome {
    let answer = client.call("add", json!({"a": 2, "b": 3})).await?;
    expect(is_text(&answer, "5"), "add {a:2,b:3}", "the text 5", &answer)
}

async fn echoes_any_text(client: &Connection) -> Outcome {
    let answer = client.call("echo", json!({"message": UNICODE_MESSAGE})).await?;
    let request = "echo with unicode, quotes and newlines";
    expect(is_text(&answer, UNICODE_MESSAGE), request, "the same text", &answer)
}

async fn explains_a_division_by_zero(client: &Connection) -> Outcome {
    let arguments = json!({"operation": "divide", "a": 1, "b": 0});
    let answer = client.call("calculate", arguments).await?;
    expect(answer.is_error, "calculate 1/0", "isError", &answer)?;
    let explains = answer.text.to_lowercase().contains("zero");
    expect(explains, "calculate 1/0", "a text that says what is wrong with zero", &answer)
}

async fn names_the_field_that_breaks_the_schema(client: &Connection) -> Outcome {
    let broken = [
        ("echo", json!({"message": 42}), "message"),
        ("echo", json!({}), "message"),
        ("calculate", json!({"operation": "frobnicate", "a": 1, "b": 1}), "operation"),
    ];
    for (tool, arguments, field) in broken {
        let request = format!("{tool} {arguments}");
        let answer = client.call(tool, arguments).await?;
        expect(answer.is_error, &request, "isError", &answer)?;
        expect(names(&answer.text, field), &request, &format!("a text that names {field}"), &answer)?;
    }
    Ok(())
}

async fn refuses_an_unknown_tool(client: &Connection) -> Outcome {
    let answer = client.call("no_such_tool", json!({})).await;
    expect_refusal("tools/call no_such_tool", INVALID_PARAMS, &answer)
}

async fn reads_a_template(client: &Connection) -> Outcome {
    let text = client.read("greeting://Ada").await?;
    expect(text.contains("Ada"), "read greeting://Ada", "a text with Ada", &text)
}

async fn refuses_an_unknown_resource(client: &Connection) -> Outcome {
    let code = if client.is_modern() { INVALID_PARAMS } else { LEGACY_RESOURCE_NOT_FOUND };
    expect_refusal("read of an unknown uri", code, &client.read(UNKNOWN_URI).await)
}

async fn lists_resources_and_templates(client: &Connection) -> Outcome {
    client.resources().await?;
    let templates = client.templates().await?;
    let listed = templates.iter().any(|template| template == "greeting://{name}");
    expect(listed, "resources/templates/list", "greeting://{name}", &templates)
}

async fn gets_a_prompt(client: &Connection) -> Outcome {
    let prompts = client.prompts().await?;
    let listed = prompts.iter().any(|prompt| prompt == "math_helper");
    expect(listed, "prompts/list", "math_helper", &prompts)?;
    let count = client.prompt("math_helper", json!({"operation": "addition"})).await?;
    expect(count >= 1, "prompts/get math_helper", "at least one message", &count)
}

async fn refuses_a_prompt_without_its_argument(client: &Connection) -> Outcome {
    let answer = client.prompt("math_helper", json!({})).await;
    expect_refusal("prompts/get math_helper {}", INVALID_PARAMS, &answer)
}

async fn completes_an_argument(client: &Connection) -> Outcome {
    let values = client.complete("math_helper", "operation", "add").await?;
    let request = "complete operation=add";
    expect(!values.is_empty(), request, "at least one value", &values)?;
    expect(values.iter().all(|value| value.starts_with("add")), request, "values that start so", &values)
}

async fn reports_progress(client: &Connection) -> Outcome {
    let arguments = json!({"steps": 5, "ms": 5});
    let seen = client.call_with_progress("progress", arguments, 5).await?;
    expect(seen.len() == 5, "progress {steps:5}", "5 notifications", &seen)?;
    let rises = seen.windows(2).all(|pair| pair[0] < pair[1]);
    expect(rises, "progress {steps:5}", "strictly increasing values", &seen)
}

async fn keeps_concurrent_calls_apart(client: &Connection) -> Outcome {
    let message = |n: usize| format!("message {n} of {CONCURRENT_CALLS}");
    let calls = (0..CONCURRENT_CALLS).map(|n| client.call("echo", json!({"message": message(n)})));
    let answers = join_all(calls).await;
    for (n, answer) in answers.iter().enumerate() {
        let own = matches!(answer, Ok(answer) if is_text(answer, &message(n)));
        expect(own, &format!("concurrent echo {}", message(n)), "its own text", answer)?;
    }
    Ok(())
}

async fn reports_a_failing_tool(client: &Connection) -> Outcome {
    let answer = client.call("fail", json!({"message": "x marks the spot"})).await?;
    let holds = answer.is_error && answer.text.contains("x marks the spot");
    expect(holds, "fail {message}", "isError with the message", &answer)
}

async fn survives_a_panic(client: &Connection) -> Outcome {
    let answer = client.call("panic", json!({})).await;
    expect_refusal("panic", INTERNAL_ERROR, &answer)?;
    let answer = client.call("echo", json!({"message": "after the panic"})).await?;
    expect(is_text(&answer, "after the panic"), "echo after panic", "its text", &answer)
}

async fn cancels_a_call(client: &Connection) -> Outcome {
    let after = Duration::from_millis(200);
    client.call_and_cancel("sleep", json!({"ms": 30_000}), after).await?;
    let started = Instant::now();
    let message = "after the cancellation";
    let answer = client.call("echo", json!({"message": message})).await?;
    expect(is_text(&answer, message), "echo after cancelling sleep", "its text", &answer)?;
    let elapsed = started.elapsed();
    let in_time = elapsed < Duration::from_secs(1);
    expect(in_time, "echo after cancelling sleep", "an answer within a second", &elapsed)
}

async fn asks_nobody_who_did_not_offer(client: &Connection) -> Outcome {
    let answer = client.call("ask", json!({})).await;
    if client.is_modern() {
        return expect_refusal("ask", MISSING_CLIENT_CAPABILITY, &answer);
    }
    let answer = answer?;
    let holds = answer.is_error && answer.text.contains("elicitation");
    expect(holds, "ask", "isError, and what is missing", &answer)
}

async fn pings(client: &Connection) -> Outcome {
    Ok(client.ping().await?)
}
