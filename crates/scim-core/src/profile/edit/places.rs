//! From a line and a column to the setting that stands there, so that a fault is told beside its field.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::Place;

/// The entry or table, and the key in it, at a line and a column (both from 1; the column in characters) of a text. The
/// key is absent where the place is the entry itself, such as one that lacks something. `None`: the text is no TOML, or
/// nothing stands there.
#[must_use]
pub fn place_at(text: &str, line: usize, column: usize) -> Option<(Place, Option<String>)> {
    let offset = offset_of(text, line, column)?;
    let document = Document::parse(text).ok()?;
    let mut search = Search { offset, found: None, nearest: None };
    search.table(document.as_table(), &Place::top());
    search.found.or_else(|| search.nearest.map(|(_, place)| (place, None)))
}

fn offset_of(text: &str, line: usize, column: usize) -> Option<usize> {
    let mut start = 0;
    let mut lines = text.split_inclusive('\n');
    for _ in 1..line {
        start += lines.next()?.len();
    }
    let rest = lines.next().unwrap_or_default();
    let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
    Some(start + within)
}

struct Search {
    offset: usize,
    found: Option<(Place, Option<String>)>,
    /// Where the last table or entry before the offset begins.
    nearest: Option<(usize, Place)>,
}

impl Search {
    fn holds(&self, span: Option<Range<usize>>) -> bool {
        span.is_some_and(|span| span.contains(&self.offset) || span.start == self.offset)
    }

    fn near(&mut self, span: Option<Range<usize>>, place: &Place) {
        let Some(start) = span.map(|span| span.start).filter(|start| *start <= self.offset) else { return };
        if self.nearest.as_ref().is_none_or(|(nearest, _)| *nearest <= start) {
            self.nearest = Some((start, place.clone()));
        }
    }

    fn table(&mut self, table: &dyn TableLike, place: &Place) {
        for (key, item) in table.iter() {
            match item {
                Item::Value(value) => {
                    let key_span = table.get_key_value(key).and_then(|(key, _)| key.span());
                    if self.holds(value.span()) || self.holds(key_span) {
                        self.found = Some((place.clone(), Some(key.to_owned())));
                    }
                }
                Item::Table(below) => {
                    let place = place.clone().table(key);
                    self.near(below.span(), &place);
                    self.table(below, &place);
                }
                Item::ArrayOfTables(list) => {
                    for (at, below) in list.iter().enumerate() {
                        let place = place.clone().entry(key, at);
                        self.near(below.span(), &place);
                        self.table(below, &place);
                    }
                }
                Item::None => {}
            }
        }
    }
}
