//! Arguments of `#[tool]` that do not exist, stand twice or have another type.

use impresario_macros::tool;

#[tool(colour = "red")]
fn unknown() {}

#[tool(title)]
fn bare_title() {}

#[tool(title = 5)]
fn numeric_title() {}

#[tool(title = "a", title = "b")]
fn twice() {}

#[tool(title = "a" blocking)]
fn missing_comma() {}

#[tool("add")]
fn no_name() {}

#[tool(name = "add numbers")]
fn spaced_name() {}

#[tool]
fn größe() {}

#[tool(icon = "icon.png")]
fn relative_icon() {}

#[tool(blocking = 1)]
fn numeric_flag() {}

fn main() {}
