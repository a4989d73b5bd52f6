//! Everything that a server offers, and how its parts are shown on one line each.

use rmcp::model::{Prompt, Resource, ResourceTemplate, Tool};
use serde::Serialize;

use super::output::{self, HEADING, NAME, harmless};

/// Everything that a server offers.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Catalogue {
    pub(crate) tools: Vec<Tool>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) resource_templates: Vec<ResourceTemplate>,
    pub(crate) prompts: Vec<Prompt>,
}

/// A thing's name, and what it is for.
pub(crate) type Row<'c> = (&'c str, String);

impl Catalogue {
    pub(crate) fn tool_rows(&self) -> Vec<Row<'_>> {
        let rows = self.tools.iter();
        rows.map(|one| (&*one.name, summary(one.description.as_deref().or(one.title.as_deref())))).collect()
    }

    pub(crate) fn resource_rows(&self) -> Vec<Row<'_>> {
        let rows = self.resources.iter();
        rows.map(|one| (&*one.uri, summary(one.description.as_deref().or(Some(&one.name))))).collect()
    }

    pub(crate) fn template_rows(&self) -> Vec<Row<'_>> {
        let rows = self.resource_templates.iter();
        rows.map(|one| (&*one.uri_template, summary(one.description.as_deref().or(Some(&one.name)))))
            .collect()
    }

    pub(crate) fn prompt_rows(&self) -> Vec<Row<'_>> {
        let rows = self.prompts.iter();
        rows.map(|one| (&*one.name, summary(one.description.as_deref().or(one.title.as_deref())))).collect()
    }
}

/// The first sentence of a description.
fn summary(description: Option<&str>) -> String {
    let text = reflowed(description.unwrap_or_default());
    let line = text.lines().next().unwrap_or_default();
    // An abbreviation is not followed by a capital, as a rule.
    let ends = |(dot, _): &(usize, &str)| line[dot + 2..].starts_with(char::is_uppercase);
    let end = line.match_indices(". ").find(ends).map_or(line.len(), |(dot, _)| dot + 1);
    line[..end].to_owned()
}

/// Text whose lines were broken for somebody else's margin, a paragraph a line; lists stay as they are.
pub(crate) fn reflowed(text: &str) -> String {
    let mut flowed = String::new();
    let mut open = false;
    // The first line of a docstring is not indented, and all others are.
    let (first, rest) = text.trim().split_once('\n').unwrap_or((text.trim(), ""));
    let rest = textwrap::dedent(rest);
    for line in std::iter::once(first).chain(rest.lines()).map(str::trim_end) {
        let goes_on = open && line.starts_with(|c: char| c.is_alphanumeric() || "`'\"(".contains(c));
        if !flowed.is_empty() {
            flowed.push(if goes_on { ' ' } else { '\n' });
        }
        flowed.push_str(line);
        open = !line.is_empty();
    }
    flowed
}

pub(crate) fn heading(title: &str) -> String {
    format!("{HEADING}{title}{HEADING:#}\n")
}

/// A heading, and a line or more for each row, names in a column of their own. Empty without rows.
pub(crate) fn section(title: &str, rows: &[Row<'_>]) -> String {
    const NAME_COLUMNS_MAX: usize = 36;
    if rows.is_empty() {
        return String::new();
    }
    let width = |name: &str| textwrap::core::display_width(name);
    let widest = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let indent = widest.min(NAME_COLUMNS_MAX) + 4;
    let mut lines = heading(title);
    for (name, purpose) in rows {
        let (name, purpose) = (harmless(name), harmless(purpose));
        let lead = format!("  {NAME}{name}{NAME:#}");
        let lead_len = width(&name) + 2;
        if lead_len < indent {
            lines.push_str(&output::hanging(&lead, lead_len, indent, &purpose));
        } else {
            // Too long for its column: what it is for goes on a line of its own.
            lines.push_str(&format!("{lead}\n"));
            lines.push_str(&output::hanging("", 0, indent, &purpose));
        }
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_summed_up_by_its_first_sentence() {
        let rows = [
            ("Adds.", "Adds."),
            ("Adds two numbers. Never fails.", "Adds two numbers."),
            ("\n  Adds two\n  numbers, e.g. 1.5. Or `2`\n  or more\n\n  More", "Adds two numbers, e.g. 1.5."),
            ("Adds two\nnumbers: 1.5 and so\n\nMore", "Adds two numbers: 1.5 and so"),
            ("", ""),
        ];
        for (description, expected) in rows {
            assert_eq!(summary(Some(description)), expected, "{description}");
        }
        assert_eq!(summary(None), "");
    }

    #[test]
    fn paragraphs_become_lines_and_lists_stay() {
        assert_eq!(reflowed("one\ntwo\n\nthree\n- a\n- b\n"), "one two\n\nthree\n- a\n- b");
    }
}
