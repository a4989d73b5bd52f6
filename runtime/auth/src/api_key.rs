//! Keys that the operator makes: `imp_<id>_<secret>`. Only the hash of a key is kept, so the settings give none away.
//!
//! A plain SHA-256 is enough, because the secret is 256 random bits: nobody can try them. The id finds the entry, and
//! is no secret; the hashes are compared in a time that does not depend on them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use impresario_engine::{AuthMethod, Principal, ScopeTree, Scopes};
use impresario_settings::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::problem::Problem;
use crate::settings::{KeySettings, SettingsError};

/// What every key begins with, so that one that is found somewhere is known for what it is.
pub(crate) const PREFIX: &str = "imp_";

/// What a secret has at least: 256 bits in the least dense spelling that is accepted.
const SECRET_CHARS_MIN: usize = 43;

/// Hashes that are no secret's: those of words that stand in examples.
const GUESSABLE: &[&str] = &[
    "",
    "secret",
    "secret-api-key",
    "changeme",
    "password",
    "test",
    "key",
    "apikey",
    "api-key",
    "admin",
    "demo",
];

type Hash = [u8; 32];

/// The keys that are accepted, by id.
#[derive(Debug, Default)]
pub(crate) struct ApiKeys(HashMap<String, ApiKey>);

#[derive(Debug)]
struct ApiKey {
    hash: Hash,
    not_before: Option<SystemTime>,
    principal: Arc<Principal>,
}

