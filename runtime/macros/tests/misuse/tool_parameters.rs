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

#[tool]
fn unknown_text_rule(#[arg(text(longest = 5))] a: String) {}

#[tool]
fn unknown_mark(#[arg(text(bidi = "escape"))] a: String) {}

#[tool]
fn two_bases(#[arg(text(strict, clean))] a: String) {}

#[tool(output(escapes = "reject"))]
fn unknown_treatment(a: String) {}

#[tool(output)]
fn no_output_rule(a: String) {}

fn main() {}
