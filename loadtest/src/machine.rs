//! The machine that a run was made on, so that two results are compared only by who knows that they may be.
//!
//! What the system doesn't tell is "unknown" or zero, never a guess.

use std::fs;
use std::sync::OnceLock;

use crate::result::Machine;

const UNKNOWN: &str = "unknown";

/// Describes this machine and this build of the generator.
#[must_use]
pub fn describe() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    Machine {
        cpu: processor(&read("/proc/cpuinfo")),
        cores: cores(),
        memory_bytes: memory(&read("/proc/meminfo")),
        os: operating_system(&read("/etc/os-release"), &kernel()),
        architecture: std::env::consts::ARCH.to_owned(),
        generator_version: env!("CARGO_PKG_VERSION").to_owned(),
        optimized: !cfg!(debug_assertions),
    }
}

/// The cores that this process may use, counted at the first question: a thread that was bound to one counts one.
#[must_use]
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(0, std::num::NonZero::get))
}

fn processor(cpuinfo: &str) -> String {
    // x86 has a model name; ARM boards and others name themselves in one of the other fields, if at all.
    let named = ["model name", "Model", "Hardware", "cpu model", "uarch"];
    let found = named.iter().find_map(|name| value(cpuinfo, name, ':'));
    found.map_or_else(|| UNKNOWN.to_owned(), |name| name.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn memory(meminfo: &str) -> u64 {
    let total = value(meminfo, "MemTotal", ':').and_then(|text| text.strip_suffix("kB"));
    total.and_then(|text| text.trim().parse::<u64>().ok()).map_or(0, |kib| kib * 1024)
}

fn operating_system(os_release: &str, kernel: &str) -> String {
    let name = value(os_release, "PRETTY_NAME", '=').map(|name| name.trim_matches('"'));
    match (name, kernel) {
        (Some(name), "") => name.to_owned(),
        (Some(name), kernel) => format!("{name}, {kernel}"),
        (None, "") => std::env::consts::OS.to_owned(),
        (None, kernel) => kernel.to_owned(),
    }
}

#[cfg(unix)]
fn kernel() -> String {
    let uname = rustix::system::uname();
    format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy())
}

#[cfg(not(unix))]
fn kernel() -> String {
    String::new()
}

/// The value of the first line `name SEPARATOR value`.
fn value<'a>(text: &'a str, name: &str, separator: char) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(separator)?;
        (key.trim() == name && !value.trim().is_empty()).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_named_as_its_system_names_it() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: Fast  CPU @ 3 GHz\n"), "Fast CPU @ 3 GHz");
        assert_eq!(processor("processor\t: 0\nModel\t\t: Raspberry Pi 5\n"), "Raspberry Pi 5");
        assert_eq!(processor("processor\t: 0\n"), "unknown");
        assert_eq!(processor(""), "unknown");
    }

    #[test]
    fn memory_is_zero_where_it_is_not_told() {
        assert_eq!(memory("MemTotal:        2048 kB\nMemFree: 1 kB\n"), 2_097_152);
        assert_eq!(memory("MemFree: 1 kB\n"), 0);
    }

    #[test]
    fn a_system_has_its_name_and_its_kernel() {
        let release = "NAME=\"Some\"\nPRETTY_NAME=\"Some Linux 12\"\n";
        assert_eq!(operating_system(release, "Linux 6.1"), "Some Linux 12, Linux 6.1");
        assert_eq!(operating_system("", "Darwin 24"), "Darwin 24");
        assert_eq!(operating_system("", ""), std::env::consts::OS);
    }

    #[test]
    fn this_machine_has_cores_and_an_architecture() {
        let machine = describe();
        assert!(machine.cores > 0);
        assert_eq!(machine.architecture, std::env::consts::ARCH);
        assert_eq!(machine.optimized, !cfg!(debug_assertions));
    }
}
