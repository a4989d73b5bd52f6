//! What `[packs.http.NAME]` may hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use impresario_engine::JsonObject;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::setting::{Bytes, Secret, Span};

pub use list::List;
pub use operations::Operations;

mod list;
mod operations;

/// An HTTP API whose calls are tools and resources.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the API stands, such as `https://api.example.com/v2`. Paths of tools go behind it. It may be left out when
    /// `openapi` names a document that says it.
    pub base_url: Option<String>,
    /// Written before the name of each tool and resource.
    pub prefix: String,
    /// Headers of every request. Their values are kept secret, and go to the host of `base_url` alone.
    pub headers: BTreeMap<String, Secret>,
    /// Query parameters of every request, such as an API key. Their values are kept secret.
    pub query: BTreeMap<String, Secret>,
    /// Who we are, as an `Authorization` header.
    pub auth: Option<Auth>,
    /// The time of one call, with all of its redirects and retries.
    pub timeout: Span,
    /// The time for finding the host and connecting to it.
    pub connect_timeout: Span,
    /// The largest answer that is read.
    pub answer_bytes_max: Bytes,
    /// Redirects of one request.
    pub redirects_max: u32,
    /// Requests at once; later ones wait.
    pub in_flight_max: usize,
    /// Hosts that redirects and `follow` may lead to besides that of `base_url`: names, or `*.example.com`.
    pub allow_hosts: List,
    /// Ports that redirects and `follow` may lead to besides 80, 443 and that of `base_url`.
    pub allow_ports: Vec<u16>,
    /// Addresses that may be connected to though they are not public, such as `127.0.0.0/8` for an API on this machine.
    pub allow_private: List,
    /// A file of certificate authorities in PEM, believed besides the machine's own.
    pub ca_file: Option<PathBuf>,
    /// A proxy that all requests go through; none unless it is written here, whatever the environment says.
    pub proxy: Option<Secret>,
    /// How calls are tried again that may be.
    pub retries: Retries,
    /// When calls are held back because the API fails.
    pub breaker: Breaker,
    /// Tools, by name.
    pub tools: BTreeMap<String, ToolSettings>,
    /// Resources, by name.
    pub resources: BTreeMap<String, ResourceSettings>,
    /// An OpenAPI document (3.0 or 3.1, JSON or YAML), a file or a URL: its operations become tools.
    pub openapi: Option<String>,
    /// Which operations of that document, and how.
    pub operations: Operations,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: None,
            prefix: String::new(),
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            auth: None,
            timeout: Span(Duration::from_secs(10)),
            connect_timeout: Span(Duration::from_secs(5)),
            answer_bytes_max: Bytes(5 * 1024 * 1024),
            redirects_max: 3,
            in_flight_max: 64,
            allow_hosts: List::default(),
            allow_ports: Vec::new(),
            allow_private: List::default(),
            ca_file: None,
            proxy: None,
            retries: Retries::default(),
            breaker: Breaker::default(),
            tools: BTreeMap::new(),
            resources: BTreeMap::new(),
            openapi: None,
            operations: Operations::default(),
        }
    }
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Auth {
    /// A token: `Authorization: Bearer …`.
    Bearer(Secret),
    /// A name and a password: `Authorization: Basic …`.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
}

/// How a call that failed is tried again: one that may be sent twice, after a failure that may pass (no connection, no
/// answer in time, status 408, 429, 502, 503, 504).
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retries {
    /// How often; 0 for never.
    pub max: u32,
    /// The longest pause before the first retry. The pause is drawn at random between nothing and this, which doubles
    /// with each retry.
    pub pause: Span,
    /// What it doubles to at most.
    pub pause_max: Span,
    /// An API that says when to come back (`Retry-After`) is waited for, if it is no longer than this.
    pub retry_after_max: Span,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max: 2,
            pause: Span(Duration::from_millis(200)),
            pause_max: Span(Duration::from_secs(2)),
            retry_after_max: Span(Duration::from_secs(5)),
        }
    }
}

/// When calls are held back: after so many failures in a row nothing is sent for a while, then one call alone.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures of the API in a row, after which calls are held back; 0 for never.
    pub failures: u32,
    /// For how long.
    pub open_for: Span,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, open_for: Span(Duration::from_secs(30)) }
    }
}

