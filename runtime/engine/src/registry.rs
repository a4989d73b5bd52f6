//! What the server offers: tools, resources, templates and prompts, as one snapshot at a time.
//!
//! Readers load the current [`Snapshot`] and keep it for the whole request, so a change in between does
//! not pull a tool away under a running call. A change builds the next snapshot, checks it, swaps it in and
//! tells whoever subscribed to the list.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use impresario_codec::SchemaLimits;
use impresario_protocol::{
    JsonObject, Limits, ListKind, PromptDefinition, ResourceDefinition, TemplateDefinition, ToolDefinition,
};
use parking_lot::Mutex;

use crate::cache::ResultCache;
use crate::extension::{Answer, ExtensionSpec};
use crate::hub::Hub;
use crate::hygiene::OutputRule;
use crate::offer::{Offer, OfferNames};
use crate::prompt::PromptSpec;
use crate::rendered::Rendered;
use crate::resource::{ResourceEntry, ResourceSpec, TemplateSpec};
use crate::template::{UriTemplate, Variables};
use crate::tool::{Tool, ToolSpec};

use check_cache::cache_of;

pub use check::{BuildError, Misuse, Subject};

mod check;
mod check_cache;

/// What the server offers at one moment. Lists are in the order of registration.
#[derive(Debug, Default)]
pub struct Snapshot {
    tools: Shelf<Arc<Tool>>,
    resources: Shelf<Arc<ResourceSpec>>,
    templates: Shelf<Arc<Template>>,
    prompts: Shelf<Arc<PromptSpec>>,
    extensions: Shelf<Arc<ExtensionSpec>>,
    /// Whether any tool asks for headers that mirror its parameters.
    mirrors_parameters: bool,
    /// Whether calls of any tool may become tasks.
    makes_tasks: bool,
    /// What is sent unchanged until the next snapshot, written once.
    pub(crate) rendered: Rendered,
}

/// A family of resources with its template, ready to be matched.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) pattern: UriTemplate,
    pub(crate) spec: TemplateSpec,
}

/// Named things in the order in which they were put there.
#[derive(Debug, Clone)]
struct Shelf<T> {
    items: Vec<T>,
    places: HashMap<String, usize, ahash::RandomState>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { items: Vec::new(), places: HashMap::default() }
    }
}

impl<T> Shelf<T> {
    fn get(&self, name: &str) -> Option<&T> {
        self.places.get(name).map(|&place| &self.items[place])
    }

    fn put(&mut self, name: String, item: T) -> bool {
        if self.places.contains_key(&name) {
            return false;
        }
        self.places.insert(name, self.items.len());
        self.items.push(item);
        true
    }

    fn take(&mut self, name: &str) -> bool {
        let Some(taken) = self.places.remove(name) else { return false };
        self.items.remove(taken);
        for place in self.places.values_mut().filter(|place| **place > taken) {
            *place -= 1;
        }
        true
    }
}

