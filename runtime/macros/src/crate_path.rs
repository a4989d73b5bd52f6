//! Under which name the user's crate knows the runtime, so that generated code finds it.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, Ident, Result};

/// The crates that export what generated code names, the one for users first.
const CRATES: [&str; 2] = ["impresario", "impresario-engine"];

/// The path of the runtime's crate, such as `::impresario`.
///
/// The crate itself is named the same way, not by `crate`: its tests and examples are crates of their own.
pub(crate) fn crate_path() -> Result<TokenStream> {
    let found = CRATES.into_iter().find_map(|package| match crate_name(package).ok()? {
        FoundCrate::Itself => Some(package.replace('-', "_")),
        FoundCrate::Name(name) => Some(name),
    });
    let name = found.ok_or_else(|| {
        Error::new(
            Span::call_site(),
            "the crate `impresario` is not among the dependencies; add it to Cargo.toml",
        )
    })?;
    let ident = Ident::new(&name, Span::call_site());
    Ok(quote!(::#ident))
}

/// The tokens of generated code, blamed on that place of the user's code.
pub(crate) fn blamed_on(span: Span, tokens: TokenStream) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    moved.collect()
}
