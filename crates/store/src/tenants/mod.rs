//! Tenants, their profile versions and value sets.

mod change;
mod list;
mod profiles;
mod removal;
mod value_set_versions;
mod value_sets;
mod whole;

use std::collections::BTreeMap;

use scim_core::fold;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{Expr, LikeExpr},
};
use serde::{Deserialize, Serialize};

use crate::{
    AdminId, Page, Platform, StoreError, TenantId,
    entity::{admin_tenants, credentials, groups, profile_versions, role_grants, tenants, users},
    error::unreadable,
    outgoing::Transaction,
    tx::set_tenant,
    words,
};

pub use list::{Ending, Listed, RefusedOf, Summary, TenantFilter};
pub use profiles::{NewProfile, ProfileVersion, SavedProfile};
pub use removal::{DeletedTenant, KEPT, PURGED, PurgedRows};
pub use value_set_versions::ValueSetVersion;
pub use whole::{Configuration, Configured};

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
    /// Properties of the customer's account, by name.
    pub properties: BTreeMap<String, String>,
    /// Raised by each change of the tenant itself, its profile or its value sets.
    pub version: i64,
    /// Raised whenever all role grants were computed anew.
    pub mapping_version: i64,
    /// Raised when a profile changes what search forms and indexed values are made by.
    pub layout_version: i64,
    /// Do all users have the search form and the indexed values of this layout? Until then the index may lack some.
    pub indexed: bool,
    /// Longest life of a new credential, in days; `None`: what the platform allows.
    pub credential_days: Option<i32>,
    /// Requests a second that a node takes of it; `None`: what the installation sets.
    pub rate_limit: Option<i32>,
    /// Milliseconds.
    pub created_at: i64,
}

impl TenantRow {
    /// As a new tenant would be kept.
    #[must_use]
    pub fn of(new: &NewTenant) -> Self {
        Self {
            id: TenantId::generate(),
            slug: new.slug.clone(),
            name: new.name.clone(),
            status: if new.activate { TenantStatus::Active } else { TenantStatus::Inactive },
            profile_name: new.profile_name.clone(),
            profile_version: 1,
            profile: new.profile.clone(),
            compatibility: new.compatibility.clone(),
            gate_open: new.activate,
            organization: None,
            properties: BTreeMap::new(),
            version: 1,
            mapping_version: 1,
            layout_version: 1,
            indexed: true,
            credential_days: None,
            rate_limit: None,
            created_at: 0,
        }
    }
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

/// What of a tenant is to change; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantSettings {
    /// For people.
    pub name: Option<String>,
    /// The organization; `Some(None)`: none.
    pub organization: Option<Option<String>>,
    /// Properties by name; `None`: it has none any more.
    pub properties: BTreeMap<String, Option<String>>,
    /// Longest life of a new credential, in days; `Some(None)`: what the platform allows.
    pub credential_days: Option<Option<i32>>,
    /// Requests a second that a node takes of it; `Some(None)`: what the installation sets.
    pub rate_limit: Option<Option<i32>>,
    /// Served? [`TenantStatus::Active`] opens the gate, too.
    pub status: Option<TenantStatus>,
    /// [`TenantRow::version`] by which these were checked; `None`: whatever it is by now.
    pub checked_by: Option<i64>,
}

/// Settings that change the status alone.
impl From<TenantStatus> for TenantSettings {
    fn from(status: TenantStatus) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
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
    /// By slug; one that is deleted is not there, as in all look-ups and lists but
    /// [`Platform::deleted_tenants`].
    pub async fn tenant_by_slug(&self, slug: &str) -> Result<Option<TenantRow>, StoreError> {
        let query = live().filter(tenants::COLUMN.slug.eq(slug));
        self.with_profile(query.one(&self.inner.db).await?).await
    }

    /// By id.
    pub async fn tenant_by_id(&self, id: TenantId) -> Result<Option<TenantRow>, StoreError> {
        let query = live().filter(tenants::COLUMN.id.eq(id.0));
        self.with_profile(query.one(&self.inner.db).await?).await
    }

