//! An issuer's public keys: which of a key set can be used, and for which algorithms each of them.
//!
//! A key is bound to its algorithms when it is read. So no token can choose how its key is used, and a symmetric key in
//! a key set, which anybody could have read, is never one of ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse, RSAKeyParameters,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// The sizes of RSA keys that are used: a shorter one can be broken, a longer one costs more than it is worth.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// The keys of a set that can be used.
#[derive(Debug, Default)]
pub(crate) struct KeySet(Vec<PublicKey>);

#[derive(Debug)]
struct PublicKey {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// Why a document is no set of keys that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeySetError {
    #[error("this is no JSON Web Key Set")]
    NotASet,
    #[error(
        "no key of the set can be used: it needs an RSA key of at least 2048 bits, one on P-256 or P-384, or an \
         Ed25519 key, for signatures"
    )]
    NoKey,
}

impl KeySet {
    /// Reads a key set, up to that many keys. Keys that can't be used are passed over, as RFC 7517 asks.
    pub(crate) fn parse(json: &[u8], keys_max: usize) -> Result<Self, KeySetError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| KeySetError::NotASet)?;
        let usable = document.keys.into_iter().filter_map(|key| usable(&serde_json::from_value(key).ok()?));
        let keys: Vec<_> = usable.take(keys_max).collect();
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self(keys)) }
    }

    /// The keys that a token with that header may be signed with: those with its id, or, where it names none, all.
    pub(crate) fn matching(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &DecodingKey> {
        self.0
            .iter()
            .filter(move |key| {
                key.algorithms.contains(&algorithm) && (id.is_none() || key.id.as_deref() == id)
            })
            .map(|key| &key.key)
    }

    /// Whether each key of an older set is in this one too, unchanged.
    pub(crate) fn holds_all_of(&self, older: &Self) -> bool {
        let same = |one: &PublicKey, other: &PublicKey| {
            one.id == other.id && one.algorithms == other.algorithms && is_same(&one.key, &other.key)
        };
        older.0.iter().all(|old| self.0.iter().any(|new| same(new, old)))
    }
}

fn is_same(one: &DecodingKey, other: &DecodingKey) -> bool {
    use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
    match (one.kind(), other.kind()) {
        (SecretOrDer(one), SecretOrDer(other)) => one == other,
        (RsaModulusExponent { n, e }, RsaModulusExponent { n: n_other, e: e_other }) => {
            (n, e) == (n_other, e_other)
        }
        _ => false,
    }
}

fn usable(jwk: &Jwk) -> Option<PublicKey> {
    let common = &jwk.common;
    let is_for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let may_verify =
        common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !is_for_signatures || !may_verify {
        return None;
    }
    let (key, possible) = match &jwk.algorithm {
        AlgorithmParameters::RSA(parameters) => (rsa_key(parameters)?, RSA),
        AlgorithmParameters::EllipticCurve(point) => {
            let algorithm: &[Algorithm] = match point.curve {
                EllipticCurve::P256 => &[Algorithm::ES256],
                EllipticCurve::P384 => &[Algorithm::ES384],
                _ => return None,
            };
            (DecodingKey::from_ec_components(&point.x, &point.y).ok()?, algorithm)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (DecodingKey::from_ed_components(&pair.x).ok()?, &[Algorithm::EdDSA][..])
        }
        // A symmetric key in a public document above all.
        _ => return None,
    };
    let algorithms = match common.key_algorithm {
        None => possible.to_vec(),
        Some(only) => {
            let only = Algorithm::try_from(only).ok()?;
            possible.contains(&only).then(|| vec![only])?
        }
    };
    Some(PublicKey { id: common.key_id.clone(), algorithms, key })
}

