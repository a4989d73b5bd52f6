//! The other ways to say who one is, what is remembered, and how often one may be wrong.

use std::time::Duration;

use impresario_auth::new_key;
use impresario_engine::{AuthMethod, AuthRefusal, Authenticator, PeerCertificate, Shown};
use serde_json::{Value, json};

use crate::signer::{Signer, key_set};
use crate::stage::{Headers, NOW, Stage, at, claims, with_keys};

fn certificate() -> PeerCertificate {
    PeerCertificate {
        dns: Vec::new(),
        uris: vec!["spiffe://example.org/acme/builder".into()],
        emails: Vec::new(),
        fingerprint: [7; 32],
        not_after: at(NOW + 1_000),
    }
}

/// Settings with every method, a signer for its tokens, and a key.
fn everything() -> (Value, Signer, String) {
    let (signer, key) = (Signer::es256("es"), new_key().unwrap());
    let mut settings = with_keys(&key_set(&[&signer]));
    settings["keys"] = json!([{ "id": key.id, "hash": key.hash, "name": "ci", "scopes": ["read"] }]);
    settings["certificates"] = json!([{ "san": "uri", "pattern": "spiffe://example.org/{tenant}/{name}" }]);
    settings["proxy"] = json!({
        "addresses": ["10.0.0.0/8"],
        "name_header": "X-Forwarded-User",
        "tenant_header": "x-forwarded-tenant",
        "scopes_header": "x-forwarded-scopes",
        "address_header": "x-forwarded-for",
    });
    (settings, signer, key.key.reveal().to_owned())
}

const FROM_PROXY: &[(&str, &str)] =
    &[("x-forwarded-user", "eve"), ("x-forwarded-tenant", "acme"), ("x-forwarded-scopes", "read,write")];

#[tokio::test]
async fn each_method_names_its_own_principal_and_what_a_client_says_itself_counts_first() {
    let (settings, signer, key) = everything();
    let stage = Stage::open(settings);
    let token = signer.token(&claims("https://auth.example.com"));
    let bearer = Headers::bearer(&token);
    let both = Headers([bearer.0.clone(), Headers::of(FROM_PROXY).0].concat());
    let peer = certificate();
    for (headers, address, certificate, method, name) in [
        (Headers::bearer(&token), "192.0.2.1", None, AuthMethod::Token, "ada"),
        (Headers::bearer(&key), "192.0.2.1", None, AuthMethod::ApiKey, "ci"),
        (Headers::of(&[("x-api-key", &key)]), "192.0.2.1", None, AuthMethod::ApiKey, "ci"),
        (Headers::of(FROM_PROXY), "10.1.2.3", None, AuthMethod::Proxy, "eve"),
        (Headers::of(FROM_PROXY), "::ffff:10.1.2.3", None, AuthMethod::Proxy, "eve"),
        (Headers::default(), "192.0.2.1", Some(&peer), AuthMethod::Certificate, "builder"),
        (Headers::of(FROM_PROXY), "192.0.2.1", Some(&peer), AuthMethod::Certificate, "builder"),
        (Headers::of(FROM_PROXY), "10.1.2.3", Some(&peer), AuthMethod::Proxy, "eve"),
        (both, "10.1.2.3", Some(&peer), AuthMethod::Token, "ada"),
    ] {
        for round in ["verified", "remembered"] {
            let principal = stage.ask_with(&headers, address, certificate).await.unwrap();
            assert_eq!((principal.method, &**principal.name()), (method, name), "{round}");
        }
    }
}

