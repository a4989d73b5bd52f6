//! Who is calling, once that is proven: a principal, its tenant, and what it was given leave to do.
//!
//! Everything that must not be shared between callers is keyed by [`Principal::id`], and by nothing else: a name alone
//! is unique only to whoever gave it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// Somebody whose identity is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    tenant: Option<Arc<str>>,
    name: Arc<str>,
    authority: Arc<str>,
    /// Tenant, authority and name, so that no two of them can be mistaken for another's.
    id: Arc<str>,
    /// What it may ask for.
    pub scopes: Scopes,
    /// When what proves it ends to be accepted. Nothing that is held for it, a session above all, may outlive that.
    pub expires_at: Option<SystemTime>,
    /// How it was proven.
    pub method: AuthMethod,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// A bearer token that an authorization server signed.
    Token,
    /// A key that the operator made.
    ApiKey,
    /// A certificate, shown in the TLS handshake.
    Certificate,
    /// A proxy that is trusted says so.
    Proxy,
    /// Whoever started the process says so.
    Environment,
}

impl AuthMethod {
    /// The word for it in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ApiKey => "api_key",
            Self::Certificate => "certificate",
            Self::Proxy => "proxy",
            Self::Environment => "environment",
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that can't be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {max} bytes and no control characters", max = Principal::NAME_BYTES_MAX)]
pub struct NameError;

impl Principal {
    /// The longest name of a principal or tenant.
    pub const NAME_BYTES_MAX: usize = 256;

    /// A principal without scopes that never expires.
    ///
    /// The `authority` is who vouches for the name: the issuer of a token, or the word for another method. Equal names
    /// of different authorities are different principals.
    ///
    /// # Errors
    /// One of the names is empty, too long, or holds control characters.
    pub fn new(
        tenant: Option<&str>,
        authority: &str,
        name: &str,
        method: AuthMethod,
    ) -> Result<Self, NameError> {
        let is_name = |name: &str| {
            !name.is_empty() && name.len() <= Self::NAME_BYTES_MAX && !name.chars().any(char::is_control)
        };
        if !is_name(name) || !is_name(authority) || !tenant.is_none_or(is_name) {
            return Err(NameError);
        }
        // A control character is in none of them, so it parts them unmistakably.
        let id = format!("{}\u{1f}{authority}\u{1f}{name}", tenant.unwrap_or_default());
        Ok(Self {
            tenant: tenant.map(Arc::from),
            name: name.into(),
            authority: authority.into(),
            id: id.into(),
            scopes: Scopes::default(),
            expires_at: None,
            method,
        })
    }

    /// The tenant that it belongs to; none where there are no tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<&Arc<str>> {
        self.tenant.as_ref()
    }

    /// What it is called, for people. It is not unique: see [`Principal::id`].
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Who vouches for the name.
    #[must_use]
    pub fn authority(&self) -> &Arc<str> {
        &self.authority
    }

    /// What no other principal has: what is kept for callers is keyed by it. Not for people to read.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Whether what proved it has ended by then.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }
}

/// A set of scopes, those that they imply included.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Scopes(Arc<[Arc<str>]>);

impl Scopes {
    /// The most scopes of one principal, those that are implied included.
    pub const COUNT_MAX: usize = 1_024;

    /// These scopes and what they imply. Words that can't be scopes are left out, so they allow nothing.
    pub fn new<S: AsRef<str>>(granted: impl IntoIterator<Item = S>, implied: &ScopeTree) -> Self {
        let mut all = BTreeSet::new();
        for scope in granted {
            let scope = scope.as_ref();
            if is_scope(scope) && all.len() < Self::COUNT_MAX {
                all.insert(Arc::from(scope));
                all.extend(implied.below(scope).take(Self::COUNT_MAX - all.len()).cloned());
            }
        }
        Self(all.into_iter().collect())
    }

    /// Whether it was granted, or is implied by what was.
    #[must_use]
    pub fn allows(&self, needed: &str) -> bool {
        self.0.binary_search_by(|scope| (**scope).cmp(needed)).is_ok()
    }

