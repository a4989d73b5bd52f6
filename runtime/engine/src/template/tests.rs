//! URIs and templates as rows: what matches, what is refused and where, what expands, and how long it takes.

use super::*;

/// The values as `name=value;name=value`, or `no match`.
fn matched(template: &str, uri: &str) -> String {
    let Some(found) = UriTemplate::parse(template).unwrap().matches(uri) else {
        return "no match".into();
    };
    found.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";")
}

#[test]
fn a_uri_is_matched_or_refused() {
    let rows = [
        ("config://app", "config://app", ""),
        ("config://app", "config://app/", "no match"),
        ("greeting://{name}", "greeting://Ada", "name=Ada"),
        ("greeting://{name}", "greeting://", "no match"),
        ("greeting://{name}", "greeting://a/b", "no match"),
        ("greeting://{name}", "greeting://a%2Fb", "name=a/b"),
        ("greeting://{name}", "greeting://%C3%A9", "name=é"),
        ("greeting://{name}", "greeting://é", "name=é"),
        ("greeting://{name}", "greeting://%ff", "no match"),
        ("greeting://{name}", "greeting://50%", "no match"),
        ("greeting://{name}", "greeting://5%zz", "no match"),
        ("greeting://{name}", "greeting://x?y", "no match"),
        ("café://{name}", "café://x", "name=x"),
        ("café://{name}", "caf%C3%A9://x", "name=x"),
        ("t://{id}/full", "t://7/full", "id=7"),
        ("t://{id}/full", "t://7/fully", "no match"),
        ("t://{a}-{b}", "t://x-y-z", "a=x-y;b=z"),
        ("t://{a}2F", "t://x%2F", "no match"),
        ("t://{a,b}", "t://1,2", "a=1;b=2"),
        ("t://{a,b}", "t://1", "a=1"),
        ("t://{a,b}", "t://1,2,3", "no match"),
        ("t://{a}", "t://1,2,3", "a=1,2,3"),
        ("t://{a,rest*}", "t://1,2,3", "a=1;rest=2,3"),
        ("t://{a:3}", "t://abc", "a=abc"),
        ("t://{a:3}", "t://abcd", "no match"),
        ("t://{a:2}", "t://%C3%A9%C3%A9", "a=éé"),
        ("t://{a:2}c{b}", "t://abcc", "a=ab;b=c"),
        ("file:///{+path}", "file:///a/b%20c.txt", "path=a/b c.txt"),
        ("file:///{+path}.txt", "file:///a.txt/b.txt", "path=a.txt/b"),
        ("file:///{+path}{?rev}", "file:///a/b?rev=3", "path=a/b;rev=3"),
        ("t://x{#part}", "t://x#a/b", "part=a/b"),
        ("t://x{#part}", "t://x", ""),
        ("t://{name}{.kind}", "t://report.pdf", "name=report;kind=pdf"),
        ("t://{name}{.kind}", "t://report", "name=report"),
        ("t://{name}{/page}{.kind}", "t://report.pdf", "name=report;kind=pdf"),
        ("t://x{.parts*}", "t://x.a.b", "parts=a,b"),
        ("t://x{/a,b}", "t://x/1/2", "a=1;b=2"),
        ("t://x{/a,b}", "t://x/1", "a=1"),
        ("t://x{/a}{/b}", "t://x/1/2", "a=1;b=2"),
        ("t://x{/a}", "t://x/1/2", "no match"),
        ("t://x{/path*}", "t://x/1/2/3", "path=1,2,3"),
        ("t://x{/path*}", "t://x", ""),
        ("t://x{;a,b}", "t://x;a=1;b", "a=1;b="),
        ("t://x{?a,b}", "t://x?a=1&b=2", "a=1;b=2"),
        ("t://x{?a,b}", "t://x?b=2&a=1", "b=2;a=1"),
        ("t://x{?a,b}", "t://x?b=", "b="),
        ("t://x{?a,b}", "t://x", ""),
        ("t://x{?a,b}", "t://x?", "no match"),
        ("t://x{?a,b}", "t://x?c=1", "no match"),
        ("t://x{?a,b}", "t://x?a=1&a=2", "no match"),
        ("t://x{?a,ab}", "t://x?ab=1&a=2", "ab=1;a=2"),
        ("t://x{?a:1}", "t://x?a=12", "no match"),
        ("t://x{?tags*}", "t://x?tags=a&tags=b", "tags=a,b"),
        ("t://x{?tags}", "t://x?tags=a,b", "tags=a,b"),
        ("t://x?fixed=1{&a}", "t://x?fixed=1&a=2", "a=2"),
        ("t://x{?a}{&b}", "t://x?a=1&b=2", "a=1;b=2"),
        ("t://x{?a}#end", "t://x?a=1#end", "a=1"),
        ("{+any}", "a/b?c#d", "any=a/b?c#d"),
        ("", "", ""),
        ("", "x", "no match"),
    ];
    for (template, uri, expected) in rows {
        assert_eq!(matched(template, uri), expected, "{template} on {uri}");
    }
}

