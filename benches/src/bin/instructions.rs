//! Counts instructions per request, and holds them against the stored figures. `run.sh` in
//! `benches/instructions` builds and calls it.
#![forbid(unsafe_code)]

use std::io::{Read as _, Write as _, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use impresario_benches::instructions::{Figures, Machine, Served, Subject, per_request, profile};

const USAGE: &str = "usage: instructions show|check|record|profile [SUBJECT…]

show      counts and prints
check     counts, and ends with 1 when a figure is more than 5 % above the stored one, with 2 when it can't tell
record    counts and stores the figures
profile   leaves callgrind's file for each subject in the current folder, for callgrind_annotate";

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions/baseline.json");
/// What a figure may rise before the check fails.
const CHANGE_PERCENT_MAX: f64 = 5.0;
const PROFILE_REQUESTS: u64 = 2_000;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((verb, rest)) = arguments.split_first() else { bail!("{USAGE}") };
    match verb.as_str() {
        "serve" => serve(rest),
        "profile" => profiles(&subjects(rest)?),
        "show" => show(&subjects(rest)?),
        "check" => check(&subjects(rest)?),
        "record" => record(&subjects(rest)?),
        _ => bail!("{USAGE}"),
    }
}

fn subjects(names: &[String]) -> anyhow::Result<Vec<Subject>> {
    if names.is_empty() {
        Ok(Subject::all())
    } else {
        names.iter().map(|name| Subject::named(name)).collect()
    }
}

/// What callgrind runs: serves until its input ends.
fn serve(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let reply_bytes =
        arguments.first().map(|bytes| bytes.parse().context("read the reply's size")).transpose()?;
    let served = Served::start(reply_bytes)?;
    writeln!(stdout(), "{}", served.address())?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(ExitCode::SUCCESS)
}

fn profiles(subjects: &[Subject]) -> anyhow::Result<ExitCode> {
    for subject in subjects {
        let file = format!("callgrind.out.{}", subject.name());
        profile(*subject, PROFILE_REQUESTS, Path::new(&file))?;
        writeln!(
            stdout(),
            "{file}: {PROFILE_REQUESTS} requests; read it with callgrind_annotate --inclusive=yes"
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn count(subjects: &[Subject]) -> anyhow::Result<Figures> {
    let compiler = std::env::var("RUSTC_VERSION").unwrap_or_default();
    let counted = subjects.iter().map(|subject| Ok((subject.name(), per_request(*subject)?)));
    Ok(Figures { machine: Machine::here(compiler), instructions: counted.collect::<anyhow::Result<_>>()? })
}

fn show(subjects: &[Subject]) -> anyhow::Result<ExitCode> {
    write!(stdout(), "{}", count(subjects)?.table(Figures::load(Path::new(BASELINE)).ok().as_ref()))?;
    Ok(ExitCode::SUCCESS)
}

fn record(subjects: &[Subject]) -> anyhow::Result<ExitCode> {
    let stored = Figures::load(Path::new(BASELINE)).ok();
    let mut now = count(subjects)?;
    write!(stdout(), "{}", now.table(stored.as_ref()))?;
    // Those that were not counted keep their figures, as long as they come from such a machine.
    for (name, instructions) in
        stored.filter(|stored| stored.machine == now.machine).into_iter().flat_map(|it| it.instructions)
    {
        now.instructions.entry(name).or_insert(instructions);
    }
    now.store(Path::new(BASELINE))?;
    Ok(ExitCode::SUCCESS)
}

fn check(subjects: &[Subject]) -> anyhow::Result<ExitCode> {
    let stored = Figures::load(Path::new(BASELINE))?;
    let now = count(subjects)?;
    let mut out = stdout().lock();
    write!(out, "{}", now.table(Some(&stored)))?;
    if now.machine.processor != stored.machine.processor {
        let (here, there) = (&now.machine.processor, &stored.machine.processor);
        writeln!(out, "not comparable: this processor is {here}, the stored figures are of {there}")?;
        return Ok(ExitCode::from(2));
    }
    if now.machine.compiler != stored.machine.compiler {
        let (here, there) = (&now.machine.compiler, &stored.machine.compiler);
        writeln!(out, "note: compiled by {here}; the stored figures come from {there}")?;
    }
    let risen =
        |name: &&String| now.change_percent(&stored, name).is_none_or(|change| change > CHANGE_PERCENT_MAX);
    let risen: Vec<_> = now.instructions.keys().filter(risen).map(String::as_str).collect();
    if risen.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "more than {CHANGE_PERCENT_MAX} % above what is stored, or not stored: {}",
        risen.join(", ")
    )?;
    writeln!(out, "if that is what it must cost: bash benches/instructions/run.sh record")?;
    Ok(ExitCode::FAILURE)
}
