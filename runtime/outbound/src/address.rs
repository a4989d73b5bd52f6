//! Which addresses are of the public internet, and which are not: by what they are for, however they are written.
//!
//! IPv4 has a list of what is special. IPv6 is the other way round: only global unicast is public, less what is
//! special in it. An address that carries an IPv4 address is judged by the one that it carries.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What an address is for that is not of the public internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// This host: `0.0.0.0`, `::`.
    Unspecified,
    /// This machine.
    Loopback,
    /// A private network.
    Private,
    /// Shared by a provider's customers.
    CarrierNat,
    /// One link, not routed.
    LinkLocal,
    /// Where a cloud tells its machines their credentials.
    CloudMetadata,
    /// Many receivers at once.
    Multicast,
    /// For examples in texts.
    Documentation,
    /// For measuring networks.
    Benchmarking,
    /// A way of carrying other addresses that nothing public uses.
    Tunnel,
    /// For protocols themselves, or for nothing yet.
    Reserved,
}

impl AddressKind {
    /// What such an address is called in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "the unspecified address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::CarrierNat => "an address of a provider's shared network",
            Self::LinkLocal => "a link-local address",
            Self::CloudMetadata => "a cloud's metadata service",
            Self::Multicast => "a multicast address",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Tunnel => "an address of a tunnel",
            Self::Reserved => "a reserved address",
        }
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is special in IPv4 (IANA's registry, and two clouds); the first row that holds an address names it.
const SPECIAL_V4: &[(Ipv4Net, AddressKind)] = &[
    (v4([169, 254, 169, 254], 32), AddressKind::CloudMetadata),
    // Azure's, in the middle of public space, and Alibaba's.
    (v4([168, 63, 129, 16], 32), AddressKind::CloudMetadata),
    (v4([100, 100, 100, 200], 32), AddressKind::CloudMetadata),
    (v4([0, 0, 0, 0], 8), AddressKind::Unspecified),
    (v4([10, 0, 0, 0], 8), AddressKind::Private),
    (v4([100, 64, 0, 0], 10), AddressKind::CarrierNat),
    (v4([127, 0, 0, 0], 8), AddressKind::Loopback),
    (v4([169, 254, 0, 0], 16), AddressKind::LinkLocal),
    (v4([172, 16, 0, 0], 12), AddressKind::Private),
    (v4([192, 0, 0, 0], 24), AddressKind::Reserved),
    (v4([192, 0, 2, 0], 24), AddressKind::Documentation),
    (v4([192, 88, 99, 0], 24), AddressKind::Tunnel),
    (v4([192, 168, 0, 0], 16), AddressKind::Private),
    (v4([198, 18, 0, 0], 15), AddressKind::Benchmarking),
    (v4([198, 51, 100, 0], 24), AddressKind::Documentation),
    (v4([203, 0, 113, 0], 24), AddressKind::Documentation),
    (v4([224, 0, 0, 0], 4), AddressKind::Multicast),
    (v4([240, 0, 0, 0], 4), AddressKind::Reserved),
];

/// What is special in IPv6; the last row holds all that no other does.
const SPECIAL_V6: &[(Ipv6Net, AddressKind)] = &[
    (v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254], 128), AddressKind::CloudMetadata),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), AddressKind::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), AddressKind::Loopback),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), AddressKind::Private),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), AddressKind::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), AddressKind::Private),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), AddressKind::Multicast),
    (v6([0x2001, 0x0002, 0, 0, 0, 0, 0, 0], 48), AddressKind::Benchmarking),
    (v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32), AddressKind::Documentation),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), AddressKind::Documentation),
    // Teredo carries two IPv4 addresses, one of them inverted; nothing public is behind it any more.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), AddressKind::Tunnel),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), AddressKind::Reserved),
    // NAT64 with a prefix of one's own: where the IPv4 address stands in it nobody can say from outside.
    (v6([0x0064, 0xff9b, 1, 0, 0, 0, 0, 0], 48), AddressKind::Tunnel),
];

/// What is public in IPv6, but for the above.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const fn v4([a, b, c, d]: [u8; 4], prefix_len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_len)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], prefix_len: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix_len)
}

/// Why the address may not be connected to, or nothing if it may: because it is public, or because one of `allowed`
/// holds it. A cloud's metadata service is allowed by no range, only by its whole address.
pub(crate) fn blocked(address: IpAddr, allowed: &[IpNet]) -> Option<AddressKind> {
    let address = carried(address);
    let kind = kind(address)?;
    let is_allowed = |net: &IpNet| {
        net.contains(&address)
            && (kind != AddressKind::CloudMetadata || net.prefix_len() == net.max_prefix_len())
    };
    (!allowed.iter().any(is_allowed)).then_some(kind)
}

/// What the address is for, if it is not public.
fn kind(address: IpAddr) -> Option<AddressKind> {
    match address {
        IpAddr::V4(address) => named(SPECIAL_V4, |net| net.contains(&address)),
        IpAddr::V6(address) => named(SPECIAL_V6, |net| net.contains(&address))
            .or_else(|| (!GLOBAL_UNICAST.contains(&address)).then_some(AddressKind::Reserved))
            .or_else(|| kind(isatap(address)?.into())),
    }
}

