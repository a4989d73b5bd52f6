//! How a result is shown: while it is made, at the end, as JSON, and as a page that can be sent to somebody.

pub mod doubts;
pub(crate) mod grid;
pub mod growth;
pub mod html;
pub mod live;
pub mod print;
pub mod ratios;
mod spark;
pub mod table;
pub mod units;
