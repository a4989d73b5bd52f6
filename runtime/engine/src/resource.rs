//! Resources: one at a fixed URI ([`ResourceSpec`]), or a family named by a template ([`TemplateSpec`]).

use std::sync::Arc;

use impresario_protocol::{
    Annotations, CacheHint, McpError, Outcome, ReadResult, ResourceContents, ResourceDefinition,
    TemplateDefinition,
};
use serde::Serialize;

use crate::cache::CachePolicy;
use crate::call::Ending;
use crate::completion::{Complete, CompletionRequest};
use crate::context::Context;
use crate::described::described;
use crate::template::Variables;
use crate::tool::CallFuture;
use crate::tool_result::Json;

/// Reads a resource: from its URI and what its template's variables stand for.
pub(crate) type Read = Arc<dyn Fn(Arc<str>, Variables, Context) -> CallFuture + Send + Sync>;

/// A resource at a fixed URI, as its author writes it down.
#[derive(Clone)]
pub struct ResourceSpec {
    pub(crate) definition: ResourceDefinition,
    pub(crate) read: Read,
    pub(crate) cache: Option<CachePolicy>,
}

/// A family of resources that a URI template names, as its author writes it down.
#[derive(Clone)]
pub struct TemplateSpec {
    pub(crate) definition: TemplateDefinition,
    pub(crate) read: Read,
    pub(crate) cache: Option<CachePolicy>,
    /// Suggestions for a variable, by its name.
    pub(crate) completions: Vec<(String, Complete)>,
}

/// What can be registered as a resource.
#[derive(Debug, Clone)]
pub enum ResourceEntry {
    /// One resource.
    Resource(ResourceSpec),
    /// A family of them.
    Template(TemplateSpec),
}

impl ResourceEntry {
    /// What it is found by: its URI, or its template's text.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Resource(spec) => &spec.definition.uri,
            Self::Template(spec) => &spec.definition.uri_template,
        }
    }
}

/// What can be registered as a resource: a spec, or the name of a function with `#[resource]`.
pub trait IntoResource {
    /// The resource or template, written down.
    fn into_resource(self) -> ResourceEntry;
}

impl IntoResource for ResourceEntry {
    fn into_resource(self) -> ResourceEntry {
        self
    }
}

impl IntoResource for ResourceSpec {
    fn into_resource(self) -> ResourceEntry {
        ResourceEntry::Resource(self)
    }
}

impl IntoResource for TemplateSpec {
    fn into_resource(self) -> ResourceEntry {
        ResourceEntry::Template(self)
    }
}

impl ResourceSpec {
    /// A resource that an async closure reads.
    pub fn new<F, Fut>(uri: impl Into<String>, name: impl Into<String>, read: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: IntoReadResult,
    {
        let read = Arc::new(read);
        let read: Read = Arc::new(move |uri, _variables, ctx| {
            let read = Arc::clone(&read);
            Box::pin(async move { ending(read(ctx).await.into_read_result(&uri)) })
        });
        let definition =
            ResourceDefinition { uri: uri.into(), name: name.into(), ..ResourceDefinition::default() };
        Self { definition, read, cache: None }
    }

    /// A resource whose contents never change.
    pub fn fixed(name: impl Into<String>, contents: ResourceContents) -> Self {
        let (uri, mime_type) = (contents.uri.clone(), contents.mime_type.clone());
        let mut spec = Self::new(uri, name, move |_ctx| std::future::ready(contents.clone()));
        spec.definition.mime_type = mime_type;
        spec
    }

    /// Its size in bytes, when it is known beforehand.
    #[must_use]
    pub fn size(mut self, bytes: u64) -> Self {
        self.definition.size = Some(bytes);
        self
    }
}

impl TemplateSpec {
    /// A family of resources that an async closure reads; it is given the template's variables.
    pub fn new<F, Fut>(uri_template: impl Into<String>, name: impl Into<String>, read: F) -> Self
    where
        F: Fn(Variables, Context) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: IntoReadResult,
    {
        let read = Arc::new(read);
        let read: Read = Arc::new(move |uri, variables, ctx| {
            let read = Arc::clone(&read);
            Box::pin(async move { ending(read(variables, ctx).await.into_read_result(&uri)) })
        });
        let definition = TemplateDefinition {
            uri_template: uri_template.into(),
            name: name.into(),
            ..TemplateDefinition::default()
        };
        Self { definition, read, cache: None, completions: Vec::new() }
    }

