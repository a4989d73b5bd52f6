//! `#[tool]`, `#[resource]` and `#[prompt]`: plain functions become what an MCP server offers; and `Form`, for
//! what a person fills in.
//!
//! ```
//! use impresario_macros::tool;
//!
//! /// Add two numbers.
//! #[tool]
//! async fn add(#[doc = "first addend"] a: f64, b: f64) -> f64 {
//!     a + b
//! }
//! ```
//!
//! Each macro puts a unit struct of the function's name and visibility in its place. The struct can be
//! registered (`.tool(add)`) and still be called (`add(1.0, 2.0).await`), so a test needs no server. Like
//! any unit struct, its name can't be shadowed: where it is in scope, no variable can be named `add`. The
//! function's own parameters and body are exempt.
//!
//! What the function takes and returns is checked by the compiler where it stands; what an attribute
//! takes is said by its errors. The macros hold no rules of the protocol: those are the runtime's.
#![forbid(unsafe_code)]

mod attributes;
mod cache;
mod callable;
mod crate_path;
mod form;
mod hygiene;
mod prompt;
mod resource;
mod signature;
mod template_names;
mod text_argument;
mod tool;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, ItemFn, parse_macro_input};

/// Makes a function a tool.
///
/// The parameters are the arguments, with a JSON Schema made from their types; the doc comment is the
/// description. A parameter whose type is `Context` (or `&Context`) is the call's context instead.
///
/// ```
/// use impresario_engine::{Context, IntoTool, ToolError};
/// use impresario_macros::tool;
///
/// /// Find lines that contain a text.
/// #[tool(title = "Search", timeout = "5s", cache(ttl = "1m"), annotations(read_only, open_world = false))]
/// async fn search(
///     /// what to look for; borrowed from the request, not copied
///     text: &str,
///     #[arg(default = 10)]
///     #[schemars(range(min = 1, max = 100))]
///     limit: u32,
///     #[arg(header = "Region", default = "eu")] region: String,
///     file: Option<String>,
///     ctx: &Context,
/// ) -> Result<String, ToolError> {
///     if ctx.is_cancelled() {
///         return Err(ToolError::from("cancelled"));
///     }
///     Ok(format!("{limit} lines with {text} in {file:?}, {region}"))
/// }
///
/// let spec = search.into_tool();
/// ```
///
/// | In `#[tool(…)]` | Meaning |
/// |---|---|
/// | `name = "…"` | its name, in place of the function's |
/// | `title = "…"` | its name for people |
/// | `description = "…"` | what it does, in place of the doc comment |
/// | `icon = "https://…"` | a picture (`https:` or `data:`); may stand more than once |
/// | `blocking` | runs on a thread of a blocking pool; for a plain `fn` |
/// | `pool = "…"` | the pool it runs in |
/// | `timeout = "5s"` | how long a call may take (`ms`, `s`, `m`, `h`) |
/// | `cache(ttl = "5m", scope = "public", max_bytes = 65536)` | keep answers; `scope` is `"private"` unless given, or `"tenant"` |
/// | in `cache`: `entries_max = 1000, bytes_max = 1048576, eviction = "lru"` | how many are kept, and which (`"tiny_lfu"` unless given) |
/// | in `cache`: `key_fields = ["city", "options.units"]` | only these arguments decide the answer |
/// | in `cache`: `errors = ["not_found"], error_ttl = "30s"` | failures with these codes are kept too |
/// | in `cache`: `stale_while_revalidate = "1m", stale_if_error = "1h"` | how long an old answer is given while a newer one is made, or instead of a failure |
/// | in `cache`: `tags = ["weather"], forget_on_list_changed = ["resources"]` | when answers are forgotten |
/// | in `cache`: `warm = [json!({ "city": "Oslo" })]` | calls that are made when the tool is registered |
/// | `output(clean, bidi = "escape", bytes_max = 65536)` | what answers may hold (`OutputRule`) |
/// | `annotations(read_only, destructive = false, idempotent, open_world = false)` | hints; a bare word is true |
///
/// | On a parameter | Meaning |
/// |---|---|
/// | `/// …` or `#[doc = "…"]` | its description |
/// | `Option<…>` | may be missing |
/// | `#[arg(default = EXPRESSION)]` | used when it is missing, and shown in the schema |
/// | `#[arg(header = "Region")]` | mirrored into the header `Mcp-Param-Region` (`x-mcp-header`); for a text, a whole number or a bool, not an `Option` |
/// | `#[arg(text(max_chars = 200, pattern = "[a-z ]+", control = "reject", bidi = "strip"))]` | what a text may hold (`TextRule`); items of a list too |
/// | `#[serde(…)]`, `#[schemars(…)]`, `#[validate(…)]`, `#[garde(…)]` | as on a struct's field: renames, ranges, lengths |
///
/// A plain `fn` without `blocking` runs at once on the lane that took the call: only for what is quick.
#[proc_macro_attribute]
pub fn tool(attributes: TokenStream, function: TokenStream) -> TokenStream {
    let attributes = parse_macro_input!(attributes as tool::ToolAttributes);
    let function = parse_macro_input!(function as ItemFn);
    tool::expand(&attributes, function).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes a function the reader of a resource, or of all resources of a URI template.
///
/// Without variables in the URI the function takes nothing but, if it wants, a `Context`.
///
/// ```
/// use impresario_engine::IntoResource;
/// use impresario_macros::resource;
///
/// /// The settings of this server.
/// #[resource(uri = "config://app", mime_type = "application/json", cache(ttl = "1m", scope = "public"))]
/// fn settings() -> &'static str {
///     r#"{"theme": "dark"}"#
/// }
///
/// /// One page of a book.
/// #[resource(uri = "book://{title}/pages/{number}{?format}")]
/// async fn page(
///     #[arg(complete = ["emma", "persuasion"])] title: &str,
///     number: u32,
///     format: Option<String>,
/// ) -> String {
///     format!("{title}, page {number}, as {format:?}")
/// }
///
/// let entries = [settings.into_resource(), page.into_resource()];
/// ```
///
/// With variables (RFC 6570) every one of them is a parameter of the same name: a `String`, a `&str`, any
/// type with `FromStr`, or an `Option` of these for one that may be absent. A value that can't be parsed is
/// answered as invalid parameters.
///
/// `#[resource(…)]` takes `uri`, which it needs, and `name`, `title`, `description`, `icon`, `mime_type` and
/// `cache(ttl = …, scope = …)`, which clients are told. `#[arg(complete = …)]` on a parameter suggests values: a list of texts, or
/// a function or closure `Fn(CompletionRequest) -> Vec<String>`.
#[proc_macro_attribute]
pub fn resource(attributes: TokenStream, function: TokenStream) -> TokenStream {
    let attributes = parse_macro_input!(attributes as resource::ResourceAttributes);
    let function = parse_macro_input!(function as ItemFn);
    resource::expand(&attributes, function).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes a function a prompt that a person picks and fills in.
///
/// ```
/// use impresario_engine::IntoPrompt;
/// use impresario_macros::prompt;
///
/// /// Explain a subject to a pupil.
/// #[prompt(title = "Explain")]
/// fn explain(
///     /// what to explain
///     subject: &str,
///     #[arg(complete = ["easy", "hard"])] level: Option<String>,
/// ) -> String {
///     format!("Explain {subject}. Level: {}", level.as_deref().unwrap_or("easy"))
/// }
///
/// let spec = explain.into_prompt();
/// ```
///
/// Parameters are a `String`, a `&str` or any type with `FromStr`; `Option` makes one optional, a doc comment
/// describes it, and a `Context` is the call's context. `#[prompt(…)]` takes `name`, `title`, `description`
/// and `icon`; `#[arg(complete = …)]` suggests values, as for `#[resource]`.
#[proc_macro_attribute]
pub fn prompt(attributes: TokenStream, function: TokenStream) -> TokenStream {
    let attributes = parse_macro_input!(attributes as prompt::PromptAttributes);
    let function = parse_macro_input!(function as ItemFn);
    prompt::expand(&attributes, function).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes a struct a form that a person can fill in, and an enum a choice in one.
///
/// ```
/// use impresario_engine::{Context, ToolError};
/// use impresario_macros::{Form, tool};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Form, Deserialize, JsonSchema)]
/// struct Order {
///     #[schemars(title = "Your address", email)]
///     email: String,
///     #[schemars(range(min = 1, max = 12))]
///     cups: u8,
///     size: Option<Size>,
/// }
///
/// #[derive(Form, Deserialize, JsonSchema)]
/// enum Size {
///     /// A small one
///     Small,
///     /// A large one
///     Large,
/// }
///
/// /// Order coffee.
/// #[tool]
/// async fn order(ctx: &Context) -> Result<String, ToolError> {
///     let order = ctx.elicit::<Order>("order", "What may it be?").await?;
///     let order = order.accepted_or("nothing was ordered")?;
///     Ok(format!("{} cups for {}", order.cups, order.email))
/// }
/// ```
///
/// A field is a `String`, a `bool`, a number, a choice, a list of choices, or an `Option` of these; anything else
/// is an error where it stands:
///
/// ```compile_fail
/// # use impresario_macros::Form;
/// # use schemars::JsonSchema;
/// # use serde::Deserialize;
/// #[derive(Form, Deserialize, JsonSchema)]
/// struct Nested {
///     lines: Vec<String>,
/// }
/// ```
#[proc_macro_derive(Form)]
pub fn form(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    form::expand(&input).unwrap_or_else(Error::into_compile_error).into()
}
