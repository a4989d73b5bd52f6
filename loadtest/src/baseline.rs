//! `check`: is this server worse than it was? Exits with 1 if it is, so that a CI job fails.
//!
//! The baseline is a result that was saved with `--json`. It holds its own command line, which is run again, unless
//! the new result is given too.

mod verdict;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use self::verdict::{Bounds, Row, rows};
use crate::fault::Fault;
use crate::result::RunResult;
use crate::saved::{self, Saved};
use crate::show::doubts::doubts;
use crate::show::grid::{Cell, Grid};
use crate::show::html::same_machine;
use crate::show::print::{self, BAD, FAINT, GOOD, HEADING, one_line};
use crate::show::table::headings;
use crate::show::units;

const EXAMPLES: &str = "\
Examples:
  impresario-loadtest echo http://127.0.0.1:8000/mcp --server-pid $PID --json > baseline.json
  impresario-loadtest check baseline.json --max-regression 10% --max-p99-regression 30%
  impresario-loadtest check baseline.json --result new.json

Exits with 0 if nothing is worse, 1 if something is, 2 if the two can't be compared.";

/// Hold a server against an earlier result, and fail if it is worse
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Check {
    /// The earlier result, written with --json; its command is run again
    #[arg(value_name = "BASELINE.json")]
    baseline: PathBuf,
    /// Don't run anything: this is the new result
    #[arg(long, value_name = "NEW.json")]
    result: Option<PathBuf>,
    /// How much worse each figure may be that has no bound of its own
    #[arg(long, value_name = "PERCENT", value_parser = verdict::share, default_value = "10%")]
    max_regression: f64,
    /// How much more processor time an answer may take
    #[arg(long, value_name = "PERCENT", value_parser = verdict::share)]
    max_cpu_regression: Option<f64>,
    /// How much lower the rate may be
    #[arg(long, value_name = "PERCENT", value_parser = verdict::share)]
    max_rate_regression: Option<f64>,
    /// How much higher p99 may be
    #[arg(long, value_name = "PERCENT", value_parser = verdict::share)]
    max_p99_regression: Option<f64>,
    /// How many of the requests may fail
    #[arg(long, value_name = "PERCENT", value_parser = verdict::share, default_value = "1%")]
    max_errors: f64,
    /// The server's process now, in place of the one in the baseline's command
    #[arg(long, value_name = "PID", conflicts_with = "result")]
    server_pid: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Compares, shows, and says by its exit code what came of it.
    ///
    /// # Errors
    /// If there is no new result, or the two can't be compared.
    pub async fn run(self) -> Result<ExitCode, Fault> {
        let baseline = saved::read_result(&self.baseline)?;
        let new = match &self.result {
            Some(path) => saved::read_result(path)?,
            None => self.run_again(&baseline).await?,
        };
        let rows = rows(&baseline, &new, &self.bounds())?;
        let shown = if self.json {
            print::json(&rows)
        } else {
            print::result(&render(&baseline, &new, &rows, print::width()))
        };
        shown.map_err(Fault::machine("write to standard output"))?;
        Ok(ExitCode::from(u8::from(rows.iter().any(|row| row.is_worse))))
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            cpu: self.max_cpu_regression.unwrap_or(self.max_regression),
            rate: self.max_rate_regression.unwrap_or(self.max_regression),
            p99: self.max_p99_regression.unwrap_or(self.max_regression),
            errors: self.max_errors,
        }
    }

    async fn run_again(&self, baseline: &RunResult) -> Result<RunResult, Fault> {
        let arguments = arguments(&baseline.command_line, self.server_pid)?;
        print::note(&format!("running again: {}", shell_words::join(&arguments)));
        let own = std::env::current_exe().map_err(Fault::machine("find this program"))?;
        let output = own_output(&own, &arguments).await?;
        match saved::parse(&output).map_err(|reason| Fault::plan(format!("the new run: {reason}")))? {
            Saved::Result(result) => Ok(*result),
            Saved::Comparison(_) => Err(Fault::plan("the baseline's command is a comparison")),
        }
    }
}

