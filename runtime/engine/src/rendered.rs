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

/// The pieces that were asked for so far, by how they are written.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pieces: RwLock<HashMap<(Piece, Dialect), Arc<[Bytes]>, ahash::RandomState>>,
}

impl Rendered {
    /// The piece in that dialect; `render` writes it the first time.
    pub(crate) fn get(
        &self,
        piece: Piece,
        dialect: Dialect,
        render: impl FnOnce() -> Vec<Bytes>,
    ) -> Arc<[Bytes]> {
        let key = (piece, dialect);
        if let Some(pages) = self.pieces.read().get(&key) {
            return Arc::clone(pages);
        }
        let pages: Arc<[Bytes]> = render().into();
        Arc::clone(self.pieces.write().entry(key).or_insert(pages))
    }
}
