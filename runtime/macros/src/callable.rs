//! The unit struct that takes the function's place: it can be registered, and still be called.
//!
//! A call goes through `Deref` to a function pointer, for calls dereference what they call. The function
//! keeps its name inside a block of its own, so it may call itself, and may have a parameter of its name.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, Lifetime, Type};

use crate::signature::{CALL_LIFETIME, Signature};

/// The whole replacement of a function; `registration` is what makes it a tool, resource or prompt.
pub(crate) fn callable(signature: &Signature, registration: &TokenStream) -> TokenStream {
    let Signature { vis, ident, docs, cfgs, function, .. } = signature;
    let deref = deref(signature);
    let shields = shields(signature);
    quote! {
        #(#cfgs)*
        #(#docs)*
        #[allow(non_camel_case_types)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #vis struct #ident;

        #(#cfgs)*
        const _: () = {
            #shields
            // Which arguments there are, and that they are owned, is decided by what clients send.
            #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value, clippy::unused_async)]
            #function
            #registration
            #deref
        };
    }
}

/// Functions named like the parameters. A parameter can't have the name of a unit struct, such as another
/// tool of the same module; but it can have that of a function, and within the block that is what it finds.
fn shields(signature: &Signature) -> TokenStream {
    let arguments = signature.arguments().map(|(_, argument)| &argument.ident);
    let names = arguments.filter(|name| **name != signature.ident);
    quote!(#(#[allow(dead_code, non_snake_case)] fn #names() {})*)
}

fn deref(signature: &Signature) -> TokenStream {
    let Signature { ident, is_async, output, .. } = signature;
    let types: Vec<&Type> = signature.parameters.iter().map(|parameter| &parameter.ty).collect();
    // Parameters get names of ours: a pattern must not be the name of a unit struct.
    let names: Vec<Ident> = (0..types.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let lifetime = Lifetime::new(CALL_LIFETIME, ident.span());
    let (declared, bound, future_lifetime) = if signature.borrows() {
        (quote!(<#lifetime>), quote!(for<#lifetime>), lifetime.to_token_stream())
    } else {
        (quote!(), quote!(), quote!('static))
    };
    let (returned, call) = if *is_async {
        let future = quote!(dyn ::core::future::Future<Output = #output> + #future_lifetime);
        let returned = quote!(::core::pin::Pin<::std::boxed::Box<#future>>);
        (returned, quote!(::std::boxed::Box::pin(#ident(#(#names),*))))
    } else {
        (quote!(#output), quote!(#ident(#(#names),*)))
    };
    // The function's name is where the compiler reports a type that is less visible than the function.
    quote_spanned! {ident.span()=>
        #[allow(clippy::type_complexity)]
        impl ::core::ops::Deref for #ident {
            type Target = #bound fn(#(#types),*) -> #returned;

            fn deref(&self) -> &Self::Target {
                #[allow(clippy::too_many_arguments)]
                fn __call #declared (#(#names: #types),*) -> #returned {
                    #call
                }
                const __CALL: #bound fn(#(#types),*) -> #returned = __call;
                &__CALL
            }
        }
    }
}
