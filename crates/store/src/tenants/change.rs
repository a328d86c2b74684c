//! Making and changing tenants.

use scim_core::fold;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use serde_json::{Value, json};

use super::{NewTenant, TenantRow, TenantSettings, TenantStatus, live, properties, tenant_row};
use crate::{
    ChangeContext, Platform, StoreError, TenantId,
    entity::{profile_versions, tenants},
    error::unreadable,
    record::Event,
    tx::TenantTx,
    words::word,
};

impl Platform {
    /// Makes a tenant with its first profile version and moves the epoch. [`StoreError::Conflict`] on `slug`.
    /// Event `tenant.created`.
    pub async fn create_tenant(
        &self,
        tenant: &NewTenant,
        context: &ChangeContext,
    ) -> Result<TenantRow, StoreError> {
        let tx = self.inner.begin_write().await?.enter(TenantId::generate().0).await?;
        let row = tx.insert_tenant(tenant, context).await?;
        tx.commit_configuration().await?;
        tenant_row(row, tenant.profile.clone())
    }

    /// Changes what the settings name, in one transaction; moves the epoch. `false` when there is no such tenant;
    /// [`StoreError::Stale`] when its version is not [`TenantSettings::checked_by`]. Event `tenant.updated`; with a status
    /// `tenant.activated` (the gate is opened too) or `tenant.deactivated`; none when nothing changes.
    pub async fn configure_tenant(
        &self,
        id: TenantId,
        settings: &TenantSettings,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?.enter(id.0).await?;
        let Some(before) = tx.own_row().await? else { return Ok(false) };
        if settings.checked_by.is_some_and(|version| version != before.version) {
            return Err(StoreError::Stale);
        }
        if tx.put_settings(&before, settings, context).await? != before {
            tx.commit_configuration().await?;
        }
        Ok(true)
    }
}

impl TenantTx {
    /// Writes what the settings change of the tenant's locked row; gives it as it is then. Events as
    /// [`Platform::configure_tenant`] says.
    pub(super) async fn put_settings(
        &self,
        before: &tenants::Model,
        settings: &TenantSettings,
        context: &ChangeContext,
    ) -> Result<tenants::Model, StoreError> {
        let mut after = before.clone();
        if let Some(name) = &settings.name {
            after.name.clone_from(name);
            after.name_key = fold(name);
        }
        if let Some(organization) = &settings.organization {
            after.organization.clone_from(organization);
        }
        if let Some(days) = settings.credential_days {
            after.credential_days = days;
        }
        if let Some(per_second) = settings.rate_limit {
            after.rate_limit = per_second;
        }
        let mut all = properties(&before.properties)?;
        for (name, value) in &settings.properties {
            match value {
                Some(value) => all.insert(name.clone(), value.clone()),
                None => all.remove(name),
            };
        }
        after.properties = serde_json::to_string(&all).map_err(|error| unreadable("properties", error))?;
        let mut changes = vec![("tenant.updated", after.clone())];
        if let Some(status) = settings.status {
            changes.push((status_event(status), with_status(&after, status)?));
            if status != TenantStatus::Active {
                // They end for good, also if the tenant comes back.
                let events = self.revoke_setup_links(None).await?;
                self.record_for_people(events, context).await?;
            }
        }
        self.put_states(before.clone(), changes, context).await
    }

    /// Makes the tenant of this transaction, with its first profile version. Event `tenant.created`.
    pub(super) async fn insert_tenant(
        &self,
        tenant: &NewTenant,
        context: &ChangeContext,
    ) -> Result<tenants::Model, StoreError> {
        let row = first_row(tenant, self.tenant, self.now)?;
        let profile = profile_versions::Model {
            tenant_id: self.tenant,
            version: row.profile_version,
            profile_name: row.profile_name.clone(),
            body: tenant.profile.clone(),
            created_at: self.now,
            created_by: context.actor.name.clone(),
        };
        tenants::Entity::insert(row.clone().into_active_model().reset_all())
            .exec_without_returning(&self.db)
            .await?;
        profile_versions::Entity::insert(profile.into_active_model().reset_all())
            .exec_without_returning(&self.db)
            .await?;
        self.record(vec![event("tenant.created", &row, None)], context).await?;
        Ok(row)
    }