fn named<N>(rows: &[(N, AddressKind)], holds: impl Fn(&N) -> bool) -> Option<AddressKind> {
    rows.iter().find(|(net, _)| holds(net)).map(|(_, kind)| *kind)
}

/// The IPv4 address that an IPv6 address stands for, or the address itself.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let from = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match v6.segments() {
        // `::` and `::1` are themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        // IPv4-compatible, mapped, translated (SIIT), NAT64, 6to4.
        [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => from(high, low),
        _ => address,
    }
}

/// The IPv4 address that ISATAP writes behind a prefix, which has to be public as well.
fn isatap(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> Option<AddressKind> {
        blocked(text.parse().unwrap(), &[])
    }

    #[test]
    fn what_is_not_public_is_named() {
        for (address, kind) in [
            ("0.0.0.0", AddressKind::Unspecified),
            ("127.0.0.1", AddressKind::Loopback),
            ("127.255.255.255", AddressKind::Loopback),
            ("10.1.2.3", AddressKind::Private),
            ("172.16.0.1", AddressKind::Private),
            ("172.31.255.255", AddressKind::Private),
            ("192.168.1.1", AddressKind::Private),
            ("100.64.0.1", AddressKind::CarrierNat),
            ("169.254.1.1", AddressKind::LinkLocal),
            ("169.254.169.254", AddressKind::CloudMetadata),
            ("168.63.129.16", AddressKind::CloudMetadata),
            ("100.100.100.200", AddressKind::CloudMetadata),
            ("192.0.2.1", AddressKind::Documentation),
            ("198.51.100.1", AddressKind::Documentation),
            ("203.0.113.1", AddressKind::Documentation),
            ("198.19.0.1", AddressKind::Benchmarking),
            ("224.0.0.1", AddressKind::Multicast),
            ("255.255.255.255", AddressKind::Reserved),
            ("::", AddressKind::Unspecified),
            ("::1", AddressKind::Loopback),
            ("fd00:ec2::254", AddressKind::CloudMetadata),
            ("fd00::1", AddressKind::Private),
            ("fe80::1", AddressKind::LinkLocal),
            ("ff02::1", AddressKind::Multicast),
            ("2001:db8::1", AddressKind::Documentation),
            ("3fff::1", AddressKind::Documentation),
            ("2001:2::1", AddressKind::Benchmarking),
            ("2001:0:7f00:1::", AddressKind::Tunnel),
            ("64:ff9b:1::7f00:1", AddressKind::Tunnel),
            ("100::1", AddressKind::Reserved),
            ("5f00::1", AddressKind::Reserved),
            // Those that carry another.
            ("::127.0.0.1", AddressKind::Loopback),
            ("::ffff:127.0.0.1", AddressKind::Loopback),
            ("::ffff:0:127.0.0.1", AddressKind::Loopback),
            ("64:ff9b::10.0.0.1", AddressKind::Private),
            ("2002:7f00:1::", AddressKind::Loopback),
            ("2002:a9fe:a9fe::1", AddressKind::CloudMetadata),
            ("2606:4700::5efe:10.0.0.1", AddressKind::Private),
            ("fe80::5efe:8.8.8.8", AddressKind::LinkLocal),
        ] {
            assert_eq!(check(address), Some(kind), "{address}");
        }
    }

    #[test]
    fn what_is_public_is_not_blocked() {
        for address in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "2002:101:101::"]
        {
            assert_eq!(check(address), None, "{address}");
        }
    }

    #[test]
    fn an_allowed_range_opens_what_it_holds_and_metadata_only_whole() {
        let allowed = |nets: &[&str], address: &str| {
            let nets: Vec<IpNet> = nets.iter().map(|net| net.parse().unwrap()).collect();
            blocked(address.parse().unwrap(), &nets).is_none()
        };
        assert!(allowed(&["127.0.0.0/8"], "127.0.0.1"));
        assert!(allowed(&["127.0.0.0/8"], "::ffff:127.0.0.1"), "it is the same address");
        assert!(!allowed(&["127.0.0.0/8"], "10.0.0.1"));
        assert!(!allowed(&["127.0.0.0/8"], "::1"));
        assert!(!allowed(&["0.0.0.0/0"], "169.254.169.254"));
        assert!(!allowed(&["::/0"], "fd00:ec2::254"));
        assert!(allowed(&["169.254.169.254/32"], "169.254.169.254"));
    }

    proptest! {
        #[test]
        fn carrying_an_address_hides_nothing(bits: u32, prefix: u64) {
            let v4 = Ipv4Addr::from(bits);
            let is_blocked = blocked(v4.into(), &[]).is_some();
            let (high, low) = ((bits >> 16) as u16, bits as u16);
            let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (prefix >> shift) as u16);
            for carrier in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, a, b, c, d, 1),
                Ipv6Addr::new(a, b, c, d, 0, 0x5efe, high, low),
            ] {
                prop_assert!(!is_blocked || blocked(carrier.into(), &[]).is_some(), "{carrier} carries {v4}");
            }
        }

        #[test]
        fn nothing_but_global_unicast_and_nat64_is_public_in_ipv6(bits: u128) {
            let address = Ipv6Addr::from(bits);
            if blocked(address.into(), &[]).is_none() {
                prop_assert!(GLOBAL_UNICAST.contains(&address) || matches!(carried(address.into()), IpAddr::V4(_)));
            }
        }
    }
}
