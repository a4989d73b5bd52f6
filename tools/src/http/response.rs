//! Answers: which are successes, and what is made of them.

use impresario_engine::JsonObject;
use impresario_outbound::{Answer, header};
use serde_json::Value;

use super::failure::{Failure, Kind};
use super::retry;
use super::settings::{RequestSettings, ResultSettings};
use super::template::{Text, plain};
use crate::part::PartError;

/// What becomes of an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapping {
    accept: Vec<u16>,
    errors: Vec<(u16, Text)>,
    /// A JSON pointer to the URL that is asked next.
    pub(super) follow: Option<String>,
    pointer: String,
    items_max: Option<usize>,
    fields: Vec<(String, String)>,
    text: Option<Text>,
    separator: String,
    empty: Option<Text>,
}

/// What was made of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Output {
    /// For reading.
    Text(String),
    /// Data.
    Json(Value),
    /// A picture, a sound, or another file.
    File {
        /// Where it came from, without the query, which may hold a secret.
        url: String,
        media_type: String,
        bytes: Vec<u8>,
    },
}

impl Mapping {
    /// Reads what becomes of an answer.
    ///
    /// # Errors
    /// Which key below the call's own is wrong.
    pub(super) fn read(settings: RequestSettings<'_>) -> Result<Self, PartError> {
        let ResultSettings { pointer, items_max, fields, text, separator, empty } = settings.result;
        let follow = settings.follow.map(str::to_owned);
        let pointers = [("result.pointer".to_owned(), pointer), ("follow".to_owned(), &follow)];
        let given = pointers.iter().filter_map(|(key, pointer)| Some((key.clone(), pointer.as_deref()?)));
        let of_fields =
            fields.iter().map(|(name, pointer)| (format!("result.fields.{name}"), pointer.as_str()));
        for (key, pointer) in given.chain(of_fields) {
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(PartError::at(
                    key,
                    format!("{pointer:?} is no JSON pointer; write one such as `/a/b`"),
                ));
            }
        }
        let template = |key: &str, text: &Option<String>| {
            text.as_deref().map(Text::parse).transpose().map_err(|problem| PartError::at(key, problem))
        };
        let errors = settings.errors.iter().map(|(status, text)| {
            let here = |problem: String| PartError::at(format!("errors.{status}"), problem);
            let status = status.parse().ok().filter(|status| (300..600).contains(status));
            let status = status.ok_or_else(|| here("write a status, such as 404".into()))?;
            Ok((status, Text::parse(text).map_err(here)?))
        });
        Ok(Self {
            accept: settings.accept.to_vec(),
            errors: errors.collect::<Result<_, _>>()?,
            pointer: pointer.clone().unwrap_or_default(),
            items_max: *items_max,
            fields: fields.clone().into_iter().collect(),
            text: template("result.text", text)?,
            separator: separator.clone().unwrap_or_else(|| "\n".into()),
            empty: template("result.empty", empty)?,
            follow,
        })
    }

    /// The names of arguments in it, with the key where each stands.
    pub(super) fn names(&self) -> Vec<(&'static str, &str)> {
        let errors = self.errors.iter().map(|(_, text)| ("errors", text));
        let text = self.text.iter().map(|text| ("result.text", text));
        let empty = self.empty.iter().map(|text| ("result.empty", text));
        let all = errors.chain(text).chain(empty);
        let named = all.flat_map(|(key, text)| text.names().map(move |name| (key, name)));
        named.filter(|(key, name)| *key == "errors" || !is_pointer(name)).collect()
    }

    /// The answer if it is a success, or what went wrong.
    pub(super) fn check(&self, answer: Answer, arguments: &JsonObject) -> Result<Answer, Failure> {
        let status = answer.status.as_u16();
        if answer.status.is_success() || self.accept.contains(&status) {
            return Ok(answer);
        }
        let own_words = self.errors.iter().find(|(known, _)| *known == status);
        let text = own_words.and_then(|(_, text)| text.fill_plain(arguments)).unwrap_or_else(|| {
            let host = answer.url.host_str().unwrap_or_default();
            let detail = detail(&answer).map(|detail| format!(": {detail}")).unwrap_or_default();
            format!("{host} answered {}{detail}", answer.status)
        });
        Err(Failure {
            is_transient: matches!(status, 408 | 429 | 502 | 503 | 504),
            retry_after: retry::retry_after(&answer.headers),
            ..Failure::new(Kind::of_status(status), text)
        })
    }

    /// The URL that the answer names there, to be asked next.
    pub(super) fn next(follow: &str, answer: &Answer) -> Result<String, Failure> {
        match json(answer)?.pointer(follow) {
            Some(Value::String(url)) => Ok(url.clone()),
            _ => Err(unexpected(answer, &format!("has no URL at {follow}"))),
        }
    }

    /// What the answer is made into.
    pub(super) fn output(&self, answer: &Answer, arguments: &JsonObject) -> Result<Output, Failure> {
        if !self.wants_json() && !is_json(answer) {
            return Ok(as_it_is(answer));
        }
        let whole = json(answer)?;
        let nothing = |problem| match self.empty.as_ref().and_then(|text| text.fill_plain(arguments)) {
            Some(text) => Ok(Output::Text(text)),
            None => problem,
        };
        let Some(part) =
            whole.pointer(&self.pointer).filter(|part| !part.is_null() || self.pointer.is_empty())
        else {
            return nothing(Err(unexpected(answer, &format!("has nothing at {}", self.pointer))));
        };
        let Value::Array(items) = part else { return Ok(self.item(part, arguments)) };
        let items = &items[..items.len().min(self.items_max.unwrap_or(usize::MAX))];
        if items.is_empty() {
            return nothing(Ok(Output::Json(Value::Array(Vec::new()))));
        }
        let items: Vec<Output> = items.iter().map(|item| self.item(item, arguments)).collect();
        Ok(self.together(items))
    }

    fn wants_json(&self) -> bool {
        !self.pointer.is_empty() || !self.fields.is_empty() || self.text.is_some() || self.items_max.is_some()
    }

    /// One item, made into less or into a text.
    fn item(&self, item: &Value, arguments: &JsonObject) -> Output {
        let picked = if self.fields.is_empty() {
            item.clone()
        } else {
            let pick =
                |(name, pointer): &(String, String)| Some((name.clone(), item.pointer(pointer)?.clone()));
            Value::Object(self.fields.iter().filter_map(pick).collect())
        };
        let Some(text) = &self.text else { return Output::Json(picked) };
        let get = |name: &str| match name {
            "." => Some(read_aloud(Some(&picked))),
            pointer if is_pointer(pointer) => Some(read_aloud(picked.pointer(pointer))),
            argument => Some(arguments.get(argument).and_then(plain).unwrap_or_default()),
        };
        Output::Text(text.fill(get).unwrap_or_default())
    }

    fn together(&self, items: Vec<Output>) -> Output {
        let (mut texts, mut values) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Output::Text(text) => texts.push(text),
                Output::Json(value) => values.push(value),
                Output::File { .. } => {}
            }
        }
        if self.text.is_some() {
            Output::Text(texts.join(&self.separator))
        } else {
            Output::Json(Value::Array(values))
        }
    }
}

