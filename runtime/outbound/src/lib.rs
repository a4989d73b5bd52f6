//! The one way out: an HTTP client that checks every address it connects to.
//!
//! Whoever names a URL (a model in a tool's arguments, a server in a redirect, a document in a reference) must not be
//! able to reach what only this machine can reach. So each URL is held against the [`Rules`], its host is resolved
//! here, every address of it is checked, and the connection goes to an address that was checked; a redirect is a new
//! URL and starts again from the beginning. Nothing in this house opens a connection to the outside by another way.
//!
//! Without the feature `client`, which is on by default, only the rules are built: they need no network.
//!
//! ```
//! # #[cfg(feature = "client")] {
//! use impresario_outbound::{Outbound, OutboundConfig, Request, Rules};
//!
//! # async fn fetch() -> Result<(), Box<dyn std::error::Error>> {
//! let rules = Rules::default().hosts(["api.example.com"])?;
//! let outbound = Outbound::new(&OutboundConfig { rules, ..OutboundConfig::default() })?;
//! let answer = outbound.send(Request::get(outbound.check("https://api.example.com/v1/status")?)).await?;
//! println!("{} {}", answer.status, answer.body.len());
//! # Ok(())
//! # }
//! # }
//! ```
#![forbid(unsafe_code)]

mod address;
#[cfg(feature = "client")]
mod client;
mod error;
mod rules;

pub use address::AddressKind;
#[cfg(feature = "client")]
pub use client::{Answer, Outbound, OutboundConfig, Request, Resolver, Resolving, SystemResolver};
pub use error::{ConfigError, Fault, OutboundError, Refusal};
#[cfg(feature = "client")]
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use rules::Rules;
pub use url::Url;
