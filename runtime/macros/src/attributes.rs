//! The arguments of our attributes, read with their types. Whatever is wrong is said where it stands, with
//! what could stand there instead.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, Expr, ExprArray, ExprLit, Ident, Lit, LitBool, LitInt, LitStr, Meta, Result, Token,
    parenthesized,
};

/// Names that may stand more than once.
const REPEATABLE: &str = "icon";

/// Reads `name`, `name = …` and `name(…)`, separated by commas. `read` says whether it knows the name.
pub(crate) fn read_each(
    input: ParseStream<'_>,
    place: &str,
    known: &str,
    mut read: impl FnMut(&Ident, ParseStream<'_>) -> Result<bool>,
) -> Result<()> {
    let mut seen: Vec<Ident> = Vec::new();
    while !input.is_empty() {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("no name; {place} takes {known}")));
        }
        let name = input.call(Ident::parse_any)?;
        if name != REPEATABLE && seen.contains(&name) {
            return Err(Error::new(name.span(), format!("`{name}` stands twice; remove one")));
        }
        if !read(&name, input)? {
            return Err(Error::new(name.span(), format!("`{name}` is unknown; {place} takes {known}")));
        }
        seen.push(name);
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error("missing comma in front of this"));
        }
        input.parse::<Option<Token![,]>>()?;
    }
    Ok(())
}

/// `name = "text"`.
pub(crate) fn text(name: &Ident, input: ParseStream<'_>) -> Result<LitStr> {
    value(name, input, &format!("a text: {name} = \"…\""))
}

/// `name`, `name = true` or `name = false`.
pub(crate) fn flag(name: &Ident, input: ParseStream<'_>) -> Result<bool> {
    if !input.peek(Token![=]) && (input.is_empty() || input.peek(Token![,])) {
        return Ok(true);
    }
    value::<LitBool>(name, input, &format!("true or false: {name} = true")).map(|literal| literal.value)
}

/// `name = 65536`.
pub(crate) fn number(name: &Ident, input: ParseStream<'_>) -> Result<u64> {
    value::<LitInt>(name, input, &format!("a whole number: {name} = 65536"))?.base10_parse()
}

/// `name = "5s"`, in milliseconds.
pub(crate) fn duration_ms(name: &Ident, input: ParseStream<'_>) -> Result<u64> {
    let literal: LitStr = value(name, input, &format!("a duration: {name} = \"5s\""))?;
    parse_duration_ms(&literal.value()).ok_or_else(|| {
        Error::new(literal.span(), "not a duration; write a number above 0 and ms, s, m or h, like \"5s\"")
    })
}

/// `name = ["text", "text"]`.
pub(crate) fn texts(name: &Ident, input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    let expected = format!("a list of texts: {name} = [\"…\", \"…\"]");
    let array: ExprArray = value(name, input, &expected)?;
    let text = |element: &Expr| match element {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
        other => Err(Error::new(other.span(), format!("`{name}` takes {expected}"))),
    };
    array.elems.iter().map(text).collect()
}

/// `name = EXPRESSION`.
pub(crate) fn expression(name: &Ident, input: ParseStream<'_>) -> Result<Expr> {
    value(name, input, &format!("an expression: {name} = …"))
}

fn value<T: syn::parse::Parse>(name: &Ident, input: ParseStream<'_>, expected: &str) -> Result<T> {
    if !input.peek(Token![=]) {
        return Err(Error::new(name.span(), format!("`{name}` takes {expected}")));
    }
    input.parse::<Token![=]>()?;
    let span = input.span();
    input.parse().map_err(|_| Error::new(span, format!("`{name}` takes {expected}")))
}

fn parse_duration_ms(text: &str) -> Option<u64> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let unit_ms: u64 = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit_ms).filter(|ms| *ms > 0)
}

/// What tools, resources and prompts are all described by.
#[derive(Default)]
pub(crate) struct Labels {
    name: Option<LitStr>,
    title: Option<LitStr>,
    description: Option<LitStr>,
    icons: Vec<LitStr>,
}

impl Labels {
    /// Reads one argument if it is one of these.
    pub(crate) fn read(&mut self, name: &Ident, input: ParseStream<'_>) -> Result<bool> {
        match name.to_string().as_str() {
            "name" => self.name = Some(text(name, input)?),
            "title" => self.title = Some(text(name, input)?),
            "description" => self.description = Some(text(name, input)?),
            "icon" => {
                let source = text(name, input)?;
                if !["https:", "data:"].iter().any(|scheme| source.value().starts_with(scheme)) {
                    return Err(Error::new(
                        source.span(),
                        "an icon is a URI that starts with https: or data:",
                    ));
                }
                self.icons.push(source);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The name given here, or else the function's.
    pub(crate) fn name_or(&self, function: &Ident) -> Result<LitStr> {
        let literal =
            self.name.clone().unwrap_or_else(|| LitStr::new(&function.unraw().to_string(), function.span()));
        let name = literal.value();
        let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if !(1..=128).contains(&name.len()) || !name.bytes().all(is_valid) {
            let rule = "set name = \"…\" to 1 to 128 of A-Z a-z 0-9 _ - .";
            return Err(Error::new(literal.span(), format!("`{name}` can't be a name; {rule}")));
        }
        Ok(literal)
    }

    /// The calls that describe a spec; the doc comment is the description unless one is given.
    pub(crate) fn setters(&self, runtime: &TokenStream, docs: &[Attribute]) -> TokenStream {
        let title = self.title.iter();
        let from_docs = || description_of(docs).map(ToTokens::into_token_stream);
        let description =
            self.description.as_ref().map(ToTokens::to_token_stream).or_else(from_docs).into_iter();
        let icons = &self.icons;
        quote! {
            #(.title(#title))*
            #(.description(#description))*
            #(.icon(#runtime::Icon { src: #icons.into(), ..::core::default::Default::default() }))*
        }
    }
}

/// A doc comment as Markdown, trimmed.
pub(crate) fn description_of(docs: &[Attribute]) -> Option<String> {
    let lines = docs.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(literal) = &pair.value else { return None };
        let Lit::Str(line) = &literal.lit else { return None };
        let line = line.value();
        Some(line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
    });
    Some(lines.collect::<Vec<_>>().join("\n").trim().to_owned()).filter(|text| !text.is_empty())
}

/// The tokens in the parentheses behind a name.
pub(crate) fn nested(name: &Ident, input: ParseStream<'_>, known: &str) -> Result<TokenStream> {
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(name.span(), format!("`{name}` takes parentheses: {name}({known})")));
    }
    let inside;
    parenthesized!(inside in input);
    inside.parse()
}

/// A `Duration`, written out.
pub(crate) fn duration(ms: u64) -> TokenStream {
    quote!(::core::time::Duration::from_millis(#ms))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let rows = [
            ("250ms", Some(250)),
            ("5s", Some(5_000)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("0s", None),
            ("5", None),
            ("s", None),
            ("5 s", None),
            ("-5s", None),
            ("1.5s", None),
            ("1d", None),
            ("18446744073709551615h", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_duration_ms(text), expected, "{text}");
        }
    }

    #[test]
    fn a_doc_comment_becomes_markdown() {
        let docs: Vec<Attribute> = vec![
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = " Adds:"]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = "   - two numbers  "]),
        ];
        assert_eq!(description_of(&docs).as_deref(), Some("Adds:\n\n  - two numbers"));
        assert_eq!(description_of(&docs[..1]), None);
    }
}
