//! The keys that seal what calls leave with their clients: out of a file or the environment, never shown.

use std::path::Path;

use anyhow::{Context as _, bail};

/// The environment's variable with the keys themselves.
const VARIABLE: &str = "IMPRESARIO_STATE_KEY";
/// What a key is written with.
const DIGITS: usize = 64;

/// The keys of the file, or else of the environment; none when there is neither.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Vec<[u8; 32]>> {
    if let Some(path) = file {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("read the state keys in {shown}"))?;
        return keys(&text).with_context(|| format!("read the state keys in {shown}"));
    }
    match std::env::var(VARIABLE) {
        Ok(text) => keys(&text).with_context(|| format!("read the state keys in {VARIABLE}")),
        Err(std::env::VarError::NotPresent) => Ok(Vec::new()),
        Err(std::env::VarError::NotUnicode(_)) => bail!("{VARIABLE} is no text"),
    }
}

/// One key a word, the first one seals. What is written wrongly is named by its place, never by its text.
fn keys(text: &str) -> anyhow::Result<Vec<[u8; 32]>> {
    let keys: Option<Vec<_>> = text.split_whitespace().map(key).collect();
    match keys {
        Some(keys) if !keys.is_empty() => Ok(keys),
        _ => bail!(
            "a key is {DIGITS} hexadecimal digits, one on each line; make one with `openssl rand -hex 32`"
        ),
    }
}

fn key(digits: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    if digits.len() != DIGITS || !digits.is_ascii() {
        return None;
    }
    for (place, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_their_order_and_never_shown() {
        let (one, two) = ("0f".repeat(32), "A0".repeat(32));
        assert_eq!(keys(&format!("{one}\n{two}\n")).unwrap(), [[0x0f; 32], [0xa0; 32]]);
        for wrong in ["", "\n", "abc", &one[1..], &format!("{one}0"), &"zz".repeat(32), &"ä".repeat(32)] {
            let error = format!("{:#}", keys(wrong).unwrap_err());
            assert!(error.contains("openssl rand -hex 32"), "{error}");
            assert!(wrong.trim().is_empty() || !error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Some(Path::new("/nowhere/state.key"))).unwrap_err();
        assert!(format!("{error:#}").contains("/nowhere/state.key"));
    }
}
