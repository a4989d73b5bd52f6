//! Signatures, checked by *ring*, which TLS has brought into the house already.
//!
//! `jsonwebtoken` reads tokens and leaves the cryptography to a provider. Of the two that it ships, one needs a second C
//! library beside *ring*, the other a crate for RSA with an advisory that has no fix (RUSTSEC-2023-0071). So there is
//! one here, which can verify and do nothing else: this process signs no tokens.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature as asymmetric;
use ring::{hmac, signature::UnparsedPublicKey};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Whether a key made that signature of that message.
pub(crate) fn is_signed(message: &str, signature: &str, key: &DecodingKey, algorithm: Algorithm) -> bool {
    // If an embedder has chosen another provider before, that one verifies.
    let _chosen = PROVIDER.install_default();
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap_or(false)
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::UnsupportedAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    if algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let scheme = scheme(*algorithm).ok_or(ErrorKind::UnsupportedAlgorithm)?;
    Ok(Box::new(RingVerifier { algorithm: *algorithm, scheme, key: key.clone() }))
}

struct RingVerifier {
    algorithm: Algorithm,
    scheme: Scheme,
    key: DecodingKey,
}

#[derive(Clone, Copy)]
enum Scheme {
    Rsa(&'static asymmetric::RsaParameters),
    Curve(&'static dyn asymmetric::VerificationAlgorithm),
    Hmac(hmac::Algorithm),
}

fn scheme(algorithm: Algorithm) -> Option<Scheme> {
    Some(match algorithm {
        Algorithm::RS256 => Scheme::Rsa(&asymmetric::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Scheme::Rsa(&asymmetric::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Scheme::Rsa(&asymmetric::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Scheme::Rsa(&asymmetric::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Scheme::Rsa(&asymmetric::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Scheme::Rsa(&asymmetric::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Scheme::Curve(&asymmetric::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Scheme::Curve(&asymmetric::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Scheme::Curve(&asymmetric::ED25519),
        Algorithm::HS256 => Scheme::Hmac(hmac::HMAC_SHA256),
        Algorithm::HS384 => Scheme::Hmac(hmac::HMAC_SHA384),
        Algorithm::HS512 => Scheme::Hmac(hmac::HMAC_SHA512),
        // The list may grow. What this does not know, it does not verify.
        _ => return None,
    })
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match (self.scheme, self.key.kind()) {
            (Scheme::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                asymmetric::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (Scheme::Curve(algorithm), DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(algorithm, point).verify(message, signature)
            }
            (Scheme::Hmac(algorithm), DecodingKeyKind::SecretOrDer(secret)) => {
                hmac::verify(&hmac::Key::new(algorithm, secret), message, signature)
            }
            _ => return Err(signature::Error::new()),
        };
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
