//! To whom events are sent.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "destinations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: Option<Uuid>,
    pub kind: String,
    pub name: String,
    pub settings: String,
    pub sealed: Vec<u8>,
    pub events: Option<String>,
    pub state: String,
    pub version: i64,
    pub created_at: i64,
    pub created_by: String,
    pub position: i64,
    pub missed: i64,
    pub failing_since: Option<i64>,
    pub failures: i32,
    pub problem: Option<String>,
    pub holder: Option<Uuid>,
    pub held_until: Option<i64>,
    pub term: i64,
    pub target: i64,
}

impl ActiveModelBehavior for ActiveModel {}
