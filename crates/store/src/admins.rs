//! People who sign in to the console, and the tenants that they are given.

mod changes;
pub mod factors;
pub mod identities;
pub mod invitations;
pub mod sessions;
mod standing;

pub use changes::{Outcome, Proof};
pub use standing::Standing;

use std::collections::{BTreeMap, BTreeSet};

use scim_core::fold;
use sea_orm::{
    EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set, sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    AdminId, ChangeContext, Page, Platform, StoreError, TenantId,
    entity::{admin_tenants, admins},
    record::Event,
    tx::PlatformTx,
    words::{self, word},
};

/// What a person of the console is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdminRole {
    /// All tenants and everything, new tenants too.
    Operator,
    /// Everything of the tenants that are given to them.
    Manager,
    /// Reads; sees no connection data and changes nothing.
    Auditor,
}

/// A person who signs in to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Id.
    pub id: AdminId,
    /// As written; unique folded.
    pub email: String,
    /// argon2id PHC string; empty: they have not chosen a password yet, and none opens.
    pub password_hash: String,
    /// What they are there for.
    pub role: AdminRole,
    /// The tenants that they are given; empty for operators, and for auditors of the whole installation.
    pub tenants: BTreeSet<TenantId>,
    /// Milliseconds.
    pub created_at: i64,
}

impl Admin {
    /// Whether a tenant is theirs to look at. A manager without tenants has none; an auditor without tenants has all.
    #[must_use]
    pub fn reaches(&self, tenant: TenantId) -> bool {
        self.reaches_all() || self.tenants.contains(&tenant)
    }

    /// Whether all tenants are theirs to look at.
    #[must_use]
    pub fn reaches_all(&self) -> bool {
        match self.role {
            AdminRole::Operator => true,
            AdminRole::Manager => false,
            AdminRole::Auditor => self.tenants.is_empty(),
        }
    }
}

impl Platform {
    /// Keeps a new admin with its tenants, which must exist. [`StoreError::Conflict`] on `email`. Event `admin.created`.
    pub async fn create_admin(&self, admin: &Admin, context: &ChangeContext) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        insert(&tx, admin, context).await?;
        tx.commit().await
    }

    /// By e-mail, compared folded.
    pub async fn admin_by_email(&self, email: &str) -> Result<Option<Admin>, StoreError> {
        let query = admins::Entity::find().filter(admins::COLUMN.email_key.eq(fold(email)));
        self.with_tenants(query.one(&self.inner.db).await?).await
    }

    /// By id.
    pub async fn admin_by_id(&self, id: AdminId) -> Result<Option<Admin>, StoreError> {
        self.with_tenants(admins::Entity::find_by_id(id.0).one(&self.inner.db).await?).await
    }

    /// Number of admins.
    pub async fn admin_count(&self) -> Result<u64, StoreError> {
        Ok(admins::Entity::find().count(&self.inner.db).await?)
    }

    /// Admins by e-mail, after one of these (folded; `None`: from the first), without counting them.
    pub async fn admins_after(&self, email: Option<&str>, limit: u64) -> Result<Vec<Admin>, StoreError> {
        let mut query = admins::Entity::find().order_by_asc(admins::Column::EmailKey).limit(limit);
        if let Some(email) = email {
            query = query.filter(admins::COLUMN.email_key.gt(fold(email)));
        }
        self.all_with_tenants(query.all(&self.inner.db).await?).await
    }

    /// Admins by e-mail.
    pub async fn admins(&self, offset: u64, limit: u64) -> Result<Page<Admin>, StoreError> {
        let total = self.admin_count().await?;
        let query = admins::Entity::find().order_by_asc(admins::Column::EmailKey).offset(offset).limit(limit);
        let items = self.all_with_tenants(query.all(&self.inner.db).await?).await?;
        let more = total > offset.saturating_add(items.len() as u64);
        Ok(Page { total, items, more })
    }

    async fn all_with_tenants(&self, rows: Vec<admins::Model>) -> Result<Vec<Admin>, StoreError> {
        let mut given = self.given(rows.iter().map(|row| row.id)).await?;
        let with = |row: admins::Model| {
            let tenants = given.remove(&row.id).unwrap_or_default();
            admin(row, tenants)
        };
        rows.into_iter().map(with).collect()
    }

    /// The same reads for somebody who is not there, so that the time of a sign-in does not tell who is.
    async fn with_tenants(&self, row: Option<admins::Model>) -> Result<Option<Admin>, StoreError> {
        let id = row.as_ref().map_or(Uuid::nil(), |row| row.id);
        let tenants = self.given([id]).await?.remove(&id).unwrap_or_default();
        row.map(|row| admin(row, tenants)).transpose()
    }

    /// The tenants of each of these admins.
    async fn given(
        &self,
        of: impl IntoIterator<Item = Uuid>,
    ) -> Result<BTreeMap<Uuid, BTreeSet<TenantId>>, StoreError> {
        let query = admin_tenants::Entity::find().filter(admin_tenants::COLUMN.admin_id.is_in(of));
        let mut given: BTreeMap<Uuid, BTreeSet<TenantId>> = BTreeMap::new();
        for row in query.all(&self.inner.db).await? {
            given.entry(row.admin_id).or_default().insert(TenantId(row.tenant));
        }
        Ok(given)
    }
}

