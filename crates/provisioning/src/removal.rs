//! The end of a tenant: deleted by a person, restored by one, purged when its time is over.

use store::{Actor, ActorKind, ChangeContext, StoreError, TenantId, tenants::PurgedRows};

use crate::{Tenant, TenantDirectory, attempts::whole, configuration::ConfigurationError};

/// Days for which a deleted tenant can be restored, where nobody says otherwise.
pub const RETENTION_DAYS: u32 = 30;

const HOUR: i64 = 3_600_000;
/// Tenants purged in one round.
const TENANTS: u64 = 100;
/// Rows removed in one transaction.
const ROWS: u64 = 1_000;

impl TenantDirectory {
    /// Deletes a tenant. It is there for nobody from now on, by whatever door, in every node within a second: its
    /// credentials are refused as unknown ones are. It can be restored until it is purged. `typed` is what the person who
    /// asks for it has typed to confirm: the slug, or nothing is done and the error says so.
    pub async fn delete(
        &self,
        tenant: &Tenant,
        typed: &str,
        context: &ChangeContext,
    ) -> Result<(), ConfigurationError> {
        if typed.trim() != tenant.row.slug {
            return Err(ConfigurationError::Unfit(format!(
                "confirm: that is not {}, so nothing was deleted; type the slug exactly as it is shown",
                tenant.row.slug
            )));
        }
        let platform = self.store().platform();
        whole(|| platform.delete_tenant(tenant.id(), context)).await?;
        Ok(())
    }

    /// Brings a deleted tenant back as it was, but inactive; gives its slug. `None` when there is none of that id, or its
    /// purge has begun.
    pub async fn restore(&self, id: TenantId, context: &ChangeContext) -> Result<Option<String>, StoreError> {
        let platform = self.store().platform();
        if !whole(|| platform.restore_tenant(id, context)).await? {
            return Ok(None);
        }
        Ok(self.by_id(id).await?.map(|tenant| tenant.row.slug.clone()))
    }

    /// Purges tenants whose retention is over (an hour at least, so that nobody still works with them): row by row in small steps, so that it may be broken off at any time, and several nodes may do it at once. Gives the
    /// number of tenants that are purged now. One that cannot be purged is told in the log and tried again.
    pub async fn purge_deleted(&self) -> Result<u64, StoreError> {
        let platform = self.store().platform();
        let days = self.retention_days();
        let until = self.store().now() - (i64::from(days) * 24 * HOUR).max(HOUR);
        let context = by_itself(days);
        let mut purged = 0;
        for id in platform.begin_purges(until, TENANTS).await? {
            match self.purge(id, &context).await {
                Ok(done) => purged += u64::from(done),
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(tenant = %id, %error, "a deleted tenant could not be purged; this is tried again");
                }
            }
        }
        Ok(purged)
    }

    async fn purge(&self, id: TenantId, context: &ChangeContext) -> Result<bool, StoreError> {
        let scope = self.store().tenant(id);
        let mut rows = PurgedRows::new();
        loop {
            let gone = whole(|| scope.purge_some(ROWS)).await?;
            if gone.is_empty() {
                break;
            }
            for (table, gone) in gone {
                *rows.entry(table).or_default() += gone;
            }
        }
        self.store().platform().end_purge(id, &rows, context).await
    }
}

fn by_itself(days: u32) -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::System, id: String::new(), name: "Rollcall".to_owned() },
        cause: format!("tenant-retention-days = {days}"),
    }
}
