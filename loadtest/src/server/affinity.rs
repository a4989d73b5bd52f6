//! Which cores a process that we start may use.

use std::io;

/// The cores that this thread may use, lowest first; none where the system doesn't tell.
#[must_use]
pub fn allowed_cores() -> Vec<usize> {
    system::allowed()
}

/// Starts something that may use these cores alone; none means all that this thread may use.
///
/// # Errors
/// Those of `start`, and if the system refuses the cores.
pub(super) fn with_cores<T>(cores: &[usize], start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if cores.is_empty() { start() } else { system::with_cores(cores, start) }
}

#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) fn allowed() -> Vec<usize> {
        let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
        (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
    }

    /// A process inherits the cores of the thread that starts it, from its first instruction on. So this thread takes
    /// them on for that moment, and takes its own again whatever came of it.
    pub(super) fn with_cores<T>(cores: &[usize], start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let own = sched_getaffinity(None)?;
        let mut wanted = CpuSet::new();
        for core in cores.iter().filter(|core| **core < CpuSet::MAX_CPU) {
            wanted.set(*core);
        }
        sched_setaffinity(None, &wanted)?;
        let started = start();
        sched_setaffinity(None, &own)?;
        started
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    pub(super) fn allowed() -> Vec<usize> {
        Vec::new()
    }

    /// This system can't bind a process to cores: it is started without.
    pub(super) fn with_cores<T>(_: &[usize], start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        start()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_has_the_cores_and_we_keep_ours() {
        let own = allowed_cores();
        let last = *own.last().unwrap();
        let output = with_cores(&[last], || {
            Command::new("sh").args(["-c", "grep Cpus_allowed_list /proc/self/status"]).output()
        });
        let said = String::from_utf8(output.unwrap().stdout).unwrap();
        assert_eq!(said.split_whitespace().last(), Some(last.to_string().as_str()));
        assert_eq!(allowed_cores(), own);
    }

    #[test]
    fn a_core_that_is_not_there_is_refused() {
        assert!(with_cores(&[1_000], || Ok(())).is_err());
        assert!(!allowed_cores().is_empty());
    }
}
