//! The roles that a group gives its direct user members.

use scim_core::roles::Role;
use sea_orm::QueryResult;
use uuid::Uuid;

use crate::{
    StoreError,
    events::{Effects, Grant, GroupName},
    statement::Sql,
    tx::TenantTx,
};

impl TenantTx {
    /// Grants follow the edges that just changed; the group's roles are as before.
    pub(super) async fn follow_edges(
        &self,
        name: &GroupName,
        roles: &[Role],
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let left: Vec<Uuid> = effects.left.iter().map(|edge| edge.member).collect();
        if !left.is_empty() {
            let mut sql = self.end_grants(name);
            sql.push(" AND ").is_one_of("user_id", &left);
            effects.revoked.extend(self.grants(sql, name).await?);
        }
        let joined: Vec<Uuid> = effects.joined.iter().map(|edge| edge.member).collect();
        if !joined.is_empty() && !roles.is_empty() {
            let mut sql = self.new_grants(name, roles);
            sql.push(" AND ").is_one_of("m.member_id", &joined).push(" ON CONFLICT DO NOTHING");
            effects.granted.extend(self.grants(sql, name).await?);
        }
        Ok(())
    }

    /// Grants become what the group's roles and its edges say, whatever they were.
    pub(super) async fn follow_roles(
        &self,
        name: &GroupName,
        roles: &[Role],
        effects: &mut Effects,
    ) -> Result<(), StoreError> {
        let mut sql = self.end_grants(name);
        sql.push(" AND (role_key NOT IN ").texts(roles.iter().map(|role| role.key.as_str()));
        sql.push(" OR NOT EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = role_grants.tenant_id");
        sql.push(" AND m.group_id = role_grants.group_id AND m.member_id = role_grants.user_id))");
        effects.revoked.extend(self.grants(sql, name).await?);
        if !roles.is_empty() {
            let mut sql = self.new_grants(name, roles);
            sql.push(" ON CONFLICT DO NOTHING");
            effects.granted.extend(self.grants(sql, name).await?);
        }
        Ok(())
    }

    /// Ends all grants of a group.
    pub(super) async fn end_all_grants(&self, name: &GroupName) -> Result<Vec<Grant>, StoreError> {
        self.grants(self.end_grants(name), name).await
    }

    fn end_grants(&self, name: &GroupName) -> Sql {
        let mut sql = self.sql();
        sql.add(
            "DELETE FROM role_grants WHERE tenant_id = ? AND group_id = ?",
            [self.tenant_value(), name.id.into()],
        );
        sql
    }

    fn new_grants(&self, name: &GroupName, roles: &[Role]) -> Sql {
        let mut sql = self.sql();
        sql.add(
            "INSERT INTO role_grants (tenant_id, user_id, group_id, role_key) \
             SELECT m.tenant_id, m.user_id, m.group_id, ro.key FROM members m \
             JOIN roles ro ON ro.tenant_id = m.tenant_id \
             WHERE m.tenant_id = ? AND m.group_id = ? AND m.user_id IS NOT NULL AND ro.key IN ",
            [self.tenant_value(), name.id.into()],
        );
        sql.texts(roles.iter().map(|role| role.key.as_str()));
        sql
    }

    async fn grants(&self, mut sql: Sql, name: &GroupName) -> Result<Vec<Grant>, StoreError> {
        sql.push(" RETURNING user_id, role_key");
        let grant = |row: &QueryResult| {
            let (user, role) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            Ok(Grant { user, group: name.clone(), role })
        };
        self.all(sql).await?.iter().map(grant).collect()
    }
}
