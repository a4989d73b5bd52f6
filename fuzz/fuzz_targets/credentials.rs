//! Whatever stands in the headers that tell who is calling, nobody is let in by it, and nothing panics; and whatever a
//! challenge is made of, it stays one header of quoted values.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use impresario_auth::Auth;
use impresario_engine::{Authenticator, Denied, Field, Fields, Place, Shown};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Keys of which nobody has the other half, so that no signature can be found.
static AUTH: LazyLock<Auth> = LazyLock::new(|| {
    let settings = json!({
        "resources": ["https://mcp.example.com/mcp"],
        "failures_per_minute": u32::MAX,
        "issuers": [{
            "issuer": "https://auth.example.com",
            "jwks": { "keys": [{
                "kty": "EC", "crv": "P-256", "kid": "k",
                "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
            }] },
        }],
        "keys": [{
            "id": "abcdefgh",
            "hash": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a09",
            "name": "ci",
        }],
        "certificates": [{ "san": "dns", "pattern": "{name}.example.org" }],
    });
    let settings = serde_json::from_value(settings).expect("these are settings");
    Auth::open(&settings, Path::new(".")).expect("they are sound")
});

/// The alphabet of tokens.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct Headers(Option<Vec<u8>>, Option<Vec<u8>>);

impl Fields for Headers {
    fn field(&self, name: &str) -> Field<'_> {
        let value = match name {
            "authorization" => &self.0,
            "x-api-key" => &self.1,
            _ => &None,
        };
        value.as_deref().map_or(Field::Absent, Field::One)
    }
}

fuzz_target!(|input: (u8, &str, &str, &[u8])| {
    let (kind, first, second, bytes) = input;
    let headers = match kind % 4 {
        // Spelt as a token, so that more than the spelling is looked at.
        0 => {
            Headers(Some(format!("Bearer {}.{}.{}", spelt(first), spelt(second), spelt(bytes)).into()), None)
        }
        1 => Headers(Some([b"Bearer ", bytes].concat()), None),
        2 => Headers(None, Some(format!("imp_abcdefgh_{second}").into())),
        _ => Headers(Some(bytes.to_vec()), None),
    };
    let shown = Shown { fields: &headers, peer: None, certificate: None };
    let refusal = match AUTH.known(&shown) {
        Some(verdict) => verdict.expect_err("nobody is known"),
        None => match AUTH.verify(&shown).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => verdict.expect_err("nobody is let in"),
            Poll::Pending => panic!("nobody needs to be asked"),
        },
    };
    let place = Place { host: Some(first), path: second };
    let _document = AUTH.document(&place);
    for why in [Denied::Refused(refusal), Denied::Scopes { needed: &[first, second] }] {
        for value in AUTH.challenge(&place, &why) {
            assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value}");
            assert!(value.matches('"').count() % 2 == 0 || value.contains('\\'), "{value}");
        }
    }
});

/// Those bytes in unpadded base64.
fn spelt(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::new();
    for group in bytes.as_ref().chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        let digits = (0..=group.len()).map(|place| ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]);
        text.extend(digits.map(char::from));
    }
    text
}
