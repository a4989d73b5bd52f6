//! What may be asked at all: schemes, hosts, ports, addresses.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::address::blocked;
use crate::error::{ConfigError, Refusal};

/// What may be connected to. By default every public host, on the ports of http and https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The only hosts, in lower case without a dot at the end; `*.` stands for any names before the rest. With none
    /// every host is allowed.
    hosts: Vec<String>,
    ports: Vec<u16>,
    /// Addresses that are allowed though they are not public.
    private: Vec<IpNet>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { hosts: Vec::new(), ports: vec![80, 443], private: Vec::new() }
    }
}

impl Rules {
    /// Allows these hosts alone, besides those that were named before. `*.example.com` stands for all below it.
    ///
    /// # Errors
    /// One of them is no name of a host.
    pub fn hosts<H: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = H>) -> Result<Self, ConfigError> {
        for host in hosts {
            let written = host.as_ref();
            let (wildcard, name) = match written.strip_prefix("*.") {
                Some(name) => ("*.", name),
                None => ("", written),
            };
            let wrong = || ConfigError::Host(written.to_owned());
            let name = Host::parse(name).map_err(|_| wrong())?;
            if name.to_string().contains('*') || !(wildcard.is_empty() || matches!(name, Host::Domain(_))) {
                return Err(wrong());
            }
            self.hosts.push(format!("{wildcard}{}", bare(&name.to_string())));
        }
        Ok(self)
    }

    /// Allows these ports too.
    #[must_use]
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports.extend(ports);
        self
    }

    /// Allows these addresses though they are not public: single ones, or ranges such as `127.0.0.0/8`. A cloud's
    /// metadata service is allowed only by its whole address.
    ///
    /// # Errors
    /// One of them is no range of addresses.
    pub fn private<N: AsRef<str>>(mut self, nets: impl IntoIterator<Item = N>) -> Result<Self, ConfigError> {
        for net in nets {
            let written = net.as_ref();
            let net = written
                .parse::<IpNet>()
                .or_else(|_| written.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| ConfigError::Network(written.to_owned()))?;
            self.private.push(net);
        }
        Ok(self)
    }

    /// Reads a URL and holds it against the rules. A name of a host is resolved no sooner than it is connected to.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, text: &str) -> Result<Url, Refusal> {
        // The parser drops some of these and turns others around; whoever wrote them meant to be misread.
        if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(Refusal::Characters);
        }
        let url = Url::parse(text).map_err(|error| Refusal::NotAUrl(error.to_string()))?;
        self.check_url(&url)?;
        Ok(url)
    }

    /// Holds a URL that was read already against the rules.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        // However an address is spelled (`0x7f000001`, `127.1`, fullwidth digits), the parser has made one of it.
        let host = url.host().ok_or_else(|| Refusal::NotAUrl("it has no host".into()))?;
        let name = host.to_string();
        match host {
            Host::Ipv4(address) => self.check_address(&name, address.into())?,
            Host::Ipv6(address) => self.check_address(&name, address.into())?,
            Host::Domain(_) => {}
        }
        if !self.hosts.is_empty() && !self.hosts.iter().any(|allowed| is_of(allowed, bare(&name))) {
            return Err(Refusal::Host { host: name });
        }
        match url.port_or_known_default() {
            Some(port) if self.ports.contains(&port) => Ok(()),
            port => Err(Refusal::Port { port: port.unwrap_or_default() }),
        }
    }

    /// Holds an address of a host against the rules.
    ///
    /// # Errors
    /// It is not public, and not allowed either.
    pub fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Refusal> {
        match blocked(address, &self.private) {
            None => Ok(()),
            Some(kind) => Err(Refusal::Address { host: host.to_owned(), address, kind }),
        }
    }
}

