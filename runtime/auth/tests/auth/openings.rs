//! Settings that a server starts with, and those that it refuses: row 46 of the incidents above all
//! (GHSA-8pcq-mx48-hjvj, GHSA-g53w-w6mj-hrpp: default secrets).

use std::path::Path;

use impresario_auth::{Auth, AuthSettings, new_key};
use serde_json::{Value, json};

use crate::signer::{Signer, key_set};
use crate::stage::{RESOURCE, with_keys};

/// Where the settings are refused, whether they can't be read or can't be opened.
fn refused(settings: &Value) -> Option<String> {
    match serde_json::from_value::<AuthSettings>(settings.clone()) {
        Err(error) => Some(error.to_string()),
        Ok(settings) => Auth::open(&settings, Path::new(".")).err().map(|error| error.to_string()),
    }
}

fn issuer(more: &Value) -> Value {
    let mut issuer = json!({ "issuer": "https://auth.example.com" });
    issuer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "resources": [RESOURCE], "issuers": [issuer] })
}

const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[test]
fn settings_that_are_sound_are_opened() {
    let key = new_key().unwrap();
    let mut local = issuer(&json!({ "issuer": "http://127.0.0.1:9/realm" }));
    local["fetch"] = json!({ "allow_private": ["127.0.0.0/8"] });
    for sound in [
        json!({}),
        issuer(&json!({})),
        issuer(&json!({ "secret": SECRET })),
        issuer(&json!({ "secret": SECRET, "algorithms": ["HS512"] })),
        issuer(&json!({ "jwks_uri": "https://keys.example.com/jwks", "algorithms": ["RS256", "EdDSA"] })),
        local,
        json!({ "keys": [{ "id": key.id, "hash": key.hash, "name": "ci" }] }),
        json!({ "leeway": "30s", "verdict_ttl": "1m", "credential_max": "16KiB" }),
    ] {
        assert_eq!(refused(&sound), None, "{sound}");
    }
}

