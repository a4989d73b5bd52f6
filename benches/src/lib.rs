//! What each layer costs: criterion benches, counted allocations, counted instructions.
#![forbid(unsafe_code)]
