//! Bytes that are written once per snapshot and sent many times: pages of lists, descriptions.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use impresario_protocol::ListKind;
use parking_lot::RwLock;

use crate::dialect::Dialect;

/// What is sent unchanged while a snapshot lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Piece {
    /// The pages of a list.
    Pages(ListKind),
    /// What the server says of itself.
    Description,
}

/// A piece, in one part or several.
pub(crate) type Pages = Arc<[Bytes]>;

/// The pieces that were asked for so far, by how they are written.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pieces: RwLock<HashMap<(Piece, Dialect), Pages, ahash::RandomState>>,
}

impl Rendered {
    /// The piece in that dialect; `render` writes it the first time.
    pub(crate) fn get(&self, piece: Piece, dialect: Dialect, render: impl FnOnce() -> Vec<Bytes>) -> Pages {
        let key = (piece, dialect);
        if let Some(pages) = self.pieces.read().get(&key) {
            return Arc::clone(pages);
        }
        let pages: Pages = render().into();
        Arc::clone(self.pieces.write().entry(key).or_insert(pages))
    }
}
