//! Two texts, line by line.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// Longest search for the smallest difference; after that a larger one is told.
const PATIENCE: Duration = Duration::from_millis(500);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// It stays.
    Same,
    /// Only the new text has it.
    Added,
    /// Only the old text has it.
    Removed,
}

/// A line of either text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffLine {
    /// What became of it.
    pub kind: LineKind,
    /// Its number in the old text, from 1.
    pub old_line: Option<usize>,
    /// Its number in the new text, from 1.
    pub new_line: Option<usize>,
    /// Without the line break.
    pub text: String,
}

/// Most lines of a text that is compared.
pub const MAX_DIFF_LINES: usize = 5000;

/// All lines of both texts in order: what is removed stands before what comes in its place. `None`: one of two texts
/// that differ has more than [`MAX_DIFF_LINES`]. May take half a second of computing.
#[must_use]
pub fn diff(old: &str, new: &str) -> Option<Vec<DiffLine>> {
    let is_long = |text: &str| text.lines().nth(MAX_DIFF_LINES).is_some();
    if old != new && (is_long(old) || is_long(new)) {
        return None;
    }
    let lines = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    let line = |change: similar::Change<&str>| DiffLine {
        kind: match change.tag() {
            ChangeTag::Equal => LineKind::Same,
            ChangeTag::Insert => LineKind::Added,
            ChangeTag::Delete => LineKind::Removed,
        },
        old_line: change.old_index().map(|index| index + 1),
        new_line: change.new_index().map(|index| index + 1),
        text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
    };
    Some(lines.iter_all_changes().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_numbers() {
        let lines: Vec<_> = diff("a\nb\nc\n", "a\nx\nc\nd")
            .expect("short")
            .into_iter()
            .map(|line| (line.kind, line.old_line, line.new_line, line.text))
            .collect();
        let same = |old, new, text: &str| (LineKind::Same, Some(old), Some(new), text.to_owned());
        let added = |new, text: &str| (LineKind::Added, None, Some(new), text.to_owned());
        let removed = |old, text: &str| (LineKind::Removed, Some(old), None, text.to_owned());
        assert_eq!(lines, [same(1, 1, "a"), removed(2, "b"), added(2, "x"), same(3, 3, "c"), added(4, "d")]);
        assert!(diff("a\n", "a\n").iter().flatten().all(|line| line.kind == LineKind::Same));
        assert_eq!(diff("", ""), Some(Vec::new()));
    }

    #[test]
    fn long_texts_are_not_compared() {
        let most = "x\n".repeat(MAX_DIFF_LINES);
        assert_eq!(diff("", &most).map(|lines| lines.len()), Some(MAX_DIFF_LINES));
        let more = format!("{most}y");
        assert_eq!(diff("", &more), None);
        assert_eq!(diff(&more, ""), None);
        assert!(diff(&more, &more).is_some(), "that they are the same can be told");
    }
}
