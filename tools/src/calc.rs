//! The pack `calc`: arithmetic and small statistics, a greeting and a prompt for teachers.
//!
//! It shows every way to write a tool down: plain values, types with schemas, errors that a model can mend
//! its call by, structured output, resources, templates, prompts and completion. Nothing here may wait or
//! block: each function runs on the lane that took the call.

mod arithmetic;
mod body_mass;
mod greetings;
mod statistics;
mod teaching;

pub use arithmetic::{Operation, add, calculate, operations};
pub use body_mass::{BodyMass, Category, calculate_bmi};
pub use greetings::greeting;
pub use statistics::{
    Aggregate, Analysis, Filter, Group, Item, ItemId, Processed, Statistic, analyze_data, process_data,
};
pub use teaching::math_helper;

use impresario_engine::{Builder, Offer, ToolError};

use crate::Pack;

/// The pack, for the table of packs.
pub const PACK: Pack = Pack {
    name: "calc",
    description: "Arithmetic and small statistics, a greeting resource and a prompt that explains arithmetic.",
    install,
    offer,
};

/// Everything the pack offers.
#[must_use]
pub fn offer() -> Offer {
    Offer::default()
        .tool(add)
        .tool(calculate)
        .tool(calculate_bmi)
        .tool(analyze_data)
        .tool(process_data)
        .resource(operations)
        .resource(greeting)
        .prompt(math_helper)
}

/// Adds everything the pack offers.
#[must_use]
pub fn install(builder: Builder) -> Builder {
    builder.offer(offer())
}

/// The number, unless it left the range of a double: JSON has no way to write infinity.
fn finite(number: f64) -> Result<f64, ToolError> {
    if number.is_finite() {
        return Ok(number);
    }
    Err(ToolError::from("the result is too large for a number of 64 bits; pass smaller numbers"))
}