    /// Suggests values for a variable while a person types.
    #[must_use]
    pub fn complete<F>(mut self, variable: &str, suggest: F) -> Self
    where
        F: Fn(CompletionRequest) -> Vec<String> + Send + Sync + 'static,
    {
        self.completions.push((variable.into(), Arc::new(suggest)));
        self
    }
}

/// What resources and templates are described by alike.
macro_rules! readable {
    ($($spec:ty),+) => { $(
        impl $spec {
            /// Its media type.
            #[must_use]
            pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
                self.definition.mime_type = Some(mime_type.into());
                self
            }

            /// Hints about who it is for and how much it matters.
            #[must_use]
            pub fn annotations(mut self, annotations: Annotations) -> Self {
                self.definition.annotations = Some(annotations);
                self
            }

            /// How long a client may keep what it read, and for whom.
            #[must_use]
            pub fn cache(mut self, policy: CachePolicy) -> Self {
                self.cache = Some(policy);
                self
            }
        }
    )+ };
}

described!(ResourceSpec, TemplateSpec);
readable!(ResourceSpec, TemplateSpec);

/// What reading a resource may return.
pub trait IntoReadResult {
    /// The contents that stand at `uri`, or why they can't be read.
    ///
    /// # Errors
    /// The resource's own failure.
    fn into_read_result(self, uri: &str) -> Result<ReadResult, McpError>;
}

impl IntoReadResult for ReadResult {
    fn into_read_result(self, _uri: &str) -> Result<ReadResult, McpError> {
        Ok(self)
    }
}

impl IntoReadResult for ResourceContents {
    fn into_read_result(self, _uri: &str) -> Result<ReadResult, McpError> {
        Ok(ReadResult::from(self))
    }
}

impl IntoReadResult for String {
    fn into_read_result(self, uri: &str) -> Result<ReadResult, McpError> {
        Ok(ReadResult::from(ResourceContents::text(uri, self)))
    }
}

impl IntoReadResult for &str {
    fn into_read_result(self, uri: &str) -> Result<ReadResult, McpError> {
        Ok(ReadResult::from(ResourceContents::text(uri, self)))
    }
}

impl IntoReadResult for Vec<u8> {
    fn into_read_result(self, uri: &str) -> Result<ReadResult, McpError> {
        Ok(ReadResult::from(ResourceContents::blob(uri, self)))
    }
}

impl<T: Serialize> IntoReadResult for Json<T> {
    fn into_read_result(self, uri: &str) -> Result<ReadResult, McpError> {
        let text = serde_json::to_string(&self.0).map_err(|error| {
            tracing::error!(%uri, %error, "a resource can't be written as JSON");
            McpError::internal()
        })?;
        Ok(ReadResult::from(ResourceContents::text(uri, text).with_mime_type("application/json")))
    }
}

impl<T: IntoReadResult> IntoReadResult for Result<T, McpError> {
    fn into_read_result(self, uri: &str) -> Result<ReadResult, McpError> {
        self?.into_read_result(uri)
    }
}

/// A reading as the ending of its call.
fn ending(result: Result<ReadResult, McpError>) -> Ending {
    match result {
        Ok(result) => Ending::Answered(Outcome::Read(result)),
        Err(error) => Ending::Failed(error),
    }
}

/// What a policy tells clients; without one, that an answer is at once stale and theirs alone.
pub(crate) fn cache_hint(policy: Option<&CachePolicy>) -> CacheHint {
    policy.map_or_else(CacheHint::default, |policy| CacheHint {
        ttl_ms: u64::try_from(policy.ttl.as_millis()).unwrap_or(u64::MAX),
        cache_scope: policy.client_scope(),
    })
}
