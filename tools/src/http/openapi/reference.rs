//! References within a document.

use serde_json::Value;

/// One that leads to another, and that to the next: so many.
const CHAIN_MAX: usize = 8;

/// What references lead to.
#[derive(Debug, Clone, Copy)]
pub(super) struct References<'d> {
    root: &'d Value,
}

impl<'d> References<'d> {
    pub(super) fn new(root: &'d Value) -> Self {
        Self { root }
    }

    /// What stands there, behind however many references.
    ///
    /// # Errors
    /// A reference leads nowhere, out of the document, or in a circle.
    pub(super) fn resolve(&self, value: &'d Value) -> Result<&'d Value, String> {
        let mut value = value;
        for _ in 0..CHAIN_MAX {
            match value.get("$ref").and_then(Value::as_str) {
                Some(reference) => value = self.get(reference)?,
                None => return Ok(value),
            }
        }
        Err(format!("more than {CHAIN_MAX} references lead to each other"))
    }

    /// What a reference leads to.
    ///
    /// # Errors
    /// Nothing stands there, or it leads out of the document.
    pub(super) fn get(&self, reference: &str) -> Result<&'d Value, String> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!(
                "the reference {reference:?} leads out of the document, which is never followed"
            ));
        };
        // A pointer in a URL is encoded twice: as a URL and as a pointer.
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        self.root.pointer(&pointer).ok_or_else(|| format!("nothing stands at {reference:?}"))
    }
}
