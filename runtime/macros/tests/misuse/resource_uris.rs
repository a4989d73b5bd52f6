//! URIs and parameters that do not belong together.

use impresario_macros::resource;

#[resource(name = "app")]
fn no_uri() -> &'static str {
    ""
}

#[resource(uri = "config://{name")]
fn open_brace(name: String) -> String {
    name
}

#[resource(uri = "config://{}")]
fn no_variable() -> &'static str {
    ""
}

#[resource(uri = "config://app")]
fn parameter_without_variable(name: String) -> String {
    name
}

#[resource(uri = "config://{name}")]
fn other_parameter(name: String, page: u32) -> String {
    format!("{name} {page}")
}

#[resource(uri = "config://{name}/{page}")]
fn variable_without_parameter(name: String) -> String {
    name
}

#[resource(uri = "config://app", timeout = "5s")]
fn unknown() -> &'static str {
    ""
}

fn main() {}
