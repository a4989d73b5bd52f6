//! `report`: a page or a table made of results that were saved with `--json`.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::comparison::{Comparison, Part};
use crate::fault::Fault;
use crate::output;
use crate::result::RunResult;
use crate::saved::{self, Saved};
use crate::show::{growth, html, print, ratios, table};

/// The most files in one report.
const FILES_MAX: usize = 200;

const EXAMPLES: &str = "\
Examples:
  impresario-loadtest report result.json
  impresario-loadtest report before.json after.json --html report.html
  impresario-loadtest report comparison.json --html report.html --title 'The new parser'

Results of the same work are drawn side by side; several of the same name count as rounds of one server.";

/// Make a page or a table of results that were saved with --json
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Report {
    /// What --json wrote: results of runs, or one comparison
    #[arg(value_name = "FILE", required = true, num_args = 1..=FILES_MAX)]
    files: Vec<PathBuf>,
    /// Write a page to this file, in place of the table
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// What stands over the page
    #[arg(long, value_name = "TEXT", requires = "html")]
    title: Option<String>,
}

/// What is reported on.
enum Subject {
    Results(Vec<RunResult>),
    Comparison(Box<Comparison>),
}

impl Report {
    /// Makes the report.
    ///
    /// # Errors
    /// If a file is no result, or the page can't be written.
    pub fn run(self) -> Result<ExitCode, Fault> {
        output::try_out(self.html.as_deref())?;
        let subject = self.subject()?;
        let title = self.title.as_deref();
        if let Some(path) = &self.html {
            let page = match subject {
                Subject::Results(results) => html::results(results, title),
                Subject::Comparison(comparison) => Some(html::comparison(&comparison, title)),
            };
            let page = page.ok_or_else(|| Fault::plan("there is nothing to report on"))?;
            output::write(path, "report", &page)?;
            return Ok(ExitCode::SUCCESS);
        }
        print::result(&text(subject)).map_err(Fault::machine("write to standard output"))?;
        Ok(ExitCode::SUCCESS)
    }

    fn subject(&self) -> Result<Subject, Fault> {
        let mut results = Vec::new();
        for path in &self.files {
            match saved::read(path)? {
                Saved::Result(result) => results.push(*result),
                Saved::Comparison(comparison) if self.files.len() == 1 => {
                    return Ok(Subject::Comparison(comparison));
                }
                Saved::Comparison(_) => {
                    let path = path.display();
                    return Err(Fault::plan(format!("{path} is a comparison: report on it alone")));
                }
            }
        }
        Ok(Subject::Results(results))
    }
}

fn text(subject: Subject) -> String {
    let width = print::width();
    match subject {
        Subject::Comparison(comparison) if comparison.parts.iter().any(|part| part.point.is_some()) => {
            growth::render(&comparison, width)
        }
        Subject::Comparison(comparison) => ratios::render(&comparison, width),
        Subject::Results(results) => match results.as_slice() {
            [result] => table::render(result, width),
            _ => Part::from_results(results).iter().map(|part| ratios::render_part(part, width)).collect(),
        },
    }
}