/// Runs this program again; what it tells goes where ours goes.
async fn own_output(own: &Path, arguments: &[String]) -> Result<String, Fault> {
    let mut command = tokio::process::Command::new(own);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await.map_err(Fault::machine("run the baseline's command"))?;
    // 1 says that something was wrong in it, like errors: what was measured is there all the same.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(Fault::plan(format!("the baseline's command ended with {}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| Fault::plan("the new run wrote no text"))
}

/// The baseline's arguments, to print JSON and to look at the server's process of today. A process id of yesterday
/// would be that of somebody else.
fn arguments(command_line: &[String], server_pid: Option<u32>) -> Result<Vec<String>, Fault> {
    let (_, given) =
        command_line.split_first().ok_or_else(|| Fault::plan("the baseline has no command line"))?;
    let mut arguments = Vec::new();
    let mut given = given.iter();
    while let Some(word) = given.next() {
        match word.as_str() {
            "--server-pid" | "--html" => drop(given.next()),
            "--json" => {}
            word if word.starts_with("--server-pid=") || word.starts_with("--html=") => {}
            "compare" | "grow" | "check" | "report" | "record" if arguments.is_empty() => {
                return Err(Fault::plan(format!(
                    "the baseline was made by `{word}`: save the result of one run"
                )));
            }
            word => arguments.push(word.to_owned()),
        }
    }
    if arguments.is_empty() {
        return Err(Fault::plan("the baseline has no command line"));
    }
    if let Some(pid) = server_pid {
        arguments.push(format!("--server-pid={pid}"));
    }
    arguments.push("--json".to_owned());
    Ok(arguments)
}

fn render(baseline: &RunResult, new: &RunResult, rows: &[Row], width: usize) -> String {
    let mut grid = Grid::numbers(4).and_words();
    grid.row(headings(["", "BASELINE", "NOW", "CHANGE", "ALLOWED", ""]));
    for row in rows {
        grid.row([
            Cell::new(row.name.as_str()),
            Cell::new(row.shown_baseline.as_str()),
            Cell::new(row.shown_now.as_str()),
            change(row),
            Cell::new(row.shown_allowed.as_str()),
            if row.is_worse { Cell::styled("worse", BAD) } else { Cell::styled("fine", GOOD) },
        ]);
    }
    let mut text = format!("\n  {HEADING}{}{HEADING:#}\n\n{}\n", one_line(&new.work), grid.render(width));
    if new.server.is_none() || baseline.server.is_none() {
        text.push_str(&format!(
            "  {FAINT}give --server-pid to both: processor time is steadier than time{FAINT:#}\n"
        ));
    }
    let mut warnings = doubts(new);
    if !same_machine(&baseline.machine, &new.machine) {
        warnings.insert(0, "the baseline is from another machine".to_owned());
    }
    for warning in warnings {
        text.push_str(&format!("  {0}warning:{0:#} {1}\n", print::CAUTION, one_line(&warning)));
    }
    text
}

fn change(row: &Row) -> Cell {
    row.change.map_or_else(Cell::default, |change| {
        let sign = if change >= 0.0 { '+' } else { '−' };
        Cell::new(format!("{sign}{}", units::percent(change.abs())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_command_runs_again_with_todays_process() {
        let line = words("/bin/x echo http://h/mcp --server-pid 7 --json --server-pid=8 --html a.html -n 4");
        assert_eq!(arguments(&line, Some(9)).unwrap(), words("echo http://h/mcp -n 4 --server-pid=9 --json"));
        for line in [Vec::new(), words("x"), words("x compare a=b")] {
            assert!(arguments(&line, None).is_err());
        }
    }

    #[test]
    fn a_check_reads_at_a_glance() {
        let (baseline, mut new) = (invented::result("one", 1.0), invented::result("one", 1.12));
        new.machine.cpu = "another".to_owned();
        let bounds = Bounds { cpu: 0.1, rate: 0.2, p99: 0.3, errors: 0.01 };
        let rows = rows(&baseline, &new, &bounds).unwrap();
        let text = render(&baseline, &new, &rows, 100);
        let text = anstream::adapter::strip_str(&text).to_string();
        invented::same_as_file("src/show/table/check.txt", &text);
    }
}
