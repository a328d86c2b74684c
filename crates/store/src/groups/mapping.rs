//! Changes of grants and a change of the mapping never meet.
//!
//! The roles of a group are computed by a node that may learn a second late of another mapping. So whoever changes
//! grants holds the mapping, together with others who do, and looks whether it is the one that the roles came from; who
//! computes all grants anew holds it alone. SQLite has one writer at a time.

use crate::{StoreError, TenantScope, store::Backend, tx::TenantTx};

impl TenantScope {
    /// Begins a change of groups or grants. [`StoreError::Reconfigured`] when the mapping is not that of the terms.
    pub(super) async fn write_grants(&self) -> Result<TenantTx, StoreError> {
        let tx = self.write().await?;
        if let Some(expected) = self.terms.mapping_version {
            tx.hold_mapping("SELECT pg_advisory_xact_lock_shared(?)").await?;
            if tx.mapping_version().await? != Some(expected) {
                return Err(StoreError::Reconfigured);
            }
        }
        Ok(tx)
    }
}

impl TenantTx {
    /// Waits until nobody changes grants, and keeps everybody from it until the end.
    pub(super) async fn hold_mapping_alone(&self) -> Result<(), StoreError> {
        self.hold_mapping("SELECT pg_advisory_xact_lock(?)").await
    }

    async fn hold_mapping(&self, lock: &'static str) -> Result<(), StoreError> {
        if self.backend == Backend::Postgres {
            let mut sql = self.sql();
            sql.add(lock, [lock_key(self.tenant).into()]);
            self.all(sql).await?;
        }
        Ok(())
    }

    async fn mapping_version(&self) -> Result<Option<i64>, StoreError> {
        let mut sql = self.sql();
        sql.add("SELECT mapping_version FROM tenants WHERE id = ?", [self.tenant_value()]);
        let row = self.one(sql).await?;
        row.map(|row| Ok(row.try_get_by_index(0)?)).transpose()
    }
}

/// A tenant's number among advisory locks; two tenants that share one wait for each other and do no harm.
pub(super) fn lock_key(tenant: uuid::Uuid) -> i64 {
    let (high, low) = tenant.as_u64_pair();
    i64::from_ne_bytes((high ^ low).to_ne_bytes())
}
