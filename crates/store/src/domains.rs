//! Host names of tenants' own: any number of tenants may say that a name is theirs, and whoever proves it has it.
//!
//! A name leads to its tenant before any tenant is set, as user names do ([`crate::logins`]), so the table belongs to the
//! installation; every change names its tenant.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::json;

use crate::{
    ChangeContext, Platform, StoreError, TenantId, TenantScope,
    entity::{domains, tenants},
    record::Event,
    tx::TenantTx,
};

/// Most names of one tenant.
pub const MOST: u64 = 10;
/// How long a claim that nobody proves is kept, in milliseconds; and how long the proof of a name may be missing from the
/// name service before the name is taken away.
pub const PATIENCE: i64 = 7 * 24 * 3_600_000;

/// A host name that a tenant says is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// In lower case, international names encoded.
    pub host: String,
    /// Whose.
    pub tenant: TenantId,
    /// What has to stand in the name service.
    pub challenge: String,
    /// When it was claimed, in milliseconds.
    pub created_at: i64,
    /// Who did.
    pub created_by: String,
    /// Since when it is proven, in milliseconds: it leads to the tenant.
    pub proven_at: Option<i64>,
    /// The last look at the name service, in milliseconds.
    pub checked_at: Option<i64>,
    /// What was wrong then.
    pub problem: Option<String>,
    /// Since when the proof of a proven name is missing, in milliseconds.
    pub missing_since: Option<i64>,
}

impl Domain {
    /// When an unproven claim, or a proven name whose proof is missing, comes to its end, in milliseconds.
    #[must_use]
    pub fn ends_at(&self) -> Option<i64> {
        let since = if self.proven_at.is_some() { self.missing_since } else { Some(self.created_at) };
        since.map(|since| since + PATIENCE)
    }
}

/// What a claim came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// This one; it may have been there.
    Kept(Domain),
    /// The tenant has [`MOST`] names already.
    TooMany,
}

