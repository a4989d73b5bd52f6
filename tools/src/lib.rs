//! The tool packs: ready tools, resources and prompts, a module and a cargo feature each.
//!
//! A pack knows the engine's public words and nothing else: no transport, no socket, no other pack. The
//! command offers packs by name; an embedder may take a whole pack or single tools out of it:
//!
//! ```
//! # #[cfg(all(feature = "calc", feature = "lab"))] {
//! use impresario_engine::Runtime;
//! use impresario_tools::{calc, find};
//!
//! let pack = find("lab").expect("the feature `lab` is on");
//! let whole = (pack.install)(Runtime::builder());
//! let single = Runtime::builder().tool(calc::add);
//! # }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "calc")]
pub mod calc;
#[cfg(feature = "command")]
pub mod command;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "lab")]
pub mod lab;
#[cfg(any(feature = "files", feature = "skills"))]
mod media;
pub mod part;
#[cfg(feature = "skills")]
pub mod skills;
#[cfg(feature = "sql")]
pub mod sql;
#[cfg(feature = "sql-text")]
pub mod sql_text;

use impresario_engine::{Builder, Offer};
pub use impresario_settings as setting;

/// Tools, resources and prompts that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Pack {
    /// What the command line calls it.
    pub name: &'static str,
    /// What it offers, in one line.
    pub description: &'static str,
    /// Adds everything it offers.
    pub install: fn(Builder) -> Builder,
    /// Everything it offers.
    pub offer: fn() -> Offer,
}

/// Every pack that this build has, in the order in which they are offered.
pub const PACKS: &[Pack] = &[
    #[cfg(feature = "calc")]
    calc::PACK,
    #[cfg(feature = "lab")]
    lab::PACK,
];

/// The pack of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| pack.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use impresario_engine::Runtime;

    use super::*;

    #[test]
    fn every_pack_is_found_by_its_name() {
        for pack in PACKS {
            assert_eq!(find(pack.name).unwrap().description, pack.description);
            assert!(!pack.description.contains('\n'), "{}", pack.name);
        }
        let names: HashSet<_> = PACKS.iter().map(|pack| pack.name).collect();
        assert_eq!(names.len(), PACKS.len());
        assert!(find("no such pack").is_none());
    }

    #[test]
    fn all_packs_go_together() {
        let builder = PACKS.iter().fold(Runtime::builder(), |builder, pack| (pack.install)(builder));
        builder.lanes(1).start().unwrap();
    }
}
