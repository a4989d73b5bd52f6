//! The stored figures, and how today's stand against them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Subject;

/// What the figures depend on besides the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor that valgrind shows to programs: they choose their vector code by it.
    pub processor: String,
    /// Who compiled.
    pub compiler: String,
}

impl Machine {
    /// This one. `compiler` is what `rustc --version` says.
    #[must_use]
    pub fn here(compiler: String) -> Self {
        Self { processor: processor().to_owned(), compiler }
    }
}

/// valgrind emulates one of a few processors, the best that the real one can carry.
fn processor() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx2") {
            return "x86_64 with AVX2";
        }
        if std::arch::is_x86_feature_detected!("avx") {
            return "x86_64 with AVX";
        }
    }
    std::env::consts::ARCH
}

/// Instructions for one request, by subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Where they were counted.
    pub machine: Machine,
    /// By the subject's name.
    pub instructions: BTreeMap<String, u64>,
}

impl Figures {
    /// Reads stored figures.
    ///
    /// # Errors
    /// When there are none.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} holds no figures", file.display()))
    }

    /// Stores them.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn store(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(file, text).with_context(|| format!("write {}", file.display()))
    }

    /// By how much a subject's figure is above the stored one, in percent.
    #[must_use]
    pub fn change_percent(&self, stored: &Self, name: &str) -> Option<f64> {
        let (now, then) = (*self.instructions.get(name)?, *stored.instructions.get(name)?);
        Some((now as f64 / then as f64 - 1.0) * 100.0)
    }

    /// The table: each subject's figure, the stored one, the change, and the ratio to a bare server.
    #[must_use]
    pub fn table(&self, stored: Option<&Self>) -> String {
        let mut table =
            format!("{:<20} {:>10} {:>10} {:>8} {:>8}\n", "", "now", "stored", "change", "× hyper");
        for subject in Subject::all() {
            let name = subject.name();
            let Some(now) = self.instructions.get(&name) else { continue };
            let then = stored.and_then(|stored| stored.instructions.get(&name)).map(u64::to_string);
            let change = stored.and_then(|stored| self.change_percent(stored, &name));
            let peer = subject.peer().and_then(|peer| self.instructions.get(&peer.name()));
            let cells = [
                then.unwrap_or_default(),
                change.map(|change| format!("{change:+.1} %")).unwrap_or_default(),
                peer.map(|peer| format!("{:.2}", *now as f64 / *peer as f64)).unwrap_or_default(),
            ];
            let [then, change, ratio] = cells;
            writeln!(table, "{name:<20} {now:>10} {then:>10} {change:>8} {ratio:>8}")
                .expect("text can be written to memory");
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(echo: u64, bare: u64) -> Figures {
        let machine = Machine { processor: "p".into(), compiler: "c".into() };
        let instructions = [("w1-echo", echo), ("hyper-w1-echo", bare)];
        Figures { machine, instructions: instructions.map(|(name, count)| (name.to_owned(), count)).into() }
    }

    #[test]
    fn a_change_is_told_in_percent_of_what_is_stored() {
        let (now, stored) = (figures(21_200, 10_000), figures(20_000, 10_000));
        let change = now.change_percent(&stored, "w1-echo").unwrap();
        assert!((change - 6.0).abs() < 1e-9, "{change}");
        assert_eq!(now.change_percent(&stored, "w2-add"), None);
        let table = now.table(Some(&stored));
        assert!(table.contains("21200      20000   +6.0 %     2.12"), "{table}");
    }
}
