//! Every way in which a token can be wrong, and the few in which it is right.
//!
//! Incidents: CVE-2025-69196 (audience), CVE-2026-25537 (types of claims), GHSA-vgf8-3685-66j9 (another environment),
//! algorithm confusion, `jku` and `kid` of the attacker's choice.

use impresario_engine::AuthRefusal;
use serde_json::{Value, json};

use crate::server::{AuthorizationServer, KEYS, METADATA};
use crate::signer::{Signer, encode, key_set};
use crate::stage::{NOW, RESOURCE, Stage, claims, discovered, peer};

/// The claims with one of them changed, or gone.
fn but(issuer: &str, name: &str, value: Value) -> Value {
    let mut claims = claims(issuer);
    claims[name] = value;
    if claims[name] == json!("(absent)") {
        claims.as_object_mut().unwrap().remove(name);
    }
    claims
}

const NOT_A_TOKEN: &str = "this is no token that is accepted here";
const ALGORITHM: &str = "the token's algorithm is not accepted here";
const TIMES: &str = "the token has no expiry, or times of the wrong type";
const AUDIENCE: &str = "the token was not issued for this server";
const ISSUER: &str = "the token's issuer is not accepted here";
const SIGNATURE: &str = "the token's signature is wrong";
const UNKNOWN_KEY: &str = "the token's key is not known";
const EXPIRED: &str = "the token has expired";
const NOT_YET: &str = "the token is not valid yet";
const ISSUED: &str = "the token was issued in the future";
const TYPE: &str = "the token is not an access token";
const CRITICAL: &str = "the token asks for an extension that is not supported";
const ENVIRONMENT: &str = "the token was issued for another environment";
const NOBODY: &str = "the token names nobody";

