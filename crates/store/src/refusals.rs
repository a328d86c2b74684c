//! What was refused, kept for people: of each tenant, and of the installation where no tenant is named.
//!
//! Strangers cause these rows, so there are never more than [`KEPT`] of one owner, and none lives longer than
//! [`LIFETIME`].

use std::collections::HashMap;

use scim_core::fold;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    ChangeContext, CredentialId, Platform, StoreError, TenantId, TenantScope,
    entity::{credentials, logins, tenants},
    logins::Login,
    record::Event,
    statement::Sql,
    store::Backend,
    tx::TenantTx,
};

/// Rows of one owner: the newest.
pub const KEPT: usize = 100;
/// How long a row is kept after the last time, in milliseconds.
pub const LIFETIME: i64 = 30 * 24 * 3_600_000;

/// Rows that one clearing may find too many: the batches of many nodes at once.
const SURPLUS: i64 = 10_000;
/// Names in one look-up, far below the bind limits.
const CHUNK: usize = 250;

/// Refusals that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    /// Names what is alike.
    pub id: Vec<u8>,
    /// JSON; what stands in it is the writer's business.
    pub details: String,
    /// How many.
    pub count: i64,
    /// Milliseconds.
    pub first_at: i64,
    /// Milliseconds.
    pub last_at: i64,
}

/// To whom rows belong.
#[derive(Clone, Copy)]
enum Owner {
    Tenant,
    Installation,
}

impl Owner {
    /// The rows of this owner.
    fn rows(self, sql: &mut Sql) {
        match self {
            Self::Tenant => sql.push("refusals WHERE tenant_id = ").tenant(),
            Self::Installation => sql.push("shared_refusals WHERE true"),
        };
    }
}

impl TenantScope {
    /// Adds to what was refused, and clears away what is too old or too much. Of `rows` the newest count.
    pub async fn note_refusals(&self, rows: &[RefusalRow]) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let new = || tx.sql();
        note(&tx.db, &new, Owner::Tenant, rows, tx.now).await?;
        tx.commit().await
    }

    /// What was refused of late, newest first.
    pub async fn refusals(&self) -> Result<Vec<RefusalRow>, StoreError> {
        let tx = self.read().await?;
        list(&tx.db, tx.sql(), Owner::Tenant, tx.now).await
    }

    /// Removes what is older than [`LIFETIME`]; gives the number of rows.
    pub async fn forget_refusals(&self) -> Result<u64, StoreError> {
        let tx = self.write().await?;
        let gone = forget(&tx.db, tx.sql(), Owner::Tenant, tx.now).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// Notes in the audit trail that somebody keeps on presenting wrong credentials. Event `credential.throttled`, of
    /// the credential that is tried, or of the tenant.
    pub async fn record_throttled(
        &self,
        tried: Option<CredentialId>,
        facts: Value,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let (object_type, object_id, object_version) = tx.tried(tried).await?;
        let payload = json!({ "state": facts, "before": null });
        let event = Event {
            event: "credential.throttled",
            object_type,
            object_id,
            object_version,
            live_delta: None,
            payload: payload.into(),
        };
        tx.record_for_people(vec![event], context).await?;
        tx.commit().await
    }
}

impl TenantTx {
    /// Type, id and version of a credential of this tenant, or else of the tenant itself.
    async fn tried(&self, tried: Option<CredentialId>) -> Result<(&'static str, String, i64), StoreError> {
        if let Some(id) = tried
            && let Some(row) = credentials::Entity::find_by_id((self.tenant, id.0)).one(&self.db).await?
        {
            return Ok(("Credential", id.to_string(), row.version));
        }
        let tenant = tenants::Entity::find_by_id(self.tenant).one(&self.db).await?;
        let version = tenant.map(|tenant| tenant.version).unwrap_or_default();
        Ok(("Tenant", self.tenant.to_string(), version))
    }
}

impl Platform {
    /// As [`TenantScope::note_refusals`], of requests that name no tenant.
    pub async fn note_refusals(&self, rows: &[RefusalRow]) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let new = || installations_sql(self.inner.backend);
        note(&tx.db, &new, Owner::Installation, rows, tx.now).await?;
        tx.commit().await
    }

    /// As [`TenantScope::refusals`], of requests that name no tenant.
    pub async fn refusals(&self) -> Result<Vec<RefusalRow>, StoreError> {
        let sql = installations_sql(self.inner.backend);
        list(&self.inner.db, sql, Owner::Installation, (self.inner.clock)()).await
    }

    /// As [`TenantScope::forget_refusals`], of requests that name no tenant.
    pub async fn forget_refusals(&self) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        let gone = forget(&tx.db, installations_sql(self.inner.backend), Owner::Installation, tx.now).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// Which of these slugs are tenants'.
    pub async fn tenants_of_slugs(&self, slugs: &[&str]) -> Result<HashMap<String, TenantId>, StoreError> {
        let mut found = HashMap::new();
        for chunk in slugs.chunks(CHUNK) {
            let rows: Vec<(String, Uuid)> = tenants::Entity::find()
                .select_only()
                .column(tenants::Column::Slug)
                .column(tenants::Column::Id)
                .filter(tenants::Column::Slug.is_in(chunk.iter().copied()))
                .filter(tenants::Column::DeletedAt.is_null())
                .into_tuple()
                .all(&self.inner.db)
                .await?;
            found.extend(rows.into_iter().map(|(slug, id)| (slug, TenantId(id))));
        }
        Ok(found)
    }

    /// As [`Platform::login`], of many: the owners of user names, by folded name.
    pub async fn logins(&self, names: &[&str]) -> Result<HashMap<String, Login>, StoreError> {
        let keys: Vec<String> = names.iter().map(|name| fold(name)).collect();
        let mut found = HashMap::new();
        for chunk in keys.chunks(CHUNK) {
            let query = logins::Entity::find().filter(logins::Column::LoginKey.is_in(chunk.iter().cloned()));
            for row in query.all(&self.inner.db).await? {
                let login =
                    Login { tenant: TenantId(row.tenant), credential: CredentialId(row.credential_id) };
                found.insert(row.login_key, login);
            }
        }
        Ok(found)
    }
}

