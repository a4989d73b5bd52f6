//! What a section `[packs.command.NAME]` may hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::setting::{Bytes, Secret, Span};

/// One tool that runs one program.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program: an absolute path to a file that may be executed. No shell: name what it would run.
    pub program: PathBuf,
    /// What the program is given, one item each. `{name}` stands for a parameter. An item whose parameter is not
    /// given is left out; so is a list of items of which one is.
    #[serde(default)]
    pub argv: Vec<Argument>,
    /// What the tool takes, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// The parameter that the program reads from its standard input; without one it reads nothing.
    #[serde(default)]
    pub stdin: Option<String>,
    /// The tool's name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What the tool does, for the model.
    #[serde(default)]
    pub description: Option<String>,
    /// The whole environment of the program. It inherits nothing, and no parameter can stand in it.
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    /// Where the program is started; the directory of the config file unless it is set.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// How long it may run. Then it and whatever it started is told to end, and later killed.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    /// How long it has to end by itself once it was told to.
    #[serde(default = "default_kill_grace")]
    pub kill_grace: Span,
    /// How much of its standard output is answered; the rest is read and dropped, and the answer says so.
    #[serde(default = "default_stdout_max")]
    pub stdout_max: Bytes,
    /// How much of the end of its standard error is answered.
    #[serde(default = "default_stderr_max")]
    pub stderr_max: Bytes,
    /// How large all of its arguments together may be.
    #[serde(default = "default_argv_max")]
    pub argv_max: Bytes,
    /// How many of it run at once.
    #[serde(default = "default_at_once")]
    pub at_once: u32,
    /// How long a call waits for its turn before it is refused.
    #[serde(default = "default_wait")]
    pub wait: Span,
    /// The exit codes that mean that it went well.
    #[serde(default = "default_success")]
    pub success: Vec<i32>,
    /// Which of its lines are sent as progress while it runs.
    #[serde(default)]
    pub progress: Lines,
    /// What the program may use of the machine. Linux only.
    #[serde(default)]
    pub limits: ProcessLimits,
    /// It changes nothing.
    #[serde(default)]
    pub read_only: bool,
    /// It may destroy something: so unless it is said otherwise, or it changes nothing.
    #[serde(default)]
    pub destructive: Option<bool>,
    /// To run it twice with the same arguments is as to run it once.
    #[serde(default)]
    pub idempotent: bool,
    /// It reaches things outside of this machine.
    #[serde(default = "default_open_world")]
    pub open_world: bool,
}

/// One item of what a program is given, or several that stand and fall together.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Argument {
    /// One item: text, with `{name}` for parameters; `{{` and `}}` are braces.
    Item(String),
    /// Several items that are left out together, such as a flag and its value.
    Together(Vec<String>),
}

/// One parameter, in the words of JSON Schema.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Parameter {
    /// Its type; `string` unless it is set.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it is, for the model.
    pub description: Option<String>,
    /// Whether a call must give it: so unless this is false or there is a default.
    pub required: Option<bool>,
    /// What it is when a call does not give it.
    pub default: Option<Value>,
    /// The values it may have.
    #[serde(rename = "enum")]
    pub values: Option<Vec<Value>>,
    /// A regular expression that the whole text must match.
    pub pattern: Option<String>,
    /// The least characters of a text.
    pub min_length: Option<u64>,
    /// The most characters of a text.
    pub max_length: Option<u64>,
    /// The least that a number may be.
    pub minimum: Option<f64>,
    /// The most that a number may be.
    pub maximum: Option<f64>,
    /// What the elements of an array are; texts unless it is set.
    pub items: Option<Box<Parameter>>,
    /// The least elements of an array.
    pub min_items: Option<u64>,
    /// The most elements of an array.
    pub max_items: Option<u64>,
    /// The item that stands for a boolean that is true; one that is false leaves its item out.
    pub flag: Option<String>,
    /// A text may begin with `-` also where the program could take it for an option.
    #[serde(rename = "allow_leading_dash")]
    pub allow_leading_dash: bool,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// A list: it becomes as many items as it has elements.
    Array,
}

/// Which lines are sent as progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lines {
    /// Those of standard error.
    #[default]
    Stderr,
    /// Those of standard output.
    Stdout,
    /// None.
    None,
}

/// What one program may use. They are set when it has just begun, and hold for what it starts from then on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessLimits {
    /// How long each process may compute.
    pub cpu: Option<Span>,
    /// How much address space each process may have.
    pub memory: Option<Bytes>,
    /// How many files each process may have open.
    pub files: Option<u64>,
    /// How many processes the user may have that the server runs as, those of others among them.
    pub processes: Option<u64>,
    /// How large a file may become that is written.
    pub file_size: Option<Bytes>,
}

impl Default for ProcessLimits {
    fn default() -> Self {
        Self {
            cpu: Some(Span(Duration::from_secs(30))),
            memory: Some(Bytes(1 << 30)),
            files: Some(256),
            processes: None,
            file_size: Some(Bytes(64 << 20)),
        }
    }
}

fn default_timeout() -> Span {
    Span(Duration::from_secs(30))
}

fn default_kill_grace() -> Span {
    Span(Duration::from_secs(3))
}

fn default_stdout_max() -> Bytes {
    Bytes(1 << 20)
}

fn default_stderr_max() -> Bytes {
    Bytes(64 << 10)
}

fn default_argv_max() -> Bytes {
    Bytes(128 << 10)
}

fn default_at_once() -> u32 {
    8
}

fn default_wait() -> Span {
    Span(Duration::from_secs(5))
}

fn default_success() -> Vec<i32> {
    vec![0]
}

fn default_open_world() -> bool {
    true
}
