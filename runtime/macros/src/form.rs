//! `#[derive(Form)]`: what a person fills in, checked field by field where it stands.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::spanned::Spanned as _;
use syn::{Data, DataEnum, DataStruct, DeriveInput, Error, Fields, Result};

use crate::crate_path::crate_path;

/// The form of a struct, or the choice of an enum.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        let text = "a form has no generic parameters: its fields must be known where it is asked";
        return Err(Error::new_spanned(&input.generics, text));
    }
    match &input.data {
        Data::Struct(form) => of_struct(input, form),
        Data::Enum(choice) => of_enum(input, choice),
        Data::Union(union) => Err(Error::new_spanned(union.union_token, "a union can't be filled in")),
    }
}

fn of_struct(input: &DeriveInput, form: &DataStruct) -> Result<TokenStream> {
    let Fields::Named(fields) = &form.fields else {
        return Err(Error::new_spanned(&input.ident, "a form is a struct with named fields"));
    };
    let (name, runtime) = (&input.ident, crate_path()?);
    let checks = fields.named.iter().map(|field| {
        let r#type = &field.ty;
        quote_spanned!(r#type.span()=> is_a_field::<#r#type>();)
    });
    let span = name.span();
    Ok(quote_spanned! {span=>
        impl #runtime::Form for #name {}

        const _: () = {
            const fn is_a_field<T: #runtime::FormField>() {}
            #(#checks)*
        };
    })
}

fn of_enum(input: &DeriveInput, choice: &DataEnum) -> Result<TokenStream> {
    if let Some(variant) = choice.variants.iter().find(|variant| !matches!(variant.fields, Fields::Unit)) {
        return Err(Error::new_spanned(
            &variant.fields,
            "a choice holds no data: a person picks one of its names",
        ));
    }
    if choice.variants.is_empty() {
        return Err(Error::new_spanned(&input.ident, "there is nothing to choose from"));
    }
    let (name, runtime) = (&input.ident, crate_path()?);
    let span = name.span();
    Ok(quote_spanned! {span=>
        impl #runtime::FormField for #name {}
        impl #runtime::FormChoice for #name {}
    })
}
