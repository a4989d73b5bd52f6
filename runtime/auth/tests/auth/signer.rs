//! Keys that sign tokens: what an issuer has, and what an attacker makes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

/// A key of RSA can't be made by *ring*. This one is for these tests and opens nothing anywhere.
const RSA_PK8: &str = include_str!("rsa_2048.pk8.base64");

pub(crate) struct Signer {
    pub(crate) kid: Option<&'static str>,
    pub(crate) alg: &'static str,
    kind: Kind,
}

enum Kind {
    Ecdsa(EcdsaKeyPair, &'static str),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Hmac(hmac::Key),
    Nobody,
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub(crate) fn es256(kid: &'static str) -> Self {
        Self::ecdsa(kid, "ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(crate) fn es384(kid: &'static str) -> Self {
        Self::ecdsa(kid, "ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn ecdsa(
        kid: &'static str,
        alg: &'static str,
        curve: &'static str,
        algorithm: &'static EcdsaSigningAlgorithm,
    ) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self { kid: Some(kid), alg, kind: Kind::Ecdsa(pair, curve) }
    }

    pub(crate) fn ed25519(kid: &'static str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        Self { kid: Some(kid), alg: "EdDSA", kind: Kind::Ed25519(pair) }
    }

    fn rsa(kid: &'static str, alg: &'static str, encoding: &'static dyn RsaEncoding) -> Self {
        let pkcs8 = STANDARD.decode(RSA_PK8.replace('\n', "")).unwrap();
        let pair = Box::new(RsaKeyPair::from_pkcs8(&pkcs8).unwrap());
        Self { kid: Some(kid), alg, kind: Kind::Rsa(pair, encoding) }
    }

    pub(crate) fn rs256(kid: &'static str) -> Self {
        Self::rsa(kid, "RS256", &RSA_PKCS1_SHA256)
    }

    pub(crate) fn ps256(kid: &'static str) -> Self {
        Self::rsa(kid, "PS256", &RSA_PSS_SHA256)
    }

    pub(crate) fn hs256(secret: &[u8]) -> Self {
        Self { kid: None, alg: "HS256", kind: Kind::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret)) }
    }

    /// Signs nothing, and says so.
    pub(crate) fn none() -> Self {
        Self { kid: None, alg: "none", kind: Kind::Nobody }
    }

    /// The public key as it stands in a key set.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.kind {
            Kind::Ecdsa(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Kind::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
            Kind::Rsa(pair, _) => {
                let (n, e) = self.rsa_parts(pair);
                json!({ "kty": "RSA", "n": n, "e": e })
            }
            Kind::Hmac(_) | Kind::Nobody => json!({}),
        };
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    fn rsa_parts(&self, pair: &RsaKeyPair) -> (String, String) {
        let _ = self;
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
        (encode(public.n), encode(public.e))
    }

    /// The bytes of the public key, which an attacker has too.
    pub(crate) fn public_bytes(&self) -> Vec<u8> {
        match &self.kind {
            Kind::Ecdsa(pair, _) => pair.public_key().as_ref().to_vec(),
            Kind::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Kind::Rsa(pair, _) => pair.public().as_ref().to_vec(),
            Kind::Hmac(_) | Kind::Nobody => Vec::new(),
        }
    }

    /// The header of its tokens.
    pub(crate) fn header(&self) -> Value {
        match self.kid {
            Some(kid) => json!({ "alg": self.alg, "typ": "at+jwt", "kid": kid }),
            None => json!({ "alg": self.alg, "typ": "at+jwt" }),
        }
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// Signs texts as they are, whether they are JSON or not.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        format!("{message}.{}", encode(self.signature(message.as_bytes())))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.kind {
            Kind::Ecdsa(pair, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Kind::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Kind::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Kind::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Kind::Nobody => Vec::new(),
        }
    }
}

/// A key set of these keys.
pub(crate) fn key_set(signers: &[&Signer]) -> Value {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() })
}
