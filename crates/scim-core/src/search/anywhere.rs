//! What a user is found by when a text may stand anywhere in its names, addresses and numbers.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::MAX_INDEXED;
use crate::{resource::AttrRef, schema::Attribute, urn};

/// Path of it: `userName` and the values of [`is_anywhere`], a line each, in as few rows as hold them. Of attributes that
/// have a [`mark`] a row says what each holds. Of others it proposes users, and the attribute that was asked for decides: a
/// line of theirs that stands within another one is left out.
pub const ANYWHERE: &str = "*";

/// Longest text that [`ANYWHERE`] is asked for, in bytes: a longer one is found by its beginning. A value that is longer
/// than a line is in several, which overlap by as much.
pub const MAX_SOUGHT: usize = 256;

/// Stands between two values of an attribute in a line.
pub const AFTER_VALUE: char = '\u{1f}';

/// Ends a part of a value that goes on in another line.
const GOES_ON: char = '\u{1e}';

/// Stands for each control character of a value: these are the signs of the rows.
const SIGN: char = '\u{7f}';

const MARKED: [(char, &str); 5] = [
    ('\u{1}', "userName"),
    ('\u{2}', "displayName"),
    ('\u{3}', "name.familyName"),
    ('\u{4}', "name.givenName"),
    ('\u{5}', "emails.value"),
];
const EMPLOYEE_NUMBER: char = '\u{6}';

/// Longest line without its marks, in bytes.
const MAX_LINE: usize = MAX_INDEXED - MARKED.len() - 1;

/// The mark of an attribute: it stands at the start of the lines of [`ANYWHERE`] that are its values, together with those of
/// other attributes that have the same; in each row once.
#[must_use]
pub fn mark(path: &str) -> Option<char> {
    if path.strip_prefix(urn::ENTERPRISE_USER) == Some(":employeeNumber") {
        return Some(EMPLOYEE_NUMBER);
    }
    MARKED.into_iter().find(|(_, marked)| *marked == path).map(|(mark, _)| mark)
}

/// Does [`ANYWHERE`] hold the values of this attribute of users?
#[must_use]
pub fn is_anywhere(target: &AttrRef) -> bool {
    let is_name = target.extension.is_none() && target.sub.is_none() && target.attribute.name == "userName";
    is_name || (target.leaf().indexed && is_of_person(&target.attribute))
}

/// Who somebody's manager is says nothing of the person: an id of somebody else.
pub(super) fn is_of_person(attribute: &Attribute) -> bool {
    attribute.name != "manager"
}

/// A text as [`ANYWHERE`] has it.
#[must_use]
pub fn without_signs(text: &str) -> Cow<'_, str> {
    if text.contains(|ch: char| ch.is_ascii_control()) {
        text.chars().map(|ch| if ch.is_ascii_control() { SIGN } else { ch }).collect::<String>().into()
    } else {
        text.into()
    }
}

/// What is gathered of a user.
#[derive(Default)]
pub(super) struct Anywhere<'f> {
    marked: BTreeMap<char, BTreeSet<Cow<'f, str>>>,
    others: BTreeSet<Cow<'f, str>>,
}

impl<'f> Anywhere<'f> {
    pub(super) fn add(&mut self, path: &str, text: &'f str) {
        let texts = match mark(path) {
            Some(mark) => self.marked.entry(mark).or_default(),
            None => &mut self.others,
        };
        if !text.is_empty() {
            texts.insert(without_signs(text));
        }
    }

    /// Its lines, the longest first, in rows of at most [`MAX_INDEXED`] bytes.
    pub(super) fn rows(&self) -> Vec<String> {
        // Each with its marks.
        let mut lines: BTreeMap<String, String> = BTreeMap::new();
        for (mark, values) in &self.marked {
            for line in lines_of(values) {
                let marks = lines.entry(line).or_default();
                // Parts of long values may be the same.
                if !marks.contains(*mark) {
                    marks.push(*mark);
                }
            }
        }
        self.others.iter().flat_map(|text| pieces(text)).for_each(|piece| {
            lines.entry(piece).or_default();
        });
        let mut lines: Vec<(String, String)> = lines.into_iter().collect();
        lines.sort_by_key(|(line, marks)| (marks.is_empty(), Reverse(line.len())));
        let (mut rows, mut row) = (Vec::new(), String::new());
        for (line, marks) in lines {
            if marks.is_empty() && row.contains(&line) {
                continue;
            }
            let is_full = row.len() + 1 + marks.len() + line.len() > MAX_INDEXED;
            if !row.is_empty() && (is_full || row.contains(|ch| marks.contains(ch))) {
                rows.push(std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push('\n');
            }
            row.push_str(&marks);
            row.push_str(&line);
        }
        if !row.is_empty() {
            rows.push(row);
        }
        rows
    }
}

/// The values of one attribute in as few lines as hold them.
fn lines_of(values: &BTreeSet<Cow<'_, str>>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in values.iter().flat_map(|value| pieces(value)) {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + piece.len() <= MAX_LINE => {
                line.push(AFTER_VALUE);
                line.push_str(&piece);
            }
            _ => lines.push(piece),
        }
    }
    lines
}

