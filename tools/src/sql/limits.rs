//! The limits of an answer, and rows as they are gathered up to them.

use std::io::{self, Write};
use std::time::Duration;

use impresario_engine::JsonObject;
use serde::Serialize;
use serde_json::{Value, json};

/// Compiled statements that a connection keeps: free queries are seldom asked twice.
pub(super) const STATEMENTS_KEPT_MAX: usize = 64;

/// What one answer may be at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows.
    pub rows_max: usize,
    /// Bytes of the rows, as JSON.
    pub bytes_max: usize,
    /// Time, waiting for a connection included.
    pub timeout: Duration,
}

/// The rows of an answer.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Each row by the names of its columns.
    pub rows: Vec<JsonObject>,
    /// Why there are no more, if there are.
    pub cut: Option<Cut>,
    /// How many rows were written, by statements that write.
    pub affected: u64,
    /// Bytes of the rows so far.
    bytes: usize,
}

/// Which limit an answer was cut at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Rows.
    Rows,
    /// Bytes.
    Bytes,
}

impl Rows {
    /// Takes one more row unless a limit forbids it; from then on none. Whether it was taken.
    pub(super) fn take(&mut self, row: JsonObject, limits: &Limits) -> bool {
        if self.cut.is_some() {
            return false;
        }
        if self.rows.len() == limits.rows_max {
            self.cut = Some(Cut::Rows);
            return false;
        }
        // A comma between the rows.
        let bytes = self.bytes + json_len(&row) + 1;
        if bytes > limits.bytes_max {
            self.cut = Some(Cut::Bytes);
            return false;
        }
        self.bytes = bytes;
        self.rows.push(row);
        true
    }

    /// The answer of a tool that reads.
    pub(super) fn into_answer(self, limits: &Limits) -> Value {
        let note = self.note(limits);
        let mut answer =
            json!({ "row_count": self.rows.len(), "truncated": self.cut.is_some(), "rows": self.rows });
        if let Some(note) = note {
            answer["note"] = note.into();
        }
        answer
    }

    /// What the model is told of rows that are missing.
    fn note(&self, limits: &Limits) -> Option<String> {
        let taken = self.rows.len();
        Some(match self.cut? {
            Cut::Rows => {
                format!("cut at {taken} rows: there are more. Narrow the question, or count and sum instead")
            }
            Cut::Bytes if taken == 0 => {
                format!(
                    "the first row alone is larger than {} bytes: ask for fewer columns",
                    limits.bytes_max
                )
            }
            Cut::Bytes => {
                format!(
                    "cut at {} bytes, after {taken} rows: ask for fewer columns or rows",
                    limits.bytes_max
                )
            }
        })
    }
}

/// The schema of what [`Rows::into_answer`] makes.
pub(super) fn answer_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "rows": { "type": "array", "items": { "type": "object" }, "description": "rows by column name" },
            "row_count": { "type": "integer", "description": "how many rows are here" },
            "truncated": { "type": "boolean", "description": "whether there are more rows" },
            "note": { "type": "string", "description": "why rows are missing, and what to do" },
            "next_offset": { "type": "integer", "description": "the offset of the next page" },
        },
        "required": ["rows", "row_count", "truncated"],
    })
}

/// How many bytes a value is as JSON, without writing it anywhere.
fn json_len(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_or(usize::MAX / 2, |()| count.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> JsonObject {
        json!({ "a": text }).as_object().cloned().unwrap()
    }

    #[test]
    fn rows_are_taken_up_to_a_limit_and_the_answer_says_which() {
        // `{"a":"x"}` and a comma are 10 bytes.
        let cases =
            [(3, 100, 2, None), (2, 100, 2, None), (1, 100, 1, Some("1 rows")), (9, 19, 1, Some("19 bytes"))];
        for (rows_max, bytes_max, taken, note) in cases {
            let limits = Limits { rows_max, bytes_max, timeout: Duration::from_secs(1) };
            let mut rows = Rows::default();
            for _ in 0..2 {
                rows.take(row("x"), &limits);
            }
            let answer = rows.into_answer(&limits);
            assert_eq!(answer["row_count"], taken, "{rows_max} {bytes_max}");
            assert_eq!(answer["truncated"], note.is_some(), "{rows_max} {bytes_max}");
            let told = answer["note"].as_str().unwrap_or_default();
            assert!(told.contains(note.unwrap_or_default()), "{told}");
        }
    }

    #[test]
    fn behind_a_row_that_is_too_large_none_is_taken() {
        let limits = Limits { rows_max: 9, bytes_max: 30, timeout: Duration::from_secs(1) };
        let mut rows = Rows::default();
        assert!(!rows.take(row(&"x".repeat(40)), &limits));
        assert!(!rows.take(row("x"), &limits), "the answer would have a hole");
        assert!(rows.into_answer(&limits)["note"].as_str().unwrap().contains("fewer columns"));
    }
}