fn rsa_key(parameters: &RSAKeyParameters) -> Option<DecodingKey> {
    let read = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let first = bytes.iter().position(|byte| *byte != 0)?;
        Some(bytes[first..].to_vec())
    };
    let (modulus, exponent) = (read(&parameters.n)?, read(&parameters.e)?);
    // A first byte below 128 makes the number a few bits shorter than its bytes.
    let is_whole = modulus.first().is_some_and(|byte| *byte >= 0x80) || modulus.len() > *RSA_BYTES.start();
    let is_sound = exponent.last().is_some_and(|byte| byte % 2 == 1) && exponent != [1];
    (RSA_BYTES.contains(&modulus.len()) && is_whole && is_sound)
        .then(|| DecodingKey::from_rsa_raw_components(&modulus, &exponent))
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use serde_json::json;

    use super::*;

    const X: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
    const Y: &str = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";

    fn count(key: &Value) -> usize {
        KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes(), 8).map_or(0, |set| set.0.len())
    }

    fn ec(more: &Value) -> Value {
        let mut key = json!({ "kty": "EC", "crv": "P-256", "x": X, "y": Y });
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    fn rsa(bytes: usize, first: u8, e: &str) -> Value {
        let mut modulus = vec![0xab; bytes];
        modulus[0] = first;
        json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(modulus), "e": e })
    }

    #[test]
    fn only_keys_that_may_verify_signatures_are_kept() {
        for usable in [
            json!({}),
            json!({ "use": "sig" }),
            json!({ "key_ops": ["verify"] }),
            json!({ "alg": "ES256" }),
            json!({ "kid": "../../etc/passwd" }),
            json!({ "x5u": "http://127.0.0.1/" }),
        ] {
            assert_eq!(count(&ec(&usable)), 1, "{usable}");
        }
        for unusable in [
            json!({ "use": "enc" }),
            json!({ "use": "other" }),
            json!({ "key_ops": ["sign"] }),
            json!({ "key_ops": [] }),
            json!({ "alg": "ES384" }),
            json!({ "alg": "RS256" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "none" }),
            json!({ "alg": 7 }),
            json!({ "crv": "P-521" }),
            json!({ "crv": "secp256k1" }),
            json!({ "x": "!" }),
        ] {
            assert_eq!(count(&ec(&unusable)), 0, "{unusable}");
        }
        assert_eq!(count(&json!({ "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw" })), 0);
        assert_eq!(count(&json!({ "kty": "OKP", "crv": "Ed25519", "x": X })), 1);
        assert_eq!(count(&json!({ "kty": "OKP", "crv": "X25519", "x": X })), 0);
        assert_eq!(count(&json!({ "kty": "made-up" })), 0);
    }

    #[test]
    fn weak_rsa_keys_are_refused() {
        assert_eq!(count(&rsa(256, 0xab, "AQAB")), 1);
        assert_eq!(count(&rsa(257, 0, "AQAB")), 1);
        for (bytes, first, e) in
            [(128, 0xab, "AQAB"), (255, 0xff, "AQAB"), (256, 0x7f, "AQAB"), (256, 0, "AQAB")]
        {
            assert_eq!(count(&rsa(bytes, first, e)), 0, "{bytes} {first}");
        }
        assert_eq!(count(&rsa(1_025, 0xab, "AQAB")), 0);
        for e in ["AQ", "Ag", "", "AA"] {
            assert_eq!(count(&rsa(256, 0xab, e)), 0, "{e}");
        }
    }

    #[test]
    fn a_set_has_a_bound_and_what_is_none_is_refused() {
        let keys: Vec<_> = (0..100).map(|id| ec(&json!({ "kid": id.to_string() }))).collect();
        let set = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), 8).unwrap();
        assert_eq!(set.0.len(), 8);
        assert_eq!(set.matching(Some("7"), Algorithm::ES256).count(), 1);
        assert_eq!(set.matching(Some("7"), Algorithm::RS256).count(), 0);
        assert_eq!(set.matching(Some("9"), Algorithm::ES256).count(), 0);
        assert_eq!(set.matching(None, Algorithm::ES256).count(), 8);
        for wrong in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>", r#"{"keys":"#] {
            assert_eq!(KeySet::parse(wrong.as_bytes(), 8).unwrap_err(), KeySetError::NotASet, "{wrong}");
        }
        assert_eq!(KeySet::parse(br#"{"keys":[7,null]}"#, 8).unwrap_err(), KeySetError::NoKey);
    }

    #[test]
    fn a_key_that_is_gone_or_changed_is_noticed() {
        let set = |keys: &[Value]| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), 8).unwrap();
        let (a, b) = (ec(&json!({ "kid": "a" })), ec(&json!({ "kid": "b" })));
        let changed = ec(&json!({ "kid": "a", "x": Y }));
        assert!(set(&[a.clone(), b.clone()]).holds_all_of(&set(from_ref(&a))));
        assert!(!set(&[b]).holds_all_of(&set(from_ref(&a))));
        assert!(!set(&[changed]).holds_all_of(&set(&[a])));
    }
}
