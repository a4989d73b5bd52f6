//! What is the same in every revision and over every carrier.

use impresario_transports::Serve as _;
use serde_json::{Value, json};

use crate::client::{
    CARRIERS, Carrier, EVERY, Ran, Reply, Script, WITH_FORMS, able, accept, agreeable, goes, run,
};
use crate::house::House;
use crate::messages::{MODERN, tool};

/// Tells a story wherever it can be told, and gives what came of it to `check`, with the revision.
async fn tell(
    house: &House,
    eras: &[&'static str],
    capabilities: &Value,
    call: (&'static str, Value),
    script: Script,
    check: impl Fn(&Ran, &str),
) {
    for carrier in CARRIERS {
        for era in eras.iter().filter(|era| goes(carrier, era)) {
            let ran = run(house, (carrier, era), capabilities, call.clone(), script).await;
            check(&ran, era);
        }
    }
}

fn call(name: &str) -> (&'static str, Value) {
    ("tools/call", tool(name, json!({})))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_is_accepted_declined_or_cancelled() {
    let house = House::open();
    let outcomes: [(Script, &str); 3] = [
        (|_, _| accept("Ann"), "Hello, Ann!"),
        (|_, _| Reply::Result(json!({ "action": "decline" })), "declined"),
        (|_, _| Reply::Result(json!({ "action": "cancel", "content": { "name": "Ann" } })), "cancelled"),
    ];
    for (script, text) in outcomes {
        for (method, params) in [
            call("greet"),
            call("greet_blocking"),
            ("resources/read", json!({ "uri": "ask://name" })),
            ("prompts/get", json!({ "name": "name" })),
        ] {
            tell(&house, &WITH_FORMS, &able(), (method, params), script, |ran, era| {
                assert_eq!(ran.text(), text);
                let (asked, params) = &ran.asked[0];
                assert_eq!((ran.asked.len(), asked.as_str()), (1, "elicitation/create"));
                assert_eq!(params["message"], "name");
                assert_eq!(
                    params["requestedSchema"]["properties"]["name"]["minLength"], 2,
                    "{era}: {params}"
                );
                assert_eq!(params["requestedSchema"]["required"], json!(["name"]));
            })
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_questions_go_out_at_once() {
    let house = House::open();
    for name in ["both", "both_blocking"] {
        tell(&house, &WITH_FORMS, &able(), call(name), agreeable, |ran, era| {
            assert_eq!(ran.text(), "Hello, one! Hello, two!");
            if era == MODERN {
                assert!(ran.sent <= 2, "both in one round: {ran:?}");
            }
        })
        .await;
    }
    tell(&house, &WITH_FORMS, &able(), call("everything"), agreeable, |ran, _| {
        assert_eq!(ran.text(), "elicited sampled listed");
        assert!(ran.sent <= 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_once_is_done_once_however_many_rounds_there_are() {
    let house = House::open();
    let effects = std::cell::Cell::new(0);
    tell(&house, &WITH_FORMS, &able(), call("rounds"), agreeable, |ran, _| {
        effects.set(effects.get() + 1);
        assert_eq!(house.effects(), effects.get());
        assert_eq!(ran.text(), format!("Hello, one! Hello, two {}! Hello, three!", effects.get()));
        assert_eq!(ran.asked.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_and_folders_are_asked_in_every_revision() {
    let house = House::open();
    tell(&house, &EVERY, &able(), call("sample"), agreeable, |ran, _| {
        assert_eq!(ran.text(), r#"m says {"type":"text","text":"words"}"#);
        assert_eq!(ran.asked[0].1["messages"][0]["content"]["text"], "say");
        assert_eq!(ran.asked[0].1["maxTokens"], 10);
    })
    .await;
    tell(&house, &EVERY, &able(), call("roots"), agreeable, |ran, _| {
        assert_eq!(ran.text(), "file:///a file:///b");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_sent_to_a_page_where_the_revision_has_that() {
    let house = House::open();
    tell(&house, &EVERY, &able(), call("page"), agreeable, |ran, era| {
        if era < "2025-11-25" {
            assert!(ran.failure().contains(r#"{"elicitation":{"url":{}}}"#), "{}", ran.answer);
            return;
        }
        assert_eq!(ran.text(), "true");
        let params = &ran.asked[0].1;
        assert_eq!((&params["mode"], &params["url"]), (&json!("url"), &json!("https://example.com/pay")));
        let id = &params["elicitationId"];
        if era == MODERN {
            assert!(id.is_null() && ran.told.is_empty());
        } else {
            assert!(id.is_string());
            assert_eq!(ran.told[0]["method"], "notifications/elicitation/complete");
            assert_eq!(ran.told[0]["params"]["elicitationId"], *id);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_of_several_counts_as_unsupported_before_2025_11_25() {
    let house = House::open();
    tell(&house, &WITH_FORMS, &able(), call("colours"), agreeable, |ran, era| {
        if era == "2025-06-18" {
            assert!(ran.failure().contains("elicitation"), "{}", ran.answer);
            assert!(ran.asked.is_empty());
        } else {
            assert_eq!(ran.text(), "Some(2)");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_did_not_declare_it_is_not_asked() {
    let house = House::open();
    let lacking = [
        (call("greet"), json!({ "elicitation": { "form": {} } })),
        (call("greet_blocking"), json!({ "elicitation": { "form": {} } })),
        (call("page"), json!({ "elicitation": { "url": {} } })),
        (call("sample"), json!({ "sampling": {} })),
        (call("roots"), json!({ "roots": {} })),
        (("resources/read", json!({ "uri": "ask://name" })), json!({ "elicitation": { "form": {} } })),
        (("prompts/get", json!({ "name": "name" })), json!({ "elicitation": { "form": {} } })),
    ];
    for (called, missing) in lacking {
        tell(&house, &EVERY, &json!({}), called.clone(), agreeable, |ran, era| {
            assert!(ran.asked.is_empty());
            let error = &ran.answer["error"];
            if era == MODERN {
                assert_eq!(error["data"]["requiredCapabilities"], missing);
                assert!(error.get("code").is_none_or(|code| *code == -32021), "{error}");
            } else if called.0 == "tools/call" {
                assert!(ran.failure().contains(&missing.to_string()), "{}", ran.answer);
            } else {
                assert_eq!(error["code"], -32600);
                assert!(error["message"].as_str().unwrap().contains(&missing.to_string()));
            }
        })
        .await;
    }
    // No revision of before has forms, whatever is declared.
    tell(&house, &EVERY[..2], &able(), call("greet"), agreeable, |ran, _| {
        assert!(ran.failure().contains("elicitation"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_can_look_first() {
    let house = House::open();
    tell(&house, &EVERY, &able(), call("first"), agreeable, |ran, era| {
        let expected = match era {
            "2024-11-05" | "2025-03-26" => "false false true false true",
            "2025-06-18" => "true false true false true",
            _ => "true true true true true",
        };
        assert_eq!(ran.text(), expected);
    })
    .await;
    tell(&house, &EVERY, &json!({}), call("first"), agreeable, |ran, _| {
        assert_eq!(ran.text(), "false false false false false");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_of_a_tool_are_told_to_its_author() {
    let house = House::open();
    tell(&house, &WITH_FORMS, &able(), call("reuse"), agreeable, |ran, _| {
        let text = "the key `key` stands for two different questions in one call; give each a key of its own";
        assert_eq!(ran.failure(), text);
    })
    .await;
    tell(&house, &WITH_FORMS, &able(), call("cached"), agreeable, |ran, _| {
        assert!(ran.failure().contains("a tool with a cache can't ask its client"), "{}", ran.answer);
        assert!(ran.asked.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_question_is_asked_once() {
    let house = House::open();
    tell(&house, &WITH_FORMS, &able(), call("same"), agreeable, |ran, _| {
        assert_eq!(ran.text(), "Hello, name! Hello, name!");
        assert_eq!(ran.asked.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_ever_is_stopped() {
    let house = House::with(|limits| limits.question_rounds_max = 3, |builder| builder);
    tell(&house, &WITH_FORMS, &able(), call("for_ever"), agreeable, |ran, _| {
        assert_eq!(ran.failure(), "this call has asked 3 times already (question_rounds_max)");
        assert_eq!(ran.asked.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_in_this_process_that_answers_nothing_is_told_so() {
    let house = House::open();
    let client = house.runtime.connect().await.unwrap();
    let error = client.call_tool("greet", json!({})).await.unwrap_err();
    assert!(error.message.contains("elicitation"), "{error}");
    assert!(goes(Carrier::InProcess, MODERN));
}
