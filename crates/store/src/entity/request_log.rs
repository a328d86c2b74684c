//! Requests of a tenant's identity provider.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "request_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub at: i64,
    pub request_id: String,
    pub credential_id: Option<Uuid>,
    pub method: String,
    pub path: String,
    pub status: i32,
    pub duration_ms: i64,
    pub detail: Option<String>,
    pub request_body: Option<String>,
    pub response_body: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
