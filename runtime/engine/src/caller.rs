//! Who asks: the principal behind a request, and what its client said of itself.

use std::net::IpAddr;
use std::sync::Arc;

use impresario_protocol::{ClientCapabilities, Implementation};

pub use abilities::Abilities;

mod abilities;

/// Who a request is made for. Everything that must not be shared between callers is keyed by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// Whose house the principal belongs to, where several share the server; none without authentication.
    pub tenant: Option<Arc<str>>,
    /// The authenticated principal; none without authentication.
    pub principal: Option<Arc<str>>,
    /// The address that it came from; none on stdio and in-process.
    pub address: Option<IpAddr>,
}

/// Whose part of something it is that is shared out fairly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Share {
    /// A tenant's, whoever of it asks.
    Tenant(Arc<str>),
    /// An authenticated principal's, where there are no tenants.
    Principal(Arc<str>),
    /// An address's, while nobody is authenticated; none stands for clients on this machine that have none.
    Address(Option<IpAddr>),
}

impl Caller {
    /// A caller known by its address alone.
    #[must_use]
    pub fn from_address(address: IpAddr) -> Self {
        Self { address: Some(address), ..Self::default() }
    }

    /// Who it counts as when something is shared out fairly.
    #[must_use]
    pub fn share(&self) -> Share {
        match (&self.tenant, &self.principal) {
            (Some(tenant), _) => Share::Tenant(Arc::clone(tenant)),
            (None, Some(principal)) => Share::Principal(Arc::clone(principal)),
            (None, None) => Share::Address(self.address),
        }
    }

    /// What separates this caller from others of its tenant: its principal, or, while nobody is
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
pub struct ClientFacts(Option<Arc<Said>>);

#[derive(Debug)]
struct Said {
    implementation: Option<Implementation>,
    capabilities: ClientCapabilities,
    abilities: Abilities,
}

impl ClientFacts {
    /// What a client said.
    #[must_use]
    pub fn new(implementation: Option<Implementation>, capabilities: ClientCapabilities) -> Self {
        let abilities = Abilities::of(&capabilities);
        Self(Some(Arc::new(Said { implementation, capabilities, abilities })))
    }

    /// The same, when not everything that was declared can be used.
    #[must_use]
    pub(crate) fn with_abilities(
        implementation: Option<Implementation>,
        capabilities: ClientCapabilities,
        abilities: Abilities,
    ) -> Self {
        Self(Some(Arc::new(Said { implementation, capabilities, abilities })))
    }

    /// Its name and version, when it gave them.
    #[must_use]
    pub fn implementation(&self) -> Option<&Implementation> {
        self.0.as_deref().and_then(|said| said.implementation.as_ref())
    }

    /// What it can do, when it said so.
    #[must_use]
    pub fn capabilities(&self) -> Option<&ClientCapabilities> {
        self.0.as_deref().map(|said| &said.capabilities)
    }

    /// What it can be asked.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        self.0.as_deref().map(|said| said.abilities).unwrap_or_default()
    }

    /// Whether its person can be given a form: [`crate::Context::elicit`].
    #[must_use]
    pub fn can_elicit(&self) -> bool {
        self.abilities().form
    }

    /// Whether its person can be sent to a page: [`crate::Context::elicit_url`].
    #[must_use]
    pub fn can_elicit_url(&self) -> bool {
        self.abilities().url
    }

    /// Whether its model can be asked: [`crate::Context::sample`].
    #[must_use]
    pub fn can_sample(&self) -> bool {
        self.abilities().sampling
    }

    /// Whether its model can be asked and be given tools.
    #[must_use]
    pub fn can_sample_with_tools(&self) -> bool {
        self.abilities().sampling_tools
    }

    /// Whether it names the folders that may be worked in: [`crate::Context::list_roots`].
    #[must_use]
    pub fn can_list_roots(&self) -> bool {
        self.abilities().roots
    }
}
