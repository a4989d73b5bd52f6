//! Several servers on the same work.
pub mod contender;
pub mod rounds;
