//! `#[arg]` with what tools do not take.

use impresario_macros::tool;

#[tool]
fn unknown(#[arg(min = 1)] a: f64) {}

#[tool]
fn completed(#[arg(complete = ["a"])] a: String) {}

#[tool]
fn no_default(#[arg(default)] a: f64) {}

#[tool]
fn numeric_header(#[arg(header = 1)] a: f64) {}

#[tool]
fn conditional(#[cfg(unix)] a: f64) {}

#[tool]
fn two_problems(#[arg(x)] a: f64, (b, c): (f64, f64)) {}

fn main() {}