/// Writes a new one, with the event of it.
async fn insert(tx: &PlatformTx, admin: &Admin, context: &ChangeContext) -> Result<(), StoreError> {
    let row = admins::ActiveModel {
        id: Set(admin.id.0),
        email: Set(admin.email.clone()),
        email_key: Set(fold(&admin.email)),
        password_hash: Set(admin.password_hash.clone()),
        role: Set(word("role", admin.role)?),
        created_at: Set(admin.created_at),
        version: Set(1),
    };
    admins::Entity::insert(row).exec_without_returning(&tx.db).await?;
    give(tx, admin).await?;
    tx.record(event("admin.created", admin, 1, json!({ "before": null })), context).await
}

/// Writes the tenants of somebody who has none.
async fn give(tx: &PlatformTx, admin: &Admin) -> Result<(), StoreError> {
    for tenant in &admin.tenants {
        let given = admin_tenants::ActiveModel { admin_id: Set(admin.id.0), tenant: Set(tenant.0) };
        admin_tenants::Entity::insert(given).exec_without_returning(&tx.db).await?;
    }
    Ok(())
}

/// What people may know of somebody: no hash. `facts`: what the event tells beside the state, an object.
fn event(name: &'static str, admin: &Admin, version: i64, mut facts: Value) -> Event {
    facts["state"] = state(admin);
    Event {
        event: name,
        object_type: "Admin",
        object_id: admin.id.to_string(),
        object_version: version,
        live_delta: None,
        payload: facts.into(),
    }
}

fn state(admin: &Admin) -> Value {
    json!({ "email": admin.email, "role": admin.role, "tenants": admin.tenants })
}

/// Counts a change of somebody in the transaction, which locks the row: who it is, and the version after the change.
/// `None`: there is no such person.
async fn touched(tx: &PlatformTx, id: AdminId) -> Result<Option<(Admin, i64)>, StoreError> {
    admins::Entity::update_many()
        .col_expr(admins::Column::Version, Expr::col(admins::Column::Version).add(1))
        .filter(admins::COLUMN.id.eq(id.0))
        .exec(&tx.db)
        .await?;
    let Some(row) = admins::Entity::find_by_id(id.0).one(&tx.db).await? else { return Ok(None) };
    let rows =
        admin_tenants::Entity::find().filter(admin_tenants::COLUMN.admin_id.eq(id.0)).all(&tx.db).await?;
    let version = row.version;
    Ok(Some((admin(row, rows.into_iter().map(|row| TenantId(row.tenant)).collect())?, version)))
}

fn admin(row: admins::Model, tenants: BTreeSet<TenantId>) -> Result<Admin, StoreError> {
    Ok(Admin {
        id: AdminId(row.id),
        email: row.email,
        password_hash: row.password_hash,
        role: words::value("role", row.role)?,
        tenants,
        created_at: row.created_at,
    })
}