/// Gives a struct of settings those of a request as well. They are no struct inside of it, because a flattened one
/// loses where in the file each key stands, and with it the line in the message of what is wrong.
macro_rules! with_request {
    ($(#[$of_struct:meta])* pub struct $name:ident { $($own:tt)* }) => {
        $(#[$of_struct])*
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($own)*
            /// `GET` unless this is said.
            #[serde(default)]
            pub method: Option<String>,
            /// The path behind `base_url`, such as `/users/{id}`. Each argument is encoded as a part of one segment.
            pub path: String,
            /// Query parameters: text with arguments, numbers, booleans, or lists of them. One whose argument was not
            /// given is left out.
            #[serde(default)]
            pub query: JsonObject,
            /// More headers; one whose argument was not given is left out.
            #[serde(default)]
            pub headers: BTreeMap<String, Secret>,
            /// The body.
            #[serde(default)]
            pub body: Option<Body>,
            /// A JSON pointer into the answer, to a URL that is asked next; the result is made of that answer.
            #[serde(default)]
            pub follow: Option<String>,
            /// What the answer is made into.
            #[serde(default)]
            pub result: ResultSettings,
            /// Statuses that are answers too, besides 200 to 299.
            #[serde(default)]
            pub accept: Vec<u16>,
            /// What is said in place of the API's own words, by status: `{ 404 = "there is no user {id}" }`.
            #[serde(default)]
            pub errors: BTreeMap<String, String>,
        }

        impl $name {
            /// What is asked.
            pub(super) fn request(&self) -> RequestSettings<'_> {
                RequestSettings {
                    method: self.method.as_deref().unwrap_or("GET"),
                    path: &self.path,
                    query: &self.query,
                    headers: &self.headers,
                    body: self.body.as_ref(),
                    follow: self.follow.as_deref(),
                    result: &self.result,
                    accept: &self.accept,
                    errors: &self.errors,
                }
            }
        }
    };
}

/// A request, and what its answer is made into. `{name}` stands for an argument, `{{` for a brace.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestSettings<'s> {
    pub(super) method: &'s str,
    pub(super) path: &'s str,
    pub(super) query: &'s JsonObject,
    pub(super) headers: &'s BTreeMap<String, Secret>,
    pub(super) body: Option<&'s Body>,
    pub(super) follow: Option<&'s str>,
    pub(super) result: &'s ResultSettings,
    pub(super) accept: &'s [u16],
    pub(super) errors: &'s BTreeMap<String, String>,
}

with_request! {
    /// A call of the API that is a tool. In `path`, `query`, `headers`, `body` and `errors`, `{name}` stands for an
    /// argument and `{{` for a brace.
    pub struct ToolSettings {
        /// What the model reads of it.
        pub description: String,
        /// Its name for people.
        #[serde(default)]
        pub title: Option<String>,
        /// What it takes: a JSON Schema for each argument. An argument is required unless it has a `default` or
        /// `required = false`.
        #[serde(default)]
        pub arguments: JsonObject,
        /// The schema of its structured output; answers are held against it.
        #[serde(default)]
        pub output_schema: Option<Value>,
        /// Whether it changes nothing; so it is for GET and HEAD unless this is said.
        #[serde(default)]
        pub read_only: Option<bool>,
        /// Whether it may be sent twice; so it is for GET, HEAD, PUT and DELETE unless this is said.
        #[serde(default)]
        pub idempotent: Option<bool>,
        /// The time of one call, in place of the API's.
        #[serde(default)]
        pub timeout: Option<Span>,
    }
}

with_request! {
    /// A call of the API that is a resource, or a family of them.
    pub struct ResourceSettings {
        /// Its URI, or a template such as `weather://alerts/{state}`, whose variables are the request's arguments.
        pub uri: String,
        /// What it is.
        #[serde(default)]
        pub description: Option<String>,
        /// Its name for people.
        #[serde(default)]
        pub title: Option<String>,
        /// Its media type; that of the API's answer unless this is said.
        #[serde(default)]
        pub mime_type: Option<String>,
        /// How long clients may keep what they read.
        #[serde(default)]
        pub ttl: Option<Span>,
    }
}

/// A body.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Body {
    /// JSON. A text that is an argument and nothing else becomes its value, with its type.
    Json(Value),
    /// Fields of a form.
    Form(JsonObject),
    /// Plain text.
    Text(String),
}

/// What an answer is made into: as it is, or less. The steps are taken in this order.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResultSettings {
    /// A JSON pointer to the part that is wanted, such as `/properties/periods`.
    pub pointer: Option<String>,
    /// Of a list, so many of the first items.
    pub items_max: Option<usize>,
    /// An object of these members, each a JSON pointer into the part; for a list, into each item.
    pub fields: BTreeMap<String, String>,
    /// A text in which `{/pointer}` stands for what is there; for a list, one for each item.
    pub text: Option<String>,
    /// What stands between the texts of a list: a line break unless this is said.
    pub separator: Option<String>,
    /// The whole result when there is nothing: an empty list, or no such part.
    pub empty: Option<String>,
}
