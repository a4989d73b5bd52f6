//! Authentication as a transport uses it: an issuer of our own, tokens of every kind, and what clients are told.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod canary;
mod documents;
mod hostile;
mod matrix;
mod methods;
mod openings;
mod rotation;
mod server;
mod signer;
mod stage;
