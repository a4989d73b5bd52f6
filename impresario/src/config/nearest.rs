//! The name that was meant, among those there are.

use super::place::Place;

/// What to say about a name that is none of those: the nearest, or all if they are few.
pub(crate) fn hint<'n>(name: &str, known: impl IntoIterator<Item = &'n str>, what: &str) -> Option<String> {
    const FEW: usize = 16;
    let known: Vec<_> = known.into_iter().collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let list = || known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    (!known.is_empty() && known.len() <= FEW).then(|| format!("known {what}: {}", list()))
}

/// The same for a key that is `depth` levels deep, which a variable spells in its own way.
pub(crate) fn hint_at<'n>(
    place: &Place,
    depth: Option<usize>,
    name: &str,
    known: impl IntoIterator<Item = &'n str> + Clone,
    what: &str,
) -> Option<String> {
    let near = nearest(name, known.clone()).map(str::to_uppercase);
    let (Some(variable), Some(near), Some(depth)) = (place.variable(), near, depth) else {
        return hint(name, known, what);
    };
    let parts = variable.split("__").enumerate().map(|(at, part)| match at + 1 == depth {
        true if at == 0 => format!("IMPRESARIO_{near}"),
        true => near.clone(),
        false => part.to_owned(),
    });
    Some(format!("did you mean `{}`?", parts.collect::<Vec<_>>().join("__")))
}

/// The name that differs in the fewest places, if it is near at all.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let reach = (name.chars().count() / 3).clamp(1, 6);
    let distance = |known: &str| strsim::osa_distance(&name.to_lowercase(), &known.to_lowercase());
    let nearest =
        known.into_iter().map(|known| (distance(known), known)).min_by_key(|(distance, _)| *distance);
    nearest.filter(|(distance, _)| *distance <= reach).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_offered_else_all_of_a_few() {
        let known = ["timeout", "title", "description"];
        let rows = [
            ("tiemout", Some("did you mean `timeout`?")),
            ("Timeout", Some("did you mean `timeout`?")),
            ("zzz", Some("known keys: `timeout`, `title`, `description`")),
        ];
        for (name, expected) in rows {
            assert_eq!(hint(name, known, "keys").as_deref(), expected, "{name}");
        }
        assert_eq!(hint("x", [], "keys"), None);
    }
}