type Row = (&'static str, String, Result<&'static str, &'static str>);

/// Rows about claims: what is changed, and what comes of it.
fn claim_rows(signer: &Signer, issuer: &str) -> Vec<Row> {
    let token = |name: &str, value: Value| signer.token(&but(issuer, name, value));
    let gone = || json!("(absent)");
    vec![
        ("as it should be", signer.token(&claims(issuer)), Ok("ada")),
        ("exp in a second", token("exp", json!(NOW + 1)), Ok("ada")),
        ("exp just passed, within the leeway", token("exp", json!(NOW - 59)), Ok("ada")),
        ("exp passed by the leeway", token("exp", json!(NOW - 60)), Err(EXPIRED)),
        ("exp long ago", token("exp", json!(1)), Err(EXPIRED)),
        ("no exp", token("exp", gone()), Err(TIMES)),
        ("exp as text", token("exp", json!((NOW + 600).to_string())), Err(TIMES)),
        ("exp as a fraction", token("exp", json!(NOW as f64 + 600.5)), Err(TIMES)),
        ("exp as a float without fraction", token("exp", json!((NOW + 600) as f64)), Err(TIMES)),
        ("exp null", token("exp", Value::Null), Err(TIMES)),
        ("exp as a list", token("exp", json!([NOW + 600])), Err(TIMES)),
        ("exp negative", token("exp", json!(-1)), Err(TIMES)),
        ("exp true", token("exp", json!(true)), Err(TIMES)),
        ("exp at the end of all numbers", token("exp", json!(u64::MAX)), Err(TIMES)),
        ("nbf within the leeway", token("nbf", json!(NOW + 60)), Ok("ada")),
        ("nbf later", token("nbf", json!(NOW + 61)), Err(NOT_YET)),
        ("nbf as text", token("nbf", json!("0")), Err(TIMES)),
        ("nbf null", token("nbf", Value::Null), Err(TIMES)),
        ("nbf as a fraction", token("nbf", json!(0.5)), Err(TIMES)),
        ("iat within the leeway", token("iat", json!(NOW + 60)), Ok("ada")),
        ("iat in the future", token("iat", json!(NOW + 61)), Err(ISSUED)),
        ("iat as text", token("iat", json!("0")), Err(TIMES)),
        ("no iat", token("iat", gone()), Ok("ada")),
        (
            "iat after exp",
            signer.token(&{
                let mut claims = but(issuer, "exp", json!(NOW - 10));
                claims["iat"] = json!(NOW - 5);
                claims
            }),
            Err(ISSUED),
        ),
        ("aud as a list with us", token("aud", json!(["https://a.example", RESOURCE])), Ok("ada")),
        ("aud in upper case with a slash", token("aud", json!("HTTPS://MCP.Example.COM/mcp/")), Ok("ada")),
        ("aud of another server", token("aud", json!("https://other.example.com/mcp")), Err(AUDIENCE)),
        ("aud of another path", token("aud", json!("https://mcp.example.com/other")), Err(AUDIENCE)),
        ("aud that begins like ours", token("aud", json!(format!("{RESOURCE}.evil.org"))), Err(AUDIENCE)),
        ("aud by http", token("aud", json!("http://mcp.example.com/mcp")), Err(AUDIENCE)),
        ("aud as a list without us", token("aud", json!(["a", "b"])), Err(AUDIENCE)),
        ("aud as an empty list", token("aud", json!([])), Err(AUDIENCE)),
        ("aud as a list with a number", token("aud", json!([RESOURCE, 7])), Err(AUDIENCE)),
        ("aud as a number", token("aud", json!(7)), Err(AUDIENCE)),
        ("aud null", token("aud", Value::Null), Err(AUDIENCE)),
        ("aud as an object", token("aud", json!({ "0": RESOURCE })), Err(AUDIENCE)),
        ("no aud", token("aud", gone()), Err(AUDIENCE)),
        ("aud empty", token("aud", json!("")), Err(AUDIENCE)),
        ("iss of somebody else", token("iss", json!("https://evil.example")), Err(ISSUER)),
        ("iss with a slash", token("iss", json!(format!("{issuer}/"))), Err(ISSUER)),
        ("iss as a list", token("iss", json!([issuer])), Err(ISSUER)),
        ("no iss", token("iss", gone()), Err(ISSUER)),
        ("no sub, no client_id", token("sub", gone()), Err(NOBODY)),
        ("sub empty", token("sub", json!("")), Err(NOBODY)),
        ("sub as a number", token("sub", json!(7)), Err(NOBODY)),
        ("sub with a line break", token("sub", json!("ada\nadmin")), Err(NOBODY)),
        ("sub of a kilobyte", token("sub", json!("a".repeat(1_024))), Err(NOBODY)),
    ]
}

/// Rows about headers, keys and the form.
fn header_rows(own: &Signer, all: &[&Signer], issuer: &str, evil: &str) -> Vec<Row> {
    let good = claims(issuer);
    let header = |name: &str, value: Value| {
        let mut header = own.header();
        header[name] = value;
        own.token_with(&header, &good)
    };
    let stranger = Signer::es256("es");
    let by_jku = {
        let mut header = stranger.header();
        header["jku"] = json!(format!("{evil}/evil"));
        header["x5u"] = json!(format!("{evil}/evil"));
        header["jwk"] = stranger.jwk();
        stranger.token_with(&header, &good)
    };
    let as_secret = |signer: &Signer| {
        let mut header = json!({ "alg": "HS256", "typ": "at+jwt" });
        header["kid"] = json!(signer.kid);
        Signer::hs256(&signer.public_bytes()).token_with(&header, &good)
    };
    let (valid, unsigned) = (own.token(&good), Signer::none().token(&good));
    let parts: Vec<&str> = valid.split('.').collect();
    let mut rows = vec![
        ("alg none", unsigned.clone(), Err(NOT_A_TOKEN)),
        ("alg none with a signature", format!("{unsigned}{}", parts[2]), Err(NOT_A_TOKEN)),
        ("alg NONE", header("alg", json!("NONE")), Err(NOT_A_TOKEN)),
        ("alg of another kind of key", header("alg", json!("RS256")), Err(UNKNOWN_KEY)),
        ("alg that nobody knows", header("alg", json!("XX999")), Err(NOT_A_TOKEN)),
        ("alg as a list", header("alg", json!(["ES256"])), Err(NOT_A_TOKEN)),
        ("alg not in the list", Signer::hs256(&[7; 32]).token(&good), Err(ALGORITHM)),
        ("typ JWT", header("typ", json!("JWT")), Ok("ada")),
        ("typ null", header("typ", Value::Null), Ok("ada")),
        ("typ of RFC 9068 in full", header("typ", json!("application/at+JWT")), Ok("ada")),
        ("typ of a logout token", header("typ", json!("logout+jwt")), Err(TYPE)),
        ("crit", header("crit", json!(["exp"])), Err(CRITICAL)),
        ("crit empty", header("crit", json!([])), Err(CRITICAL)),
        ("crit b64", header("crit", json!(["b64"])), Err(CRITICAL)),
        ("kid with a path", header("kid", json!("../../../etc/passwd")), Err(UNKNOWN_KEY)),
        ("kid with SQL", header("kid", json!("es' OR '1'='1")), Err(UNKNOWN_KEY)),
        ("kid with a zero", header("kid", json!("es\u{0}")), Err(UNKNOWN_KEY)),
        ("kid empty", header("kid", json!("")), Err(UNKNOWN_KEY)),
        ("kid as a number", header("kid", json!(7)), Err(NOT_A_TOKEN)),
        ("no kid: every key is tried", header("kid", Value::Null), Ok("ada")),
        ("jku, x5u and jwk of the attacker", by_jku, Err(SIGNATURE)),
        ("jku of the attacker on a good token", header("jku", json!(format!("{evil}/evil"))), Ok("ada")),
        ("signed by a stranger", stranger.token(&good), Err(SIGNATURE)),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), Err(NOT_A_TOKEN)),
        ("half a signature", format!("{}.{}.{}", parts[0], parts[1], &parts[2][..40]), Err(SIGNATURE)),
        ("four parts", format!("{valid}.{}", parts[2]), Err(NOT_A_TOKEN)),
        ("two parts", format!("{}.{}", parts[0], parts[1]), Err(NOT_A_TOKEN)),
        ("five parts, as if it were encrypted", format!("{valid}.a.b"), Err(NOT_A_TOKEN)),
        (
            "claims of another token",
            {
                let other = encode(but(issuer, "sub", json!("admin")).to_string());
                format!("{}.{other}.{}", parts[0], parts[2])
            },
            Err(SIGNATURE),
        ),
        ("claims that are a list", own.sign(&own.header().to_string(), "[]"), Err(NOT_A_TOKEN)),
        (
            "claims that stand twice",
            own.sign(&own.header().to_string(), &{
                format!(r#"{{"iss":"https://evil.example",{}"#, &good.to_string()[1..])
            }),
            Err(NOT_A_TOKEN),
        ),
        (
            "an alg that stands twice",
            own.sign(r#"{"alg":"ES256","alg":"none"}"#, &good.to_string()),
            Err(NOT_A_TOKEN),
        ),
        ("claims too deep", own.sign(&own.header().to_string(), &"[".repeat(5_000)), Err(NOT_A_TOKEN)),
        (
            "claims that are no UTF-8",
            format!("{}.{}.{}", parts[0], encode([0xff]), parts[2]),
            Err(NOT_A_TOKEN),
        ),
        ("padding", format!("{}=.{}.{}", parts[0], parts[1], parts[2]), Err(NOT_A_TOKEN)),
    ];
    rows.extend(all.iter().map(|signer| ("a good token of each kind", signer.token(&good), Ok("ada"))));
    rows.extend(
        all.iter().map(|signer| ("its public key as a shared secret", as_secret(signer), Err(ALGORITHM))),
    );
    rows
}

#[tokio::test]
async fn tokens_are_accepted_or_refused_row_by_row() {
    let (es, es384) = (Signer::es256("es"), Signer::es384("es384"));
    let (ed, rs, ps) = (Signer::ed25519("ed"), Signer::rs256("rs"), Signer::ps256("ps"));
    let all = [&es, &es384, &ed, &rs, &ps];
    let server = AuthorizationServer::start(key_set(&all));
    let evil = AuthorizationServer::start(json!({}));
    let stage = Stage::open(discovered(&server.url));
    let mut rows = claim_rows(&es, &server.url);
    rows.extend(header_rows(&es, &all, &server.url, &evil.url));
    assert!(rows.len() >= 80, "{}", rows.len());
    for (number, (name, token, expected)) in rows.iter().enumerate() {
        let verdict = stage.bearer(token, &peer(number)).await;
        let found = verdict.as_ref().map(|principal| &**principal.name());
        let expected = expected.map_err(AuthRefusal::Invalid);
        assert_eq!(found, expected.as_ref().copied(), "{name}");
    }
    assert_eq!(evil.asked_for_anything(), 0, "a token has made us ask somebody of its choice");
    assert_eq!((server.asked(METADATA), server.asked(KEYS)), (1, 1));
}

#[tokio::test]
async fn a_token_of_another_environment_or_tenant_is_refused() {
    let es = Signer::es256("es");
    let mut settings = crate::stage::with_keys(&key_set(&[&es]));
    let issuer = "https://auth.example.com";
    settings["issuers"][0]["required_claims"] = json!({ "env": "production" });
    settings["issuers"][0]["tenant_claim"] = json!("tid");
    settings["issuers"][0]["require_access_token_type"] = json!(true);
    let stage = Stage::open(settings);
    let mut good = claims(issuer);
    good["env"] = json!("production");
    good["tid"] = json!("acme");
    let principal = stage.bearer(&es.token(&good), "192.0.2.1").await.unwrap();
    assert_eq!(principal.tenant().map(|tenant| &**tenant), Some("acme"));
    let no_tenant = "the token names no tenant";
    for (number, (name, value, why)) in [
        ("env", json!("staging"), ENVIRONMENT),
        ("env", json!(["production"]), ENVIRONMENT),
        ("env", Value::Null, ENVIRONMENT),
        ("tid", Value::Null, no_tenant),
        ("tid", json!(""), no_tenant),
        ("tid", json!(["acme"]), no_tenant),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = good.clone();
        claims[name] = value;
        let verdict = stage.bearer(&es.token(&claims), &peer(number)).await;
        assert_eq!(verdict, Err(AuthRefusal::Invalid(why)), "{claims}");
    }
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "es" });
    let of_any_type = es.token_with(&header, &good);
    assert_eq!(stage.bearer(&of_any_type, "192.0.2.2").await, Err(AuthRefusal::Invalid(TYPE)));
}

