//! Files that a result is written to. They are tried before anything is measured, because a run may take hours, and
//! written when the result was shown, because a disk may be full by then.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use crate::fault::Fault;
use crate::show::print;

/// Refuses a file that can't be written. What stands in it stays.
///
/// # Errors
/// When it can't be written.
pub fn try_out(path: Option<&Path>) -> Result<(), Fault> {
    let Some(path) = path else { return Ok(()) };
    let is_new = !path.exists();
    let tried = OpenOptions::new().create(true).append(true).open(path);
    tried.map_err(|error| Fault::plan(format!("{} can't be written: {error}", path.display())))?;
    if is_new {
        // An empty file that stays behind is no harm.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Writes a file, and says so: `what` is what it holds, like `report`.
///
/// # Errors
/// When it can't be written; says which file.
pub fn write(path: &Path, what: &str, text: &str) -> Result<(), Fault> {
    std::fs::write(path, text).map_err(|error| {
        let error = io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        Fault::Machine { what: "write a file", error }
    })?;
    print::note(&format!("{what} written to {}", path.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_tried_without_a_trace() {
        let folder = std::env::temp_dir().join(format!("impresario-loadtest-output-{}", std::process::id()));
        assert!(try_out(Some(&folder.join("a.html"))).unwrap_err().to_string().contains("a.html can't be"));
        std::fs::create_dir_all(&folder).unwrap();
        let (new, old) = (folder.join("new.html"), folder.join("old.html"));
        std::fs::write(&old, "old").unwrap();
        try_out(Some(&new)).unwrap();
        try_out(Some(&old)).unwrap();
        try_out(None).unwrap();
        assert!(!new.exists());
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "old");
        assert!(
            write(&folder, "report", "x").unwrap_err().to_string().contains("impresario-loadtest-output")
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
