//! SQL as text: what the pack `sql` reads out of a statement before any database sees it.
//!
//! It stands apart from the pack because it needs no database, and so can be tried with any text at all, without one.

pub mod guard;
pub mod tokens;
