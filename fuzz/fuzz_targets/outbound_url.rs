//! Whatever a URL is written like: what the guard lets through is plain, is read alike by the parser that connects, and
//! is let through again.
#![no_main]

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use impresario_outbound::{Rules, Url};
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

static BASE: LazyLock<Url> =
    LazyLock::new(|| Url::parse("https://api.example.com/v1/a").expect("it is a URL"));

fuzz_target!(|text: &str| {
    if let Ok(url) = RULES.check(text) {
        assert_eq!(RULES.check(url.as_str()).as_ref(), Ok(&url));
        plain(&url);
    }
    // As a redirect has it: relative to where it came from.
    if let Ok(url) = BASE.join(text)
        && RULES.check_url(&url).is_ok()
    {
        plain(&url);
    }
});

fn plain(url: &Url) {
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert!(url.username().is_empty() && url.password().is_none(), "{url}");
    assert!(matches!(url.port_or_known_default(), Some(80 | 443)), "{url}");
    // What a redirect names may hold a backslash behind its path, where it means nothing.
    assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url));
    assert!(RULES.check_url(url).is_ok(), "{url}");
    let host = url.host_str().expect("it was let through");
    // The connector reads the text once more, with another parser, and takes what looks like an address for one.
    if let Ok(uri) = url.as_str().parse::<http::Uri>() {
        assert_eq!(uri.host(), Some(host), "{url}");
        assert_eq!(uri.port_u16().or(uri.scheme_str().map(known)), url.port_or_known_default(), "{url}");
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        assert!(RULES.check_address(host, address.into()).is_ok(), "{url}");
    }
}

fn known(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}
