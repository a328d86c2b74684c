//! Tenants with their compiled profiles, cached until the store's epoch moves.

use std::sync::Arc;

use egress::Dns;
use metrics::counter;
use moka::future::Cache;
use scim_core::{
    leniency::Leniencies,
    profile::{DuplicatePolicy, Profile},
    value_set::ValueSets,
};
use store::{
    ChangeContext, Store, StoreError, TenantId, Terms,
    tenants::{NewTenant, TenantRow},
};
use telemetry::metrics::TENANT_LOOKUPS;
use url::Url;

use crate::{
    attempts::may_repeat,
    computing::compute,
    configuration::{self, ConfigurationError},
    domains::Names,
    removal::RETENTION_DAYS,
    slug,
};

/// Tenants kept in memory.
const CACHED: u64 = 10_000;
/// `compatibility` of a tenant whose identity provider keeps to the letter.
pub(crate) const STRICT: &str = "strict";
/// `compatibility` of all others.
const LENIENT: &str = "lenient";

/// A tenant, ready to serve.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// As kept.
    pub row: TenantRow,
    /// Compiled; leniencies follow the tenant's compatibility.
    pub profile: Arc<Profile>,
    /// The value sets that hold for it; see [`Profile::value_sets_of`].
    pub value_sets: Arc<ValueSets>,
    /// Those of them that it has filled itself.
    pub own_sets: Arc<ValueSets>,
}

/// Where the profile of a new tenant comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileSource<'a> {
    /// A profile that ships, by name.
    Builtin(&'a str),
    /// The text of a profile file.
    Text(&'a str),
}

impl<'a> From<&'a str> for ProfileSource<'a> {
    fn from(name: &'a str) -> Self {
        Self::Builtin(name)
    }
}

impl<'a> From<&'a String> for ProfileSource<'a> {
    fn from(name: &'a String) -> Self {
        Self::Builtin(name)
    }
}

impl Tenant {
    /// A tenant of a row, its compiled profile and its own value sets.
    pub(crate) fn new(row: TenantRow, profile: Arc<Profile>, own_sets: Arc<ValueSets>) -> Self {
        let value_sets = Arc::new(profile.value_sets_of(&own_sets));
        Self { row, profile, value_sets, own_sets }
    }

    /// What changes of its rows are made by.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            protected: self.profile.roles.protected_keys().map(str::to_owned).collect(),
            mapping_version: Some(self.row.mapping_version),
            layout_version: Some(self.row.layout_version),
            // Requests change no configuration, and not every change of that stands in their way.
            tenant_version: None,
            index_incomplete: !self.row.indexed,
        }
    }

    /// Its Base URL on the shared host, in the form of its product's guide.
    #[must_use]
    pub fn base_url(&self, public_url: &Url) -> String {
        let origin = public_url.origin().ascii_serialization();
        format!("{origin}/t/{}{}", self.row.slug, self.profile.base_path)
    }

    /// The same, but nobody is linked: the policy `link` would lay a whole body over a user who came into being meanwhile. For
    /// those who look themselves whether somebody is there.
    #[must_use]
    pub fn without_linking(&self) -> Self {
        let mut tenant = self.clone();
        Arc::make_mut(&mut tenant.profile).policies.duplicate = DuplicatePolicy::Reject;
        tenant
    }

    /// Id.
    #[must_use]
    pub fn id(&self) -> TenantId {
        self.row.id
    }

    /// Served?
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.row.status == store::tenants::TenantStatus::Active
    }
}

/// Looks tenants up; cheap to clone.
#[derive(Clone)]
pub struct TenantDirectory {
    store: Store,
    ids: Cache<String, TenantId>,
    tenants: Cache<TenantId, Loaded>,
    names: Arc<Names>,
    retention_days: u32,
}

/// A tenant, and the store's epoch from before it was read.
#[derive(Clone)]
struct Loaded {
    epoch: u64,
    tenant: Arc<Tenant>,
}

