//! Lists: a part of one, and where it goes on.

use std::str::FromStr;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problem::ApiError;

/// Rows of a page when nobody says how many.
const DEFAULT: u64 = 50;
/// Most rows of a page.
const MOST: u64 = 200;
/// Longest cursor, in characters: a userName, folded, is in some.
const LONGEST: usize = 5_000;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    /// This part.
    pub(super) items: Vec<T>,
    /// Where the list goes on: send it as `cursor`. Not there on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// Which part of a list is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl Part {
    /// Of a list whose address takes further parameters.
    pub(super) fn new(limit: Option<u64>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// Rows wanted.
    pub(super) fn limit(&self) -> Result<u64, ApiError> {
        match self.limit.unwrap_or(DEFAULT) {
            limit @ 1..=MOST => Ok(limit),
            other => Err(ApiError::unfit("limit", format!("limit: {other} does not fit; use 1 to {MOST}"))),
        }
    }

    /// The row after which the page begins.
    pub(super) fn after<T: FromStr>(&self) -> Result<Option<T>, ApiError> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let text = Some(cursor).filter(|cursor| cursor.len() <= LONGEST);
        let bytes = text.and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
        // PostgreSQL takes no NUL in a text.
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.contains('\0'));
        let after = text.and_then(|text| text.parse().ok());
        after.map(Some).ok_or_else(|| {
            ApiError::unfit(
                "cursor",
                "cursor: it is not one of this list; send nextCursor of the page before",
            )
        })
    }
}

impl<T> Page<T> {
    /// A page out of rows of which one more was read than fits, if there is one. `place` is what tells a row from those
    /// before and after it.
    pub(super) fn cut<R>(
        mut rows: Vec<R>,
        limit: u64,
        place: impl Fn(&R) -> String,
        show: impl FnMut(R) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next_cursor = last.map(|row| BASE64_URL_SAFE_NO_PAD.encode(place(row)));
        Self { items: rows.into_iter().map(show).collect(), next_cursor }
    }

    /// A page of a list that says itself where it goes on.
    pub(super) fn going_on(items: Vec<T>, place: Option<impl std::fmt::Display>) -> Self {
        let next_cursor = place.map(|place| BASE64_URL_SAFE_NO_PAD.encode(place.to_string()));
        Self { items, next_cursor }
    }

    /// A page out of a list that is there as a whole, its rows named by their ids.
    pub(super) fn among<R>(
        rows: Vec<R>,
        part: &Part,
        id: impl Fn(&R) -> uuid::Uuid,
        show: impl FnMut(R) -> T,
    ) -> Result<Self, ApiError> {
        let (limit, after) = (part.limit()?, part.after::<uuid::Uuid>()?);
        let passed = after.and_then(|after| rows.iter().position(|row| id(row) == after));
        let skipped = match (after, passed) {
            (None, _) => 0,
            (Some(_), Some(position)) => position + 1,
            (Some(_), None) => rows.len(),
        };
        let rows = rows.into_iter().skip(skipped).collect();
        Ok(Self::cut(rows, limit, |row| id(row).to_string(), show))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(limit: Option<u64>, cursor: Option<&str>) -> Part {
        Part::new(limit, cursor.map(str::to_owned))
    }

    #[test]
    fn a_walk_by_cursor_meets_each_row_once() {
        let ids: Vec<uuid::Uuid> = (1..=5).map(uuid::Uuid::from_u128).collect();
        let (mut met, mut cursor) = (Vec::new(), None);
        loop {
            let part = part(Some(2), cursor.as_deref());
            let page = Page::among(ids.clone(), &part, |id| *id, |id| id).expect("a page");
            assert!(page.items.len() <= 2);
            met.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(met, ids);
        let full = Page::among(ids.clone(), &part(Some(5), None), |id| *id, |id| id).expect("a page");
        assert_eq!((full.items.len(), full.next_cursor), (5, None), "no empty page at the end");
    }

    #[test]
    fn limits_and_cursors_are_checked() {
        for (limit, expected) in
            [(None, Some(50)), (Some(1), Some(1)), (Some(200), Some(200)), (Some(0), None), (Some(201), None)]
        {
            assert_eq!(part(limit, None).limit().ok(), expected);
        }
        for cursor in ["", "!", "bm8taWQ", &"A".repeat(6_000)] {
            assert!(part(None, Some(cursor)).after::<uuid::Uuid>().is_err(), "{cursor}");
        }
        let after = |text: &str| part(None, Some(&BASE64_URL_SAFE_NO_PAD.encode(text))).after::<String>();
        assert_eq!(after("acme").ok().flatten().as_deref(), Some("acme"));
        assert!(after("ac\0me").is_err(), "no database takes that");
    }
}
