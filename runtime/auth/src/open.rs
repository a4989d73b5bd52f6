//! From settings to issuers: everything that could make a server accept what it should not is refused here, at the
//! start, and not noticed later.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use impresario_outbound::{Outbound, OutboundConfig, Rules, Url};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use crate::clock::Clock;
use crate::discovery::{candidates, is_secure};
use crate::issuer::{Issuer, Keys};
use crate::keys::KeySet;
use crate::remote::{Remote, Schedule, Source};
use crate::settings::{AuthSettings, FetchSettings, IssuerSettings, SettingsError, SigningAlgorithm};
use crate::verdicts::Verdicts;
use crate::weak;

/// What an issuer without a list of its own may sign with.
const ASYMMETRIC: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The longest credential that the settings can allow, and the longest that a verdict can be remembered.
const CREDENTIAL_BYTES_MAX: u64 = 16 * 1024;
const VERDICT_TTL_MAX: Duration = Duration::from_secs(300);
const LEEWAY_MAX: Duration = Duration::from_secs(300);

/// What issuers are opened with.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) settings: &'a AuthSettings,
    /// What relative paths of the settings are relative to.
    pub(crate) folder: &'a Path,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) verdicts: &'a Arc<Verdicts>,
}

impl Opening<'_> {
    /// Every issuer of the settings.
    pub(crate) fn issuers(&self) -> Result<Vec<Issuer>, SettingsError> {
        let all = &self.settings.issuers;
        let mut issuers: Vec<Issuer> = Vec::with_capacity(all.len());
        for (at, written) in all.iter().enumerate() {
            let issuer = self.issuer(written).map_err(|SettingsError { key, problem }| {
                SettingsError::new(format!("issuers[{at}].{key}"), problem)
            })?;
            if issuers.iter().any(|other| other.name == issuer.name) {
                return Err(SettingsError::new(format!("issuers[{at}].issuer"), "stands twice"));
            }
            issuers.push(issuer);
        }
        Ok(issuers)
    }

    fn issuer(&self, written: &IssuerSettings) -> Result<Issuer, SettingsError> {
        let url = secure_url("issuer", &written.issuer)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(SettingsError::new("issuer", "has no query and no fragment"));
        }
        let empty = |text: &Option<String>| text.as_deref() == Some("");
        if empty(&written.name_claim) || empty(&written.tenant_claim) || empty(&written.tenant) {
            return Err(SettingsError::new(
                "name_claim",
                "is not empty, nor are `tenant_claim` and `tenant`",
            ));
        }
        if written.tenant.is_some() && written.tenant_claim.is_some() {
            return Err(SettingsError::new(
                "tenant",
                "and `tenant_claim` say two things; leave one of them out",
            ));
        }
        let keys = self.keys(written, &url)?;
        Ok(Issuer {
            name: written.issuer.clone(),
            algorithms: algorithms(written)?,
            keys,
            audiences: written.audiences.clone(),
            requires_access_token_type: written.require_access_token_type,
            required_claims: written.required_claims.clone().into_iter().collect(),
            name_claim: written.name_claim.clone(),
            tenant_claim: written.tenant_claim.clone(),
            tenant: written.tenant.clone(),
        })
    }

    fn keys(&self, written: &IssuerSettings, issuer: &Url) -> Result<Keys, SettingsError> {
        let given = [
            written.jwks_uri.is_some(),
            written.jwks_file.is_some(),
            written.jwks.is_some(),
            written.secret.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            let problem = "write one of `jwks_uri`, `jwks_file`, `jwks` and `secret`, or none of them";
            return Err(SettingsError::new("issuer", problem));
        }
        let keys_max = self.settings.fetch.keys_max;
        let parse = |key: &str, json: &[u8]| {
            let keys =
                KeySet::parse(json, keys_max).map_err(|error| SettingsError::new(key, error.to_string()))?;
            Ok(Keys::Fixed(Arc::new(keys)))
        };
        if let Some(secret) = &written.secret {
            return match weak::problem(secret.reveal()) {
                Some(problem) => Err(SettingsError::new("secret", problem)),
                None => Ok(Keys::Shared(DecodingKey::from_secret(secret.reveal().as_bytes()))),
            };
        }
        if let Some(json) = &written.jwks {
            return parse("jwks", json.to_string().as_bytes());
        }
        if let Some(path) = &written.jwks_file {
            let path = self.folder.join(path);
            let json = std::fs::read(&path).map_err(|error| {
                SettingsError::new("jwks_file", format!("can't read {}: {error}", path.display()))
            })?;
            return parse("jwks_file", &json);
        }
        let (source, asked) = match &written.jwks_uri {
            Some(uri) => {
                let url = secure_url("jwks_uri", uri)?;
                (Source::Keys(url.clone()), url)
            }
            None => (Source::Metadata(candidates(issuer)), issuer.clone()),
        };
        let outbound = self.outbound(&asked)?;
        let schedule = schedule(&self.settings.fetch);
        let (clock, verdicts) = (Arc::clone(self.clock), Arc::clone(self.verdicts));
        Ok(Keys::Remote(Remote::new(written.issuer.clone(), source, schedule, outbound, clock, verdicts)))
    }

    /// A client for one issuer: it follows no redirect, and reaches no address that is not public unless the settings
    /// say so.
    fn outbound(&self, asked: &Url) -> Result<Outbound, SettingsError> {
        let fetch = &self.settings.fetch;
        let rules = Rules::default().ports(asked.port()).private(&fetch.allow_private).map_err(unusable)?;
        rules.check_url(asked).map_err(unusable)?;
        let config = OutboundConfig {
            rules,
            timeout: fetch.timeout.0,
            connect_timeout: fetch.timeout.0,
            bytes_max: fetch.document_max.0,
            redirects_max: 0,
            in_flight_max: 2,
            idle_connections_max: 1,
            ca_file: fetch.ca_file.as_ref().map(|path| self.folder.join(path)),
            ..OutboundConfig::default()
        };
        Outbound::new(&config).map_err(unusable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn unusable<E: ToString>(error: E) -> SettingsError {
    SettingsError::new("fetch", error.to_string())
}

/// Refuses what lies outside of its bounds, and scopes that are none.
pub(crate) fn check_limits(settings: &AuthSettings) -> Result<(), SettingsError> {
    let wrong = |key: &str, problem: &str| Err(SettingsError::new(key, problem));
    if !(256..=CREDENTIAL_BYTES_MAX).contains(&settings.credential_max.0) {
        return wrong("credential_max", "is 256 B to 16 KiB");
    }
    if settings.verdict_ttl.0 > VERDICT_TTL_MAX {
        return wrong("verdict_ttl", "is at most 5 min: for so long a token that was taken back is believed");
    }
    if settings.leeway.0 > LEEWAY_MAX {
        return wrong("leeway", "is at most 5 min");
    }
    if settings.failures_per_minute == 0 {
        return wrong("failures_per_minute", "is at least 1");
    }
    let all = settings.scopes_supported.iter().chain(settings.scopes_challenged.iter().flatten());
    for scope in all
        .chain(settings.scopes_implied.iter().flat_map(|(broad, narrow)| [broad].into_iter().chain(narrow)))
    {
        if !impresario_engine::is_scope(scope) {
            return wrong(
                "scopes_supported",
                &format!("`{scope}` can't be a scope: write visible ASCII without quotes"),
            );
        }
        if scope == "offline_access" {
            return wrong("scopes_supported", "`offline_access` is not a server's to ask for; leave it out");
        }
    }
    Ok(())
}

fn schedule(fetch: &FetchSettings) -> Schedule {
    Schedule {
        refresh: fetch.refresh.0,
        retry: fetch.retry.0,
        stale: fetch.stale.0.max(fetch.refresh.0),
        timeout: fetch.timeout.0,
        keys_max: fetch.keys_max,
    }
}

fn secure_url(key: &str, written: &str) -> Result<Url, SettingsError> {
    let url = Url::parse(written)
        .map_err(|_| SettingsError::new(key, "is an absolute URL such as `https://auth.example.com`"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SettingsError::new(key, "holds no user name or password"));
    }
    if !is_secure(&url) {
        return Err(SettingsError::new(key, "must be https: only loopback addresses go without"));
    }
    Ok(url)
}

fn algorithms(written: &IssuerSettings) -> Result<Vec<Algorithm>, SettingsError> {
    let named: Vec<Algorithm> = written.algorithms.iter().map(|algorithm| algorithm.into()).collect();
    let is_shared = written.secret.is_some();
    if named.is_empty() {
        return Ok(if is_shared { vec![Algorithm::HS256] } else { ASYMMETRIC.to_vec() });
    }
    // With both kinds in one list, a public key could be taken for a shared one.
    match named.iter().find(|algorithm| (algorithm.family() == AlgorithmFamily::Hmac) != is_shared) {
        Some(_) if is_shared => {
            Err(SettingsError::new("algorithms", "names only HS256, HS384 and HS512 beside a `secret`"))
        }
        Some(_) => Err(SettingsError::new("algorithms", "names HS256, HS384 or HS512 without a `secret`")),
        None => Ok(named),
    }
}

impl From<&SigningAlgorithm> for Algorithm {
    fn from(algorithm: &SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::RS256 => Self::RS256,
            SigningAlgorithm::RS384 => Self::RS384,
            SigningAlgorithm::RS512 => Self::RS512,
            SigningAlgorithm::PS256 => Self::PS256,
            SigningAlgorithm::PS384 => Self::PS384,
            SigningAlgorithm::PS512 => Self::PS512,
            SigningAlgorithm::ES256 => Self::ES256,
            SigningAlgorithm::ES384 => Self::ES384,
            SigningAlgorithm::EdDSA => Self::EdDSA,
            SigningAlgorithm::HS256 => Self::HS256,
            SigningAlgorithm::HS384 => Self::HS384,
            SigningAlgorithm::HS512 => Self::HS512,
        }
    }
}
