//! What a process has used so far: processor time and resident memory, read from `/proc`.
//!
//! Only Linux tells this without rights of its own. Elsewhere every sample is an error of kind `Unsupported`, so that
//! a report says "unknown" and never shows a zero that nobody measured.

use std::io;
use std::time::Duration;

use crate::fault::Fault;

/// What a process has used since it began, and the memory it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Processor time in user code.
    pub user_cpu: Duration,
    /// Processor time in the kernel on its behalf.
    pub system_cpu: Duration,
    /// Resident memory at this moment.
    pub rss_bytes: u64,
}

impl Usage {
    /// User and kernel time together.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.user_cpu + self.system_cpu
    }

    /// What was used between `earlier` and this sample; the memory stays that of this sample.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            user_cpu: self.user_cpu.saturating_sub(earlier.user_cpu),
            system_cpu: self.system_cpu.saturating_sub(earlier.system_cpu),
            rss_bytes: self.rss_bytes,
        }
    }
}

/// What one process used, all of its threads together.
///
/// # Errors
/// If there is no such process, or the system doesn't tell.
pub fn sample(pid: u32) -> io::Result<Usage> {
    system::sample(pid)
}

/// What this process used.
///
/// # Errors
/// If the system doesn't tell.
pub fn sample_own() -> io::Result<Usage> {
    sample(std::process::id())
}

/// What a process and everything that it started used, children that have ended and were waited for among them: a
/// command like `npx server` does its work in a child.
///
/// # Errors
/// If there is no such process, or the system doesn't tell.
pub fn sample_tree(pid: u32) -> io::Result<Usage> {
    system::sample_tree(pid)
}

/// Refuses a process id that nobody has; where the system doesn't tell, any is fine.
///
/// # Errors
/// When there is no such process.
pub fn must_exist(pid: Option<u32>) -> Result<(), Fault> {
    let Some(pid) = pid else { return Ok(()) };
    match sample(pid) {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => {
            Err(Fault::plan(format!("--server-pid {pid}: there is no such process")))
        }
        _ => Ok(()),
    }
}

/// The processes that `pid` started and those that they started, without itself.
///
/// # Errors
/// If the system doesn't tell.
pub fn descendants(pid: u32) -> io::Result<Vec<u32>> {
    system::descendants(pid)
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::BTreeMap;
    use std::fs;
    use std::io;
    use std::time::Duration;

    use super::Usage;
    use super::stat::Stat;

    pub(super) fn sample(pid: u32) -> io::Result<Usage> {
        Ok(usage(&stat(pid)?, false))
    }

    pub(super) fn sample_tree(pid: u32) -> io::Result<Usage> {
        let mut sum = usage(&stat(pid)?, true);
        for child in descendants(pid)? {
            // A child may end at any moment; what it used is then its parent's.
            let Ok(stat) = stat(child) else { continue };
            let used = usage(&stat, true);
            sum.user_cpu += used.user_cpu;
            sum.system_cpu += used.system_cpu;
            sum.rss_bytes += used.rss_bytes;
        }
        Ok(sum)
    }

    pub(super) fn descendants(pid: u32) -> io::Result<Vec<u32>> {
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Ok(stat) = stat(child) {
                children.entry(stat.parent).or_default().push(child);
            }
        }
        let mut found = children.remove(&pid).unwrap_or_default();
        let mut next = 0;
        while let Some(parent) = found.get(next) {
            found.extend(children.remove(parent).unwrap_or_default());
            next += 1;
        }
        Ok(found)
    }

    fn stat(pid: u32) -> io::Result<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Stat::parse(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "read /proc/PID/stat"))
    }

    fn usage(stat: &Stat, with_ended_children: bool) -> Usage {
        let (user, system) = if with_ended_children {
            (stat.user_ticks + stat.children_user_ticks, stat.system_ticks + stat.children_system_ticks)
        } else {
            (stat.user_ticks, stat.system_ticks)
        };
        Usage {
            user_cpu: time(user),
            system_cpu: time(system),
            rss_bytes: stat.rss_pages * rustix::param::page_size() as u64,
        }
    }

    fn time(ticks: u64) -> Duration {
        Duration::from_nanos(ticks * (1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;

    use super::Usage;

    pub(super) fn sample(_: u32) -> io::Result<Usage> {
        Err(unsupported())
    }

    pub(super) fn sample_tree(_: u32) -> io::Result<Usage> {
        Err(unsupported())
    }

    pub(super) fn descendants(_: u32) -> io::Result<Vec<u32>> {
        Err(unsupported())
    }

    fn unsupported() -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, "what a process uses is known on Linux only")
    }
}

