//! The function behind an attribute: its parameters with what is said of them, and what it returns.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Error, Expr, FnArg, GenericArgument, Ident, ItemFn, Lifetime, LitStr, Meta, Pat, PatType,
    PathArguments, Result, ReturnType, Safety, Token, Type, TypeImplTrait, TypeReference, Visibility,
    parse_quote,
};

use crate::attributes::{expression, read_each, text};
use crate::hygiene::TextRule;

/// The lifetime that stands for every elided one: as long as the call.
pub(crate) const CALL_LIFETIME: &str = "'tool";

/// A function, taken apart.
pub(crate) struct Signature {
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) is_async: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: Type,
    /// Its doc comment: it becomes that of the unit struct.
    pub(crate) docs: Vec<Attribute>,
    /// Its `#[cfg]`s: they hold for everything generated.
    pub(crate) cfgs: Vec<Attribute>,
    /// The function itself, without what only we understand.
    pub(crate) function: ItemFn,
}

/// One parameter.
pub(crate) struct Parameter {
    /// Its type, with [`CALL_LIFETIME`] in place of elided lifetimes.
    pub(crate) ty: Type,
    /// Whether the type borrows from the call.
    pub(crate) borrows: bool,
    pub(crate) role: Role,
}

/// What a parameter is given.
pub(crate) enum Role {
    /// The context of the call.
    Context,
    /// An argument from the client.
    Argument(Box<Argument>),
}

/// What is known of an argument.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    pub(crate) docs: Vec<Attribute>,
    /// Attributes of serde, schemars and validators, which belong on the field.
    pub(crate) field_attributes: Vec<Attribute>,
    pub(crate) default: Option<Expr>,
    pub(crate) header: Option<LitStr>,
    pub(crate) text: Option<TextRule>,
    pub(crate) complete: Option<Expr>,
}

/// Which names `#[arg(…)]` takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArgumentKind {
    /// Of a tool: JSON.
    Json,
    /// Of a template or a prompt: text.
    Text,
}

impl Signature {
    /// Takes a function apart.
    pub(crate) fn parse(mut function: ItemFn, attribute: &str, kind: ArgumentKind) -> Result<Self> {
        check_form(&function, attribute)?;
        let mut parameters = Vec::new();
        let mut errors: Option<Error> = None;
        for input in &mut function.sig.inputs {
            match Parameter::parse(input, attribute, kind) {
                Ok(parameter) => parameters.push(parameter),
                Err(error) => match &mut errors {
                    Some(errors) => errors.combine(error),
                    None => errors = Some(error),
                },
            }
        }
        if let Some(errors) = errors {
            return Err(errors);
        }
        let output = parse_output(&function.sig.output, attribute)?;
        let docs = take_attributes(&mut function.attrs, &["doc"]);
        let cfgs = take_attributes(&mut function.attrs, &["cfg"]);
        let vis = std::mem::replace(&mut function.vis, Visibility::Inherited);
        let ident = function.sig.ident.clone();
        let is_async = function.sig.asyncness.is_some();
        Ok(Self { vis, ident, is_async, parameters, output, docs, cfgs, function })
    }

    /// The parameters that the client fills.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (&Parameter, &Argument)> {
        self.parameters.iter().filter_map(|parameter| match &parameter.role {
            Role::Argument(argument) => Some((parameter, argument.as_ref())),
            Role::Context => None,
        })
    }

    /// Whether anything that the function takes is borrowed from the call.
    pub(crate) fn borrows(&self) -> bool {
        self.parameters.iter().any(|parameter| parameter.borrows)
    }
}

fn check_form(function: &ItemFn, attribute: &str) -> Result<()> {
    let signature = &function.sig;
    let refuse = |place: &dyn ToTokens, problem: &str| {
        Err(Error::new_spanned(place, format!("{attribute} {problem}")))
    };
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        let advice = "takes a function without self; keep state in a static, or register a closure";
        return refuse(receiver, advice);
    }
    if !signature.generics.params.is_empty() {
        return refuse(&signature.generics, "takes a function without generics; write the types out");
    }
    if let Some(clause) = &signature.generics.where_clause {
        return refuse(clause, "takes a function without generics; remove the where clause");
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        return refuse(unsafety, "takes a safe function; put the unsafe block inside of it");
    }
    if let Some(abi) = &signature.abi {
        return refuse(abi, "takes an ordinary function; remove extern");
    }
    Ok(())
}

fn parse_output(output: &ReturnType, attribute: &str) -> Result<Type> {
    let ReturnType::Type(_, ty) = output else { return Ok(parse_quote!(())) };
    let mut check = OutputCheck { attribute, error: None };
    let mut ty = Type::clone(ty);
    check.visit_type_mut(&mut ty);
    check.error.map_or(Ok(ty), Err)
}

/// Finds what a returned type can't be.
struct OutputCheck<'a> {
    attribute: &'a str,
    error: Option<Error>,
}

impl VisitMut for OutputCheck<'_> {
    fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
        let text = format!("{} needs to know the returned type; write it out", self.attribute);
        self.error = Some(Error::new_spanned(&*ty, text));
    }

    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        if ty.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") {
            let text = "the arguments are gone when this is sent; return an owned type, or &'static";
            self.error = Some(Error::new_spanned(&*ty, text));
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }
}