/// A text in pieces that fit a line: whatever of [`MAX_SOUGHT`] bytes it holds, one piece holds too.
fn pieces(text: &str) -> Vec<String> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    loop {
        let end = text.floor_char_boundary(start + MAX_LINE - 1);
        let mut piece = text.get(start..end).unwrap_or_default().to_owned();
        if end == text.len() {
            pieces.push(piece);
            return pieces;
        }
        piece.push(GOES_ON);
        pieces.push(piece);
        start = text.floor_char_boundary(end - MAX_SOUGHT);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        Document, ResourceType,
        fold::fold,
        search::{IndexedValue, form, indexed},
    };

    /// Rows of a user with these addresses, and its values of `emails.value`.
    fn rows(mails: &[&str]) -> (Vec<String>, Vec<String>) {
        let user = ResourceType::user();
        let mails: Vec<Value> = mails.iter().map(|value| json!({"value": value})).collect();
        let values =
            indexed(&user, &form(&user, &Document::from_iter([("emails".to_owned(), json!(mails))])));
        let (anywhere, mails) = values.into_iter().partition(|indexed| indexed.path == ANYWHERE);
        let texts = |values: Vec<IndexedValue>| values.into_iter().map(|indexed| indexed.value).collect();
        (texts(anywhere), texts(mails))
    }

    #[test]
    fn an_index_entry_has_an_end() {
        for (letter, bytes) in
            [("x", MAX_INDEXED + 1), ("ß\u{200B}", MAX_INDEXED + 1), ("\u{1F600}", MAX_INDEXED + 4)]
        {
            let long = letter.repeat(5 * MAX_INDEXED / letter.len());
            let folded = fold(&long);
            let (anywhere, mails) = rows(&[&long]);
            assert_eq!(mails.len(), 1);
            assert!(
                folded.starts_with(&mails[0]) && (bytes..bytes + 4).contains(&mails[0].len()),
                "{letter}"
            );
            assert!(anywhere.iter().all(|row| row.len() <= MAX_INDEXED));
            let ends: Vec<usize> = folded.char_indices().map(|(at, _)| at).collect();
            for start in ends {
                let sought = &folded[start..folded.floor_char_boundary(start + MAX_SOUGHT)];
                assert!(anywhere.iter().any(|row| row.contains(sought)), "{letter}: {start}");
            }
        }
    }

    #[test]
    fn many_values_are_in_few_rows() {
        let mails: Vec<String> = (0..200).map(|number| format!("person.{number}@example.com")).collect();
        let mails: Vec<&str> = mails.iter().map(String::as_str).collect();
        let (anywhere, values) = rows(&mails);
        assert_eq!((anywhere.len(), values.len()), (5, 200));
        for mail in mails {
            let ending = format!("{mail}{AFTER_VALUE}");
            assert!(anywhere.iter().any(|row| row.len() <= MAX_INDEXED && holds(row, '\u{5}', &ending)));
        }
        assert_eq!(rows(&["ann@x", "nn@", "ANN@x", ""]).0, ["\u{5}ann@x\u{1f}nn@"]);
        let mut others = Anywhere::default();
        ["nn@", "ann@x", ""].into_iter().for_each(|text| others.add("badge", text));
        assert_eq!(others.rows(), ["ann@x"], "what stands within another is left out");
    }

    /// What the database is asked: does the line of a mark hold a text, or end a value with it?
    fn holds(row: &str, mark: char, text: &str) -> bool {
        let line = row.split(mark).nth(1).unwrap_or_default().split('\n').next().unwrap_or_default();
        format!("{line}{AFTER_VALUE}").contains(text)
    }

    #[test]
    fn a_row_says_what_each_attribute_holds() {
        let (rows, _) = rows(&["ann@x", "bo\nb@y\u{5}"]);
        assert_eq!(rows, ["\u{5}ann@x\u{1f}bo\u{7f}b@y\u{7f}"]);
        assert!(holds(&rows[0], '\u{5}', "nn@x\u{1f}") && !holds(&rows[0], '\u{5}', "nn@\u{1f}"));
        assert!(!holds(&rows[0], '\u{1}', "ann"));

        let long = "x".repeat(3 * MAX_INDEXED);
        let mails = [long.as_str(), &"y".repeat(900), "z@z", "a@a"];
        let (rows, _) = self::rows(&mails);
        assert!(rows.len() > 3 && rows.iter().all(|row| row.len() <= MAX_INDEXED), "{rows:?}");
        assert!(rows.iter().all(|row| row.matches('\u{5}').count() == 1), "{rows:?}");
        for (text, expected) in [("x\u{1f}", 1), ("y\u{1f}", 1), ("z@z\u{1f}", 1), ("a@a", 1), ("q", 0)] {
            assert_eq!(rows.iter().filter(|row| holds(row, '\u{5}', text)).count(), expected, "{text}");
        }
    }
}
