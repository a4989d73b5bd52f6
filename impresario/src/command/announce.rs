//! What a served runtime says when it is there: where it listens, and how a client gets to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::output::{self, FAINT};

/// Says where the server listens, on a line that programs wait for, and below it how to connect.
pub(crate) fn listening(scheme: &str, address: SocketAddr, sse: bool) {
    let clients = hints(scheme, address)
        .into_iter()
        .map(|(client, line)| format!("  {FAINT}{client:<13}{FAINT:#}{line}\n"));
    let old = if sse {
        format!("  {FAINT}{:<13}{FAINT:#}{scheme}://{}/sse\n", "HTTP+SSE", reached_at(address))
    } else {
        String::new()
    };
    output::tell(&format!("listening on {scheme}://{address}/mcp\n{}{old}", clients.collect::<String>()));
}

/// Says at which Unix domain socket the server listens, and what it speaks there.
pub(crate) fn listening_at(path: &Path, speaks: &str) {
    output::tell(&format!("listening on unix:{} ({speaks})\n", path.display()));
}

/// How each client connects.
fn hints(scheme: &str, address: SocketAddr) -> [(&'static str, String); 4] {
    let url = format!("{scheme}://{}/mcp", reached_at(address));
    [
        ("Claude Code", format!("claude mcp add --transport http impresario {url}")),
        ("VS Code", format!(r#"code --add-mcp '{{"name":"impresario","type":"http","url":"{url}"}}'"#)),
        ("Inspector", format!("npx @modelcontextprotocol/inspector --transport http --server-url {url}")),
        ("try it", format!("impresario list {url}")),
    ]
}

/// The address that a client on this machine uses: every address is none to connect to.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_sent_to_an_address_that_can_be_connected_to() {
        let rows = [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:8000", "[::1]:8000"),
            ("10.1.2.3:8000", "10.1.2.3:8000"),
        ];
        for (listening, reached) in rows {
            let address = reached_at(listening.parse().unwrap());
            assert_eq!(address.to_string(), reached);
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{reached}/mcp");
                assert!(hints(scheme, address).iter().all(|(_, line)| line.contains(&url)));
            }
        }
    }
}
