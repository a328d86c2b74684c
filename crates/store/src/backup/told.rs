//! That a backup was made, or put in place, is told in the installation's trail: all data went out by it, or came in.

use serde_json::{Value, json};

use super::{Head, Restored, Scope, Taken};
use crate::{ChangeContext, Platform, StoreError, record::Event};

impl Platform {
    /// Event `backup.made`, with the ids of the tenants if it is not everything. On a database in use.
    pub async fn note_backup(
        &self,
        taken: &Taken,
        scope: &Scope,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tenants = match scope {
            Scope::Installation => Value::Null,
            Scope::Tenants(ids) => json!(ids.iter().map(ToString::to_string).collect::<Vec<_>>()),
        };
        let rows: u64 = taken.tables.iter().map(|table| table.rows).sum();
        self.tell_of_backup(&taken.head, "backup.made", json!({ "tenants": tenants, "rows": rows }), context)
            .await
    }

    /// Event `backup.restored`, with the slug of the tenant if it was not everything.
    pub async fn note_restore(
        &self,
        restored: &Restored,
        tenant: Option<&str>,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let rows: u64 = restored.tables.iter().map(|table| table.rows).sum();
        let facts = json!({
            "slug": tenant, "rows": rows, "madeAt": restored.head.at,
            "installation": restored.head.installation.to_string(),
        });
        self.tell_of_backup(&restored.head, "backup.restored", facts, context).await
    }

    async fn tell_of_backup(
        &self,
        head: &Head,
        event: &'static str,
        facts: Value,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let event = Event {
            event,
            object_type: "Backup",
            object_id: head.installation.to_string(),
            object_version: 1,
            live_delta: None,
            payload: facts.into(),
        };
        tx.record(event, context).await?;
        tx.commit().await
    }
}
