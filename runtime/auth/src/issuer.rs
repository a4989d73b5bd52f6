//! An authorization server and the rules for its tokens: who may have signed them, for whom, until when.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use impresario_engine::{AuthMethod, Principal, ScopeTree, Scopes};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::canonical::{self, Resource};
use crate::claims::{Claims, WrongType};
use crate::keys::KeySet;
use crate::problem::{Problem, Refused};
use crate::remote::Remote;
use crate::token::Token;

/// An authorization server whose tokens are accepted.
#[derive(Debug)]
pub(crate) struct Issuer {
    /// What the claim `iss` holds, to the letter.
    pub(crate) name: String,
    pub(crate) keys: Keys,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Accepted besides the URIs of this server, to the letter.
    pub(crate) audiences: Vec<String>,
    pub(crate) requires_access_token_type: bool,
    pub(crate) required_claims: Vec<(String, String)>,
    pub(crate) name_claim: Option<String>,
    pub(crate) tenant_claim: Option<String>,
    pub(crate) tenant: Option<String>,
}

/// Where its keys are. A key that is shared and a key that is public are never in one place.
#[derive(Debug)]
pub(crate) enum Keys {
    Shared(DecodingKey),
    Fixed(Arc<KeySet>),
    Remote(Arc<Remote>),
}

/// Until when a token is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expiry {
    /// What it says itself.
    pub(crate) told: SystemTime,
    /// When it ends to be accepted, clocks that differ considered.
    pub(crate) accepted_until: SystemTime,
}

impl Issuer {
    /// Holds everything that a token says against the rules. Its signature comes after that, so that only a token that
    /// could be a good one costs a signature, or a question to the issuer.
    pub(crate) fn check(
        &self,
        token: &Token<'_>,
        resources: &[Resource],
        now: u64,
        leeway: u64,
    ) -> Result<Expiry, Problem> {
        if !self.algorithms.contains(&token.header.alg) {
            return Err(Problem::Algorithm);
        }
        if token.header.crit.is_some() {
            return Err(Problem::Critical);
        }
        if !self.is_of_type(token.header.typ.as_deref()) {
            return Err(Problem::Type);
        }
        let expiry = check_times(&token.claims, now, leeway).map_err(|problem| match problem {
            TimeProblem::Wrong(problem) => problem,
            TimeProblem::Type => Problem::ExpiryMissing,
        })?;
        self.check_audience(&token.claims, resources)?;
        if !self.required_claims.iter().all(|(name, wanted)| token.claims.is(name, wanted)) {
            return Err(Problem::Environment);
        }
        Ok(expiry)
    }

    /// Whether it is a token for access: other kinds say in their type that they are for something else.
    fn is_of_type(&self, kind: Option<&str>) -> bool {
        let is = |wanted: &str| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(wanted));
        is("at+jwt")
            || is("application/at+jwt")
            || (!self.requires_access_token_type && (kind.is_none() || is("JWT")))
    }

    fn check_audience(&self, claims: &Claims, resources: &[Resource]) -> Result<(), Problem> {
        let audiences = claims.texts("aud").map_err(|WrongType| Problem::Audience)?;
        let is_ours = |audience: &&str| {
            let uri = canonical::normalise(audience);
            resources.iter().any(|resource| resource.uri == uri)
                || self.audiences.iter().any(|accepted| accepted == audience)
        };
        if audiences.iter().any(is_ours) { Ok(()) } else { Err(Problem::Audience) }
    }

    /// Whether one of this issuer's keys signed it.
    pub(crate) async fn verify(&self, token: &Token<'_>) -> Result<(), Refused> {
        let (id, algorithm) = (token.header.kid.as_deref(), token.header.alg);
        let is_signed = match &self.keys {
            Keys::Shared(secret) => token.is_signed_by(secret),
            Keys::Fixed(keys) => {
                let mut matching = keys.matching(id, algorithm).peekable();
                if matching.peek().is_none() {
                    return Err(Problem::UnknownKey.into());
                }
                matching.any(|key| token.is_signed_by(key))
            }
            Keys::Remote(remote) => {
                let keys = remote.keys_for(id, algorithm).await?;
                keys.matching(id, algorithm).any(|key| token.is_signed_by(key))
            }
        };
        if is_signed { Ok(()) } else { Err(Problem::Signature.into()) }
    }

    /// Whom a verified token stands for.
    pub(crate) fn principal(
        &self,
        claims: &Claims,
        expiry: Expiry,
        tree: &ScopeTree,
    ) -> Result<Principal, Problem> {
        let by_issuer = |name| (Cow::Borrowed(self.name.as_str()), name);
        // A client may have an id that is the name of a person.
        let by_client = |name| (Cow::Owned(format!("{} client", self.name)), name);
        let named = match &self.name_claim {
            Some(claim) => claims.text(claim).map(by_issuer),
            None => claims.text("sub").map(by_issuer).or_else(|| claims.text("client_id").map(by_client)),
        };
        let tenant = match &self.tenant_claim {
            Some(claim) => Some(claims.text(claim).ok_or(Problem::Tenant)?),
            None => self.tenant.as_deref(),
        };
        let (authority, name) = named.ok_or(Problem::Name)?;
        let mut principal = Principal::new(tenant, &authority, name, AuthMethod::Token)
            .map_err(|_| if tenant == Some("") { Problem::Tenant } else { Problem::Name })?;
        principal.scopes = Scopes::new(claims.scopes(), tree);
        principal.expires_at = Some(expiry.accepted_until);
        Ok(principal)
    }
}

enum TimeProblem {
    Wrong(Problem),
    Type,
}

impl From<WrongType> for TimeProblem {
    fn from(_: WrongType) -> Self {
        Self::Type
    }
}

fn check_times(claims: &Claims, now: u64, leeway: u64) -> Result<Expiry, TimeProblem> {
    let told = claims.seconds("exp")?.ok_or(TimeProblem::Type)?;
    let accepted_until = told.saturating_add(leeway);
    if accepted_until <= now {
        return Err(TimeProblem::Wrong(Problem::Expired));
    }
    let latest = now.saturating_add(leeway);
    let issued_at = claims.seconds("iat")?;
    if issued_at.is_some_and(|issued_at| issued_at > latest || issued_at > told) {
        return Err(TimeProblem::Wrong(Problem::IssuedAt));
    }
    if claims.seconds("nbf")?.is_some_and(|not_before| not_before > latest) {
        return Err(TimeProblem::Wrong(Problem::NotYet));
    }
    let at = |seconds: u64| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok_or(TimeProblem::Type);
    Ok(Expiry { told: at(told)?, accepted_until: at(accepted_until)? })
}
