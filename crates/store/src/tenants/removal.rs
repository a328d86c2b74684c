//! Tenants that are deleted: for nobody any more, restored until their purge begins, then emptied in small steps.
//!
//! What stays of a purged tenant: its row, since a slug is never used again; who was given it; and of its trail
//! (`audit`, `outbox`) what happened, when and by whom, without the contents, which were rows of their own. Its places in the
//! feed, and what became of each, end with their time, so that whoever is late learns that it was deleted.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::json;

use super::{TenantStatus, change, live};
use crate::{
    ChangeContext, Page, Platform, StoreError, TenantId, TenantScope, UserId, entity::tenants, record::Event,
    tx::TenantTx, words::word,
};

/// Everything of a tenant that its purge removes: table, and its column of the tenant; in an order that foreign keys
/// like. A table with rows of a tenant that is not here is in [`KEPT`], or a test fails.
pub const PURGED: &[(&str, &str)] = &[
    ("role_grants", "tenant_id"),
    ("members", "tenant_id"),
    ("user_values", "tenant_id"),
    ("import_parts", "tenant_id"),
    ("imports", "tenant_id"),
    ("walk_marks", "tenant_id"),
    ("walk_snapshots", "tenant_id"),
    ("users", "tenant_id"),
    ("groups", "tenant_id"),
    ("live_blocks", "tenant_id"),
    ("roles", "tenant_id"),
    ("payloads", "tenant_id"),
    ("request_subjects", "tenant_id"),
    ("request_log", "tenant_id"),
    ("traffic", "tenant"),
    ("heard", "tenant"),
    ("refusals", "tenant_id"),
    ("revoked_tokens", "tenant_id"),
    ("federations", "tenant_id"),
    ("logins", "tenant"),
    ("domains", "tenant"),
    ("destinations", "tenant"),
    ("delivery_hours", "tenant"),
    ("setup_links", "tenant"),
    ("setup_choices", "tenant_id"),
    ("credentials", "tenant_id"),
    ("value_set_versions", "tenant_id"),
    ("value_sets", "tenant_id"),
    ("profile_versions", "tenant_id"),
];

/// What stays, see the module.
pub const KEPT: &[&str] = &["audit", "outbox"];

/// How many rows of each table a purge has removed.
pub type PurgedRows = BTreeMap<&'static str, u64>;

/// A tenant that was deleted and not purged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTenant {
    /// Id.
    pub id: TenantId,
    /// Slug.
    pub slug: String,
    /// For people.
    pub name: String,
    /// When it was deleted, in milliseconds.
    pub deleted_at: i64,
    /// Who did.
    pub deleted_by: String,
    /// Has its purge begun, so that it cannot be restored?
    pub purging: bool,
}

