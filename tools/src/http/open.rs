//! From settings to an API: addresses, rules, and what every request carries.

use std::time::Duration;

use impresario_outbound::{ConfigError, HeaderMap, Outbound, OutboundConfig, Rules, Url, header};

use super::api::{Api, authorization};
use super::breaker::Breaker;
use super::request::{Base, header_name, header_value};
use super::settings::{Auth, Settings};
use super::template::encoded;
use crate::part::{Opening, PartError};

/// Shorter ones are no secrets, and taking them out of messages would take the messages apart.
const SECRET_CHARS_MIN: usize = 6;

/// The API of these settings.
///
/// # Errors
/// Which key is wrong.
pub(super) fn api(settings: &Settings, base_url: &str, opening: &Opening) -> Result<Api, PartError> {
    let url = base(base_url)?;
    let outbound = Outbound::new(&config(settings, &url, opening)?)
        .map_err(|error| PartError::new(error.to_string()))?;
    outbound.check(url.as_str()).map_err(|refusal| PartError::at("base_url", refusal.to_string()))?;
    let headers = headers(settings)?;
    let query = settings.query.iter().map(|(name, value)| (encoded(name), encoded(value.reveal()))).collect();
    Ok(Api {
        outbound,
        base: Base { url, headers, query },
        retries: settings.retries.clone(),
        breaker: Breaker::new(&settings.breaker),
        secrets: secrets(settings),
    })
}

/// The address of an API.
fn base(written: &str) -> Result<Url, PartError> {
    let wrong = |problem: &str| {
        PartError::at("base_url", format!("{problem}; write one such as `https://api.example.com/v2`"))
    };
    let mut url = Url::parse(written).map_err(|error| wrong(&format!("{written:?} is no URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong(&format!("{written:?} is no address of http or https")));
    }
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        // It is not shown: what stands there may be a secret.
        return Err(wrong(
            "it must hold no user, query or fragment (there are `auth` and `query` for those)",
        ));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// How that API may be reached.
pub(super) fn config(settings: &Settings, url: &Url, opening: &Opening) -> Result<OutboundConfig, PartError> {
    let at = |key: &'static str| move |error: ConfigError| PartError::at(key, error.to_string());
    let host = url.host_str().unwrap_or_default();
    let rules = Rules::default()
        .hosts([host])
        .map_err(at("base_url"))?
        .hosts(&settings.allow_hosts.0)
        .map_err(at("allow_hosts"))?
        .private(&settings.allow_private.0)
        .map_err(at("allow_private"))?
        .ports(url.port())
        .ports(settings.allow_ports.iter().copied());
    Ok(OutboundConfig {
        rules,
        timeout: longest(settings),
        connect_timeout: settings.connect_timeout.0,
        bytes_max: settings.answer_bytes_max.0,
        redirects_max: settings.redirects_max,
        in_flight_max: settings.in_flight_max.max(1),
        ca_file: settings.ca_file.as_deref().map(|file| opening.path(file)),
        proxy: settings.proxy.as_ref().map(|proxy| proxy.reveal().to_owned()),
        ..OutboundConfig::default()
    })
}

/// The longest time that any call has; each has its own besides.
fn longest(settings: &Settings) -> Duration {
    let of_tools = settings.tools.values().filter_map(|tool| tool.timeout);
    of_tools.map(|timeout| timeout.0).fold(settings.timeout.0, Duration::max)
}

fn headers(settings: &Settings) -> Result<HeaderMap, PartError> {
    let mut headers = HeaderMap::new();
    let agent = concat!("impresario/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, header::HeaderValue::from_static(agent));
    for (name, value) in &settings.headers {
        let here = |problem| PartError::at(format!("headers.{name}"), problem);
        let name = header_name(name).map_err(here)?;
        let value = header_value(&name, value.reveal()).map_err(here)?;
        headers.insert(name, value);
    }
    if let Some(auth) = &settings.auth {
        let value = authorization(auth).map_err(|problem| PartError::at("auth", problem))?;
        if headers.insert(header::AUTHORIZATION, value).is_some() {
            return Err(PartError::at("auth", "`headers` has an Authorization already; keep one of them"));
        }
    }
    Ok(headers)
}

/// What must not be repeated to a model.
fn secrets(settings: &Settings) -> Vec<String> {
    let of_headers = settings.headers.iter().filter(|(name, value)| {
        let is_secret = |name| header_value(&name, value.reveal()).is_ok_and(|value| value.is_sensitive());
        header_name(name).is_ok_and(is_secret)
    });
    let of_auth = settings.auth.iter().map(|auth| match auth {
        Auth::Bearer(token) => token.reveal(),
        Auth::Basic { password, .. } => password.reveal(),
    });
    let revealed = of_headers
        .map(|(_, value)| value.reveal())
        .chain(settings.query.values().map(|value| value.reveal()));
    let long = revealed.chain(of_auth).filter(|secret| secret.len() >= SECRET_CHARS_MIN);
    long.map(str::to_owned).collect()
}