impl Snapshot {
    /// The tool of that name.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Arc<Tool>> {
        self.tools.get(name)
    }

    /// Whether any tool asks for headers that mirror its parameters.
    #[must_use]
    pub fn mirrors_parameters(&self) -> bool {
        self.mirrors_parameters
    }

    /// Whether calls of any tool may become tasks.
    #[must_use]
    pub fn makes_tasks(&self) -> bool {
        self.makes_tasks
    }

    /// Every tool, in the order of registration.
    #[must_use]
    pub fn tools(&self) -> &[Arc<Tool>] {
        &self.tools.items
    }

    /// The prompt of that name.
    pub(crate) fn prompt(&self, name: &str) -> Option<&Arc<PromptSpec>> {
        self.prompts.get(name)
    }

    /// The resource at that URI.
    pub(crate) fn resource(&self, uri: &str) -> Option<&Arc<ResourceSpec>> {
        self.resources.get(uri)
    }

    /// The template of that text.
    pub(crate) fn template(&self, text: &str) -> Option<&Arc<Template>> {
        self.templates.get(text)
    }

    /// The first template that the URI matches, and what its variables stand for.
    pub(crate) fn template_for(&self, uri: &str) -> Option<(&Arc<Template>, Variables)> {
        self.templates.items.iter().find_map(|template| Some((template, template.pattern.matches(uri)?)))
    }

    pub(crate) fn resources(&self) -> &[Arc<ResourceSpec>] {
        &self.resources.items
    }

    pub(crate) fn templates(&self) -> &[Arc<Template>] {
        &self.templates.items
    }

    pub(crate) fn prompts(&self) -> &[Arc<PromptSpec>] {
        &self.prompts.items
    }

    /// Every tool as it is listed.
    #[must_use]
    pub fn tool_definitions(&self) -> Vec<ToolDefinition> {
        self.tools().iter().map(|tool| tool.definition.clone()).collect()
    }

    /// Every resource as it is listed.
    #[must_use]
    pub fn resource_definitions(&self) -> Vec<ResourceDefinition> {
        self.resources().iter().map(|resource| resource.definition.clone()).collect()
    }

    /// Every family of resources as it is listed.
    #[must_use]
    pub fn template_definitions(&self) -> Vec<TemplateDefinition> {
        self.templates().iter().map(|template| template.spec.definition.clone()).collect()
    }

    /// Every prompt as it is listed.
    #[must_use]
    pub fn prompt_definitions(&self) -> Vec<PromptDefinition> {
        self.prompts().iter().map(|prompt| prompt.definition.clone()).collect()
    }

    /// What answers that method of an extension.
    pub(crate) fn extension_method(&self, method: &str) -> Option<&Answer> {
        self.extensions.items.iter().find_map(|extension| extension.method_named(method))
    }

    /// The settings of every extension, by its identifier.
    pub(crate) fn extension_settings(&self) -> JsonObject {
        let settings = |extension: &Arc<ExtensionSpec>| {
            (extension.identifier.clone(), extension.settings.clone().into())
        };
        self.extensions.items.iter().map(settings).collect()
    }

    /// Whether anything here completes arguments.
    pub(crate) fn completes(&self) -> bool {
        self.prompts().iter().any(|prompt| !prompt.completions.is_empty())
            || self.templates().iter().any(|template| !template.spec.completions.is_empty())
    }

    fn put_tool(&mut self, tool: Tool) -> Result<(), BuildError> {
        let name = tool.definition.name.clone();
        self.mirrors_parameters |= !tool.headers.is_empty();
        self.makes_tasks |= tool.task.is_some();
        if self.tools.put(name.clone(), Arc::new(tool)) {
            Ok(())
        } else {
            Err(Subject::Tool(name).misused(Misuse::Twice))
        }
    }

    fn put_resource(&mut self, entry: ResourceEntry) -> Result<(), BuildError> {
        let (subject, is_new) = match entry {
            ResourceEntry::Resource(spec) => {
                let uri = spec.definition.uri.clone();
                check::uri(&uri).map_err(|misuse| Subject::Resource(uri.clone()).misused(misuse))?;
                (Subject::Resource(uri.clone()), self.resources.put(uri, Arc::new(spec)))
            }
            ResourceEntry::Template(spec) => {
                let text = spec.definition.uri_template.clone();
                let pattern = check::template(&spec)
                    .map_err(|misuse| Subject::Template(text.clone()).misused(misuse))?;
                let template = Arc::new(Template { pattern, spec });
                (Subject::Template(text.clone()), self.templates.put(text, template))
            }
        };
        if is_new { Ok(()) } else { Err(subject.misused(Misuse::Twice)) }
    }

    fn put_extension(&mut self, spec: ExtensionSpec) -> Result<(), BuildError> {
        let subject = Subject::Extension(spec.identifier.clone());
        if let Some(method) = spec.methods().find(|method| self.extension_method(method).is_some()) {
            return Err(subject.misused(Misuse::MethodTwice(method.to_owned())));
        }
        let is_new = self.extensions.put(spec.identifier.clone(), Arc::new(spec));
        if is_new { Ok(()) } else { Err(subject.misused(Misuse::Twice)) }
    }

    fn put_prompt(&mut self, spec: PromptSpec, limits: &Limits) -> Result<(), BuildError> {
        let subject = Subject::Prompt(spec.definition.name.clone());
        check::prompt(&spec, limits).map_err(|misuse| subject.clone().misused(misuse))?;
        let is_new = self.prompts.put(spec.definition.name.clone(), Arc::new(spec));
        if is_new { Ok(()) } else { Err(subject.misused(Misuse::Twice)) }
    }

    /// A copy to change. What was written for this one does not hold for the next.
    fn next(&self) -> Self {
        let Self {
            tools,
            resources,
            templates,
            prompts,
            extensions,
            mirrors_parameters,
            makes_tasks,
            rendered: _,
        } = self;
        Self {
            mirrors_parameters: *mirrors_parameters,
            makes_tasks: *makes_tasks,
            tools: tools.clone(),
            resources: resources.clone(),
            templates: templates.clone(),
            prompts: prompts.clone(),
            extensions: extensions.clone(),
            rendered: Rendered::default(),
        }
    }
}

