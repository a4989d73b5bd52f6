//! A default of another type is reported by the compiler where it stands.

use impresario_macros::tool;

#[tool]
fn default_of_another_type(#[arg(default = 1.5)] _limit: u32) {}

fn main() {}
