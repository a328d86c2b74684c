//! A difference of two texts as a page shows it: what changed, with a few lines around it.

use provisioning::configuration::{DiffLine, LineKind, MAX_DIFF_LINES};

/// Lines shown around a change.
const AROUND: usize = 3;
/// Most rows of a page.
const MAX_ROWS: usize = 2000;

/// A row of the shown difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiffRow {
    /// `same`, `added`, `removed` or `gap`.
    pub(crate) kind: &'static str,
    /// `+`, `-` or a blank.
    pub(crate) sign: &'static str,
    /// The line's number in the new text, or in the old one where it was removed; empty for a gap.
    pub(crate) number: String,
    /// The line; of a gap, how many lines are left out.
    pub(crate) text: String,
}

/// The changed lines and those around them, the first of many; empty when nothing changed. `None`: the texts are too
/// long to compare, and the one row says so.
pub(crate) fn rows(lines: Option<&[DiffLine]>) -> Vec<DiffRow> {
    let Some(lines) = lines else {
        return vec![told(format!("A text has more than {MAX_DIFF_LINES} lines: too long to compare."))];
    };
    let mut rows = all_rows(lines);
    if rows.len() > MAX_ROWS {
        let more = rows.len() - MAX_ROWS;
        rows.truncate(MAX_ROWS);
        rows.push(told(format!("and {more} more; only the first {MAX_ROWS} are shown")));
    }
    rows
}

fn all_rows(lines: &[DiffLine]) -> Vec<DiffRow> {
    let changed: Vec<usize> = (0..lines.len())
        .filter(|at| lines.get(*at).is_some_and(|line| line.kind != LineKind::Same))
        .collect();
    let mut rows = Vec::new();
    if changed.is_empty() {
        return rows;
    }
    let mut next_changed = changed.iter().copied().peekable();
    let mut last_changed: Option<usize> = None;
    let mut left_out = 0;
    for (at, line) in lines.iter().enumerate() {
        while next_changed.peek().is_some_and(|next| *next <= at) {
            last_changed = next_changed.next();
        }
        let near = last_changed.is_some_and(|last| at - last <= AROUND)
            || next_changed.peek().is_some_and(|next| next - at <= AROUND);
        if !near {
            left_out += 1;
            continue;
        }
        gap(&mut rows, &mut left_out);
        rows.push(row(line));
    }
    gap(&mut rows, &mut left_out);
    rows
}

fn gap(rows: &mut Vec<DiffRow>, left_out: &mut usize) {
    if *left_out > 0 {
        let text = if *left_out == 1 { "1 line".to_owned() } else { format!("{left_out} lines") };
        rows.push(told(text));
        *left_out = 0;
    }
}

fn told(text: String) -> DiffRow {
    DiffRow { kind: "gap", sign: " ", number: String::new(), text }
}

fn row(line: &DiffLine) -> DiffRow {
    let (kind, sign, number) = match line.kind {
        LineKind::Same => ("same", " ", line.new_line),
        LineKind::Added => ("added", "+", line.new_line),
        LineKind::Removed => ("removed", "-", line.old_line),
    };
    let number = number.map(|number| number.to_string()).unwrap_or_default();
    DiffRow { kind, sign, number, text: line.text.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provisioning::configuration::diff;

    fn rows_of(old: &str, new: &str) -> Vec<DiffRow> {
        rows(diff(old, new).as_deref())
    }

    #[test]
    fn much_is_cut_off_and_too_much_is_said_to_be() {
        let text = |lines: usize| -> String { (0..lines).map(|number| format!("{number}\n")).collect() };
        let shown = rows_of("", &text(MAX_ROWS));
        assert_eq!((shown.len(), shown[MAX_ROWS - 1].sign), (MAX_ROWS, "+"));
        let shown = rows_of("", &text(MAX_ROWS + 7));
        assert_eq!(shown.len(), MAX_ROWS + 1);
        assert_eq!(shown[MAX_ROWS].text, "and 7 more; only the first 2000 are shown");
        let shown = rows_of("", &text(MAX_DIFF_LINES + 1));
        assert_eq!((shown.len(), shown[0].kind), (1, "gap"));
        assert!(shown[0].text.contains("more than 5000 lines"), "{}", shown[0].text);
    }

    #[test]
    fn only_what_is_near_a_change_is_shown() {
        let old: String = (1..=20).map(|number| format!("line {number}\n")).collect();
        let new = old.replace("line 10\n", "line ten\n");
        let shown: Vec<String> = rows_of(&old, &new)
            .into_iter()
            .map(|row| format!("{}{} {}", row.sign, row.number, row.text))
            .collect();
        assert_eq!(
            shown,
            [
                "  6 lines",
                " 7 line 7",
                " 8 line 8",
                " 9 line 9",
                "-10 line 10",
                "+10 line ten",
                " 11 line 11",
                " 12 line 12",
                " 13 line 13",
                "  7 lines",
            ]
        );
        assert_eq!(rows_of(&old, &old), []);
    }

    #[test]
    fn changes_at_both_ends_and_close_together() {
        let old: String = (1..=9).map(|number| format!("{number}\n")).collect();
        let new = old.replace("1\n", "one\n").replace("9\n", "nine\n");
        let shown: String = rows_of(&old, &new).iter().map(|row| row.sign).collect();
        assert_eq!(shown, "-+        -+".replacen("        ", "       ", 1));
    }
}
