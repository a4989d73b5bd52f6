//! What an answer is kept under: a keyed hash of everything that decided it, who may see it first.

use std::hash::Hasher as _;
use std::net::IpAddr;

use impresario_codec::{Node, NodeKind};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::policy::CacheSharing;
use crate::caller::Caller;

/// What an answer is kept under within its tool: a keyed 128-bit hash of everything that decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey(pub(super) u128);

/// An argument that decides an answer, by the names that lead to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyField(Box<[String]>);

impl KeyField {
    /// A field from a JSON pointer (`/options/units`) or a dotted path (`options.units`). None when a name is missing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let names: Box<[String]> = match text.strip_prefix('/') {
            Some(pointer) => {
                pointer.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect()
            }
            None => text.split('.').map(ToOwned::to_owned).collect(),
        };
        names.iter().all(|name| !name.is_empty()).then_some(Self(names))
    }

    /// The names, from the outside in.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }
}

/// What all keys of one process begin with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeySeed([u8; 16]);

impl KeySeed {
    /// Random, so that nobody can look for collisions.
    pub(crate) fn random() -> Self {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).expect("the operating system gives random bytes");
        Self(seed)
    }

    /// The key of a call: by all its arguments, or by those fields of them.
    pub(crate) fn key(
        self,
        sharing: CacheSharing,
        caller: &Caller,
        arguments: Option<Node<'_>>,
        fields: Option<&[KeyField]>,
    ) -> CacheKey {
        let mut parts = Parts(SipHasher13::new_with_key(&self.0));
        parts.whose(sharing, caller);
        match fields {
            Some(fields) => fields.iter().for_each(|field| parts.field(arguments, field.names())),
            None => match arguments {
                Some(arguments) => parts.node(arguments),
                None => parts.number(0),
            },
        }
        CacheKey(parts.0.finish128().as_u128())
    }
}

/// In the place of an argument that is not there.
const ABSENT: u64 = u64::MAX;

/// Hashes parts, each with its length before it, so that no two lists of parts look alike.
struct Parts(SipHasher13);

impl Parts {
    fn number(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.write(bytes);
    }

    /// Those who share the answer.
    fn whose(&mut self, sharing: CacheSharing, caller: &Caller) {
        match (sharing, &caller.tenant) {
            (CacheSharing::Public, _) => self.number(0),
            (CacheSharing::Tenant, Some(tenant)) => {
                self.number(1);
                self.bytes(tenant.as_bytes());
            }
            // Who has no tenant has nobody to share with.
            (CacheSharing::Tenant | CacheSharing::Private, tenant) => {
                self.number(2);
                self.bytes(tenant.as_deref().unwrap_or_default().as_bytes());
                let (principal, address) = caller.partition();
                self.bytes(principal.as_bytes());
                match address {
                    Some(IpAddr::V4(address)) => self.bytes(&address.octets()),
                    Some(IpAddr::V6(address)) => self.bytes(&address.octets()),
                    None => self.number(0),
                }
            }
        }
    }

    /// What stands at the end of a path. Members of one name are all hashed: which of them a tool will read is
    /// not ours to say, and two calls that differ in one must not share an answer.
    fn field(&mut self, node: Option<Node<'_>>, path: &[String]) {
        let Some(node) = node else { return self.number(ABSENT) };
        let Some((name, rest)) = path.split_first() else { return self.node(node) };
        match node.kind() {
            NodeKind::Object => {
                let named = || node.members().filter(|(member, _)| member == name);
                self.number(named().count() as u64);
                named().for_each(|(_, value)| self.field(Some(value), rest));
            }
            NodeKind::Array => {
                self.field(name.parse().ok().and_then(|place| node.elements().nth(place)), rest);
            }
            NodeKind::Null | NodeKind::Bool | NodeKind::Integer | NodeKind::Float | NodeKind::String => {
                self.number(ABSENT);
            }
        }
    }

    /// A value in canonical form: members sorted by name. Depth is bounded by the decoder.
    fn node(&mut self, node: Node<'_>) {
        self.number(node.kind() as u64);
        match node.kind() {
            NodeKind::Null => {}
            NodeKind::Bool => self.number(u64::from(node.as_bool() == Some(true))),
            NodeKind::Integer => match node.as_i64() {
                Some(number) => self.number(number.cast_unsigned()),
                None => self.bytes(&node.as_u64().unwrap_or_default().to_be_bytes()),
            },
            NodeKind::Float => self.number(node.as_f64().unwrap_or_default().to_bits()),
            NodeKind::String => self.bytes(node.as_str().unwrap_or_default().as_bytes()),
            NodeKind::Array => {
                self.number(node.len() as u64);
                node.elements().for_each(|element| self.node(element));
            }
            NodeKind::Object => {
                let mut members: Vec<_> = node.members().collect();
                // Stable: members of one name stay in their order, which decides which of them a tool reads.
                members.sort_by_key(|(name, _)| *name);
                self.number(members.len() as u64);
                for (name, value) in members {
                    self.bytes(name.as_bytes());
                    self.node(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
