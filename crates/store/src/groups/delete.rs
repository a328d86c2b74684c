//! Deleting a group.

use std::collections::HashSet;

use scim_core::ResourceKind;
use uuid::Uuid;

use super::write::group_event;
use crate::{ChangeContext, GroupId, StoreError, TenantScope, tx::TenantTx};

impl TenantScope {
    /// Hides a group: its edges and the grants it gave end; its members stay. `false` when there is none. Events
    /// `group.deleted`, and each member's `membership.removed` and `role.revoked`.
    pub async fn delete_group(
        &self,
        id: GroupId,
        expected: Option<i64>,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write_grants().await?;
        let family = tx.with_parents(id.0).await?;
        let Some(mut group) = tx.lock_groups(&family).await?.remove(&id.0) else { return Ok(false) };
        if expected.is_some_and(|version| version != group.version) {
            return Err(StoreError::Stale);
        }
        let name = group.name();
        let mut effects = tx.end_memberships(id.0, ResourceKind::Group).await?;
        effects.revoked = tx.end_all_grants(&name).await?;
        tx.keep_holders(&effects.revoked).await?;
        let mut sql = tx.sql();
        sql.add(
            "DELETE FROM members WHERE tenant_id = ? AND group_id = ? RETURNING member_id, user_id",
            [tx.tenant_value(), id.0.into()],
        );
        effects.left.extend(tx.edges(sql, &name).await?);
        tx.hide_group(id).await?;
        group.version += 1;

        let mut events = tx.effect_events(&effects).await?;
        events.push(group_event("group.deleted", &group, None, Some(&group.document)));
        tx.record(events, context).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl TenantTx {
    /// A group and those it is a member of: all get a new version, so all are locked at once.
    async fn with_parents(&self, id: Uuid) -> Result<HashSet<Uuid>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT m.group_id FROM members m WHERE m.tenant_id = ? AND m.member_id = ?",
            [self.tenant_value(), id.into()],
        );
        let rows = self.all(sql).await?;
        let mut family =
            rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<HashSet<Uuid>, _>>()?;
        family.insert(id);
        Ok(family)
    }

    async fn hide_group(&self, id: GroupId) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.add(
            "UPDATE groups SET deleted_at = ?, updated_at = ?, version = version + 1 \
             WHERE tenant_id = ? AND id = ? AND deleted_at IS NULL",
            [self.now.into(), self.now.into(), self.tenant_value(), id.0.into()],
        );
        self.run(sql).await?;
        Ok(())
    }
}
