//! How bytes go to a server and come back: one file for each layer, the pure ones first.

pub mod chunked;
pub mod events;
pub mod head;
pub mod response;