#[test]
fn a_bad_template_is_refused_with_its_place() {
    let rows = [
        ("t://{a", "not closed", 4),
        ("t://{a{b}", "not closed", 4),
        ("t://a}", "closes nothing", 5),
        ("t://{}", "names no variable", 4),
        ("t://{?}", "has no name", 6),
        ("t://{a,}", "has no name", 7),
        ("t://{=a}", "unknown operator `=`", 5),
        ("t://{a-b}", "is no variable name", 5),
        ("t://{.a..b}", "is no variable name", 6),
        ("t://{é}", "is no variable name", 5),
        ("t://{a:0}", "from 1 to 9999", 7),
        ("t://{a:10000}", "from 1 to 9999", 7),
        ("t://{a:+3}", "from 1 to 9999", 7),
        ("t://{a}/{a}", "stands twice", 9),
        ("t://{a,a}", "stands twice", 7),
        ("t://a b", "holds no ' '", 5),
        ("t://a%2", "write `%25`", 5),
        ("t://{a}{b}", "where `a` ends and `b` begins", 7),
        ("t://{a}{+b}", "where `a` ends", 7),
        ("t://{+a}{/b}", "where `a` ends", 8),
        ("t://{/a*}{/b}", "where `a` ends", 9),
        ("t://{?a}{/b}", "where `a` ends", 8),
        ("t://{a*,b}", "where `a*` ends", 5),
    ];
    for (template, problem, at_byte) in rows {
        let error = UriTemplate::parse(template).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(problem) && text.ends_with(&format!("(byte {at_byte})")), "{text}");
    }
}

/// The values of RFC 6570, section 3.2, that are no lists.
fn example(name: &str) -> Option<String> {
    let value = match name {
        "var" => "value",
        "hello" => "Hello World!",
        "path" => "/foo/bar",
        "half" => "50%",
        "list" => "red,green,blue",
        "x" => "1024",
        "y" => "768",
        "empty" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn values_expand_as_the_operators_say() {
    let rows = [
        ("{hello}", "Hello%20World%21"),
        ("{half},{+none}x", "50%25,x"),
        ("{+path}/here", "/foo/bar/here"),
        ("x{#hello}", "x#Hello%20World!"),
        ("{x,none,y}", "1024,768"),
        ("{var:3}", "val"),
        ("x{.x,y}", "x.1024.768"),
        ("x{/list*}", "x/red/green/blue"),
        ("{+list*}", "red,green,blue"),
        ("x{;x,empty}", "x;x=1024;empty"),
        ("x{?x,empty,none}", "x?x=1024&empty="),
        ("x{?list*}", "x?list=red&list=green&list=blue"),
        ("x?fixed=yes{&x}", "x?fixed=yes&x=1024"),
        ("x{?none}{#none2}", "x"),
        ("é/{x}", "%C3%A9/1024"),
    ];
    for (template, expected) in rows {
        assert_eq!(UriTemplate::parse(template).unwrap().expand(example), expected, "{template}");
    }
}

#[test]
fn what_was_expanded_is_matched_to_the_same_values() {
    let templates = [
        "t://{a}/{b}",
        "t://{a}{/b,c}",
        "t://{a}{?b,c}",
        "t://{a}{;b}{?c}",
        "t://x{/a}{#b}",
        "t://{a,b}{&c}",
    ];
    let alphabet: Vec<char> = "aZ9-_~ %/?#&=;,.+:é漢🙂\"\\\0".chars().collect();
    // A linear congruential generator: the same thousands of values on every run.
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..2_000 {
        for text in templates {
            let template = UriTemplate::parse(text).unwrap();
            let mut values = Variables::new();
            for name in template.variables() {
                let value: String = (0..=random(8)).map(|_| alphabet[random(alphabet.len())]).collect();
                // `.`, `;` and `&` are encoded or end nothing here; only a fragment keeps its own text.
                let value =
                    if text.contains("{#") && name == "b" { value.replace('%', "") + "x" } else { value };
                values.insert(name, value);
            }
            let uri = template.expand(|name| values.get(name).map(str::to_owned));
            let found = template.matches(&uri).unwrap_or_else(|| panic!("{text} on {uri}"));
            assert!(values.iter().eq(found.iter()), "{text} on {uri}: {values:?}, found {found:?}");
        }
    }
}

#[test]
fn hostile_uris_are_answered_in_linear_time() {
    // Large enough that quadratic time would not end within anybody's patience; no clock is read.
    let many = |text: &str| text.repeat(512 * 1024 / text.len());
    let rows = [
        ("t://x{/id*}", format!("t://x/{}", many(",")), true),
        ("t://x{/id*}", format!("t://x{}", many(",")), false),
        ("t://x{/id*}", format!("t://x{}#", many("/,")), false),
        ("t://x{?tags*}", format!("t://x?tags={}", many(",")), true),
        ("t://x{?tags*}", format!("t://x?tags={}", many("&")), false),
        ("t://x{?tags*}", format!("t://x?{}tags=1", many("tags=,&")), true),
        ("t://x{?tags*}", format!("t://x?{}", many("tags=,&")), false),
        ("t://{a}-{b}-{c}-{d}", format!("t://{}/", many("-")), false),
        ("t://{+a},{+b},{+c}!", format!("t://{}", many(",")), false),
        ("t://{+a}", format!("t://{}", many("%2C")), true),
        ("t://{+a}", format!("t://{}", many("%ff")), false),
    ];
    for (text, uri, matches) in rows {
        let template = UriTemplate::parse(text).unwrap();
        assert_eq!(template.matches(&uri).is_some(), matches, "{text} on {uri:.40}");
    }
}

#[test]
fn a_variable_that_is_missing_or_mistyped_is_named() {
    let mut variables = Variables::new();
    variables.insert("page", "3");
    variables.insert("page", "4");
    variables.insert("size", "many\n");
    assert_eq!(variables.parse::<u32>("page").unwrap(), 4);
    let missing = variables.parse::<u32>("query").unwrap_err();
    assert_eq!(missing.to_string(), "`query` is missing; give it a value");
    let mistyped = variables.parse::<u32>("size").unwrap_err();
    assert_eq!(mistyped.to_string(), "`size` can't be read as u32: many\\n");
    assert_eq!(mistyped.kind, impresario_protocol::ErrorKind::InvalidParams);
}
