//! What is right when the server asks: for a person, a model, and folders.

use futures_util::future::join_all;
use rmcp::model::{ElicitResult, ElicitationAction};
use serde_json::json;

use crate::checks::{Check, INVALID_PARAMS, Outcome, checks, expect, expect_refusal, is_text};
use crate::connection::Connection;
use crate::person::{ROOTS, accept, said_to};

const CONCURRENT_QUESTIONS: usize = 20;
const PAGE: &str = "https://example.org/sign-in?for=a%20friend";

checks!(
    fills_in_a_form,
    declines_and_cancels_a_form,
    is_refused_what_does_not_fit_the_form,
    answers_one_question_after_the_other,
    says_no_to_the_second_question,
    keeps_concurrent_questions_apart,
    goes_to_a_page,
    answers_with_its_model,
    shows_its_roots,
);

async fn fills_in_a_form(client: &Connection) -> Outcome {
    client.person().will([accept(json!({"name": "Ada 🚀"}))]);
    let answer = client.call("ask", json!({})).await?;
    expect(is_text(&answer, "Hello, Ada 🚀!"), "ask, accepted", "a greeting with the name", &answer)?;
    let asked = client.person().asked();
    expect(asked == ["What is your name? [name]"], "ask, accepted", "one question with one field", &asked)
}

async fn declines_and_cancels_a_form(client: &Connection) -> Outcome {
    for action in [ElicitationAction::Decline, ElicitationAction::Cancel] {
        client.person().will([ElicitResult::new(action)]);
        let answer = client.call("ask", json!({})).await?;
        let greets = is_text(&answer, "Hello, whoever you are!");
        expect(greets, "ask, declined or cancelled", "a greeting without a name", &answer)?;
    }
    Ok(())
}

async fn is_refused_what_does_not_fit_the_form(client: &Connection) -> Outcome {
    client.person().will([accept(json!({"name": ""}))]);
    let answer = client.call("ask", json!({})).await;
    if client.is_modern() {
        return expect_refusal("ask, an empty name", INVALID_PARAMS, &answer);
    }
    let answer = answer?;
    let holds = answer.is_error && answer.text.contains("name");
    expect(holds, "ask, an empty name", "isError with the field", &answer)
}

async fn answers_one_question_after_the_other(client: &Connection) -> Outcome {
    let before = client.call("counter", json!({})).await?;
    let count: u64 = before.text.parse().map_err(|error| format!("counter: {error}: {before:?}"))?;
    client.person().will([accept(json!({"name": "Ada"})), accept(json!({"colour": "green"}))]);
    let answer = client.call("ask_twice", json!({})).await?;
    let expected = format!("Ada likes Green; visit {}", count + 1);
    expect(is_text(&answer, &expected), "ask_twice", &expected, &answer)?;
    let asked = client.person().asked();
    let once = asked == ["What is your name? [name]", "Ada, which colour do you like? [colour]"];
    expect(once, "ask_twice", "each question once", &asked)
}

async fn says_no_to_the_second_question(client: &Connection) -> Outcome {
    let no = ElicitResult::new(ElicitationAction::Decline);
    client.person().will([accept(json!({"name": "Ada"})), no]);
    let answer = client.call("ask_twice", json!({})).await?;
    let holds = answer.is_error && answer.text == "no colour, no answer";
    expect(holds, "ask_twice, declined", "isError with the tool's text", &answer)
}

async fn keeps_concurrent_questions_apart(client: &Connection) -> Outcome {
    let people: Vec<_> = (0..CONCURRENT_QUESTIONS).map(|n| format!("person {n}")).collect();
    client.person().will(people.iter().map(|name| accept(json!({"name": name}))));
    let mut texts = Vec::new();
    for answer in join_all(people.iter().map(|_| client.call("ask", json!({})))).await {
        texts.push(answer?.text);
    }
    let mut expected: Vec<_> = people.iter().map(|name| format!("Hello, {name}!")).collect();
    texts.sort();
    expected.sort();
    expect(texts == expected, "concurrent ask", "each name in one greeting", &texts)
}

async fn goes_to_a_page(client: &Connection) -> Outcome {
    let rows = [
        (ElicitationAction::Accept, "accepted"),
        (ElicitationAction::Decline, "declined"),
        (ElicitationAction::Cancel, "cancelled"),
    ];
    for (action, said) in rows {
        client.person().will([ElicitResult::new(action)]);
        let answer = client.call("ask_page", json!({"url": PAGE})).await?;
        expect(is_text(&answer, said), "ask_page", said, &answer)?;
        let asked = client.person().asked();
        let is_page = asked == [format!("Please look at this page. [{PAGE}]")];
        expect(is_page, "ask_page", "the page's own address", &asked)?;
    }
    Ok(())
}

async fn answers_with_its_model(client: &Connection) -> Outcome {
    let answer = client.call("sample_text", json!({"prompt": "Say hello."})).await?;
    expect(is_text(&answer, &said_to("Say hello.")), "sample_text", "what the model said", &answer)
}

async fn shows_its_roots(client: &Connection) -> Outcome {
    let answer = client.call("show_roots", json!({})).await?;
    expect(is_text(&answer, &ROOTS.join("\n")), "show_roots", "the roots, in order", &answer)
}
