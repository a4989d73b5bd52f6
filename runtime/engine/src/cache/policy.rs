//! What a tool says of its answers: how long they may be given again, to whom, and how many are kept.

use std::borrow::Cow;
use std::time::Duration;

use impresario_protocol::{CacheScope, ListKind};
use serde_json::Value;

/// Which answers stay when there is no room for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Eviction {
    /// Those that are asked for most often (TinyLFU).
    #[default]
    LeastFrequent,
    /// Those that were asked for last (LRU).
    LeastRecent,
}

/// Who shares an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CacheSharing {
    /// Everybody: the answer depends on the arguments alone.
    Public,
    /// The callers of one tenant. One without a tenant shares with nobody.
    Tenant,
    /// Nobody: one principal, or one address while nobody is authenticated.
    #[default]
    Private,
}

/// How long answers of a tool or a resource may be kept, for whom, and how many.
///
/// ```
/// use std::time::Duration;
/// use impresario_engine::{CachePolicy, CacheSharing, ToolSpec, no_arguments};
///
/// let minute = Duration::from_secs(60);
/// let forecast = ToolSpec::from_context("forecast", no_arguments(), |_ctx| async { "rain" }).cache(
///     CachePolicy::ttl(10 * minute)
///         .sharing(CacheSharing::Public)
///         .entries_max(10_000)
///         .keep_errors(["not_found"], minute)
///         .stale_while_revalidate(minute)
///         .stale_if_error(60 * minute)
///         .tags(["weather"]),
/// );
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CachePolicy {
    pub(crate) ttl: Duration,
    pub(crate) sharing: CacheSharing,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) entries_max: Option<u64>,
    pub(crate) bytes_max: Option<u64>,
    pub(crate) eviction: Option<Eviction>,
    /// The arguments that decide the answer; without any, all of them.
    pub(crate) key_fields: Option<Vec<String>>,
    pub(crate) kept_errors: Vec<Cow<'static, str>>,
    pub(crate) error_ttl: Duration,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) tags: Vec<String>,
    pub(crate) warm: Vec<Value>,
    pub(crate) forget_on: Vec<ListKind>,
}

impl CachePolicy {
    /// Answers may be given again for `ttl`, to the same caller.
    #[must_use]
    pub fn ttl(ttl: Duration) -> Self {
        Self {
            ttl,
            sharing: CacheSharing::Private,
            max_bytes: None,
            entries_max: None,
            bytes_max: None,
            eviction: None,
            key_fields: None,
            kept_errors: Vec::new(),
            error_ttl: Duration::ZERO,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            tags: Vec::new(),
            warm: Vec::new(),
            forget_on: Vec::new(),
        }
    }

    /// The same policy, shared so. `Public` says that the answer depends on the arguments alone.
    #[must_use]
    pub fn sharing(self, sharing: CacheSharing) -> Self {
        Self { sharing, ..self }
    }

    /// The same policy in the protocol's own words: for everybody, or for the caller alone.
    #[must_use]
    pub fn scope(self, scope: CacheScope) -> Self {
        self.sharing(match scope {
            CacheScope::Public => CacheSharing::Public,
            CacheScope::Private => CacheSharing::Private,
        })
    }

    /// The same policy, but an answer above `max_bytes` is not kept (at most `cache_entry_bytes_max`).
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes: Some(max_bytes), ..self }
    }

    /// The same policy, but at most so many answers of this tool are kept.
    #[must_use]
    pub fn entries_max(self, entries_max: u64) -> Self {
        Self { entries_max: Some(entries_max), ..self }
    }

    /// The same policy, but all answers of this tool take at most so many bytes (at most `cache_bytes_max`). With
    /// [`entries_max`](Self::entries_max) too, an answer counts by the larger of its two shares.
    #[must_use]
    pub fn bytes_max(self, bytes_max: u64) -> Self {
        Self { bytes_max: Some(bytes_max), ..self }
    }

    /// Which answers stay when there is no room for all, in place of what the runtime was built with.
    #[must_use]
    pub fn eviction(self, eviction: Eviction) -> Self {
        Self { eviction: Some(eviction), ..self }
    }

    /// Only these arguments decide the answer; calls that differ in others share one. An argument inside another is
    /// named by a dotted path (`options.units`) or a JSON pointer (`/options/units`).
    #[must_use]
    pub fn key_fields<F: Into<String>>(self, fields: impl IntoIterator<Item = F>) -> Self {
        Self { key_fields: Some(fields.into_iter().map(Into::into).collect()), ..self }
    }

    /// Failures with these codes ([`ToolError::code`](crate::ToolError::code)) are kept too, for a time of their own.
    #[must_use]
    pub fn keep_errors<C: Into<Cow<'static, str>>>(
        self,
        codes: impl IntoIterator<Item = C>,
        ttl: Duration,
    ) -> Self {
        Self { kept_errors: codes.into_iter().map(Into::into).collect(), error_ttl: ttl, ..self }
    }

    /// For so long after its time an answer is still given at once, while the tool runs once in the background for a
    /// newer one.
    #[must_use]
    pub fn stale_while_revalidate(self, window: Duration) -> Self {
        Self { stale_while_revalidate: window, ..self }
    }

    /// For so long after its time an answer is given in place of a failure: an error, a timeout, a panic, no worker.
    #[must_use]
    pub fn stale_if_error(self, window: Duration) -> Self {
        Self { stale_if_error: window, ..self }
    }

    /// Names by which this tool's answers are forgotten together with those of others.
    #[must_use]
    pub fn tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        Self { tags: tags.into_iter().map(Into::into).collect(), ..self }
    }

    /// Calls that are made when the tool is registered, so that their answers are there before anybody asks. Only for
    /// answers that everybody shares.
    #[must_use]
    pub fn warm(self, arguments: impl IntoIterator<Item = Value>) -> Self {
        Self { warm: arguments.into_iter().collect(), ..self }
    }

    /// Everything is forgotten when one of these lists has changed.
    #[must_use]
    pub fn forget_on_list_changed(self, kinds: impl IntoIterator<Item = ListKind>) -> Self {
        Self { forget_on: kinds.into_iter().collect(), ..self }
    }

    /// What clients may be told of it, who know no tenants.
    pub(crate) fn client_scope(&self) -> CacheScope {
        match self.sharing {
            CacheSharing::Public => CacheScope::Public,
            CacheSharing::Tenant | CacheSharing::Private => CacheScope::Private,
        }
    }

    /// Whether that change makes its answers old.
    pub(crate) fn is_forgotten_on(&self, kind: ListKind) -> bool {
        let list = |kind: &ListKind| match kind {
            // One notification covers resources and their templates.
            ListKind::Templates => ListKind::Resources,
            ListKind::Tools | ListKind::Resources | ListKind::Prompts => *kind,
        };
        self.forget_on.iter().any(|own| list(own) == list(&kind))
    }
}
