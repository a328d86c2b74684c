//! What operators see of the store: its connections, and the events that nobody is told of yet.

use uuid::Uuid;

use crate::{Store, StoreError, TenantId, at_hand::AtHand, trail::Owner};

/// Tenants whose entries are counted at most.
const TENANTS: usize = 20;

/// Entries of a tenant that are counted at most.
const COUNTED: i64 = 10_000;

/// Connections that requests share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Open and free.
    pub idle: u32,
    /// In use.
    pub used: u32,
    /// How many there may be.
    pub max: u32,
}

/// Entries that are committed and have no number yet, and so events that nobody is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unnumbered {
    /// So many, or more than are counted.
    pub entries: u64,
    /// When the oldest was made, in milliseconds.
    pub oldest_at: Option<i64>,
}

impl Store {
    /// The connections as they are now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let inner = &self.inner;
        let (open, idle, max) = match &inner.at_hand {
            AtHand::Postgres(shelf) => {
                let pool = inner.db.get_postgres_connection_pool();
                (pool.size(), pool.num_idle() + shelf.idle_count(), pool.options().get_max_connections())
            }
            AtHand::Sqlite(_) => {
                let pool = inner.db.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle(), pool.options().get_max_connections())
            }
        };
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
        Connections { idle, used: open - idle, max }
    }

    /// What waits for its number, of up to 20 tenants.
    pub async fn unnumbered(&self) -> Result<Unnumbered, StoreError> {
        let mut found = Unnumbered::default();
        for tenant in self.tenants_to_number(Uuid::nil()).await?.into_iter().take(TENANTS) {
            let tx = self.tenant(TenantId(tenant)).read().await?;
            let mut sql = tx.sql();
            sql.push("SELECT COUNT(*), MIN(x.at) FROM (SELECT a.at");
            Owner::Tenant(tenant).unnumbered(&mut sql).push(" LIMIT ").bind(COUNTED).push(") x");
            if let Some(row) = tx.one(sql).await? {
                found.entries += row.try_get_by_index::<i64>(0)?.unsigned_abs();
                let oldest: Option<i64> = row.try_get_by_index(1)?;
                found.oldest_at = found.oldest_at.into_iter().chain(oldest).min();
            }
            tx.commit().await?;
        }
        Ok(found)
    }
}
