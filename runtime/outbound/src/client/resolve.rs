//! From a host's name to addresses that were checked.
//!
//! The connector asks nobody else, and connects to what it is given here and to nothing else. So there is no moment
//! between check and use in which a name could change its meaning.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve};
use tokio::sync::Semaphore;

use crate::rules::Rules;

/// The addresses of a host, later.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a host. What it answers is checked by whoever asks.
pub trait Resolver: Send + Sync {
    /// All addresses of that host.
    fn resolve(&self, host: &str) -> Resolving;
}

/// The system's own way: files, DNS, whatever the machine is set up for.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    /// The system can't be told to stop. A lookup keeps its place here until it returns, even if nobody waits for it
    /// any more; so lookups of a name server that hangs don't fill the process with threads.
    places: Arc<Semaphore>,
}

impl SystemResolver {
    /// Lookups at once.
    const LOOKUPS_MAX: usize = 16;
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(Self::LOOKUPS_MAX)) }
    }
}

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str) -> Resolving {
        let (host, places) = (host.to_owned(), Arc::clone(&self.places));
        Box::pin(async move {
            let place = places.acquire_owned().await.map_err(io::Error::other)?;
            let lookup = move || {
                let _place = place;
                Ok((host.as_str(), 0).to_socket_addrs()?.map(|address| address.ip()).collect())
            };
            tokio::task::spawn_blocking(lookup).await.map_err(io::Error::other)?
        })
    }
}

/// A host that has no address; apart from refusals, so that it is found again below the client's own errors.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unresolved(pub(crate) String);

/// What every connection asks for addresses.
#[derive(Clone)]
pub(crate) struct CheckedResolver {
    pub(crate) rules: Arc<Rules>,
    pub(crate) inner: Arc<dyn Resolver>,
    /// The one host that need not be public: the configured proxy.
    pub(crate) proxy_host: Option<Arc<str>>,
}

impl CheckedResolver {
    /// The addresses of a host, each of which may be connected to. One that may not refuses them all: a name that
    /// stands for both is made to be tried until the wrong one is taken.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, CheckedError> {
        let addresses = self.unchecked(host).await?;
        addresses.iter().try_for_each(|address| self.rules.check_address(host, *address))?;
        Ok(addresses)
    }

    async fn unchecked(&self, host: &str) -> Result<Vec<IpAddr>, Unresolved> {
        let addresses = self.inner.resolve(host).await.map_err(|error| Unresolved(error.to_string()))?;
        if addresses.is_empty() {
            return Err(Unresolved("it has no address".into()));
        }
        Ok(addresses)
    }
}

/// Why there are no addresses to connect to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckedError {
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    #[error(transparent)]
    Refused(#[from] crate::error::Refusal),
}

impl CheckedError {
    /// The error itself, as whoever looks for it will find it.
    fn into_inner(self) -> Box<dyn std::error::Error + Send + Sync> {
        match self {
            Self::Unresolved(error) => error.into(),
            Self::Refused(refusal) => refusal.into(),
        }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> reqwest::dns::Resolving {
        let this = self.clone();
        Box::pin(async move {
            // Where there is a proxy, nothing else is ever connected to.
            let addresses = if this.proxy_host.as_deref() == Some(name.as_str()) {
                this.unchecked(name.as_str()).await?
            } else {
                this.addresses(name.as_str()).await.map_err(CheckedError::into_inner)?
            };
            // Port 0 stands for the one of the URL.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

impl fmt::Debug for CheckedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedResolver").field("rules", &self.rules).finish_non_exhaustive()
    }
}
