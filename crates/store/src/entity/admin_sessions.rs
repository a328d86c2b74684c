//! Console sessions.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admin_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id_hash: Vec<u8>,
    pub data: String,
    pub admin_id: Option<Uuid>,
    pub pending: bool,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub address: String,
    pub agent: String,
    pub expires_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
