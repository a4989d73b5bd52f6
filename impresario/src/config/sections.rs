//! Makes settings of a tree: each section by itself, so that what is wrong in one hides nothing of another.

use std::collections::BTreeMap;
use std::path::Path;

use impresario_engine::workers::DEFAULT_POOL;

use super::node::{self, Node, Step, Table, Value, quoted};
use super::overlay::Overlay;
use super::packs::{PACKS, Shape};
use super::place::Place;
use super::problem::{Problem, Problems};
use super::read::read;
use super::settings::{self, Cache, Pool, Server};
use super::veil::Veil;
use super::{Config, PartConfig, absolute, nearest};

/// Makes settings of a tree.
pub(super) struct Sections<'r> {
    pub(super) root: &'r Node,
    pub(super) directory: &'r Path,
    /// Nothing was found wrong before.
    pub(super) is_whole: bool,
}

pub(super) const READ: &str = "what could not be read is a problem, and there is none";
const SECTIONS: [&str; 6] = ["server", "limits", "pools", "cache", "packs", "tools"];

impl Sections<'_> {
    /// Reads every section.
    pub(super) fn read(&self) -> Result<Config, Problems> {
        let mut problems = Problems::default();
        for entry in self.root.entries() {
            if !SECTIONS.contains(&entry.key.as_str()) {
                problems.push(unknown("section", &entry.key, "", &entry.key_place, SECTIONS));
            } else if entry.node.as_table().is_none() {
                let message = format!("expected a table, found {}", entry.node.kind());
                problems.push(Problem::new(message).at(&entry.node.place).key(&entry.key));
            }
        }
        let empty = Node::empty();
        let section =
            |name: &str| self.root.get(name).filter(|node| node.as_table().is_some()).unwrap_or(&empty);
        let server = problems.take(read::<Server>(section("server"), "server"));
        let limits = problems.take(settings::limits(section("limits")));
        let cache = problems.take(read::<Cache>(section("cache"), "cache"));
        let pools = problems.take(named::<Pool>(section("pools"), "pools"));
        let overlays = problems.take(named::<Overlay>(section("tools"), "tools"));
        let parts = problems.take(self.parts(section("packs")));
        if let (Some(pools), Some(overlays), true) = (&pools, &overlays, self.is_whole) {
            problems.take(self.pools_exist(pools, overlays));
        }
        problems.or(())?;
        let (Some(server), Some(limits), Some(pools)) = (server, limits, pools) else {
            unreachable!("{READ}")
        };
        let (Some(cache), Some(overlays), Some(parts)) = (cache, overlays, parts) else {
            unreachable!("{READ}")
        };
        let server = server.beside(&absolute(self.directory));
        let root = Node { value: Value::Table(Table::default()), place: self.root.place.clone() };
        let (files, secret_files, veil) = (Vec::new(), Vec::new(), Veil::default());
        Ok(Config { server, limits, pools, cache, parts, overlays, root, files, secret_files, veil })
    }

    fn parts(&self, packs: &Node) -> Result<Vec<PartConfig>, Problems> {
        let mut problems = Problems::default();
        let mut parts = Vec::new();
        for entry in packs.entries() {
            let Some(pack) = PACKS.iter().find(|pack| pack.name == entry.key) else {
                let known = PACKS.iter().map(|pack| pack.name);
                problems.push(unknown("pack", &entry.key, "packs.", &entry.key_place, known));
                continue;
            };
            let key = format!("packs.{}", pack.name);
            let sections = match pack.shape {
                Shape::One => vec![(key, &entry.node)],
                Shape::Named => {
                    let inner = entry.node.entries().iter();
                    inner.map(|inner| (format!("{key}.{}", quoted(&inner.key)), &inner.node)).collect()
                }
            };
            for (key, section) in sections {
                if let Some(settings) = problems.take((pack.read)(section, &key)) {
                    let file = section.place.file().map(|file| file.directory());
                    let directory = absolute(file.unwrap_or(self.directory));
                    parts.push(PartConfig { key, settings, directory });
                }
            }
        }
        problems.or(parts)
    }

    /// Tools may name pools that there are.
    fn pools_exist(
        &self,
        pools: &BTreeMap<String, Pool>,
        overlays: &BTreeMap<String, Overlay>,
    ) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let known = || pools.keys().map(String::as_str).chain([DEFAULT_POOL]);
        for (tool, overlay) in overlays {
            let Some(pool) = overlay.pool.as_deref().filter(|pool| known().all(|known| known != *pool))
            else {
                continue;
            };
            let way = [Step::Key("tools".into()), Step::Key(tool.clone()), Step::Key("pool".into())];
            let place = self.root.place_of(&way).unwrap_or_else(|| self.root.place.clone());
            let problem =
                Problem::new(format!("there is no pool `{pool}`")).at(&place).key(node::shown(&way));
            let hint = nearest::hint(pool, known(), "pools").unwrap_or_default();
            problems.push(problem.help(format!("{hint}; pools stand in [pools.NAME]")));
        }
        problems.or(())
    }
}

/// Sections that somebody has named: `[pools.NAME]`, `[tools.NAME]`.
fn named<T: serde::de::DeserializeOwned>(section: &Node, key: &str) -> Result<BTreeMap<String, T>, Problems> {
    let mut problems = Problems::default();
    let mut read_all = BTreeMap::new();
    for entry in section.entries() {
        let key = format!("{key}.{}", quoted(&entry.key));
        if let Some(settings) = problems.take(read(&entry.node, &key)) {
            read_all.insert(entry.key.clone(), settings);
        }
    }
    problems.or(read_all)
}

fn unknown<'k>(
    what: &str,
    name: &str,
    above: &str,
    place: &Place,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> Problem {
    let problem =
        Problem::new(format!("unknown {what} `{name}`")).at(place).key(format!("{above}{}", quoted(name)));
    let depth = node::steps(&problem.key).len();
    Problem { help: nearest::hint_at(place, Some(depth), name, known, &format!("{what}s")), ..problem }
}
