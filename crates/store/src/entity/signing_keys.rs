//! Keys that sign tokens.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    pub public_key: Vec<u8>,
    pub sealed: Vec<u8>,
    pub state: String,
    pub created_at: i64,
    pub active_at: Option<i64>,
    pub retired_at: Option<i64>,
    pub covers_until: i64,
}

impl ActiveModelBehavior for ActiveModel {}
