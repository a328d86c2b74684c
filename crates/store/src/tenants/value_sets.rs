//! A tenant's own lists of allowed values.

use scim_core::value_set::{AllowedValue, ValueSet, ValueSets};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::json;

use crate::{
    ChangeContext, StoreError, TenantScope,
    entity::{tenants, value_sets},
    groups::RolesOf,
    record::Event,
    tx::TenantTx,
};

/// Rows in one statement.
const CHUNK: usize = 1000;

impl TenantScope {
    /// The sets that the tenant has filled, each in its own order.
    pub async fn value_sets(&self) -> Result<ValueSets, StoreError> {
        let tx = self.read().await?;
        let query = value_sets::Entity::find()
            .filter(value_sets::COLUMN.tenant_id.eq(tx.tenant))
            .order_by_asc(value_sets::Column::Name)
            .order_by_asc(value_sets::Column::Position);
        let mut lists: Vec<(String, Vec<AllowedValue>)> = Vec::new();
        for row in query.all(&tx.db).await? {
            let value = AllowedValue { value: row.value, label: row.label };
            match lists.last_mut() {
                Some((name, values)) if *name == row.name => values.push(value),
                _ => lists.push((row.name, vec![value])),
            }
        }
        Ok(lists.into_iter().map(|(name, values)| (name, ValueSet::new(values))).collect())
    }

    /// Puts a list, which may be empty, in place of the one of that name and, where `roles_of` is given, computes all
    /// role grants anew, in one transaction; moves the epoch. Gives the grants that came and went.
    /// [`StoreError::Stale`] when the tenant is not the one of [`crate::Terms::tenant_version`]. Event
    /// `schema.value-set-updated`; none when the list is there already.
    pub async fn set_value_set(
        &self,
        name: &str,
        set: &ValueSet,
        roles_of: Option<RolesOf<'_>>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), StoreError> {
        self.replace_value_set(name, Some(set), roles_of, context).await
    }

    /// Removes the tenant's list of that name, so that the profile's own values hold again; see
    /// [`Self::set_value_set`].
    pub async fn clear_value_set(
        &self,
        name: &str,
        roles_of: Option<RolesOf<'_>>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), StoreError> {
        self.replace_value_set(name, None, roles_of, context).await
    }

    async fn replace_value_set(
        &self,
        name: &str,
        set: Option<&ValueSet>,
        roles_of: Option<RolesOf<'_>>,
        context: &ChangeContext,
    ) -> Result<(u64, u64), StoreError> {
        let tx = self.write().await?;
        let row = tx.existing_row().await?;
        if tx.value_set(name).await? == set.map(rows_of) {
            return Ok((0, 0));
        }
        tx.made_by(&row)?;
        tx.put_value_set(row, name, set, roles_of.is_some(), context).await?;
        let moved = match roles_of {
            Some(roles_of) => tx.remap(roles_of, context).await?,
            None => (0, 0),
        };
        tx.commit_configuration().await?;
        Ok(moved)
    }
}

/// The rows of a set. An empty one has a row without a value: a set without any row is one that nobody has filled.
fn rows_of(set: &ValueSet) -> Vec<AllowedValue> {
    match set.values() {
        [] => vec![AllowedValue::from("")],
        values => values.to_vec(),
    }
}

impl TenantTx {
    /// Puts a list in place of the one of that name, or takes it away; gives the tenant's locked row as it is then. Grants
    /// stay as they are. Event `schema.value-set-updated`; none when the list is there already.
    pub(super) async fn put_value_set(
        &self,
        row: tenants::Model,
        name: &str,
        set: Option<&ValueSet>,
        remapped: bool,
        context: &ChangeContext,
    ) -> Result<tenants::Model, StoreError> {
        let before = self.value_set(name).await?;
        let after = set.map(rows_of);
        if before == after {
            return Ok(row);
        }
        let own = value_sets::Entity::delete_many()
            .filter(value_sets::COLUMN.tenant_id.eq(self.tenant))
            .filter(value_sets::COLUMN.name.eq(name));
        own.exec(&self.db).await?;
        self.add_values_to_set(name, after.as_deref().unwrap_or_default()).await?;
        self.note_value_set(name, before.as_deref(), after.as_deref(), context).await?;
        let row = self
            .change_own_row(tenants::Model {
                mapping_version: row.mapping_version + i64::from(remapped),
                ..row
            })
            .await?;
        let count = |rows: &Vec<AllowedValue>| rows.iter().filter(|row| !row.value.is_empty()).count();
        let event = Event {
            event: "schema.value-set-updated",
            object_type: "Tenant",
            object_id: row.id.to_string(),
            object_version: row.version,
            live_delta: None,
            payload: json!({
                "set": name,
                "state": {"values": after.as_ref().map(count)},
                "before": {"values": before.as_ref().map(count)},
            })
            .into(),
        };
        self.record(vec![event], context).await?;
        Ok(row)
    }

    /// The rows of a set in order; `None` when there are none.
    async fn value_set(&self, name: &str) -> Result<Option<Vec<AllowedValue>>, StoreError> {
        let query = value_sets::Entity::find()
            .filter(value_sets::COLUMN.tenant_id.eq(self.tenant))
            .filter(value_sets::COLUMN.name.eq(name))
            .order_by_asc(value_sets::Column::Position);
        let rows = query.all(&self.db).await?.into_iter();
        let values: Vec<_> = rows.map(|row| AllowedValue { value: row.value, label: row.label }).collect();
        Ok((!values.is_empty()).then_some(values))
    }

    async fn add_values_to_set(&self, name: &str, values: &[AllowedValue]) -> Result<(), StoreError> {
        let mut position = 0;
        for chunk in values.chunks(CHUNK) {
            let mut rows = Vec::with_capacity(chunk.len());
            for allowed in chunk {
                let row = value_sets::Model {
                    tenant_id: self.tenant,
                    name: name.to_owned(),
                    value: allowed.value.clone(),
                    label: allowed.label.clone(),
                    position,
                };
                rows.push(row.into_active_model().reset_all());
                position += 1;
            }
            value_sets::Entity::insert_many(rows).exec_without_returning(&self.db).await?;
        }
        Ok(())
    }
}
