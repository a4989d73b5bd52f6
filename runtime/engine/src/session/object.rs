//! JSON objects written member by member, straight into the answer.

use impresario_codec::{write_serialized, write_str};
use impresario_protocol::JsonObject;
use serde::Serialize;

use crate::shared::Identity;

/// Member of a result's `_meta` that says who answers.
pub(super) const META_SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// A serializable value; ours can always be written.
pub(super) fn write_value(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    if let Err(error) = write_serialized(out, value) {
        tracing::error!(%error, "a value could not be written and is sent as null");
        out.extend_from_slice(b"null");
    }
}

/// A JSON object that is being written.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    pub(super) is_empty: bool,
    /// The result's own `_meta`, to be merged with ours at the end.
    pub(super) meta: Option<JsonObject>,
    /// A text that is sent from where it is.
    pub(super) apart: Option<Apart>,
}

/// A text that is not copied among what is written, and where it stands there.
pub(super) type Apart = (usize, String);

impl<'o> Object<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true, meta: None, apart: None }
    }

    /// Writes a member's name; its value is written to what this returns.
    pub(super) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        // Names are ours, and none of them has anything to escape.
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes a member whose name is somebody else's.
    pub(super) fn named(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        write_str(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        write_str(self.member(name), text);
    }

    pub(super) fn serialized(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        write_value(self.member(name), value);
    }

    /// The `_meta` of a result of the modern era that has nothing of its own to put there.
    pub(super) fn server_info(&mut self, identity: &Identity) {
        let mut meta = Object::open(self.member("_meta"));
        meta.member(META_SERVER_INFO).extend_from_slice(&identity.implementation_json);
        meta.close();
    }

    /// Puts the text that stands apart where it belongs, for an object that is no whole answer.
    pub(super) fn join(&mut self) {
        if let Some((at, text)) = self.apart.take() {
            self.out.splice(at..at, text.into_bytes());
        }
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }

    /// Closes it with members that were written beforehand, and the closing brace behind them.
    pub(super) fn close_with(self, members: &[u8]) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.out.extend_from_slice(members);
    }
}
