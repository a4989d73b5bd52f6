//! Where a redirect leads, and what may go with it.

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use url::{Origin, Url};

use super::request::Request;
use crate::error::Refusal;
use crate::rules::Rules;

/// Where the answer sends the request, if it does.
///
/// # Errors
/// The rules don't allow that place.
pub(crate) fn target(
    rules: &Rules,
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<Url>, Refusal> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = headers.get(header::LOCATION) else { return Ok(None) };
    let location = location.to_str().map_err(|_| Refusal::Characters)?;
    if location.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(Refusal::Characters);
    }
    let mut to = from.join(location).map_err(|error| Refusal::NotAUrl(error.to_string()))?;
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(Refusal::Downgrade { host: to.host_str().unwrap_or_default().to_owned() });
    }
    rules.check_url(&to)?;
    to.set_fragment(None);
    Ok(Some(to))
}

/// The request as it goes on to another place: without a body where the status says so, and to another origin without
/// anything that says who we are.
pub(crate) fn follow(request: &mut Request, status: StatusCode, to: Url) {
    let becomes_get = match status {
        StatusCode::SEE_OTHER => request.method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        request.method = Method::GET;
        request.body.clear();
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
            request.headers.remove(name);
        }
    }
    if !is_same(&request.url.origin(), &to.origin()) {
        let leaving: Vec<HeaderName> = request
            .headers
            .iter()
            .filter(|(name, value)| value.is_sensitive() || names_us(name))
            .map(|(name, _)| name.clone())
            .collect();
        for name in leaving {
            request.headers.remove(name);
        }
    }
    request.url = to;
}

/// Whether a header of that name is for the first host alone, whatever its author says of it.
fn names_us(name: &HeaderName) -> bool {
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE].contains(name)
        || name.as_str().starts_with("mcp-")
}

fn is_same(one: &Origin, other: &Origin) -> bool {
    one.is_tuple() && one == other
}
