//! `cache(…)` on a tool or a resource: how long answers may be kept, for whom, and how many.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, Ident, LitStr, Result};

use crate::attributes::{duration, duration_ms, expression, nested, number, read_each, text, texts};

/// Whose answers are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// A tool's, by the runtime.
    Tool,
    /// A resource's, by clients.
    Resource,
}

const OF_TOOLS: &str = "ttl = \"5m\", scope = \"public\", \"tenant\" or \"private\", max_bytes = 65536, \
                        entries_max = 10000, bytes_max = 1048576, eviction = \"lru\" or \"tiny_lfu\", \
                        key_fields = [\"city\"], errors = [\"not_found\"], error_ttl = \"30s\", \
                        stale_while_revalidate = \"1m\", stale_if_error = \"1h\", tags = [\"weather\"], warm = […], \
                        forget_on_list_changed = [\"resources\"]";
const OF_RESOURCES: &str = "ttl = \"5m\", scope = \"public\" or \"private\"";

/// The settings, as calls on the policy, in the order in which they stand.
pub(crate) struct Cache {
    ttl_ms: u64,
    settings: Vec<Setting>,
}

enum Setting {
    Sharing(&'static str),
    Number(Ident, u64),
    Eviction(&'static str),
    Duration(Ident, u64),
    Texts(Ident, Vec<LitStr>),
    Errors(Vec<LitStr>, u64),
    Warm(Expr),
    ForgetOn(Vec<&'static str>),
}

impl Cache {
    pub(crate) fn read(name: &Ident, input: ParseStream<'_>, keeper: Keeper) -> Result<Self> {
        let known = if keeper == Keeper::Tool { OF_TOOLS } else { OF_RESOURCES };
        let (mut ttl_ms, mut errors, mut error_ttl_ms) = (None, None, None);
        let mut settings = Vec::new();
        let inside = nested(name, input, known)?;
        let read = |input: ParseStream<'_>| {
            read_each(input, "cache", known, |name, input| {
                match (name.to_string().as_str(), keeper) {
                    ("ttl", _) => ttl_ms = Some(duration_ms(name, input)?),
                    ("errors", Keeper::Tool) => errors = Some((name.clone(), texts(name, input)?)),
                    ("error_ttl", Keeper::Tool) => {
                        error_ttl_ms = Some((name.clone(), duration_ms(name, input)?));
                    }
                    _ => match Setting::read(name, input, keeper)? {
                        Some(setting) => settings.push(setting),
                        None => return Ok(false),
                    },
                }
                Ok(true)
            })
        };
        read.parse2(inside)?;
        let ttl_ms = ttl_ms.ok_or_else(|| Error::new(name.span(), "cache needs ttl = \"5m\""))?;
        match (errors, error_ttl_ms) {
            (Some((_, codes)), Some((_, ttl_ms))) => settings.push(Setting::Errors(codes, ttl_ms)),
            (Some((errors, _)), None) => {
                return Err(Error::new(
                    errors.span(),
                    "errors need a time of their own: error_ttl = \"30s\"",
                ));
            }
            (None, Some((error_ttl, _))) => {
                return Err(Error::new(error_ttl.span(), "error_ttl needs errors = [\"not_found\"]"));
            }
            (None, None) => {}
        }
        Ok(Self { ttl_ms, settings })
    }

    pub(crate) fn policy(&self, runtime: &TokenStream) -> TokenStream {
        let ttl = duration(self.ttl_ms);
        let settings = self.settings.iter().map(|setting| setting.call(runtime));
        quote!(#runtime::CachePolicy::ttl(#ttl) #(#settings)*)
    }
}

impl Setting {
    fn read(name: &Ident, input: ParseStream<'_>, keeper: Keeper) -> Result<Option<Self>> {
        let setting = match (name.to_string().as_str(), keeper) {
            ("scope", Keeper::Resource) => Self::Sharing(one_of(
                &text(name, input)?,
                &[("public", "Public"), ("private", "Private")],
                "a scope is \"public\" or \"private\"",
            )?),
            (_, Keeper::Resource) => return Ok(None),
            ("scope", Keeper::Tool) => Self::Sharing(one_of(
                &text(name, input)?,
                &[("public", "Public"), ("tenant", "Tenant"), ("private", "Private")],
                "a scope is \"public\", \"tenant\" or \"private\"",
            )?),
            ("max_bytes" | "entries_max" | "bytes_max", _) => {
                Self::Number(name.clone(), number(name, input)?)
            }
            ("eviction", _) => Self::Eviction(one_of(
                &text(name, input)?,
                &[("lru", "LeastRecent"), ("tiny_lfu", "LeastFrequent")],
                "an eviction is \"lru\" or \"tiny_lfu\"",
            )?),
            ("stale_while_revalidate" | "stale_if_error", _) => {
                Self::Duration(name.clone(), duration_ms(name, input)?)
            }
            ("key_fields" | "tags", _) => Self::Texts(name.clone(), texts(name, input)?),
            ("warm", _) => Self::Warm(expression(name, input)?),
            ("forget_on_list_changed", _) => Self::ForgetOn(lists(&texts(name, input)?)?),
            _ => return Ok(None),
        };
        Ok(Some(setting))
    }

    fn call(&self, runtime: &TokenStream) -> TokenStream {
        match self {
            Self::Sharing(sharing) => {
                let sharing = word(sharing);
                quote!(.sharing(#runtime::CacheSharing::#sharing))
            }
            Self::Number(name, number) => quote!(.#name(#number)),
            Self::Eviction(eviction) => {
                let eviction = word(eviction);
                quote!(.eviction(#runtime::Eviction::#eviction))
            }
            Self::Duration(name, ms) => {
                let duration = duration(*ms);
                quote!(.#name(#duration))
            }
            // An empty list has no type of its own.
            Self::Texts(name, texts) => quote!(.#name::<&str>([#(#texts),*])),
            Self::Errors(codes, ttl_ms) => {
                let ttl = duration(*ttl_ms);
                quote!(.keep_errors::<&str>([#(#codes),*], #ttl))
            }
            Self::Warm(calls) => quote!(.warm(#calls)),
            Self::ForgetOn(kinds) => {
                let kinds = kinds.iter().map(|kind| word(kind));
                quote!(.forget_on_list_changed([#(#runtime::ListKind::#kinds),*]))
            }
        }
    }
}

fn word(word: &str) -> TokenStream {
    Ident::new(word, proc_macro2::Span::call_site()).into_token_stream()
}

/// The variant that a text stands for.
fn one_of(text: &LitStr, words: &[(&str, &'static str)], rule: &str) -> Result<&'static str> {
    let found = words.iter().find(|(word, _)| *word == text.value());
    found.map(|(_, variant)| *variant).ok_or_else(|| Error::new(text.span(), rule))
}

fn lists(names: &[LitStr]) -> Result<Vec<&'static str>> {
    let words = [("tools", "Tools"), ("resources", "Resources"), ("prompts", "Prompts")];
    let list = |name| one_of(name, &words, "a list is \"tools\", \"resources\" or \"prompts\"");
    names.iter().map(list).collect()
}
