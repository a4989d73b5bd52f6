//! Keys: what tells two calls apart, and what does not.

use std::sync::Arc;

use impresario_codec::Document;

use super::*;

fn caller(tenant: Option<&str>, principal: Option<&str>) -> Caller {
    Caller { tenant: tenant.map(Arc::from), principal: principal.map(Arc::from), address: None }
}

/// Keys by all arguments, or by those fields.
struct Keys(KeySeed, Option<Vec<KeyField>>);

impl Keys {
    fn of_all() -> Self {
        Self(KeySeed::random(), None)
    }

    fn of(fields: &[&str]) -> Self {
        let fields = fields.iter().map(|field| KeyField::parse(field).unwrap());
        Self(KeySeed::random(), Some(fields.collect()))
    }

    fn key(&self, sharing: CacheSharing, caller: &Caller, json: &str) -> CacheKey {
        let document = Document::parse(json.as_bytes(), 64).unwrap();
        self.0.key(sharing, caller, Some(document.root()), self.1.as_deref())
    }

    fn public(&self, json: &str) -> CacheKey {
        self.key(CacheSharing::Public, &Caller::default(), json)
    }
}

#[test]
fn arguments_are_told_apart_by_value_and_type_and_not_by_order() {
    let keys = Keys::of_all();
    let base = keys.public(r#"{"a":1,"b":[2,"3"]}"#);
    assert_eq!(base, keys.public(r#"{ "b" : [2, "3"], "a" : 1 }"#));
    for other in [
        r#"{"a":1,"b":["3",2]}"#,
        r#"{"a":1,"b":[2,3]}"#,
        r#"{"a":1.0,"b":[2,"3"]}"#,
        r#"{"a":1,"b":[2],"c":"3"}"#,
        r#"{"a":null,"b":[2,"3"]}"#,
        "{}",
    ] {
        assert_ne!(base, keys.public(other), "{other}");
    }
    assert_ne!(keys.public(r#"{"a":1,"a":2}"#), keys.public(r#"{"a":2,"a":1}"#), "the last one may decide");
}

#[test]
fn an_answer_is_for_everybody_for_a_tenant_or_for_one_caller() {
    let keys = Keys::of_all();
    let everybody = [
        caller(None, None),
        caller(None, Some("ada")),
        caller(None, Some("bob")),
        caller(Some("acme"), Some("ada")),
        caller(Some("acme"), Some("bob")),
        caller(Some("ada"), Some("ada")),
        caller(Some("zeta"), Some("ada")),
        Caller::from_address([10, 0, 0, 1].into()),
        Caller::from_address([10, 0, 0, 2].into()),
    ];
    let same = |sharing, left: usize, right: usize| {
        keys.key(sharing, &everybody[left], "{}") == keys.key(sharing, &everybody[right], "{}")
    };
    for left in 0..everybody.len() {
        for right in 0..everybody.len() {
            let (one, other) = (&everybody[left], &everybody[right]);
            assert!(same(CacheSharing::Public, left, right));
            assert_eq!(same(CacheSharing::Private, left, right), left == right, "{one:?} {other:?}");
            let share = left == right || one.tenant.is_some() && one.tenant == other.tenant;
            assert_eq!(same(CacheSharing::Tenant, left, right), share, "{one:?} {other:?}");
        }
    }
    assert_ne!(
        keys.key(CacheSharing::Tenant, &caller(Some("x"), None), "{}"),
        keys.key(CacheSharing::Private, &caller(Some("x"), None), "{}"),
    );
}

#[test]
fn only_the_key_fields_decide() {
    let keys = Keys::of(&["city", "options.units", "/places/1"]);
    let base =
        keys.public(r#"{"city":"Oslo","options":{"units":"si","verbose":true},"places":[1,2],"trace":"x"}"#);
    let same = r#"{"trace":7,"places":[9,2,3],"options":{"units":"si"},"city":"Oslo"}"#;
    assert_eq!(base, keys.public(same));
    for other in [
        r#"{"city":"Rome","options":{"units":"si"},"places":[1,2]}"#,
        r#"{"city":"Oslo","options":{"units":"us"},"places":[1,2]}"#,
        r#"{"city":"Oslo","options":{"units":null},"places":[1,2]}"#,
        r#"{"city":"Oslo","options":{},"places":[1,2]}"#,
        r#"{"city":"Oslo","options":"si","places":[1,2]}"#,
        r#"{"city":"Oslo","options":{"units":"si"},"places":[1,3]}"#,
        r#"{"city":"Oslo","options":{"units":"si"},"places":[1]}"#,
        r#"{"city":"Oslo","options":{"units":"si"}}"#,
        // A tool may read the last of two members of one name: nobody plants an answer under another's key.
        r#"{"city":"Oslo","city":"Rome","options":{"units":"si"},"places":[1,2]}"#,
        r#"{"city":"Oslo","options":{"units":"si"},"options":{"units":"us"},"places":[1,2]}"#,
        "{}",
    ] {
        assert_ne!(base, keys.public(other), "{other}");
    }
    let none = Keys::of(&[]);
    assert_eq!(none.public(r#"{"a":1}"#), none.public("{}"), "no argument decides");
    assert_ne!(
        none.key(CacheSharing::Private, &caller(None, Some("ada")), "{}"),
        none.key(CacheSharing::Private, &caller(None, Some("bob")), "{}"),
        "who asks still does"
    );
}

#[test]
fn pointers_may_hold_slashes_and_tildes() {
    assert_eq!(KeyField::parse("/a~1b/c~0d.e").unwrap().names(), ["a/b", "c~d.e"]);
    assert_eq!(KeyField::parse("a.b").unwrap().names(), ["a", "b"]);
    for bad in ["", "/", ".a", "a.", "a..b", "/a//b"] {
        assert_eq!(KeyField::parse(bad), None, "{bad}");
    }
}
