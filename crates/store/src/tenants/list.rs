//! Lists of tenants for people, and what stands beside each: a few statements, however many tenants there are.
//!
//! Rows of tenants are counted, or the totals that are kept are read; none are shown: on PostgreSQL by functions that go
//! from tenant to tenant, since row-level security shows one at a time.

use std::collections::HashMap;

use scim_core::ResourceKind;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use super::{TenantStatus, live, searched};
use crate::{
    AdminId, Page, Platform, StoreError, TenantId,
    entity::{admin_tenants, tenants},
    live::write_total_of,
    statement::Sql,
    store::Backend,
    tx::{PlatformTx, limit_statements},
    words::{self, word},
};

/// Which tenants a list is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFilter {
    /// Only those that this admin was given; `None`: all.
    pub given_to: Option<AdminId>,
    /// What slug or name contains, compared folded; empty: anything.
    pub search: String,
    /// Of this status.
    pub status: Option<TenantStatus>,
    /// Made from the profile of this name.
    pub profile: Option<String>,
}

/// A tenant in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Id.
    pub id: TenantId,
    /// Slug.
    pub slug: String,
    /// For people.
    pub name: String,
    /// Served?
    pub status: TenantStatus,
    /// Name of the profile that it was made from.
    pub profile_name: String,
    /// Milliseconds.
    pub created_at: i64,
}

/// What a list tells of a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Live users.
    pub users: u64,
    /// Live groups.
    pub groups: u64,
    /// Credentials of the tenant itself, whatever their state.
    pub credentials: u64,
    /// Of them neither revoked nor expired.
    pub live: u64,
    /// When the next one ends that no later one has replaced, in milliseconds.
    pub next_end: Option<i64>,
    /// When one was last used, in milliseconds; written some seconds late.
    pub last_used: Option<i64>,
}

/// A credential that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
    /// `bearer`, `basic` or `oauth`.
    pub kind: String,
    /// Its user name or name.
    pub name: String,
    /// Its last characters; empty where it has none.
    pub hint: String,
    /// Milliseconds.
    pub ends_at: i64,
}

/// Refusals of a tenant's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedOf {
    /// Whose.
    pub tenant: TenantId,
    /// How many.
    pub count: u64,
    /// The last one, in milliseconds.
    pub last_at: i64,
}

impl TenantFilter {
    /// All that somebody was given.
    #[must_use]
    pub fn given_to(admin: Option<AdminId>) -> Self {
        Self { given_to: admin, ..Self::default() }
    }

    fn query(&self) -> Result<Select<tenants::Entity>, StoreError> {
        let mut query = searched(live(), &self.search);
        if let Some(admin) = self.given_to {
            let given = admin_tenants::Entity::find()
                .select_only()
                .column(admin_tenants::Column::Tenant)
                .filter(admin_tenants::COLUMN.admin_id.eq(admin.0))
                .into_query();
            query = query.filter(tenants::Column::Id.in_subquery(given));
        }
        if let Some(status) = self.status {
            query = query.filter(tenants::COLUMN.status.eq(word("status", status)?));
        }
        if let Some(profile) = &self.profile {
            query = query.filter(tenants::COLUMN.profile_name.eq(profile.as_str()));
        }
        Ok(query)
    }
}

impl Platform {
    /// Tenants by slug.
    pub async fn list_tenants(
        &self,
        filter: &TenantFilter,
        offset: u64,
        limit: u64,
    ) -> Result<Page<Listed>, StoreError> {
        let tx = self.inner.begin_read().await?;
        let query = filter.query()?;
        let total = query.clone().count(&tx.db).await?;
        let query = query.order_by_asc(tenants::Column::Slug).offset(offset).limit(limit);
        let items =
            query.all(&tx.db).await?.into_iter().map(Listed::try_from).collect::<Result<Vec<_>, _>>()?;
        let more = total > offset.saturating_add(items.len() as u64);
        Ok(Page { total, items, more })
    }

    /// The number of tenants, and how many of them are active.
    pub async fn count_tenants(&self, filter: &TenantFilter) -> Result<(u64, u64), StoreError> {
        let tx = self.inner.begin_read().await?;
        let all = filter.query()?.count(&tx.db).await?;
        let active = TenantFilter { status: Some(TenantStatus::Active), ..filter.clone() };
        Ok((all, active.query()?.count(&tx.db).await?))
    }