#[tokio::test]
async fn who_is_not_in_the_trusted_range_can_not_say_who_they_are() {
    let (settings, ..) = everything();
    let stage = Stage::open(settings);
    let refused = |verdict| assert_eq!(verdict, Err(AuthRefusal::Missing));
    refused(stage.ask(&Headers::of(FROM_PROXY), "192.0.2.1").await);
    refused(stage.ask(&Headers::of(FROM_PROXY), "11.0.0.1").await);
    refused(stage.ask(&Headers::default(), "10.0.0.1").await);
    refused(stage.ask(&Headers::of(&[("x-forwarded-user", "  ")]), "10.0.0.1").await);
    let nobody = Headers::of(FROM_PROXY);
    let without_peer = Shown { fields: &nobody, peer: None, certificate: None };
    assert_eq!(stage.auth.known(&without_peer), Some(Err(AuthRefusal::Missing)));
    for doubled in ["x-forwarded-user", "x-forwarded-tenant", "x-forwarded-scopes"] {
        let headers = Headers(
            [FROM_PROXY, &[(doubled, "admin")]]
                .concat()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
                .collect(),
        );
        let verdict = stage.ask(&headers, "10.0.0.1").await;
        assert!(matches!(verdict, Err(AuthRefusal::Malformed(_))), "{doubled} {verdict:?}");
    }
    let no_tenant = stage.ask(&Headers::of(&FROM_PROXY[..1]), "10.0.0.1").await;
    assert!(matches!(no_tenant, Err(AuthRefusal::Invalid(_))), "{no_tenant:?}");
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_not_read() {
    let (settings, signer, key) = everything();
    let stage = Stage::open(settings);
    let token = format!("Bearer {}", signer.token(&claims("https://auth.example.com")));
    let bare = Headers::default();
    for (pairs, status) in [
        (vec![("authorization", token.as_str()), ("authorization", token.as_str())], 400),
        (vec![("authorization", token.as_str()), ("x-api-key", key.as_str())], 400),
        (vec![("x-api-key", key.as_str()), ("x-api-key", key.as_str())], 400),
        (vec![("authorization", "Basic YWRhOnNlY3JldA==")], 401),
        (vec![("authorization", "Bearer")], 401),
        (vec![("authorization", "Bearer garbage")], 401),
        (vec![("authorization", "Bearer a b")], 401),
        (vec![("authorization", "Bearer a.b.c, Bearer d.e.f")], 401),
        (vec![("authorization", "Bearer a\".b\r.c")], 401),
        (vec![("authorization", "Bearer imp_x_y")], 401),
        (vec![("x-api-key", "")], 401),
        (vec![], 401),
    ] {
        let verdict = stage.ask(&Headers::of(&pairs), "192.0.2.1").await;
        assert_eq!(verdict.unwrap_err().status(), status, "{pairs:?}");
    }
    assert_eq!(stage.ask(&bare, "192.0.2.1").await, Err(AuthRefusal::Missing));
    let long = Headers::bearer(&"a".repeat(64 * 1024));
    assert_eq!(stage.ask(&long, "192.0.2.9").await.unwrap_err().status(), 431);
    assert_eq!(stage.auth.remembered().0, 0);
}

#[tokio::test]
async fn a_bad_token_is_not_made_good_by_what_comes_after_it() {
    let (settings, ..) = everything();
    let stage = Stage::open(settings);
    let headers = Headers([Headers::bearer("bad").0, Headers::of(FROM_PROXY).0].concat());
    let verdict = stage.ask_with(&headers, "10.0.0.1", Some(&certificate())).await;
    assert!(matches!(verdict, Err(AuthRefusal::Invalid(_))), "{verdict:?}");
}

#[tokio::test]
async fn a_verdict_ends_with_its_token() {
    let signer = Signer::es256("es");
    let stage = Stage::open(with_keys(&key_set(&[&signer])));
    let mut claims = claims("https://auth.example.com");
    claims["exp"] = json!(NOW + 100);
    let token = signer.token(&claims);
    let principal = stage.bearer(&token, "192.0.2.1").await.unwrap();
    assert_eq!(principal.expires_at, Some(at(NOW + 160)));
    stage.clock.advance(Duration::from_secs(99));
    assert!(stage.knows(&token));
    stage.clock.advance(Duration::from_secs(1));
    assert!(!stage.knows(&token));
    // The clock of the issuer may be a minute behind ours.
    assert!(stage.bearer(&token, "192.0.2.1").await.is_ok());
    assert!(!stage.knows(&token));
    stage.clock.advance(Duration::from_secs(60));
    assert!(stage.bearer(&token, "192.0.2.1").await.is_err());
}

#[tokio::test]
async fn who_fails_too_often_is_not_looked_at_and_who_is_known_is_let_in() {
    let (settings, signer, _) = everything();
    let stage = Stage::open(settings);
    let good = signer.token(&claims("https://auth.example.com"));
    assert!(stage.bearer(&good, "192.0.2.1").await.is_ok());
    for number in 0..10 {
        let verdict = stage.bearer(&format!("bad{number}"), "192.0.2.1").await;
        assert!(matches!(verdict, Err(AuthRefusal::Invalid(_))), "{number} {verdict:?}");
    }
    let too_often = Err(AuthRefusal::TooOften { retry_after_ms: 6_000 });
    assert_eq!(stage.bearer("bad", "192.0.2.1").await, too_often);
    assert_eq!(stage.bearer("bad0", "192.0.2.1").await, too_often);
    let mut fresh = claims("https://auth.example.com");
    fresh["jti"] = json!(1);
    assert_eq!(stage.bearer(&signer.token(&fresh), "192.0.2.1").await, too_often);
    assert!(stage.bearer(&good, "192.0.2.1").await.is_ok());
    assert!(stage.bearer(&signer.token(&fresh), "192.0.2.2").await.is_ok());
    stage.clock.advance(Duration::from_secs(6));
    fresh["jti"] = json!(2);
    assert!(stage.bearer(&signer.token(&fresh), "192.0.2.1").await.is_ok());
    // Who shows nothing at all guesses nothing.
    for _ in 0..100 {
        assert_eq!(stage.ask(&Headers::default(), "192.0.2.3").await, Err(AuthRefusal::Missing));
    }
}

#[tokio::test]
async fn behind_a_proxy_failures_are_counted_by_what_the_proxy_added_last() {
    let (settings, ..) = everything();
    let stage = Stage::open(settings);
    let bad = |number: usize, forwarded: &str| {
        let mut headers = Headers::bearer(&format!("bad{number}"));
        headers.0.push(("x-forwarded-for".into(), forwarded.as_bytes().to_vec()));
        headers
    };
    for number in 0..10 {
        // What stands first, the client wrote itself.
        let verdict = stage.ask(&bad(number, &format!("203.0.113.{number}, 192.0.2.1")), "10.0.0.1").await;
        assert!(matches!(verdict, Err(AuthRefusal::Invalid(_))), "{verdict:?}");
    }
    let verdict = stage.ask(&bad(10, "203.0.113.99,192.0.2.1"), "10.0.0.1").await;
    assert!(matches!(verdict, Err(AuthRefusal::TooOften { .. })), "{verdict:?}");
    let other = stage.ask(&bad(11, "192.0.2.1, 192.0.2.2"), "10.0.0.1").await;
    assert!(matches!(other, Err(AuthRefusal::Invalid(_))), "{other:?}");
}

#[tokio::test]
async fn a_certificate_is_believed_no_longer_than_it_is_valid() {
    let (settings, ..) = everything();
    let stage = Stage::open(settings);
    let (headers, certificate) = (Headers::default(), certificate());
    assert!(stage.ask_with(&headers, "192.0.2.1", Some(&certificate)).await.is_ok());
    stage.clock.advance(Duration::from_secs(1_000));
    let verdict = stage.ask_with(&headers, "192.0.2.1", Some(&certificate)).await;
    assert!(matches!(verdict, Err(AuthRefusal::Invalid(_))), "{verdict:?}");
}
