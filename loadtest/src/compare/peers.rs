//! The servers of `loadtest/peers`: where they are, how they are built, how they are started.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::builder::PossibleValuesParser;
use tokio::process::Command;

use super::contender::{Contender, Place};
use super::stand::{Entrant, RESULT};
use crate::fault::Fault;
use crate::show::print;

/// Impresario itself, with the tools that the others serve.
pub(super) const OURS: &str = "impresario";
/// The floor: hyper alone, which repeats our reply.
pub(super) const FLOOR: &str = "hyper";
/// The peer that is always there.
pub(super) const RIVAL: &str = "rmcp";

/// Every peer that is installed.
const ALL: &str = "all";

/// Where the peers are in the source tree.
const FOLDER: &str = "loadtest/peers";

/// How a peer is built and started.
struct Peer {
    name: &'static str,
    kind: Kind,
    /// Arguments before the port's.
    arguments: &'static [&'static str],
    /// The revision that it speaks, if not the newest.
    revision: Option<&'static str>,
}

enum Kind {
    /// A package of the peers' workspace, and its program.
    Rust(&'static str),
    /// A script, which needs an environment of its own.
    Python,
    /// A script, which needs packages.
    TypeScript,
}

const PEERS: [Peer; 15] = [
    Peer::rust(OURS, "peer-impresario-23", &[]),
    Peer::rust("impresario-sessions", "peer-impresario-23", &[]).in_sessions(),
    Peer::rust(FLOOR, "peer-hyper", &["--echo-id", "--result", RESULT]),
    Peer::rust("actix-web", "peer-actix-web", &["--echo-id", "--result", RESULT]),
    Peer::rust(RIVAL, "peer-rmcp", &[]),
    Peer::rust("rmcp-sessions", "peer-rmcp", &["--sessions"]).in_sessions(),
    Peer::rust("rust-mcp-sdk", "peer-rust-mcp-sdk", &[]),
    Peer::rust("turbomcp", "peer-turbomcp", &[]),
    Peer::rust("pmcp", "peer-pmcp", &[]),
    Peer::rust("tower-mcp", "peer-tower-mcp", &[]),
    Peer::script("python-sdk", Kind::Python, &[]),
    Peer::script("python-sdk-sessions", Kind::Python, &["--sessions"]).in_sessions(),
    Peer::script("python-fastmcp", Kind::Python, &["--library", "fastmcp"]),
    Peer::script("typescript-2", Kind::TypeScript, &[]),
    Peer::script("typescript-1", Kind::TypeScript, &["--sdk", "1"]).in_sessions(),
];

impl Peer {
    const fn rust(name: &'static str, package: &'static str, arguments: &'static [&'static str]) -> Self {
        Self { name, kind: Kind::Rust(package), arguments, revision: None }
    }

