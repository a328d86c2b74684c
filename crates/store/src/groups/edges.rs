//! The edges between groups and members.
//!
//! Locks on PostgreSQL are always taken in this order: users, then groups, each by id. Whoever adds a user holds it
//! against deletion; all changes of one group wait for its row. So parallel changes neither lose an edge nor block
//! each other for good. SQLite has one writer at a time.

use std::collections::{HashMap, HashSet};

use scim_core::ResourceKind;
use sea_orm::QueryResult;
use uuid::Uuid;

use super::{
    Group,
    net::Net,
    read::{GROUPS, group},
};
use crate::{
    StoreError, UserId,
    events::{Edge, Effects, Grant, GroupName},
    tx::TenantTx,
};

/// What the ids of a change turned out to be; all of it is locked.
#[derive(Default)]
pub(super) struct Resolved {
    /// The group that changes.
    pub(super) group: Option<Group>,
    /// Live users to add.
    pub(super) users: HashSet<Uuid>,
    /// Live groups to add.
    pub(super) subgroups: HashSet<Uuid>,
    /// Ids to add that are neither, as they were named.
    pub(super) unknown: Vec<String>,
}

impl Group {
    /// As events name it.
    pub(super) fn name(&self) -> GroupName {
        GroupName { id: self.id.0, display: self.display_name.clone() }
    }
}

/// Takes an id as we write ids.
pub(super) fn parse(text: &str) -> Option<Uuid> {
    text.parse::<UserId>().ok().map(|id| id.0)
}

impl TenantTx {
    /// Finds and locks the members to add, and the group that changes.
    pub(super) async fn resolve(&self, net: &Net<'_>, id: Option<Uuid>) -> Result<Resolved, StoreError> {
        let wanted: HashSet<Uuid> = net.add.iter().filter_map(|text| parse(text)).collect();
        let users = self.lock_users(&wanted).await?;
        let rest: HashSet<Uuid> = wanted.difference(&users).copied().chain(id).collect();
        let mut groups = self.lock_groups(&rest).await?;
        let group = id.and_then(|id| groups.remove(&id));
        let subgroups: HashSet<Uuid> = groups.into_keys().collect();
        let is_known = |id: Uuid| users.contains(&id) || subgroups.contains(&id);
        let unknown = net.add.iter().filter(|text| !parse(text).is_some_and(is_known));
        let unknown = unknown.map(|text| (*text).to_owned()).collect();
        Ok(Resolved { group, users, subgroups, unknown })
    }

    async fn lock_users(&self, ids: &HashSet<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let mut sql = self.sql();
        sql.add(
            "SELECT r.id FROM users r WHERE r.tenant_id = ? AND r.deleted_at IS NULL AND ",
            [self.tenant_value()],
        );
        sql.is_one_of("r.id", ids).push(" ORDER BY r.id").dialect(" FOR SHARE OF r", "");
        self.all(sql).await?.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Live groups by id, locked against every other change of theirs.
    pub(super) async fn lock_groups(&self, ids: &HashSet<Uuid>) -> Result<HashMap<Uuid, Group>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = self.select(GROUPS);
        sql.push(" AND ")
            .is_one_of("r.id", ids)
            .push(" ORDER BY r.id")
            .dialect(" FOR NO KEY UPDATE OF r", "");
        let rows = self.all(sql).await?;
        rows.iter().map(|row| group(row).map(|group| (group.id.0, group))).collect()
    }

    /// Writes the real differences between the edges that are there and those asked for.
    pub(super) async fn move_edges(
        &self,
        name: &GroupName,
        net: &Net<'_>,
        resolved: &Resolved,
    ) -> Result<Effects, StoreError> {
        let left = self.remove_edges(name, net, resolved).await?;
        let mut effects = Effects { left, ..Effects::default() };
        for (kind, ids) in [(ResourceKind::User, &resolved.users), (ResourceKind::Group, &resolved.subgroups)]
        {
            effects.joined.extend(self.add_edges(name, kind, ids).await?);
        }
        Ok(effects)
    }

