//! What clients are told: challenges, and the documents that anybody may read.

use impresario_engine::{AuthRefusal, Authenticator, Denied, Document, Place};
use serde_json::{Value, json};

use crate::server::AuthorizationServer;
use crate::signer::{Signer, key_set};
use crate::stage::{RESOURCE, Stage, claims, discovered, with_keys};

fn stage() -> Stage {
    let mut settings = with_keys(&key_set(&[&Signer::es256("es")]));
    settings["resources"] =
        json!([RESOURCE, "https://Other.example.com:8443", "https://other.example.com:8443/b/"]);
    settings["resource_name"] = json!("The \"best\" server");
    settings["scopes_supported"] = json!(["read", "write"]);
    settings["scopes_challenged"] = json!(["read"]);
    Stage::open(settings)
}

fn place<'a>(host: &'a str, path: &'a str) -> Place<'a> {
    Place { host: Some(host), path }
}

const BY_PATH: &str = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp";

#[test]
fn a_client_is_told_where_to_ask_and_for_what_all_at_once() {
    let stage = stage();
    let here = place("mcp.example.com", "/mcp");
    let ask = |why: Denied<'_>| stage.auth.challenge(&here, &why);
    assert_eq!(
        ask(Denied::Refused(AuthRefusal::Missing)),
        [format!(r#"Bearer scope="read", resource_metadata="{BY_PATH}""#)]
    );
    assert_eq!(
        ask(Denied::Refused(AuthRefusal::Invalid("the token has expired"))),
        [format!(
            r#"Bearer error="invalid_token", error_description="the token has expired", scope="read", resource_metadata="{BY_PATH}""#
        )]
    );
    assert_eq!(
        ask(Denied::Scopes { needed: &["write", "offline_access", "delete"] }),
        [format!(
            r#"Bearer error="insufficient_scope", scope="write delete", error_description="the scopes that this needs are not granted", resource_metadata="{BY_PATH}""#
        )]
    );
    assert!(ask(Denied::Refused(AuthRefusal::TooOften { retry_after_ms: 1 })).is_empty());
    assert!(ask(Denied::Refused(AuthRefusal::Unavailable { retry_after_ms: 1 })).is_empty());
}

#[test]
fn methods_without_tokens_have_words_of_their_own() {
    let key = impresario_auth::new_key().unwrap();
    let challenge = |settings: Value| {
        let why = Denied::Refused(AuthRefusal::Missing);
        Stage::open(settings).auth.challenge(&place("a", "/mcp"), &why)
    };
    let keys = json!([{ "id": key.id, "hash": key.hash, "name": "ci" }]);
    let certificates = json!([{ "san": "dns", "pattern": "{name}.example.org" }]);
    let proxy = json!({ "addresses": ["10.0.0.1"], "name_header": "x-user" });
    assert_eq!(
        challenge(json!({ "keys": keys, "certificates": certificates, "proxy": proxy })),
        ["Bearer", r#"ApiKey header="x-api-key""#, "ClientCertificate"]
    );
    assert_eq!(challenge(json!({ "certificates": certificates })), ["ClientCertificate"]);
    assert_eq!(challenge(json!({ "proxy": proxy })), ["TrustedProxy"]);
}

#[test]
fn the_document_is_at_both_places_and_names_what_was_asked_for() {
    let stage = stage();
    let read = |host: &str, path: &str| match stage.auth.document(&place(host, path)) {
        Some(Document::Json(text)) => serde_json::from_str::<Value>(&text).unwrap(),
        other => panic!("{path} {other:?}"),
    };
    let document = json!({
        "resource": RESOURCE,
        "authorization_servers": ["https://auth.example.com"],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "The \"best\" server",
    });
    let root = "/.well-known/oauth-protected-resource";
    for (host, path) in [
        ("mcp.example.com", root.to_owned()),
        ("MCP.example.com", format!("{root}/mcp")),
        ("unknown.example.com", root.to_owned()),
        ("unknown.example.com", format!("{root}/")),
    ] {
        assert_eq!(read(host, &path), document, "{host} {path}");
    }
    assert_eq!(read("other.example.com:8443", root)["resource"], "https://other.example.com:8443");
    assert_eq!(
        read("other.example.com:8443", &format!("{root}/b"))["resource"],
        "https://other.example.com:8443/b"
    );
    let none = stage.auth.document(&Place { host: None, path: root });
    assert!(matches!(none, Some(Document::Json(_))));
}

#[test]
fn there_is_no_authorization_server_here_and_no_other_document() {
    let stage = stage();
    for path in [
        "/",
        "/mcp",
        "/authorize",
        "/token",
        "/register",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource/../mcp",
        "/.well-known/oauth-protected-resourcemcp",
        "/.well-known/oauth-authorization-server/mcp",
        "",
    ] {
        assert_eq!(stage.auth.document(&place("mcp.example.com", path)), None, "{path}");
    }
    let older = place("mcp.example.com", "/.well-known/oauth-authorization-server");
    let elsewhere = "https://auth.example.com/.well-known/oauth-authorization-server";
    assert_eq!(stage.auth.document(&older), Some(Document::Elsewhere(elsewhere.into())));
}

#[tokio::test]
async fn a_client_of_2025_03_26_is_sent_to_where_the_metadata_was_found() {
    let key = Signer::es256("es");
    let server = AuthorizationServer::start(key_set(&[&key]));
    let stage = Stage::open(discovered(&server.url));
    assert!(stage.bearer(&key.token(&claims(&server.url)), "192.0.2.1").await.is_ok());
    let older = place("mcp.example.com", "/.well-known/oauth-authorization-server");
    let found = format!("{}/.well-known/oauth-authorization-server", server.url);
    assert_eq!(stage.auth.document(&older), Some(Document::Elsewhere(found.into())));
}

#[test]
fn who_has_no_authorization_server_has_no_document() {
    let shared = json!({
        "resources": [RESOURCE],
        "issuers": [{
            "issuer": "https://auth.example.com",
            "secret": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        }],
    });
    let stage = Stage::open(shared);
    let root = place("mcp.example.com", "/.well-known/oauth-protected-resource");
    assert_eq!(stage.auth.document(&root), None);
    let why = Denied::Refused(AuthRefusal::Missing);
    assert_eq!(stage.auth.challenge(&place("mcp.example.com", "/mcp"), &why), ["Bearer"]);
}
