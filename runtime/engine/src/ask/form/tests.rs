//! Forms from types.
