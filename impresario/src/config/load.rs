//! Finds the files of a configuration and makes a tree of each.

use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Entry, Node, Table, Text, Value};
use super::place::{Origin, Place, SourceFile};
use super::problem::{Problem, Problems};

/// A larger file is none that a person wrote.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A directory with more of them is not one of these.
const FILES_MAX: usize = 1_000;

/// The files that a path names: itself, or, of a directory, all that end in `.toml`, by name.
pub(crate) fn files(path: &Path) -> Result<Vec<SourceFile>, Problems> {
    let mut problems = Problems::default();
    let unreadable = |path: &Path, error: &std::io::Error| {
        let what = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
            _ => error.to_string(),
        };
        Problem::new(format!("can't read {}: {what}", path.display())).help("name one with --config PATH")
    };
    let paths = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => in_directory(path).map_err(|error| unreadable(path, &error))?,
        Ok(_) => vec![path.to_owned()],
        Err(error) => return Err(unreadable(path, &error).into()),
    };
    if paths.is_empty() {
        let message = format!("there is no file that ends in .toml in {}", path.display());
        return Err(Problem::new(message).into());
    }
    let mut files = Vec::new();
    for path in paths {
        match text(&path) {
            Ok(text) => files.push(SourceFile { path, text }),
            Err(error) => problems.push(unreadable(&path, &error)),
        }
    }
    problems.or(files)
}

fn in_directory(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        // A link counts as what it leads to: Kubernetes mounts files as links.
        let is_ours = path.extension().is_some_and(|end| end == "toml") && path.is_file();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_ours && !is_hidden {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            return Err(std::io::Error::other(format!("more than {FILES_MAX} files end in .toml")));
        }
    }
    paths.sort();
    Ok(paths)
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// The tree of a file.
pub(crate) fn tree(file: SourceFile) -> Result<Node, Problems> {
    let origin = Arc::new(Origin::File(file));
    let Origin::File(SourceFile { text, .. }) = &*origin else { unreachable!("it was made a line above") };
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut problems = Problems::default();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        problems.push(Problem::new(error.message().trim()).at(&Place::new(&origin, span)));
    }
    let place = |span: Range<usize>| Place::new(&origin, span);
    let table = Node { value: Value::Table(read_table(table.get_ref(), &place)), place: place(0..0) };
    problems.or(table)
}

/// A value of the environment: TOML if it is some, else text.
pub(crate) fn value(text: &str, origin: &Arc<Origin>) -> Option<Value> {
    let value = DeValue::parse(text).ok()?;
    Some(read_value(&value, &|_| Place::new(origin, 0..0)).value)
}

fn read_table(table: &DeTable<'_>, place: &dyn Fn(Range<usize>) -> Place) -> Table {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key_text: &std::borrow::Cow<'_, str> = key.get_ref();
        Entry { key: key_text.to_string(), key_place: place(key.span()), node: read_value(value, place) }
    };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_place.span.start);
    Table(entries)
}

fn read_value(value: &Spanned<DeValue<'_>>, place: &dyn Fn(Range<usize>) -> Place) -> Node {
    let read = match value.get_ref() {
        DeValue::String(text) => Value::Text(Text::plain(text.as_ref())),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            // What no integer holds is a number all the same, for whoever takes one.
            Err(_) => Value::Float(number.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(yes) => Value::Boolean(*yes),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(values) => Value::Array(values.iter().map(|value| read_value(value, place)).collect()),
        DeValue::Table(table) => Value::Table(read_table(table, place)),
    };
    Node { value: read, place: place(value.span()) }
}
