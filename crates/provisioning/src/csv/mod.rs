//! Users as CSV files (RFC 4180): existing accounts in, all accounts out.
//!
//! A column is an attribute of the tenant's users, named by its path. The tenant is what the caller says, never what a
//! file says. Each row goes the way of a POST or a PUT, so an import can do nothing that an identity provider could not.

pub(crate) mod apart;
mod cells;
mod columns;
mod export;
mod guess;
mod import;
mod merge;
mod pipeline;
mod reader;
mod rows;
mod trail;

use std::fmt;

use scim_core::ScimError;

pub(crate) use cells::unguard;
pub use export::{UserExport, columns_of};
pub use guess::{Begin, begin, guess};
pub use trail::{TrailExport, TrailFormat};

/// Largest file, in bytes.
pub const MAX_FILE: u64 = 256 * 1024 * 1024;
/// Most rows of a file, header and empty rows not counted.
pub const MAX_ROWS: u64 = 1_000_000;
/// Longest row, in bytes, line ends within cells included.
pub const MAX_ROW: usize = 64 * 1024;
/// Most columns.
pub const MAX_COLUMNS: usize = 200;
/// Longest cell, in bytes.
pub const MAX_CELL: usize = 16 * 1024;
/// Most errors that are kept; all are counted.
pub const MAX_ERRORS: usize = 1_000;
/// Rows of users who are there already that are carried out at once.
pub const IN_FLIGHT: usize = 16;

/// A cell as a file has it: quoted where it has to be, and nothing that a spreadsheet program would take for a formula.
#[must_use]
pub fn guarded(text: &str) -> String {
    let mut cell = String::new();
    cells::write_cell(&mut cell, text);
    cell
}

/// What becomes of a row whose userName somebody has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// The columns of the file are laid over the user; what has no column stays.
    #[default]
    Update,
    /// The user stays as it is.
    Skip,
    /// The row is an error.
    Refuse,
}

/// How to import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Rows of users that are there.
    pub existing: Existing,
    /// Check every row and write none.
    pub dry_run: bool,
    /// What each column of the file holds, in order: the name of an attribute, or nothing for one that is passed over.
    /// `None`: what its header says.
    pub columns: Option<Vec<String>>,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportProgress {
    /// Bytes of the file that were read.
    pub bytes: u64,
    /// Rows that are done.
    pub rows: u64,
    /// Rows with an error among them.
    pub failed: u64,
}

/// What an import did; of a dry run, what it would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// Users made.
    pub created: u64,
    /// Users changed.
    pub updated: u64,
    /// Users that are what their row says.
    pub unchanged: u64,
    /// Users left alone ([`Existing::Skip`]).
    pub skipped: u64,
    /// Rows with an error.
    pub failed: u64,
    /// The first [`MAX_ERRORS`] errors, by line.
    pub errors: Vec<LineError>,
}

impl ImportSummary {
    /// Rows that are done.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.skipped + self.failed
    }
}

/// What is wrong with a line. Holds no value of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    /// Attribute path, or the name of the column.
    pub path: Option<String>,
    /// What is wrong and what to do.
    pub problem: String,
}

impl LineError {
    fn new(line: u64, problem: impl Into<String>) -> Self {
        Self { line, path: None, problem: problem.into() }
    }

    fn at(line: u64, path: &str, problem: impl Into<String>) -> Self {
        Self { line, path: Some(path.to_owned()), problem: problem.into() }
    }

    /// The first path of an error stands by itself; those of further violations stay in the text.
    fn of(line: u64, error: &ScimError) -> Self {
        match error.detail.split_once(": ") {
            Some((path, problem)) if !path.contains(char::is_whitespace) => Self::at(line, path, problem),
            _ => Self::new(line, error.detail.as_str()),
        }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(out, "{path}: {}", self.problem),
            None => out.write_str(&self.problem),
        }
    }
}

/// Why an import did not come to the end of its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The file is none that can be imported; nothing was written.
    #[error("line {}: {error}", .error.line)]
    Refused {
        /// Where and why.
        error: LineError,
    },
    /// It ended at this line: a limit of the file, a file that cannot be read on, a database that does not answer. Rows
    /// before it may be written; the same file can be imported again.
    #[error("line {}: {error}", .error.line)]
    Stopped {
        /// Where and why.
        error: LineError,
        /// What was done until then.
        summary: ImportSummary,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_error_stands_by_itself() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        for (detail, path, problem) in [
            ("userName: is required.", Some("userName"), "is required."),
            ("a[1].b: is wrong. c: is wrong too.", Some("a[1].b"), "is wrong. c: is wrong too."),
            (&format!("{urn}: is wrong."), Some(urn), "is wrong."),
            ("rule \"x\": could not be evaluated.", None, "rule \"x\": could not be evaluated."),
            ("The resource would be too large.", None, "The resource would be too large."),
        ] {
            let error = LineError::of(7, &ScimError::new(400, detail));
            assert_eq!((error.line, error.path.as_deref(), error.problem.as_str()), (7, path, problem));
            assert_eq!(error.to_string(), detail);
        }
    }
}
