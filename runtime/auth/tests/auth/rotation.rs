//! Keys that change, are late, or do not come at all: faults 28 and 29.

use std::sync::Arc;
use std::time::Duration;

use impresario_engine::AuthRefusal;
use serde_json::json;

use crate::server::{AuthorizationServer, KEYS, METADATA, Mode};
use crate::signer::{Signer, key_set};
use crate::stage::{NOW, Stage, claims, discovered, peer};

/// A token of that key which is good for two hours, and like no other.
fn token(signer: &Signer, issuer: &str, number: usize) -> String {
    let mut claims = claims(issuer);
    claims["exp"] = json!(NOW + 7_200);
    claims["jti"] = json!(number);
    signer.token(&claims)
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Waits for what an attempt in the background does.
async fn until(what: impl Fn() -> bool) {
    let waiting = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
}

#[tokio::test]
async fn a_new_key_is_fetched_when_it_is_first_seen_and_both_are_good_in_the_overlap() {
    let (old, new) = (Signer::es256("old"), Signer::ed25519("new"));
    let server = AuthorizationServer::start(key_set(&[&old]));
    let stage = Stage::open(discovered(&server.url));
    assert!(stage.bearer(&token(&old, &server.url, 0), &peer(0)).await.is_ok());
    server.keys(key_set(&[&old, &new]));
    stage.clock.advance(Duration::from_secs(30));
    assert!(stage.bearer(&token(&new, &server.url, 1), &peer(1)).await.is_ok());
    assert!(stage.bearer(&token(&old, &server.url, 2), &peer(2)).await.is_ok());
    assert_eq!((server.asked(METADATA), server.asked(KEYS)), (1, 2));
}

#[tokio::test]
async fn what_a_key_that_is_gone_had_signed_is_forgotten_with_it() {
    let (old, new) = (Signer::es256("old"), Signer::es256("new"));
    let server = AuthorizationServer::start(key_set(&[&old]));
    let stage = Stage::open(discovered(&server.url));
    let (of_old, of_new) = (token(&old, &server.url, 0), token(&new, &server.url, 1));
    assert!(stage.bearer(&of_old, &peer(0)).await.is_ok());
    assert!(stage.knows(&of_old));
    server.keys(key_set(&[&new]));
    stage.clock.advance(Duration::from_secs(30));
    assert!(stage.bearer(&of_new, &peer(1)).await.is_ok());
    assert!(!stage.knows(&of_old));
    assert!(stage.bearer(&of_old, &peer(2)).await.is_err());
}

#[tokio::test]
async fn a_flood_of_unknown_kids_costs_one_fetch_in_thirty_seconds() {
    let (known, unknown) = (Signer::es256("known"), Signer::es256("unknown"));
    let server = AuthorizationServer::start(key_set(&[&known]));
    let stage = Arc::new(Stage::open(discovered(&server.url)));
    for round in 0..3 {
        let flood: Vec<_> = (0..100)
            .map(|number| {
                let (stage, token) = (Arc::clone(&stage), token(&unknown, &server.url, round * 100 + number));
                async move { stage.bearer(&token, &peer(number)).await }
            })
            .collect();
        let mut tasks = tokio::task::JoinSet::new();
        flood.into_iter().for_each(|attempt| {
            tasks.spawn(attempt);
        });
        for verdict in tasks.join_all().await {
            assert_eq!(verdict, Err(AuthRefusal::Invalid("the token's key is not known")));
        }
        assert_eq!(server.asked(KEYS), round + 1);
        stage.clock.advance(Duration::from_secs(29));
        assert!(stage.bearer(&token(&unknown, &server.url, 7_000 + round), &peer(0)).await.is_err());
        assert_eq!(server.asked(KEYS), round + 1);
        stage.clock.advance(Duration::from_secs(1));
    }
    assert!(stage.bearer(&token(&known, &server.url, 1), &peer(1)).await.is_ok());
}

#[tokio::test]
async fn keys_are_fetched_again_after_ten_minutes_while_the_old_ones_are_used() {
    let key = Signer::es256("key");
    let server = AuthorizationServer::start(key_set(&[&key]));
    let stage = Stage::open(discovered(&server.url));
    assert!(stage.bearer(&token(&key, &server.url, 0), &peer(0)).await.is_ok());
    stage.clock.advance(minutes(10) - Duration::from_millis(1));
    assert!(stage.bearer(&token(&key, &server.url, 1), &peer(0)).await.is_ok());
    assert_eq!(server.asked(KEYS), 1);
    stage.clock.advance(Duration::from_millis(1));
    // The answer does not wait for an endpoint that has begun to hang.
    server.mode(Mode::Silent);
    assert!(stage.bearer(&token(&key, &server.url, 2), &peer(0)).await.is_ok());
    until(|| server.asked(KEYS) == 2).await;
}

#[tokio::test]
async fn an_endpoint_that_fails_is_asked_once_in_thirty_seconds_and_old_keys_last_an_hour() {
    let key = Signer::es256("key");
    let server = AuthorizationServer::start(key_set(&[&key]));
    let stage = Stage::open(discovered(&server.url));
    assert!(stage.bearer(&token(&key, &server.url, 0), &peer(0)).await.is_ok());
    server.mode(Mode::Status(500));
    let mut number = 0;
    for round in 1..=5 {
        let asked = server.asked_for_anything();
        stage.clock.advance(minutes(12));
        // An attempt that is still under way is not begun anew, so it may take a few tokens.
        while server.asked_for_anything() == asked {
            number += 1;
            assert!(stage.bearer(&token(&key, &server.url, number), &peer(0)).await.is_ok(), "{round}");
            tokio::task::yield_now().await;
        }
        assert!(stage.bearer(&token(&key, &server.url, 7_000 + round), &peer(0)).await.is_ok());
        assert_eq!(server.asked_for_anything(), asked + 1, "{round}");
    }
    stage.clock.advance(Duration::from_secs(1));
    let verdict = stage.bearer(&token(&key, &server.url, 8_000), &peer(0)).await;
    let Err(AuthRefusal::Unavailable { retry_after_ms }) = verdict else { panic!("{verdict:?}") };
    assert!((1_000..=30_000).contains(&retry_after_ms), "{retry_after_ms}");
    // It comes back.
    server.mode(Mode::Serve);
    stage.clock.advance(Duration::from_secs(30));
    assert!(stage.bearer(&token(&key, &server.url, 8_001), &peer(0)).await.is_ok());
}

#[tokio::test]
async fn without_keys_nobody_is_let_in_and_nothing_is_remembered_of_them() {
    let key = Signer::es256("key");
    for (number, mode) in [
        Mode::Status(500),
        Mode::Status(404),
        Mode::Redirect("http://127.0.0.1:9/".into()),
        Mode::Body(b"<html>".to_vec()),
        Mode::Body(vec![b' '; 2 * 1024 * 1024]),
        Mode::Silent,
    ]
    .into_iter()
    .enumerate()
    {
        let server = AuthorizationServer::start(key_set(&[&key]));
        server.mode(mode);
        let mut settings = discovered(&server.url);
        settings["fetch"]["timeout"] = json!("500ms");
        let stage = Stage::open(settings);
        let token = token(&key, &server.url, 0);
        let verdict = stage.bearer(&token, &peer(number)).await;
        assert!(matches!(verdict, Err(AuthRefusal::Unavailable { .. })), "{number} {verdict:?}");
        let asked = server.asked_for_anything();
        assert!(matches!(stage.bearer(&token, &peer(0)).await, Err(AuthRefusal::Unavailable { .. })));
        assert_eq!(server.asked_for_anything(), asked, "{number}");
        assert_eq!(stage.auth.remembered(), (0, 0));
        assert_eq!(stage.auth.refused_too_often(peer(number).parse().unwrap()), None);
    }
}

#[tokio::test]
async fn metadata_that_names_another_issuer_is_not_used() {
    let key = Signer::es256("key");
    let server = AuthorizationServer::start(key_set(&[&key]));
    server.calls_itself("https://honest.example");
    let stage = Stage::open(discovered(&server.url));
    let verdict = stage.bearer(&token(&key, &server.url, 0), &peer(0)).await;
    assert!(matches!(verdict, Err(AuthRefusal::Unavailable { .. })), "{verdict:?}");
    assert_eq!(server.asked(KEYS), 0);
}

#[tokio::test]
async fn an_address_that_is_not_public_is_not_asked_unless_the_settings_say_so() {
    let key = Signer::es256("key");
    let server = AuthorizationServer::start(key_set(&[&key]));
    let local = server.url.replace("127.0.0.1", "localhost");
    let mut settings = discovered(&local);
    settings["fetch"] = json!({});
    let stage = Stage::open(settings);
    let verdict = stage.bearer(&token(&key, &local, 0), &peer(0)).await;
    assert!(matches!(verdict, Err(AuthRefusal::Unavailable { .. })), "{verdict:?}");
    assert_eq!(server.asked_for_anything(), 0);
}

#[tokio::test]
async fn those_who_wait_may_leave_and_the_fetch_goes_on_for_the_others() {
    let key = Signer::es256("key");
    let server = AuthorizationServer::start(key_set(&[&key]));
    let stage = Arc::new(Stage::open(discovered(&server.url)));
    let first = token(&key, &server.url, 0);
    let mut left = tokio::task::JoinSet::new();
    let waits = Arc::clone(&stage);
    left.spawn(async move { waits.bearer(&first, &peer(0)).await });
    tokio::task::yield_now().await;
    left.shutdown().await;
    assert!(stage.bearer(&token(&key, &server.url, 1), &peer(1)).await.is_ok());
    assert_eq!(server.asked(KEYS), 1);
}
