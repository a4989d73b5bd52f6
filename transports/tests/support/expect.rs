//! What must come back.

use memchr::memmem;
use serde_json::Value;

use super::answer::Answer;

/// What an answer must be, and what must have happened.
#[derive(Clone)]
pub(crate) struct Expect {
    /// Any of these; not looked at on lines.
    statuses: Vec<u16>,
    says: Says,
    id: IdRule,
    /// How often a tool that is counted ran, where that is known.
    ran: Option<u64>,
    /// Headers that must be there, with that value or with any.
    headers: Vec<(&'static str, Option<&'static str>)>,
}

#[derive(Clone)]
enum Says {
    /// A JSON-RPC error with one of these codes, and more to be said of it.
    Error(Vec<i64>, fn(&Value) -> bool),
    /// A result of which this is true.
    Result(fn(&Value) -> bool),
    /// No message at all.
    Nothing,
    /// Whatever it says, it is no result.
    NoResult,
    /// Whatever it says.
    Anything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdRule {
    /// The request's, as it was written.
    Echoed,
    /// No such member.
    Absent,
    Any,
}

fn expect(statuses: &[u16], says: Says) -> Expect {
    Expect { statuses: statuses.to_vec(), says, id: IdRule::Echoed, ran: Some(0), headers: Vec::new() }
}

/// An error with the request's id. Nothing ran.
pub(crate) fn error(status: u16, code: i64) -> Expect {
    expect(&[status], Says::Error(vec![code], |_| true))
}

/// A result of which `is_right` is true. Nothing that is counted ran.
pub(crate) fn result(is_right: fn(&Value) -> bool) -> Expect {
    expect(&[200], Says::Result(is_right))
}

/// The counting tool ran, once.
pub(crate) fn served() -> Expect {
    result(|result| result["isError"] != true && result["content"][0]["type"] == "text").ran(1)
}

/// A tool's result that says that the call failed, in words.
pub(crate) fn tool_error() -> Expect {
    result(|result| {
        result["isError"] == true && result["content"][0]["text"].as_str().is_some_and(|text| text.len() > 10)
    })
}

/// Taken note of, without a message.
pub(crate) fn accepted() -> Expect {
    expect(&[202], Says::Nothing)
}

/// Any of these statuses, and no body.
pub(crate) fn bare(statuses: &[u16]) -> Expect {
    expect(statuses, Says::Nothing)
}

/// Refused by HTTP, whatever the body says.
pub(crate) fn refused(statuses: &[u16]) -> Expect {
    Expect { id: IdRule::Any, ..expect(statuses, Says::NoResult) }
}

/// Any of these statuses, whatever the body says and whatever ran.
pub(crate) fn answered(statuses: &[u16]) -> Expect {
    Expect { id: IdRule::Any, ran: None, ..expect(statuses, Says::Anything) }
}

impl Expect {
    /// The id could not be read, so the answer has none.
    pub(crate) fn without_id(mut self) -> Self {
        self.id = IdRule::Absent;
        self
    }

    /// With the request's id or without one.
    pub(crate) fn with_any_id(mut self) -> Self {
        self.id = IdRule::Any;
        self
    }

    /// That code would do as well.
    pub(crate) fn or_code(mut self, code: i64) -> Self {
        if let Says::Error(codes, _) = &mut self.says {
            codes.push(code);
        }
        self
    }

    /// Of the error object this must be true.
    pub(crate) fn whose(mut self, is_right: fn(&Value) -> bool) -> Self {
        if let Says::Error(_, check) = &mut self.says {
            *check = is_right;
        }
        self
    }

    pub(crate) fn ran(mut self, times: u64) -> Self {
        self.ran = Some(times);
        self
    }

    /// With that header; `None` stands for any value.
    pub(crate) fn header(mut self, name: &'static str, value: Option<&'static str>) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Whether a message must come back.
    pub(crate) fn wants_message(&self) -> bool {
        matches!(self.says, Says::Error(..) | Says::Result(_))
    }

    /// Holds against this how often counted tools ran.
    pub(crate) fn check_ran(&self, times: u64) -> Result<(), String> {
        match self.ran {
            Some(expected) if expected != times => Err(format!("{times} tools ran instead of {expected}")),
            _ => Ok(()),
        }
    }

    /// Holds an answer against this.
    pub(crate) fn check(&self, answer: &Answer, id: &str) -> Result<(), String> {
        if let Some(status) = answer.status
            && !self.statuses.contains(&status)
        {
            return Err(format!("status {status} instead of {:?}", self.statuses));
        }
        for (name, wanted) in &self.headers {
            let is_right = match (answer.header(name), wanted) {
                (Some(found), Some(wanted)) => found == *wanted,
                (found, None) => found.is_some(),
                (None, Some(_)) => false,
            };
            if answer.status.is_some() && !is_right {
                return Err(format!("header {name} is {:?}", answer.header(name)));
            }
        }
        match &self.says {
            Says::Anything => Ok(()),
            Says::Nothing if answer.texts.is_empty() => Ok(()),
            Says::Nothing => Err("a body where there must be none".into()),
            Says::NoResult => {
                match answer.texts.iter().any(|text| memmem::find(text, b"\"result\"").is_some()) {
                    true => Err("a result".into()),
                    false => Ok(()),
                }
            }
            Says::Error(codes, is_right) => {
                let message = answer.message()?;
                let error = member(&message, "error")?;
                let (code, text) = (error["code"].as_i64(), error["message"].as_str().unwrap_or_default());
                if !code.is_some_and(|code| codes.contains(&code)) {
                    return Err(format!("code {code:?} instead of {codes:?}"));
                }
                if text.is_empty() || !is_right(error) {
                    return Err("the code is right, and what else the error says is not".into());
                }
                self.check_id(answer, &message, id)
            }
            Says::Result(is_right) => {
                let message = answer.message()?;
                if !is_right(member(&message, "result")?) {
                    return Err("a result, and not the right one".into());
                }
                self.check_id(answer, &message, id)
            }
        }
    }

    /// An echoed id is compared as it was written.
    fn check_id(&self, answer: &Answer, message: &Value, id: &str) -> Result<(), String> {
        let is_echoed = memmem::find(&answer.texts[0], format!("\"id\":{id},").as_bytes()).is_some()
            || memmem::find(&answer.texts[0], format!("\"id\":{id}}}").as_bytes()).is_some();
        match (self.id, message.get("id")) {
            (IdRule::Echoed, Some(_)) if is_echoed => Ok(()),
            (IdRule::Any, Some(_)) if is_echoed => Ok(()),
            (IdRule::Absent | IdRule::Any, None) => Ok(()),
            (rule, found) => Err(format!("the id is {found:?}, and it must be {rule:?} (sent: {id})")),
        }
    }
}

/// A member of a message that is a response and nothing else.
fn member<'m>(message: &'m Value, name: &str) -> Result<&'m Value, String> {
    let object = message.as_object().ok_or("no object")?;
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err("no jsonrpc 2.0".into());
    }
    let strangers: Vec<_> =
        object.keys().filter(|key| !["jsonrpc", "id", name].contains(&key.as_str())).collect();
    if !strangers.is_empty() {
        return Err(format!("{strangers:?} instead of {name}"));
    }
    object.get(name).ok_or_else(|| format!("no {name}"))
}
