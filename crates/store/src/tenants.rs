//! Tenants, their profile versions and value sets.

use scim_core::fold;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, LikeExpr},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    AdminId, ChangeContext, Page, Platform, StoreError, TenantId,
    entity::{admin_tenants, credentials, groups, profile_versions, role_grants, tenants, users},
    error::unreadable,
    record::Event,
    tx::{TenantTx, set_tenant},
    words::{self, word},
};

/// Is a tenant served?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenantStatus {
    /// Answers 403 to its own credentials.
    Inactive,
    /// Served.
    Active,
}

/// A tenant as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// Id.
    pub id: TenantId,
    /// Never changed, never reused.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Served?
    pub status: TenantStatus,
    /// Name of the profile it was made from.
    pub profile_name: String,
    /// Current version of its own copy: 1, 2, 3, …
    pub profile_version: i32,
    /// TOML text of that version.
    pub profile: String,
    /// `lenient` or `strict`.
    pub compatibility: String,
    /// Opens console pages that the profile hides; never refuses SCIM.
    pub gate_open: bool,
    /// Organization label, where the product has one.
    pub organization: Option<String>,
    /// Milliseconds.
    pub created_at: i64,
}

/// A tenant to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Checked by the caller against the contract's rule.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Profile name.
    pub profile_name: String,
    /// TOML text, copied.
    pub profile: String,
    /// `lenient` or `strict`.
    pub compatibility: String,
    /// Active from the start, gate open?
    pub activate: bool,
}

/// Row counts of a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantCounts {
    /// Live users.
    pub users: u64,
    /// Of them active.
    pub active_users: u64,
    /// Live groups.
    pub groups: u64,
    /// Distinct roles that someone has.
    pub roles: u64,
    /// Credentials neither revoked nor expired.
    pub credentials: u64,
}

impl Platform {
    /// Makes a tenant with its first profile version and moves the epoch. [`StoreError::Conflict`] on `slug`.
    /// Event `tenant.created`.
    pub async fn create_tenant(
        &self,
        tenant: &NewTenant,
        context: &ChangeContext,
    ) -> Result<TenantRow, StoreError> {
        let tx = self.inner.begin_write().await?.enter(TenantId::generate().0).await?;
        let row = first_row(tenant, tx.tenant, tx.now)?;
        let profile = profile_versions::Model {
            tenant_id: tx.tenant,
            version: row.profile_version,
            profile_name: row.profile_name.clone(),
            body: tenant.profile.clone(),
            created_at: tx.now,
            created_by: context.actor.name.clone(),
        };
        insert_tenant(&tx, row.clone()).await?;
        profile_versions::Entity::insert(profile.into_active_model().reset_all())
            .exec_without_returning(&tx.db)
            .await?;
        tx.record(vec![event("tenant.created", &row, None)], context).await?;
        tx.commit_configuration().await?;
        tenant_row(row, tenant.profile.clone())
    }

    /// By slug.
    pub async fn tenant_by_slug(&self, slug: &str) -> Result<Option<TenantRow>, StoreError> {
        let query = tenants::Entity::find().filter(tenants::COLUMN.slug.eq(slug));
        self.with_profile(query.one(&self.inner.db).await?).await
    }

    /// By id.
    pub async fn tenant_by_id(&self, id: TenantId) -> Result<Option<TenantRow>, StoreError> {
        self.with_profile(tenants::Entity::find_by_id(id.0).one(&self.inner.db).await?).await
    }

