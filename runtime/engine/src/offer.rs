//! What a part of a server offers, all of it at once: so that it can be exchanged for something else while the
//! server runs.

use crate::extension::ExtensionSpec;
use crate::prompt::{IntoPrompt, PromptSpec};
use crate::resource::{IntoResource, ResourceEntry};
use crate::tool::{IntoTool, ToolSpec};

/// Tools, resources, prompts and extensions that come and go together.
///
/// ```
/// use impresario_engine::{Offer, Runtime, ToolSpec, no_arguments};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let offer = |answer: i32| {
///     let tool = ToolSpec::from_context("answer", no_arguments(), move |_ctx| async move { answer });
///     Offer::default().tool(tool)
/// };
/// let first = offer(41);
/// let names = first.names();
/// let runtime = Runtime::builder().offer(first).lanes(1).start()?;
/// // One change, one `list_changed`; calls that run finish on the old tool.
/// runtime.exchange(&names, offer(42))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// Tools.
    pub tools: Vec<ToolSpec>,
    /// Resources and families of them.
    pub resources: Vec<ResourceEntry>,
    /// Prompts.
    pub prompts: Vec<PromptSpec>,
    /// Extensions of the protocol.
    pub extensions: Vec<ExtensionSpec>,
}

/// What things that are offered are called: tools and prompts by name, resources by URI or template, extensions
/// by identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferNames {
    /// Names of tools.
    pub tools: Vec<String>,
    /// URIs of resources, and templates.
    pub resources: Vec<String>,
    /// Names of prompts.
    pub prompts: Vec<String>,
    /// Identifiers of extensions.
    pub extensions: Vec<String>,
}

impl Offer {
    /// One more tool.
    #[must_use]
    pub fn tool(mut self, tool: impl IntoTool) -> Self {
        self.tools.push(tool.into_tool());
        self
    }

    /// One more resource or family of resources.
    #[must_use]
    pub fn resource(mut self, resource: impl IntoResource) -> Self {
        self.resources.push(resource.into_resource());
        self
    }

    /// One more prompt.
    #[must_use]
    pub fn prompt(mut self, prompt: impl IntoPrompt) -> Self {
        self.prompts.push(prompt.into_prompt());
        self
    }

    /// One more extension of the protocol.
    #[must_use]
    pub fn extension(mut self, extension: ExtensionSpec) -> Self {
        self.extensions.push(extension);
        self
    }

    /// This and the other together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let Self { tools, resources, prompts, extensions } = other;
        self.tools.extend(tools);
        self.resources.extend(resources);
        self.prompts.extend(prompts);
        self.extensions.extend(extensions);
        self
    }

    /// The tools whose caches are to be warmed up.
    pub(crate) fn warm(&self) -> Vec<String> {
        let is_warmed = |tool: &&ToolSpec| tool.cache.as_ref().is_some_and(|policy| !policy.warm.is_empty());
        self.tools.iter().filter(is_warmed).map(|tool| tool.name().to_owned()).collect()
    }

    /// What all of it is called.
    #[must_use]
    pub fn names(&self) -> OfferNames {
        OfferNames {
            tools: self.tools.iter().map(|tool| tool.name().to_owned()).collect(),
            resources: self.resources.iter().map(|resource| resource.key().to_owned()).collect(),
            prompts: self.prompts.iter().map(|prompt| prompt.name().to_owned()).collect(),
            extensions: self.extensions.iter().map(|extension| extension.identifier.clone()).collect(),
        }
    }
}

impl OfferNames {
    /// Whether nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
