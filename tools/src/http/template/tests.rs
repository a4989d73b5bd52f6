//! What arguments may and may not do to what they are filled into.

use proptest::prelude::*;
use serde_json::json;
use url::Url;

use super::*;

fn arguments(value: Value) -> JsonObject {
    serde_json::from_value(value).unwrap()
}

fn path(template: &str, id: impl Into<Value>) -> Result<String, String> {
    Path::parse(template).unwrap().fill(&arguments(json!({ "id": id.into() })))
}

#[test]
fn a_text_is_read_with_its_arguments_and_braces() {
    let filled =
        |text: &str| Text::parse(text).unwrap().fill_plain(&arguments(json!({"a": "x", "n": 2, "z": null})));
    for (text, expected) in [
        ("", Some("")),
        ("plain", Some("plain")),
        ("{a}", Some("x")),
        ("<{a}{n}>", Some("<x2>")),
        ("{{a}} {{{a}}}", Some("{a} {x}")),
        ("{missing}", None),
        ("{z}", None),
    ] {
        assert_eq!(filled(text).as_deref(), expected, "{text}");
    }
    for wrong in ["{", "}", "{}", "{a", "a}", "{a{b}}"] {
        assert!(Text::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_argument_stays_within_its_segment() {
    for (id, expected) in [
        ("../", "/users/..%2F/posts"),
        ("../../admin", "/users/..%2F..%2Fadmin/posts"),
        ("%2e%2e%2f", "/users/%252e%252e%252f/posts"),
        ("?a=b", "/users/%3Fa%3Db/posts"),
        ("#", "/users/%23/posts"),
        ("a\r\nHost: evil", "/users/a%0D%0AHost%3A%20evil/posts"),
        ("//evil", "/users/%2F%2Fevil/posts"),
        ("@evil", "/users/%40evil/posts"),
        ("\\..\\", "/users/%5C..%5C/posts"),
        ("ü ", "/users/%C3%BC%20/posts"),
        ("\0", "/users/%00/posts"),
    ] {
        assert_eq!(path("/users/{id}/posts", id).unwrap(), expected);
    }
    assert_eq!(path("/{id}", json!(["a/b", 2])).unwrap(), "/a%2Fb,2");
    assert_eq!(path("/{id}", 1.5).unwrap(), "/1.5");
    assert_eq!(path("/a b/ü/{id}", "x").unwrap(), "/a%20b/%C3%BC/x");
}

#[test]
fn what_would_name_another_path_is_refused() {
    for id in [json!(".."), json!("."), json!(""), Value::Null, json!([])] {
        assert!(path("/users/{id}/posts", id.clone()).unwrap_err().contains("`id` must"), "{id}");
    }
    assert!(path("/a/.{id}", ".").is_err());
    assert!(path("/a/%2E{id}", ".").is_err());
    assert!(path("/a/{id}.json", "..").is_ok(), "more than dots");
    for wrong in ["users", "", "https://a/b", "/a?b", "/a#b", "/a\\b", "/a\nb"] {
        assert!(Path::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn json_keeps_types_and_leaves_out_what_was_not_given() {
    let template = json!({
        "id": "{id}",
        "label": "number {id}",
        "tags": ["{tag}", "fixed", "{missing}"],
        "deep": { "missing": "{missing}", "flag": true },
        "list": "{list}",
    });
    let filled = Json::parse(&template)
        .unwrap()
        .fill(&arguments(json!({"id": 7, "tag": "\"}", "list": [1, {"a": 2}]})));
    let expected = json!({
        "id": 7,
        "label": "number 7",
        "tags": ["\"}", "fixed"],
        "deep": { "flag": true },
        "list": [1, { "a": 2 }],
    });
    assert_eq!(filled, Some(expected));
}

proptest! {
    #[test]
    fn whatever_an_argument_is_the_url_has_its_segments(id in ".{0,20}", other in "\\PC{0,20}") {
        let given = arguments(json!({"id": id, "other": other}));
        let template = Path::parse("/v1/{id}/x-{other}/end").unwrap();
        if let Ok(path) = template.fill(&given) {
            let url = Url::parse(&format!("https://api.example.com{path}")).unwrap();
            prop_assert_eq!(url.path(), &path, "a parser leaves it as it is");
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 4);
            prop_assert_eq!((segments[0], segments[3]), ("v1", "end"));
            let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap();
            prop_assert_eq!(decoded, id);
            prop_assert_eq!((url.host_str(), url.query(), url.fragment()), (Some("api.example.com"), None, None));
        }
    }
}