    const fn script(name: &'static str, kind: Kind, arguments: &'static [&'static str]) -> Self {
        Self { name, kind, arguments, revision: None }
    }

    const fn in_sessions(mut self) -> Self {
        self.revision = Some("2025-11-25");
        self
    }

    fn command(&self, folder: &Path) -> Result<Vec<String>, Fault> {
        let path = |relative: &str| folder.join(relative).to_string_lossy().into_owned();
        let needs = |relative: &str, what: &str| {
            if folder.join(relative).exists() {
                Ok(())
            } else {
                Err(Fault::plan(format!("{} needs {what}", self.name)))
            }
        };
        let mut command = match self.kind {
            Kind::Rust(package) => vec![path(&format!("target/release/{package}"))],
            Kind::Python => {
                needs(
                    "python/.venv/bin/python",
                    "its packages: cd loadtest/peers/python && python3 -m venv .venv && \
                     .venv/bin/pip install -r requirements.txt",
                )?;
                vec![path("python/.venv/bin/python"), path("python/server.py")]
            }
            Kind::TypeScript => {
                needs("typescript/node_modules", "its packages: npm ci --prefix loadtest/peers/typescript")?;
                vec!["node".to_owned(), path("typescript/server.mjs")]
            }
        };
        let rest = self.arguments.iter().copied().chain(["--port", "{port}"]);
        command.extend(rest.map(str::to_owned));
        Ok(command)
    }
}

/// The names that `--peer` takes; the three that are always there are not among them.
pub(super) fn names() -> PossibleValuesParser {
    let always = [OURS, FLOOR, RIVAL];
    let names = PEERS.iter().map(|peer| peer.name).filter(|name| !always.contains(name));
    PossibleValuesParser::new(names.chain([ALL]).collect::<Vec<_>>())
}

/// The peers of a comparison: those that are always there and those that were asked for, each once. Where all were
/// asked for, one whose packages are missing is told and left out.
pub(super) fn chosen<'a>(folder: &Path, asked: &'a [String]) -> Vec<&'a str> {
    let mut names = vec![FLOOR, OURS, RIVAL];
    names.extend(asked.iter().map(String::as_str).filter(|name| *name != ALL));
    if asked.iter().any(|name| name == ALL) {
        for peer in &PEERS {
            match peer.command(folder) {
                Ok(_) => names.push(peer.name),
                Err(fault) => print::caution(&format!("left out: {fault}")),
            }
        }
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

/// The peers' folder, searched for from here upwards.
///
/// # Errors
/// If this is no source tree; says what is needed.
pub(super) fn folder() -> Result<PathBuf, Fault> {
    let here = std::env::current_dir().map_err(Fault::machine("find the current folder"))?;
    let found =
        here.ancestors().map(|folder| folder.join(FOLDER)).find(|folder| folder.join("Cargo.toml").exists());
    found.ok_or_else(|| {
        Fault::plan(
            "comparing with the peers needs Impresario's source tree: run \
             `cargo run --release -p impresario-loadtest -- compare` inside of a checkout, \
             or name the servers to compare: compare a=URL b='COMMAND --port {port}'",
        )
    })
}

/// Builds what has to be built of the peers of these names, and says how each is started.
///
/// # Errors
/// If one can't be built, or needs packages that are not there.
pub(super) async fn entrants(folder: &Path, names: &[&str]) -> Result<Vec<Entrant>, Fault> {
    let peers = names.iter().filter_map(|name| PEERS.iter().find(|peer| peer.name == *name));
    let peers: Vec<&Peer> = peers.collect();
    let commands: Vec<Vec<String>> =
        peers.iter().map(|peer| peer.command(folder)).collect::<Result<_, _>>()?;
    build(folder, &peers).await?;
    peers.iter().zip(commands).map(|(peer, command)| entrant(peer, command, folder)).collect()
}

fn entrant(peer: &Peer, command: Vec<String>, folder: &Path) -> Result<Entrant, Fault> {
    let contender = Contender { name: peer.name.to_owned(), place: Place::Listens(command) };
    let revision = peer.revision.map(str::parse).transpose().map_err(Fault::Plan)?;
    let repeats = peer.arguments.contains(&RESULT).then(|| (OURS.to_owned(), folder.join("target")));
    Ok(Entrant { revision, repeats, ..Entrant::new(contender) })
}

async fn build(folder: &Path, peers: &[&Peer]) -> Result<(), Fault> {
    let mut packages: Vec<&str> = peers
        .iter()
        .filter_map(|peer| match peer.kind {
            Kind::Rust(package) => Some(package),
            Kind::Python | Kind::TypeScript => None,
        })
        .collect();
    packages.sort_unstable();
    packages.dedup();
    print::note(&format!("building {}: minutes the first time", packages.join(", ")));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--manifest-path"]).arg(folder.join("Cargo.toml"));
    command.arg("--target-dir").arg(folder.join("target"));
    for package in packages {
        command.args(["--package", package]);
    }
    // Standard output is for the result.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).status().await;
    let status = status.map_err(Fault::machine("run cargo"))?;
    if status.success() { Ok(()) } else { Err(Fault::plan("the peers could not be built: see above")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_listens_where_it_is_told_to() {
        let folder = Path::new("/nowhere");
        for peer in &PEERS {
            match peer.command(folder) {
                Ok(command) => assert!(command.contains(&"{port}".to_owned()), "{}", peer.name),
                Err(fault) => assert!(fault.to_string().contains("needs its packages"), "{fault}"),
            }
            assert!(
                peer.revision.is_none_or(|revision| revision.parse::<crate::revision::Revision>().is_ok())
            );
        }
    }

    #[test]
    fn all_means_those_that_are_installed() {
        let asked = ["pmcp", "all", "pmcp"].map(str::to_owned);
        let names = chosen(Path::new("/nowhere"), &asked);
        assert_eq!(names[..4], [FLOOR, OURS, RIVAL, "pmcp"]);
        assert_eq!(names.iter().filter(|name| **name == "pmcp").count(), 1);
        assert!(names.contains(&"turbomcp") && !names.contains(&"python-sdk"), "{names:?}");
    }

    #[test]
    fn the_floor_repeats_us() {
        let floor = PEERS.iter().find(|peer| peer.name == FLOOR).unwrap();
        let folder = Path::new("/nowhere");
        let entrant = entrant(floor, floor.command(folder).unwrap(), folder).unwrap();
        assert_eq!(entrant.repeats.unwrap().0, OURS);
    }
}