    /// Tenants of these ids, by id; those that are not there or deleted are left out.
    pub async fn tenants_of_ids(&self, ids: &[TenantId]) -> Result<HashMap<TenantId, Listed>, StoreError> {
        let mut found = HashMap::new();
        // Far below the bind limits.
        for chunk in ids.chunks(250) {
            let query = live().filter(tenants::Column::Id.is_in(chunk.iter().map(|id| id.0)));
            for row in query.all(&self.inner.db).await? {
                found.insert(TenantId(row.id), Listed::try_from(row)?);
            }
        }
        Ok(found)
    }

    /// Ids of tenants.
    pub async fn tenant_ids(&self, filter: &TenantFilter) -> Result<Vec<TenantId>, StoreError> {
        let query = filter.query()?.select_only().column(tenants::Column::Id);
        let ids: Vec<Uuid> = query.into_tuple().all(&self.inner.db).await?;
        Ok(ids.into_iter().map(TenantId).collect())
    }

    /// What a list tells of each of these tenants; at most a page of them.
    pub async fn tenant_summaries(&self, ids: &[TenantId]) -> Result<HashMap<TenantId, Summary>, StoreError> {
        let tx = self.counting().await?;
        let mut sql = sql_of(&tx);
        match self.inner.backend {
            Backend::Postgres => sql
                .push("SELECT tenant, users, groups, credentials, live, next_end, last_used FROM tenant_summaries(")
                .ids_array(ids)
                .add(", ?)", [tx.now.into()]),
            Backend::Sqlite => {
                let of_row = |sql: &mut Sql| {
                    sql.push("= t.id");
                };
                sql.push("SELECT t.id AS tenant, ");
                write_total_of(&mut sql, ResourceKind::User, of_row);
                sql.push(" AS users, ");
                write_total_of(&mut sql, ResourceKind::Group, of_row);
                sql.push(" AS groups, COUNT(c.id) AS credentials, ");
                let now = sql.slot(tx.now);
                sql.push("COUNT(c.id) FILTER (WHERE c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > ")
                    .put(now)
                    .push(")) AS live, MIN(c.expires_at) FILTER (WHERE c.revoked_at IS NULL AND c.name_key IS NOT NULL \
                           AND c.expires_at > ")
                    .put(now)
                    .push(
                        ") AS next_end, MAX(c.last_used_at) AS last_used FROM tenants t LEFT JOIN credentials c \
                         ON c.tenant_id = t.id AND c.user_id IS NULL WHERE t.id IN ",
                    )
                    .ids(ids.iter().map(|id| &id.0))
                    .push(" GROUP BY t.id")
            }
        };
        let rows = tx.db.query_all_raw(sql.into_statement()).await?;
        tx.commit().await?;
        rows.iter().map(summary).collect()
    }