impl TenantDirectory {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let names = Arc::new(Names::new(Dns::default(), None, None));
        let (ids, tenants) = (Cache::new(CACHED), Cache::new(CACHED));
        Self { store, ids, tenants, names, retention_days: RETENTION_DAYS }
    }

    /// Deleted tenants can be restored for so many days.
    #[must_use]
    pub fn with_retention(self, days: u32) -> Self {
        Self { retention_days: days, ..self }
    }

    /// Days for which a deleted tenant can be restored.
    #[must_use]
    pub fn retention_days(&self) -> u32 {
        self.retention_days
    }

    /// With this name service behind host names of tenants' own, of which none may be the installation's: the public
    /// URL's, or one under `tenant_domain`.
    #[must_use]
    pub fn with_names(self, dns: Dns, public_url: &Url, tenant_domain: Option<&str>) -> Self {
        Self { names: Arc::new(Names::new(dns, Some(public_url), tenant_domain)), ..self }
    }

    /// What is known of host names.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The store that the tenants are kept in.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// By slug.
    pub async fn by_slug(&self, slug: &str) -> Result<Option<Arc<Tenant>>, StoreError> {
        if slug::check(slug).is_err() {
            return Ok(None);
        }
        let epoch = self.store.epoch();
        // A slug is never changed and never reused, so what it stands for needs no epoch.
        if let Some(id) = self.ids.get(slug).await
            && let Some(tenant) = self.cached(id, epoch).await
        {
            return Ok(Some(tenant));
        }
        counter!(TENANT_LOOKUPS.name, "outcome" => "read").increment(1);
        let row = self.store.platform().tenant_by_slug(slug).await?;
        self.keep(row, epoch).await
    }

    /// By id.
    pub async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        let epoch = self.store.epoch();
        if let Some(tenant) = self.cached(id, epoch).await {
            return Ok(Some(tenant));
        }
        counter!(TENANT_LOOKUPS.name, "outcome" => "read").increment(1);
        let row = self.store.platform().tenant_by_id(id).await?;
        self.keep(row, epoch).await
    }

    /// The tenant; one that is inactive as far as this node has heard, as it is in the database: whoever has just activated it
    /// elsewhere tries it at once.
    pub async fn settled(&self, tenant: Arc<Tenant>) -> Result<Arc<Tenant>, StoreError> {
        if tenant.is_active() {
            return Ok(tenant);
        }
        let epoch = self.store.epoch();
        let row = self.store.platform().tenant_by_id(tenant.id()).await?;
        Ok(self.keep(row, epoch).await?.unwrap_or(tenant))
    }

    /// The tenant as it is in the database at this moment, whatever this node has heard: for a change that met a later
    /// version of it and is computed anew. [`StoreError::Reconfigured`] after too many repetitions.
    pub(crate) async fn read_again(
        &self,
        id: TenantId,
        repeated: &mut u32,
    ) -> Result<Arc<Tenant>, StoreError> {
        if !may_repeat(repeated).await {
            return Err(StoreError::Reconfigured);
        }
        let epoch = self.store.epoch();
        let row = self.store.platform().tenant_by_id(id).await?;
        self.keep(row, epoch).await?.ok_or(StoreError::Reconfigured)
    }

    /// Checks slug, name (1 to 200 characters) and profile and makes a tenant; errors are for a person.
    pub async fn create(
        &self,
        slug: &str,
        name: Option<&str>,
        profile: impl Into<ProfileSource<'_>>,
        compatibility: &str,
        activate: bool,
        context: &ChangeContext,
    ) -> Result<Arc<Tenant>, CreateTenantError> {
        let new = check_new(slug, name, profile.into(), compatibility, activate).await?;
        match self.store.platform().create_tenant(&new, context).await {
            Ok(row) => {
                let profile = compiled(&row).await?;
                Ok(Arc::new(Tenant::new(row, profile, Arc::default())))
            }
            Err(StoreError::Conflict { .. }) => Err(CreateTenantError::Taken(format!(
                "slug: {slug:?} is in use or was once; slugs are never reused, so choose another"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    async fn cached(&self, id: TenantId, epoch: u64) -> Option<Arc<Tenant>> {
        let loaded = self.tenants.get(&id).await.filter(|loaded| loaded.epoch == epoch)?;
        counter!(TENANT_LOOKUPS.name, "outcome" => "cached").increment(1);
        Some(loaded.tenant)
    }

    /// Compiles and caches a row that was read under an epoch.
    async fn keep(&self, row: Option<TenantRow>, epoch: u64) -> Result<Option<Arc<Tenant>>, StoreError> {
        let Some(row) = row else { return Ok(None) };
        let (id, slug) = (row.id, row.slug.clone());
        // The epoch moves for the change of any tenant: a profile that is still the same is not compiled again.
        let before = self.tenants.get(&id).await.map(|loaded| loaded.tenant);
        let tenant = match before {
            // Nothing of this tenant has changed, its value sets included.
            Some(before) if before.row == row => before,
            before => {
                let profile = match before {
                    Some(before) if same_profile(&before.row, &row) => before.profile.clone(),
                    _ => compiled(&row).await?,
                };
                // Read after the row: they are at least as new as it is, and a later change moves its version.
                let own_sets = Arc::new(self.store.tenant(id).value_sets().await?);
                Arc::new(Tenant::new(row, profile, own_sets))
            }
        };
        self.tenants.insert(id, Loaded { epoch, tenant: tenant.clone() }).await;
        self.ids.insert(slug, id).await;
        Ok(Some(tenant))
    }
}

fn same_profile(before: &TenantRow, now: &TenantRow) -> bool {
    before.profile_version == now.profile_version
        && before.compatibility == now.compatibility
        && before.profile == now.profile
}

/// The profile of a tenant, with the leniencies that its compatibility leaves.
async fn compiled(row: &TenantRow) -> Result<Arc<Profile>, StoreError> {
    let text = row.profile.clone();
    let mut profile = compute(move || Profile::from_saved_toml(&text)).await?.map_err(|error| {
        tracing::error!(tenant = %row.slug, version = row.profile_version, %error, "the profile cannot be used");
        StoreError::Setup(format!(
            "version {} of the profile of tenant {} cannot be used: {error}",
            row.profile_version, row.slug
        ))
    })?;
    if row.compatibility == STRICT {
        profile.set_leniencies(Leniencies::STRICT);
    }
    Ok(Arc::new(profile))
}

/// A tenant to be made, if it fits.
pub(crate) async fn check_new(
    slug: &str,
    name: Option<&str>,
    source: ProfileSource<'_>,
    compatibility: &str,
    activate: bool,
) -> Result<NewTenant, ConfigurationError> {
    let unfit = ConfigurationError::Unfit;
    slug::check(slug).map_err(unfit)?;
    let name = configuration::short_text("name", name.unwrap_or(slug), configuration::NAME_LENGTH)?;
    let text = match source {
        ProfileSource::Text(text) => text,
        ProfileSource::Builtin(name) => Profile::builtin(name).ok_or_else(|| {
            let known: Vec<&str> = scim_core::profile::BUILTIN.iter().map(|(name, _)| *name).collect();
            unfit(format!("profile: there is no {name:?}; choose one of {}", known.join(", ")))
        })?,
    };
    let profile = configuration::checked_profile(text).await?;
    if activate && profile.organization.as_ref().is_some_and(|organization| organization.required) {
        return Err(unfit(format!(
            "organization: a tenant of {} needs one before it is activated; make it inactive, set its organization, \
             then activate it",
            profile.title
        )));
    }
    if compatibility != STRICT && compatibility != LENIENT {
        return Err(unfit(format!("compatibility: {compatibility:?} is unknown; use {LENIENT} or {STRICT}")));
    }
    Ok(NewTenant {
        slug: slug.to_owned(),
        name: name.to_owned(),
        profile_name: profile.name,
        profile: text.to_owned(),
        compatibility: compatibility.to_owned(),
        activate,
    })
}

/// A tenant as it would be when it is made.
pub(crate) async fn unsaved(new: &NewTenant) -> Result<Tenant, StoreError> {
    let row = TenantRow::of(new);
    let profile = compiled(&row).await?;
    Ok(Tenant::new(row, profile, Arc::default()))
}

/// Why a tenant cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateTenantError {
    /// The text says which field and what to do.
    #[error("{0}")]
    Unfit(String),
    /// The slug is in use, or was once.
    #[error("{0}")]
    Taken(String),
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConfigurationError> for CreateTenantError {
    fn from(error: ConfigurationError) -> Self {
        match error {
            ConfigurationError::Profile(error) => Self::Unfit(format!("profile: {error}")),
            ConfigurationError::Store(error) => Self::Store(error),
            other => Self::Unfit(other.to_string()),
        }
    }
}
