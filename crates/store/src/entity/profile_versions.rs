//! The versions of a tenant's profile; rows are only added.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "profile_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i32,
    pub profile_name: String,
    pub body: String,
    pub created_at: i64,
    pub created_by: String,
}

impl ActiveModelBehavior for ActiveModel {}