/// A host's name without the dot that says that it is whole.
fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether a host is the one that a rule allows, or of the many.
fn is_of(allowed: &str, host: &str) -> bool {
    match allowed.strip_prefix('*') {
        Some(end) => host.len() > end.len() && host.ends_with(end),
        None => host == allowed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(url: &str) -> Result<Url, Refusal> {
        Rules::default().check(url)
    }

    #[test]
    fn however_it_is_spelled_a_blocked_address_is_refused() {
        for url in [
            "http://169.254.169.254/latest/meta-data/",
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://１２７.０.０.１/",
            "http://①②⑦.⓪.⓪.①/",
            "http://127。0。0。1/",
            "http://127.0.0.1./",
            "http://%31%32%37.0.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[0:0:0:0:0:ffff:127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fd00:ec2::254]/",
            "https:127.0.0.1/",
            "https:/127.0.0.1/",
        ] {
            assert!(matches!(check(url), Err(Refusal::Address { .. })), "{url}: {:?}", check(url));
        }
    }

    #[test]
    fn what_is_no_plain_web_address_is_refused() {
        let scheme = |name: &str| Refusal::Scheme(name.into());
        for (url, refusal) in [
            ("http://a@127.0.0.1/", Refusal::UserInfo),
            ("http://a:b@example.com/", Refusal::UserInfo),
            ("http://:b@example.com/", Refusal::UserInfo),
            ("http://example.com:22/", Refusal::Port { port: 22 }),
            ("http://example.com:6379/", Refusal::Port { port: 6379 }),
            ("file:///etc/passwd", scheme("file")),
            ("gopher://example.com/", scheme("gopher")),
            ("ftp://example.com/", scheme("ftp")),
            ("javascript:alert(1)", scheme("javascript")),
            ("data:text/plain,a", scheme("data")),
            ("http://example.com/a\r\nHost: evil", Refusal::Characters),
            ("http://example.com/a b", Refusal::Characters),
            ("http:\\\\127.0.0.1\\a", Refusal::Characters),
            (" http://example.com/", Refusal::Characters),
        ] {
            assert_eq!(check(url), Err(refusal), "{url}");
        }
        for url in
            ["", "//example.com", "example.com/a", "http://", "http://[::1", "http://exa\u{0}mple.com/"]
        {
            assert!(check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn only_listed_hosts_are_allowed_when_any_are() {
        let rules = Rules::default().hosts(["API.example.com.", "*.weather.gov", "bücher.example"]).unwrap();
        for url in [
            "https://api.example.com/",
            "https://API.EXAMPLE.COM./a",
            "https://a.b.weather.gov/",
            "https://xn--bcher-kva.example/",
            "https://BÜCHER.example/",
        ] {
            assert!(rules.check(url).is_ok(), "{url}");
        }
        for url in ["https://weather.gov/", "https://evilweather.gov/", "https://api.example.com.evil.org/"] {
            assert!(matches!(rules.check(url), Err(Refusal::Host { .. })), "{url}");
        }
        for wrong in ["https://a", "a:80", "a/b", "", "*.127.0.0.1", "a b", "*"] {
            assert!(Rules::default().hosts([wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ports_and_private_networks_are_opened_knowingly() {
        let rules = Rules::default().ports([8080]).private(["127.0.0.0/8", "::1"]).unwrap();
        assert!(rules.check("http://127.0.0.1:8080/").is_ok());
        assert!(rules.check("http://[::1]:8080/").is_ok());
        assert!(rules.check("http://10.0.0.1:8080/").is_err());
        assert!(Rules::default().private(["127.0.0.0/33"]).is_err());
        assert!(Rules::default().private(["localhost"]).is_err());
    }

    proptest! {
        #[test]
        fn what_is_allowed_is_still_allowed_as_it_was_read(text in ".{0,60}") {
            if let Ok(url) = check(&text) {
                prop_assert_eq!(check(url.as_str()), Ok(url));
            }
        }

        #[test]
        fn every_spelling_of_a_loopback_address_is_refused(low in 0_u32..=0xff_ffff) {
            let bits = 0x7f00_0000 | low;
            let (high, low) = (bits >> 16, bits & 0xffff);
            for host in [
                format!("{bits}"),
                format!("{bits:#x}"),
                format!("0{bits:o}"),
                format!("127.{}", bits & 0xff_ffff),
                format!("0x7f.{}.{low}", (bits >> 16) & 0xff),
                format!("[::ffff:{high:x}:{low:x}]"),
                format!("[::{high:x}:{low:x}]"),
            ] {
                let refused = check(&format!("http://{host}/"));
                let is_refused = matches!(refused, Err(Refusal::Address { .. }));
                prop_assert!(is_refused, "{}: {:?}", host, refused);
            }
        }
    }
}