/// A statement on the installation's rows: no tenant is bound to it.
fn installations_sql(backend: Backend) -> Sql {
    Sql::new(backend, Uuid::nil())
}

async fn note(
    db: &impl ConnectionTrait,
    new: &impl Fn() -> Sql,
    owner: Owner,
    rows: &[RefusalRow],
    now: i64,
) -> Result<(), StoreError> {
    let mut newest: Vec<&RefusalRow> = rows.iter().collect();
    newest.sort_by_key(|row| std::cmp::Reverse(row.last_at));
    newest.truncate(KEPT);
    // In one order, so that two nodes wait for each other instead of locking each other out.
    newest.sort_by(|one, other| one.id.cmp(&other.id));
    for row in newest {
        db.execute_raw(upsert(new(), owner, row).into_statement()).await?;
    }
    forget(db, new(), owner, now).await?;
    let mut surplus = new();
    surplus.push("SELECT id FROM ");
    owner.rows(&mut surplus);
    surplus.push(" ORDER BY last_at DESC, id LIMIT ").bind(SURPLUS).push(" OFFSET ").bind(KEPT as i64);
    for row in db.query_all_raw(surplus.into_statement()).await? {
        let mut delete = new();
        delete.push("DELETE FROM ");
        owner.rows(&mut delete);
        delete.push(" AND id = ").bind(row.try_get_by_index::<Vec<u8>>(0)?);
        db.execute_raw(delete.into_statement()).await?;
    }
    Ok(())
}

fn upsert(mut sql: Sql, owner: Owner, row: &RefusalRow) -> Sql {
    match owner {
        Owner::Tenant => sql
            .push("INSERT INTO refusals AS kept (tenant_id, id, details, count, first_at, last_at) VALUES (")
            .tenant()
            .push(", "),
        Owner::Installation => {
            sql.push("INSERT INTO shared_refusals AS kept (id, details, count, first_at, last_at) VALUES (")
        }
    };
    sql.add(
        "?, ?, ?, ?, ?)",
        [
            row.id.clone().into(),
            row.details.as_str().into(),
            row.count.into(),
            row.first_at.into(),
            row.last_at.into(),
        ],
    );
    sql.push(match owner {
        Owner::Tenant => " ON CONFLICT (tenant_id, id)",
        Owner::Installation => " ON CONFLICT (id)",
    });
    sql.push(
        " DO UPDATE SET count = kept.count + excluded.count, details = excluded.details, \
         last_at = CASE WHEN excluded.last_at > kept.last_at THEN excluded.last_at ELSE kept.last_at END",
    );
    sql
}

async fn list(
    db: &impl ConnectionTrait,
    mut sql: Sql,
    owner: Owner,
    now: i64,
) -> Result<Vec<RefusalRow>, StoreError> {
    sql.push("SELECT id, details, count, first_at, last_at FROM ");
    owner.rows(&mut sql);
    sql.push(" AND last_at >= ")
        .bind(now - LIFETIME)
        .push(" ORDER BY last_at DESC, id LIMIT ")
        .bind(KEPT as i64);
    db.query_all_raw(sql.into_statement()).await?.iter().map(row).collect()
}

async fn forget(db: &impl ConnectionTrait, mut sql: Sql, owner: Owner, now: i64) -> Result<u64, StoreError> {
    sql.push("DELETE FROM ");
    owner.rows(&mut sql);
    sql.push(" AND last_at < ").bind(now - LIFETIME);
    Ok(db.execute_raw(sql.into_statement()).await?.rows_affected())
}

fn row(found: &QueryResult) -> Result<RefusalRow, StoreError> {
    Ok(RefusalRow {
        id: found.try_get_by_index(0)?,
        details: found.try_get_by_index(1)?,
        count: found.try_get_by_index(2)?,
        first_at: found.try_get_by_index(3)?,
        last_at: found.try_get_by_index(4)?,
    })
}
