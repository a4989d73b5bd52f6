//! Keys that are fetched: when, how often at most, and how long what was fetched is believed.
//!
//! There is one attempt at a time, and however many tokens ask for keys that nobody knows, one in 30 s. What is held
//! goes on being used while it is fetched anew, and for up to an hour while that fails.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use impresario_engine::AuthRefusal;
use impresario_outbound::{Outbound, Url};
use jsonwebtoken::Algorithm;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::discovery::{self, FetchError, Metadata};
use crate::keys::KeySet;
use crate::problem::{Problem, Refused};
use crate::verdicts::Verdicts;

/// When keys are fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) refresh: Duration,
    pub(crate) retry: Duration,
    pub(crate) stale: Duration,
    pub(crate) timeout: Duration,
    pub(crate) keys_max: usize,
}

/// Where they are.
#[derive(Debug)]
pub(crate) enum Source {
    Keys(Url),
    Metadata(Vec<Url>),
}

/// The keys of an issuer elsewhere.
#[derive(Debug)]
pub(crate) struct Remote {
    issuer: String,
    source: Source,
    schedule: Schedule,
    outbound: Outbound,
    clock: Arc<dyn Clock>,
    /// What was verified by a key that is gone is forgotten with it.
    verdicts: Arc<Verdicts>,
    held: ArcSwapOption<Held>,
    metadata: ArcSwapOption<Metadata>,
    attempt: Mutex<Attempt>,
}

#[derive(Debug)]
struct Held {
    keys: Arc<KeySet>,
    fetched_at: Duration,
}

#[derive(Debug, Default)]
struct Attempt {
    began_at: Option<Duration>,
    /// Closed when the attempt under way has ended, however it has.
    under_way: Option<watch::Receiver<()>>,
}

impl Remote {
    pub(crate) fn new(
        issuer: String,
        source: Source,
        schedule: Schedule,
        outbound: Outbound,
        clock: Arc<dyn Clock>,
        verdicts: Arc<Verdicts>,
    ) -> Arc<Self> {
        Arc::new(Self {
            issuer,
            source,
            schedule,
            outbound,
            clock,
            verdicts,
            held: ArcSwapOption::empty(),
            metadata: ArcSwapOption::empty(),
            attempt: Mutex::default(),
        })
    }

    /// The keys, once they hold one for such a token, or why there is none.
    pub(crate) async fn keys_for(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<KeySet>, Refused> {
        let has_one = |keys: &KeySet| keys.matching(id, algorithm).next().is_some();
        if let Some((keys, age)) = self.usable()
            && has_one(&keys)
        {
            if age >= self.schedule.refresh {
                // Nobody waits for it: what is held will do until it has come.
                let _refreshing = self.begin();
            }
            return Ok(keys);
        }
        if let Some(mut under_way) = self.begin() {
            // It has ended when its other half is gone.
            while under_way.changed().await.is_ok() {}
        }
        match self.usable() {
            Some((keys, _)) if has_one(&keys) => Ok(keys),
            Some(_) => Err(Problem::UnknownKey.into()),
            None => Err(AuthRefusal::Unavailable { retry_after_ms: self.retry_after_ms() }.into()),
        }
    }

    /// Where the metadata was found, once it was.
    pub(crate) fn metadata_url(&self) -> Option<Url> {
        self.metadata.load().as_ref().map(|metadata| metadata.url.clone())
    }

    /// What is held, unless it is too old, and its age.
    fn usable(&self) -> Option<(Arc<KeySet>, Duration)> {
        let held = self.held.load();
        let held = held.as_ref()?;
        let age = self.clock.uptime().saturating_sub(held.fetched_at);
        (age <= self.schedule.stale).then(|| (Arc::clone(&held.keys), age))
    }

    fn retry_after_ms(&self) -> u64 {
        let began_at = self.attempt.lock().began_at.unwrap_or_default();
        let next = (began_at + self.schedule.retry).saturating_sub(self.clock.uptime());
        u64::try_from(next.as_millis()).unwrap_or(u64::MAX).max(1_000)
    }

    /// Begins an attempt, or joins the one under way. None where it is too early for another.
    fn begin(self: &Arc<Self>) -> Option<watch::Receiver<()>> {
        let mut attempt = self.attempt.lock();
        if let Some(under_way) = &attempt.under_way
            && under_way.has_changed().is_ok()
        {
            return Some(under_way.clone());
        }
        let now = self.clock.uptime();
        if attempt.began_at.is_some_and(|began_at| now < began_at + self.schedule.retry) {
            return None;
        }
        let (ends, under_way) = watch::channel(());
        *attempt = Attempt { began_at: Some(now), under_way: Some(under_way.clone()) };
        let this = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "those who wait may leave, and the attempt goes on; its end is seen by all, even if its \
                      thread ends first"
        )]
        tokio::task::spawn(async move {
            this.fetch_and_hold().await;
            drop(ends);
        });
        Some(under_way)
    }

    async fn fetch_and_hold(&self) {
        let limit = self.schedule.timeout;
        let fetched = tokio::time::timeout(limit, self.fetch()).await;
        match fetched.unwrap_or_else(|_| Err(FetchError::TooSlow { after_ms: limit.as_millis() })) {
            Ok(keys) => self.hold(keys),
            Err(error) => {
                // The metadata may say by now that the keys have moved.
                self.metadata.store(None);
                tracing::warn!(issuer = self.issuer, %error, "the keys of an issuer can't be fetched");
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let url = match &self.source {
            Source::Keys(url) => url.clone(),
            Source::Metadata(at) => match self.metadata.load_full() {
                Some(metadata) => metadata.jwks_uri.clone(),
                None => {
                    let metadata = discovery::discover(&self.outbound, &self.issuer, at).await?;
                    let url = metadata.jwks_uri.clone();
                    self.metadata.store(Some(Arc::new(metadata)));
                    url
                }
            },
        };
        let body = discovery::get(&self.outbound, &url).await?;
        KeySet::parse(&body, self.schedule.keys_max).map_err(|problem| FetchError::Keys {
            host: url.host_str().unwrap_or_default().to_owned(),
            problem,
        })
    }

    fn hold(&self, keys: KeySet) {
        let older = self.held.load_full();
        let lost_one = older.is_some_and(|older| !keys.holds_all_of(&older.keys));
        self.held.store(Some(Arc::new(Held { keys: Arc::new(keys), fetched_at: self.clock.uptime() })));
        if lost_one {
            tracing::info!(issuer = self.issuer, "a key of an issuer is gone; all verdicts are forgotten");
            self.verdicts.forget_all();
        }
    }
}
