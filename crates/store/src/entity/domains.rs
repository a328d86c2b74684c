//! Host names of tenants' own.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domains")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub host: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: Uuid,
    pub challenge: String,
    pub created_at: i64,
    pub created_by: String,
    pub proven_at: Option<i64>,
    pub checked_at: Option<i64>,
    pub problem: Option<String>,
    pub missing_since: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
