//! The pack `http`: calls of an HTTP API as tools and resources, written down in settings or in an OpenAPI document.
//!
//! A tool is a request with arguments in it and what is made of the answer. Everything goes out through the guarded
//! client of `impresario-outbound`. What an argument holds stays within the segment, value or member that it is filled
//! into, and nothing that a client sent us (its token, its headers) ever goes to an API.
//!
//! ```no_run
//! use impresario_engine::Runtime;
//! use impresario_tools::http::Http;
//! use impresario_tools::part::Opening;
//! use serde_json::json;
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = serde_json::from_value(json!({
//!     "base_url": "https://api.example.com",
//!     "tools": { "get_user": {
//!         "description": "Find a user by name.",
//!         "path": "/users/{name}",
//!         "arguments": { "name": { "type": "string" } },
//!         "result": { "fields": { "name": "/full_name", "since": "/created_at" } },
//!     } },
//! }))?;
//! let opening = Opening { key: "packs.http.users".into(), directory: ".".into() };
//! let users = Http::open(&settings, &opening).await?;
//! let runtime = Runtime::builder().offer(users.offer()).start()?;
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use impresario_engine::{Offer, OutputRule, ToolSpec};

use crate::part::{Opening, Part, PartError, SharedPart};

pub use settings::Settings;

mod api;
mod arguments;
mod breaker;
mod failure;
mod offering;
mod open;
mod openapi;
mod query;
mod request;
mod response;
mod retry;
pub mod settings;
mod template;

/// An API whose calls are tools and resources.
#[derive(Debug)]
pub struct Http {
    offer: Offer,
}

/// Opens the part of `[packs.http.NAME]`.
///
/// # Errors
/// Which key is wrong, and what to change.
pub async fn open(settings: Settings, opening: &Opening) -> Result<SharedPart, PartError> {
    Ok(Arc::new(Http::open(&settings, opening).await?))
}

impl Http {
    /// Reads settings, and the OpenAPI document that they name. The API itself is not asked before the first call.
    ///
    /// # Errors
    /// Which key is wrong, and what to change.
    pub async fn open(settings: &Settings, opening: &Opening) -> Result<Self, PartError> {
        let document = match &settings.openapi {
            Some(written) => Some(openapi::load(written, settings, opening).await?),
            None => None,
        };
        let base_url = match (&settings.base_url, &document) {
            (Some(base_url), _) => base_url.clone(),
            (None, Some(document)) => document.server()?,
            (None, None) => return Err(PartError::at("base_url", "say where the API stands")),
        };
        let api = Arc::new(open::api(settings, &base_url, opening)?);
        let mut offer = Offer::default();
        for (name, tool) in &settings.tools {
            offer = offer.tool(offering::tool(&api, settings, name, tool)?);
        }
        for (name, resource) in &settings.resources {
            offer = offer.resource(offering::resource(&api, settings, name, resource)?);
        }
        if let Some(document) = document {
            for operation in document.operations(&settings.operations)? {
                offer = offer.tool(offering::operation(&api, settings, operation));
            }
        }
        // What an API answers was written by others.
        let clean = |tool: ToolSpec| tool.output_rule(OutputRule::clean());
        offer.tools = offer.tools.into_iter().map(clean).collect();
        Ok(Self { offer })
    }

    /// Its tools and resources.
    #[must_use]
    pub fn offer(&self) -> Offer {
        self.offer.clone()
    }
}

impl Part for Http {
    fn offer(&self) -> Offer {
        self.offer.clone()
    }
}
