//! Who is calling: everything of this crate behind the engine's one trait.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use impresario_engine::{
    AuthRefusal, Authenticator, Denied, Document, Place, Principal, ScopeTree, Shown, Verdict, Verifying,
};

use crate::api_key::ApiKeys;
use crate::canonical::Resource;
use crate::certificate::Certificates;
use crate::challenge::Challenge;
use crate::clock::{Clock, SystemClock};
use crate::credential::{Credential, KEY_HEADER, Reads};
use crate::documents::Documents;
use crate::failures::Failures;
use crate::issuer::Issuer;
use crate::open::{Opening, check_limits};
use crate::problem::{Problem, Refused};
use crate::proxy::Proxy;
use crate::settings::{AuthSettings, SettingsError};
use crate::token::Token;
use crate::verdicts::{Fingerprint, Known, Verdicts};

/// Authentication, opened from its settings.
#[derive(Debug)]
pub struct Auth {
    reads: Reads,
    resources: Vec<Resource>,
    issuers: Vec<Issuer>,
    keys: ApiKeys,
    certificates: Certificates,
    proxy: Option<Proxy>,
    documents: Documents,
    scopes_challenged: Vec<String>,
    scope_tree: ScopeTree,
    leeway: u64,
    verdicts: Arc<Verdicts>,
    failures: Failures,
    clock: Arc<dyn Clock>,
}

/// A verdict that was just found, and how long it may be remembered at most.
struct Found {
    principal: Arc<Principal>,
    until: Option<SystemTime>,
}

impl Auth {
    /// Opens authentication. Relative paths of the settings are relative to that folder.
    ///
    /// # Errors
    /// A setting can't be used, or would make the server accept what it should not.
    pub fn open(settings: &AuthSettings, folder: &Path) -> Result<Self, SettingsError> {
        Self::open_with_clock(settings, folder, Arc::new(SystemClock::default()))
    }

    /// Opens authentication by another clock.
    ///
    /// # Errors
    /// As [`Auth::open`].
    pub fn open_with_clock(
        settings: &AuthSettings,
        folder: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        check_limits(settings)?;
        let scope_tree = ScopeTree::new(settings.scopes_implied.clone());
        let verdicts =
            Arc::new(Verdicts::new(Arc::clone(&clock), settings.verdict_ttl.0, settings.verdicts_max));
        let opening = Opening { settings, folder, clock: &clock, verdicts: &verdicts };
        let issuers = opening.issuers()?;
        let resources = settings
            .resources
            .iter()
            .map(|written| {
                Resource::read(written).map_err(|problem| SettingsError::new("resources", problem))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if resources.is_empty() && !issuers.is_empty() {
            let problem = "names the URI of this server, such as `https://mcp.example.com/mcp`: tokens are issued for it";
            return Err(SettingsError::new("resources", problem));
        }
        let keys = ApiKeys::open(&settings.keys, &scope_tree)?;
        let scopes_challenged =
            settings.scopes_challenged.clone().unwrap_or_else(|| settings.scopes_supported.clone());
        let name = settings.resource_name.as_deref();
        Ok(Self {
            reads: Reads {
                tokens: !issuers.is_empty(),
                keys: !keys.is_empty(),
                bytes_max: usize::try_from(settings.credential_max.0).unwrap_or(usize::MAX),
            },
            documents: Documents::write(&resources, &issuers, &settings.scopes_supported, name),
            certificates: Certificates::open(&settings.certificates, &scope_tree)?,
            proxy: settings.proxy.as_ref().map(Proxy::open).transpose()?,
            failures: Failures::new(Arc::clone(&clock), settings.failures_per_minute),
            leeway: settings.leeway.0.as_secs(),
            scopes_challenged,
            resources,
            issuers,
            keys,
            scope_tree,
            verdicts,
            clock,
        })
    }

    /// Whether there is any way to prove who one is. Without one nobody gets in.
    #[must_use]
    pub fn has_method(&self) -> bool {
        self.reads.tokens || self.reads.keys || !self.certificates.is_empty() || self.proxy.is_some()
    }

    /// Which scopes imply which.
    #[must_use]
    pub fn scope_tree(&self) -> &ScopeTree {
        &self.scope_tree
    }

    /// How many verdicts are remembered: of credentials that were accepted, and of those that were refused.
    #[must_use]
    pub fn remembered(&self) -> (usize, usize) {
        self.verdicts.len()
    }

    /// When a credential from that address is looked at again, if too many from there were not accepted.
    #[must_use]
    pub fn refused_too_often(&self, address: IpAddr) -> Option<Duration> {
        self.failures.refused_too_often(address)
    }

    /// What tells who made a request.
    fn credential<'a>(&self, shown: &Shown<'a>) -> Result<Credential<'a>, AuthRefusal> {
        if let Some(explicit) = self.reads.explicit(shown)? {
            return Ok(explicit);
        }
        if let Some(proxy) = &self.proxy
            && let Some(asserted) = proxy.asserted(shown)?
        {
            return Ok(Credential::Proxy(asserted));
        }
        match shown.certificate {
            Some(certificate) if !self.certificates.is_empty() => Ok(Credential::Certificate(certificate)),
            _ => Err(AuthRefusal::Missing),
        }
    }

    fn fingerprint(&self, credential: &Credential<'_>) -> Fingerprint {
        match credential {
            Credential::Token(text) => self.verdicts.fingerprint(1, &[text.as_bytes()]),
            Credential::ApiKey(text) => self.verdicts.fingerprint(2, &[text.as_bytes()]),
            Credential::Certificate(certificate) => self.verdicts.fingerprint(3, &[&certificate.fingerprint]),
            Credential::Proxy(asserted) => {
                let tenant = asserted.tenant.unwrap_or_default();
                let parts = [asserted.name, tenant, asserted.scopes].map(str::as_bytes);
                self.verdicts.fingerprint(4, &parts)
            }
        }
    }

