//! The pack `sql` as a client meets it, in SQLite and in PostgreSQL: one set of tests for both.

#![cfg(feature = "sql")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may fail by panicking, and says what it skipped"
)]

#[path = "sql/answers.rs"]
mod answers;
#[path = "sql/attacks.rs"]
mod attacks;
#[path = "sql/bounds.rs"]
mod bounds;
#[path = "sql/example.rs"]
mod example;
#[path = "sql/mistakes.rs"]
mod mistakes;
#[path = "sql/shop.rs"]
mod shop;