/// A key that was just made. It is shown once, and nowhere kept.
pub struct NewKey {
    /// The key itself, for whoever will use it.
    pub key: Secret,
    /// For the settings.
    pub id: String,
    /// For the settings.
    pub hash: String,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes a key: 64 random bits to find it by, and 256 to prove it.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn new_key() -> Result<NewKey, getrandom::Error> {
    let (mut id, mut secret) = ([0; 8], [0; 32]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    let id = hex(&id);
    let key = format!("{PREFIX}{id}_{}", hex(&secret));
    let hash = format!("sha256:{}", hex(&hash_of(&key)));
    Ok(NewKey { key: Secret::new(key), id, hash })
}

impl ApiKeys {
    /// Reads the keys of the settings.
    pub(crate) fn open(settings: &[KeySettings], tree: &ScopeTree) -> Result<Self, SettingsError> {
        let mut keys = HashMap::new();
        for (at, written) in settings.iter().enumerate() {
            let wrong = |key: &str, problem: &str| SettingsError::new(format!("keys[{at}].{key}"), problem);
            if !is_id(&written.id) {
                return Err(wrong("id", "is 8 to 32 of a-z and 0-9: the part of the key after `imp_`"));
            }
            let hash = read_hash(&written.hash).map_err(|problem| wrong("hash", problem))?;
            let time = |key: &str, text: &Option<String>| {
                let read = |text: &String| {
                    read_time(text).ok_or_else(|| wrong(key, "is a time such as `2027-01-31T00:00:00Z`"))
                };
                text.as_ref().map(read).transpose()
            };
            let mut principal =
                Principal::new(written.tenant.as_deref(), "api_key", &written.name, AuthMethod::ApiKey)
                    .map_err(|error| wrong("name", &error.to_string()))?;
            principal.scopes = Scopes::new(&written.scopes, tree);
            principal.expires_at = time("expires", &written.expires)?;
            let not_before = time("not_before", &written.not_before)?;
            let key = ApiKey { hash, not_before, principal: Arc::new(principal) };
            if keys.insert(written.id.clone(), key).is_some() {
                return Err(wrong("id", "is that of another key too"));
            }
        }
        Ok(Self(keys))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whom a key stands for.
    pub(crate) fn verify(&self, presented: &str, now: SystemTime) -> Result<Arc<Principal>, Problem> {
        let (id, secret) =
            presented.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(Problem::ApiKey)?;
        if !is_id(id) || !is_secret(secret) {
            return Err(Problem::ApiKey);
        }
        let key = self.0.get(id).ok_or(Problem::ApiKey)?;
        if !bool::from(key.hash.ct_eq(&hash_of(presented))) {
            return Err(Problem::ApiKey);
        }
        if key.principal.is_expired(now) || key.not_before.is_some_and(|not_before| now < not_before) {
            return Err(Problem::ApiKeyTime);
        }
        Ok(Arc::clone(&key.principal))
    }
}

fn is_id(text: &str) -> bool {
    (8..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_secret(text: &str) -> bool {
    (SECRET_CHARS_MIN..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn hash_of(key: &str) -> Hash {
    Sha256::digest(key.as_bytes()).into()
}

fn read_hash(written: &str) -> Result<Hash, &'static str> {
    let wanted = "is `sha256:` and 64 hex digits; never write the key itself here";
    let digits = written.strip_prefix("sha256:").ok_or(wanted)?;
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wanted);
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).map_err(|_| wanted)?;
    }
    if hash == [hash[0]; 32] || GUESSABLE.iter().any(|word| hash == hash_of(word)) {
        return Err("is the hash of a placeholder; make a key and take its hash");
    }
    Ok(hash)
}

fn read_time(text: &str) -> Option<SystemTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(SystemTime::from)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(new: &NewKey) -> KeySettings {
        KeySettings {
            id: new.id.clone(),
            hash: new.hash.clone(),
            name: "ci".into(),
            tenant: Some("acme".into()),
            scopes: vec!["read".into()],
            not_before: Some("2026-01-01T00:00:00Z".into()),
            expires: Some("2026-02-01T00:00:00+00:00".into()),
        }
    }

    fn at(text: &str) -> SystemTime {
        read_time(text).unwrap()
    }

    #[test]
    fn a_key_is_accepted_as_it_was_made_while_it_is_valid() {
        let new = new_key().unwrap();
        let keys = ApiKeys::open(&[settings(&new)], &ScopeTree::default()).unwrap();
        let during = at("2026-01-15T00:00:00Z");
        let principal = keys.verify(new.key.reveal(), during).unwrap();
        assert_eq!((&**principal.name(), principal.method), ("ci", AuthMethod::ApiKey));
        assert!(principal.scopes.allows("read") && !principal.scopes.allows("write"));
        for out_of_time in ["2025-12-31T23:59:59Z", "2026-02-01T00:00:00Z"] {
            assert_eq!(keys.verify(new.key.reveal(), at(out_of_time)), Err(Problem::ApiKeyTime));
        }
        assert!(keys.verify(new.key.reveal(), at("2026-02-01T00:00:00Z") - Duration::from_secs(1)).is_ok());
        let other = new_key().unwrap();
        let secret = |key: &NewKey| key.key.reveal().rsplit_once('_').unwrap().1.to_owned();
        for wrong in [
            String::new(),
            "imp_".into(),
            format!("imp_{}_", new.id),
            format!("imp_{}_{}", new.id, secret(&other)),
            format!("imp_{}_{}", other.id, secret(&new)),
            format!("{}0", new.key.reveal()),
            new.key.reveal().to_uppercase(),
            new.key.reveal()[1..].to_owned(),
            other.key.reveal().to_owned(),
            new.hash.clone(),
        ] {
            assert_eq!(keys.verify(&wrong, during), Err(Problem::ApiKey), "{wrong}");
        }
    }

    #[test]
    fn settings_with_a_weak_or_wrong_key_are_refused() {
        let good = settings(&new_key().unwrap());
        let open = |change: &dyn Fn(&mut KeySettings)| {
            let mut changed = good.clone();
            change(&mut changed);
            ApiKeys::open(&[changed], &ScopeTree::default()).map_err(|error| error.key)
        };
        let of = |word: &str| format!("sha256:{}", hex(&hash_of(word)));
        for hash in [
            String::new(),
            "secret".into(),
            "sha256:".into(),
            format!("sha256:{}", "0".repeat(64)),
            format!("sha256:{}", "é".repeat(32)),
            of(""),
            of("changeme"),
            good.hash[7..].to_owned(),
        ] {
            let refused = open(&|key| key.hash.clone_from(&hash)).unwrap_err();
            assert_eq!(refused, "keys[0].hash", "{hash}");
        }
        for id in ["", "short", "UPPERCASE", "with_under_score", &"a".repeat(33)] {
            assert_eq!(open(&|key| key.id = id.into()).unwrap_err(), "keys[0].id", "{id}");
        }
        assert_eq!(open(&|key| key.name = String::new()).unwrap_err(), "keys[0].name");
        assert_eq!(open(&|key| key.expires = Some("soon".into())).unwrap_err(), "keys[0].expires");
        let twice = ApiKeys::open(&[good.clone(), good.clone()], &ScopeTree::default());
        assert_eq!(twice.unwrap_err().key, "keys[1].id");
    }

    #[test]
    fn a_new_key_is_in_no_debug_text() {
        let new = new_key().unwrap();
        assert!(!format!("{new:?}").contains(new.key.reveal().rsplit_once('_').unwrap().1));
        assert_ne!(new.id, new_key().unwrap().id);
    }
}
