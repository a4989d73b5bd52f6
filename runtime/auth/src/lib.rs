//! Who is calling: bearer tokens, API keys, certificates and trusted proxies, and what clients are told.
//!
//! The server is an OAuth 2.1 resource server: it checks tokens and issues none, and it has no endpoint of an
//! authorization server, for there is no way to be a confused deputy that one does not offer to be. What was verified
//! is remembered for a while as a keyed hash, so a warm call costs a hash and a look-up.
//!
//! ```
//! use impresario_auth::{Auth, AuthSettings};
//! use impresario_engine::{Authenticator, Denied, AuthRefusal, Place};
//!
//! let settings: AuthSettings = serde_json::from_str(
//!     r#"{ "resources": ["https://mcp.example.com/mcp"], "issuers": [{ "issuer": "https://auth.example.com" }] }"#,
//! )?;
//! let auth = Auth::open(&settings, std::path::Path::new("."))?;
//! let place = Place { host: Some("mcp.example.com"), path: "/mcp" };
//! assert_eq!(
//!     auth.challenge(&place, &Denied::Refused(AuthRefusal::Missing)),
//!     [r#"Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#],
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod api_key;
mod auth;
mod canonical;
mod certificate;
mod challenge;
mod claims;
mod clock;
mod credential;
mod crypto;
mod discovery;
mod documents;
mod environment;
mod failures;
mod issuer;
mod keys;
mod open;
mod problem;
mod proxy;
mod remote;
mod settings;
mod token;
mod verdicts;
mod weak;

pub use api_key::{NewKey, new_key};
pub use auth::Auth;
pub use challenge::Challenge;
pub use clock::{Clock, ManualClock, SystemClock};
pub use environment::environment_principal;
pub use settings::{
    AuthSettings, CertificateSettings, FetchSettings, IssuerSettings, KeySettings, ProxySettings, SanKind,
    SettingsError, SigningAlgorithm,
};