/// Reading `/proc/PID/stat`, apart from the system, so that it is tested anywhere.
#[cfg(any(target_os = "linux", test))]
mod stat {
    /// The fields of `/proc/PID/stat` that matter here.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Stat {
        pub(super) parent: u32,
        pub(super) user_ticks: u64,
        pub(super) system_ticks: u64,
        pub(super) children_user_ticks: u64,
        pub(super) children_system_ticks: u64,
        pub(super) rss_pages: u64,
    }

    impl Stat {
        pub(super) fn parse(text: &str) -> Option<Self> {
            // The name stands in parentheses and may hold spaces and parentheses itself: only its end is certain.
            let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
            // `proc(5)` counts from one, and the first field here is its third.
            let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<i64>().ok());
            let count = |number| field(number).map(|value| u64::try_from(value).unwrap_or(0));
            Some(Self {
                parent: u32::try_from(field(4)?).ok()?,
                user_ticks: count(14)?,
                system_ticks: count(15)?,
                children_user_ticks: count(16)?,
                children_system_ticks: count(17)?,
                rss_pages: count(24)?,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::stat::Stat;
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let line = "77 (a) b (c) S 12 77 77 0 -1 4194304 900 0 0 0 31 17 5 -1 20 0 3 0 5900 9000000 250 18446744073709551615 1 1";
        let expected = Stat {
            parent: 12,
            user_ticks: 31,
            system_ticks: 17,
            children_user_ticks: 5,
            children_system_ticks: 0,
            rss_pages: 250,
        };
        assert_eq!(Stat::parse(line), Some(expected));
        assert_eq!(Stat::parse("77 (short) S 12"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn burning_processor_time_is_seen() {
        let before = sample_own().unwrap();
        assert!(before.rss_bytes > 100_000, "{before:?}");
        // As long as it takes, not as long as a clock says: the loop ends only when the time is seen.
        let mut sum = 0_u64;
        let after = loop {
            for number in 0..1_000_000_u64 {
                sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(number));
            }
            let now = sample_own().unwrap();
            if now.since(&before).cpu() >= Duration::from_millis(20) {
                break now;
            }
        };
        assert!(after.user_cpu >= before.user_cpu);
        assert_eq!(after.since(&after).cpu(), Duration::ZERO);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_tree_holds_the_children_of_children() {
        use std::io::Read;
        use std::process::{Command, Stdio};
        let mut shell = Command::new("sh")
            .args(["-c", "sh -c 'echo ready; read line; true' ; true"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        shell.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        let own = sample(shell.id()).unwrap();
        let tree = sample_tree(shell.id()).unwrap();
        assert_eq!(descendants(shell.id()).unwrap().len(), 1);
        assert!(descendants(std::process::id()).unwrap().contains(&shell.id()));
        assert!(tree.rss_bytes > own.rss_bytes, "{tree:?} {own:?}");
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert!(sample(shell.id()).is_err());
    }

    #[test]
    fn no_such_process_is_an_error() {
        assert!(sample(u32::MAX).is_err());
        assert!(sample_tree(u32::MAX).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_id_of_nobody_is_refused() {
        must_exist(Some(std::process::id())).unwrap();
        must_exist(None).unwrap();
        assert!(must_exist(Some(u32::MAX)).unwrap_err().to_string().contains("there is no such process"));
    }
}
