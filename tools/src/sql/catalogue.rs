//! Which tables there are, and which of them may be seen.

use serde::Serialize;

use super::failure::nearest;
use super::guard::quoted;
use super::tokens::Dialect;

/// The tables and views that may be seen.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub tables: Vec<Table>,
}

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Table {
    /// What it is called here: its name, after its schema where that is not the role's own.
    pub name: String,
    /// `table`, `view`, `virtual table`, …
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub columns: Vec<Column>,
    /// As it stands in statements.
    #[serde(skip)]
    pub quoted: String,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Column {
    pub name: String,
    /// Its type, as the engine names it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The same as a cast names it: without a length, which would cut values.
    #[serde(skip)]
    pub cast: String,
    pub nullable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub primary_key: bool,
    /// The engine computes it.
    #[serde(skip_serializing_if = "is_false")]
    pub generated: bool,
    /// The column of another table that it points to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Which tables may be seen: those that are listed (all, without a list), but for those that are hidden.
#[derive(Debug, Clone, Default)]
pub(super) struct Visible {
    pub only: Option<Vec<String>>,
    pub hidden: Vec<String>,
    /// Whether upper and lower case are the same, as in SQLite.
    pub ignores_case: bool,
}

impl Visible {
    /// Whether that table may be seen.
    pub(super) fn sees(&self, name: &str) -> bool {
        let is = |listed: &String| self.is_same(listed, name);
        self.only.as_ref().is_none_or(|only| only.iter().any(is)) && !self.hidden.iter().any(is)
    }

    /// Whether all may be seen.
    pub(super) fn all(&self) -> bool {
        self.only.is_none() && self.hidden.is_empty()
    }

    fn is_same(&self, listed: &str, name: &str) -> bool {
        if self.ignores_case { listed.eq_ignore_ascii_case(name) } else { listed == name }
    }

    /// The listed name that no table has, with the key of its list and its place there.
    pub(super) fn unknown<'s>(&'s self, tables: &[Table]) -> Option<(&'static str, usize, &'s str)> {
        let lists =
            [("tables", self.only.as_deref().unwrap_or_default()), ("hidden_tables", &self.hidden[..])];
        lists.into_iter().find_map(|(key, names)| {
            let is_known = |name: &String| tables.iter().any(|table| self.is_same(name, &table.name));
            let at = names.iter().position(|name| !is_known(name))?;
            Some((key, at, names[at].as_str()))
        })
    }
}

impl Catalogue {
    /// The table of that name.
    ///
    /// # Errors
    /// Says which name was probably meant.
    pub(super) fn table(&self, name: &str) -> Result<&Table, String> {
        self.tables.iter().find(|table| table.name == name).ok_or_else(|| {
            let names = self.tables.iter().map(|table| table.name.as_str());
            format!("there is no table {name:?}{}", meant(name, names))
        })
    }

    /// The name that was probably meant by one that the engine does not know.
    pub(super) fn nearest(&self, unknown: &str) -> Option<String> {
        let unknown = unknown.rsplit('.').next().unwrap_or(unknown);
        let tables = self.tables.iter().map(|table| table.name.as_str());
        let columns = self.tables.iter().flat_map(|table| &table.columns).map(|column| column.name.as_str());
        nearest(unknown, tables.chain(columns)).map(ToOwned::to_owned)
    }
}

impl Table {
    /// The column of that name.
    ///
    /// # Errors
    /// Says which name was probably meant.
    pub(super) fn column(&self, name: &str) -> Result<&Column, String> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let names = self.columns.iter().map(|column| column.name.as_str());
            format!("{} has no column {name:?}{}", self.name, meant(name, names))
        })
    }

    /// The names of columns, as they stand in statements.
    pub(super) fn quoted_columns(&self) -> String {
        self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }
}

impl Dialect {
    /// The placeholder of the argument at that place, which counts from 1.
    ///
    /// PostgreSQL is sent every argument as text and told what to read it as, so that it is the engine that reads
    /// numbers, dates and its own types.
    pub(super) fn placeholder(self, place: usize, type_name: &str) -> String {
        match (self, type_name) {
            (Self::Sqlite, _) => format!("?{place}"),
            (Self::Postgres, "") => format!("${place}"),
            (Self::Postgres, type_name) => format!("(${place}::text)::{type_name}"),
        }
    }
}

/// What may have been meant, or all there is.
pub(super) fn meant<'n>(name: &str, names: impl Iterator<Item = &'n str> + Clone) -> String {
    if let Some(nearest) = nearest(name, names.clone()) {
        return format!("; did you mean {nearest:?}?");
    }
    let mut known: Vec<_> = names.take(21).collect();
    let more = if known.len() > 20 { ", …" } else { "" };
    known.truncate(20);
    if known.is_empty() { String::new() } else { format!("; there are {}{more}", known.join(", ")) }
}
