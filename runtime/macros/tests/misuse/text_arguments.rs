//! Arguments of templates and prompts that can't be made from text.

use impresario_macros::{prompt, resource};

#[prompt]
fn borrowed_number(count: &u32) -> String {
    count.to_string()
}

#[prompt]
fn with_default(#[arg(default = "easy")] level: String) -> String {
    level
}

#[resource(uri = "book://{title}")]
fn numbers_suggested(#[arg(complete = [1, 2])] title: String) -> String {
    title
}

#[prompt(mime_type = "text/plain")]
fn unknown() -> String {
    String::new()
}

#[prompt]
fn with_self(self) -> String {
    String::new()
}

fn main() {}
