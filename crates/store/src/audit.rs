//! Reading the audit trail and the outbox of a tenant; writing happens inside each change.

use sea_orm::{EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    StoreError, TenantScope,
    change::Actor,
    entity::{audit, outbox, payloads},
    error::unreadable,
    words,
};

/// A row of the audit trail or of the outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// UUIDv7.
    pub id: Uuid,
    /// `user.created`, `group.updated`, …
    pub event: String,
    /// `User`, `Group`, `Credential`, `Tenant`.
    pub object_type: String,
    /// Its id.
    pub object_id: String,
    /// Its version after the change.
    pub object_version: i64,
    /// Who.
    pub actor: Actor,
    /// Request id.
    pub cause: String,
    /// Milliseconds.
    pub at: i64,
    /// `{"state": …, "before": …}`, and `"notes": [{"path", "text"}, …]` where something was left out or should be
    /// known; `None` after a purge.
    pub payload: Option<Value>,
}

impl TenantScope {
    /// Audit rows, newest first; of one object if given.
    pub async fn audit(&self, object_id: Option<&str>, limit: u64) -> Result<Vec<Record>, StoreError> {
        let tx = self.read().await?;
        let mut query = audit::Entity::find()
            .filter(audit::COLUMN.tenant_id.eq(tx.tenant))
            .join(
                JoinType::LeftJoin,
                payload_of::<audit::Entity>(audit::Column::TenantId, audit::Column::PayloadId),
            )
            .column_as(payloads::Column::Body, "body")
            .order_by_desc(audit::Column::Id)
            .limit(limit);
        if let Some(object_id) = object_id {
            query = query.filter(audit::COLUMN.object_id.eq(object_id));
        }
        records(query.into_model::<Row>().all(&tx.db).await?)
    }

    /// Audit rows of one object, newest first; those before one of them (its id), if given.
    pub async fn history(
        &self,
        object_id: &str,
        before: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<Record>, StoreError> {
        let tx = self.read().await?;
        let mut query = audit::Entity::find()
            .filter(audit::COLUMN.tenant_id.eq(tx.tenant))
            .filter(audit::COLUMN.object_id.eq(object_id))
            .join(
                JoinType::LeftJoin,
                payload_of::<audit::Entity>(audit::Column::TenantId, audit::Column::PayloadId),
            )
            .column_as(payloads::Column::Body, "body")
            .order_by_desc(audit::Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(audit::COLUMN.id.lt(before));
        }
        records(query.into_model::<Row>().all(&tx.db).await?)
    }

    /// Outbox rows in the order written.
    pub async fn outbox(&self, limit: u64) -> Result<Vec<Record>, StoreError> {
        let tx = self.read().await?;
        let query = outbox::Entity::find()
            .filter(outbox::COLUMN.tenant_id.eq(tx.tenant))
            .join(
                JoinType::LeftJoin,
                payload_of::<outbox::Entity>(outbox::Column::TenantId, outbox::Column::PayloadId),
            )
            .column_as(payloads::Column::Body, "body")
            .order_by_asc(outbox::Column::Id)
            .limit(limit);
        records(query.into_model::<Row>().all(&tx.db).await?)
    }
}

/// What both tables hold, and the payload if it is still there.
#[derive(FromQueryResult)]
pub(crate) struct Row {
    id: Uuid,
    event: String,
    object_type: String,
    object_id: String,
    object_version: i64,
    actor_kind: String,
    actor_id: String,
    actor_name: String,
    cause: String,
    at: i64,
    body: Option<String>,
}

fn payload_of<E: EntityTrait>(tenant: E::Column, payload: E::Column) -> RelationDef {
    E::belongs_to(payloads::Entity)
        .from((tenant, payload))
        .to((payloads::Column::TenantId, payloads::Column::Id))
        .into()
}

fn records(rows: Vec<Row>) -> Result<Vec<Record>, StoreError> {
    rows.into_iter().map(record).collect()
}

pub(crate) fn record(row: Row) -> Result<Record, StoreError> {
    let payload = row.body.map(|body| serde_json::from_str(&body)).transpose();
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
        payload: payload.map_err(|error| unreadable("payloads.body", error))?,
    })
}
