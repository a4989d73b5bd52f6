//! Whatever comes: nothing panics, and nothing but a token as it was signed is accepted.

use std::sync::LazyLock;

use impresario_engine::{AuthRefusal, Authenticator, Shown};
use proptest::prelude::*;
use serde_json::json;

use crate::signer::{Signer, encode, key_set};
use crate::stage::{Headers, Stage, claims, with_keys};

struct World {
    stage: Stage,
    token: String,
    runtime: tokio::runtime::Runtime,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let signer = Signer::es256("es");
    let mut settings = with_keys(&key_set(&[&signer]));
    settings["failures_per_minute"] = json!(1_000_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    World { stage: Stage::open(settings), token: signer.token(&claims("https://auth.example.com")), runtime }
});

fn is_accepted(headers: &Headers) -> bool {
    WORLD.runtime.block_on(WORLD.stage.ask(headers, "192.0.2.1")).is_ok()
}

proptest! {
    #[test]
    fn no_text_is_a_token(text in ".{0,200}") {
        prop_assert!(!is_accepted(&Headers::bearer(&text)));
    }

    #[test]
    fn no_bytes_are_a_credential(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!is_accepted(&Headers(vec![("authorization".into(), bytes.clone())])));
        prop_assert!(!is_accepted(&Headers(vec![("x-api-key".into(), bytes)])));
    }

    #[test]
    fn no_header_and_claims_of_an_attacker_are_accepted(
        header in "\\{\"alg\":\"(ES256|RS256|HS256|EdDSA|none)\"(,\"kid\":\"es\")?(,\"typ\":\"at\\+jwt\")?\\}",
        claims in "\\{.{0,80}\\}",
        signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let token = format!("{}.{}.{}", encode(header), encode(claims), encode(signature));
        prop_assert!(!is_accepted(&Headers::bearer(&token)));
    }

    #[test]
    fn a_token_in_which_one_character_differs_is_refused(at in any::<prop::sample::Index>(), by in "[A-Za-z0-9_.-]") {
        let token = &WORLD.token;
        let at = at.index(token.len());
        let changed = format!("{}{by}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(is_accepted(&Headers::bearer(&changed)), changed == *token);
    }

    #[test]
    fn a_token_that_is_cut_or_has_something_added_is_refused(end in any::<prop::sample::Index>(), more in "[A-Za-z0-9_.=-]{1,9}") {
        let token = &WORLD.token;
        prop_assert!(!is_accepted(&Headers::bearer(&token[..end.index(token.len())])));
        let (longer, later) = (format!("{token}{more}"), format!("{more}{token}"));
        prop_assert!(!is_accepted(&Headers::bearer(&longer)));
        prop_assert!(!is_accepted(&Headers::bearer(&later)));
    }
}

#[test]
fn the_tables_keep_their_size_whatever_comes() {
    let signer = Signer::es256("es");
    let mut settings = with_keys(&key_set(&[&signer]));
    settings["verdicts_max"] = json!(32);
    settings["failures_per_minute"] = json!(1_000_000);
    let stage = Stage::open(settings);
    for number in 0..3_000 {
        let verdict = WORLD.runtime.block_on(stage.bearer(&format!("bad.{number}"), "192.0.2.1"));
        assert!(verdict.is_err());
    }
    for number in 0..200 {
        let mut claims = claims("https://auth.example.com");
        claims["jti"] = json!(number);
        let verdict = WORLD.runtime.block_on(stage.bearer(&signer.token(&claims), "192.0.2.1"));
        assert!(verdict.is_ok());
    }
    let (accepted, refused) = stage.auth.remembered();
    assert!(accepted <= 32 && refused <= 1_024, "{accepted} {refused}");
}

#[test]
fn a_warm_verdict_allocates_nothing() {
    let headers = Headers::bearer(&WORLD.token);
    assert!(is_accepted(&headers));
    let shown = Shown { fields: &headers, peer: None, certificate: None };
    let mut verdict = None;
    let counted = allocation_counter::measure(|| verdict = WORLD.stage.auth.known(&shown));
    assert!(matches!(verdict, Some(Ok(_))));
    assert_eq!(counted.count_total, 0);
    let nobody = Headers::default();
    let shown = Shown { fields: &nobody, ..shown };
    let counted = allocation_counter::measure(|| verdict = WORLD.stage.auth.known(&shown));
    assert_eq!((verdict, counted.count_total), (Some(Err(AuthRefusal::Missing)), 0));
}
