//! The client: one request, the redirects that it meets, and the answer that comes of it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::error::{ConfigError, OutboundError, Refusal};
use crate::rules::Rules;
use body::{BodyError, Bounds};
use resolve::{CheckedError, CheckedResolver, Unresolved};

pub use request::{Answer, Request};
pub use resolve::{Resolver, Resolving, SystemResolver};

mod body;
mod redirect;
mod request;
mod resolve;
mod tls;

/// How a client behaves. Every limit has a default.
#[derive(Debug, Clone)]
pub struct OutboundConfig {
    /// What may be asked.
    pub rules: Rules,
    /// The time of one request, from its start to the last byte of the answer, redirects included: 10 s.
    pub timeout: Duration,
    /// The time for finding the host, connecting and TLS: 5 s.
    pub connect_timeout: Duration,
    /// The largest body of an answer: 5 MiB.
    pub bytes_max: u64,
    /// How fast a body has to come: 1,000 bytes a second.
    pub bytes_per_second_min: u64,
    /// Over what time that is measured: 5 s.
    pub measured_for: Duration,
    /// Redirects of one request: 3.
    pub redirects_max: u32,
    /// Requests under way at once: 64. Later ones wait, within their own time.
    pub in_flight_max: usize,
    /// Connections that are kept open to one host while nothing is asked of it: 8.
    pub idle_connections_max: usize,
    /// How long they are kept: 30 s.
    pub idle_timeout: Duration,
    /// Certificate authorities in PEM that are believed besides the machine's own.
    pub ca_file: Option<PathBuf>,
    /// A proxy that everything goes through: `http://proxy.example.com:3128`. None by default, whatever the
    /// environment says. Hosts are still resolved and checked here before the proxy is asked, but it is the proxy
    /// that connects, so it has to have rules of its own.
    pub proxy: Option<String>,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            bytes_max: 5 * 1024 * 1024,
            bytes_per_second_min: 1_000,
            measured_for: Duration::from_secs(5),
            redirects_max: 3,
            in_flight_max: 64,
            idle_connections_max: 8,
            idle_timeout: Duration::from_secs(30),
            ca_file: None,
            proxy: None,
        }
    }
}

/// The client. Clones share connections and limits.
#[derive(Clone)]
pub struct Outbound {
    client: reqwest::Client,
    rules: Arc<Rules>,
    resolver: CheckedResolver,
    bounds: Bounds,
    timeout: Duration,
    connect_timeout: Duration,
    redirects_max: u32,
    in_flight_max: usize,
    /// A place for each request under way; given back when the request ends or is dropped.
    places: Arc<Semaphore>,
}

impl Outbound {
    /// A client that asks the system for addresses.
    ///
    /// # Errors
    /// The settings can't be used.
    pub fn new(config: &OutboundConfig) -> Result<Self, ConfigError> {
        Self::with_resolver(config, Arc::new(SystemResolver::default()))
    }