/// The current snapshot, and the only way to change it.
#[derive(Debug)]
pub struct Registry {
    current: ArcSwap<Snapshot>,
    /// Held while a change is made, so that none is lost.
    changing: Mutex<()>,
    hub: Arc<Hub>,
    limits: Arc<Limits>,
    pools: Vec<String>,
    /// What answers of tools without a rule of their own may hold.
    output_rule: OutputRule,
    /// Where tools that declare a cache get it from.
    caches: Arc<ResultCache>,
}

impl Registry {
    /// An empty registry whose tools may name one of `pools`, and keep their answers in `caches`.
    #[must_use]
    pub fn new(hub: Arc<Hub>, limits: Arc<Limits>, pools: Vec<String>, caches: Arc<ResultCache>) -> Self {
        let current = ArcSwap::from_pointee(Snapshot::default());
        let output_rule = OutputRule::default();
        Self { current, changing: Mutex::new(()), hub, limits, pools, output_rule, caches }
    }

    /// The same registry, with a rule for the answers of tools that have none of their own.
    #[must_use]
    pub fn with_output_rule(self, output_rule: OutputRule) -> Self {
        Self { output_rule, ..self }
    }

    /// What is offered right now.
    #[must_use]
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// Takes away what is named and offers something else, in one change: whoever asked to hear of a list is told
    /// once. What has a name that is taken away keeps its place in no list; it is offered anew, behind the rest.
    ///
    /// # Errors
    /// For the first thing that can't be offered; nothing has changed then.
    pub fn exchange(&self, withdrawn: &OfferNames, offer: Offer) -> Result<(), BuildError> {
        let tools: Vec<_> =
            offer.tools.into_iter().map(|spec| self.checked_tool(spec)).collect::<Result<_, _>>()?;
        let mut changed = Vec::new();
        let changing = self.changing.lock();
        let mut next = self.current.load().next();
        let withdrawn_tools = withdrawn.tools.iter().filter(|name| next.tools.take(name)).count();
        if withdrawn_tools > 0 || !tools.is_empty() {
            changed.push(ListKind::Tools);
        }
        let take_resource =
            |next: &mut Snapshot, uri: &str| next.resources.take(uri) || next.templates.take(uri);
        let withdrawn_resources =
            withdrawn.resources.iter().filter(|uri| take_resource(&mut next, uri)).count();
        if withdrawn_resources > 0 || !offer.resources.is_empty() {
            changed.push(ListKind::Resources);
        }
        let withdrawn_prompts = withdrawn.prompts.iter().filter(|name| next.prompts.take(name)).count();
        if withdrawn_prompts > 0 || !offer.prompts.is_empty() {
            changed.push(ListKind::Prompts);
        }
        for identifier in &withdrawn.extensions {
            next.extensions.take(identifier);
        }
        for tool in tools {
            next.put_tool(tool)?;
        }
        for entry in offer.resources {
            next.put_resource(entry)?;
        }
        for spec in offer.prompts {
            next.put_prompt(spec, &self.limits)?;
        }
        for spec in offer.extensions {
            next.put_extension(spec)?;
        }
        self.current.store(Arc::new(next));
        drop(changing);
        for kind in changed {
            self.hub.list_changed(kind);
        }
        Ok(())
    }

    /// Adds a tool.
    ///
    /// # Errors
    /// When it can't be offered: its name is bad or taken, its schema is no schema, its pool does not exist.
    pub fn add_tool(&self, spec: ToolSpec) -> Result<(), BuildError> {
        let tool = self.checked_tool(spec)?;
        self.change(ListKind::Tools, |next| next.put_tool(tool))
    }

    /// Removes a tool; calls of it that run go on to their end. Says whether there was one.
    pub fn remove_tool(&self, name: &str) -> bool {
        self.remove(ListKind::Tools, |next| next.tools.take(name))
    }

