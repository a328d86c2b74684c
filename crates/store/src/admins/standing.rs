//! How people can sign in, for those who look after them.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use crate::{
    AdminId, Platform, StoreError,
    entity::{admin_identities, admin_invitations, admin_second_factors, admin_sessions},
};

/// How somebody signs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Do codes have to be typed after the password?
    pub second_factor: bool,
    /// End of an open invitation, or of one that has expired; milliseconds.
    pub invited_until: Option<i64>,
    /// Do they come through the OpenID provider?
    pub by_provider: bool,
    /// When one of their present sessions was last used; milliseconds.
    pub last_seen_at: Option<i64>,
}

impl Platform {
    /// Of these people; of whom nothing is kept is not there. In a few queries whatever their number, which is a page's.
    pub async fn standings(&self, of: &[AdminId]) -> Result<BTreeMap<AdminId, Standing>, StoreError> {
        let ids: Vec<Uuid> = of.iter().map(|id| id.0).collect();
        let db = &self.inner.db;
        let mut standings: BTreeMap<AdminId, Standing> = BTreeMap::new();
        let factors = admin_second_factors::Entity::find()
            .filter(admin_second_factors::Column::AdminId.is_in(ids.clone()))
            .filter(admin_second_factors::Column::ConfirmedAt.is_not_null());
        for row in factors.all(db).await? {
            standings.entry(AdminId(row.admin_id)).or_default().second_factor = true;
        }
        let invitations =
            admin_invitations::Entity::find().filter(admin_invitations::Column::AdminId.is_in(ids.clone()));
        for row in invitations.all(db).await? {
            standings.entry(AdminId(row.admin_id)).or_default().invited_until = Some(row.expires_at);
        }
        let identities =
            admin_identities::Entity::find().filter(admin_identities::Column::AdminId.is_in(ids.clone()));
        for row in identities.all(db).await? {
            standings.entry(AdminId(row.admin_id)).or_default().by_provider = true;
        }
        let sessions = admin_sessions::Entity::find()
            .select_only()
            .column(admin_sessions::Column::AdminId)
            .column_as(admin_sessions::Column::LastSeenAt.max(), "seen")
            .filter(admin_sessions::Column::AdminId.is_in(ids))
            .filter(admin_sessions::Column::Pending.eq(false))
            .group_by(admin_sessions::Column::AdminId);
        for (id, seen) in sessions.into_tuple::<(Option<Uuid>, Option<i64>)>().all(db).await? {
            if let Some(id) = id {
                standings.entry(AdminId(id)).or_default().last_seen_at = seen;
            }
        }
        Ok(standings)
    }
}
