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
pub(crate) type Row<'c> = (&'c str, &'c str);

impl Catalogue {
    pub(crate) fn tool_rows(&self) -> Vec<Row<'_>> {
        let rows = self.tools.iter();
        rows.map(|one| (&*one.name, described(one.description.as_deref(), one.title.as_deref()))).collect()
    }

    pub(crate) fn resource_rows(&self) -> Vec<Row<'_>> {
        let rows = self.resources.iter();
        rows.map(|one| (&*one.uri, described(one.description.as_deref(), Some(&one.name)))).collect()
    }

    pub(crate) fn template_rows(&self) -> Vec<Row<'_>> {
        let rows = self.resource_templates.iter();
        rows.map(|one| (&*one.uri_template, described(one.description.as_deref(), Some(&one.name)))).collect()
    }

    pub(crate) fn prompt_rows(&self) -> Vec<Row<'_>> {
        let rows = self.prompts.iter();
        rows.map(|one| (&*one.name, described(one.description.as_deref(), one.title.as_deref()))).collect()
    }
}

/// The first line of a description, or a title when there is none.
pub(crate) fn described<'c>(description: Option<&'c str>, title: Option<&'c str>) -> &'c str {
    description.or(title).and_then(|text| text.trim().lines().next()).unwrap_or_default()
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
