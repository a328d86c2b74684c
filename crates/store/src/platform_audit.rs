//! The audit trail of the installation: what is about no tenant.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use uuid::Uuid;

use crate::{
    ChangeContext, Platform, StoreError,
    audit::Record,
    change::Actor,
    entity::platform_audit,
    error::unreadable,
    record::Event,
    tx::PlatformTx,
    words::{self, word},
};

impl PlatformTx {
    /// Appends an event, in the transaction of its change.
    pub(crate) async fn record(&self, event: Event, context: &ChangeContext) -> Result<(), StoreError> {
        let row = platform_audit::ActiveModel {
            id: Set(Uuid::now_v7()),
            event: Set(event.event.to_owned()),
            object_type: Set(event.object_type.to_owned()),
            object_id: Set(event.object_id),
            object_version: Set(event.object_version),
            actor_kind: Set(word("actor_kind", context.actor.kind)?),
            actor_id: Set(context.actor.id.clone()),
            actor_name: Set(context.actor.name.clone()),
            cause: Set(context.cause.clone()),
            at: Set(self.now),
            payload: Set(event.payload.to_string()),
            ..Default::default()
        };
        self.note_recorded();
        platform_audit::Entity::insert(row).exec_without_returning(&self.db).await?;
        Ok(())
    }
}

impl Platform {
    /// What happened to the installation, newest first; to one object if given.
    pub async fn audit(&self, object_id: Option<&str>, limit: u64) -> Result<Vec<Record>, StoreError> {
        self.audit_before(None, object_id, limit).await
    }

    /// As [`Self::audit`], of what is older than this entry.
    pub async fn audit_before(
        &self,
        entry: Option<Uuid>,
        object_id: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Record>, StoreError> {
        let mut query = platform_audit::Entity::find().order_by_desc(platform_audit::Column::Id).limit(limit);
        if let Some(entry) = entry {
            query = query.filter(platform_audit::Column::Id.lt(entry));
        }
        if let Some(object_id) = object_id {
            query = query.filter(platform_audit::COLUMN.object_id.eq(object_id));
        }
        query.all(&self.inner.db).await?.into_iter().map(record).collect()
    }
}

fn record(row: platform_audit::Model) -> Result<Record, StoreError> {
    let payload = serde_json::from_str(&row.payload);
    Ok(Record {
        id: row.id,
        event: row.event,
        object_type: row.object_type,
        object_id: row.object_id,
        object_version: row.object_version,
        actor: Actor {
            kind: words::value("actor_kind", row.actor_kind)?,
            id: row.actor_id,
            name: row.actor_name,
        },
        cause: row.cause,
        at: row.at,
        payload: Some(payload.map_err(|error| unreadable("platform_audit.payload", error))?),
    })
}
