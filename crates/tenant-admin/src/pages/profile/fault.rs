//! A fault of a profile's text with the line that has it.

use scim_core::profile::ProfileError;

/// Longest part of a line that is shown, in characters.
const LONGEST: usize = 120;

/// A fault, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `Line 3, column 7`.
    pub(crate) place: String,
    /// What is wrong, and what to do.
    pub(crate) problem: String,
    /// The line.
    pub(crate) line: String,
    /// Blanks and a `^` below its place in the line.
    pub(crate) mark: String,
}

impl Fault {
    /// In this text.
    pub(crate) fn new(text: &str, error: &ProfileError) -> Self {
        let line = text.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
        // A long line is shown from shortly before the fault.
        let at = error.column.saturating_sub(1);
        let start = at.saturating_sub(LONGEST / 2).min(line.chars().count().saturating_sub(LONGEST));
        let shown: String =
            line.chars().skip(start).take(LONGEST).map(|ch| if ch.is_control() { ' ' } else { ch }).collect();
        Self {
            place: format!("Line {}, column {}", error.line, error.column),
            problem: error.problem.clone(),
            mark: format!("{}^", " ".repeat(at.saturating_sub(start))),
            line: shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str, line: usize, column: usize) -> (String, String) {
        let error = ProfileError { line, column, problem: "is wrong".into() };
        let fault = Fault::new(text, &error);
        (fault.line, fault.mark)
    }

    #[test]
    fn the_mark_stands_below_the_fault() {
        assert_eq!(fault("a = 1\nb = ?\n", 2, 5), ("b = ?".into(), "    ^".into()));
        assert_eq!(fault("a = 1", 7, 1), (String::new(), "^".into()));
        let long = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let (line, mark) = fault(&long, 1, 501);
        assert_eq!(line.chars().count(), LONGEST);
        assert_eq!(line.chars().nth(mark.len() - 1), Some('X'));
        assert_eq!(fault("\ta = é?", 1, 7), (" a = é?".into(), "      ^".into()));
    }
}
