//! A bearer token as it came: three parts, of which the first two are read and nothing is believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, Header, decode_header};

use crate::claims::Claims;
use crate::crypto;
use crate::problem::Problem;

/// A token that was read, and not verified. It has no `Debug`: nobody is to write a token down.
pub(crate) struct Token<'t> {
    /// Its header. Of what it says, only `alg`, `kid`, `typ` and `crit` are ever looked at: `jku`, `x5u`, `jwk` and
    /// `x5c` would let whoever made the token say whom to believe.
    pub(crate) header: Header,
    pub(crate) claims: Claims,
    signed: &'t str,
    signature: &'t str,
}

impl<'t> Token<'t> {
    /// Reads a token.
    pub(crate) fn read(text: &'t str) -> Result<Self, Problem> {
        let (signed, signature) = text.rsplit_once('.').ok_or(Problem::NotAToken)?;
        let (_, payload) = signed.split_once('.').ok_or(Problem::NotAToken)?;
        if payload.contains('.') || signature.is_empty() {
            return Err(Problem::NotAToken);
        }
        // An algorithm without a name in RFC 7518, `none` among them, ends here.
        let header = decode_header(text).map_err(|_| Problem::NotAToken)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Problem::NotAToken)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| Problem::NotAToken)?;
        Ok(Self { header, claims, signed, signature })
    }

    /// Whether that key made it.
    pub(crate) fn is_signed_by(&self, key: &DecodingKey) -> bool {
        crypto::is_signed(self.signed, self.signature, key, self.header.alg)
    }
}
