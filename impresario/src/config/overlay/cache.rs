//! `[tools.NAME.cache]`: how the answers of a tool are kept, in the words of the engine's `CachePolicy`.

use impresario_engine::{CachePolicy, CacheSharing, ListKind};
use impresario_tools::setting::{Bytes, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::keep::Keep;

/// How the answers of a tool are kept.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cache {
    /// How long an answer may be given again.
    pub(crate) ttl: Span,
    /// Who may share an answer. `public` says that it depends on the arguments alone.
    #[serde(default)]
    pub(crate) scope: Scope,
    /// A larger answer is not kept.
    pub(crate) max_bytes: Option<Bytes>,
    /// How many answers of this tool are kept.
    pub(crate) entries_max: Option<u64>,
    /// How many bytes all answers of this tool may take.
    pub(crate) bytes_max: Option<Bytes>,
    /// Which answers stay when there is no room for all.
    pub(crate) eviction: Option<Keep>,
    /// The arguments that decide the answer, where not all do: `city`, or `options.units` for one inside another.
    pub(crate) key_fields: Option<Vec<String>>,
    /// Failures with these codes are kept too, for `error_ttl`. The pack's page lists its codes.
    #[serde(default)]
    pub(crate) errors: Vec<String>,
    /// How long failures are kept.
    #[serde(default = "error_ttl")]
    pub(crate) error_ttl: Span,
    /// For so long after its time an answer is still given, while a newer one is fetched.
    pub(crate) stale_while_revalidate: Option<Span>,
    /// For so long after its time an answer is given in place of a failure.
    pub(crate) stale_if_error: Option<Span>,
    /// Names by which answers of several tools are forgotten together.
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    /// Arguments of calls that are made when the tool is offered, so that their answers are there. Only with the
    /// scope `public`.
    #[serde(default)]
    pub(crate) warm: Vec<Map<String, Value>>,
    /// Lists whose change makes everything be forgotten.
    #[serde(default)]
    pub(crate) forget_on_list_changed: Vec<List>,
}

/// Who may share an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Everybody.
    Public,
    /// The callers of one tenant.
    Tenant,
    /// The caller alone.
    #[default]
    Private,
}

/// A list that clients fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum List {
    Tools,
    Resources,
    Prompts,
}

/// How long failures are kept if nothing is said: long enough for a flood, short enough to be forgotten.
fn error_ttl() -> Span {
    Span(std::time::Duration::from_secs(10))
}

impl Cache {
    /// The policy that these settings describe.
    pub(crate) fn policy(&self) -> CachePolicy {
        let sharing = match self.scope {
            Scope::Public => CacheSharing::Public,
            Scope::Tenant => CacheSharing::Tenant,
            Scope::Private => CacheSharing::Private,
        };
        let lists = self.forget_on_list_changed.iter().map(|list| match list {
            List::Tools => ListKind::Tools,
            List::Resources => ListKind::Resources,
            List::Prompts => ListKind::Prompts,
        });
        let mut policy = CachePolicy::ttl(self.ttl.0)
            .sharing(sharing)
            .keep_errors(self.errors.clone(), self.error_ttl.0)
            .tags(self.tags.clone())
            .warm(self.warm.iter().cloned().map(Value::Object))
            .forget_on_list_changed(lists);
        if let Some(bytes) = self.max_bytes {
            policy = policy.max_bytes(bytes.0);
        }
        if let Some(entries) = self.entries_max {
            policy = policy.entries_max(entries);
        }
        if let Some(bytes) = self.bytes_max {
            policy = policy.bytes_max(bytes.0);
        }
        if let Some(order) = self.eviction {
            policy = policy.eviction(order.into());
        }
        if let Some(fields) = &self.key_fields {
            policy = policy.key_fields(fields.clone());
        }
        if let Some(window) = self.stale_while_revalidate {
            policy = policy.stale_while_revalidate(window.0);
        }
        if let Some(window) = self.stale_if_error {
            policy = policy.stale_if_error(window.0);
        }
        policy
    }
}
