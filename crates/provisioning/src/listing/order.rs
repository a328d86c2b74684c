//! The order of a sorted list, written down when a walk through it begins.

use std::collections::HashMap;

use scim_core::ScimError;
use store::{Start, Total};
use uuid::Uuid;

use super::{Row, pages::Listing};
use crate::{attempts::whole, scim_error};

/// Longest sorted list that can be walked through: its order is written down.
pub(super) const MAX_SORTED: u64 = 100_000;

/// Longest stretch of ids that is looked for at once where many are gone.
const STRETCH: u64 = 1_000;

/// The order of a sorted list as it was when the walk began.
pub(super) struct Order {
    /// Ids in the whole list.
    pub(super) length: u64,
    /// Those at hand, and the place of the first of them.
    at_hand: (u64, Vec<Uuid>),
    /// Where all of them are kept, once they are.
    snapshot: Option<Uuid>,
}

impl Order {
    /// Of the list as it is now; `None` when it is too long.
    pub(super) async fn begin(listing: &Listing<'_>) -> Result<Option<Self>, ScimError> {
        let ids = listing.source.ids(&listing.scope, MAX_SORTED + 1).await?;
        let length = ids.len() as u64;
        Ok((length <= MAX_SORTED).then_some(Self { length, at_hand: (0, ids), snapshot: None }))
    }

    /// As it was kept; `None` when it is no longer there.
    pub(super) async fn open(
        listing: &Listing<'_>,
        walker: &str,
        snapshot: Uuid,
        position: u64,
    ) -> Result<Option<Self>, ScimError> {
        let stretch = listing.scope.stretch(walker, snapshot, position, listing.query.count).await;
        let stretch = stretch.map_err(scim_error)?;
        Ok(stretch.map(|stretch| Self {
            length: stretch.length,
            at_hand: (position, stretch.ids),
            snapshot: Some(snapshot),
        }))
    }

    /// Its id in the database.
    pub(super) async fn keep(&mut self, listing: &Listing<'_>, walker: &str) -> Result<Uuid, ScimError> {
        if let Some(snapshot) = self.snapshot {
            return Ok(snapshot);
        }
        let keep = || listing.scope.keep_snapshot(walker, &self.at_hand.1);
        let kept = whole(keep).await.map_err(scim_error)?;
        self.snapshot = Some(kept);
        Ok(kept)
    }

    /// A full page from a place on, as long as there are rows: those that are gone are passed over. Gives also the
    /// place after it.
    pub(super) async fn page(
        &mut self,
        listing: &Listing<'_>,
        walker: &str,
        mut position: u64,
    ) -> Result<(Vec<Row>, u64), ScimError> {
        let mut rows: Vec<Row> = Vec::new();
        let missing = |rows: &Vec<Row>| listing.query.count.saturating_sub(rows.len() as u64);
        let mut stretch = missing(&rows);
        while position < self.length && missing(&rows) > 0 {
            let ids = self.ids(listing, walker, position, stretch).await?;
            if ids.is_empty() {
                break;
            }
            let (asked, wanted) = (ids.len() as u64, missing(&rows));
            let places: HashMap<Uuid, u64> = ids.iter().copied().zip(position..).collect();
            let found =
                listing.source.rows(&listing.scope, Start::Among(ids), asked, Total::Remaining).await?;
            position += asked;
            let surplus = found.rows.len() as u64 > wanted;
            rows.extend(found.rows.into_iter().take(usize::try_from(wanted).unwrap_or(usize::MAX)));
            if let (true, Some((last, _))) = (surplus, rows.last()) {
                position = places.get(last).map_or(position, |place| place + 1);
            }
            // Where many are gone, larger and larger stretches are passed over.
            stretch = (stretch * 10).clamp(1, STRETCH).max(missing(&rows));
        }
        Ok((rows, position))
    }

    /// Up to `count` ids from a place on.
    async fn ids(
        &mut self,
        listing: &Listing<'_>,
        walker: &str,
        position: u64,
        count: u64,
    ) -> Result<Vec<Uuid>, ScimError> {
        let (first, at_hand) = &self.at_hand;
        let skipped = usize::try_from(position - first).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let ids: Vec<Uuid> = at_hand.iter().skip(skipped).take(count).copied().collect();
        let (true, Some(snapshot)) = (ids.is_empty(), self.snapshot) else { return Ok(ids) };
        let read = listing.query.count.max(STRETCH);
        let stretch = listing.scope.stretch(walker, snapshot, position, read).await;
        let Some(stretch) = stretch.map_err(scim_error)? else { return Ok(Vec::new()) };
        self.at_hand = (position, stretch.ids);
        Ok(self.at_hand.1.iter().take(count).copied().collect())
    }
}