#[tokio::test]
async fn a_shared_secret_signs_only_where_the_settings_have_one() {
    let secret = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let issuer = "https://auth.example.com";
    let stage = Stage::open(json!({
        "resources": [RESOURCE],
        "issuers": [{ "issuer": issuer, "secret": secret }],
    }));
    let good = claims(issuer);
    assert!(stage.bearer(&Signer::hs256(secret.as_bytes()).token(&good), "192.0.2.1").await.is_ok());
    let wrong = Signer::hs256(&[7; 32]).token(&good);
    assert_eq!(stage.bearer(&wrong, "192.0.2.1").await, Err(AuthRefusal::Invalid(SIGNATURE)));
    let asymmetric = Signer::es256("es").token(&good);
    assert_eq!(stage.bearer(&asymmetric, "192.0.2.1").await, Err(AuthRefusal::Invalid(ALGORITHM)));
    // A key set that holds the very secret makes it nobody's: it is public.
    let oct = json!({ "keys": [{ "kty": "oct", "k": encode(secret) }, Signer::es256("es").jwk()] });
    let stage = Stage::open(crate::stage::with_keys(&oct));
    let verdict = stage.bearer(&Signer::hs256(secret.as_bytes()).token(&good), "192.0.2.1").await;
    assert_eq!(verdict, Err(AuthRefusal::Invalid(ALGORITHM)));
}

#[tokio::test]
async fn a_client_without_a_person_is_named_by_its_id_and_scopes_come_either_way() {
    let es = Signer::es256("es");
    let mut settings = crate::stage::with_keys(&key_set(&[&es]));
    settings["scopes_implied"] = json!({ "admin": ["write"], "write": ["read"] });
    let stage = Stage::open(settings);
    let mut machine = but("https://auth.example.com", "sub", json!("(absent)"));
    machine["client_id"] = json!("robot");
    machine.as_object_mut().unwrap().remove("scope");
    machine["scp"] = json!(["admin"]);
    let principal = stage.bearer(&es.token(&machine), "192.0.2.1").await.unwrap();
    assert_eq!(&**principal.name(), "robot");
    let person = but("https://auth.example.com", "sub", json!("robot"));
    let person = stage.bearer(&es.token(&person), "192.0.2.1").await.unwrap();
    assert_ne!(person.id(), principal.id());
    assert!(["admin", "write", "read"].iter().all(|scope| principal.scopes.allows(scope)));
    assert_eq!(principal.scopes.missing(&["read", "delete", "sudo"]), ["delete", "sudo"]);
}
