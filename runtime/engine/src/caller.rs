//! Who asks: the principal behind a request, and what its client said of itself.

use std::net::IpAddr;
use std::sync::Arc;

use impresario_protocol::{ClientCapabilities, Implementation};

/// Who a request is made for. Everything that must not be shared between callers is keyed by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The authenticated principal; none without authentication.
    pub principal: Option<Arc<str>>,
    /// The address that it came from; none on stdio and in-process.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// A caller known by its address alone.
    #[must_use]
    pub fn from_address(address: IpAddr) -> Self {
        Self { principal: None, address: Some(address) }
    }

    /// What separates this caller's cached answers from those of others: its principal, or, while nobody is
    /// authenticated, its address. Two parts, so that no name can be taken for an address.
    #[must_use]
    pub fn partition(&self) -> (&str, Option<IpAddr>) {
        match &self.principal {
            Some(principal) => (principal, None),
            None => ("", self.address),
        }
    }
}

/// What a client said of itself, in its handshake or with the request. Never decide security by it.
#[derive(Debug, Clone, Default)]
pub struct ClientFacts(Option<Arc<(Option<Implementation>, ClientCapabilities)>>);

impl ClientFacts {
    /// What a client said.
    #[must_use]
    pub fn new(implementation: Option<Implementation>, capabilities: ClientCapabilities) -> Self {
        Self(Some(Arc::new((implementation, capabilities))))
    }

    /// Its name and version, when it gave them.
    #[must_use]
    pub fn implementation(&self) -> Option<&Implementation> {
        self.0.as_deref().and_then(|(implementation, _)| implementation.as_ref())
    }

    /// What it can do, when it said so.
    #[must_use]
    pub fn capabilities(&self) -> Option<&ClientCapabilities> {
        self.0.as_deref().map(|(_, capabilities)| capabilities)
    }
}