    async fn find(&self, credential: &Credential<'_>) -> Result<Found, Refused> {
        let (principal, until) = match credential {
            Credential::Token(text) => return self.find_by_token(text).await,
            Credential::ApiKey(text) => {
                let principal = self.keys.verify(text, self.clock.wall())?;
                let until = principal.expires_at;
                (principal, until)
            }
            Credential::Certificate(certificate) => {
                (self.certificates.verify(certificate, self.clock.wall())?, Some(certificate.not_after))
            }
            Credential::Proxy(asserted) => (asserted.principal(&self.scope_tree)?, None),
        };
        Ok(Found { principal, until })
    }

    async fn find_by_token(&self, text: &str) -> Result<Found, Refused> {
        let token = Token::read(text)?;
        let named = token.claims.text("iss").ok_or(Problem::Issuer)?;
        let issuer = self.issuers.iter().find(|issuer| issuer.name == named).ok_or(Problem::Issuer)?;
        let expiry = issuer.check(&token, &self.resources, self.clock.unix_seconds(), self.leeway)?;
        issuer.verify(&token).await?;
        let principal = issuer.principal(&token.claims, expiry, &self.scope_tree)?;
        Ok(Found { principal: Arc::new(principal), until: Some(expiry.told) })
    }

    /// The address that a failure is counted by.
    fn address(&self, shown: &Shown<'_>) -> Option<IpAddr> {
        match &self.proxy {
            Some(proxy) => proxy.client_address(shown),
            None => shown.peer,
        }
    }

    /// A refusal, counted, or instead of it the news that there were too many.
    fn refuse(&self, refusal: AuthRefusal, shown: &Shown<'_>) -> AuthRefusal {
        let AuthRefusal::Invalid(_) = refusal else { return refusal };
        let Some(address) = self.address(shown) else { return refusal };
        if let Some(wait) = self.failures.refused_too_often(address) {
            return too_often(wait);
        }
        self.failures.note(address);
        refusal
    }

    async fn verdict(&self, shown: &Shown<'_>) -> Verdict {
        let credential = self.credential(shown).map_err(|refusal| self.refuse(refusal, shown))?;
        if let Some(wait) = self.address(shown).and_then(|address| self.failures.refused_too_often(address)) {
            return Err(too_often(wait));
        }
        let (fingerprint, epoch) = (self.fingerprint(&credential), self.verdicts.epoch());
        match self.find(&credential).await {
            Ok(Found { principal, until }) => {
                let now = self.clock.wall();
                let at_most = until.map(|until| until.duration_since(now).unwrap_or_default());
                self.verdicts.accept(fingerprint, Arc::clone(&principal), at_most, epoch);
                Ok(principal)
            }
            Err(Refused { refusal, is_lasting }) => {
                if let AuthRefusal::Invalid(why) = refusal
                    && is_lasting
                {
                    self.verdicts.refuse(fingerprint, why);
                }
                Err(self.refuse(refusal, shown))
            }
        }
    }
}

impl Authenticator for Auth {
    fn known(&self, shown: &Shown<'_>) -> Option<Verdict> {
        let credential = match self.credential(shown) {
            Ok(credential) => credential,
            Err(refusal) => return Some(Err(self.refuse(refusal, shown))),
        };
        match self.verdicts.get(self.fingerprint(&credential))? {
            Known::Accepted(principal) => Some(Ok(principal)),
            Known::Refused(why) => Some(Err(self.refuse(AuthRefusal::Invalid(why), shown))),
        }
    }

    fn verify<'a>(&'a self, shown: &'a Shown<'a>) -> Verifying<'a> {
        Box::pin(self.verdict(shown))
    }

    fn challenge(&self, place: &Place<'_>, why: &Denied<'_>) -> Vec<String> {
        let challenge = Challenge::new("Bearer");
        let bearer = match why {
            Denied::Refused(AuthRefusal::Missing) => challenge.with_scopes(&self.scopes_challenged),
            Denied::Refused(AuthRefusal::Invalid(text)) => challenge
                .with("error", "invalid_token")
                .with("error_description", text)
                .with_scopes(&self.scopes_challenged),
            Denied::Scopes { needed } => challenge
                .with("error", "insufficient_scope")
                .with_scopes(needed)
                .with("error_description", "the scopes that this needs are not granted"),
            Denied::Refused(AuthRefusal::Malformed(text)) => {
                challenge.with("error", "invalid_request").with("error_description", text)
            }
            Denied::Refused(
                AuthRefusal::TooLarge { .. } | AuthRefusal::TooOften { .. } | AuthRefusal::Unavailable { .. },
            ) => return Vec::new(),
        };
        let mut all = Vec::new();
        if self.reads.tokens || self.reads.keys {
            all.push(match self.documents.url(place) {
                Some(url) => bearer.with("resource_metadata", &url),
                None => bearer,
            });
        }
        // There is no registered word for these. They tell a person who reads the answer what to try.
        if self.reads.keys {
            all.push(Challenge::new("ApiKey").with("header", KEY_HEADER));
        }
        if !self.certificates.is_empty() {
            all.push(Challenge::new("ClientCertificate"));
        }
        if all.is_empty() {
            all.push(Challenge::new("TrustedProxy"));
        }
        all.into_iter().map(Challenge::into_text).collect()
    }

    fn document(&self, place: &Place<'_>) -> Option<Document> {
        self.documents.at(place, &self.issuers)
    }
}

fn too_often(wait: Duration) -> AuthRefusal {
    let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    AuthRefusal::TooOften { retry_after_ms }
}
