//! `[tools.NAME.cache]`: how the answers of a tool are kept, in the words of the engine's `CachePolicy`.

use impresario_engine::{CachePolicy, CacheScope};
use impresario_tools::setting::{Bytes, Span};
use schemars::JsonSchema;
use serde::Deserialize;

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
}

/// Who may share an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    /// Everybody.
    Public,
    /// The caller alone.
    #[default]
    Private,
}

impl Cache {
    /// The policy that these settings describe.
    pub(crate) fn policy(&self) -> CachePolicy {
        let Self { ttl, scope, max_bytes } = self;
        let scope = match scope {
            Scope::Public => CacheScope::Public,
            Scope::Private => CacheScope::Private,
        };
        let policy = CachePolicy::ttl(ttl.0).scope(scope);
        max_bytes.iter().fold(policy, |policy, bytes| policy.max_bytes(bytes.0))
    }
}