    /// The number of live users of these tenants together.
    pub async fn users_of_tenants(&self, ids: &[TenantId]) -> Result<u64, StoreError> {
        let tx = self.counting().await?;
        let mut sql = sql_of(&tx);
        match self.inner.backend {
            Backend::Postgres => sql.push("SELECT users_of_tenants(").ids_array(ids).push(")"),
            Backend::Sqlite => {
                sql.push("SELECT ");
                write_total_of(&mut sql, ResourceKind::User, |sql| {
                    sql.push("IN ").ids(ids.iter().map(|id| &id.0));
                });
                &mut sql
            }
        };
        let row = tx.db.query_one_raw(sql.into_statement()).await?;
        tx.commit().await?;
        let count: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Live credentials of these tenants that end at `until` (milliseconds) or earlier and that no later one has
    /// replaced, those of users left out: the first `limit`, the first to end first, and the number of all.
    pub async fn credentials_ending(
        &self,
        ids: &[TenantId],
        until: i64,
        limit: u64,
    ) -> Result<Page<Ending>, StoreError> {
        let tx = self.counting().await?;
        let mut sql = sql_of(&tx);
        sql.push("SELECT tenant, id, kind, name, hint, ends_at, COUNT(*) OVER () AS total FROM ");
        match self.inner.backend {
            Backend::Postgres => {
                sql.push("credentials_ending(").ids_array(ids).add(", ?, ?)", [tx.now.into(), until.into()])
            }
            Backend::Sqlite => sql
                .push(
                    "(SELECT c.tenant_id AS tenant, c.id AS id, c.kind AS kind, COALESCE(c.login, c.name) AS name, \
                     c.hint AS hint, c.expires_at AS ends_at FROM credentials c WHERE c.tenant_id IN ",
                )
                .ids(ids.iter().map(|id| &id.0))
                .add(
                    " AND c.revoked_at IS NULL AND c.name_key IS NOT NULL AND c.user_id IS NULL \
                     AND c.expires_at > ? AND c.expires_at <= ?)",
                    [tx.now.into(), until.into()],
                ),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        sql.push(" AS ending ORDER BY ends_at, id LIMIT ").bind(limit);
        let rows = tx.db.query_all_raw(sql.into_statement()).await?;
        tx.commit().await?;
        let total: i64 = rows.first().map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default();
        let total = u64::try_from(total).unwrap_or_default();
        let items = rows.iter().map(ending).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { more: total > items.len() as u64, total, items })
    }

    /// Those of these tenants where credentials were refused at `since` (milliseconds) or later, the last refused
    /// first. A row of refusals counts as a whole from its last one.
    pub async fn tenants_refused(
        &self,
        ids: &[TenantId],
        since: i64,
        limit: u64,
    ) -> Result<Vec<RefusedOf>, StoreError> {
        let tx = self.counting().await?;
        let mut sql = sql_of(&tx);
        sql.push("SELECT tenant, refused, last_at FROM ");
        match self.inner.backend {
            Backend::Postgres => {
                sql.push("refusals_of_tenants(").ids_array(ids).add(", ?)", [since.into()])
            }
            Backend::Sqlite => sql
                .push(
                    "(SELECT tenant_id AS tenant, SUM(count) AS refused, MAX(last_at) AS last_at FROM refusals \
                     WHERE tenant_id IN ",
                )
                .ids(ids.iter().map(|id| &id.0))
                .add(" AND last_at >= ? GROUP BY tenant_id)", [since.into()]),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        sql.push(" AS refused ORDER BY last_at DESC, tenant LIMIT ").bind(limit);
        let rows = tx.db.query_all_raw(sql.into_statement()).await?;
        tx.commit().await?;
        let of = |row: &QueryResult| {
            let count: i64 = row.try_get("", "refused")?;
            Ok(RefusedOf {
                tenant: TenantId(row.try_get("", "tenant")?),
                count: u64::try_from(count).unwrap_or_default(),
                last_at: row.try_get("", "last_at")?,
            })
        };
        rows.iter().map(of).collect()
    }

    /// A transaction for a statement that goes through tenants by itself.
    async fn counting(&self) -> Result<PlatformTx, StoreError> {
        let tx = self.inner.begin_read().await?;
        limit_statements(&tx.db, self.inner.backend).await?;
        Ok(tx)
    }
}

/// A statement of which no tenant is bound.
fn sql_of(tx: &PlatformTx) -> Sql {
    let backend = match tx.db.get_database_backend() {
        sea_orm::DbBackend::Sqlite => Backend::Sqlite,
        _ => Backend::Postgres,
    };
    Sql::new(backend, Uuid::nil())
}

impl Sql {
    /// Binds any number of ids as one array of PostgreSQL.
    fn ids_array(&mut self, ids: &[TenantId]) -> &mut Self {
        let list: Vec<String> = ids.iter().map(TenantId::to_string).collect();
        self.bind(format!("{{{}}}", list.join(","))).push("::uuid[]")
    }
}

fn summary(row: &QueryResult) -> Result<(TenantId, Summary), StoreError> {
    let number = |name| Ok::<_, StoreError>(u64::try_from(row.try_get::<i64>("", name)?).unwrap_or_default());
    let summary = Summary {
        users: number("users")?,
        groups: number("groups")?,
        credentials: number("credentials")?,
        live: number("live")?,
        next_end: row.try_get("", "next_end")?,
        last_used: row.try_get("", "last_used")?,
    };
    Ok((TenantId(row.try_get("", "tenant")?), summary))
}

fn ending(row: &QueryResult) -> Result<Ending, StoreError> {
    Ok(Ending {
        tenant: TenantId(row.try_get("", "tenant")?),
        id: row.try_get("", "id")?,
        kind: row.try_get("", "kind")?,
        name: row.try_get("", "name")?,
        hint: row.try_get("", "hint")?,
        ends_at: row.try_get("", "ends_at")?,
    })
}

impl TryFrom<tenants::Model> for Listed {
    type Error = StoreError;

    fn try_from(row: tenants::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: TenantId(row.id),
            slug: row.slug,
            name: row.name,
            status: words::value("status", row.status)?,
            profile_name: row.profile_name,
            created_at: row.created_at,
        })
    }
}
