//! `#[tool]`: a function becomes a tool whose parameters are its arguments.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Error, Expr, Ident, ItemFn, Lifetime, Lit, LitStr, Result, Type};

use crate::attributes::{Labels, duration, duration_ms, flag, nested, read_each, text};
use crate::cache::{Cache, Keeper};
use crate::callable::callable;
use crate::crate_path::{blamed_on, crate_path};
use crate::hygiene::OutputRule;
use crate::signature::{Argument, ArgumentKind, CALL_LIFETIME, Parameter, Role, Signature};

const KNOWN: &str = "name = \"…\", title = \"…\", description = \"…\", icon = \"https://…\", blocking, pool = \"…\", \
                     timeout = \"5s\", cache(…), annotations(…), output(…), task = \"optional\", task_ttl = \"1h\", restart, asks_first";

/// What stands in `#[tool(…)]`.
#[derive(Default)]
pub(crate) struct ToolAttributes {
    labels: Labels,
    /// Where `blocking` stands, for the error of an async function.
    blocking: Option<Ident>,
    pool: Option<LitStr>,
    timeout_ms: Option<u64>,
    cache: Option<Cache>,
    annotations: Option<Hints>,
    output: Option<OutputRule>,
    /// The variant of `TaskSupport`.
    task: Option<Ident>,
    task_ttl_ms: Option<u64>,
    restart: bool,
    asks_first: bool,
}

impl Parse for ToolAttributes {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attributes = Self::default();
        read_each(input, "#[tool]", KNOWN, |name, input| {
            match name.to_string().as_str() {
                "blocking" => attributes.blocking = flag(name, input)?.then(|| name.clone()),
                "pool" => attributes.pool = Some(text(name, input)?),
                "timeout" => attributes.timeout_ms = Some(duration_ms(name, input)?),
                "cache" => attributes.cache = Some(Cache::read(name, input, Keeper::Tool)?),
                "annotations" => attributes.annotations = Some(Hints::read(name, input)?),
                "output" => attributes.output = Some(OutputRule::read(name, input)?),
                "task" => attributes.task = Some(task_support(name, input)?),
                "task_ttl" => attributes.task_ttl_ms = Some(duration_ms(name, input)?),
                "restart" => attributes.restart = flag(name, input)?,
                "asks_first" => attributes.asks_first = flag(name, input)?,
                _ => return attributes.labels.read(name, input),
            }
            Ok(true)
        })?;
        Ok(attributes)
    }
}

