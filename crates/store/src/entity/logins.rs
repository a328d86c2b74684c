//! User names of credentials, unique on the platform.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "logins")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub login_key: String,
    pub tenant: Uuid,
    pub credential_id: Uuid,
    pub expires_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
