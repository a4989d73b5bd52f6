//! Puts trees together: files beside each other, and what wins over what is there already.

use super::node::{Entry, Node, Step, Table, Value, shown};
use super::problem::{Problem, Problems};

/// Both files in one. A key may stand in one of them only; tables are put together.
pub(crate) fn beside(into: &mut Node, other: Node) -> Result<(), Problems> {
    let mut problems = Problems::default();
    if let (Some(into), Value::Table(other)) = (into.as_table_mut(), other.value) {
        join(into, other, &mut Vec::new(), &mut problems);
    }
    problems.or(())
}

fn join(into: &mut Table, other: Table, way: &mut Vec<Step>, problems: &mut Problems) {
    for Entry { key, key_place, node } in other.0 {
        let Some(known) = into.get_mut(&key) else {
            into.0.push(Entry { key, key_place, node });
            continue;
        };
        way.push(Step::Key(key));
        match (known.node.as_table_mut(), node.value) {
            (Some(known), Value::Table(other)) => join(known, other, way, problems),
            _ => {
                let message = format!("this key stands in two files: here, and at {}", known.key_place);
                problems.push(Problem::new(message).at(&key_place).key(shown(way)).help("keep one of them"));
            }
        }
        way.pop();
    }
}

/// What stands in `top` takes the place of what is there.
pub(crate) fn over(into: &mut Node, top: Node) {
    let Value::Table(top) = top.value else { return };
    let Some(into) = into.as_table_mut() else { return };
    for entry in top.0 {
        match into.get_mut(&entry.key) {
            Some(known) if known.node.as_table().is_some() && entry.node.as_table().is_some() => {
                over(&mut known.node, entry.node);
            }
            Some(known) => *known = entry,
            None => into.0.push(entry),
        }
    }
}
