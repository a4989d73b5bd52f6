//! `#[resource]`: a function reads what stands at a URI, or at every URI of a template.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, ItemFn, LitStr, Result};

use crate::attributes::{Labels, read_each, text};
use crate::cache::{Cache, Keeper};
use crate::callable::callable;
use crate::crate_path::{blamed_on, crate_path};
use crate::signature::{ArgumentKind, Signature};
use crate::template_names::template_names;
use crate::text_argument::{completions, parameters};

const KNOWN: &str = "uri = \"…\", name = \"…\", title = \"…\", description = \"…\", icon = \"https://…\", \
                     mime_type = \"…\", cache(…)";

/// What stands in `#[resource(…)]`.
pub(crate) struct ResourceAttributes {
    uri: LitStr,
    labels: Labels,
    mime_type: Option<LitStr>,
    cache: Option<Cache>,
}

impl Parse for ResourceAttributes {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut uri, mut labels, mut mime_type, mut cache) = (None, Labels::default(), None, None);
        read_each(input, "#[resource]", KNOWN, |name, input| {
            match name.to_string().as_str() {
                "uri" => uri = Some(text(name, input)?),
                "mime_type" => mime_type = Some(text(name, input)?),
                "cache" => cache = Some(Cache::read(name, input, Keeper::Resource)?),
                _ => return labels.read(name, input),
            }
            Ok(true)
        })?;
        let missing = "#[resource] needs uri = \"…\", such as uri = \"config://app\"";
        let uri = uri.ok_or_else(|| Error::new(Span::call_site(), missing))?;
        Ok(Self { uri, labels, mime_type, cache })
    }
}

pub(crate) fn expand(attributes: &ResourceAttributes, function: ItemFn) -> Result<TokenStream> {
    let signature = Signature::parse(function, "#[resource]", ArgumentKind::Text)?;
    let variables = template_names(&attributes.uri)?;
    check_parameters(&signature, &variables, &attributes.uri)?;
    let runtime = crate_path()?;
    let (ident, output, uri) = (&signature.ident, &signature.output, &attributes.uri);
    let name = attributes.labels.name_or(ident)?;
    let labels = attributes.labels.setters(&runtime, &signature.docs);
    let mime_type = attributes.mime_type.iter();
    let cache = attributes.cache.iter().map(|cache| cache.policy(&runtime));
    let parameters = parameters(&runtime, &signature)?;
    let dot_await = signature.is_async.then(|| quote!(.await));
    let call = quote!(#ident(#(#parameters),*)#dot_await);
    // A returned type that is no contents is reported where it stands.
    let body = quote_spanned! {output.span()=>
        async move { ::core::result::Result::Ok::<#output, #runtime::McpError>(#call) }
    };
    let spec = if variables.is_empty() {
        let read = quote_spanned!(output.span()=> move |__ctx: #runtime::Context| #body);
        let spec = blamed_on(output.span(), quote!(#runtime::ResourceSpec::new));
        let spec = quote_spanned!(output.span()=> #spec(#uri, #name, #read));
        quote!(#runtime::ResourceEntry::Resource(#spec
            #labels #(.mime_type(#mime_type))* #(.cache(#cache))*))
    } else {
        let completions = completions(&runtime, &signature)?;
        let read = quote_spanned! {output.span()=>
            move |__variables: #runtime::Variables, __ctx: #runtime::Context| #body
        };
        let spec = blamed_on(output.span(), quote!(#runtime::TemplateSpec::new));
        let spec = quote_spanned!(output.span()=> #spec(#uri, #name, #read));
        quote!(#runtime::ResourceEntry::Template(#spec
            #labels #(.mime_type(#mime_type))* #(.cache(#cache))* #(#completions)*))
    };
    let registration = quote! {
        impl #runtime::IntoResource for #ident {
            fn into_resource(self) -> #runtime::ResourceEntry {
                #spec
            }
        }
    };
    Ok(callable(&signature, &registration))
}

/// Every parameter is a variable of the template, and every variable a parameter.
fn check_parameters(signature: &Signature, variables: &[String], uri: &LitStr) -> Result<()> {
    let mut names = Vec::new();
    for (_, argument) in signature.arguments() {
        let name = argument.name();
        if !variables.contains(&name) {
            let text = if variables.is_empty() {
                format!("the URI has no variables; write `{{{name}}}` into it, or take nothing but a Context")
            } else {
                format!("`{name}` is no variable of the URI; it has {}", variables.join(", "))
            };
            return Err(Error::new(argument.ident.span(), text));
        }
        names.push(name);
    }
    match variables.iter().find(|variable| !names.contains(variable)) {
        Some(variable) => {
            let text = format!("the variable `{variable}` has no parameter; add `{variable}: String`");
            Err(Error::new(uri.span(), text))
        }
        None => Ok(()),
    }
}
