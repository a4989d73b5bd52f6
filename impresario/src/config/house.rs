//! What a configuration describes, opened: its parts, and what they offer together. And the next one, opened beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use impresario_engine::{BuildError, Offer, OfferNames, Subject, ToolSpec};
use impresario_tools::part::{Opening, SharedPart};

use super::difference::{Changes, Names, needs_restart};
use super::node::{Node, quoted};
use super::overlay::Overlay;
use super::problem::{Problem, Problems};
use super::{Config, PartConfig, nearest};

/// A configuration with its parts, opened.
pub(crate) struct House {
    pub(crate) config: Config,
    pub(crate) parts: Vec<Open>,
}

/// A part that is open.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) config: PartConfig,
    pub(crate) part: SharedPart,
    /// What was offered of it, after all overlays.
    pub(crate) offered: OfferNames,
    /// It is opened for the first time, and not kept from before.
    pub(crate) is_new: bool,
}

/// What a house becomes.
pub(crate) struct Next {
    pub(crate) house: House,
    /// What is offered anew.
    pub(crate) offer: Offer,
    /// What is taken away for it.
    pub(crate) withdrawn: OfferNames,
    pub(crate) changes: Changes,
}

impl Next {
    /// Opens what a configuration describes where nothing was before.
    pub(crate) async fn first(config: Config) -> Result<Self, Problems> {
        Self::open(None, config).await
    }

    /// Opens what is different; what is the same is kept as it is. Nothing of the old house changes.
    pub(crate) async fn after(house: &House, running: &Node, config: Config) -> Result<Self, Problems> {
        let needs_restart = needs_restart(running, &config.root);
        let mut next = Self::open(Some(house), config).await?;
        next.changes.needs_restart = needs_restart;
        Ok(next)
    }

    async fn open(before: Option<&House>, config: Config) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut parts = Vec::new();
        for part in &config.parts {
            let kept = before.and_then(|house| house.parts.iter().find(|open| open.config.is_same(part)));
            match kept {
                Some(kept) => parts.push(Open { is_new: false, ..kept.clone() }),
                None => {
                    if let Some(open) = problems.take(open(&config, part).await) {
                        parts.push(open);
                    }
                }
            }
        }
        let house = problems.or(House { config, parts })?;
        let unchanged = BTreeMap::new();
        let overlays = before.map_or(&unchanged, |house| &house.config.overlays);
        house.compose(before, overlays)
    }
}

async fn open(config: &Config, part: &PartConfig) -> Result<Open, Problems> {
    let opening = Opening { key: part.key.clone(), directory: part.directory.clone() };
    match part.settings.clone().open(&opening).await {
        Ok(opened) => {
            Ok(Open { config: part.clone(), part: opened, offered: OfferNames::default(), is_new: true })
        }
        Err(error) => {
            let key = match error.key.as_str() {
                "" => part.key.clone(),
                key if key.starts_with('[') => format!("{}{key}", part.key),
                key => format!("{}.{key}", part.key),
            };
            Err(config.problem(&key, &error.message).into())
        }
    }
}

impl PartConfig {
    /// Whether nothing of the part is different.
    fn is_same(&self, other: &Self) -> bool {
        self.key == other.key && self.settings == other.settings && self.directory == other.directory
    }
}

impl House {
    /// What is to be offered and taken away, given what was there before.
    fn compose(mut self, before: Option<&House>, old: &BTreeMap<String, Overlay>) -> Result<Next, Problems> {
        let (mut offer, mut withdrawn) = (Offer::default(), OfferNames::default());
        let mut owners = Owners::default();
        let mut touched = BTreeSet::new();
        let Self { config, parts } = &mut self;
        let new = &config.overlays;
        for open in parts.iter_mut() {
            let mut all = open.part.offer();
            owners.tools_known.extend(all.tools.iter().map(|tool| tool.name().to_owned()));
            let tools: Vec<ToolSpec> = all
                .tools
                .into_iter()
                .filter_map(|tool| {
                    let name = tool.name().to_owned();
                    let is_touched = open.is_new || old.get(&name) != new.get(&name);
                    let tool = new.get(&name).map_or(Some(tool.clone()), |overlay| overlay.applied(tool));
                    if is_touched {
                        touched.insert(name.clone());
                        offer.tools.extend(tool.clone());
                        if !open.is_new {
                            withdrawn.tools.push(name);
                        }
                    }
                    tool
                })
                .collect();
            all.tools = tools;
            open.offered = all.names();
            owners.claim(&open.offered, &open.config.key);
            if open.is_new {
                let Offer { tools: _, resources, prompts, extensions } = all;
                offer = offer.and(Offer { tools: Vec::new(), resources, prompts, extensions });
            }
        }
        let gone =
            |open: &&Open| !parts.iter().any(|kept| !kept.is_new && kept.config.key == open.config.key);
        let gone: Vec<_> = before.map_or(&[][..], |house| &house.parts).iter().filter(gone).collect();
        for open in &gone {
            withdrawn = both(both(withdrawn, open.offered.clone()), open.part.offer().names());
        }
        let mut problems = owners.problems(config);
        problems.extend(owners.unknown_tools(config));
        problems.or(())?;
        let changes = changes(before, &self, old, &touched);
        Ok(Next { house: self, offer, withdrawn, changes })
    }

