//! Cursors (RFC 9865): where a walk goes on, written into the text that the client hands back.
//!
//! A cursor is no secret and needs no signature: all that somebody who makes one up can choose is the place in a list
//! that the credential may read from start to end anyway. What it holds is checked so that nobody goes on in another
//! list by mistake.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use scim_core::{ScimError, ScimType};
use store::walks::WALK_TIME;
use uuid::Uuid;

/// First byte of every cursor.
const VERSION: u8 = 1;

/// How long a cursor is good for, in seconds: `cursorTimeout` of the service provider configuration.
pub const CURSOR_TIMEOUT: i64 = WALK_TIME / 1000;

/// Digest of a query and of who asks it.
pub(crate) type Digest = [u8; 16];

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// After this row, in the order of ids.
    After(Uuid),
    /// The page that ends before this row.
    Before(Uuid),
    /// At this place of a snapshot.
    Listed(Uuid, u64),
}

/// A cursor, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Of which list.
    pub(crate) query: Digest,
    /// Page size.
    pub(crate) count: u64,
    /// When it was made, in milliseconds.
    pub(crate) at: i64,
    /// Where the page begins.
    pub(crate) place: Place,
}

impl Cursor {
    /// The text of it: URL-unreserved characters only.
    pub(crate) fn write(&self) -> String {
        let (kind, id, position) = match self.place {
            Place::After(id) => (0, id, 0),
            Place::Before(id) => (1, id, 0),
            Place::Listed(snapshot, position) => (2, snapshot, position),
        };
        let mut bytes = vec![VERSION, kind];
        bytes.extend(self.query);
        bytes.extend(self.count.to_be_bytes());
        bytes.extend(self.at.to_be_bytes());
        bytes.extend(id.as_bytes());
        bytes.extend(position.to_be_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, rest) = bytes.split_first_chunk::<2>()?;
        let (query, rest) = rest.split_first_chunk::<16>()?;
        let (count, rest) = rest.split_first_chunk::<8>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (id, position) = rest.split_first_chunk::<16>()?;
        let position = u64::from_be_bytes(position.try_into().ok()?);
        let id = Uuid::from_bytes(*id);
        let place = match head {
            [VERSION, 0] => Place::After(id),
            [VERSION, 1] => Place::Before(id),
            [VERSION, 2] => Place::Listed(id, position),
            _ => return None,
        };
        Some(Self { query: *query, count: u64::from_be_bytes(*count), at: i64::from_be_bytes(*at), place })
    }

    /// Takes a cursor for a page of this list: 400 `invalidCursor` for one that is none of ours or of another list or
    /// caller (the text does not say which), `expiredCursor`, `invalidCount`.
    pub(crate) fn parse(text: &str, query: Digest, count: u64, now: i64) -> Result<Self, ScimError> {
        let cursor = Self::read(text).filter(|cursor| cursor.query == query).ok_or_else(|| {
            ScimError::bad_request(
                ScimType::InvalidCursor,
                "cursor: is no cursor of this list; send nextCursor as it was given, with all other parameters as \
                 they were, or begin again with an empty cursor.",
            )
        })?;
        if now.saturating_sub(cursor.at) > WALK_TIME {
            return Err(expired());
        }
        if cursor.count != count {
            return Err(ScimError::bad_request(
                ScimType::InvalidCount,
                "count: must stay the same from page to page of one walk.",
            ));
        }
        Ok(cursor)
    }
}

/// 400 `expiredCursor`.
pub(crate) fn expired() -> ScimError {
    ScimError::bad_request(
        ScimType::ExpiredCursor,
        format!("cursor: is older than {CURSOR_TIMEOUT} seconds; begin again with an empty cursor."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn cursor(place: Place) -> Cursor {
        Cursor { query: [7; 16], count: 100, at: NOW, place }
    }

    #[test]
    fn what_is_written_reads_back() {
        let id = Uuid::now_v7();
        for place in [Place::After(id), Place::Before(id), Place::Listed(id, 12_345)] {
            let text = cursor(place).write();
            let unreserved = |ch: char| ch.is_ascii_alphanumeric() || "-._~".contains(ch);
            assert!(text.chars().all(unreserved), "{text}");
            assert_eq!(Cursor::parse(&text, [7; 16], 100, NOW + WALK_TIME), Ok(cursor(place)));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let text = cursor(Place::After(Uuid::nil())).write();
        let kind = |text: &str, query, count, now| {
            Cursor::parse(text, query, count, now).map_err(|error| (error.status, error.scim_type))
        };
        assert_eq!(kind(&text, [8; 16], 100, NOW), Err((400, Some(ScimType::InvalidCursor))));
        assert_eq!(kind(&text, [7; 16], 99, NOW), Err((400, Some(ScimType::InvalidCount))));
        assert_eq!(kind(&text, [7; 16], 100, NOW + WALK_TIME + 1), Err((400, Some(ScimType::ExpiredCursor))));
        for text in ["x", "=", "AAAA", &text[1..], &format!("{text}AAAA"), "\u{e9}", &"A".repeat(100_000)] {
            assert_eq!(
                kind(text, [7; 16], 100, NOW),
                Err((400, Some(ScimType::InvalidCursor))),
                "{text:.20}"
            );
        }
    }
}