    /// Tenants by slug whose slug or name contains `search` (folded; empty: all).
    pub async fn tenants(
        &self,
        search: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<TenantRow>, StoreError> {
        self.tenants_among(live(), search, offset, limit).await
    }

    /// The same from after a slug on (`None`: from the first), without counting them.
    pub async fn tenants_after(
        &self,
        search: &str,
        slug: Option<&str>,
        limit: u64,
    ) -> Result<Vec<TenantRow>, StoreError> {
        let tx = self.inner.begin_read().await?;
        let mut query = searched(live(), search);
        if let Some(slug) = slug {
            query = query.filter(tenants::COLUMN.slug.gt(slug));
        }
        let query = query.order_by_asc(tenants::Column::Slug).limit(limit);
        self.rows_with_profiles(&tx.db, query).await
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
        let query = live().filter(tenants::Column::Id.in_subquery(given));
        self.tenants_among(query, search, offset, limit).await
    }

    async fn tenants_among(
        &self,
        query: Select<tenants::Entity>,
        search: &str,
        offset: u64,
        limit: u64,
    ) -> Result<Page<TenantRow>, StoreError> {
        let tx = self.inner.begin_read().await?;
        let query = searched(query, search);
        let total = query.clone().count(&tx.db).await?;
        let query = query.order_by_asc(tenants::Column::Slug).offset(offset).limit(limit);
        let items = self.rows_with_profiles(&tx.db, query).await?;
        let more = total > offset.saturating_add(items.len() as u64);
        Ok(Page { total, items, more })
    }

    /// Ids and slugs of all tenants in the order of ids, after one of them (`None`: from the first).
    pub async fn slugs_after(
        &self,
        after: Option<TenantId>,
        limit: u64,
    ) -> Result<Vec<(TenantId, String)>, StoreError> {
        self.slugs(live(), after, limit).await
    }

    /// The same of those, too, that were deleted, and purged: what is kept of them is to be looked after.
    pub async fn all_slugs_after(
        &self,
        after: Option<TenantId>,
        limit: u64,
    ) -> Result<Vec<(TenantId, String)>, StoreError> {
        self.slugs(tenants::Entity::find(), after, limit).await
    }

    /// Whose a slug is, or was: it is never used again.
    pub async fn owner_of_slug(&self, slug: &str) -> Result<Option<TenantId>, StoreError> {
        let query = tenants::Entity::find().filter(tenants::COLUMN.slug.eq(slug));
        Ok(query.one(&self.inner.db).await?.map(|row| TenantId(row.id)))
    }

    async fn slugs(
        &self,
        of: Select<tenants::Entity>,
        after: Option<TenantId>,
        limit: u64,
    ) -> Result<Vec<(TenantId, String)>, StoreError> {
        let mut query = of
            .select_only()
            .column(tenants::Column::Id)
            .column(tenants::Column::Slug)
            .order_by_asc(tenants::Column::Id)
            .limit(limit);
        if let Some(after) = after {
            query = query.filter(tenants::Column::Id.gt(after.0));
        }
        let rows: Vec<(uuid::Uuid, String)> = query.into_tuple().all(&self.inner.db).await?;
        Ok(rows.into_iter().map(|(id, slug)| (TenantId(id), slug)).collect())
    }

    /// [`TenantRow::credential_days`]; `None` also when there is no such tenant.
    pub async fn credential_days(&self, id: TenantId) -> Result<Option<i32>, StoreError> {
        let row = tenants::Entity::find_by_id(id.0).one(&self.inner.db).await?;
        Ok(row.and_then(|row| row.credential_days))
    }

    async fn rows_with_profiles(
        &self,
        db: &Transaction,
        query: Select<tenants::Entity>,
    ) -> Result<Vec<TenantRow>, StoreError> {
        let mut items = Vec::new();
        for row in query.all(db).await? {
            // Profiles are the tenants' own rows, so each is read as its tenant.
            set_tenant(db, self.inner.backend, row.id).await?;
            let profile = profile_text(db, &row).await?;
            items.push(tenant_row(row, profile)?);
        }
        Ok(items)
    }

    /// Tenants whose users are still to be made anew after their layout changed, oldest first.
    pub async fn tenants_to_reindex(&self, limit: u64) -> Result<Vec<TenantId>, StoreError> {
        let behind = Expr::col(tenants::Column::IndexedVersion).lt(Expr::col(tenants::Column::LayoutVersion));
        let query = live().filter(behind).order_by_asc(tenants::Column::Id).limit(limit);
        Ok(query.all(&self.inner.db).await?.into_iter().map(|row| TenantId(row.id)).collect())
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

/// Tenants that are not deleted.
fn live() -> Select<tenants::Entity> {
    tenants::Entity::find().filter(tenants::Column::DeletedAt.is_null())
}

/// The text of the profile version that a row names.
async fn profile_text(db: &Transaction, row: &tenants::Model) -> Result<String, StoreError> {
    let version = profile_versions::Entity::find_by_id((row.id, row.profile_version)).one(db).await?;
    Ok(version.ok_or_else(|| unreadable("profile_versions", "the tenant's version is missing"))?.body)
}

/// Those whose slug or name contains a text (folded; empty: all).
fn searched(query: Select<tenants::Entity>, search: &str) -> Select<tenants::Entity> {
    if search.is_empty() {
        return query;
    }
    let holds = |column: tenants::Column| Expr::col(column).like(contains(&fold(search)));
    query.filter(holds(tenants::Column::Slug).or(holds(tenants::Column::NameKey)))
}

/// A LIKE pattern for text that contains `part`, whatever signs are in it.
fn contains(part: &str) -> LikeExpr {
    let literal = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{literal}%")).escape('\\')
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
        properties: properties(&row.properties)?,
        version: row.version,
        mapping_version: row.mapping_version,
        layout_version: row.layout_version,
        indexed: row.indexed_version == row.layout_version,
        credential_days: row.credential_days,
        rate_limit: row.rate_limit,
        created_at: row.created_at,
    })
}

fn properties(text: &str) -> Result<BTreeMap<String, String>, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable("properties", error))
}
