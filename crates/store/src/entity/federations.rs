//! Whose tokens a credential takes.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "federations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub credential_id: Uuid,
    pub issuer: String,
    pub audience: String,
    pub directory: Uuid,
    pub keys_url: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