    /// Writes and records the states that a tenant goes through, each with its event; a state that is the one before is left
    /// out. Gives the last one.
    async fn put_states(
        &self,
        before: tenants::Model,
        states: Vec<(&'static str, tenants::Model)>,
        context: &ChangeContext,
    ) -> Result<tenants::Model, StoreError> {
        let (mut last, mut events) = (before, Vec::new());
        for (name, state) in states {
            // A state was made from the one before, whose version and time are known now.
            let state = tenants::Model { version: last.version, updated_at: last.updated_at, ..state };
            if state == last {
                continue;
            }
            let written = self.change_own_row(state).await?;
            events.push(event(name, &written, Some(&last)));
            last = written;
        }
        if !events.is_empty() {
            self.record(events, context).await?;
        }
        Ok(last)
    }
}

fn with_status(row: &tenants::Model, status: TenantStatus) -> Result<tenants::Model, StoreError> {
    Ok(tenants::Model {
        status: word("status", status)?,
        gate_open: row.gate_open || status == TenantStatus::Active,
        ..row.clone()
    })
}

fn status_event(status: TenantStatus) -> &'static str {
    match status {
        TenantStatus::Active => "tenant.activated",
        TenantStatus::Inactive => "tenant.deactivated",
    }
}

impl TenantTx {
    /// The tenant's row, locked against other changes of its configuration; `None` when it is not there or deleted.
    pub(super) async fn own_row(&self) -> Result<Option<tenants::Model>, StoreError> {
        let query = live().filter(tenants::COLUMN.id.eq(self.tenant)).lock_exclusive();
        Ok(query.one(&self.db).await?)
    }

    /// As [`Self::own_row`], for who knows that it is there.
    pub(crate) async fn existing_row(&self) -> Result<tenants::Model, StoreError> {
        self.own_row().await?.ok_or_else(|| unreadable("tenants", "there is no such tenant"))
    }

    /// [`StoreError::Stale`] when a locked row is not the one that the terms were made by.
    pub(super) fn made_by(&self, row: &tenants::Model) -> Result<(), StoreError> {
        match self.terms.tenant_version {
            Some(version) if version != row.version => Err(StoreError::Stale),
            _ => Ok(()),
        }
    }

    /// Writes a locked row with the next version; gives it as written.
    pub(crate) async fn change_own_row(&self, row: tenants::Model) -> Result<tenants::Model, StoreError> {
        let before = row.version;
        let row = tenants::Model { version: before + 1, updated_at: self.now, ..row };
        let mut changed = row.clone().into_active_model();
        use tenants::Column::{
            Compatibility, CredentialDays, DeletedAt, DeletedBy, GateOpen, IndexedVersion, LayoutVersion,
            MappingVersion, Name, NameKey, Organization, ProfileName, ProfileVersion, Properties, RateLimit,
            Status, UpdatedAt, Version,
        };
        // A slug is never changed, nor an id: the application may not even try.
        for column in [
            Name,
            NameKey,
            Status,
            ProfileName,
            ProfileVersion,
            Compatibility,
            GateOpen,
            Organization,
            Properties,
            MappingVersion,
            LayoutVersion,
            IndexedVersion,
            CredentialDays,
            RateLimit,
            DeletedAt,
            DeletedBy,
            Version,
            UpdatedAt,
        ] {
            changed.reset(column);
        }
        let updated = tenants::Entity::update_many()
            .set(changed)
            .filter(tenants::COLUMN.id.eq(self.tenant))
            .filter(tenants::COLUMN.version.eq(before))
            .exec(&self.db)
            .await?;
        if updated.rows_affected == 1 { Ok(row) } else { Err(StoreError::Stale) }
    }
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
        properties: "{}".to_owned(),
        mapping_version: 1,
        layout_version: 1,
        indexed_version: 1,
        credential_days: None,
        rate_limit: None,
        deleted_at: None,
        deleted_by: None,
        purging_at: None,
        purged_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
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
        "credentialDays": row.credential_days,
        "rateLimit": row.rate_limit,
        "properties": serde_json::from_str(&row.properties).unwrap_or(Value::Null),
    })
}

pub(super) fn event(name: &'static str, after: &tenants::Model, before: Option<&tenants::Model>) -> Event {
    Event {
        event: name,
        object_type: "Tenant",
        object_id: after.id.to_string(),
        object_version: after.version,
        live_delta: None,
        payload: json!({ "state": state(after), "before": before.map(state) }).into(),
    }
}
