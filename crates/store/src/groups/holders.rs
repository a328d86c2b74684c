//! Protected roles: somebody must have them.

use std::collections::BTreeSet;

use sea_orm::QueryResult;
use uuid::Uuid;

use crate::{StoreError, events::Grant, tx::TenantTx};

impl TenantTx {
    /// Refuses a change that has ended these grants when by it a protected role was taken from the last active user who
    /// had it: [`StoreError::LastHolder`]. To be asked after all else that the change does to grants.
    pub(crate) async fn keep_holders(&self, revoked: &[Grant]) -> Result<(), StoreError> {
        let is_protected = |grant: &&Grant| self.terms.protected.contains(&grant.role);
        let keys: BTreeSet<&str> =
            revoked.iter().filter(is_protected).map(|grant| grant.role.as_str()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        self.lock_roles(&keys).await?;
        for (key, name) in self.without_holder(&keys).await? {
            let former = revoked.iter().filter(|grant| grant.role == key).map(|grant| grant.user);
            if self.any_active(&former.collect()).await? {
                return Err(StoreError::LastHolder(name));
            }
        }
        Ok(())
    }

    /// Whoever takes one of these roles from somebody else at the same time waits here, and sees what was done.
    async fn lock_roles(&self, keys: &BTreeSet<&str>) -> Result<(), StoreError> {
        let mut sql = self.sql();
        sql.add("SELECT r.key FROM roles r WHERE r.tenant_id = ? AND r.key IN ", [self.tenant_value()]);
        sql.texts(keys.iter().copied()).push(" ORDER BY r.key").by_code_point();
        sql.dialect(" FOR NO KEY UPDATE OF r", "");
        self.all(sql).await?;
        Ok(())
    }

    /// Keys and names of those roles that no active user has.
    async fn without_holder(&self, keys: &BTreeSet<&str>) -> Result<Vec<(String, String)>, StoreError> {
        let mut sql = self.sql();
        sql.add(
            "SELECT ro.key, ro.name FROM roles ro WHERE ro.tenant_id = ? AND ro.key IN ",
            [self.tenant_value()],
        );
        sql.texts(keys.iter().copied()).push(
            " AND NOT EXISTS (SELECT 1 FROM role_grants rg \
             JOIN users u ON u.tenant_id = rg.tenant_id AND u.id = rg.user_id \
             WHERE rg.tenant_id = ro.tenant_id AND rg.role_key = ro.key AND u.active AND u.deleted_at IS NULL \
             LIMIT 1) ORDER BY ro.key",
        );
        let rows = self.all(sql).await?;
        let named = |row: &QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        rows.iter().map(named).collect()
    }

    /// Is one of these users active, hidden by this change or not?
    async fn any_active(&self, ids: &BTreeSet<Uuid>) -> Result<bool, StoreError> {
        let mut sql = self.sql();
        sql.add("SELECT u.id FROM users u WHERE u.tenant_id = ? AND u.active AND ", [self.tenant_value()]);
        sql.is_one_of("u.id", ids).push(" LIMIT 1");
        Ok(self.one(sql).await?.is_some())
    }
}
