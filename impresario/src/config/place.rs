//! Where something is written: in which file, from which byte to which, or in which variable or flag.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file, with the text that it had.
    File(SourceFile),
    /// A variable of the environment; its value is not kept here.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

/// A file of the configuration, as it was read.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A place in what was read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) origin: Arc<Origin>,
    /// In bytes. Empty for the whole of it.
    pub(crate) span: Range<usize>,
}

impl SourceFile {
    /// The directory that relative paths in the file are relative to.
    pub(crate) fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

impl Place {
    pub(crate) fn new(origin: &Arc<Origin>, span: Range<usize>) -> Self {
        Self { origin: Arc::clone(origin), span }
    }

    /// The file, if it is one.
    pub(crate) fn file(&self) -> Option<&SourceFile> {
        match &*self.origin {
            Origin::File(file) => Some(file),
            Origin::Variable(_) | Origin::Flag(_) => None,
        }
    }

    /// The variable, if it is one.
    pub(crate) fn variable(&self) -> Option<&str> {
        match &*self.origin {
            Origin::Variable(name) => Some(name),
            Origin::File(_) | Origin::Flag(_) => None,
        }
    }

    /// The part of this place where that text begins, as far as it can be found.
    pub(crate) fn narrowed(&self, part: &str) -> Self {
        let found = self.file().and_then(|file| file.text.get(self.span.clone())?.find(part));
        let Some(offset) = found else { return self.clone() };
        let start = self.span.start + offset;
        Self::new(&self.origin, start..start + part.len())
    }

    /// Line and column, counted in characters from 1.
    pub(crate) fn line_and_column(&self) -> Option<(usize, usize)> {
        let before = self.file()?.text.get(..self.span.start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }

    /// The line at which it begins, whole, and where in it the place is, in bytes.
    pub(crate) fn line(&self) -> Option<(&str, Range<usize>)> {
        let text = &self.file()?.text;
        let start = text.get(..self.span.start)?.rfind('\n').map_or(0, |at| at + 1);
        let line = text[start..].split(['\n', '\r']).next().unwrap_or_default();
        let end = (self.span.end.saturating_sub(start)).min(line.len());
        let begin = (self.span.start - start).min(line.len());
        Some((line, begin..end.max(begin)))
    }

    /// Whether it stands before the other, for the order in which problems are told.
    pub(crate) fn order(&self) -> (String, usize) {
        (self.to_string_without_line(), self.span.start)
    }

    fn to_string_without_line(&self) -> String {
        match &*self.origin {
            Origin::File(file) => file.path.display().to_string(),
            Origin::Variable(name) => name.clone(),
            Origin::Flag(name) => (*name).to_owned(),
        }
    }
}

impl fmt::Display for Place {
    /// `FILE:LINE:COLUMN`, or the name of the variable or flag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_without_line())?;
        match self.line_and_column() {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}