    /// A client that asks somebody else for addresses. What it is told is checked all the same.
    ///
    /// # Errors
    /// The settings can't be used.
    pub fn with_resolver(config: &OutboundConfig, inner: Arc<dyn Resolver>) -> Result<Self, ConfigError> {
        let rules = Arc::new(config.rules.clone());
        let proxy = config.proxy.as_deref().map(read_proxy).transpose()?;
        let proxy_host = proxy.as_ref().and_then(Url::host_str).map(Arc::from);
        let resolver = CheckedResolver { rules: Arc::clone(&rules), inner, proxy_host };
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(config.ca_file.as_deref())?)
            .dns_resolver(resolver.clone())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(config.connect_timeout)
            .pool_max_idle_per_host(config.idle_connections_max)
            .pool_idle_timeout(config.idle_timeout);
        let builder = match proxy {
            None => builder.no_proxy(),
            Some(proxy) => builder
                .proxy(reqwest::Proxy::all(proxy).map_err(|error| ConfigError::Client(error.to_string()))?),
        };
        let client = builder.build().map_err(|error| ConfigError::Client(error.to_string()))?;
        Ok(Self {
            client,
            rules,
            resolver,
            bounds: Bounds {
                bytes_max: config.bytes_max,
                bytes_per_second_min: config.bytes_per_second_min,
                measured_for: config.measured_for,
            },
            timeout: config.timeout,
            connect_timeout: config.connect_timeout,
            redirects_max: config.redirects_max,
            in_flight_max: config.in_flight_max,
            places: Arc::new(Semaphore::new(config.in_flight_max)),
        })
    }

    /// Reads a URL and holds it against the rules.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, url: &str) -> Result<Url, Refusal> {
        self.rules.check(url)
    }

    /// Sends a request and reads the whole answer, whatever its status is.
    ///
    /// # Errors
    /// The rules refuse it, or there is no whole answer in time.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection that the request was on. Whether the other side has read the request
    /// by then nobody knows.
    pub async fn send(&self, request: Request) -> Result<Answer, OutboundError> {
        self.rules.check_url(&request.url)?;
        let after = request.timeout.map_or(self.timeout, |timeout| timeout.min(self.timeout));
        let host = host_of(&request.url);
        let mut has_place = false;
        let sending = async {
            let _place = self.places.acquire().await;
            has_place = true;
            self.send_on(request).await
        };
        match tokio::time::timeout(after, sending).await {
            Ok(answer) => answer,
            Err(_elapsed) if has_place => Err(OutboundError::TimedOut { host, after }),
            Err(_elapsed) => Err(OutboundError::Busy { in_flight_max: self.in_flight_max }),
        }
    }

    /// Follows redirects, until there is an answer that is none.
    async fn send_on(&self, mut request: Request) -> Result<Answer, OutboundError> {
        let mut redirects = 0;
        loop {
            let response = self.send_once(&request).await?;
            let (status, headers) = (response.status(), response.headers());
            let Some(to) = redirect::target(&self.rules, &request.url, status, headers)? else {
                return self.read(request.url, response).await;
            };
            if redirects == self.redirects_max {
                let host = host_of(&request.url);
                return Err(OutboundError::Redirects { host, redirects_max: self.redirects_max });
            }
            redirects += 1;
            redirect::follow(&mut request, status, to);
        }
    }

    async fn send_once(&self, request: &Request) -> Result<reqwest::Response, OutboundError> {
        if self.resolver.proxy_host.is_some() {
            self.check_for_proxy(&request.url).await?;
        }
        let mut sent = reqwest::Request::new(request.method.clone(), request.url.clone());
        *sent.headers_mut() = request.headers.clone();
        if !request.body.is_empty() {
            *sent.body_mut() = Some(request.body.clone().into());
        }
        let failed = |error| self.explain(host_of(&request.url), &error);
        self.client.execute(sent).await.map_err(failed)
    }

    /// A proxy resolves the name once more, so this is a check of the name and no promise of the address.
    async fn check_for_proxy(&self, url: &Url) -> Result<(), OutboundError> {
        let Some(Host::Domain(host)) = url.host() else { return Ok(()) };
        match self.resolver.addresses(host).await {
            Ok(_) => Ok(()),
            Err(CheckedError::Refused(refusal)) => Err(refusal.into()),
            Err(CheckedError::Unresolved(Unresolved(problem))) => {
                Err(OutboundError::Unresolved { host: host.to_owned(), problem })
            }
        }
    }

    async fn read(&self, url: Url, mut response: reqwest::Response) -> Result<Answer, OutboundError> {
        let told_bytes = response.content_length();
        let host = host_of(&url);
        let body = body::read(&mut response, told_bytes, self.bounds).await.map_err(|error| match error {
            BodyError::TooLarge => OutboundError::TooLarge { host, bytes_max: self.bounds.bytes_max },
            BodyError::TooSlow => {
                OutboundError::TooSlow { host, bytes_per_second_min: self.bounds.bytes_per_second_min }
            }
            BodyError::Broken(error) => OutboundError::Broken { host, problem: innermost(&error) },
        })?;
        let status = response.status();
        Ok(Answer { status, headers: std::mem::take(response.headers_mut()), body, url })
    }

    /// What an error of the client below comes from.
    fn explain(&self, host: String, error: &reqwest::Error) -> OutboundError {
        let mut causes = std::iter::successors(Some(error as &(dyn Error + 'static)), |error| inner(*error));
        let found = causes.find_map(|cause| {
            if let Some(refusal) = cause.downcast_ref::<Refusal>() {
                return Some(OutboundError::Refused(refusal.clone()));
            }
            if let Some(Unresolved(problem)) = cause.downcast_ref::<Unresolved>() {
                return Some(OutboundError::Unresolved { host: host.clone(), problem: problem.clone() });
            }
            let tls = cause.downcast_ref::<rustls::Error>()?;
            Some(OutboundError::Insecure { host: host.clone(), problem: tls.to_string() })
        });
        match found {
            Some(found) => found,
            None if error.is_timeout() => OutboundError::TimedOut { host, after: self.connect_timeout },
            None if error.is_connect() => OutboundError::Unreachable { host, problem: innermost(error) },
            None => OutboundError::Broken { host, problem: innermost(error) },
        }
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// The address of a proxy. The text of the error holds no password: it is not shown where there may be one.
fn read_proxy(written: &str) -> Result<Url, ConfigError> {
    let shown = if written.contains('@') { "the given one" } else { written };
    match Url::parse(written) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(ConfigError::Proxy(shown.to_owned())),
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// What an error comes from. An I/O error that wraps another names as its source what is below that other one.
fn inner<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

/// What the innermost error says; those around it repeat the URL, which may hold a secret.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| inner(*error)).last();
    match last {
        Some(last) if !last.is::<reqwest::Error>() => last.to_string(),
        _ => "the connection failed".into(),
    }
}