/// What a look at the name service brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// These texts stand there; none: the name service says that there is nothing.
    Texts(&'a [String]),
    /// Nothing can be said; for people why.
    Nothing(&'a str),
}

impl TenantScope {
    /// The tenant's names; unproven claims that are over are left out.
    pub async fn domains(&self) -> Result<Vec<Domain>, StoreError> {
        let tx = self.read().await?;
        let rows = tx.own_domains().order_by_asc(domains::Column::Host).all(&tx.db).await?;
        Ok(rows.into_iter().map(Domain::from).filter(|domain| is_current(domain, tx.now)).collect())
    }

    /// Says that a name is the tenant's; one that it has or claims already stays as it is. Event `domain.claimed`.
    pub async fn claim_domain(
        &self,
        host: &str,
        challenge: &str,
        context: &ChangeContext,
    ) -> Result<Claimed, StoreError> {
        let tx = self.write().await?;
        // Claims at once wait for each other, so that they are counted.
        tx.existing_row().await?;
        if let Some(row) = domains::Entity::find_by_id((host.to_owned(), tx.tenant)).one(&tx.db).await? {
            let domain = Domain::from(row);
            if is_current(&domain, tx.now) {
                return Ok(Claimed::Kept(domain));
            }
            tx.remove_domain_row(host).await?;
        }
        let over = domains::Column::CreatedAt.lte(tx.now - PATIENCE);
        let ended = domains::Column::ProvenAt.is_null().and(over);
        domains::Entity::delete_many()
            .filter(domains::COLUMN.tenant.eq(tx.tenant))
            .filter(ended)
            .exec(&tx.db)
            .await?;
        if tx.own_domains().count(&tx.db).await? >= MOST {
            return Ok(Claimed::TooMany);
        }
        let row = domains::Model {
            host: host.to_owned(),
            tenant: tx.tenant,
            challenge: challenge.to_owned(),
            created_at: tx.now,
            created_by: context.actor.name.clone(),
            proven_at: None,
            checked_at: None,
            problem: None,
            missing_since: None,
        };
        domains::Entity::insert(row.clone().into_active_model().reset_all())
            .exec_without_returning(&tx.db)
            .await?;
        tx.record(vec![event("domain.claimed", &row)], context).await?;
        tx.commit().await?;
        Ok(Claimed::Kept(row.into()))
    }

    /// One of the tenant's names.
    pub async fn domain(&self, host: &str) -> Result<Option<Domain>, StoreError> {
        let tx = self.read().await?;
        let row = domains::Entity::find_by_id((host.to_owned(), tx.tenant)).one(&tx.db).await?;
        Ok(row.map(Domain::from).filter(|domain| is_current(domain, tx.now)))
    }

    /// Settles a name by what stands in the name service. With its challenge there it is proven, and taken from a tenant
    /// whose own challenge stands there no longer; [`StoreError::Conflict`] on `domain` when that one still does. A
    /// proven name whose challenge has been missing for [`PATIENCE`] is a claim again. Moves the epoch when the name
    /// leads elsewhere from here on. Events `domain.proven`, `domain.lost`, in the trail of whom it happens to. Gives the
    /// name as it is now; `None` when it is not the tenant's.
    pub async fn settle_domain(
        &self,
        host: &str,
        seen: Seen<'_>,
        context: &ChangeContext,
    ) -> Result<Option<Domain>, StoreError> {
        let tx = self.write().await?;
        let query = domains::Entity::find_by_id((host.to_owned(), tx.tenant)).lock_exclusive();
        let Some(before) = query.one(&tx.db).await? else { return Ok(None) };
        if !is_current(&before.clone().into(), tx.now) {
            return Ok(None);
        }
        let mut after = domains::Model { checked_at: Some(tx.now), problem: None, ..before.clone() };
        let mut told = None;
        let mut lost_by = None;
        match seen {
            Seen::Nothing(problem) => after.problem = Some(problem.to_owned()),
            Seen::Texts(texts) if texts.contains(&before.challenge) => {
                after.missing_since = None;
                if before.proven_at.is_none() {
                    lost_by = tx.take_domain(host, texts).await?;
                    after.proven_at = Some(tx.now);
                    told = Some("domain.proven");
                }
            }
            Seen::Texts(texts) => {
                after.problem = Some(missing(texts));
                if before.proven_at.is_some() {
                    let since = *after.missing_since.get_or_insert(tx.now);
                    if tx.now - since >= PATIENCE {
                        after.proven_at = None;
                        after.missing_since = None;
                        after.created_at = tx.now;
                        told = Some("domain.lost");
                    }
                }
            }
        }
        let mut changed = after.clone().into_active_model();
        use domains::Column::{CheckedAt, CreatedAt, MissingSince, Problem, ProvenAt};
        for column in [CheckedAt, CreatedAt, MissingSince, Problem, ProvenAt] {
            changed.reset(column);
        }
        domains::Entity::update_many()
            .set(changed)
            .filter(domains::COLUMN.host.eq(host))
            .filter(domains::COLUMN.tenant.eq(tx.tenant))
            .exec(&tx.db)
            .await?;
        let Some(name) = told else {
            tx.commit().await?;
            return Ok(Some(after.into()));
        };
        tx.record(vec![event(name, &after)], context).await?;
        if let Some(loser) = lost_by {
            // Row-level security lets a transaction write one tenant's trail at a time.
            let tenant = tx.tenant;
            let tx = tx.turn_to(loser.tenant).await?;
            tx.record(vec![event("domain.lost", &loser)], context).await?;
            tx.turn_to(tenant).await?.commit_configuration().await?;
        } else {
            tx.commit_configuration().await?;
        }
        Ok(Some(after.into()))
    }

    /// Gives a name up, proven or not; moves the epoch. `false` when it is not the tenant's. Event `domain.removed`.
    pub async fn remove_domain(&self, host: &str, context: &ChangeContext) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let row = domains::Entity::find_by_id((host.to_owned(), tx.tenant)).one(&tx.db).await?;
        let Some(row) = row else { return Ok(false) };
        tx.remove_domain_row(host).await?;
        tx.record(vec![event("domain.removed", &row)], context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }
}

impl TenantTx {
    fn own_domains(&self) -> sea_orm::Select<domains::Entity> {
        domains::Entity::find().filter(domains::COLUMN.tenant.eq(self.tenant))
    }

    async fn remove_domain_row(&self, host: &str) -> Result<(), StoreError> {
        domains::Entity::delete_many()
            .filter(domains::COLUMN.host.eq(host))
            .filter(domains::COLUMN.tenant.eq(self.tenant))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Takes a name from whoever has it, unless the challenge of that one is among these texts; gives the row that lost it.
    async fn take_domain(&self, host: &str, texts: &[String]) -> Result<Option<domains::Model>, StoreError> {
        let holder = domains::Entity::find()
            .filter(domains::COLUMN.host.eq(host))
            .filter(domains::COLUMN.tenant.ne(self.tenant))
            .filter(domains::Column::ProvenAt.is_not_null())
            .lock_exclusive()
            .one(&self.db)
            .await?;
        let Some(holder) = holder else { return Ok(None) };
        if texts.contains(&holder.challenge) {
            return Err(StoreError::Conflict { attribute: "domain" });
        }
        domains::Entity::update_many()
            .col_expr(domains::Column::ProvenAt, Expr::value(None::<i64>))
            .col_expr(domains::Column::MissingSince, Expr::value(None::<i64>))
            .col_expr(domains::Column::CreatedAt, Expr::value(self.now))
            .filter(domains::COLUMN.host.eq(host))
            .filter(domains::COLUMN.tenant.eq(holder.tenant))
            .exec(&self.db)
            .await?;
        Ok(Some(domains::Model { proven_at: None, created_at: self.now, ..holder }))
    }
}

impl Platform {
    /// All proven names of tenants that are not deleted: name, tenant, slug.
    pub async fn proven_domains(&self) -> Result<Vec<(String, TenantId, String)>, StoreError> {
        let rows: Vec<(String, uuid::Uuid, String)> = domains::Entity::find()
            .select_only()
            .column(domains::Column::Host)
            .column(domains::Column::Tenant)
            .column(tenants::Column::Slug)
            .join(
                sea_orm::JoinType::InnerJoin,
                domains::Entity::belongs_to(tenants::Entity)
                    .from(domains::Column::Tenant)
                    .to(tenants::Column::Id)
                    .into(),
            )
            .filter(domains::Column::ProvenAt.is_not_null())
            .filter(tenants::Column::DeletedAt.is_null())
            .into_tuple()
            .all(&self.inner.db)
            .await?;
        Ok(rows.into_iter().map(|(host, tenant, slug)| (host, TenantId(tenant), slug)).collect())
    }

    /// Proven names that were last looked at before this (milliseconds), the longest ago first.
    pub async fn domains_to_check(&self, before: i64, limit: u64) -> Result<Vec<Domain>, StoreError> {
        let query = domains::Entity::find()
            .filter(domains::Column::ProvenAt.is_not_null())
            .filter(domains::Column::CheckedAt.lt(before))
            .order_by_asc(domains::Column::CheckedAt)
            .order_by_asc(domains::Column::Host)
            .limit(limit);
        Ok(query.all(&self.inner.db).await?.into_iter().map(Domain::from).collect())
    }

    /// Removes claims that nobody has proven in time; gives their number.
    pub async fn forget_domain_claims(&self) -> Result<u64, StoreError> {
        let tx = self.inner.begin_write().await?;
        let gone = domains::Entity::delete_many()
            .filter(domains::Column::ProvenAt.is_null())
            .filter(domains::Column::CreatedAt.lte(tx.now - PATIENCE))
            .exec(&tx.db)
            .await?;
        tx.commit().await?;
        Ok(gone.rows_affected)
    }
}

fn is_current(domain: &Domain, now: i64) -> bool {
    domain.proven_at.is_some() || domain.created_at > now - PATIENCE
}

fn missing(texts: &[String]) -> String {
    match texts.len() {
        0 => "There is no TXT record of that name yet.".to_owned(),
        1 => "There is a TXT record of that name, but it holds something else.".to_owned(),
        many => format!("There are {many} TXT records of that name, but none of them holds this text."),
    }
}

fn event(name: &'static str, row: &domains::Model) -> Event {
    Event {
        event: name,
        object_type: "Domain",
        object_id: row.host.clone(),
        object_version: 1,
        live_delta: None,
        payload: json!({ "state": { "host": row.host, "proven": row.proven_at.is_some() }, "before": null })
            .into(),
    }
}

impl From<domains::Model> for Domain {
    fn from(row: domains::Model) -> Self {
        Self {
            host: row.host,
            tenant: TenantId(row.tenant),
            challenge: row.challenge,
            created_at: row.created_at,
            created_by: row.created_by,
            proven_at: row.proven_at,
            checked_at: row.checked_at,
            problem: row.problem,
            missing_since: row.missing_since,
        }
    }
}
