//! Users one after the other: to look at each again, and to make their search forms and indexed values anew.

use std::time::{Duration, Instant};

use scim_core::ResourceType;

use super::{User, UserState, read::USERS, user};
use crate::{
    StoreError, TenantScope, UserId,
    entity::tenants,
    error::{unreadable, waited_too_long},
    store::Backend,
    tx::TenantTx,
};

/// Longest wait for changes that were under way.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pause between two looks at them.
const PAUSE: Duration = Duration::from_millis(20);

/// What [`TenantScope::reindex_users`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reindexed {
    /// Users that were looked at.
    pub users: u64,
    /// The last of them, after which to go on; `None`: there are no more.
    pub last: Option<UserId>,
}

impl TenantScope {
    /// Live users by id, after one (`None`: from the first), without their groups.
    pub async fn users_after(&self, after: Option<UserId>, limit: u64) -> Result<Vec<User>, StoreError> {
        let tx = self.read().await?;
        let users = tx.users_after(after, limit, false).await?;
        tx.commit().await?;
        Ok(users)
    }

    /// Makes the search forms and the indexed values of some users those of a type, in one transaction; documents,
    /// versions and times stay. To be repeated with [`Reindexed::last`] until that is `None`.
    /// [`StoreError::Reconfigured`] when the tenant's layout is not `layout_version`, the type's, any more: what another
    /// node makes for a later one is not undone.
    pub async fn reindex_users(
        &self,
        kind: &ResourceType,
        layout_version: i64,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Reindexed, StoreError> {
        let tx = self.write().await?;
        if tx.held_layout().await? != Some(layout_version) {
            return Err(StoreError::Reconfigured);
        }
        let users = tx.users_after(after, limit, true).await?;
        let done = Reindexed { users: users.len() as u64, last: users.last().map(|user| user.id) };
        if users.is_empty() {
            return Ok(done);
        }
        let states: Vec<(UserId, UserState)> =
            users.into_iter().map(|user| (user.id, UserState::new(kind, user.document))).collect();
        for (id, state) in &states {
            tx.renew_search(*id, &state.search).await?;
        }
        tx.renew_values_of(&states).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Waits until every change that was under way has ended, so that what comes after sees all that was made by an
    /// earlier layout. [`StoreError::Unavailable`] after half a minute.
    pub async fn earlier_changes_end(&self) -> Result<(), StoreError> {
        if self.inner.backend == Backend::Sqlite {
            // One writer at a time: when it is our turn, none is under way.
            return self.write().await?.commit().await;
        }
        let bound = |sql: &'static str| async move {
            let tx = self.read().await?;
            let mut query = tx.sql();
            query.push(sql);
            let row = tx.one(query).await?.ok_or_else(|| unreadable("pg_current_snapshot", "no row"))?;
            let bound: i64 = row.try_get_by_index(0)?;
            tx.commit().await?;
            Ok::<i64, StoreError>(bound)
        };
        let end = bound("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").await?;
        let asked = Instant::now();
        while bound("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").await? < end {
            if asked.elapsed() > PATIENCE {
                return Err(waited_too_long());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Notes that all users have the search form and the indexed values of a layout; moves the epoch. `false` when the
    /// layout is another one by now.
    pub async fn finish_reindex(&self, layout_version: i64) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let row = tx.existing_row().await?;
        if row.layout_version != layout_version {
            return Ok(false);
        }
        if row.indexed_version != layout_version {
            tx.change_own_row(tenants::Model { indexed_version: layout_version, ..row }).await?;
            tx.commit_configuration().await?;
        }
        Ok(true)
    }
}

impl TenantTx {
    async fn users_after(
        &self,
        after: Option<UserId>,
        limit: u64,
        lock: bool,
    ) -> Result<Vec<User>, StoreError> {
        let mut sql = self.select(USERS);
        if let Some(after) = after {
            sql.add(" AND r.id > ?", [after.0.into()]);
        }
        sql.add(" ORDER BY r.id LIMIT ?", [i64::try_from(limit).unwrap_or(i64::MAX).into()]);
        if lock {
            sql.dialect(" FOR NO KEY UPDATE OF r", "");
        }
        self.all(sql).await?.iter().map(user).collect()
    }

    /// The tenant's layout, which stays so until the end: whoever saves a profile waits. Requests do not.
    async fn held_layout(&self) -> Result<Option<i64>, StoreError> {
        let mut sql = self.sql();
        sql.add("SELECT layout_version FROM tenants WHERE id = ?", [self.tenant_value()]);
        sql.dialect(" FOR SHARE", "");
        let row = self.one(sql).await?;
        row.map(|row| Ok(row.try_get_by_index(0)?)).transpose()
    }

    async fn renew_search(&self, id: UserId, search: &str) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.push("UPDATE users SET search = ").bind(search).dialect("::jsonb", "");
        sql.add(" WHERE tenant_id = ? AND id = ?", [self.tenant_value(), id.0.into()]);
        self.run(sql).await?;
        Ok(())
    }
}
