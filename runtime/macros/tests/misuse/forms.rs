//! What a person can't fill in is refused at the field.

use impresario_macros::Form;
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Address {
    street: String,
}

#[derive(Form, Deserialize, JsonSchema)]
struct Fields {
    name: String,
    address: Address,
    tags: Vec<String>,
    pair: (u8, u8),
}

#[derive(Form, Deserialize, JsonSchema)]
struct Unnamed(String);

#[derive(Form, Deserialize, JsonSchema)]
enum WithData {
    Plain,
    Full(String),
}

#[derive(Form, Deserialize, JsonSchema)]
struct Generic<T> {
    value: T,
}

fn main() {}
