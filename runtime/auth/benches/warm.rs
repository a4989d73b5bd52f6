//! What authentication adds to a call: a token that is known, one that is not, and nothing at all.

use std::hint::black_box;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use impresario_auth::{Auth, AuthSettings};
use impresario_engine::{Authenticator, Field, Fields, Shown};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

struct Authorization(String);

impl Fields for Authorization {
    fn field(&self, name: &str) -> Field<'_> {
        if name == "authorization" { Field::One(self.0.as_bytes()) } else { Field::Absent }
    }
}

/// Authentication with one key, and a token of about 800 bytes, as large issuers write them.
fn stage() -> (Auth, String) {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("random bytes");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("just made");
    let point = &pair.public_key().as_ref()[1..];
    let settings = json!({
        "resources": ["https://mcp.example.com/mcp"],
        "issuers": [{
            "issuer": "https://auth.example.com",
            "jwks": { "keys": [{
                "kty": "EC", "crv": "P-256", "kid": "a", "x": encode(&point[..32]), "y": encode(&point[32..]),
            }] },
        }],
    });
    let settings: AuthSettings = serde_json::from_value(settings).expect("these are settings");
    let auth = Auth::open(&settings, Path::new(".")).expect("they are sound");
    let claims = json!({
        "iss": "https://auth.example.com",
        "sub": "ada",
        "aud": "https://mcp.example.com/mcp",
        "exp": 9_000_000_000_u64,
        "scope": "read write admin",
        "filler": "a".repeat(350),
    });
    let header = encode(json!({ "alg": "ES256", "kid": "a" }).to_string().as_bytes());
    let message = format!("{header}.{}", encode(claims.to_string().as_bytes()));
    let signature = pair.sign(&random, message.as_bytes()).expect("a sound key");
    (auth, format!("Bearer {message}.{}", encode(signature.as_ref())))
}

fn warm(criterion: &mut Criterion) {
    let (auth, value) = stage();
    let fields = Authorization(value);
    let shown = Shown { fields: &fields, peer: None, certificate: None };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(auth.verify(&shown)).expect("a good token");
    let name = format!("known token of {} bytes", fields.0.len());
    criterion.bench_function(&name, |bencher| bencher.iter(|| black_box(auth.known(black_box(&shown)))));
    criterion.bench_function("new token, ES256", |bencher| {
        bencher.iter(|| runtime.block_on(auth.verify(black_box(&shown))));
    });
}

criterion_group!(benches, warm);
criterion_main!(benches);
