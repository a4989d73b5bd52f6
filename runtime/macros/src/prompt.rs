//! `#[prompt]`: a function fills in a prompt from its arguments.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{ItemFn, Result};

use crate::attributes::{Labels, description_of, read_each};
use crate::callable::callable;
use crate::crate_path::{blamed_on, crate_path};
use crate::signature::{ArgumentKind, Signature, optional};
use crate::text_argument::{completions, parameters};

const KNOWN: &str = "name = \"…\", title = \"…\", description = \"…\", icon = \"https://…\"";

/// What stands in `#[prompt(…)]`.
#[derive(Default)]
pub(crate) struct PromptAttributes {
    labels: Labels,
}

impl Parse for PromptAttributes {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut labels = Labels::default();
        read_each(input, "#[prompt]", KNOWN, |name, input| labels.read(name, input))?;
        Ok(Self { labels })
    }
}

pub(crate) fn expand(attributes: &PromptAttributes, function: ItemFn) -> Result<TokenStream> {
    let signature = Signature::parse(function, "#[prompt]", ArgumentKind::Text)?;
    let runtime = crate_path()?;
    let (ident, output) = (&signature.ident, &signature.output);
    let name = attributes.labels.name_or(ident)?;
    let labels = attributes.labels.setters(&runtime, &signature.docs);
    let arguments = arguments(&runtime, &signature);
    let completions = completions(&runtime, &signature)?;
    let parameters = parameters(&runtime, &signature)?;
    let dot_await = signature.is_async.then(|| quote!(.await));
    let call = quote!(#ident(#(#parameters),*)#dot_await);
    // A returned type that is no prompt is reported where it stands.
    let fill = quote_spanned! {output.span()=>
        move |__variables: #runtime::Variables, __ctx: #runtime::Context| async move {
            ::core::result::Result::Ok::<#output, #runtime::McpError>(#call)
        }
    };
    let spec = blamed_on(output.span(), quote!(#runtime::PromptSpec::new));
    let spec = quote_spanned!(output.span()=> #spec(#name, #fill));
    let registration = quote! {
        impl #runtime::IntoPrompt for #ident {
            fn into_prompt(self) -> #runtime::PromptSpec {
                #spec #labels #arguments #(#completions)*
            }
        }
    };
    Ok(callable(&signature, &registration))
}

/// The calls on the spec that describe the arguments.
fn arguments(runtime: &TokenStream, signature: &Signature) -> TokenStream {
    let arguments = signature.arguments().map(|(parameter, argument)| {
        let name = argument.name();
        let required = optional(&parameter.ty).is_none();
        let description = description_of(&argument.docs).into_iter();
        quote! {
            .argument(#runtime::PromptArgument {
                name: #name.into(),
                #(description: ::core::option::Option::Some(#description.into()),)*
                required: ::core::option::Option::Some(#required),
                ..::core::default::Default::default()
            })
        }
    });
    quote!(#(#arguments)*)
}
