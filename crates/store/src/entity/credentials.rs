//! A tenant's credentials.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "credentials")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: String,
    pub name: String,
    pub name_key: Option<String>,
    pub scope: String,
    pub login: Option<String>,
    pub secret_hash: Option<String>,
    pub hint: String,
    pub created_at: i64,
    pub created_by: String,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub last_used_from: Option<String>,
    pub user_id: Option<Uuid>,
    pub version: i64,
    pub allowed_from: Option<String>,
    pub report_only: bool,
    pub warned_days: Option<i32>,
    pub kid: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
