//! Which operations become tools, and what they are called.

use serde_json::Value;

use super::{Written, at};
use crate::http::settings::Operations;
use crate::part::PartError;

/// Longer names are cut: many clients take no longer ones.
const NAME_CHARS_MAX: usize = 64;

/// The operations that the settings choose, with their names.
///
/// # Errors
/// There are none or too many, or the settings name one that is not there.
pub(super) fn choose<'w, 'd>(
    written: &'w [Written<'d>],
    settings: &Operations,
) -> Result<Vec<(String, &'w Written<'d>)>, PartError> {
    let named: Vec<_> = written.iter().map(|written| (written.name(), written)).collect();
    check_patterns(&named, settings)?;
    let is_chosen = |(name, written): &&(String, &Written<'d>)| {
        let has_method = settings.methods.iter().any(|method| method.eq_ignore_ascii_case(written.method));
        let is_any = |patterns: &[String]| patterns.iter().any(|pattern| written.is(name, pattern));
        has_method && (settings.include.is_empty() || is_any(&settings.include)) && !is_any(&settings.exclude)
    };
    let chosen: Vec<_> = named.iter().filter(is_chosen).collect();
    let (count, max) = (chosen.len(), settings.max);
    if count == 0 {
        let problem = format!(
            "none of the document's {} operations is chosen; see `methods`, `include` and `exclude`",
            written.len()
        );
        return Err(at("operations", problem));
    }
    if count > max {
        let problem = format!(
            "{count} operations are more than {max}; choose fewer by `include`, `exclude` and `methods`, or raise `max`"
        );
        return Err(at("operations.max", problem));
    }
    let renamed = |(name, written): &(String, &'w Written<'d>)| {
        (settings.rename.get(name).unwrap_or(name).clone(), *written)
    };
    Ok(chosen.into_iter().map(renamed).collect())
}

/// What is written for nothing was written wrong.
fn check_patterns(named: &[(String, &Written<'_>)], settings: &Operations) -> Result<(), PartError> {
    for method in &settings.methods {
        if !super::METHODS.iter().any(|known| known.eq_ignore_ascii_case(method)) {
            let problem = format!("{method:?} is no method; write GET, HEAD, POST, PUT, PATCH or DELETE");
            return Err(at("operations.methods", problem));
        }
    }
    let lists = [("operations.include", &settings.include), ("operations.exclude", &settings.exclude)];
    for (key, pattern) in
        lists.iter().flat_map(|(key, patterns)| patterns.iter().map(move |pattern| (key, pattern)))
    {
        if !named.iter().any(|(name, written)| written.is(name, pattern)) {
            return Err(at(key, format!("{pattern:?} is none of the document's operations and tags")));
        }
    }
    match settings.rename.keys().find(|name| !named.iter().any(|(known, _)| known == *name)) {
        Some(name) => Err(at("operations.rename", format!("{name:?} is none of the document's operations"))),
        None => Ok(()),
    }
}

impl Written<'_> {
    /// What it is called: by its `operationId`, or by its method and path.
    fn name(&self) -> String {
        let id = self.operation.get("operationId").and_then(Value::as_str).filter(|id| !id.is_empty());
        sanitized(&id.map_or_else(|| format!("{}{}", self.method, self.path), str::to_owned))
    }

    /// Whether a pattern means it.
    fn is(&self, name: &str, pattern: &str) -> bool {
        let Some(tag) = pattern.strip_prefix("tag:") else { return is_like(pattern, name) };
        let tags = self.operation.get("tags").and_then(Value::as_array);
        tags.is_some_and(|tags| tags.iter().any(|known| known == tag))
    }
}

/// A text as a name that every client takes: letters, digits, `_`, `-` and `.`.
pub(super) fn sanitized(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') => name.push(c),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.truncate(NAME_CHARS_MAX);
    name.trim_matches('_').to_owned()
}

/// Whether the pattern, in which `*` stands for anything, is the whole text. Takes time linear in both for each star.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(found) => text = &text[found + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_names() {
        for (pattern, text, is) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("list*", "listPets", true),
            ("*Pets", "listPets", true),
            ("l*P*s", "listPets", true),
            ("l*P*x", "listPets", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(is_like(pattern, text), is, "{pattern} {text}");
        }
        assert_eq!(sanitized("get/users/{id}/posts"), "get_users_id_posts");
        assert_eq!(sanitized("Pets: list ü"), "Pets_list");
        assert_eq!(sanitized("filter[name]"), "filter_name");
        assert_eq!(sanitized(&"x".repeat(100)).len(), 64);
    }
}
