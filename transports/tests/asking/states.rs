//! Questions without a session: what may come back with a sealed state, and what may not.

use impresario_engine::Builder;
use serde_json::{Value, json};

use crate::client::{Reply, able, accept, responses, with_capabilities};
use crate::house::House;
use crate::messages::{error_of, modern, text_of, tool};
use crate::pipe::Pipe;

/// The parameters of a call whose client can be asked everything.
fn call(name: &str) -> Value {
    with_capabilities(tool(name, json!({})), &able())
}

async fn ask(pipe: &mut Pipe, params: &Value) -> Value {
    pipe.ask(&modern(1, "tools/call", params.clone())).await
}

/// The state of a call that has just asked.
async fn state(pipe: &mut Pipe, params: &Value) -> Value {
    let answer = ask(pipe, params).await;
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    answer["result"]["requestState"].clone()
}

fn with(params: &Value, members: Value) -> Value {
    let mut params = params.clone();
    for (name, value) in members.as_object().unwrap() {
        params[name] = value.clone();
    }
    params
}

fn ann() -> Value {
    json!({ "name": { "action": "accept", "content": { "name": "Ann" } } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_asked_again_and_what_nobody_asked_is_ignored() {
    let house = House::open();
    let mut pipe = Pipe::open(&house.runtime);
    let params = call("both");
    let first = ask(&mut pipe, &params).await;
    let one = |_: &str, params: &Value| {
        if params["message"] == "one" { accept("one") } else { Reply::Error(0, "not now") }
    };
    let (mut answers, asked) = responses(&first["result"], one);
    assert_eq!(asked.len(), 2);
    answers["nobody asked"] = json!(5);
    let brought = json!({ "inputResponses": answers, "requestState": first["result"]["requestState"] });
    let second = ask(&mut pipe, &with(&params, brought)).await;
    let (mut answers, asked) = responses(&second["result"], |_, _| accept("two"));
    assert_eq!(asked.len(), 1, "the one that is missing: {second}");
    // An answer that was given already is not taken back.
    answers["one"] = json!({ "action": "decline" });
    let brought = json!({ "inputResponses": answers, "requestState": second["result"]["requestState"] });
    assert_eq!(text_of(&ask(&mut pipe, &with(&params, brought)).await), "Hello, one! Hello, two!");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_answer_is_refused_by_its_key_and_nothing_is_lost() {
    let house = House::open();
    let mut pipe = Pipe::open(&house.runtime);
    for name in ["greet", "greet_blocking"] {
        let params = call(name);
        let state = state(&mut pipe, &params).await;
        let runs = house.runs();
        for answer in [
            json!(12_345),
            json!([]),
            json!({ "action": "accept" }),
            json!({ "action": "accept", "content": { "name": "A" } }),
            json!({ "roots": [] }),
        ] {
            let brought = json!({ "inputResponses": { "name": answer }, "requestState": state });
            let refused = ask(&mut pipe, &with(&params, brought)).await;
            let (code, message) = error_of(&refused);
            assert!(code == -32602 && message.contains("`name`"), "{refused}");
        }
        assert_eq!(house.runs(), runs, "nothing was executed");
        let brought = json!({ "inputResponses": ann(), "requestState": state });
        assert_eq!(text_of(&ask(&mut pipe, &with(&params, brought)).await), "Hello, Ann!");
        // Without a state it is held against its question as soon as that is asked.
        let refused = ask(&mut pipe, &with(&params, json!({ "inputResponses": { "name": 5 } }))).await;
        assert!(error_of(&refused).0 == -32602 && error_of(&refused).1.contains("`name`"), "{refused}");
        let at_once = ask(&mut pipe, &with(&params, json!({ "inputResponses": ann() }))).await;
        assert_eq!(text_of(&at_once), "Hello, Ann!");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_good_for_its_own_request_alone() {
    let house = House::open();
    let mut pipe = Pipe::open(&house.runtime);
    let params = with_capabilities(tool("named", json!({ "a": 1, "b": [true, null] })), &able());
    let state = state(&mut pipe, &params).await;
    let text = state.as_str().unwrap();
    let mut flipped = text.to_owned();
    flipped.replace_range(40..41, if &text[40..41] == "A" { "B" } else { "A" });
    let answers = json!({ "inputResponses": ann(), "requestState": state });
    let foreign = [
        ("tools/call", with(&params, json!({ "inputResponses": ann(), "requestState": flipped }))),
        (
            "tools/call",
            with(&params, json!({ "inputResponses": ann(), "requestState": format!("{text}-X") })),
        ),
        ("tools/call", with(&params, json!({ "inputResponses": ann(), "requestState": "" }))),
        ("tools/call", with(&params, json!({ "inputResponses": ann(), "requestState": 5 }))),
        ("tools/call", with(&params, json!({ "inputResponses": ann(), "requestState": null }))),
        ("tools/call", with(&params, json!({ "inputResponses": [], "requestState": state }))),
        ("tools/call", with(&params, json!({ "inputResponses": null, "requestState": state }))),
        ("tools/call", with(&with(&params, answers.clone()), json!({ "name": "greet", "arguments": {} }))),
        (
            "tools/call",
            with(&with(&params, answers.clone()), json!({ "arguments": { "a": 2, "b": [true, null] } })),
        ),
        ("prompts/get", with(&with_capabilities(json!({ "name": "name" }), &able()), answers.clone())),
        (
            "resources/read",
            with(&with_capabilities(json!({ "uri": "ask://name" }), &able()), answers.clone()),
        ),
    ];
    let runs = house.runs();
    for (method, params) in foreign {
        let refused = pipe.ask(&modern(2, method, params.clone())).await;
        assert_eq!(error_of(&refused).0, -32602, "{params}: {refused}");
    }
    assert_eq!(house.runs(), runs, "nothing was executed");
    // The same arguments in another order are the same request.
    let reordered = with(&with(&params, answers), json!({ "arguments": { "b": [true, null], "a": 1 } }));
    assert_eq!(text_of(&ask(&mut pipe, &reordered).await), "Hello, Ann!");
    // What can't ask may carry what it likes.
    let listed =
        with(&with_capabilities(json!({}), &able()), json!({ "requestState": 5, "inputResponses": 5 }));
    assert!(pipe.ask(&modern(3, "tools/list", listed)).await["result"]["tools"].is_array());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_too_old_is_refused() {
    let house = House::with(|limits| limits.request_state_ttl_ms = 1, |builder| builder);
    let mut pipe = Pipe::open(&house.runtime);
    let params = call("greet");
    let state = state(&mut pipe, &params).await;
    let brought = with(&params, json!({ "inputResponses": ann(), "requestState": state }));
    let refused = loop {
        let answer = ask(&mut pipe, &brought).await;
        if answer.get("error").is_some() {
            break answer;
        }
        assert_eq!(text_of(&answer), "Hello, Ann!", "it was young enough");
    };
    assert!(error_of(&refused).0 == -32602 && error_of(&refused).1.contains("request_state_ttl_ms"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_share_a_key_resume_each_others_calls() {
    let keyed = |key: u8| move |builder: Builder| builder.state_key([key; 32]);
    let (one, two) = (House::with(|_| (), keyed(1)), House::with(|_| (), keyed(1)));
    let (other, rotated) =
        (House::with(|_| (), keyed(2)), House::with(|_| (), |builder| keyed(1)(keyed(2)(builder))));
    let params = call("greet");
    let state = state(&mut Pipe::open(&one.runtime), &params).await;
    let brought = with(&params, json!({ "inputResponses": ann(), "requestState": state }));
    for (house, can) in
        [(&one, true), (&two, true), (&rotated, true), (&other, false), (&House::open(), false)]
    {
        let answer = ask(&mut Pipe::open(&house.runtime), &brought).await;
        if can {
            assert_eq!(text_of(&answer), "Hello, Ann!");
        } else {
            assert_eq!(error_of(&answer).0, -32602);
            assert_eq!(house.runs(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_must_keep_more_than_it_may_fails_and_says_so() {
    let house = House::with(|limits| limits.request_state_bytes_max = 256, |builder| builder);
    let mut pipe = Pipe::open(&house.runtime);
    let refused = ask(&mut pipe, &call("both")).await;
    assert!(error_of(&refused).1.contains("request_state_bytes_max"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_asks_leaves_nothing_behind() {
    let house = House::open();
    let mut pipe = Pipe::open(&house.runtime);
    for name in ["greet", "greet_blocking", "both", "both_blocking"] {
        for _ in 0..50 {
            state(&mut pipe, &call(name)).await;
        }
    }
    assert_eq!(house.runtime.shared().gate.calls(), 0);
}
