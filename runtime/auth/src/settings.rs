//! The section `[auth]` of a config file, as it is written. What is wrong with the values, besides their types, is
//! found when it is opened.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use impresario_settings::{Bytes, Secret, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Who may call, and how they prove who they are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthSettings {
    /// The URIs that clients know this server by, its endpoint's path included. A token must be issued for one of
    /// them. The first one is the one that documents name.
    pub resources: Vec<String>,
    /// What people are told that this server is called.
    pub resource_name: Option<String>,
    /// The scopes that clients are told of.
    pub scopes_supported: Vec<String>,
    /// The scopes that a client without a token is told to ask for. Default: `scopes_supported`.
    pub scopes_challenged: Option<Vec<String>>,
    /// Scopes that imply others: `admin = ["read", "write"]`.
    pub scopes_implied: BTreeMap<String, Vec<String>>,
    /// Authorization servers whose tokens are accepted.
    pub issuers: Vec<IssuerSettings>,
    /// API keys that are accepted.
    pub keys: Vec<KeySettings>,
    /// How the names of client certificates become principals. Of several rules the first that fits is taken.
    pub certificates: Vec<CertificateSettings>,
    /// A proxy in front that says who is calling.
    pub proxy: Option<ProxySettings>,
    /// How keys of issuers are fetched.
    pub fetch: FetchSettings,
    /// How far the clocks of issuers may be off: 60 s.
    pub leeway: Span,
    /// The longest credential that is looked at: 8 KiB, at most 16 KiB.
    pub credential_max: Bytes,
    /// How long a verdict is remembered: 5 min, which is also the most.
    pub verdict_ttl: Span,
    /// How many verdicts are remembered: 16,384.
    pub verdicts_max: usize,
    /// How many credentials of one address may fail in a minute before more are refused unseen: 10.
    pub failures_per_minute: u32,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            resources: Vec::new(),
            resource_name: None,
            scopes_supported: Vec::new(),
            scopes_challenged: None,
            scopes_implied: BTreeMap::new(),
            issuers: Vec::new(),
            keys: Vec::new(),
            certificates: Vec::new(),
            proxy: None,
            fetch: FetchSettings::default(),
            leeway: Span(Duration::from_secs(60)),
            credential_max: Bytes(8 * 1024),
            verdict_ttl: Span(Duration::from_secs(300)),
            verdicts_max: 16_384,
            failures_per_minute: 10,
        }
    }
}

/// An authorization server. Its keys come from one of `jwks_uri`, `jwks_file`, `jwks` and `secret`; with none of them
/// they are found by its metadata.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// Its identifier: what the claim `iss` holds, to the letter.
    pub issuer: String,
    /// Where its keys are fetched from.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// A file with its keys, read once.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// Its keys.
    #[serde(default)]
    pub jwks: Option<Value>,
    /// A key that is shared with it, of at least 32 bytes. Only for the algorithms HS256, HS384 and HS512.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The algorithms that its tokens may be signed with. Default: the asymmetric ones, or HS256 with a `secret`.
    #[serde(default)]
    pub algorithms: Vec<SigningAlgorithm>,
    /// Audiences that are accepted besides `resources`, to the letter.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether tokens must have the type `at+jwt` (RFC 9068).
    #[serde(default)]
    pub require_access_token_type: bool,
    /// Claims that must have these values, such as that of an environment.
    #[serde(default)]
    pub required_claims: BTreeMap<String, String>,
    /// The claim that names the principal. Default: `sub`, or `client_id` where there is no `sub`.
    #[serde(default)]
    pub name_claim: Option<String>,
    /// The claim that names the tenant. A token without it is refused.
    #[serde(default)]
    pub tenant_claim: Option<String>,
    /// The tenant of everybody whom this issuer vouches for.
    #[serde(default)]
    pub tenant: Option<String>,
}

/// An algorithm of signatures. There is no word for "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "these are the names of RFC 7518")]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
    HS256,
    HS384,
    HS512,
}

/// An API key. The key itself is not here: only what it is recognised by.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySettings {
    /// The part of the key after `imp_`.
    pub id: String,
    /// `sha256:` and the hash of the whole key, in hex.
    pub hash: String,
    /// Whom it stands for.
    pub name: String,
    /// The tenant that it belongs to.
    #[serde(default)]
    pub tenant: Option<String>,
    /// What it may ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// From when on it is accepted, such as `2026-01-31T00:00:00Z`.
    #[serde(default)]
    pub not_before: Option<String>,
    /// Until when it is accepted, such as `2027-01-31T00:00:00Z`.
    #[serde(default)]
    pub expires: Option<String>,
}

/// A rule for client certificates.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateSettings {
    /// Which of the certificate's subject alternative names is read.
    pub san: SanKind,
    /// What it looks like, with `{name}` for the principal and perhaps `{tenant}`:
    /// `spiffe://example.org/{tenant}/{name}`. Each stands for one part, between `/`, or between `.` in host names.
    pub pattern: String,
    /// The tenant, where the pattern has none.
    #[serde(default)]
    pub tenant: Option<String>,
    /// What they may ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// A kind of subject alternative name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SanKind {
    /// A host name.
    Dns,
    /// A URI, such as a SPIFFE id.
    Uri,
    /// A mail address.
    Email,
}

/// A proxy that has authenticated the caller already.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    /// The addresses that it connects from: `10.0.0.0/8`. From everywhere else its headers are ignored.
    pub addresses: Vec<String>,
    /// The header that names the principal: `x-forwarded-user`.
    pub name_header: String,
    /// The header that names the tenant. Where it is set, a request without it is refused.
    #[serde(default)]
    pub tenant_header: Option<String>,
    /// The header that lists scopes, parted by spaces or commas.
    #[serde(default)]
    pub scopes_header: Option<String>,
    /// The header whose last address is the client's: `x-forwarded-for`. Failures are counted by it. Without it, those
    /// of a proxy's clients are not counted.
    #[serde(default)]
    pub address_header: Option<String>,
}

/// How keys of issuers are fetched.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FetchSettings {
    /// How old keys get before they are fetched again: 10 min.
    pub refresh: Span,
    /// The least time between two attempts, whatever they are made for: 30 s.
    pub retry: Span,
    /// How old keys may get while they can't be fetched: 1 h.
    pub stale: Span,
    /// The time of one attempt: 5 s.
    pub timeout: Span,
    /// The largest document: 1 MiB.
    pub document_max: Bytes,
    /// How many keys of one issuer are kept: 64.
    pub keys_max: usize,
    /// Addresses that may be asked though they are not public: `10.1.2.3/32`.
    pub allow_private: Vec<String>,
    /// Certificate authorities in PEM that are believed besides the machine's own.
    pub ca_file: Option<PathBuf>,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            refresh: Span(Duration::from_secs(600)),
            retry: Span(Duration::from_secs(30)),
            stale: Span(Duration::from_secs(3_600)),
            timeout: Span(Duration::from_secs(5)),
            document_max: Bytes(1024 * 1024),
            keys_max: 64,
            allow_private: Vec::new(),
            ca_file: None,
        }
    }
}

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("auth.{key}: {problem}")]
pub struct SettingsError {
    /// The setting, below `[auth]`.
    pub key: String,
    /// What to write instead. Never holds a secret.
    pub problem: String,
}

impl SettingsError {
    pub(crate) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }
}
