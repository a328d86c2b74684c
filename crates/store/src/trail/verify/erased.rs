//! Whose content may be gone from a trail: only of users who were purged, and of tenants whose purge has begun. Any other
//! content that is missing was taken away.

use std::collections::{BTreeSet, HashSet};

use sea_orm::ConnectionTrait;

use super::{super::Row, Reading};
use crate::StoreError;

/// What a trail says of those whose content is gone.
pub(super) enum Erased {
    /// The tenant is purged.
    Everything,
    /// These users were.
    Users(HashSet<String>),
}

impl Erased {
    /// May the content of this entry be gone?
    pub(super) fn explains(&self, row: &Row) -> bool {
        match self {
            Self::Everything => true,
            // The digest is part of the chain: where there is none, nothing was ever kept.
            Self::Users(ids) => {
                row.digest.is_empty() || row.object_type == "User" && ids.contains(&row.object_id)
            }
        }
    }
}

impl Reading<'_> {
    /// What the trail says of those whose content is missing in these entries.
    pub(super) async fn erased(&self, rows: &[Option<Row>]) -> Result<Erased, StoreError> {
        let gone = rows.iter().flatten().filter(|row| row.body.is_none() && !row.digest.is_empty());
        let ids: BTreeSet<&str> = gone.map(|row| row.object_id.as_str()).collect();
        if ids.is_empty() {
            return Ok(Erased::Users(HashSet::new()));
        }
        let mut sql = self.sql();
        sql.push("SELECT 1 FROM tenants t WHERE t.purging_at IS NOT NULL AND t.id = ").tenant();
        if self.db.query_one_raw(sql.into_statement()).await?.is_some() {
            return Ok(Erased::Everything);
        }
        // The entry of a purge is written with it, whether it has its number yet or not.
        let mut sql = self.sql();
        sql.push("SELECT DISTINCT a.object_id");
        self.owner.rows(&mut sql).push("a.event = 'user.purged' AND a.object_id IN ").texts(ids);
        let rows = self.db.query_all_raw(sql.into_statement()).await?;
        Ok(Erased::Users(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?))
    }
}