/// Whether a name in a result's text is a place in the answer, and not an argument.
fn is_pointer(name: &str) -> bool {
    name == "." || name.starts_with('/')
}

/// A value as a sentence has it.
fn read_aloud(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "unknown".into(),
        Some(Value::Array(items)) => items.iter().filter_map(plain).collect::<Vec<_>>().join(", "),
        Some(value) => plain(value).unwrap_or_default(),
    }
}

/// The media type without its parameters, in lower case.
fn media_type(answer: &Answer) -> String {
    let written =
        answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(answer: &Answer) -> bool {
    let media_type = media_type(answer);
    !answer.body.is_empty() && (media_type == "application/json" || media_type.ends_with("+json"))
}

fn json(answer: &Answer) -> Result<Value, Failure> {
    serde_json::from_slice(&answer.body).map_err(|_| {
        let media_type = media_type(answer);
        unexpected(answer, &format!("is no JSON (media type {media_type:?})"))
    })
}

/// What is no JSON: text where it can be read, or a file.
fn as_it_is(answer: &Answer) -> Output {
    let media_type = media_type(answer);
    if answer.body.is_empty() {
        return Output::Text(answer.status.to_string());
    }
    let is_picture_or_sound = media_type.starts_with("image/") || media_type.starts_with("audio/");
    match std::str::from_utf8(&answer.body) {
        Ok(text) if !is_picture_or_sound && !text.contains('\0') => Output::Text(text.to_owned()),
        _ if media_type.starts_with("text/") => {
            Output::Text(String::from_utf8_lossy(&answer.body).into_owned())
        }
        _ => {
            let mut url = answer.url.clone();
            url.set_query(None);
            Output::File { url: url.into(), media_type, bytes: answer.body.to_vec() }
        }
    }
}

fn unexpected(answer: &Answer, problem: &str) -> Failure {
    let host = answer.url.host_str().unwrap_or_default();
    Failure::new(Kind::UnexpectedAnswer, format!("the answer of {host} {problem}"))
}

/// What the API says of an error, where APIs usually say it, in a length that a model can stand.
fn detail(answer: &Answer) -> Option<String> {
    const PLACES: &[&str] = &[
        "/detail",
        "/message",
        "/error/message",
        "/error_description",
        "/error",
        "/reason",
        "/errors/0/message",
        "/title",
    ];
    const CHARS_MAX: usize = 300;
    let text = if is_json(answer) {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        PLACES.iter().find_map(|place| body.pointer(place)?.as_str().map(str::to_owned))?
    } else if media_type(answer) == "text/plain" {
        String::from_utf8_lossy(&answer.body).into_owned()
    } else {
        return None;
    };
    let shown: String = text.trim().chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect();
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests;
