//! Authentication as a transport uses it: an issuer of our own, tokens of every kind, and what clients are told.

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
