//! Content of audit and outbox rows that a purge deletes.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payloads")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub object_type: String,
    pub object_id: String,
    pub salt: Vec<u8>,
    pub body: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
