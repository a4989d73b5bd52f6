//! Who can reach an address? One that others than this machine can reach is not served to everybody by accident.
//!
//! Tools run with the rights of whoever started the server. A port that was opened "just for a moment", or an address
//! that a container made public, has been how others got those rights.

use std::io;
use std::net::IpAddr;

use super::HttpConfig;

/// Why an address is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "others than this machine can reach {address}, and nobody is asked who they are; listen on 127.0.0.1 (behind a \
     proxy that authenticates, if others are to come), or serve everybody knowingly with --insecure"
)]
pub(super) struct Exposed {
    address: std::net::SocketAddr,
}

/// Refuses what would let everybody in, unless that is asked for.
pub(super) fn check(config: &HttpConfig) -> io::Result<()> {
    // Nobody can be authenticated yet.
    let is_authenticated = false;
    if may_be_served(config.address.ip(), is_authenticated) {
        return Ok(());
    }
    if config.insecure {
        tracing::warn!(address = %config.address, "everybody who can reach this address may use what is served");
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, Exposed { address: config.address }))
}

/// Whether an address may be served: by anybody who can reach it, or by those who say who they are.
fn may_be_served(ip: IpAddr, is_authenticated: bool) -> bool {
    // An IPv4 address may be written as an IPv6 one; every address is none of this machine alone.
    is_authenticated || ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_served_without_authentication() {
        let rows = [
            ("127.0.0.1", true),
            ("127.8.9.10", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("0.0.0.0", false),
            ("::", false),
            ("::ffff:0.0.0.0", false),
            ("10.0.0.1", false),
            ("169.254.1.1", false),
            ("192.168.1.2", false),
            ("203.0.113.7", false),
            ("::ffff:10.0.0.1", false),
            ("fe80::1", false),
            ("2001:db8::1", false),
        ];
        for (ip, is_served) in rows {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(may_be_served(ip, false), is_served, "{ip}");
            assert!(may_be_served(ip, true), "{ip}");
            let config = HttpConfig::on((ip, 8000).into());
            assert_eq!(check(&config).is_ok(), is_served, "{ip}");
            assert!(check(&HttpConfig { insecure: true, ..config }).is_ok(), "{ip}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let error = check(&HttpConfig::on(([0, 0, 0, 0], 8000).into())).unwrap_err().to_string();
        assert!(
            error.contains("0.0.0.0:8000") && error.contains("--insecure") && error.contains("127.0.0.1"),
            "{error}"
        );
    }
}
