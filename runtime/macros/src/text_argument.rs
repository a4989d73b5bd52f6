//! Arguments that arrive as text: the variables of templates and the arguments of prompts.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, Result, Type};

use crate::signature::{Argument, Parameter, Role, Signature, optional};

/// The expressions that fill the function's parameters from `__variables` and `__ctx`.
pub(crate) fn parameters(runtime: &TokenStream, signature: &Signature) -> Result<Vec<TokenStream>> {
    let value = |parameter: &Parameter| match (&parameter.role, &parameter.ty) {
        (Role::Context, Type::Reference(_)) => Ok(quote!(&__ctx)),
        (Role::Context, _) => Ok(quote!(::core::clone::Clone::clone(&__ctx))),
        (Role::Argument(argument), ty) => argument_value(runtime, &argument.name(), ty),
    };
    signature.parameters.iter().map(value).collect()
}

fn argument_value(runtime: &TokenStream, name: &str, ty: &Type) -> Result<TokenStream> {
    let inner = optional(ty).unwrap_or(ty);
    let is_optional = optional(ty).is_some();
    let borrowed = match inner {
        Type::Reference(reference) if is_str(&reference.elem) => true,
        Type::Reference(reference) => {
            let text = "the value is text; take a String, a &str or a type that implements FromStr";
            return Err(Error::new_spanned(reference, text));
        }
        _ => false,
    };
    // A type that can't be parsed is reported where it stands.
    let parsed = quote_spanned!(inner.span()=> __variables.parse::<#inner>(#name)?);
    let missing = format!("`{name}` is missing; give it a value");
    Ok(match (borrowed, is_optional) {
        (true, true) => quote!(__variables.get(#name)),
        (true, false) => quote! {
            __variables.get(#name).ok_or_else(|| #runtime::McpError::invalid_params(#missing))?
        },
        (false, true) => quote! {
            match __variables.get(#name) {
                ::core::option::Option::Some(_) => ::core::option::Option::Some(#parsed),
                ::core::option::Option::None => ::core::option::Option::None,
            }
        },
        (false, false) => parsed,
    })
}

fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("str"))
}

/// The calls on the spec that suggest values.
pub(crate) fn completions(runtime: &TokenStream, signature: &Signature) -> Result<Vec<TokenStream>> {
    signature.arguments().filter_map(|(_, argument)| completion(runtime, argument).transpose()).collect()
}

fn completion(runtime: &TokenStream, argument: &Argument) -> Result<Option<TokenStream>> {
    let Some(source) = &argument.complete else { return Ok(None) };
    let name = argument.name();
    let Expr::Array(list) = source else { return Ok(Some(quote!(.complete(#name, #source)))) };
    let is_text = |item: &Expr| matches!(item, Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)));
    if let Some(other) = list.elems.iter().find(|item| !is_text(item)) {
        return Err(Error::new_spanned(
            other,
            "a list of suggestions holds texts: complete = [\"easy\", \"hard\"]",
        ));
    }
    Ok(Some(quote! {
        .complete(#name, |__request: #runtime::CompletionRequest| __request.among(#list))
    }))
}
