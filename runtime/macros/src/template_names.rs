//! The names of the variables in a URI template, which is all that a macro must know of it.
//!
//! Whether the template is a good one is decided by the runtime, when the resource is registered.

use syn::{Error, LitStr, Result};

/// The names of the variables, in the order in which they stand; none when the URI is no template.
pub(crate) fn template_names(uri: &LitStr) -> Result<Vec<String>> {
    let text = uri.value();
    let mut names = Vec::new();
    let mut pieces = text.split('{');
    let refuse = |problem: &str| Err(Error::new(uri.span(), problem));
    if pieces.next().is_some_and(|before| before.contains('}')) {
        return refuse("`}` closes nothing in this URI; add `{` or remove it");
    }
    for piece in pieces {
        let Some((inside, behind)) = piece.split_once('}') else {
            return refuse("`{` is not closed in this URI; add `}`");
        };
        if behind.contains('}') {
            return refuse("`}` closes nothing in this URI; add `{` or remove it");
        }
        let list = inside.strip_prefix(['+', '#', '.', '/', ';', '?', '&']).unwrap_or(inside);
        for specification in list.split(',') {
            let name = specification.split(':').next().unwrap_or_default().trim_end_matches('*');
            if name.is_empty() {
                return refuse("a variable of this URI has no name");
            }
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn check(uri: &str) -> std::result::Result<String, String> {
        let names = template_names(&LitStr::new(uri, Span::call_site()));
        names.map(|names| names.join(" ")).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_found_behind_every_operator() {
        let rows = [
            ("config://app", ""),
            ("greeting://{name}", "name"),
            ("file:///{+path}{?rev,page:3}{#part}", "path rev page part"),
            ("t://x{/ids*}{.kind}{;a}{&b}", "ids kind a b"),
        ];
        for (uri, names) in rows {
            assert_eq!(check(uri).as_deref(), Ok(names), "{uri}");
        }
    }

    #[test]
    fn braces_come_in_pairs_around_names() {
        for uri in ["t://{a", "t://a}", "t://{a}}", "t://{a{b}", "t://{}", "t://{?}", "t://{a,}"] {
            assert!(check(uri).is_err(), "{uri}");
        }
    }
}
