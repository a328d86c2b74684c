//! A difference of two texts as a page shows it: what changed, with a few lines around it.

use provisioning::configuration::{DiffLine, LineKind};

/// Lines shown around a change.
const AROUND: usize = 3;

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

/// The changed lines and those around them; empty when nothing changed.
pub(crate) fn rows(lines: &[DiffLine]) -> Vec<DiffRow> {
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
        rows.push(DiffRow { kind: "gap", sign: " ", number: String::new(), text });
        *left_out = 0;
    }
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

    #[test]
    fn only_what_is_near_a_change_is_shown() {
        let old: String = (1..=20).map(|number| format!("line {number}\n")).collect();
        let new = old.replace("line 10\n", "line ten\n");
        let shown: Vec<String> = rows(&diff(&old, &new))
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
        assert_eq!(rows(&diff(&old, &old)), []);
    }

    #[test]
    fn changes_at_both_ends_and_close_together() {
        let old: String = (1..=9).map(|number| format!("{number}\n")).collect();
        let new = old.replace("1\n", "one\n").replace("9\n", "nine\n");
        let shown: String = rows(&diff(&old, &new)).iter().map(|row| row.sign).collect();
        assert_eq!(shown, "-+        -+".replacen("        ", "       ", 1));
    }
}
