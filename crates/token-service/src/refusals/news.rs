//! How many entries strangers may cause in the audit trail of a tenant: it is kept for ever, and whoever tries many user
//! names, or comes from many addresses, is news again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use moka::future::Cache;
use store::TenantId;

/// Entries of one tenant within [`WHILE`], of this node.
pub(super) const MOST: u32 = 20;
/// See [`MOST`].
const WHILE: Duration = Duration::from_secs(3600);
/// Tenants that are counted; the least frequent go first.
const CAPACITY: u64 = 10_000;

/// See the module.
pub(super) struct News {
    told: Cache<TenantId, Arc<AtomicU32>>,
}

impl Default for News {
    fn default() -> Self {
        Self { told: Cache::builder().max_capacity(CAPACITY).time_to_live(WHILE).build() }
    }
}

impl News {
    /// Is there room for one more entry? It counts as made then.
    pub(super) async fn has_room(&self, tenant: TenantId) -> bool {
        let told = self.told.get_with(tenant, async { Arc::default() }).await;
        told.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |told| (told < MOST).then_some(told + 1))
            .is_ok()
    }
}
