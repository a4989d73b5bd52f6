//! Results and comparisons read back from files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::comparison::{self, Comparison};
use crate::fault::Fault;
use crate::result::{self, RunResult};

/// A file that is longer than this was not written by us.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// What a file of ours holds.
#[derive(Debug)]
pub enum Saved {
    /// One run.
    Result(Box<RunResult>),
    /// Several servers in turns.
    Comparison(Box<Comparison>),
}

/// Reads what `--json` wrote.
///
/// # Errors
/// If the file can't be read, or was not written by us, or by a later version of us.
pub fn read(path: &Path) -> Result<Saved, Fault> {
    let fault = |reason: String| Fault::plan(format!("{}: {reason}", path.display()));
    let file = File::open(path).map_err(|error| fault(error.to_string()))?;
    let mut text = String::new();
    let length =
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(|error| fault(error.to_string()))?;
    if length as u64 > FILE_BYTES_MAX {
        return Err(fault("it is too long to be a result".to_owned()));
    }
    parse(&text).map_err(fault)
}

/// Reads a result of one run.
///
/// # Errors
/// Those of [`read`], and if it is a comparison.
pub fn read_result(path: &Path) -> Result<RunResult, Fault> {
    match read(path)? {
        Saved::Result(result) => Ok(*result),
        Saved::Comparison(_) => {
            Err(Fault::plan(format!("{} is a comparison: give the result of one run", path.display())))
        }
    }
}

pub(crate) fn parse(text: &str) -> Result<Saved, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let version = |name| value.get(name).and_then(Value::as_u64);
    let later =
        |version| format!("it has format {version}, which is of a later version of impresario-loadtest");
    match (version("format"), version("comparison_format")) {
        (Some(version), _) if version > u64::from(result::FORMAT) => Err(later(version)),
        (_, Some(version)) if version > u64::from(comparison::FORMAT) => Err(later(version)),
        (Some(_), _) => {
            serde_json::from_value(value).map(|result| Saved::Result(Box::new(result))).map_err(is_none)
        }
        (None, Some(_)) => {
            serde_json::from_value(value).map(|found| Saved::Comparison(Box::new(found))).map_err(is_none)
        }
        (None, None) => Err("it is no result: write one with --json".to_owned()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn is_none(error: serde_json::Error) -> String {
    format!("it is no result: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn what_was_written_is_read_back() {
        let result = invented::result("one", 1.0);
        let text = serde_json::to_string(&result).unwrap();
        assert!(matches!(parse(&text), Ok(Saved::Result(read)) if *read == result));
    }

    #[test]
    fn what_is_no_result_says_why() {
        let mut value = serde_json::to_value(invented::result("one", 1.0)).unwrap();
        value["format"] = 99.into();
        for (text, words) in [
            (value.to_string(), "later version"),
            ("{".to_owned(), "no JSON"),
            ("{}".to_owned(), "write one with --json"),
            ("{\"format\": 1}".to_owned(), "missing field"),
            ("{\"comparison_format\": 1}".to_owned(), "missing field"),
            ("{\"comparison_format\": 7}".to_owned(), "later version"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(read(Path::new("/no/such/file")).is_err());
    }
}
