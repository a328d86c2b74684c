//! The versions of a tenant's profile.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::json;

use crate::{
    ChangeContext, StoreError, TenantScope,
    entity::{profile_versions, tenants},
    groups::RolesOf,
    record::Event,
    tx::TenantTx,
};

/// A version of a tenant's profile. Versions are never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileVersion {
    /// 1, 2, 3, …
    pub version: i32,
    /// Name in the file.
    pub profile_name: String,
    /// TOML text.
    pub body: String,
    /// Milliseconds.
    pub created_at: i64,
    /// Name of who saved it.
    pub created_by: String,
}

impl From<profile_versions::Model> for ProfileVersion {
    fn from(row: profile_versions::Model) -> Self {
        Self {
            version: row.version,
            profile_name: row.profile_name,
            body: row.body,
            created_at: row.created_at,
            created_by: row.created_by,
        }
    }
}

/// A profile that becomes the tenant's next version.
pub struct NewProfile<'a> {
    /// The version that the new one was made from.
    pub expected_version: i32,
    /// Name in the file.
    pub profile_name: &'a str,
    /// TOML text.
    pub text: &'a str,
    /// The roles of groups under it; `None`: they are the same as before.
    pub roles_of: Option<RolesOf<'a>>,
    /// Are search forms and indexed values made otherwise?
    pub new_layout: bool,
}

/// What saving a profile did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SavedProfile {
    /// The version that holds now.
    pub version: i32,
    /// Role grants that were added.
    pub granted: u64,
    /// Role grants that ended.
    pub revoked: u64,
}

impl TenantScope {
    /// Versions below one (`None`: all), newest first.
    pub async fn profile_versions(
        &self,
        below: Option<i32>,
        limit: u64,
    ) -> Result<Vec<ProfileVersion>, StoreError> {
        let tx = self.read().await?;
        let mut query = profile_versions::Entity::find()
            .filter(profile_versions::COLUMN.tenant_id.eq(tx.tenant))
            .order_by_desc(profile_versions::Column::Version)
            .limit(limit);
        if let Some(below) = below {
            query = query.filter(profile_versions::Column::Version.lt(below));
        }
        Ok(query.all(&tx.db).await?.into_iter().map(ProfileVersion::from).collect())
    }

    /// One version.
    pub async fn profile_version(&self, version: i32) -> Result<Option<ProfileVersion>, StoreError> {
        let tx = self.read().await?;
        let row = profile_versions::Entity::find_by_id((tx.tenant, version)).one(&tx.db).await?;
        Ok(row.map(ProfileVersion::from))
    }

    /// Keeps a profile as the next version and, where `roles_of` is given, computes all role grants by it, in one
    /// transaction; moves the epoch. [`StoreError::Stale`] when the profile's version is not the expected one, or
    /// the tenant not that of [`crate::Terms::tenant_version`]; a text that is the tenant's already changes nothing. Event `schema.profile-updated`, and those of the grants.
    pub async fn save_profile(
        &self,
        new: &NewProfile<'_>,
        context: &ChangeContext,
    ) -> Result<SavedProfile, StoreError> {
        let tx = self.write().await?;
        let before = tx.existing_row().await?;
        if before.profile_version != new.expected_version {
            return Err(StoreError::Stale);
        }
        let current = profile_versions::Entity::find_by_id((tx.tenant, before.profile_version));
        if current.one(&tx.db).await?.is_some_and(|current| current.body == new.text) {
            return Ok(SavedProfile { version: before.profile_version, ..SavedProfile::default() });
        }
        tx.made_by(&before)?;
        let after = tx.put_profile(before, new, context).await?;
        let (granted, revoked) = match new.roles_of {
            Some(roles_of) => tx.remap(roles_of, context).await?,
            None => (0, 0),
        };
        tx.commit_configuration().await?;
        Ok(SavedProfile { version: after.profile_version, granted, revoked })
    }
}

impl TenantTx {
    /// Keeps a profile as the version after that of the tenant's locked row; gives the row as it is then. Grants stay as they
    /// are. Event `schema.profile-updated`.
    pub(super) async fn put_profile(
        &self,
        before: tenants::Model,
        new: &NewProfile<'_>,
        context: &ChangeContext,
    ) -> Result<tenants::Model, StoreError> {
        let version = before.profile_version + 1;
        let row = profile_versions::Model {
            tenant_id: self.tenant,
            version,
            profile_name: new.profile_name.to_owned(),
            body: new.text.to_owned(),
            created_at: self.now,
            created_by: context.actor.name.clone(),
        };
        profile_versions::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(&self.db)
            .await?;
        let after = self
            .change_own_row(tenants::Model {
                profile_name: new.profile_name.to_owned(),
                profile_version: version,
                mapping_version: before.mapping_version + i64::from(new.roles_of.is_some()),
                layout_version: before.layout_version + i64::from(new.new_layout),
                ..before.clone()
            })
            .await?;
        let name =
            |row: &tenants::Model| json!({"profile": row.profile_name, "version": row.profile_version});
        let event = Event {
            event: "schema.profile-updated",
            object_type: "Tenant",
            object_id: after.id.to_string(),
            object_version: after.version,
            live_delta: None,
            payload: json!({"state": name(&after), "before": name(&before)}).into(),
        };
        self.record(vec![event], context).await?;
        Ok(after)
    }
}
