//! The tenants that people of the console are given.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admin_tenants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub admin_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
