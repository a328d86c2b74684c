//! Soft-deleted users: who they are, who comes back, who is due to be purged.
//!
//! They are in no group and have no role (that ended with their deletion), and no client sees them.

use super::{
    Bounded, User, UserState,
    read::{DELETED_USERS, KEPT_USERS, user},
    write::{Columns, user_event},
};
use crate::{
    ChangeContext, ListQuery, Page, StoreError, TenantScope, UserId, rows::DELETED, statement::Sql,
    tx::TenantTx,
};

/// A user as a POST made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// The user.
    pub user: User,
    /// Is it one who was soft-deleted and came back?
    pub returned: bool,
}

/// A soft-deleted user whose time may be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Id.
    pub id: UserId,
    /// Version.
    pub version: i64,
    /// When it was deleted, in milliseconds.
    pub deleted_at: i64,
}

/// Most users of one state that are counted.
pub const COUNTED: u64 = 200_000;

/// How many users there are, each number up to [`COUNTED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserCounts {
    /// Live and active.
    pub active: Bounded,
    /// Live and not active.
    pub inactive: Bounded,
    /// Soft-deleted.
    pub deleted: Bounded,
}

impl TenantScope {
    /// A user as it stands, live or soft-deleted, which its `deleted_at` says; groups are not read.
    pub async fn user_as_kept(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.select(KEPT_USERS);
        sql.add(" AND r.id = ?", [id.0.into()]);
        let user = tx.one_user(sql, false).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// A soft-deleted user.
    pub async fn deleted_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.select(DELETED_USERS);
        sql.add(" AND r.id = ?", [id.0.into()]);
        let user = tx.one_user(sql, false).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Soft-deleted users that match; edges are not read, since they have none. The index of values holds live users
    /// only, so `eq` on an attribute that is indexed there finds nobody.
    pub async fn deleted_users(&self, query: &ListQuery) -> Result<Page<User>, StoreError> {
        let tx = self.read_for([query.filter.as_ref()]).await?;
        let found = tx.page(query.select(DELETED_USERS), query.window()).await?;
        let items = found.rows.iter().map(user).collect::<Result<Vec<_>, _>>()?;
        tx.commit().await?;
        Ok(Page { total: found.total, items, more: found.more })
    }

    /// How many users there are of each state; counted in indexes alone.
    pub async fn user_counts(&self) -> Result<UserCounts, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        for (at, state) in
            ["r.deleted_at IS NULL AND r.active = TRUE", "r.deleted_at IS NULL AND r.active = FALSE", DELETED]
                .into_iter()
                .enumerate()
        {
            sql.push(if at == 0 { "SELECT (" } else { ", (" });
            sql.push("SELECT CAST(COUNT(*) AS bigint) FROM (SELECT 1 FROM users r WHERE ").push(state);
            let most = i64::try_from(COUNTED).unwrap_or(i64::MAX);
            sql.add(" AND r.tenant_id = ? LIMIT ?) x)", [tx.tenant_value(), most.saturating_add(1).into()]);
        }
        let Some(row) = tx.one(sql).await? else { return Ok(UserCounts::default()) };
        tx.commit().await?;
        let number = |at: usize| -> Result<Bounded, StoreError> {
            Ok(Bounded::of(row.try_get_by_index(at)?, COUNTED))
        };
        Ok(UserCounts { active: number(0)?, inactive: number(1)?, deleted: number(2)? })
    }