    async fn add_edges(
        &self,
        name: &GroupName,
        kind: ResourceKind,
        ids: &HashSet<Uuid>,
    ) -> Result<Vec<Edge>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = self.sql();
        sql.push("INSERT INTO members (tenant_id, group_id, member_id, ");
        sql.push(match kind {
            ResourceKind::User => "user_id",
            ResourceKind::Group => "subgroup_id",
        });
        sql.add(") SELECT ?, ?, x.id, x.id FROM ", [self.tenant_value(), name.id.into()]);
        sql.ids(ids).push(" AS x WHERE TRUE ON CONFLICT DO NOTHING RETURNING member_id, user_id");
        self.edges(sql, name).await
    }

    async fn remove_edges(
        &self,
        name: &GroupName,
        net: &Net<'_>,
        resolved: &Resolved,
    ) -> Result<Vec<Edge>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM members WHERE tenant_id = ? AND group_id = ? AND ",
            [self.tenant_value(), name.id.into()],
        );
        if net.exact {
            sql.push("member_id NOT IN ").ids(resolved.users.iter().chain(&resolved.subgroups));
        } else {
            let ids: Vec<Uuid> = net.remove.iter().filter_map(|text| parse(text)).collect();
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            sql.is_one_of("member_id", &ids);
        }
        sql.push(" RETURNING member_id, user_id");
        self.edges(sql, name).await
    }

    /// Runs a change of the edges of one group that gives `member_id, user_id`.
    pub(super) async fn edges(
        &self,
        sql: crate::statement::Sql,
        name: &GroupName,
    ) -> Result<Vec<Edge>, StoreError> {
        let edge = |row: &QueryResult| {
            let user: Option<Uuid> = row.try_get_by_index(1)?;
            let kind = if user.is_some() { ResourceKind::User } else { ResourceKind::Group };
            Ok(Edge { group: name.clone(), member: row.try_get_by_index(0)?, kind })
        };
        self.all(sql).await?.iter().map(edge).collect()
    }

    /// Ends all memberships of a user or group, and the grants that a user had by them. Each of its groups gets a new
    /// version. The member's own row is locked already.
    pub(crate) async fn end_memberships(
        &self,
        member: Uuid,
        kind: ResourceKind,
    ) -> Result<Effects, StoreError> {
        let groups = self.leave_groups(member).await?;
        let mut effects = Effects::default();
        if groups.is_empty() {
            return Ok(effects);
        }
        if kind == ResourceKind::User {
            effects.revoked = self.end_grants_of(member, &groups).await?;
        }
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM members WHERE tenant_id = ? AND member_id = ? RETURNING group_id",
            [self.tenant_value(), member.into()],
        );
        for row in self.all(sql).await? {
            let id: Uuid = row.try_get_by_index(0)?;
            if let Some(group) = groups.get(&id) {
                effects.left.push(Edge { group: group.clone(), member, kind });
            }
        }
        Ok(effects)
    }

    /// Locks the groups that a member is in and gives each a new version.
    async fn leave_groups(&self, member: Uuid) -> Result<HashMap<Uuid, GroupName>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT r.id FROM groups r WHERE r.tenant_id = ? AND r.id IN \
             (SELECT m.group_id FROM members m WHERE m.tenant_id = ? AND m.member_id = ?) ORDER BY r.id",
            [self.tenant_value(), self.tenant_value(), member.into()],
        );
        sql.dialect(" FOR NO KEY UPDATE OF r", "");
        let rows = self.all(sql).await?;
        let ids = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<HashSet<Uuid>, _>>()?;
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut sql = self.sql();
        sql.add(
            "UPDATE groups SET version = version + 1, updated_at = ? WHERE tenant_id = ? AND id IN ",
            [self.now.into(), self.tenant_value()],
        );
        // An edge may have gone while this waited for its group: that group has not changed by us.
        sql.push("(SELECT m.group_id FROM members m WHERE ");
        sql.add("m.tenant_id = ? AND m.member_id = ? AND ", [self.tenant_value(), member.into()]);
        sql.is_one_of("m.group_id", &ids).push(") RETURNING id, display_name");
        let name = |row: &QueryResult| {
            let id = row.try_get_by_index(0)?;
            Ok((id, GroupName { id, display: row.try_get_by_index(1)? }))
        };
        self.all(sql).await?.iter().map(name).collect()
    }

    async fn end_grants_of(
        &self,
        user: Uuid,
        groups: &HashMap<Uuid, GroupName>,
    ) -> Result<Vec<Grant>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM role_grants WHERE tenant_id = ? AND user_id = ? RETURNING group_id, role_key",
            [self.tenant_value(), user.into()],
        );
        let mut grants = Vec::new();
        for row in self.all(sql).await? {
            let id: Uuid = row.try_get_by_index(0)?;
            if let Some(group) = groups.get(&id) {
                grants.push(Grant { user, group: group.clone(), role: row.try_get_by_index(1)? });
            }
        }
        Ok(grants)
    }
}