    /// Why something can't be offered, at the section that it comes from.
    pub(crate) fn explain(&self, error: &BuildError) -> Problem {
        let (name, list): (_, List) = match &error.subject {
            Subject::Tool(name) => (name, |names| &names.tools),
            Subject::Resource(name) | Subject::Template(name) => (name, |names| &names.resources),
            Subject::Prompt(name) => (name, |names| &names.prompts),
            Subject::Extension(name) => (name, |names| &names.extensions),
            Subject::Pool(name) => {
                return self.config.problem(&format!("pools.{}", quoted(name)), &error.to_string());
            }
        };
        let owner = self.parts.iter().find(|open| list(&open.offered).contains(name));
        let key = owner.map_or("packs", |open| open.config.key.as_str());
        self.config.problem(key, &error.to_string())
    }
}

fn both(mut names: OfferNames, other: OfferNames) -> OfferNames {
    names.tools.extend(other.tools);
    names.resources.extend(other.resources);
    names.prompts.extend(other.prompts);
    names.extensions.extend(other.extensions);
    names
}

/// One of the lists of names.
type List = fn(&OfferNames) -> &Vec<String>;

fn changes(
    before: Option<&House>,
    after: &House,
    old: &BTreeMap<String, Overlay>,
    touched: &BTreeSet<String>,
) -> Changes {
    let none = Vec::new();
    let old_parts = before.map_or(&none, |house| &house.parts);
    let keys = |parts: &[Open]| parts.iter().map(|open| open.config.key.clone()).collect::<Vec<_>>();
    let is_new = |key: &str| after.parts.iter().any(|open| open.is_new && open.config.key == key);
    let all = |parts: &[Open], list: List| {
        parts.iter().flat_map(|open| list(&open.offered)).cloned().collect::<Vec<_>>()
    };
    let of_new = |list: List| {
        let new = after.parts.iter().filter(|open| open.is_new);
        new.flat_map(move |open| list(&open.offered)).cloned().collect::<BTreeSet<_>>()
    };
    let compared = |list: List, changed: &BTreeSet<String>| {
        Names::between(&all(old_parts, list), &all(&after.parts, list), |name| changed.contains(name))
    };
    let resources: List = |names| &names.resources;
    let prompts: List = |names| &names.prompts;
    Changes {
        parts: Names::between(&keys(old_parts), &keys(&after.parts), is_new),
        tools: compared(|names| &names.tools, touched),
        resources: compared(resources, &of_new(resources)),
        prompts: compared(prompts, &of_new(prompts)),
        overlays: Names::of_maps(old, &after.config.overlays),
        needs_restart: Vec::new(),
    }
}

/// Who offers what, so that nothing is offered twice.
#[derive(Default)]
struct Owners {
    /// By kind and name: every section that offers it.
    sections: HashMap<(&'static str, String), Vec<String>>,
    /// Every tool there is, whether it is offered or not.
    tools_known: BTreeSet<String>,
}

impl Owners {
    fn claim(&mut self, names: &OfferNames, section: &str) {
        let OfferNames { tools, resources, prompts, extensions } = names;
        let lists =
            [("tool", tools), ("resource", resources), ("prompt", prompts), ("extension", extensions)];
        for (kind, list) in lists {
            for name in list {
                self.sections.entry((kind, name.clone())).or_default().push(section.to_owned());
            }
        }
    }

    fn problems(&self, config: &Config) -> Problems {
        let mut twice: Vec<_> = self.sections.iter().filter(|(_, sections)| sections.len() > 1).collect();
        twice.sort();
        let mut problems = Problems::default();
        for ((kind, name), sections) in twice {
            let list =
                sections.iter().map(|section| format!("[{section}]")).collect::<Vec<_>>().join(" and ");
            let last = sections.last().map_or("packs", String::as_str);
            let problem = config.problem(last, &format!("the {kind} `{name}` comes from {list}"));
            problems.push(match *kind {
                "tool" => problem.help("give one of the two a `prefix`, or another name"),
                _ => problem.help("keep one of the two"),
            });
        }
        problems
    }

    /// Overlays of tools that nobody has.
    fn unknown_tools(&self, config: &Config) -> Problems {
        let mut problems = Problems::default();
        for name in config.overlays.keys().filter(|name| !self.tools_known.contains(*name)) {
            let key = format!("tools.{}", quoted(name));
            let problem = config.problem(&key, &format!("no part offers a tool `{name}`"));
            let hint = nearest::hint(name, self.tools_known.iter().map(String::as_str), "tools");
            problems.push(Problem { help: hint, ..problem });
        }
        problems
    }
}
