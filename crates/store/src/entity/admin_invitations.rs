//! Links by which somebody chooses a password.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "admin_invitations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub admin_id: Uuid,
    pub secret_hash: Vec<u8>,
    pub created_at: i64,
    pub created_by: String,
    pub expires_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
