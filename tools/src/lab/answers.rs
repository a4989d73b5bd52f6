//! Tools that answer at once: well, with an error, or not at all.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use impresario_engine::{ToolError, tool};

/// The largest text that `blob` returns: 8 MiB.
pub const BLOB_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Return the message unchanged.
#[tool(title = "Echo", annotations(read_only, idempotent, open_world = false))]
pub fn echo(
    /// the text to return
    message: &str,
) -> String {
    message.to_owned()
}

/// Return a text of exactly that many bytes, made of the letter x.
#[tool(title = "Blob", annotations(read_only, idempotent, open_world = false))]
pub fn blob(
    /// the size of the text in bytes, at most 8 MiB
    #[schemars(range(max = BLOB_BYTES_MAX))]
    size: usize,
) -> String {
    "x".repeat(size)
}

/// Fail with the message as the error's text.
/// The call itself is answered: the result has isError set.
#[tool(title = "Fail", annotations(read_only, idempotent, open_world = false))]
pub fn fail(
    /// the text of the failure
    message: String,
) -> Result<String, ToolError> {
    Err(ToolError::from(message))
}

/// Panic inside the tool.
/// The call is answered with an internal error, and nothing else is harmed.
#[tool(title = "Panic", annotations(read_only, idempotent, open_world = false))]
pub fn panic() {
    panic!("the tool `panic` was called");
}

/// Count up by one and return the new count.
/// The count is shared by everybody who uses this process, and starts at 0 with it.
#[tool(
    title = "Counter",
    annotations(read_only = false, destructive = false, idempotent = false, open_world = false)
)]
pub fn counter() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed) + 1
}

/// Write the message to the server's standard output, as a careless tool does.
/// Over stdio that must not disturb the protocol: what is written there goes to standard error.
#[tool(title = "Print", annotations(read_only, idempotent, open_world = false))]
pub fn print(
    /// the text to write
    message: &str,
) -> Result<(), ToolError> {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{message}").and_then(|()| out.flush());
    written.map_err(|error| ToolError::new(format!("standard output can't be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_the_message() {
        for message in ["", "hello", "ü\n\u{0}\u{1f600}"] {
            assert_eq!(echo(message), message);
        }
    }

    #[test]
    fn a_blob_has_the_size_that_was_asked_for() {
        for size in [0, 1, 65_536, BLOB_BYTES_MAX] {
            assert_eq!(blob(size).len(), size);
        }
    }

    #[test]
    fn a_failure_carries_the_message() {
        let result = fail("no such luck".into()).unwrap_err().into_result().unwrap();
        assert!(result.is_error);
        assert_eq!(result.content[0].as_text(), Some("no such luck"));
    }

    #[test]
    #[should_panic(expected = "the tool `panic` was called")]
    fn a_panic_panics() {
        let () = panic();
    }

    #[test]
    fn no_two_calls_count_the_same() {
        let (first, second) = (counter(), counter());
        assert!(second > first, "{first} {second}");
    }
}
