//! The audit trail; rows are only added.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub seq: Option<i64>,
    pub event: String,
    pub object_type: String,
    pub object_id: String,
    pub object_version: i64,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    pub cause: String,
    pub at: i64,
    pub payload_id: Option<Uuid>,
    pub digest: Option<Vec<u8>>,
    pub chain: Option<Vec<u8>>,
    pub live_delta: Option<i16>,
}

impl ActiveModelBehavior for ActiveModel {}
