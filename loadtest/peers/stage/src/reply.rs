//! The reply of a server that answers fixed bytes, made once: its bytes before and after the id.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use bytes::buf::Chain;
use bytes::{Buf, Bytes};

/// A body in two parts, which leave in one write without being copied together.
pub type Body = Chain<Bytes, Bytes>;

const BEFORE_ID: &str = r#"{"jsonrpc":"2.0","id":"#;
const TEXT_BEGINS: &str = r#"{"resultType":"complete","content":[{"type":"text","text":""#;
const TEXT_ENDS: &str = r#""}]}"#;

/// What such a server is told about its reply.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplyOptions {
    /// Length of the reply's body, a tools/call result with one text.
    #[arg(long, default_value_t = 113, conflicts_with = "result")]
    pub reply_bytes: usize,
    /// A file with the JSON of another result to answer with, like that of a tools/list.
    #[arg(long)]
    pub result: Option<PathBuf>,
    /// The same bytes for everybody, with id 1. This is the default.
    #[arg(long, conflicts_with = "echo_id")]
    pub fixed: bool,
    /// Put the request's id into the reply: the digits after the body's first "id":, found without parsing.
    #[arg(long)]
    pub echo_id: bool,
}

impl ReplyOptions {
    /// The reply that was asked for.
    pub fn reply(&self) -> anyhow::Result<Reply> {
        match &self.result {
            Some(path) => Reply::with_result(
                &std::fs::read_to_string(path).context("read the file given with --result")?,
            ),
            None => Reply::of_length(self.reply_bytes),
        }
    }
}

/// A reply's bytes, shared by every connection.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The whole reply to a request with id 1.
    fixed: Bytes,
    /// What comes after the id.
    after_id: Bytes,
}

impl Reply {
    /// A tools/call result with as long a text as makes the whole reply this long, if its id has one digit.
    pub fn of_length(length: usize) -> anyhow::Result<Self> {
        let frame = Self::new(&format!("{TEXT_BEGINS}{TEXT_ENDS}")).fixed.len();
        ensure!(length >= frame, "a reply has at least {frame} bytes: pass more with --reply-bytes");
        Ok(Self::new(&format!("{TEXT_BEGINS}{}{TEXT_ENDS}", "x".repeat(length - frame))))
    }

    /// A reply with a result of somebody's own.
    pub fn with_result(result: &str) -> anyhow::Result<Self> {
        let result: serde_json::Value = serde_json::from_str(result).context("read the result as JSON")?;
        Ok(Self::new(&result.to_string()))
    }

    fn new(result: &str) -> Self {
        let after_id = format!(r#","result":{result}}}"#);
        Self { fixed: Bytes::from(format!("{BEFORE_ID}1{after_id}")), after_id: Bytes::from(after_id) }
    }

    /// The whole reply to a request with id 1.
    pub fn fixed(&self) -> Body {
        self.fixed.clone().chain(Bytes::new())
    }

    /// The reply to a request with that id.
    pub fn with_id(&self, id: u64) -> Body {
        let mut digits = [0; 20];
        let mut first = digits.len();
        let mut rest = id;
        loop {
            first -= 1;
            // A remainder of ten fits into a byte.
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let before = [BEFORE_ID.as_bytes(), &digits[first..]].concat();
        Bytes::from(before).chain(self.after_id.clone())
    }
}

/// The number after the first `"id":`.
pub fn find_id(body: &[u8]) -> Option<u64> {
    let behind = &body[memchr::memmem::find(body, br#""id":"#)? + 5..];
    let digits = behind.iter().skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit());
    digits
        .fold(None, |number, digit| Some(number.unwrap_or(0_u64).wrapping_mul(10) + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: Body) -> String {
        let (first, last) = body.into_inner();
        String::from_utf8([first, last].concat()).expect("replies are text")
    }

    #[test]
    fn a_reply_is_as_long_as_was_asked_for() {
        for length in [113, 12_000, 100_000] {
            let reply = text(Reply::of_length(length).unwrap().fixed());
            assert_eq!(reply.len(), length);
            let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
            assert_eq!((&reply["id"], &reply["result"]["content"][0]["type"]), (&1.into(), &"text".into()));
        }
        assert!(Reply::of_length(10).is_err());
    }

    #[test]
    fn an_id_is_found_and_put_into_the_reply() {
        let rows = [
            (r#"{"jsonrpc":"2.0","id":7,"method":"x"}"#, Some(7)),
            (r#"{"id": 120}"#, Some(120)),
            (r#"{"id":18446744073709551615}"#, Some(u64::MAX)),
            (r#"{"id":"a"}"#, None),
            ("{}", None),
        ];
        let reply = Reply::with_result("{}").unwrap();
        for (body, id) in rows {
            assert_eq!(find_id(body.as_bytes()), id, "{body}");
            if let Some(id) = id {
                assert_eq!(
                    text(reply.with_id(id)),
                    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
                );
            }
        }
    }
}
