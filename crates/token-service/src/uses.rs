//! Last uses of credentials: noted in memory, written in batches, so that a request costs no write.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use store::{CredentialId, Store, StoreError, TenantId, credentials::CredentialUse};

/// Longest note of where a use came from, in characters.
const FROM_LENGTH: usize = 200;

type Notes = HashMap<TenantId, HashMap<CredentialId, CredentialUse>>;

/// Uses that are not written yet: the newest of each credential.
#[derive(Default)]
pub(crate) struct Uses {
    notes: Mutex<Notes>,
}

impl Uses {
    /// Notes a use; the newest wins.
    pub(crate) fn note(&self, tenant: TenantId, id: CredentialId, at: i64, from: &str) {
        let from = origin(from);
        keep(&mut self.lock(), tenant, CredentialUse { id, at, from });
    }

    /// Writes all notes, a tenant at a time. What could not be written because the database was away is kept for the
    /// next time; other faults are one tenant's and do not stop the rest.
    pub(crate) async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let notes = std::mem::take(&mut *self.lock());
        let mut outcome = Ok(());
        let mut away = false;
        for (tenant, uses) in notes {
            let uses: Vec<CredentialUse> = uses.into_values().collect();
            if !away {
                match store.tenant(tenant).note_uses(&uses).await {
                    Ok(()) => continue,
                    Err(error) => {
                        away = matches!(error, StoreError::Unavailable(_));
                        outcome = Err(error);
                    }
                }
            }
            if away {
                let mut notes = self.lock();
                uses.into_iter().for_each(|one| keep(&mut notes, tenant, one));
            }
        }
        outcome
    }

    /// A panic while the lock was held cannot have broken the map: every change to it is one insert.
    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a use came from, as it is kept.
pub(crate) fn origin(from: &str) -> String {
    from.chars().filter(|ch| !ch.is_control()).take(FROM_LENGTH).collect()
}

fn keep(notes: &mut Notes, tenant: TenantId, one: CredentialUse) {
    let uses = notes.entry(tenant).or_default();
    if uses.get(&one.id).is_none_or(|kept| kept.at <= one.at) {
        uses.insert(one.id, one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_use_is_kept_and_its_origin_is_cut() {
        let uses = Uses::default();
        let (tenant, id) = (TenantId::generate(), CredentialId::generate());
        uses.note(tenant, id, 2, &format!("10.0.0.1 Okta\n{}", "x".repeat(500)));
        uses.note(tenant, id, 1, "older");
        let notes = uses.lock();
        let kept = &notes[&tenant][&id];
        assert_eq!((kept.at, kept.from.chars().count()), (2, FROM_LENGTH));
        assert!(kept.from.starts_with("10.0.0.1 Oktaxx"));
    }
}
