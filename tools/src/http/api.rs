//! One API: the client that reaches it, and a call of it from the first try to the last.

use std::time::Duration;

use impresario_engine::JsonObject;
use impresario_outbound::{Answer, HeaderMap, HeaderValue, Outbound, OutboundError, Request, Url, header};
use tokio::time::Instant;

use super::breaker::Breaker;
use super::failure::{Failure, Kind};
use super::request::{Base, Plan};
use super::response::{Mapping, Output};
use super::retry;
use super::settings::Retries;

/// An API, shared by all of its tools and resources.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) outbound: Outbound,
    pub(super) base: Base,
    pub(super) retries: Retries,
    pub(super) breaker: Breaker,
    /// What must not be repeated to a model, even if the API repeats it to us.
    pub(super) secrets: Vec<String>,
}

/// A call of an API, as a tool or a resource makes it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) plan: Plan,
    pub(super) mapping: Mapping,
    /// Whether it may be sent twice.
    pub(super) is_idempotent: bool,
    pub(super) timeout: Duration,
}

impl Api {
    /// Calls the API. Dropping the future drops the request.
    pub(super) async fn call(&self, call: &Call, arguments: &JsonObject) -> Result<Output, Failure> {
        let until = Instant::now() + call.timeout;
        let request = call.plan.fill(&self.base, arguments)?;
        let mut answer = self.ask(call, request, until, arguments).await?;
        if let Some(follow) = &call.mapping.follow {
            let next = Mapping::next(follow, &answer).and_then(|url| self.next(&url));
            answer = self
                .ask(call, next.map_err(|failure| self.without_secrets(failure))?, until, arguments)
                .await?;
        }
        call.mapping.output(&answer, arguments).map_err(|failure| self.without_secrets(failure))
    }

    /// Sends a request, more than once if it may be and that may help.
    async fn ask(
        &self,
        call: &Call,
        request: Request,
        until: Instant,
        arguments: &JsonObject,
    ) -> Result<Answer, Failure> {
        let mut tried = 0;
        loop {
            tried += 1;
            let failure = match self.once(call, request.clone(), until, arguments).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => self.without_secrets(failure),
            };
            let left = until.saturating_duration_since(Instant::now());
            match retry::pause(&self.retries, tried, &failure) {
                Some(pause) if call.is_idempotent && pause < left => tokio::time::sleep(pause).await,
                _ => return Err(failure),
            }
        }
    }

    /// Sends a request once, unless calls are held back, and tells the breaker what became of it.
    async fn once(
        &self,
        call: &Call,
        mut request: Request,
        until: Instant,
        arguments: &JsonObject,
    ) -> Result<Answer, Failure> {
        let host = self.host();
        let leave = self.breaker.enter().map_err(|held| {
            let retry_after = held.left;
            Failure { retry_after, ..Failure::new(Kind::Unavailable, format!("{host} is not asked: {held}")) }
        })?;
        request.timeout = Some(until.saturating_duration_since(Instant::now()));
        let result = match self.outbound.send(request).await {
            Ok(answer) => call.mapping.check(answer, arguments),
            Err(OutboundError::TimedOut { .. }) if Instant::now() >= until => {
                let text =
                    format!("{host} did not answer within {} ms; try again later", call.timeout.as_millis());
                Err(Failure::new(Kind::TimedOut, text))
            }
            Err(error) => Err(error.into()),
        };
        match &result {
            Ok(_) => leave.tell(false),
            Err(failure) if failure.is_apis() => leave.tell(true),
            // Nothing was sent, so nothing was learned.
            Err(failure) if matches!(failure.kind, Kind::Refused | Kind::Unavailable) => drop(leave),
            Err(_) => leave.tell(false),
        }
        result
    }

    /// The request for what an answer names: with what says who we are only if it is at the same place.
    fn next(&self, url: &str) -> Result<Request, Failure> {
        let mut url =
            self.outbound.check(url).map_err(|refusal| Failure::from(OutboundError::from(refusal)))?;
        let is_ours = url.origin() == self.base.url.origin();
        if is_ours {
            add_query(&mut url, &self.base.query);
        }
        let mut request = Request::get(url);
        let headers = self.base.headers.iter().filter(|(_, value)| is_ours || !value.is_sensitive());
        request.headers = headers.map(|(name, value)| (name.clone(), value.clone())).collect::<HeaderMap>();
        Ok(request)
    }

    fn host(&self) -> &str {
        self.base.url.host_str().unwrap_or_default()
    }

    /// A failure that does not repeat a secret, though the API may have.
    fn without_secrets(&self, mut failure: Failure) -> Failure {
        for secret in &self.secrets {
            if failure.text.contains(secret.as_str()) {
                failure.text = failure.text.replace(secret.as_str(), "[secret]");
            }
        }
        failure
    }
}

/// Adds parameters that the URL does not have yet.
fn add_query(url: &mut Url, query: &[(String, String)]) {
    let mut whole = url.query().unwrap_or_default().to_owned();
    let has = |name: &str| whole.split('&').any(|pair| pair.split('=').next() == Some(name));
    let missing: Vec<_> = query.iter().filter(|(name, _)| !has(name)).collect();
    missing.into_iter().for_each(|(name, value)| super::query::push_pair(&mut whole, name, value));
    url.set_query((!whole.is_empty()).then_some(&whole));
}

/// The value of an `Authorization` header.
pub(super) fn authorization(auth: &super::settings::Auth) -> Result<HeaderValue, String> {
    use super::settings::Auth;
    let text = match auth {
        Auth::Bearer(token) => format!("Bearer {}", token.reveal().trim()),
        Auth::Basic { user, password } => {
            let pair = format!("{user}:{}", password.reveal());
            format!("Basic {}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair))
        }
    };
    super::request::header_value(&header::AUTHORIZATION, &text)
}
