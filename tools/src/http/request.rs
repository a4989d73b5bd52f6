//! Requests: read from settings once, filled with arguments for each call.

use impresario_engine::JsonObject;
use impresario_outbound::{HeaderMap, HeaderName, HeaderValue, Method, Request, Url, header};
use serde_json::Value;

use super::failure::{Failure, Kind};
use super::query::{Parameter, Style, push_pair};
use super::settings::{Body, RequestSettings};
use super::template::{Json, Path, Text, encoded, plain};
use crate::part::PartError;

/// A request with arguments in it.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) query: Vec<Parameter>,
    pub(super) headers: Vec<(HeaderName, Text)>,
    pub(super) body: Option<BodyPlan>,
}

/// A body with arguments in it.
#[derive(Debug, Clone)]
pub(super) enum BodyPlan {
    Json(Json),
    Form(Vec<Parameter>),
    Text(Text),
}

/// What all requests of an API have in common.
#[derive(Debug, Clone)]
pub(super) struct Base {
    /// Without a slash at its end.
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// Names and values, encoded.
    pub(super) query: Vec<(String, String)>,
}

impl Plan {
    /// Reads a request.
    ///
    /// # Errors
    /// Which key below the call's own is wrong.
    pub(super) fn read(settings: RequestSettings<'_>) -> Result<Self, PartError> {
        let at = |key: &str| {
            let key = key.to_owned();
            move |problem: String| PartError::at(key, problem)
        };
        let headers = settings.headers.iter().map(|(name, value)| {
            let here = at(&format!("headers.{name}"));
            let text = Text::parse(value.reveal())
                .map_err(|_| "a single brace; write an argument as `{name}`".into());
            text.and_then(|text| Ok((header_name(name)?, text))).map_err(here)
        });
        Ok(Self {
            method: method(settings.method).map_err(at("method"))?,
            path: Path::parse(settings.path).map_err(at("path"))?,
            query: parameters(settings.query).map_err(at("query"))?,
            headers: headers.collect::<Result<_, _>>()?,
            body: settings.body.map(BodyPlan::read).transpose().map_err(at("body"))?,
        })
    }

    /// The names of all arguments in it, with the key where each stands.
    pub(super) fn names(&self) -> Vec<(&'static str, &str)> {
        let query = self.query.iter().flat_map(|parameter| parameter.value.names());
        let headers = self.headers.iter().flat_map(|(_, text)| text.names());
        let body = self.body.iter().flat_map(BodyPlan::names);
        let path = self.path.names().map(|name| ("path", name));
        path.chain(query.map(|name| ("query", name)))
            .chain(headers.map(|name| ("headers", name)))
            .chain(body.map(|name| ("body", name)))
            .collect()
    }

    /// The request with these arguments.
    ///
    /// # Errors
    /// The arguments make no request, or another one.
    pub(super) fn fill(&self, base: &Base, arguments: &JsonObject) -> Result<Request, Failure> {
        let invalid = |problem: String| Failure::new(Kind::InvalidArguments, problem);
        let mut url = base.url.clone();
        let path = format!(
            "{}{}",
            base.url.path().trim_end_matches('/'),
            self.path.fill(arguments).map_err(invalid)?
        );
        url.set_path(&path);
        if url.path() != path {
            return Err(invalid(
                "these arguments would make another path; leave out what is special in URLs".into(),
            ));
        }
        let mut query = String::new();
        base.query.iter().for_each(|(name, value)| push_pair(&mut query, name, value));
        self.query.iter().for_each(|parameter| parameter.fill(&mut query, arguments));
        url.set_query((!query.is_empty()).then_some(&query));

        let mut request = Request::new(self.method.clone(), url);
        request.headers = base.headers.clone();
        if let Some((media_type, body)) = self.body.as_ref().and_then(|body| body.fill(arguments)) {
            request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            request.body = body.into();
        }
        for (name, text) in &self.headers {
            let joined = |name: &str| joined(arguments.get(name)?);
            let Some(value) = text.fill(joined) else { continue };
            let value = header_value(name, &value).map_err(invalid)?;
            request.headers.insert(name.clone(), value);
        }
        Ok(request)
    }
}

impl BodyPlan {
    fn read(body: &Body) -> Result<Self, String> {
        match body {
            Body::Json(value) => Json::parse(value).map(Self::Json),
            Body::Form(fields) => parameters(fields).map(Self::Form),
            Body::Text(text) => Text::parse(text).map(Self::Text),
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Self::Json(value) => value.names(),
            Self::Form(fields) => fields.iter().flat_map(|field| field.value.names()).collect(),
            Self::Text(text) => text.names().collect(),
        }
    }

    /// Its media type and what it is; nothing if it is an argument that was not given.
    fn fill(&self, arguments: &JsonObject) -> Option<(&'static str, String)> {
        match self {
            Self::Json(value) => Some(("application/json", value.fill(arguments)?.to_string())),
            Self::Form(fields) => {
                let mut form = String::new();
                fields.iter().for_each(|field| field.fill(&mut form, arguments));
                Some(("application/x-www-form-urlencoded", form))
            }
            Self::Text(text) => Some(("text/plain; charset=utf-8", text.fill_plain(arguments)?)),
        }
    }
}

fn parameters(written: &JsonObject) -> Result<Vec<Parameter>, String> {
    let read = |(name, value): (&String, &Value)| {
        Ok(Parameter { name: encoded(name), value: Json::parse(value)?, style: Style::Repeated })
    };
    written.iter().map(read).collect()
}

/// A value as a header writes it: a list with commas.
fn joined(value: &Value) -> Option<String> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(plain).collect::<Vec<_>>().join(",")),
        _ => plain(value),
    }
}

pub(super) fn method(name: &str) -> Result<Method, String> {
    match name.to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::GET),
        "HEAD" => Ok(Method::HEAD),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        _ => Err(format!("{name:?} is no method; write GET, HEAD, POST, PUT, PATCH or DELETE")),
    }
}

/// The name of a header that settings may set: not one that says where a message ends or to whom it goes.
pub(super) fn header_name(name: &str) -> Result<HeaderName, String> {
    const OURS: &[&str] = &[
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "accept-encoding",
    ];
    let read = HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))?;
    if OURS.contains(&read.as_str()) {
        return Err(format!("the header {name} can't be set; it is the client's own"));
    }
    Ok(read)
}

/// The value of a header; sensitive, unless it is of those that everybody sends.
pub(super) fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, String> {
    const HARMLESS: &[HeaderName] =
        &[header::ACCEPT, header::ACCEPT_LANGUAGE, header::CONTENT_TYPE, header::USER_AGENT];
    let mut read = HeaderValue::from_str(value)
        .map_err(|_| format!("the header {name} must be printable ASCII, without line breaks"))?;
    read.set_sensitive(!HARMLESS.contains(name));
    Ok(read)
}