impl Parameter {
    fn parse(input: &mut FnArg, attribute: &str, kind: ArgumentKind) -> Result<Self> {
        let FnArg::Typed(input) = input else {
            return Err(Error::new_spanned(input, format!("{attribute} takes a function without self")));
        };
        let mut ty = Type::clone(&input.ty);
        let mut lifetimes = ElidedLifetimes::default();
        lifetimes.visit_type_mut(&mut ty);
        if let Some(error) = lifetimes.error {
            return Err(error);
        }
        let borrows = lifetimes.found;
        if is_context(&ty) {
            return Ok(Self { ty, borrows, role: Role::Context });
        }
        let argument = Argument::parse(input, kind)?;
        Ok(Self { ty, borrows, role: Role::Argument(Box::new(argument)) })
    }
}

/// Gives elided lifetimes their name.
#[derive(Default)]
struct ElidedLifetimes {
    found: bool,
    error: Option<Error>,
}

impl VisitMut for ElidedLifetimes {
    fn visit_type_reference_mut(&mut self, ty: &mut TypeReference) {
        if ty.lifetime.is_none() {
            self.found = true;
            ty.lifetime = Some(Lifetime::new(CALL_LIFETIME, ty.and_token.span()));
        }
        if let Some(mutability) = &ty.mutability {
            self.error =
                Some(Error::new_spanned(mutability, "an argument can't be borrowed mutably; remove mut"));
        }
        visit_mut::visit_type_reference_mut(self, ty);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            self.found = true;
            *lifetime = Lifetime::new(CALL_LIFETIME, lifetime.span());
        } else if lifetime.ident == "static" {
            self.error =
                Some(Error::new_spanned(&*lifetime, "an argument lives as long as the call; remove 'static"));
        }
    }

    fn visit_type_impl_trait_mut(&mut self, ty: &mut TypeImplTrait) {
        self.error = Some(Error::new_spanned(&*ty, "the type of an argument must be known; write it out"));
    }
}

impl Argument {
    fn parse(input: &mut PatType, kind: ArgumentKind) -> Result<Self> {
        let ident = match input.pat.as_ref() {
            Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => {
                pattern.ident.clone()
            }
            pattern => {
                let text =
                    "an argument needs a name that clients can use; take the value apart inside the function";
                return Err(Error::new_spanned(pattern, text));
            }
        };
        if let Some(cfg) =
            input.attrs.iter().find(|a| a.path().is_ident("cfg") || a.path().is_ident("cfg_attr"))
        {
            return Err(Error::new_spanned(
                cfg,
                "a single argument can't be conditional; put cfg on the function",
            ));
        }
        let docs = take_attributes(&mut input.attrs, &["doc"]);
        let field_attributes = match kind {
            ArgumentKind::Json => {
                take_attributes(&mut input.attrs, &["serde", "schemars", "validate", "garde"])
            }
            ArgumentKind::Text => Vec::new(),
        };
        let mut argument =
            Self { ident, docs, field_attributes, default: None, header: None, text: None, complete: None };
        for attribute in take_attributes(&mut input.attrs, &["arg"]) {
            attribute.parse_args_with(|input: ParseStream<'_>| argument.read(input, kind))?;
        }
        Ok(argument)
    }

    /// Reads what stands in `#[arg(…)]`.
    fn read(&mut self, input: ParseStream<'_>, kind: ArgumentKind) -> Result<()> {
        let known = match kind {
            ArgumentKind::Json => "default = …, header = \"…\", text(…)",
            ArgumentKind::Text => "complete = …",
        };
        read_each(input, "#[arg] here", known, |name, input| {
            match (kind, name.to_string().as_str()) {
                (ArgumentKind::Json, "default") => self.default = Some(expression(name, input)?),
                (ArgumentKind::Json, "header") => self.header = Some(text(name, input)?),
                (ArgumentKind::Json, "text") => self.text = Some(TextRule::read(name, input)?),
                (ArgumentKind::Text, "complete") => self.complete = Some(expression(name, input)?),
                _ => return Ok(false),
            }
            Ok(true)
        })
    }

    /// The name that clients use.
    pub(crate) fn name(&self) -> String {
        self.renamed().unwrap_or_else(|| self.ident.unraw().to_string())
    }

    /// The name that `#[serde(rename = "…")]` gives.
    fn renamed(&self) -> Option<String> {
        let serde = self.field_attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
        let lists =
            serde.filter_map(|a| a.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok());
        lists.flatten().find_map(|meta| {
            let Meta::NameValue(pair) = meta else { return None };
            let Expr::Lit(literal) = pair.value else { return None };
            match literal.lit {
                syn::Lit::Str(name) if pair.path.is_ident("rename") => Some(name.value()),
                _ => None,
            }
        })
    }
}

/// Whether the type is the call's context, owned or borrowed.
fn is_context(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Context"),
        Type::Reference(reference) => is_context(&reference.elem),
        _ => false,
    }
}

/// The `T` of an `Option<T>`.
pub(crate) fn optional(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    }
}

/// Takes the attributes of these names out of a list.
fn take_attributes(attributes: &mut Vec<Attribute>, names: &[&str]) -> Vec<Attribute> {
    let is_named = |attribute: &mut Attribute| names.iter().any(|name| attribute.path().is_ident(name));
    attributes.extract_if(.., is_named).collect()
}