impl ToolAttributes {
    /// The calls on the spec that say all this.
    fn setters(&self, runtime: &TokenStream, signature: &Signature) -> TokenStream {
        let labels = self.labels.setters(runtime, &signature.docs);
        let pool = self.pool.iter();
        let timeout = self.timeout_ms.map(duration).into_iter();
        let cache = self.cache.iter().map(|cache| cache.policy(runtime));
        let annotations = self.annotations.iter().map(|hints| hints.value(runtime));
        let output = self.output.iter().map(|rule| rule.value(runtime));
        let task = self.task.iter();
        let task_ttl = self.task_ttl_ms.map(duration).into_iter();
        let restart = self.restart.then_some(true).into_iter();
        let asks_first = self.asks_first.then(|| quote!(.asks_first()));
        let headers = signature.arguments().filter_map(|(_, argument)| {
            let (header, name) = (argument.header.as_ref()?, argument.name());
            Some(quote!(.header(#name, #header)))
        });
        let rules = signature.arguments().filter_map(|(_, argument)| {
            let (rule, name) = (argument.text.as_ref()?.value(runtime), argument.name());
            Some(quote!(.argument(#name, #rule)))
        });
        quote! {
            #labels
            #(.pool(#pool))*
            #(.timeout(#timeout))*
            #(.cache(#cache))*
            #(.annotations(#annotations))*
            #(.task(#runtime::TaskSupport::#task))*
            #(.task_ttl(#task_ttl))*
            #(.restart(#restart))*
            #asks_first
            #(#headers)*
            #(#rules)*
            #(.output_rule(#output))*
        }
    }
}

/// `task = "never"`, `"optional"` or `"always"`.
fn task_support(name: &Ident, input: ParseStream<'_>) -> Result<Ident> {
    let support = text(name, input)?;
    let variant = match support.value().as_str() {
        "never" => "Never",
        "optional" => "Optional",
        "always" => "Always",
        _ => return Err(Error::new(support.span(), "task is \"never\", \"optional\" or \"always\"")),
    };
    Ok(Ident::new(variant, support.span()))
}

/// `annotations(read_only, destructive = false, idempotent, open_world = false)`.
#[derive(Default)]
struct Hints(Vec<(Ident, bool)>);

impl Hints {
    fn read(name: &Ident, input: ParseStream<'_>) -> Result<Self> {
        const KNOWN: &str = "read_only, destructive, idempotent, open_world";
        let mut hints = Self::default();
        let inside = nested(name, input, KNOWN)?;
        let read = |input: ParseStream<'_>| {
            read_each(input, "annotations", KNOWN, |name, input| {
                if !KNOWN.split(", ").any(|known| name == known) {
                    return Ok(false);
                }
                hints.0.push((format_ident!("{name}_hint"), flag(name, input)?));
                Ok(true)
            })
        };
        read.parse2(inside)?;
        Ok(hints)
    }

    fn value(&self, runtime: &TokenStream) -> TokenStream {
        let (names, values): (Vec<_>, Vec<_>) = self.0.iter().cloned().unzip();
        quote! {
            #runtime::ToolAnnotations {
                #(#names: ::core::option::Option::Some(#values),)*
                ..::core::default::Default::default()
            }
        }
    }
}

pub(crate) fn expand(attributes: &ToolAttributes, function: ItemFn) -> Result<TokenStream> {
    let signature = Signature::parse(function, "#[tool]", ArgumentKind::Json)?;
    if let (Some(blocking), true) = (&attributes.blocking, signature.is_async) {
        let advice = "remove async, or remove blocking if it only waits";
        return Err(Error::new(blocking.span(), format!("a blocking tool is a plain fn; {advice}")));
    }
    let runtime = crate_path()?;
    let name = attributes.labels.name_or(&signature.ident)?;
    let arguments = arguments_struct(&runtime, &signature);
    let constructor = constructor(attributes, &runtime, &signature, &name);
    let setters = attributes.setters(&runtime, &signature);
    let ident = &signature.ident;
    let registration = quote! {
        #arguments

        impl #runtime::IntoTool for #ident {
            fn into_tool(self) -> #runtime::ToolSpec {
                #constructor #setters
            }
        }
    };
    Ok(callable(&signature, &registration))
}

/// The spec with what runs when the tool is called.
fn constructor(
    attributes: &ToolAttributes,
    runtime: &TokenStream,
    signature: &Signature,
    name: &LitStr,
) -> TokenStream {
    let Signature { ident, output, .. } = signature;
    let schema = quote!(#runtime::schema_of::<__Arguments>());
    let parameters = signature.parameters.iter().map(|parameter| match (&parameter.role, &parameter.ty) {
        (Role::Context, Type::Reference(_)) => quote!(&__ctx),
        (Role::Context, _) => quote!(::core::clone::Clone::clone(&__ctx)),
        (Role::Argument(argument), _) => {
            let field = &argument.ident;
            quote!(__arguments.#field)
        }
    });
    let read =
        signature.arguments().next().map(|_| quote!(let __arguments: __Arguments = __ctx.arguments()?;));
    let dot_await = signature.is_async.then(|| quote!(.await));
    let call = quote!(#ident(#(#parameters),*)#dot_await);
    // A returned type that is no tool result is reported where it stands.
    let body = quote_spanned! {output.span()=> {
        #read
        ::core::result::Result::Ok::<#output, #runtime::ToolError>(#call)
    }};
    if attributes.blocking.is_some() {
        let run = quote_spanned!(output.span()=> move |__ctx: #runtime::Context| #body);
        let constructor = blamed_on(output.span(), quote!(#runtime::ToolSpec::blocking_from_context));
        quote_spanned!(output.span()=> #constructor(#name, #schema, #run))
    } else {
        let run = quote_spanned!(output.span()=> move |__ctx: #runtime::Context| async move #body);
        let constructor = blamed_on(output.span(), quote!(#runtime::ToolSpec::from_context));
        quote_spanned!(output.span()=> #constructor(#name, #schema, #run))
    }
}

/// The struct that the arguments are read into, and the functions that make its defaults.
fn arguments_struct(runtime: &TokenStream, signature: &Signature) -> TokenStream {
    let private = quote!(#runtime::__private);
    let path_of = |name: &str| format!("{private}::{name}").replace(' ', "");
    let (serde, schemars) = (path_of("serde"), path_of("schemars"));
    let fields = signature.arguments().map(|(parameter, argument)| field(parameter, argument));
    let defaults =
        signature.arguments().filter_map(|(parameter, argument)| default_function(parameter, argument));
    let lifetime = Lifetime::new(CALL_LIFETIME, signature.ident.span());
    let borrows = signature.arguments().any(|(parameter, _)| parameter.borrows);
    let generics = borrows.then(|| quote!(<#lifetime>));
    quote! {
        #[derive(#private::serde::Deserialize, #private::schemars::JsonSchema)]
        #[serde(crate = #serde)]
        #[schemars(crate = #schemars)]
        struct __Arguments #generics { #(#fields),* }

        #(#defaults)*
    }
}

fn field(parameter: &Parameter, argument: &Argument) -> TokenStream {
    let Argument { ident, docs, field_attributes, default, .. } = argument;
    let ty = &parameter.ty;
    let borrow = parameter.borrows.then(|| quote!(#[serde(borrow)]));
    let default = default.as_ref().map(|_| {
        let function = default_name(ident).to_string();
        quote!(#[serde(default = #function)])
    });
    quote!(#(#docs)* #borrow #default #(#field_attributes)* #ident: #ty)
}

fn default_name(argument: &Ident) -> Ident {
    format_ident!("__default_{}", argument.unraw())
}

fn default_function(parameter: &Parameter, argument: &Argument) -> Option<TokenStream> {
    let value = argument.default.as_ref()?;
    let function = default_name(&argument.ident);
    let ty = &parameter.ty;
    let lifetime = Lifetime::new(CALL_LIFETIME, function.span());
    let generics = parameter.borrows.then(|| quote!(<#lifetime>));
    // A literal text stands for a `String` as well.
    let value = match value {
        Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
            quote!(::core::convert::From::from(#value))
        }
        _ => value.to_token_stream(),
    };
    Some(quote!(#[allow(clippy::useless_conversion)] fn #function #generics () -> #ty { #value }))
}
