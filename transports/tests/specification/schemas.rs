//! The schemas of the specification's revisions, read from wherever the specification lies.
//!
//! Nothing of them is part of the project: the folder is named by an environment variable. Each definition can
//! be asked in two ways. As it stands it lets unknown members pass, as most of JSON Schema does; closed, it
//! tells of every member that its revision has no word for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use impresario_protocol::Revision;
use jsonschema::Validator;
use serde_json::{Value, json};

/// Names the folder of the specification: one folder for each revision, with its `schema.json`.
const FOLDER: &str = "MCP_SPEC_DIR";

/// Objects whose members are somebody else's: metadata, JSON Schemas, what a server says that it can do.
const OPEN: [&str; 6] =
    ["inputSchema", "outputSchema", "ServerCapabilities", "ClientCapabilities", "structuredContent", "error"];

/// The folder of the specification. Without one the caller has nothing to hold messages against.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    if folder.is_none() {
        // Written past the test runner, which shows nothing of a test that passes.
        let skipped = format!("skipped: {FOLDER} does not name the folder of the specification\n");
        io::stderr().write_all(skipped.as_bytes()).unwrap();
    }
    folder
}

/// The schema of one revision.
pub(crate) struct Schemas {
    /// As it was read, and with every object closed that is not open by its meaning.
    roots: [Value; 2],
    /// Where it keeps its definitions.
    keeps: &'static str,
    compiled: RefCell<HashMap<(String, bool), Rc<Validator>>>,
}

impl Schemas {
    pub(crate) fn of(folder: &Path, revision: Revision) -> Self {
        Self::read(&folder.join(revision.as_str()).join("schema.json"))
    }

    /// The schema of the tasks extension.
    pub(crate) fn of_tasks(folder: &Path) -> Self {
        Self::read(&folder.join("extensions").join("tasks.schema.json"))
    }

    fn read(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let root: Value = serde_json::from_str(&text).unwrap();
        let keeps = if root.get("$defs").is_some() { "$defs" } else { "definitions" };
        let mut closed = root.clone();
        for (name, definition) in closed[keeps].as_object_mut().unwrap() {
            close(name, definition);
        }
        Self { roots: [root, closed], keeps, compiled: RefCell::default() }
    }

    /// Whether this revision has a definition of that name.
    pub(crate) fn has(&self, definition: &str) -> bool {
        self.roots[0][self.keeps].get(definition).is_some()
    }

    /// Whether objects of that definition must have that member.
    pub(crate) fn requires(&self, definition: &str, member: &str) -> bool {
        let required = self.roots[0][self.keeps][definition]["required"].as_array();
        required.is_some_and(|required| required.iter().any(|name| name == member))
    }

    /// What is wrong with a value that should be of that definition.
    pub(crate) fn faults(&self, definition: &str, value: &Value) -> Vec<String> {
        self.check(definition, value, false)
    }

    /// What else is wrong with it once no unknown member may pass.
    pub(crate) fn unknown_members(&self, definition: &str, value: &Value) -> Vec<String> {
        self.check(definition, value, true)
    }

    fn check(&self, definition: &str, value: &Value, closed: bool) -> Vec<String> {
        let validator = self.validator(definition, closed);
        let fault = |error: jsonschema::ValidationError<'_>| {
            format!("{definition} at `{}`: {error}", error.instance_path())
        };
        validator.iter_errors(value).map(fault).collect()
    }

    fn validator(&self, definition: &str, closed: bool) -> Rc<Validator> {
        let key = (definition.to_owned(), closed);
        let mut compiled = self.compiled.borrow_mut();
        let compile = || {
            assert!(self.has(definition), "the schema has no definition `{definition}`");
            let mut schema = self.roots[usize::from(closed)].clone();
            schema["allOf"] = json!([{ "$ref": format!("#/{}/{definition}", self.keeps) }]);
            Rc::new(jsonschema::options().should_validate_formats(true).build(&schema).unwrap())
        };
        Rc::clone(compiled.entry(key).or_insert_with(compile))
    }
}

/// Forbids members that an object's schema does not list, at every depth.
fn close(name: &str, schema: &mut Value) {
    if OPEN.contains(&name) || name.starts_with('_') || name.ends_with("MetaObject") {
        return;
    }
    match schema {
        Value::Object(members) => {
            let lists_members =
                members.get("properties").and_then(Value::as_object).is_some_and(|listed| !listed.is_empty());
            if lists_members && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), Value::Bool(false));
            }
            // What is combined from several schemas can't be closed one by one.
            members
                .iter_mut()
                .filter(|(name, _)| *name != "allOf")
                .for_each(|(name, schema)| close(name, schema));
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(|schema| close("", schema)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
