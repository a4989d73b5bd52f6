//! Makes load and measures it: threads with clients, a gate that says when, a collector of what they saw.

pub mod clock;
pub mod gate;
pub mod group;
pub mod random;
pub mod recorder;
pub mod schedule;
pub mod timer;

mod collector;
mod lane;
pub mod slices;
pub mod solo;
pub mod usage;

pub use collector::{Measured, Run, bind, measure};
