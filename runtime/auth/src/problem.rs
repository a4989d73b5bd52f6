//! Why a credential is not accepted: fixed texts, because whatever came with it may be a secret or an attack.

use impresario_engine::AuthRefusal;

/// What is wrong with a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    NotAToken,
    Algorithm,
    Type,
    Critical,
    Issuer,
    Audience,
    ExpiryMissing,
    Expired,
    NotYet,
    IssuedAt,
    Environment,
    Tenant,
    Name,
    UnknownKey,
    Signature,
    ApiKey,
    ApiKeyTime,
    Certificate,
    Proxy,
}

impl Problem {
    /// What the client is told.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::NotAToken => "this is no token that is accepted here",
            Self::Algorithm => "the token's algorithm is not accepted here",
            Self::Type => "the token is not an access token",
            Self::Critical => "the token asks for an extension that is not supported",
            Self::Issuer => "the token's issuer is not accepted here",
            Self::Audience => "the token was not issued for this server",
            Self::ExpiryMissing => "the token has no expiry, or times of the wrong type",
            Self::Expired => "the token has expired",
            Self::NotYet => "the token is not valid yet",
            Self::IssuedAt => "the token was issued in the future",
            Self::Environment => "the token was issued for another environment",
            Self::Tenant => "the token names no tenant",
            Self::Name => "the token names nobody",
            Self::UnknownKey => "the token's key is not known",
            Self::Signature => "the token's signature is wrong",
            Self::ApiKey => "the API key is not accepted here",
            Self::ApiKeyTime => "the API key has expired, or is not valid yet",
            Self::Certificate => "the certificate names nobody who is known here",
            Self::Proxy => "the headers of the proxy name nobody",
        }
    }

    /// Whether the same credential will be refused a moment later too, so that the refusal may be remembered.
    fn is_lasting(self) -> bool {
        !matches!(self, Self::NotYet | Self::IssuedAt | Self::UnknownKey | Self::ApiKeyTime)
    }
}

/// Why a credential is refused: it is wrong, or it is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) refusal: AuthRefusal,
    pub(crate) is_lasting: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { refusal: problem.into(), is_lasting: problem.is_lasting() }
    }
}

impl From<AuthRefusal> for Refused {
    fn from(refusal: AuthRefusal) -> Self {
        Self { refusal, is_lasting: false }
    }
}

impl From<Problem> for AuthRefusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem.text())
    }
}
