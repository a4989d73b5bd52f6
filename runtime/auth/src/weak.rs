//! Secrets that are none: too short to resist guessing, or left over from an example.

/// The shortest secret that is accepted.
pub(crate) const SECRET_BYTES_MIN: usize = 32;

/// Words of secrets that somebody should have replaced, in lower case.
const LEFT_OVER: &[&str] = &[
    "${",
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "default",
    "example",
    "insecure",
    "insert",
    "my-secret",
    "my_secret",
    "mysecret",
    "notasecret",
    "password",
    "placeholder",
    "replace-me",
    "replace_me",
    "replaceme",
    "secret-api-key",
    "secret-key",
    "secret_key",
    "secretkey",
    "supersecret",
    "super-secret",
    "test-secret",
    "todo",
    "your-",
    "your_",
];

/// What is wrong with a secret.
pub(crate) fn problem(secret: &str) -> Option<&'static str> {
    let lower = secret.to_ascii_lowercase();
    let mut kinds: Vec<u8> = secret.bytes().collect();
    kinds.sort_unstable();
    kinds.dedup();
    if secret.trim().is_empty() {
        Some("is empty; make one with `openssl rand -hex 32`")
    } else if secret.len() < SECRET_BYTES_MIN {
        Some("has less than 32 bytes; make one with `openssl rand -hex 32`")
    } else if kinds.len() < 8 || LEFT_OVER.iter().any(|word| lower.contains(word)) {
        Some("looks like a placeholder; make one with `openssl rand -hex 32`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_secret_is_refused() {
        for weak in [
            "",
            "                                        ",
            "secret",
            "secret-api-key",
            "0123456789abcdef0123456789abcde",
            "00000000000000000000000000000000",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "abababababababababababababababababababab",
            "changeme-changeme-changeme-changeme-changeme",
            "your-256-bit-secret-goes-here-0123456789",
            "my-super-secret-key-that-is-long-enough-42",
            "${JWT_SECRET_THAT_NOBODY_HAS_SET_ANYWHERE}",
        ] {
            assert!(problem(weak).is_some(), "{weak}");
        }
        assert_eq!(problem("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"), None);
        assert_eq!(problem("kP3vQ9xZ7mW2nB5cR8tY1uI4oA6sD0fG"), None);
    }
}
