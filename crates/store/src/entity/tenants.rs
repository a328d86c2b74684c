//! Tenants.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub name_key: String,
    pub status: String,
    pub profile_name: String,
    pub profile_version: i32,
    pub compatibility: String,
    pub gate_open: bool,
    pub organization: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub properties: String,
    pub mapping_version: i64,
    pub layout_version: i64,
    pub indexed_version: i64,
    pub credential_days: Option<i32>,
    pub rate_limit: Option<i32>,
    pub deleted_at: Option<i64>,
    pub deleted_by: Option<String>,
    pub purging_at: Option<i64>,
    pub purged_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
