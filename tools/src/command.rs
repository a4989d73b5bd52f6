//! The pack `command`: a tool that runs one program, with arguments that a template allows and nothing else.
//!
//! There is no shell anywhere: a parameter becomes one item of what the program is given, byte for byte, or the call
//! is refused. The program sees the environment, the directory and the input that its section names. It runs in a
//! process group that ends as one: when it is done, when its time is over, when its caller has gone, when the server
//! closes. Without a section in the config file nothing here starts anything.
//!
//! ```
//! use impresario_engine::Runtime;
//! use impresario_tools::command::{Command, Settings};
//! use impresario_tools::part::Opening;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings: Settings = serde_json::from_value(serde_json::json!({
//!     "program": "/usr/bin/env",
//!     "description": "Shows the environment of programs.",
//!     "env": { "LANG": "C.UTF-8" },
//!     "read_only": true,
//! }))?;
//! let opening = Opening { key: "packs.command.show_environment".into(), directory: ".".into() };
//! let command = Command::open(&settings, &opening)?;
//! let runtime = Runtime::builder().tool(command.tool()).lanes(1).start()?;
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;
use std::time::Duration;

use impresario_engine::{Context, Offer, OutputRule, ToolAnnotations, ToolSpec};

use crate::part::{Opening, Part, PartError, SharedPart};
use argv::Template;
use program::Program;
use run::Shop;
use settings::Kind;

pub use settings::{Argument, Kind as ParameterKind, Lines, Parameter, ProcessLimits, Settings};

mod argv;
mod capture;
mod parameters;
mod process;
mod program;
mod run;
mod settings;

/// Past its own timeout and grace a call is given up altogether.
const BACKSTOP: Duration = Duration::from_secs(5);

/// A tool that runs a program. Its programs are killed when the last of its tools and calls is gone.
#[derive(Debug, Clone)]
pub struct Command {
    tool: ToolSpec,
}

/// Opens a section of the config file.
///
/// # Errors
/// When the program can't run, or the template can't be meant; naming the key.
#[expect(clippy::unused_async, reason = "every pack is opened in the same way")]
pub async fn open(settings: Settings, opening: &Opening) -> Result<SharedPart, PartError> {
    Ok(Arc::new(Command::open(&settings, opening)?))
}

impl Command {
    /// Checks the settings. The tool has the last part of the section's name.
    ///
    /// # Errors
    /// When the program can't run, or the template can't be meant; naming the key.
    pub fn open(settings: &Settings, opening: &Opening) -> Result<Self, PartError> {
        let program = Program::check(settings, opening)?;
        let schema = parameters::schema(&settings.parameters)?;
        let template = Template::read(&settings.argv, &settings.parameters, settings.argv_max.0)?;
        check_uses(settings, &template)?;
        if settings.at_once == 0 {
            return Err(PartError::at("at_once", "must be at least 1"));
        }
        let shop = Shop::open(settings, program, template)
            .map_err(|error| PartError::new(format!("no thread can be started: {error}")))?;
        let shop = Arc::new(shop);
        let name = opening.key.strip_prefix("packs.command.").unwrap_or(&opening.key);
        let tool = ToolSpec::from_context(name, schema, move |ctx: Context| {
            let shop = Arc::clone(&shop);
            async move { shop.run(ctx).await }
        });
        let longest = [settings.wait.0, settings.timeout.0, settings.kill_grace.0, BACKSTOP];
        let tool = tool
            .output_schema(run::output_schema())
            .output_rule(OutputRule::clean())
            .timeout(longest.iter().sum())
            .annotations(annotations(settings));
        let tool = settings.title.iter().fold(tool, |tool, title| tool.title(title));
        let tool = settings.description.iter().fold(tool, |tool, text| tool.description(text));
        Ok(Self { tool })
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> ToolSpec {
        self.tool.clone()
    }
}

impl Part for Command {
    fn offer(&self) -> Offer {
        Offer::default().tool(self.tool().output_rule(OutputRule::clean()))
    }
}

/// Every parameter is used, and standard input is text.
fn check_uses(settings: &Settings, template: &Template) -> Result<(), PartError> {
    if let Some(name) = &settings.stdin {
        match settings.parameters.get(name) {
            None => return Err(PartError::at("stdin", format!("there is no parameter `{name}`"))),
            Some(parameter) if parameter.kind != Kind::String => {
                return Err(PartError::at("stdin", format!("`{name}` must be of the type string")));
            }
            Some(_) if template.uses(name) => {
                return Err(PartError::at("stdin", format!("`{name}` stands in argv already")));
            }
            Some(_) => {}
        }
    }
    let is_unused = |name: &&String| !template.uses(name) && settings.stdin.as_ref() != Some(name);
    match settings.parameters.keys().find(is_unused) {
        Some(name) => {
            let problem = format!("is used nowhere; write `{{{name}}}` in argv, or name it in stdin");
            Err(PartError::at(format!("parameters.{name}"), problem))
        }
        None => Ok(()),
    }
}

fn annotations(settings: &Settings) -> ToolAnnotations {
    ToolAnnotations {
        title: None,
        read_only_hint: Some(settings.read_only),
        destructive_hint: Some(settings.destructive.unwrap_or(!settings.read_only)),
        idempotent_hint: Some(settings.idempotent || settings.read_only),
        open_world_hint: Some(settings.open_world),
    }
}

#[cfg(test)]
mod tests;
