//! What is sealed opens again, and nothing else does.

use impresario_codec::DecodeLimits;
use impresario_protocol::client::{RequestedSchema, StringSchema};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const KEY: [u8; 32] = [7; 32];
const NOW: u64 = 1_000_000;

fn sealer(keys: &[[u8; 32]], limits: &Limits) -> Sealer {
    Sealer::new(keys, limits)
}

fn message(params: &Value) -> Message {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    Message::parse(request.as_bytes(), &DecodeLimits::from(&Limits::default())).unwrap()
}

fn bound(arguments: &Value) -> Bound {
    Bound::of(Some("ann"), &message(&json!({ "name": "t", "arguments": arguments })))
}

fn question() -> InputRequest {
    InputRequest::form("Who?", RequestedSchema::new().require("name", StringSchema::default()))
}

fn kept() -> Kept {
    let open = KeptState::Open(Some(Arc::new(question())));
    let records = vec![
        KeptRecord { key: "name".into(), pin: 3, state: open },
        KeptRecord { key: "done".into(), pin: 0, state: KeptState::Done(json!({ "a": [1, null] })) },
    ];
    Kept { rounds: 2, pin_key: [1, u64::MAX], records }
}

#[test]
fn what_was_sealed_opens_for_the_same_request_until_its_time_is_over() {
    let limits = Limits::default();
    let sealer = sealer(&[KEY], &limits);
    let state = sealer.seal_at(NOW, &kept(), &bound(&json!({ "a": 1 }))).unwrap();
    let open = |now, bound: &Bound| sealer.open_at(now, &state, bound);
    assert_eq!(open(NOW, &bound(&json!({ "a": 1 }))).unwrap(), kept());
    let last = NOW + limits.request_state_ttl_ms;
    assert!(open(last - 1, &bound(&json!({ "a": 1 }))).is_ok());
    let late = open(last, &bound(&json!({ "a": 1 }))).unwrap_err();
    assert!(late.message.contains("request_state_ttl_ms"), "{late}");
    assert!(open(NOW, &bound(&json!({ "a": 2 }))).is_err(), "other arguments");
    let params = json!({ "name": "t", "arguments": { "a": 1 } });
    for (principal, params) in [
        (None, params.clone()),
        (Some("bob"), params),
        (Some("ann"), json!({ "name": "u", "arguments": { "a": 1 } })),
        (Some("ann"), json!({ "uri": "t", "arguments": { "a": 1 } })),
        (Some("ann"), json!({ "name": "t" })),
        (Some("ann"), json!({ "name": "t", "arguments": { "a": "1" } })),
        (Some("ann"), json!({ "name": "t", "arguments": { "a": 1, "b": 1 } })),
    ] {
        assert!(open(NOW, &Bound::of(principal, &message(&params))).is_err(), "{principal:?} {params}");
    }
}

#[test]
fn the_order_of_members_does_not_matter() {
    let one = message(&json!({ "name": "t", "arguments": { "a": 1, "b": { "c": [], "d": null } } }));
    let other = message(&json!({ "arguments": { "b": { "d": null, "c": [] }, "a": 1 }, "name": "t" }));
    assert_eq!(Bound::of(None, &one), Bound::of(None, &other));
}

#[test]
fn a_key_can_be_replaced_while_its_states_are_around() {
    let limits = Limits::default();
    let (old, new) = ([1; 32], [2; 32]);
    let state = sealer(&[old], &limits).seal_at(NOW, &kept(), &bound(&json!({}))).unwrap();
    assert!(sealer(&[new, old], &limits).open_at(NOW, &state, &bound(&json!({}))).is_ok());
    assert!(sealer(&[new], &limits).open_at(NOW, &state, &bound(&json!({}))).is_err());
    assert!(sealer(&[], &limits).open_at(NOW, &state, &bound(&json!({}))).is_err(), "a random key");
    let state = sealer(&[new, old], &limits).seal_at(NOW, &kept(), &bound(&json!({}))).unwrap();
    assert!(sealer(&[new], &limits).open_at(NOW, &state, &bound(&json!({}))).is_ok(), "the first one seals");
}

