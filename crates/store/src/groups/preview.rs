//! What another mapping would do to people's roles, without doing it.

use std::collections::HashMap;

use scim_core::roles::Role;

use super::RolesOf;
use crate::{StoreError, TenantScope, statement::Sql, tx::TenantTx};

/// What a change would do to the people who have a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChange {
    /// The role, spelled as the catalogue of the tenant has it.
    pub role: Role,
    /// People who do not have it and would; somebody who would have it through two groups counts once.
    pub gain: u64,
    /// People who have it and would not, through any group.
    pub lose: u64,
}

impl TenantScope {
    /// The roles that people would gain or lose if groups gave these, by key; nothing changes. It is counted inside the
    /// database: only groups are read, never members. Where the terms protect roles it is refused as the change itself would
    /// be: [`StoreError::LastHolder`].
    pub async fn preview_roles(&self, roles_of: RolesOf<'_>) -> Result<Vec<RoleChange>, StoreError> {
        let tx = self.read().await?;
        let (mut wanted, mut names) = (Vec::new(), HashMap::new());
        for group in tx.all_groups(false).await? {
            for Role { key, name } in roles_of(&group.name.display, group.external_id.as_deref()) {
                wanted.push((group.name.id.simple().to_string(), key.clone()));
                names.entry(key).or_insert(name);
            }
        }
        let mut sql = tx.sql();
        write_differences(&tx, &mut sql, &wanted);
        let mut changes = Vec::new();
        for row in tx.all(sql).await? {
            let (key, kept): (String, Option<String>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let count = |column| -> Result<u64, StoreError> {
                let count: i64 = row.try_get_by_index(column)?;
                Ok(u64::try_from(count).unwrap_or_default())
            };
            let (gain, lose) = (count(2)?, count(3)?);
            let name = kept.or_else(|| names.remove(&key)).unwrap_or_else(|| key.clone());
            changes.push(RoleChange { role: Role { key, name }, gain, lose });
        }
        let lost = changes.iter().filter(|change| change.lose > 0).map(|change| change.role.key.as_str());
        let lost: Vec<&str> = lost.filter(|key| tx.terms.protected.iter().any(|kept| kept == key)).collect();
        if !lost.is_empty()
            && let Some(role) = tx.one(without_holder(&tx, &wanted, &lost)).await?
        {
            return Err(StoreError::LastHolder(role.try_get_by_index(0)?));
        }
        tx.commit().await?;
        Ok(changes)
    }
}

/// Begins a query: who would have which role, and who has.
fn write_both(tx: &TenantTx, sql: &mut Sql, wanted: &[(String, String)]) {
    sql.push("WITH after AS (SELECT DISTINCT m.user_id, w.b AS role_key FROM members m JOIN ");
    sql.pairs(wanted).push(" AS w ON ").dialect("w.a::uuid", "unhex(w.a)");
    sql.add(
        " = m.group_id WHERE m.tenant_id = ? AND m.user_id IS NOT NULL), \
         before AS (SELECT DISTINCT rg.user_id, rg.role_key FROM role_grants rg WHERE rg.tenant_id = ?)",
        [tx.tenant_value(), tx.tenant_value()],
    );
}

/// The name of the first of these roles that an active user has, and none would.
fn without_holder(tx: &TenantTx, wanted: &[(String, String)], keys: &[&str]) -> Sql {
    let mut sql = tx.sql();
    write_both(tx, &mut sql, wanted);
    sql.add(" SELECT ro.name FROM roles ro WHERE ro.tenant_id = ? AND ro.key IN ", [tx.tenant_value()]);
    sql.texts(keys.iter().copied()).add(
        " AND EXISTS (SELECT 1 FROM before b JOIN users u ON u.tenant_id = ? AND u.id = b.user_id \
         WHERE b.role_key = ro.key AND u.active AND u.deleted_at IS NULL) \
         AND NOT EXISTS (SELECT 1 FROM after a JOIN users u ON u.tenant_id = ? AND u.id = a.user_id \
         WHERE a.role_key = ro.key AND u.active AND u.deleted_at IS NULL) ORDER BY ro.key",
        [tx.tenant_value(), tx.tenant_value()],
    );
    sql.by_code_point();
    sql.push(" LIMIT 1");
    sql
}

/// Appends a query for role key, kept name, people who gain and people who lose.
fn write_differences(tx: &TenantTx, sql: &mut Sql, wanted: &[(String, String)]) {
    write_both(tx, sql, wanted);
    sql.add(
        ", \
         moved AS (\
         SELECT g.role_key, 1 AS gain, 0 AS lose FROM \
         (SELECT user_id, role_key FROM after EXCEPT SELECT user_id, role_key FROM before) AS g \
         UNION ALL \
         SELECT l.role_key, 0, 1 FROM \
         (SELECT user_id, role_key FROM before EXCEPT SELECT user_id, role_key FROM after) AS l) \
         SELECT x.role_key, ro.name, SUM(x.gain), SUM(x.lose) FROM moved x \
         LEFT JOIN roles ro ON ro.tenant_id = ? AND ro.key = x.role_key \
         GROUP BY x.role_key, ro.name ORDER BY x.role_key",
        [tx.tenant_value()],
    );
    sql.by_code_point();
}