    /// All that is missing of what is needed, so that one challenge can name all of it.
    pub fn missing<'n, N: AsRef<str>>(&self, needed: &'n [N]) -> Vec<&'n str> {
        needed.iter().map(AsRef::as_ref).filter(|scope| !self.allows(scope)).collect()
    }

    /// Every one of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Whether a text can be a scope in RFC 6749's grammar: visible ASCII without `"` and `\`.
#[must_use]
pub fn is_scope(text: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Which scope implies which others, through any number of steps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeTree(BTreeMap<Arc<str>, BTreeSet<Arc<str>>>);

impl ScopeTree {
    /// Reads pairs of a broad scope and the narrower ones that it implies. A circle means that all in it are equal.
    pub fn new<S: AsRef<str>>(pairs: impl IntoIterator<Item = (S, Vec<S>)>) -> Self {
        let direct: BTreeMap<Arc<str>, Vec<Arc<str>>> = pairs
            .into_iter()
            .map(|(broad, narrow)| {
                (Arc::from(broad.as_ref()), narrow.iter().map(|scope| Arc::from(scope.as_ref())).collect())
            })
            .collect();
        let closed = direct.keys().map(|broad| (Arc::clone(broad), reachable(broad, &direct)));
        Self(closed.collect())
    }

    fn below(&self, scope: &str) -> impl Iterator<Item = &Arc<str>> {
        self.0.get(scope).into_iter().flatten()
    }
}

fn reachable(from: &Arc<str>, direct: &BTreeMap<Arc<str>, Vec<Arc<str>>>) -> BTreeSet<Arc<str>> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(scope) = open.pop() {
        for narrow in direct.get(scope).into_iter().flatten() {
            if found.insert(Arc::clone(narrow)) {
                open.push(narrow);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(tenant: Option<&str>, authority: &str, name: &str) -> Arc<str> {
        Arc::clone(Principal::new(tenant, authority, name, AuthMethod::Token).unwrap().id())
    }

    #[test]
    fn nobody_can_be_named_so_that_they_are_somebody_else() {
        let all = [
            id(None, "a", "b"),
            id(Some("a"), "b", "c"),
            id(None, "ab", "c"),
            id(None, "a", "bc"),
            id(Some("b"), "a", "c"),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for wrong in ["", "a\u{1f}b", "a\nb", "\u{7f}", &"n".repeat(257)] {
            assert_eq!(Principal::new(None, "a", wrong, AuthMethod::Token), Err(NameError), "{wrong:?}");
            assert_eq!(Principal::new(Some(wrong), "a", "b", AuthMethod::Token), Err(NameError));
            assert_eq!(Principal::new(None, wrong, "b", AuthMethod::Token), Err(NameError));
        }
    }

    #[test]
    fn a_broad_scope_implies_narrower_ones_and_never_the_other_way_round() {
        let tree = ScopeTree::new([
            ("admin", vec!["write"]),
            ("write", vec!["read"]),
            ("x", vec!["y"]),
            ("y", vec!["x"]),
        ]);
        let admin = Scopes::new(["admin"], &tree);
        assert!(["admin", "write", "read"].iter().all(|scope| admin.allows(scope)));
        let read = Scopes::new(["read"], &tree);
        assert!(read.allows("read") && !read.allows("write") && !read.allows("admin") && !read.allows(""));
        assert!(Scopes::new(["y"], &tree).allows("x"));
        assert!(!Scopes::default().allows("read"));
    }

    #[test]
    fn all_missing_scopes_are_named_at_once() {
        let scopes = Scopes::new(["a", "c"], &ScopeTree::default());
        assert_eq!(scopes.missing(&["a", "b", "c", "d"]), ["b", "d"]);
        assert!(scopes.missing::<&str>(&[]).is_empty());
    }

    #[test]
    fn what_can_not_be_a_scope_allows_nothing() {
        let scopes = Scopes::new(["a b", "", "a\"", "a\\", "ü", "ok"], &ScopeTree::default());
        assert_eq!(scopes.iter().collect::<Vec<_>>(), ["ok"]);
        let many = (0..5_000).map(|number| number.to_string());
        assert_eq!(Scopes::new(many, &ScopeTree::default()).iter().count(), Scopes::COUNT_MAX);
    }
}
