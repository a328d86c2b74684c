//! Computing all grants anew after the role mapping changed.

use std::collections::HashMap;

use scim_core::roles::Role;
use sea_orm::QueryResult;
use uuid::Uuid;

use crate::{
    ChangeContext, StoreError, TenantScope,
    events::{Effects, Grant, GroupName},
    statement::Sql,
    tx::TenantTx,
};

impl TenantScope {
    /// Recomputes the grants of all groups after the mapping changed; `roles_of` gives a group's roles by displayName.
    /// Gives the number of grants added and removed.
    pub async fn remap_roles(
        &self,
        roles_of: &(dyn Fn(&str) -> Vec<Role> + Send + Sync),
        context: &ChangeContext,
    ) -> Result<(u64, u64), StoreError> {
        let tx = self.write().await?;
        let groups = tx.lock_all_groups().await?;
        let (mut roles, mut wanted) = (Vec::new(), Vec::new());
        for group in &groups {
            for role in roles_of(&group.display) {
                wanted.push((group.id.simple().to_string(), role.key.clone()));
                roles.push(role);
            }
        }
        tx.ensure_roles(&roles).await?;
        let names: HashMap<Uuid, GroupName> = groups.into_iter().map(|group| (group.id, group)).collect();
        let effects = Effects {
            revoked: tx.end_unwanted(&wanted, &names).await?,
            granted: tx.grant_wanted(&wanted, &names).await?,
            ..Effects::default()
        };
        let events = tx.effect_events(&effects).await?;
        tx.record(events, context).await?;
        tx.commit().await?;
        Ok((effects.granted.len() as u64, effects.revoked.len() as u64))
    }
}

impl TenantTx {
    /// All live groups, oldest first, locked against every other change of theirs.
    async fn lock_all_groups(&self) -> Result<Vec<GroupName>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT r.id, r.display_name FROM groups r \
             WHERE r.tenant_id = ? AND r.deleted_at IS NULL ORDER BY r.id",
            [self.tenant_value()],
        );
        sql.dialect(" FOR NO KEY UPDATE OF r", "");
        let name = |row: &QueryResult| {
            Ok(GroupName { id: row.try_get_by_index(0)?, display: row.try_get_by_index(1)? })
        };
        self.all(sql).await?.iter().map(name).collect()
    }

    /// `wanted`: group id and role key.
    async fn end_unwanted(
        &self,
        wanted: &[(String, String)],
        names: &HashMap<Uuid, GroupName>,
    ) -> Result<Vec<Grant>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM role_grants WHERE tenant_id = ? AND (group_id, role_key) NOT IN (SELECT ",
            [self.tenant_value()],
        );
        sql.dialect("w.a::uuid", "unhex(w.a)").push(", w.b FROM ").pairs(wanted).push(" AS w)");
        self.mapped_grants(sql, names).await
    }

    async fn grant_wanted(
        &self,
        wanted: &[(String, String)],
        names: &HashMap<Uuid, GroupName>,
    ) -> Result<Vec<Grant>, StoreError> {
        let mut sql = self.sql();
        sql.push(
            "INSERT INTO role_grants (tenant_id, user_id, group_id, role_key) \
             SELECT m.tenant_id, m.user_id, m.group_id, w.b FROM members m JOIN ",
        );
        sql.pairs(wanted).push(" AS w ON ").dialect("w.a::uuid", "unhex(w.a)");
        sql.add(
            " = m.group_id WHERE m.tenant_id = ? AND m.user_id IS NOT NULL ON CONFLICT DO NOTHING",
            [self.tenant_value()],
        );
        self.mapped_grants(sql, names).await
    }

    async fn mapped_grants(
        &self,
        mut sql: Sql,
        names: &HashMap<Uuid, GroupName>,
    ) -> Result<Vec<Grant>, StoreError> {
        sql.push(" RETURNING user_id, group_id, role_key");
        let grant = |row: &QueryResult| {
            let id: Uuid = row.try_get_by_index(1)?;
            let unnamed = || GroupName { id, display: String::new() };
            let group = names.get(&id).cloned().unwrap_or_else(unnamed);
            Ok(Grant { user: row.try_get_by_index(0)?, group, role: row.try_get_by_index(2)? })
        };
        self.all(sql).await?.iter().map(grant).collect()
    }
}
