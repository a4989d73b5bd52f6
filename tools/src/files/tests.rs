//! The pack as its parts see it.