#[test]
fn what_answers_are_held_against_goes_first_when_there_is_no_room() {
    let mut limits = Limits { request_state_bytes_max: 800, ..Limits::default() };
    let mut large = kept();
    let form = (0..50).fold(RequestedSchema::new(), |form, field| {
        form.field(format!("field {field}"), StringSchema::titled("a field"))
    });
    large.records[0].state = KeptState::Open(Some(Arc::new(InputRequest::form("", form))));
    let state = sealer(&[KEY], &limits).seal(large.clone(), &bound(&json!({}))).unwrap();
    let opened = sealer(&[KEY], &limits).open(&state, &bound(&json!({}))).unwrap();
    assert_eq!(opened.records[0].state, KeptState::Open(None));
    limits.request_state_bytes_max = 256;
    let error = sealer(&[KEY], &limits).seal(large, &bound(&json!({}))).unwrap_err();
    assert!(error.message.contains("request_state_bytes_max"), "{error}");
}

#[test]
fn answers_are_held_against_their_questions_before_anything_runs() {
    let sealer = sealer(&[KEY], &Limits::default());
    let params = json!({ "name": "t", "arguments": {} });
    let state = sealer.seal(kept(), &Bound::of(None, &message(&params))).unwrap();
    let resume = |extra: &[(&str, Value)]| {
        let mut params = params.clone();
        extra.iter().for_each(|(name, value)| params[*name] = value.clone());
        sealer.resume(None, &message(&params))
    };
    assert_eq!(resume(&[]).unwrap(), None, "a first request");
    let state = ("requestState", json!(state));
    let answer = |content: Value| ("inputResponses", json!({ "name": content, "unknown": 3 }));
    let good = answer(json!({ "action": "accept", "content": { "name": "Ann", "age": 3 } }));
    let resumed = resume(&[state.clone(), good]).unwrap().unwrap();
    let KeptState::Answered(InputResponse::Elicit(answered)) = &resumed.kept.unwrap().records[0].state else {
        panic!("it is answered");
    };
    assert_eq!(json!(answered.content), json!({ "name": "Ann" }), "what the form does not have is left out");
    for (answer, why) in [
        (json!(12_345), "object"),
        (json!([]), "object"),
        (json!({ "action": "maybe" }), "action"),
        (json!({ "action": "accept" }), "content"),
        (json!({ "action": "accept", "content": [] }), "content"),
        (json!({ "action": "accept", "content": { "name": 5 } }), "name"),
        (json!({ "action": "accept", "content": {} }), "name"),
        (json!({ "roots": [] }), "action"),
    ] {
        let error = resume(&[state.clone(), ("inputResponses", json!({ "name": answer }))]).unwrap_err();
        assert!(error.message.contains("`name`") && error.message.contains(why), "{answer}: {error}");
    }
    for extra in [
        vec![("requestState", json!(5))],
        vec![("requestState", Value::Null)],
        vec![("inputResponses", json!([]))],
        vec![("inputResponses", Value::Null)],
        vec![("requestState", json!("")), ("inputResponses", json!({}))],
        vec![("requestState", json!("AQ"))],
        vec![("requestState", json!("x".repeat(9_000)))],
    ] {
        assert!(resume(&extra).is_err(), "{extra:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_changed_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8, text in ".{0,40}") {
        let sealer = sealer(&[KEY], &Limits::default());
        let mut kept = kept();
        kept.records[1].state = KeptState::Done(json!(text));
        let bound = bound(&json!({ "text": text }));
        let state = sealer.seal_at(NOW, &kept, &bound).unwrap();
        prop_assert_eq!(sealer.open_at(NOW, &state, &bound).unwrap(), kept);
        let mut bytes = URL_SAFE_NO_PAD.decode(&state).unwrap();
        let place = at.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let opened = sealer.open_at(NOW, &URL_SAFE_NO_PAD.encode(&bytes), &bound);
        prop_assert!(opened.is_err());
        let opened = sealer.open_at(NOW, &state[..at.index(state.len())], &bound);
        prop_assert!(opened.is_err());
    }

    #[test]
    fn whatever_comes_in_its_place_is_refused(state in "[A-Za-z0-9_=-]{0,200}") {
        let sealer = sealer(&[KEY], &Limits::default());
        let opened = sealer.open_at(NOW, &state, &bound(&json!({})));
        prop_assert!(opened.is_err());
    }
}
