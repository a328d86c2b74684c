//! Sessions that links to set-up pages were exchanged for.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "setup_sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id_hash: Vec<u8>,
    pub link: Uuid,
    pub expires_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
