//! Links to tenants' set-up pages.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "setup_links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: Uuid,
    pub secret_hash: Vec<u8>,
    pub note: String,
    pub issuer: Uuid,
    pub issuer_name: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub revoked_at: Option<i64>,
    pub openings: i32,
    pub opened_at: Option<i64>,
    pub credential_id: Option<Uuid>,
    pub used_at: Option<i64>,
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