#[test]
fn settings_that_would_let_somebody_in_are_refused_with_the_place_to_mend() {
    let keys = key_set(&[&Signer::es256("es")]);
    let key = |id: &str, hash: &str| json!({ "keys": [{ "id": id, "hash": hash, "name": "ci" }] });
    let proxy = |more: Value| {
        let mut proxy = json!({ "addresses": ["10.0.0.0/8"], "name_header": "x-user" });
        proxy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "proxy": proxy })
    };
    let mut twice = with_keys(&keys);
    let first = twice["issuers"][0].clone();
    twice["issuers"].as_array_mut().unwrap().push(first);
    for (settings, place) in [
        (issuer(&json!({ "secret": "" })), "issuers[0].secret"),
        (issuer(&json!({ "secret": "secret-api-key" })), "issuers[0].secret"),
        (issuer(&json!({ "secret": "x".repeat(64) })), "issuers[0].secret"),
        (issuer(&json!({ "secret": "${JWT_SECRET_THAT_NOBODY_HAS_SET_ANYWHERE}" })), "issuers[0].secret"),
        (issuer(&json!({ "secret": SECRET, "jwks": keys })), "one of"),
        (issuer(&json!({ "algorithms": ["none"] })), "unknown variant"),
        (issuer(&json!({ "algorithms": ["rs256"] })), "unknown variant"),
        (issuer(&json!({ "algorithms": ["HS256"] })), "issuers[0].algorithms"),
        (issuer(&json!({ "algorithms": ["RS256", "HS256"], "jwks": keys })), "issuers[0].algorithms"),
        (issuer(&json!({ "algorithms": ["RS256"], "secret": SECRET })), "issuers[0].algorithms"),
        (issuer(&json!({ "jwks": {} })), "issuers[0].jwks"),
        (issuer(&json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } })), "issuers[0].jwks"),
        (issuer(&json!({ "jwks_file": "no such file" })), "issuers[0].jwks_file"),
        (issuer(&json!({ "jwks_uri": "http://keys.example.com/" })), "issuers[0].jwks_uri"),
        (issuer(&json!({ "jwks_uri": "https://127.0.0.1/" })), "fetch"),
        (issuer(&json!({ "jwks_uri": "https://169.254.169.254/" })), "fetch"),
        (issuer(&json!({ "issuer": "http://auth.example.com" })), "issuers[0].issuer"),
        (issuer(&json!({ "issuer": "http://127.0.0.1:9" })), "fetch"),
        (issuer(&json!({ "issuer": "auth.example.com" })), "issuers[0].issuer"),
        (issuer(&json!({ "issuer": "https://u:p@auth.example.com" })), "issuers[0].issuer"),
        (issuer(&json!({ "issuer": "https://auth.example.com/#a" })), "issuers[0].issuer"),
        (issuer(&json!({ "tenant": "a", "tenant_claim": "b" })), "issuers[0].tenant"),
        (issuer(&json!({ "made_up": 1 })), "unknown field"),
        (twice, "issuers[1].issuer"),
        (json!({ "issuers": [{ "issuer": "https://auth.example.com" }] }), "auth.resources"),
        (json!({ "resources": ["http://mcp.example.com/mcp"] }), "auth.resources"),
        (json!({ "resources": ["mcp.example.com"] }), "auth.resources"),
        (json!({ "scopes_supported": ["offline_access"] }), "auth.scopes_supported"),
        (json!({ "scopes_supported": ["a b"] }), "auth.scopes_supported"),
        (json!({ "scopes_implied": { "a": ["\""] } }), "auth.scopes_supported"),
        (json!({ "credential_max": "1MiB" }), "auth.credential_max"),
        (json!({ "verdict_ttl": "1h" }), "auth.verdict_ttl"),
        (json!({ "leeway": "1h" }), "auth.leeway"),
        (json!({ "failures_per_minute": 0 }), "auth.failures_per_minute"),
        (json!({ "keys": [{ "id": "abcdefgh", "name": "a", "key": "imp_abcdefgh_x" }] }), "unknown field"),
        (key("abcdefgh", ""), "keys[0].hash"),
        (key("abcdefgh", &format!("sha256:{}", "0".repeat(64))), "keys[0].hash"),
        (key("", "sha256:"), "keys[0].id"),
        (proxy(json!({ "addresses": [] })), "proxy.addresses"),
        (proxy(json!({ "addresses": ["0.0.0.0/0"] })), "proxy.addresses"),
        (proxy(json!({ "addresses": ["::/0"] })), "proxy.addresses"),
        (proxy(json!({ "addresses": ["proxy.local"] })), "proxy.addresses"),
        (proxy(json!({ "name_header": "Authorization" })), "proxy.name_header"),
        (proxy(json!({ "name_header": "a b" })), "proxy.name_header"),
        (json!({ "certificates": [{ "san": "uri", "pattern": "x" }] }), "certificates[0].pattern"),
        (json!({ "certificates": [{ "san": "ip", "pattern": "{name}" }] }), "unknown variant"),
    ] {
        let problem = refused(&settings).unwrap_or_else(|| panic!("accepted: {settings}"));
        assert!(problem.contains(place), "{settings}: {problem}");
        assert!(!problem.contains(SECRET), "{problem}");
    }
}

#[test]
fn keys_are_read_from_a_file_beside_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_set(&[&Signer::es256("es")]);
    std::fs::write(folder.path().join("keys.json"), keys.to_string()).unwrap();
    let written = "resources = ['https://mcp.example.com/mcp']\n\
                   [[issuers]]\nissuer = 'https://auth.example.com'\njwks_file = 'keys.json'\n";
    let settings: AuthSettings = toml::from_str(written).unwrap();
    assert!(Auth::open(&settings, folder.path()).unwrap().has_method());
    assert!(!Auth::open(&AuthSettings::default(), folder.path()).unwrap().has_method());
}

#[test]
fn the_settings_have_a_schema_that_names_every_key() {
    let schema = serde_json::to_value(schemars::schema_for!(AuthSettings)).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    for key in ["resources", "issuers", "keys", "certificates", "proxy", "fetch", "scopes_implied", "leeway"]
    {
        assert!(properties[key]["description"].is_string() || properties[key]["anyOf"].is_array(), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
