//! What waits for a worker, by whom it waits for: a flood of one caller lengthens that caller's own line alone.
//!
//! Each caller has a line, and the lines take turns, one job each. All lines together have a bound. When it is
//! reached, room is made where most is held: the newest job of the longest line goes, unless the newcomer's own
//! line is the longest, and then it is the newcomer that goes. A caller who is alone may so fill the whole queue.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use tokio::time::Instant;

/// Lines of waiting jobs, one for each key.
#[derive(Debug)]
pub(super) struct FairQueue<K, T> {
    lines: HashMap<K, VecDeque<Waiting<T>>, ahash::RandomState>,
    /// Whose turn it is, and who follows: every key that has a line, once.
    turns: VecDeque<K>,
    len: usize,
    len_max: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    give_up_at: Instant,
    job: T,
}

impl<K: Hash + Eq + Clone, T> FairQueue<K, T> {
    /// An empty queue for that many jobs.
    pub(super) fn new(len_max: usize) -> Self {
        Self { lines: HashMap::default(), turns: VecDeque::new(), len: 0, len_max }
    }

    /// Puts a job at the end of its line. Gives back the job that has to go for it, if one has to.
    pub(super) fn push(&mut self, key: K, give_up_at: Instant, job: T) -> Option<T> {
        let shed = if self.len < self.len_max {
            None
        } else {
            let own = self.lines.get(&key).map_or(0, VecDeque::len);
            match self.longest_line() {
                Some((longest, len)) if len > own + 1 => self.take_newest(&longest),
                _ => return Some(job),
            }
        };
        let line = self.lines.entry(key.clone()).or_default();
        if line.is_empty() {
            self.turns.push_back(key);
        }
        line.push_back(Waiting { give_up_at, job });
        self.len += 1;
        shed
    }

    /// The oldest job of the line whose turn it is, and when it is to be given up.
    pub(super) fn pop(&mut self) -> Option<(Instant, T)> {
        let key = self.turns.pop_front()?;
        let line = self.lines.get_mut(&key)?;
        let waiting = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&key);
        } else {
            self.turns.push_back(key);
        }
        self.len -= 1;
        Some((waiting.give_up_at, waiting.job))
    }

    /// When the first job is to be given up.
    pub(super) fn next_give_up(&self) -> Option<Instant> {
        self.lines.values().filter_map(VecDeque::front).map(|waiting| waiting.give_up_at).min()
    }

    /// Takes out the jobs whose time is over.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<T> {
        let mut overdue = Vec::new();
        for line in self.lines.values_mut() {
            while line.front().is_some_and(|waiting| waiting.give_up_at <= now) {
                overdue.extend(line.pop_front().map(|waiting| waiting.job));
            }
        }
        self.tidy();
        overdue
    }

    /// Keeps the jobs for which it says so.
    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.lines.values_mut().for_each(|line| line.retain(|waiting| keep(&waiting.job)));
        self.tidy();
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> + use<K, T> {
        self.turns.clear();
        self.len = 0;
        std::mem::take(&mut self.lines).into_values().flatten().map(|waiting| waiting.job)
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn longest_line(&self) -> Option<(K, usize)> {
        let longest = self.lines.iter().max_by_key(|(_, line)| line.len())?;
        Some((longest.0.clone(), longest.1.len()))
    }

    fn take_newest(&mut self, key: &K) -> Option<T> {
        let newest = self.lines.get_mut(key)?.pop_back()?;
        self.len -= 1;
        Some(newest.job)
    }

    /// Forgets lines that have become empty.
    fn tidy(&mut self) {
        let Self { lines, turns, len, .. } = self;
        lines.retain(|_, line| !line.is_empty());
        turns.retain(|key| lines.contains_key(key));
        *len = lines.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn queue(len_max: usize) -> FairQueue<&'static str, u32> {
        FairQueue::new(len_max)
    }

    fn order(queue: &mut FairQueue<&'static str, u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop().map(|(_, job)| job)).collect()
    }

    #[test]
    fn lines_take_turns_and_each_keeps_its_order() {
        let (mut queue, at) = (queue(10), Instant::now());
        for (key, job) in [("a", 1), ("a", 2), ("a", 3), ("b", 10), ("c", 20), ("b", 11)] {
            assert_eq!(queue.push(key, at, job), None);
        }
        assert_eq!(order(&mut queue), [1, 10, 20, 2, 11, 3]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn one_alone_may_fill_it_and_gives_way_when_another_comes() {
        let (mut queue, at) = (queue(4), Instant::now());
        for job in 1..=4 {
            assert_eq!(queue.push("flood", at, job), None);
        }
        assert_eq!(queue.push("flood", at, 5), Some(5), "its own line is the longest");
        assert_eq!(queue.push("calm", at, 10), Some(4), "the newest of the flood goes");
        assert_eq!(queue.push("calm", at, 11), Some(3));
        assert_eq!(queue.push("calm", at, 12), Some(12), "now both hold the same");
        assert_eq!(order(&mut queue), [1, 10, 2, 11]);
    }

    #[test]
    fn what_waited_too_long_is_taken_out_of_every_line() {
        let (mut queue, at) = (queue(9), Instant::now());
        let second = Duration::from_secs(1);
        for (key, seconds, job) in [("a", 1, 1), ("a", 3, 2), ("b", 2, 3), ("c", 9, 4)] {
            queue.push(key, at + seconds * second, job);
        }
        assert_eq!(queue.next_give_up(), Some(at + second));
        let mut overdue = queue.take_overdue(at + 2 * second);
        overdue.sort_unstable();
        assert_eq!((overdue, queue.len()), (vec![1, 3], 2));
        queue.retain(|job| *job != 4);
        assert_eq!((order(&mut queue), queue.next_give_up()), (vec![2], None));
    }

    #[test]
    fn a_queue_without_room_takes_nothing() {
        assert_eq!(queue(0).push("a", Instant::now(), 1), Some(1));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nobody_waits_for_more_than_one_turn_of_each(
            jobs in proptest::collection::vec(0_u8..5, 0..60), len_max in 0_usize..20,
        ) {
            let (mut queue, at) = (FairQueue::new(len_max), Instant::now());
            let mut shed = 0;
            for (job, key) in jobs.iter().enumerate() {
                shed += usize::from(queue.push(*key, at, (*key, job)).is_some());
                prop_assert!(queue.len() <= len_max);
            }
            prop_assert_eq!(queue.len() + shed, jobs.len());
            let mut waiting: Vec<usize> = (0..5).map(|key| queue.lines.get(&key).map_or(0, VecDeque::len)).collect();
            let mut turns = [0; 5];
            while let Some((_, (key, _))) = queue.pop() {
                let key = usize::from(key);
                turns[key] += 1;
                waiting[key] -= 1;
                for other in (0..5).filter(|other| waiting[*other] > 0) {
                    prop_assert!(turns[key] <= turns[other] + 1, "{key} came twice before {other}");
                }
            }
            prop_assert!(waiting.iter().all(|left| *left == 0));
        }
    }
}
