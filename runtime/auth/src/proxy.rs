//! A proxy in front that has asked who is calling already, and says so in headers.
//!
//! Anybody can send a header. So these count only when the connection itself comes from an address of the proxy.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use impresario_engine::{AuthMethod, AuthRefusal, Field, Principal, ScopeTree, Scopes, Shown};
use ipnet::IpNet;

use crate::problem::Problem;
use crate::settings::{ProxySettings, SettingsError};

/// The longest value of one of its headers.
const VALUE_BYTES_MAX: usize = 4_096;

/// The proxy that is trusted.
#[derive(Debug)]
pub(crate) struct Proxy {
    addresses: Vec<IpNet>,
    name_header: String,
    tenant_header: Option<String>,
    scopes_header: Option<String>,
    address_header: Option<String>,
}

/// What it says of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asserted<'a> {
    pub(crate) name: &'a str,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) scopes: &'a str,
}

impl Proxy {
    /// Reads the settings.
    pub(crate) fn open(settings: &ProxySettings) -> Result<Self, SettingsError> {
        let wrong = |key: &str, problem: String| SettingsError::new(format!("proxy.{key}"), problem);
        if settings.addresses.is_empty() {
            return Err(wrong("addresses", "names the addresses that the proxy connects from".into()));
        }
        let net = |written: &String| {
            let net = written.parse().or_else(|_| written.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| wrong("addresses", format!("`{written}` is no range such as `10.0.0.0/8`")))
        };
        let addresses = settings.addresses.iter().map(net).collect::<Result<Vec<IpNet>, _>>()?;
        if let Some(everybody) = addresses.iter().find(|net| net.prefix_len() == 0) {
            return Err(wrong("addresses", format!("`{everybody}` would trust everybody")));
        }
        let header = |key: &str, written: &String| {
            let name = written.to_ascii_lowercase();
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_name) {
                return Err(wrong(key, format!("`{written}` is no name of a header")));
            }
            if ["authorization", "x-api-key", "host", "cookie"].contains(&name.as_str()) {
                return Err(wrong(key, format!("`{written}` has a meaning of its own")));
            }
            Ok(name)
        };
        let maybe = |key: &str, written: &Option<String>| {
            written.as_ref().map(|written| header(key, written)).transpose()
        };
        Ok(Self {
            addresses,
            name_header: header("name_header", &settings.name_header)?,
            tenant_header: maybe("tenant_header", &settings.tenant_header)?,
            scopes_header: maybe("scopes_header", &settings.scopes_header)?,
            address_header: maybe("address_header", &settings.address_header)?,
        })
    }

    /// Whether a connection comes from it.
    fn trusts(&self, peer: Option<IpAddr>) -> bool {
        let is_its = |peer: IpAddr| self.addresses.iter().any(|net| net.contains(&peer));
        peer.is_some_and(|peer| is_its(peer.to_canonical()))
    }

    /// What it says of a request, if the request comes from it and it says anything.
    pub(crate) fn asserted<'a>(&self, shown: &Shown<'a>) -> Result<Option<Asserted<'a>>, AuthRefusal> {
        if !self.trusts(shown.peer) {
            return Ok(None);
        }
        let Some(name) = value(shown, &self.name_header)? else { return Ok(None) };
        let tenant = match &self.tenant_header {
            Some(header) => Some(value(shown, header)?.ok_or(AuthRefusal::from(Problem::Tenant))?),
            None => None,
        };
        let scopes = match &self.scopes_header {
            Some(header) => value(shown, header)?.unwrap_or_default(),
            None => "",
        };
        Ok(Some(Asserted { name, tenant, scopes }))
    }

    /// The address that failures are counted by: the client's, where the proxy tells it. What a client added to the
    /// list itself stands before what the proxy added, so the last one counts.
    pub(crate) fn client_address(&self, shown: &Shown<'_>) -> Option<IpAddr> {
        if !self.trusts(shown.peer) {
            return shown.peer;
        }
        let Field::One(value) = shown.fields.field(self.address_header.as_deref()?) else {
            return shown.peer;
        };
        let last = std::str::from_utf8(value).ok().and_then(|value| value.rsplit(',').next()).map(str::trim);
        let read = |text: &str| {
            let bare = text.trim_start_matches('[').trim_end_matches(']');
            bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        };
        last.and_then(read).or(shown.peer)
    }
}

impl Asserted<'_> {
    /// Whom that is.
    pub(crate) fn principal(&self, tree: &ScopeTree) -> Result<Arc<Principal>, Problem> {
        let mut principal =
            Principal::new(self.tenant, "proxy", self.name, AuthMethod::Proxy).map_err(|_| Problem::Proxy)?;
        principal.scopes = Scopes::new(self.scopes.split([' ', ',']), tree);
        Ok(Arc::new(principal))
    }
}

/// The value of a header, if it has one.
fn value<'a>(shown: &Shown<'a>, header: &str) -> Result<Option<&'a str>, AuthRefusal> {
    match shown.fields.field(header) {
        Field::Absent => Ok(None),
        Field::Repeated => Err(AuthRefusal::Malformed("a header of the proxy stands twice")),
        Field::One(value) if value.len() > VALUE_BYTES_MAX => {
            Err(AuthRefusal::TooLarge { bytes_max: VALUE_BYTES_MAX })
        }
        Field::One(value) => {
            let text = std::str::from_utf8(value).map_err(|_| AuthRefusal::from(Problem::Proxy))?.trim();
            Ok((!text.is_empty()).then_some(text))
        }
    }
}