    /// Adds a resource or a family of them.
    ///
    /// # Errors
    /// When its URI is none or taken, or its template can't be matched.
    pub fn add_resource(&self, entry: ResourceEntry) -> Result<(), BuildError> {
        self.change(ListKind::Resources, |next| next.put_resource(entry))
    }

    /// Removes the resource at that URI, or the template of that text. Says whether there was one.
    pub fn remove_resource(&self, uri: &str) -> bool {
        self.remove(ListKind::Resources, |next| next.resources.take(uri) || next.templates.take(uri))
    }

    /// Adds a prompt.
    ///
    /// # Errors
    /// When its name is bad or taken, or it completes an argument that it does not take.
    pub fn add_prompt(&self, spec: PromptSpec) -> Result<(), BuildError> {
        self.change(ListKind::Prompts, |next| next.put_prompt(spec, &self.limits))
    }

    /// Removes a prompt. Says whether there was one.
    pub fn remove_prompt(&self, name: &str) -> bool {
        self.remove(ListKind::Prompts, |next| next.prompts.take(name))
    }

    fn checked_tool(&self, mut spec: ToolSpec) -> Result<Tool, BuildError> {
        spec.output_rule.get_or_insert(self.output_rule);
        let subject = Subject::Tool(spec.definition.name.clone());
        let policy = spec.cache.take();
        let schemas = SchemaLimits::from(&*self.limits);
        let checked = check::tool(spec, &schemas, &self.limits, &self.pools).and_then(|mut tool| {
            let cache = policy.map(|policy| cache_of(&self.caches, &tool.definition, &tool.input, *policy));
            tool.cache = cache.transpose()?;
            Ok(tool)
        });
        checked.map_err(|misuse| subject.misused(misuse))
    }

    fn remove(&self, kind: ListKind, take: impl FnOnce(&mut Snapshot) -> bool) -> bool {
        let mut taken = false;
        let done = self.change(kind, |next| {
            taken = take(next);
            if taken { Ok(()) } else { Err(()) }
        });
        done.is_ok() && taken
    }

    /// Makes the next snapshot, unless `change` refuses.
    fn change<E>(
        &self,
        kind: ListKind,
        change: impl FnOnce(&mut Snapshot) -> Result<(), E>,
    ) -> Result<(), E> {
        let changing = self.changing.lock();
        let mut next = self.current.load().next();
        change(&mut next)?;
        self.current.store(Arc::new(next));
        drop(changing);
        self.hub.list_changed(kind);
        Ok(())
    }
}

/// The time one call of a tool may take, from what the tool asks for.
pub(crate) fn call_timeout(asked: Option<Duration>, limits: &Limits) -> Duration {
    let longest = Duration::from_millis(limits.call_timeout_max_ms);
    asked.unwrap_or(Duration::from_millis(limits.call_timeout_ms)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::no_arguments;

    fn registry() -> Registry {
        let limits = Arc::new(Limits::default());
        Registry::new(Arc::new(Hub::new(1)), limits, vec!["default".into()], Arc::default())
    }

    fn offer(tools: &[&'static str]) -> Offer {
        let tool = |name: &&'static str| ToolSpec::from_context(*name, no_arguments(), |_ctx| async { 1 });
        Offer { tools: tools.iter().map(tool).collect(), ..Offer::default() }
    }

    fn names(registry: &Registry) -> Vec<String> {
        registry.snapshot().tools().iter().map(|tool| tool.definition.name.clone()).collect()
    }

    #[test]
    fn an_exchange_takes_and_gives_in_one_change_and_leaves_the_rest_as_it_was() {
        let registry = registry();
        registry.exchange(&OfferNames::default(), offer(&["a", "b", "c"])).unwrap();
        let before = Arc::clone(registry.snapshot().tool("c").unwrap());
        registry.exchange(&offer(&["a", "b"]).names(), offer(&["b", "d"])).unwrap();
        assert_eq!(names(&registry), ["c", "b", "d"]);
        assert!(Arc::ptr_eq(registry.snapshot().tool("c").unwrap(), &before), "c is the same as before");
    }

    #[test]
    fn an_exchange_that_can_not_be_made_changes_nothing() {
        let registry = registry();
        registry.exchange(&OfferNames::default(), offer(&["a", "b"])).unwrap();
        let refused = registry.exchange(&offer(&["a"]).names(), offer(&["c", "b"])).unwrap_err();
        assert!(refused.to_string().contains('b'), "{refused}");
        assert_eq!(names(&registry), ["a", "b"]);
    }
}
