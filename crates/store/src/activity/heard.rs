//! What has been heard from each tenant's identity provider: when first, when last.

use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

use crate::{Platform, StoreError, TenantId, TenantScope, error::unreadable, statement::Sql, store::Backend};

/// Something that an identity provider does for the first time once. All of them are authenticated requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Milestone {
    /// Any request with a valid credential, however it was answered.
    Call,
    /// Looked somebody up: GET /Users with a filter (or POST /Users/.search), answered 200.
    Lookup,
    /// Made a user.
    UserCreated,
    /// Changed a user: PUT or PATCH.
    UserUpdated,
    /// Removed a user: DELETE.
    UserDeleted,
    /// Pushed a group, and did not only assign people to it: made it, changed it without naming members, or removed it.
    GroupPushed,
    /// Put somebody into a group or took somebody out, by PATCH, or sent a group with members.
    Membership,
    /// A request that was answered 2xx or 304.
    Success,
    /// One that was answered 4xx or 5xx.
    Failure,
}

/// All milestones with the words by which they are kept.
const WORDS: &[(Milestone, &str)] = &[
    (Milestone::Call, "call"),
    (Milestone::Lookup, "lookup"),
    (Milestone::UserCreated, "user_created"),
    (Milestone::UserUpdated, "user_updated"),
    (Milestone::UserDeleted, "user_deleted"),
    (Milestone::GroupPushed, "group_created"),
    (Milestone::Membership, "membership"),
    (Milestone::Success, "success"),
    (Milestone::Failure, "failure"),
];

impl Milestone {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.iter().map(|(milestone, _)| *milestone)
    }

    /// As it is kept: `user_created`.
    #[must_use]
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(milestone, _)| *milestone == self).map_or("call", |(_, word)| word)
    }
}

/// A milestone that a tenant's identity provider has reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Which one.
    pub milestone: Milestone,
    /// The first time, in milliseconds.
    pub first_at: i64,
    /// The last time.
    pub last_at: i64,
    /// Method of the last one.
    pub last_method: String,
    /// Its endpoint, such as `/Users/{id}` (empty: there is none at its address).
    pub last_route: String,
    /// Status of its answer.
    pub last_status: i32,
    /// `scimType` of its answer.
    pub last_scim_type: Option<String>,
    /// Its request id: as long as requests are kept, [`TenantScope::requests`] has all of it.
    pub last_request_id: String,
}

/// A milestone that was reached, once or more often since it was last written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardChange {
    /// Whose identity provider.
    pub tenant: TenantId,
    /// First and last time of these.
    pub heard: Heard,
}

const COLUMNS: &str =
    "milestone, first_at, last_at, last_method, last_route, last_status, last_scim_type, last_request_id";

impl TenantScope {
    /// What has been heard from this tenant's identity provider, in the order of [`Milestone`]; what never was, is
    /// missing.
    pub async fn heard(&self) -> Result<Vec<Heard>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, self.tenant);
        sql.push("SELECT ").push(COLUMNS).push(" FROM heard WHERE tenant = ").tenant();
        let rows = self.inner.db.query_all_raw(sql.into_statement()).await?;
        let mut heard = rows.iter().map(|row| heard_of(row, 0)).collect::<Result<Vec<_>, _>>()?;
        heard.sort_by_key(|heard| heard.milestone);
        Ok(heard)
    }
}

impl Platform {
    /// What has been heard from all tenants' identity providers, of these milestones: in the order of the tenants' ids.
    pub async fn heard_from_tenants(
        &self,
        milestones: &[Milestone],
    ) -> Result<Vec<(TenantId, Heard)>, StoreError> {
        let mut sql = Sql::new(self.inner.backend, Uuid::nil());
        sql.push("SELECT tenant, ").push(COLUMNS).push(" FROM heard WHERE milestone IN ");
        sql.texts(milestones.iter().map(|milestone| milestone.word())).push(" ORDER BY tenant, milestone");
        let rows = self.inner.db.query_all_raw(sql.into_statement()).await?;
        rows.iter().map(|row| Ok((TenantId(row.try_get_by_index(0)?), heard_of(row, 1)?))).collect()
    }
}

/// A row whose columns begin at this index.
fn heard_of(row: &QueryResult, at: usize) -> Result<Heard, StoreError> {
    let word: String = row.try_get_by_index(at)?;
    let known = WORDS.iter().find(|(_, known)| *known == word);
    let milestone = known.ok_or_else(|| unreadable("heard.milestone", &word))?.0;
    Ok(Heard {
        milestone,
        first_at: row.try_get_by_index(at + 1)?,
        last_at: row.try_get_by_index(at + 2)?,
        last_method: row.try_get_by_index(at + 3)?,
        last_route: row.try_get_by_index(at + 4)?,
        last_status: row.try_get_by_index(at + 5)?,
        last_scim_type: row.try_get_by_index(at + 6)?,
        last_request_id: row.try_get_by_index(at + 7)?,
    })
}

/// A statement that notes milestones, rows in the order given. Two nodes may bring them in any order: the first time is
/// the earliest, the last one the latest that either has seen.
pub(super) fn upsert(backend: Backend, rows: &[HeardChange]) -> Sql {
    let mut sql = Sql::new(backend, Uuid::nil());
    sql.push("INSERT INTO heard AS kept (tenant, ").push(COLUMNS).push(") VALUES ");
    for (position, HeardChange { tenant, heard }) in rows.iter().enumerate() {
        if position > 0 {
            sql.push(", ");
        }
        sql.add(
            "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                tenant.0.into(),
                heard.milestone.word().into(),
                heard.first_at.into(),
                heard.last_at.into(),
                heard.last_method.as_str().into(),
                heard.last_route.as_str().into(),
                heard.last_status.into(),
                heard.last_scim_type.clone().into(),
                heard.last_request_id.as_str().into(),
            ],
        );
    }
    sql.push(
        " ON CONFLICT (tenant, milestone) DO UPDATE SET \
         first_at = CASE WHEN excluded.first_at < kept.first_at THEN excluded.first_at ELSE kept.first_at END",
    );
    for set in [
        ", last_method = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_method ELSE kept.last_method END",
        ", last_route = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_route ELSE kept.last_route END",
        ", last_status = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_status ELSE kept.last_status END",
        ", last_scim_type = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_scim_type ELSE kept.last_scim_type END",
        ", last_request_id = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_request_id ELSE kept.last_request_id END",
        ", last_at = CASE WHEN excluded.last_at >= kept.last_at THEN excluded.last_at ELSE kept.last_at END",
    ] {
        sql.push(set);
    }
    sql
}
