//! All that changes of a tenant's configuration at once: in one transaction, or not at all.

use scim_core::value_set::ValueSet;

use super::{NewProfile, NewTenant, TenantRow, TenantSettings, tenant_row};
use crate::{
    ChangeContext, Platform, StoreError, TenantId, TenantScope, entity::tenants, groups::RolesOf,
    tx::TenantTx,
};

/// What of a tenant's configuration changes, as somebody declares it.
#[derive(Default)]
pub struct Configuration<'a> {
    /// Name, status, limits, …
    pub settings: TenantSettings,
    /// The profile that becomes its next version.
    pub profile: Option<NewProfile<'a>>,
    /// Lists that come in place of those of their names; `None`: the tenant's own one is taken away.
    pub value_sets: Vec<(&'a str, Option<&'a ValueSet>)>,
    /// The roles of groups when all of this holds; `None`: they are the same as before.
    pub roles_of: Option<RolesOf<'a>>,
}

/// What a change of the whole configuration did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Configured {
    /// The version of the profile that holds now.
    pub profile_version: i32,
    /// Role grants that were added.
    pub granted: u64,
    /// Role grants that ended.
    pub revoked: u64,
}

impl Platform {
    /// [`Self::create_tenant`] with its lists and settings, in one transaction.
    pub async fn create_configured_tenant(
        &self,
        tenant: &NewTenant,
        configuration: &Configuration<'_>,
        context: &ChangeContext,
    ) -> Result<TenantRow, StoreError> {
        let tx = self.inner.begin_write().await?.enter(TenantId::generate().0).await?;
        let row = tx.insert_tenant(tenant, context).await?;
        let row = tx.put_configuration(row, configuration, context).await?;
        tx.commit_configuration().await?;
        tenant_row(row, tenant.profile.clone())
    }
}

impl TenantScope {
    /// Changes all that is named, and computes all role grants anew where `roles_of` is given, in one transaction; moves the
    /// epoch. [`StoreError::Stale`] when the tenant is not the one of [`crate::Terms::tenant_version`]. Events are those of
    /// the single changes; there are none where nothing changes.
    pub async fn configure(
        &self,
        configuration: &Configuration<'_>,
        context: &ChangeContext,
    ) -> Result<Configured, StoreError> {
        let tx = self.write().await?;
        let before = tx.existing_row().await?;
        tx.made_by(&before)?;
        let row = tx.put_configuration(before.clone(), configuration, context).await?;
        let mut done = Configured { profile_version: row.profile_version, ..Configured::default() };
        if row == before {
            return Ok(done);
        }
        if let Some(roles_of) = configuration.roles_of {
            (done.granted, done.revoked) = tx.remap(roles_of, context).await?;
        }
        tx.commit_configuration().await?;
        Ok(done)
    }
}

impl TenantTx {
    async fn put_configuration(
        &self,
        mut row: tenants::Model,
        configuration: &Configuration<'_>,
        context: &ChangeContext,
    ) -> Result<tenants::Model, StoreError> {
        if let Some(profile) = &configuration.profile {
            if profile.expected_version != row.profile_version {
                return Err(StoreError::Stale);
            }
            row = self.put_profile(row, profile, context).await?;
        }
        let remapped = configuration.roles_of.is_some();
        for (name, set) in &configuration.value_sets {
            row = self.put_value_set(row, name, *set, remapped, context).await?;
        }
        self.put_settings(&row, &configuration.settings, context).await
    }
}
