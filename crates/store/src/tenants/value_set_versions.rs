//! What a tenant's lists of allowed values were, so that one can be looked at and put back.

use scim_core::value_set::AllowedValue;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use crate::{
    ChangeContext, StoreError, TenantScope, entity::value_set_versions, error::unreadable, tx::TenantTx,
};

/// Versions of one list that are kept.
const KEPT: i32 = 50;

/// A list as it was after a change. Versions are never changed; the oldest go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueSetVersion {
    /// 1, 2, 3, … of this list.
    pub version: i32,
    /// In order; `None`: the tenant had no list of its own.
    pub values: Option<Vec<AllowedValue>>,
    /// Milliseconds.
    pub created_at: i64,
    /// Name of who changed it; empty: it was so before changes were noted.
    pub created_by: String,
}

impl ValueSetVersion {
    fn of(row: value_set_versions::Model) -> Result<Self, StoreError> {
        let read = |body: String| {
            serde_json::from_str(&body).map_err(|error| unreadable("value_set_versions", error))
        };
        Ok(Self {
            version: row.version,
            values: row.body.map(read).transpose()?,
            created_at: row.created_at,
            created_by: row.created_by,
        })
    }
}

impl TenantScope {
    /// Versions of a list, newest first.
    pub async fn value_set_versions(
        &self,
        name: &str,
        limit: u64,
    ) -> Result<Vec<ValueSetVersion>, StoreError> {
        let tx = self.read().await?;
        let query = value_set_versions::Entity::find()
            .filter(value_set_versions::COLUMN.tenant_id.eq(tx.tenant))
            .filter(value_set_versions::COLUMN.name.eq(name))
            .order_by_desc(value_set_versions::Column::Version)
            .limit(limit);
        query.all(&tx.db).await?.into_iter().map(ValueSetVersion::of).collect()
    }

    /// One version of a list.
    pub async fn value_set_version(
        &self,
        name: &str,
        version: i32,
    ) -> Result<Option<ValueSetVersion>, StoreError> {
        let tx = self.read().await?;
        let key = (tx.tenant, name.to_owned(), version);
        let row = value_set_versions::Entity::find_by_id(key).one(&tx.db).await?;
        row.map(ValueSetVersion::of).transpose()
    }
}

impl TenantTx {
    /// Notes what became of a list, in the transaction that changed it.
    pub(super) async fn note_value_set(
        &self,
        name: &str,
        before: Option<&[AllowedValue]>,
        after: Option<&[AllowedValue]>,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let last = value_set_versions::Entity::find()
            .filter(value_set_versions::COLUMN.tenant_id.eq(self.tenant))
            .filter(value_set_versions::COLUMN.name.eq(name))
            .order_by_desc(value_set_versions::Column::Version)
            .limit(1)
            .one(&self.db)
            .await?;
        let mut version = last.map_or(0, |last| last.version);
        // A list that is older than its first version: what it was is known now or never.
        if version == 0 && before.is_some() {
            version += 1;
            self.add_value_set_version(name, version, before, "").await?;
        }
        version += 1;
        self.add_value_set_version(name, version, after, &context.actor.name).await?;
        let old = value_set_versions::Entity::delete_many()
            .filter(value_set_versions::COLUMN.tenant_id.eq(self.tenant))
            .filter(value_set_versions::COLUMN.name.eq(name))
            .filter(value_set_versions::Column::Version.lte(version - KEPT));
        old.exec(&self.db).await?;
        Ok(())
    }

    async fn add_value_set_version(
        &self,
        name: &str,
        version: i32,
        values: Option<&[AllowedValue]>,
        by: &str,
    ) -> Result<(), StoreError> {
        // An empty list is kept as a row without a value.
        let values =
            values.map(|values| values.iter().filter(|one| !one.value.is_empty()).collect::<Vec<_>>());
        let body = values.map(|values| serde_json::to_string(&values)).transpose();
        let row = value_set_versions::Model {
            tenant_id: self.tenant,
            name: name.to_owned(),
            version,
            body: body.map_err(|error| StoreError::Setup(error.to_string()))?,
            created_at: self.now,
            created_by: by.to_owned(),
        };
        value_set_versions::Entity::insert(row.into_active_model().reset_all())
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }
}
