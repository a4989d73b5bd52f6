//! `text(…)` on a parameter and `output(…)` on a tool: what texts may hold on their way in and out.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, LitStr, Result};

use crate::attributes::{nested, number, read_each, text};

/// `text(max_chars = 200, pattern = "[a-z]+", control = "reject", bidi = "strip")`.
pub(crate) struct TextRule {
    /// The rule that the others change: one of `TextRule`'s constructors.
    base: Ident,
    /// The calls on the rule.
    setters: Vec<TokenStream>,
    /// The marks, by the method that sets them.
    marks: Vec<(Ident, Ident)>,
}

impl TextRule {
    pub(crate) fn read(name: &Ident, input: ParseStream<'_>) -> Result<Self> {
        const KNOWN: &str = "strict, clean, min_chars = 1, max_chars = 200, pattern = \"[a-z]+\", \
                             control, bidi, invisible, ansi = \"allow\", \"reject\" or \"strip\"";
        let mut rule =
            Self { base: Ident::new("default", name.span()), setters: Vec::new(), marks: Vec::new() };
        let inside = nested(name, input, KNOWN)?;
        let read = |input: ParseStream<'_>| {
            read_each(input, "text", KNOWN, |name, input| {
                match name.to_string().as_str() {
                    "strict" | "clean" if rule.base != "default" => {
                        return Err(Error::new(name.span(), "a text is `strict` or `clean`; remove one"));
                    }
                    "strict" | "clean" => rule.base = name.clone(),
                    "min_chars" | "max_chars" => {
                        let chars = number(name, input)?;
                        rule.setters.push(quote!(.#name(#chars)));
                    }
                    "pattern" => {
                        let pattern = text(name, input)?;
                        rule.setters.push(quote!(.pattern(#pattern)));
                    }
                    "control" | "bidi" | "invisible" | "ansi" => {
                        rule.marks.push((name.clone(), one_of(&text(name, input)?, &MARKS)?));
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })
        };
        read.parse2(inside)?;
        Ok(rule)
    }

    /// The rule, as an expression.
    pub(crate) fn value(&self, runtime: &TokenStream) -> TokenStream {
        let Self { base, setters, marks } = self;
        let (names, marks): (Vec<_>, Vec<_>) = marks.iter().cloned().unzip();
        quote!(#runtime::TextRule::#base() #(#setters)* #(.#names(#runtime::Mark::#marks))*)
    }
}

/// `output(escapes = "strip", bidi = "escape", bytes_max = 65536)`.
pub(crate) struct OutputRule {
    is_clean: bool,
    treatments: Vec<(Ident, Ident)>,
    bytes_max: Option<u64>,
}

impl OutputRule {
    pub(crate) fn read(name: &Ident, input: ParseStream<'_>) -> Result<Self> {
        const KNOWN: &str =
            "clean, escapes, bidi, invisible = \"keep\", \"strip\" or \"escape\", bytes_max = 65536";
        let mut rule = Self { is_clean: false, treatments: Vec::new(), bytes_max: None };
        let inside = nested(name, input, KNOWN)?;
        let read = |input: ParseStream<'_>| {
            read_each(input, "output", KNOWN, |name, input| {
                match name.to_string().as_str() {
                    "clean" => rule.is_clean = true,
                    "escapes" | "bidi" | "invisible" => {
                        rule.treatments.push((name.clone(), one_of(&text(name, input)?, &TREATMENTS)?));
                    }
                    "bytes_max" => rule.bytes_max = Some(number(name, input)?),
                    _ => return Ok(false),
                }
                Ok(true)
            })
        };
        read.parse2(inside)?;
        Ok(rule)
    }

    /// The rule, as an expression.
    pub(crate) fn value(&self, runtime: &TokenStream) -> TokenStream {
        let base = if self.is_clean { quote!(clean()) } else { quote!(KEEP) };
        let (names, treatments): (Vec<_>, Vec<_>) = self.treatments.iter().cloned().unzip();
        let bytes_max = self.bytes_max.iter();
        quote! {
            #runtime::OutputRule::#base
                #(.#names(#runtime::Treatment::#treatments))*
                #(.bytes_max(#bytes_max))*
        }
    }
}

const MARKS: [(&str, &str); 3] = [("allow", "Allow"), ("reject", "Reject"), ("strip", "Strip")];
const TREATMENTS: [(&str, &str); 3] = [("keep", "Keep"), ("strip", "Strip"), ("escape", "Escape")];

/// The variant that a word stands for.
fn one_of(word: &LitStr, variants: &[(&str, &str); 3]) -> Result<Ident> {
    let value = word.value();
    match variants.iter().find(|(known, _)| *known == value) {
        Some((_, variant)) => Ok(Ident::new(variant, word.span())),
        None => {
            let [(first, _), (second, _), (third, _)] = variants;
            let text = format!("`{value}` is unknown; write \"{first}\", \"{second}\" or \"{third}\"");
            Err(Error::new(word.span(), text))
        }
    }
}