    /// Those who were soft-deleted at this time (milliseconds) or earlier, the first of them first; after one of them
    /// (`None`: from the first).
    pub async fn deleted_until(
        &self,
        until: i64,
        after: Option<Due>,
        limit: u64,
    ) -> Result<Vec<Due>, StoreError> {
        let tx = self.read().await?;
        let mut sql = tx.sql();
        sql.add(
            "SELECT r.id, r.version, r.deleted_at FROM users r WHERE r.tenant_id = ? AND ",
            [tx.tenant_value()],
        );
        sql.push(DELETED).add(" AND r.deleted_at <= ?", [until.into()]);
        if let Some(after) = after {
            sql.add(" AND (r.deleted_at, r.id) > (?, ?)", [after.deleted_at.into(), after.id.0.into()]);
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        sql.add(" ORDER BY r.deleted_at, r.id LIMIT ?", [limit.into()]);
        let rows = tx.all(sql).await?;
        tx.commit().await?;
        let due = |row: &sea_orm::QueryResult| {
            Ok(Due {
                id: UserId(row.try_get_by_index(0)?),
                version: row.try_get_by_index(1)?,
                deleted_at: row.try_get_by_index(2)?,
            })
        };
        rows.iter().map(due).collect()
    }

    /// Makes a user, unless a soft-deleted one is the same person: found by externalId, then by userName, the last one
    /// deleted first. That one is live again under its old id, and nothing of it but its id and the time when it was
    /// first created: the state is the new one, tokens that stood for it are revoked. [`StoreError::Conflict`] on
    /// `userName`, which looks at live users only; [`StoreError::Stale`] when somebody else brought it back, or purged
    /// it, at this moment. Event `user.created` or `user.restored`.
    pub async fn admit_user(
        &self,
        state: &UserState,
        context: &ChangeContext,
    ) -> Result<Admitted, StoreError> {
        let tx = self.write().await?;
        let Some((id, version)) = tx.deleted_like(&Columns::of(state)).await? else {
            let (user, event) = tx.add_user(state).await?;
            tx.record(vec![event], context).await?;
            tx.commit().await?;
            return Ok(Admitted { user, returned: false });
        };
        let user = tx.revive(id, version, state).await?.ok_or(StoreError::Stale)?;
        let mut events = tx.revoke_credentials_of(id).await?;
        let revokes = !events.is_empty();
        events.push(restored(&user, state));
        tx.record(events, context).await?;
        if revokes {
            tx.commit_configuration().await?;
        } else {
            tx.commit().await?;
        }
        Ok(Admitted { user, returned: true })
    }

    /// Makes a soft-deleted user live again, in this state; in no group, as it left them when it was deleted.
    /// `expected`: its version ([`StoreError::Stale`] when it is no longer that). [`StoreError::Conflict`] on `userName`
    /// when a live user has the name by now. `Ok(None)` when there is no such soft-deleted user. Event `user.restored`.
    pub async fn restore_user(
        &self,
        id: UserId,
        expected: i64,
        state: &UserState,
        context: &ChangeContext,
    ) -> Result<Option<User>, StoreError> {
        let tx = self.write().await?;
        let Some(user) = tx.revive(id, expected, state).await? else { return Ok(None) };
        tx.record(vec![restored(&user, state)], context).await?;
        tx.commit().await?;
        Ok(Some(user))
    }
}

fn restored(user: &User, state: &UserState) -> crate::record::Event {
    user_event("user.restored", user.id, user.version, Some(&state.text), None).noted(&state.notes)
}

impl TenantTx {
    /// The soft-deleted user who is the person of these columns.
    async fn deleted_like(&self, columns: &Columns) -> Result<Option<(UserId, i64)>, StoreError> {
        let chosen = |column: &'static str, value: &str| {
            let mut sql = self.sql();
            sql.add("SELECT r.id, r.version FROM users r WHERE r.tenant_id = ? AND ", [self.tenant_value()]);
            sql.push(column).add(" = ? AND ", [value.into()]).push(DELETED);
            sql.push(" ORDER BY r.deleted_at DESC, r.id DESC LIMIT 1");
            sql
        };
        if let Some(external_id) = &columns.external_id
            && let Some(found) = self.id_and_version(chosen("r.external_id", external_id)).await?
        {
            return Ok(Some(found));
        }
        self.id_and_version(chosen("r.user_name_key", &columns.user_name_key)).await
    }

    async fn id_and_version(&self, sql: Sql) -> Result<Option<(UserId, i64)>, StoreError> {
        let row = self.one(sql).await?;
        row.map(|row| Ok((UserId(row.try_get_by_index(0)?), row.try_get_by_index(1)?))).transpose()
    }

    /// The user, live again and in no group; `None` when there is no such soft-deleted one, [`StoreError::Stale`] when it
    /// has not the expected version.
    async fn revive(&self, id: UserId, expected: i64, state: &UserState) -> Result<Option<User>, StoreError> {
        let revived = self.revive_user(id, expected, Columns::of(state)).await?;
        let Some(mut user) = revived else {
            let mut sql = self.select(DELETED_USERS);
            sql.add(" AND r.id = ?", [id.0.into()]);
            return match self.one_user(sql, false).await? {
                Some(user) if user.version == expected => Err(StoreError::Reconfigured),
                Some(_) => Err(StoreError::Stale),
                None => Ok(None),
            };
        };
        self.add_values(id, &state.values).await?;
        user.groups = Some(Vec::new());
        Ok(Some(user))
    }
}