impl Platform {
    /// Deletes a tenant: it is inactive, and for every look-up it is not there. Moves the epoch. `false` when there is
    /// no such tenant, or it is deleted already. Event `tenant.deleted`, in its own trail and the installation's.
    pub async fn delete_tenant(&self, id: TenantId, context: &ChangeContext) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let query = live().filter(tenants::COLUMN.id.eq(id.0)).lock_exclusive();
        let Some(before) = query.one(&tx.db).await? else { return Ok(false) };
        tx.record(told("tenant.deleted", &before, None), context).await?;
        let tx = tx.enter(id.0).await?;
        let after = tenants::Model {
            status: word("status", TenantStatus::Inactive)?,
            deleted_at: Some(tx.now),
            deleted_by: Some(context.actor.name.clone()),
            ..before.clone()
        };
        tx.move_row("tenant.deleted", before, after, context).await?;
        Ok(true)
    }

    /// Brings a deleted tenant back, inactive. Moves the epoch. `false` when there is none of that id, or its purge has
    /// begun. Event `tenant.restored`, in its own trail and the installation's.
    pub async fn restore_tenant(&self, id: TenantId, context: &ChangeContext) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let query = tenants::Entity::find_by_id(id.0)
            .filter(tenants::Column::DeletedAt.is_not_null())
            .filter(tenants::Column::PurgingAt.is_null())
            .lock_exclusive();
        let Some(before) = query.one(&tx.db).await? else { return Ok(false) };
        tx.record(told("tenant.restored", &before, None), context).await?;
        let tx = tx.enter(id.0).await?;
        let after = tenants::Model { deleted_at: None, deleted_by: None, ..before.clone() };
        tx.move_row("tenant.restored", before, after, context).await?;
        Ok(true)
    }

    /// Tenants that were deleted and are not purged yet, the last one first.
    pub async fn deleted_tenants(&self, offset: u64, limit: u64) -> Result<Page<DeletedTenant>, StoreError> {
        let tx = self.inner.begin_read().await?;
        let query = tenants::Entity::find()
            .filter(tenants::Column::DeletedAt.is_not_null())
            .filter(tenants::Column::PurgedAt.is_null());
        let total = query.clone().count(&tx.db).await?;
        let query = query
            .order_by_desc(tenants::Column::DeletedAt)
            .order_by_desc(tenants::Column::Id)
            .offset(offset)
            .limit(limit);
        let items: Vec<_> = query.all(&tx.db).await?.into_iter().map(DeletedTenant::from).collect();
        let more = total > offset.saturating_add(items.len() as u64);
        Ok(Page { total, items, more })
    }

    /// The same of one, by slug.
    pub async fn deleted_tenant(&self, slug: &str) -> Result<Option<DeletedTenant>, StoreError> {
        let query = tenants::Entity::find()
            .filter(tenants::COLUMN.slug.eq(slug))
            .filter(tenants::Column::DeletedAt.is_not_null())
            .filter(tenants::Column::PurgedAt.is_null());
        Ok(query.one(&self.inner.db).await?.map(DeletedTenant::from))
    }

    /// Begins the purge of tenants that were deleted at `until` (milliseconds) or earlier: none of them can be restored
    /// from here on. Gives the first `limit` of all whose purge has begun and not ended.
    pub async fn begin_purges(&self, until: i64, limit: u64) -> Result<Vec<TenantId>, StoreError> {
        let tx = self.inner.begin_write().await?;
        tenants::Entity::update_many()
            .col_expr(tenants::Column::PurgingAt, Expr::value(tx.now))
            .filter(tenants::Column::DeletedAt.lte(until))
            .filter(tenants::Column::PurgingAt.is_null())
            .exec(&tx.db)
            .await?;
        let ids: Vec<uuid::Uuid> = tenants::Entity::find()
            .select_only()
            .column(tenants::Column::Id)
            .filter(tenants::Column::DeletedAt.is_not_null())
            .filter(tenants::Column::PurgingAt.is_not_null())
            .filter(tenants::Column::PurgedAt.is_null())
            .order_by_asc(tenants::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&tx.db)
            .await?;
        tx.commit().await?;
        Ok(ids.into_iter().map(TenantId).collect())
    }

    /// Notes that nothing is left of a tenant whose purge has begun; its name and properties go as well. `false` when
    /// another node has. Event `tenant.purged` in the installation's trail, with the number of rows that this node
    /// removed.
    pub async fn end_purge(
        &self,
        id: TenantId,
        rows: &PurgedRows,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some(row) = tenants::Entity::find_by_id(id.0).one(&tx.db).await? else { return Ok(false) };
        let noted = tenants::Entity::update_many()
            .col_expr(tenants::Column::PurgedAt, Expr::value(tx.now))
            .col_expr(tenants::Column::Name, Expr::col(tenants::Column::Slug))
            .col_expr(tenants::Column::NameKey, Expr::col(tenants::Column::Slug))
            .col_expr(tenants::Column::Organization, Expr::value(None::<String>))
            .col_expr(tenants::Column::Properties, Expr::value("{}"))
            .filter(tenants::COLUMN.id.eq(id.0))
            .filter(tenants::Column::PurgingAt.is_not_null())
            .filter(tenants::Column::PurgedAt.is_null())
            .exec(&tx.db)
            .await?;
        if noted.rows_affected == 0 {
            return Ok(false);
        }
        tx.record(told("tenant.purged", &row, Some(rows)), context).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl TenantScope {
    /// Removes up to `limit` rows of a tenant whose purge has begun; gives their number, 0 when nothing is left (or its
    /// purge has not begun).
    pub async fn purge_some(&self, limit: u64) -> Result<PurgedRows, StoreError> {
        let tx = self.write().await?;
        let row = tenants::Entity::find_by_id(tx.tenant).one(&tx.db).await?;
        if row.is_none_or(|row| row.purging_at.is_none()) {
            return Ok(PurgedRows::new());
        }
        // Sessions of links name no tenant; they are few, and end within hours.
        let mut sessions = tx.sql();
        sessions
            .push("DELETE FROM setup_sessions WHERE link IN (SELECT id FROM setup_links WHERE tenant = ")
            .tenant()
            .push(")");
        let mut gone = tx.run(sessions).await?;
        let mut rows = PurgedRows::from([("setup_sessions", gone)]);
        for (table, tenant) in PURGED {
            if gone >= limit {
                break;
            }
            let removed = tx.remove_some(table, tenant, limit - gone).await?;
            gone += removed;
            rows.insert(table, removed);
        }
        rows.retain(|_, rows| *rows > 0);
        tx.commit().await?;
        Ok(rows)
    }

    /// How many rows of the tenant there are in the tables that a purge empties; those without any are left out.
    pub async fn left(&self) -> Result<PurgedRows, StoreError> {
        let tx = self.read().await?;
        let mut left = PurgedRows::new();
        for (table, tenant) in PURGED {
            let mut sql = tx.sql();
            sql.push("SELECT COUNT(*) FROM ").push(table).push(" WHERE ").push(tenant).push(" = ").tenant();
            let rows: i64 = tx.one(sql).await?.map_or(Ok(0), |row| row.try_get_by_index(0))?;
            if rows > 0 {
                left.insert(table, rows.unsigned_abs());
            }
        }
        tx.commit().await?;
        Ok(left)
    }

    /// How many rows there are of a user, in the tables that a purge of it empties; those without any are left out.
    pub async fn left_of_user(&self, id: UserId) -> Result<PurgedRows, StoreError> {
        let tx = self.read().await?;
        let mut left = PurgedRows::new();
        for (table, column) in
            [("users", "id"), ("user_values", "user_id"), ("members", "user_id"), ("role_grants", "user_id")]
        {
            let mut sql = tx.sql();
            sql.push("SELECT COUNT(*) FROM ").push(table).push(" WHERE tenant_id = ").tenant();
            sql.push(" AND ").push(column).push(" = ").bind(id.0);
            let rows: i64 = tx.one(sql).await?.map_or(Ok(0), |row| row.try_get_by_index(0))?;
            if rows > 0 {
                left.insert(table, rows.unsigned_abs());
            }
        }
        tx.commit().await?;
        Ok(left)
    }
}

impl TenantTx {
    async fn remove_some(
        &self,
        table: &'static str,
        tenant: &'static str,
        limit: u64,
    ) -> Result<u64, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut sql = self.sql();
        // Where the rows lie is asked first: neither database bounds a DELETE.
        sql.push("DELETE FROM ").push(table).push(" WHERE ").push(tenant).push(" = ").tenant();
        // SQLite's table of values has no row numbers.
        let of_sqlite = match table {
            "user_values" => " AND (path, value, user_id) IN (SELECT path, value, user_id FROM ",
            _ => " AND rowid IN (SELECT rowid FROM ",
        };
        sql.dialect(" AND ctid = ANY (ARRAY(SELECT ctid FROM ", of_sqlite);
        sql.push(table).push(" WHERE ").push(tenant).push(" = ").tenant().push(" LIMIT ").bind(limit);
        sql.dialect("))", ")");
        self.run(sql).await
    }

    /// Writes the tenant's row as it is after it was deleted or restored, records that, and commits.
    async fn move_row(
        self,
        event: &'static str,
        before: tenants::Model,
        after: tenants::Model,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let written = self.change_own_row(after).await?;
        self.record(vec![change::event(event, &written, Some(&before))], context).await?;
        self.commit_configuration().await
    }
}

impl From<tenants::Model> for DeletedTenant {
    fn from(row: tenants::Model) -> Self {
        Self {
            id: TenantId(row.id),
            slug: row.slug,
            name: row.name,
            deleted_at: row.deleted_at.unwrap_or_default(),
            deleted_by: row.deleted_by.unwrap_or_default(),
            purging: row.purging_at.is_some(),
        }
    }
}

/// An event of the installation; the tenant's own trail has the rest.
fn told(event: &'static str, row: &tenants::Model, rows: Option<&PurgedRows>) -> Event {
    let total = rows.map(|rows| rows.values().sum::<u64>());
    Event {
        event,
        object_type: "Tenant",
        object_id: row.id.to_string(),
        object_version: row.version,
        live_delta: None,
        payload: json!({ "state": { "slug": row.slug, "rows": total, "tables": rows }, "before": null })
            .into(),
    }
}