    /// Tenants by slug whose slug or name contains `search` (folded; empty: all).
    pub async fn tenants(
        &self,
        search: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<TenantRow>, StoreError> {
        self.tenants_among(tenants::Entity::find(), search, offset, limit).await
    }

    /// The same, of the tenants that an admin was given alone.
    pub async fn tenants_given_to(
        &self,
        admin: AdminId,
        search: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<TenantRow>, StoreError> {
        let given = admin_tenants::Entity::find()
            .select_only()
            .column(admin_tenants::Column::Tenant)
            .filter(admin_tenants::COLUMN.admin_id.eq(admin.0))
            .into_query();
        let query = tenants::Entity::find().filter(tenants::Column::Id.in_subquery(given));
        self.tenants_among(query, search, offset, limit).await
    }

    async fn tenants_among(
        &self,
        mut query: Select<tenants::Entity>,
        search: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<TenantRow>, StoreError> {
        let tx = self.inner.begin_read().await?;
        if !search.is_empty() {
            let holds = |column: tenants::Column| Expr::col(column).like(contains(&fold(search)));
            query = query.filter(holds(tenants::Column::Slug).or(holds(tenants::Column::NameKey)));
        }
        let total = query.clone().count(&tx.db).await?;
        let query = query.order_by_asc(tenants::Column::Slug).offset(offset).limit(limit);
        let mut items = Vec::new();
        for row in query.all(&tx.db).await? {
            // Profiles are the tenants' own rows, so each is read as its tenant.
            set_tenant(&tx.db, self.inner.backend, row.id).await?;
            let profile = profile_text(&tx.db, &row).await?;
            items.push(tenant_row(row, profile)?);
        }
        let more = total > offset.saturating_add(items.len() as u64);
        Ok(Page { total, items, more })
    }

    /// Activates (and opens the gate) or deactivates; moves the epoch. `false` when there is no such tenant.
    /// Event `tenant.activated` / `tenant.deactivated`; none when nothing changes.
    pub async fn set_tenant_status(
        &self,
        id: TenantId,
        status: TenantStatus,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?.enter(id.0).await?;
        let Some(before) = tenants::Entity::find_by_id(id.0).lock_exclusive().one(&tx.db).await? else {
            return Ok(false);
        };
        let after = tenants::Model {
            status: word("status", status)?,
            gate_open: before.gate_open || status == TenantStatus::Active,
            version: before.version + 1,
            updated_at: tx.now,
            ..before.clone()
        };
        if (&after.status, after.gate_open) == (&before.status, before.gate_open) {
            return Ok(true);
        }
        update_status(&tx, &before, &after).await?;
        let name = match status {
            TenantStatus::Active => "tenant.activated",
            TenantStatus::Inactive => "tenant.deactivated",
        };
        tx.record(vec![event(name, &after, Some(&before))], context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// Counts of one tenant; all 0 when there is no such tenant.
    pub async fn tenant_counts(&self, id: TenantId) -> Result<TenantCounts, StoreError> {
        let tx = self.inner.begin_read().await?.enter(id.0).await?;
        let live = users::Entity::find()
            .filter(users::COLUMN.tenant_id.eq(tx.tenant))
            .filter(users::Column::DeletedAt.is_null());
        let groups = groups::Entity::find()
            .filter(groups::COLUMN.tenant_id.eq(tx.tenant))
            .filter(groups::Column::DeletedAt.is_null());
        let roles = role_grants::Entity::find()
            .select_only()
            .column(role_grants::Column::RoleKey)
            .distinct()
            .filter(role_grants::COLUMN.tenant_id.eq(tx.tenant));
        let expires = credentials::Column::ExpiresAt;
        let valid = credentials::Entity::find()
            .filter(credentials::COLUMN.tenant_id.eq(tx.tenant))
            .filter(credentials::Column::RevokedAt.is_null())
            .filter(expires.is_null().or(expires.gt(tx.now)));
        Ok(TenantCounts {
            users: live.clone().count(&tx.db).await?,
            active_users: live.filter(users::Column::Active.eq(true)).count(&tx.db).await?,
            groups: groups.count(&tx.db).await?,
            roles: roles.count(&tx.db).await?,
            credentials: valid.count(&tx.db).await?,
        })
    }

    /// Adds the text of the profile version that the row names; versions are never changed, so they fit.
    async fn with_profile(&self, row: Option<tenants::Model>) -> Result<Option<TenantRow>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let tx = self.inner.begin_read().await?.enter(row.id).await?;
        let profile = profile_text(&tx.db, &row).await?;
        Ok(Some(tenant_row(row, profile)?))
    }
}

async fn insert_tenant(tx: &TenantTx, row: tenants::Model) -> Result<(), StoreError> {
    tenants::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&tx.db).await?;
    Ok(())
}

async fn update_status(
    tx: &TenantTx,
    before: &tenants::Model,
    after: &tenants::Model,
) -> Result<(), StoreError> {
    let updated = tenants::Entity::update_many()
        .col_expr(tenants::Column::Status, Expr::value(after.status.as_str()))
        .col_expr(tenants::Column::GateOpen, Expr::value(after.gate_open))
        .col_expr(tenants::Column::Version, Expr::value(after.version))
        .col_expr(tenants::Column::UpdatedAt, Expr::value(after.updated_at))
        .filter(tenants::COLUMN.id.eq(before.id))
        .filter(tenants::COLUMN.version.eq(before.version))
        .exec(&tx.db)
        .await?;
    if updated.rows_affected == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

async fn profile_text(db: &DatabaseTransaction, row: &tenants::Model) -> Result<String, StoreError> {
    let version = profile_versions::Entity::find_by_id((row.id, row.profile_version)).one(db).await?;
    Ok(version.ok_or_else(|| unreadable("profile_versions", "the tenant's version is missing"))?.body)
}

/// A LIKE pattern for text that contains `part`, whatever signs are in it.
fn contains(part: &str) -> LikeExpr {
    let literal = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{literal}%")).escape('\\')
}

fn first_row(tenant: &NewTenant, id: uuid::Uuid, now: i64) -> Result<tenants::Model, StoreError> {
    let status = if tenant.activate { TenantStatus::Active } else { TenantStatus::Inactive };
    Ok(tenants::Model {
        id,
        slug: tenant.slug.clone(),
        name: tenant.name.clone(),
        name_key: fold(&tenant.name),
        status: word("status", status)?,
        profile_name: tenant.profile_name.clone(),
        profile_version: 1,
        compatibility: tenant.compatibility.clone(),
        gate_open: tenant.activate,
        organization: None,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

fn tenant_row(row: tenants::Model, profile: String) -> Result<TenantRow, StoreError> {
    Ok(TenantRow {
        id: TenantId(row.id),
        slug: row.slug,
        name: row.name,
        status: words::value("status", row.status)?,
        profile_name: row.profile_name,
        profile_version: row.profile_version,
        profile,
        compatibility: row.compatibility,
        gate_open: row.gate_open,
        organization: row.organization,
        created_at: row.created_at,
    })
}

/// The profile's text is not repeated here: its version stays readable.
fn state(row: &tenants::Model) -> Value {
    json!({
        "slug": row.slug,
        "name": row.name,
        "status": row.status,
        "profile": row.profile_name,
        "profileVersion": row.profile_version,
        "compatibility": row.compatibility,
        "gateOpen": row.gate_open,
        "organization": row.organization,
    })
}

fn event(name: &'static str, after: &tenants::Model, before: Option<&tenants::Model>) -> Event {
    Event {
        event: name,
        object_type: "Tenant",
        object_id: after.id.to_string(),
        object_version: after.version,
        payload: json!({ "state": state(after), "before": before.map(state) }),
    }
}
