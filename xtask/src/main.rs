//! `cargo xtask tidy`: checks what the compiler and clippy cannot know about this house.
//!
//! It reads the sources as text and as syntax, never builds them, and changes nothing. Read [`rules`] for
//! what is checked; `ARCHITECTURE.md` holds the two tables that decide which crate may import which, and
//! which files may name an era.
#![forbid(unsafe_code)]

mod architecture;
mod circle;
mod finding;
mod house;
mod modules;
mod package;
mod reading;
mod rules;
mod tree;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use finding::{Finding, Severity};
use house::House;
use tree::Tree;

const USAGE: &str = "usage: cargo xtask tidy [--json]

tidy      checks layers, circles, era names, the style of files, and that all are compiled; prints one line for each finding
--json    prints the findings as one JSON object instead

It ends with 1 when there is an error, with 0 when there are warnings alone, and with 2 when it cannot check.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    run(&arguments).unwrap_or_else(|error| {
        // Where standard error is closed too, the exit code is all that is left to say it with.
        let _ = writeln!(io::stderr(), "error: {error:#}");
        ExitCode::from(2)
    })
}

fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["tidy"] => tidy(write_lines),
        ["tidy", "--json"] | ["--json", "tidy"] => tidy(write_json),
        ["--help" | "-h"] => {
            writeln!(io::stdout(), "{USAGE}")?;
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("unknown arguments: {}\n\n{USAGE}", words.join(" ")),
    }
}

fn tidy(write: fn(&mut dyn Write, &[Finding]) -> io::Result<()>) -> anyhow::Result<ExitCode> {
    let root = workspace_root(&std::env::current_dir()?)?;
    let house = House::new(Tree::read(&root)?);
    let findings = rules::check(&house);
    write(&mut io::stdout().lock(), &findings).context("write the findings")?;
    let failed = findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The nearest folder, from here upwards, whose `Cargo.toml` opens a workspace.
fn workspace_root(here: &Path) -> anyhow::Result<PathBuf> {
    for folder in here.ancestors() {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        if manifest.lines().any(|line| line.trim() == "[workspace]") {
            return Ok(folder.to_owned());
        }
    }
    bail!("no workspace at or above {}: run this inside of the project", here.display())
}

fn write_lines(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    writeln!(out, "tidy: {errors} errors, {} warnings", findings.len() - errors)
}

fn write_json(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    let report = serde_json::json!({ "findings": findings });
    writeln!(out, "{report:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: fn(&mut dyn Write, &[Finding]) -> io::Result<()>) -> String {
        let findings = [
            Finding::error("a.rs", 3, "header", "it is wrong"),
            Finding::warning("b.rs", 1, "length", "long"),
        ];
        let mut out = Vec::new();
        write(&mut out, &findings).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_name_path_line_and_severity() {
        assert_eq!(
            written(write_lines),
            "a.rs:3: it is wrong\nb.rs:1: warning: long\ntidy: 1 errors, 1 warnings\n"
        );
    }

    #[test]
    fn json_holds_every_field() {
        let report: serde_json::Value = serde_json::from_str(&written(write_json)).unwrap();
        assert_eq!(
            report["findings"][0],
            serde_json::json!({
                "path": "a.rs", "line": 3, "rule": "header", "severity": "error", "message": "it is wrong"
            })
        );
        assert_eq!(report["findings"][1]["severity"], "warning");
    }

    #[test]
    fn the_workspace_is_found_from_a_folder_inside_of_it() {
        let inside = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(workspace_root(&inside).unwrap(), Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    }
}
