//! Circles in a small graph of names: each edge's shortest way back to where it started.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Where an import stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub path: String,
    pub line: usize,
}

/// Who imports whom, with the first place that says so.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    edges: BTreeMap<String, BTreeMap<String, Place>>,
}

/// The names of a circle in the order of its imports, each with the place where it imports the next.
pub(crate) type Circle<'a> = Vec<(&'a str, &'a Place)>;

impl Graph {
    /// Notes an import, and keeps the first place when it was noted before. Importing oneself is no edge.
    pub(crate) fn add(&mut self, from: &str, to: &str, place: Place) {
        if from == to {
            return;
        }
        let kept = self
            .edges
            .entry(from.to_owned())
            .or_default()
            .entry(to.to_owned())
            .or_insert_with(|| place.clone());
        if place < *kept {
            *kept = place;
        }
    }

    pub(crate) fn edges(&self) -> impl Iterator<Item = (&str, &str, &Place)> {
        self.edges
            .iter()
            .flat_map(|(from, targets)| targets.iter().map(|(to, place)| (from.as_str(), to.as_str(), place)))
    }

    /// The circles, the shortest first, no two with an edge in common: one wrong import is one finding, however
    /// many ways lead back to it. Where there is a circle, there is at least one of these.
    pub(crate) fn circles(&self) -> Vec<Circle<'_>> {
        let ways = self.edges().filter_map(|(from, to, _)| self.way(to, from)).map(from_smallest);
        let mut found: Vec<Circle<'_>> = ways.map(|names| self.placed(&names)).collect();
        found.sort_by_key(|circle| (circle.len(), circle.iter().map(|(name, _)| *name).collect::<Vec<_>>()));
        let mut told = BTreeSet::new();
        found.retain(|circle| {
            let names = || circle.iter().map(|(name, _)| *name);
            let edges = || names().zip(names().cycle().skip(1));
            let is_new = edges().all(|edge| !told.contains(&edge));
            if is_new {
                told.extend(edges());
            }
            is_new
        });
        found
    }

    /// The shortest way between two names, both included.
    fn way<'a>(&'a self, start: &'a str, goal: &'a str) -> Option<Vec<&'a str>> {
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(here) = waiting.pop_front() {
            if here == goal {
                return Some(walked_back(&came_from, start, goal));
            }
            for next in self.edges.get(here).into_iter().flat_map(BTreeMap::keys) {
                if next != start && !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, here);
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    fn placed<'a>(&'a self, names: &[&'a str]) -> Circle<'a> {
        let following = names.iter().cycle().skip(1);
        names.iter().zip(following).map(|(name, next)| (*name, &self.edges[*name][*next])).collect()
    }
}

fn walked_back<'a>(came_from: &BTreeMap<&'a str, &'a str>, start: &'a str, goal: &'a str) -> Vec<&'a str> {
    let mut way = vec![goal];
    let mut here = goal;
    while here != start {
        here = came_from[here];
        way.push(here);
    }
    way.reverse();
    way
}

/// The same circle, told from its alphabetically first name on, so that one circle has one telling.
fn from_smallest(mut names: Vec<&str>) -> Vec<&str> {
    let smallest = (0..names.len()).min_by_key(|&at| names[at]).unwrap_or(0);
    names.rotate_left(smallest);
    names
}

/// A circle in words: `a -> b -> a`, and where each imports the next.
pub(crate) fn in_words(circle: &Circle<'_>) -> String {
    let mut words = String::new();
    for (name, place) in circle {
        words += &format!("{name} ({}:{}) -> ", place.path, place.line);
    }
    words + circle[0].0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles_of(edges: &[(&str, &str)]) -> Vec<String> {
        let mut graph = Graph::default();
        for (line, (from, to)) in edges.iter().enumerate() {
            graph.add(from, to, Place { path: format!("{from}.rs"), line: line + 1 });
        }
        graph.circles().iter().map(in_words).collect()
    }

    #[test]
    fn a_graph_without_circles_has_none() {
        assert!(circles_of(&[("a", "b"), ("b", "c"), ("a", "c"), ("d", "a"), ("c", "c")]).is_empty());
    }

    #[test]
    fn a_circle_is_told_once_from_its_first_name() {
        assert_eq!(circles_of(&[("b", "a"), ("a", "b")]), ["a (a.rs:2) -> b (b.rs:1) -> a"]);
        assert_eq!(
            circles_of(&[("c", "a"), ("a", "b"), ("b", "c"), ("b", "d")]),
            ["a (a.rs:2) -> b (b.rs:3) -> c (c.rs:1) -> a"]
        );
    }

    #[test]
    fn one_edge_that_closes_several_circles_is_told_once_in_the_shortest() {
        let edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("d", "a")];
        assert_eq!(circles_of(&edges), ["a (a.rs:3) -> c (c.rs:4) -> d (d.rs:5) -> a"]);
    }

    #[test]
    fn two_circles_that_share_a_name_are_both_found() {
        assert_eq!(circles_of(&[("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]).len(), 2);
    }
}
