//! Who may use which core, so that server and generator don't take time from each other.

use crate::server::allowed_cores;

/// The cores of both sides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cores {
    /// Those of the servers that we start; none means all.
    pub servers: Vec<usize>,
    /// Those of the generator's threads, in turn; none means all.
    pub generator: Vec<usize>,
    /// What a reader should know about that.
    pub doubt: Option<String>,
}

impl Cores {
    /// What was asked for, and where nothing was, the first core for the servers and others for the generator, if
    /// there are any.
    #[must_use]
    pub fn choose(servers: &[usize], generator: &[usize], threads: usize, starts_any: bool) -> Self {
        Self::of(&allowed_cores(), servers, generator, threads, starts_any)
    }

    fn of(
        allowed: &[usize],
        servers: &[usize],
        generator: &[usize],
        threads: usize,
        starts_any: bool,
    ) -> Self {
        let is_free = servers.is_empty() && generator.is_empty();
        if is_free && (!starts_any || allowed.len() < 2) {
            let doubt = (allowed.len() == 1).then(|| {
                "there is one core only: servers and generator take time from each other".to_owned()
            });
            return Self { doubt, ..Self::default() };
        }
        let first_free = || allowed.iter().copied().find(|core| !generator.contains(core));
        let servers = if servers.is_empty() && starts_any {
            first_free().into_iter().collect()
        } else {
            servers.to_vec()
        };
        let generator: Vec<usize> = if generator.is_empty() {
            allowed.iter().copied().filter(|core| !servers.contains(core)).take(threads.max(1)).collect()
        } else {
            generator.to_vec()
        };
        let shared = generator.iter().any(|core| servers.contains(core)) || generator.is_empty();
        let doubt = shared.then(|| {
            "servers and generator share a core: choose others with --server-cores and --pin".to_owned()
        });
        Self { servers, generator, doubt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_cores_of_its_own_where_there_are_enough() {
        let check = |allowed: &[usize],
                     servers: &[usize],
                     generator: &[usize],
                     threads,
                     expected: (&[usize], &[usize])| {
            let cores = Cores::of(allowed, servers, generator, threads, true);
            assert_eq!((cores.servers.as_slice(), cores.generator.as_slice()), expected);
            assert_eq!(cores.doubt, None);
        };
        check(&[0, 1], &[], &[], 1, (&[0], &[1]));
        check(&[2, 5, 7, 9], &[], &[], 2, (&[2], &[5, 7]));
        check(&[0, 1, 2], &[1], &[], 4, (&[1], &[0, 2]));
        check(&[0, 1], &[], &[0], 1, (&[1], &[0]));
    }

    #[test]
    fn sharing_is_told() {
        let one = Cores::of(&[3], &[], &[], 1, true);
        assert!(one.servers.is_empty() && one.doubt.unwrap().contains("one core only"));
        let same = Cores::of(&[0, 1], &[1], &[1], 1, true);
        assert!(same.doubt.unwrap().contains("share a core"));
        assert_eq!(Cores::of(&[0, 1], &[], &[], 1, false), Cores::default());
    }
}
