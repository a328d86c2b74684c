//! Computing all grants anew after the role mapping changed.

use std::collections::{BTreeSet, HashMap};

use sea_orm::QueryResult;
use uuid::Uuid;

use super::RolesOf;
use crate::{
    ChangeContext, StoreError, TenantScope,
    events::{Effects, Grant, GroupName},
    statement::Sql,
    tx::TenantTx,
};

/// Groups whose grants are moved by one statement: no more of them are in memory at once.
const GROUPS_AT_ONCE: usize = 50;

/// A group as far as mappings look at it.
pub(super) struct MappedGroup {
    pub(super) name: GroupName,
    pub(super) external_id: Option<String>,
}

impl TenantScope {
    /// Recomputes the grants of all groups after the mapping changed. Gives the number of grants added and removed.
    pub async fn remap_roles(
        &self,
        roles_of: RolesOf<'_>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), StoreError> {
        let tx = self.write().await?;
        let moved = tx.remap(roles_of, context).await?;
        tx.commit().await?;
        Ok(moved)
    }
}

impl TenantTx {
    /// Makes all grants those that the groups' roles say; writes their events. Gives how many were added and removed.
    pub(crate) async fn remap(
        &self,
        roles_of: RolesOf<'_>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), StoreError> {
        self.hold_mapping_alone().await?;
        let groups = self.all_groups(true).await?;
        let mut now = self.roles_by_group().await?;
        let (mut roles, mut changing) = (Vec::new(), Vec::new());
        for group in groups {
            let given = roles_of(&group.name.display, group.external_id.as_deref());
            let keys: BTreeSet<String> = given.iter().map(|role| role.key.clone()).collect();
            if now.remove(&group.name.id).unwrap_or_default() != keys {
                changing.push((group.name, keys));
                roles.extend(given);
            }
        }
        // What is left there belongs to no live group.
        let orphans = now.into_keys().map(|id| (GroupName { id, display: String::new() }, BTreeSet::new()));
        changing.extend(orphans);
        self.ensure_roles(&roles).await?;
        let (mut added, mut removed, mut taken) = (0, 0, Vec::new());
        for groups in changing.chunks(GROUPS_AT_ONCE) {
            let effects = self.remap_some(groups).await?;
            added += effects.granted.len() as u64;
            removed += effects.revoked.len() as u64;
            let events = self.effect_events(&effects).await?;
            self.record(events, context).await?;
            let is_protected = |grant: &Grant| self.terms.protected.contains(&grant.role);
            taken.extend(effects.revoked.into_iter().filter(is_protected));
        }
        self.keep_holders(&taken).await?;
        Ok((added, removed))
    }

    /// All live groups, oldest first; locked against every other change of theirs where it is asked for.
    pub(super) async fn all_groups(&self, lock: bool) -> Result<Vec<MappedGroup>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT r.id, r.display_name, r.external_id FROM groups r \
             WHERE r.tenant_id = ? AND r.deleted_at IS NULL ORDER BY r.id",
            [self.tenant_value()],
        );
        if lock {
            sql.dialect(" FOR NO KEY UPDATE OF r", "");
        }
        let mapped = |row: &QueryResult| {
            let name = GroupName { id: row.try_get_by_index(0)?, display: row.try_get_by_index(1)? };
            Ok(MappedGroup { name, external_id: row.try_get_by_index(2)? })
        };
        self.all(sql).await?.iter().map(mapped).collect()
    }

    /// Keys of the roles that each group's members have through it.
    async fn roles_by_group(&self) -> Result<HashMap<Uuid, BTreeSet<String>>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT DISTINCT rg.group_id, rg.role_key FROM role_grants rg WHERE rg.tenant_id = ?",
            [self.tenant_value()],
        );
        let mut roles: HashMap<Uuid, BTreeSet<String>> = HashMap::new();
        for row in self.all(sql).await? {
            roles.entry(row.try_get_by_index(0)?).or_default().insert(row.try_get_by_index(1)?);
        }
        Ok(roles)
    }

    /// Makes the grants of some groups those of these roles.
    async fn remap_some(&self, groups: &[(GroupName, BTreeSet<String>)]) -> Result<Effects, StoreError> {
        let names: HashMap<Uuid, &GroupName> = groups.iter().map(|(name, _)| (name.id, name)).collect();
        let mut wanted = Vec::new();
        for (name, keys) in groups {
            wanted.extend(keys.iter().map(|key| (name.id.simple().to_string(), key.clone())));
        }
        Ok(Effects {
            revoked: self.end_unwanted(&wanted, &names).await?,
            granted: self.grant_wanted(&wanted, &names).await?,
            ..Effects::default()
        })
    }

    /// `wanted`: group id and role key.
    async fn end_unwanted(
        &self,
        wanted: &[(String, String)],
        names: &HashMap<Uuid, &GroupName>,
    ) -> Result<Vec<Grant>, StoreError> {
        let mut sql = self.sql();
        sql.add("DELETE FROM role_grants WHERE tenant_id = ? AND ", [self.tenant_value()]);
        sql.is_one_of("group_id", names.keys()).push(" AND (group_id, role_key) NOT IN (SELECT ");
        sql.dialect("w.a::uuid", "unhex(w.a)").push(", w.b FROM ").pairs(wanted).push(" AS w)");
        self.mapped_grants(sql, names).await
    }

    async fn grant_wanted(
        &self,
        wanted: &[(String, String)],
        names: &HashMap<Uuid, &GroupName>,
    ) -> Result<Vec<Grant>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
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
        names: &HashMap<Uuid, &GroupName>,
    ) -> Result<Vec<Grant>, StoreError> {
        sql.push(" RETURNING user_id, group_id, role_key");
        let grant = |row: &QueryResult| {
            let id: Uuid = row.try_get_by_index(1)?;
            let group = names
                .get(&id)
                .map_or_else(|| GroupName { id, display: String::new() }, |name| (*name).clone());
            Ok(Grant { user: row.try_get_by_index(0)?, group, role: row.try_get_by_index(2)? })
        };
        self.all(sql).await?.iter().map(grant).collect()
    }
}
