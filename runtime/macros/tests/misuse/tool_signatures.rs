//! Functions that can't be tools.

use impresario_macros::tool;

struct Server;

impl Server {
    #[tool]
    fn with_self(&self) {}
}

#[tool]
fn with_generics<T>(value: T) {}

#[tool]
fn with_impl(value: impl Into<String>) {}

#[tool]
fn with_pattern((a, b): (f64, f64)) {}

#[tool]
fn with_wildcard(_: f64) {}

#[tool]
fn with_static(text: &'static str) {}

#[tool]
fn with_mutable(numbers: &mut Vec<f64>) {}

#[tool(blocking)]
async fn async_and_blocking() {}

#[tool]
unsafe fn without_safety() {}

#[tool]
fn returns_its_argument(text: &str) -> &str {
    text
}

#[tool]
fn returns_something() -> impl std::fmt::Display {
    1
}

#[tool]
struct NoFunction;

fn main() {}
