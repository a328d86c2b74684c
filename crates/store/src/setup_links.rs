//! Links with which a customer's administrator sets one tenant up without an account: each is exchanged for sessions of
//! its own and makes one credential. A link opens nothing any more once it has expired or was revoked, its tenant is
//! not active, or whoever made it is no operator; all of it is asked anew with each request.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, OnConflict, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Actor, ActorKind, AdminId, ChangeContext, CredentialId, Platform, SetupLinkId, StoreError, TenantId,
    TenantScope,
    admins::AdminRole,
    credentials::Credential,
    entity::{admins, setup_choices, setup_links, setup_sessions, tenants},
    record::Event,
    tenants::TenantStatus,
    tx::TenantTx,
    words::word,
};

/// Most links of a tenant that are neither revoked nor expired.
pub const MOST_LIVE: u64 = 20;
/// A link is exchanged for a session this often at most, so that whoever has it cannot fill the trail.
pub const MOST_OPENINGS: i32 = 50;
/// Time after its end (milliseconds) in which a link is still listed.
pub const KEPT: i64 = 30 * 86_400_000;

/// A link as kept; its secret is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupLink {
    /// Id.
    pub id: SetupLinkId,
    /// For whom it is.
    pub note: String,
    /// The operator who made it.
    pub issuer: AdminId,
    /// Their name at the time.
    pub issuer_name: String,
    /// Milliseconds.
    pub created_at: i64,
    /// Milliseconds.
    pub expires_at: i64,
    /// Milliseconds.
    pub revoked_at: Option<i64>,
    /// How often it was exchanged for a session.
    pub openings: i32,
    /// When that was last, in milliseconds.
    pub opened_at: Option<i64>,
    /// The one credential that it made.
    pub credential: Option<CredentialId>,
    /// When, in milliseconds.
    pub used_at: Option<i64>,
}

impl SetupLink {
    /// Whoever comes by it, as the audit trail names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let name = match self.note.as_str() {
            "" => format!("setup link of {}", self.issuer_name),
            note => format!("setup link for {note}"),
        };
        Actor { kind: ActorKind::SetupLink, id: self.id.to_string(), name }
    }
}

/// A link that opens its tenant's set-up page now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupGuest {
    /// The tenant.
    pub tenant: TenantId,
    /// The link.
    pub link: SetupLink,
}

impl TenantScope {
    /// Keeps a new link, of which `secret_hash` is a digest, and removes those that have ended long ago. `false`, and
    /// nothing is done, when the tenant has [`MOST_LIVE`] of them. Event `setup-link.created`.
    pub async fn create_setup_link(
        &self,
        link: &SetupLink,
        secret_hash: &[u8],
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        // Locked, so that two at once are counted one after the other.
        tx.existing_row().await?;
        forget_ended(&tx).await?;
        let live = setup_links::Entity::find()
            .filter(setup_links::COLUMN.tenant.eq(tx.tenant))
            .filter(setup_links::Column::RevokedAt.is_null())
            .filter(setup_links::Column::ExpiresAt.gt(tx.now));
        if live.count(&tx.db).await? >= MOST_LIVE {
            return Ok(false);
        }
        let row = setup_links::Model {
            id: link.id.0,
            tenant: tx.tenant,
            secret_hash: secret_hash.to_vec(),
            note: link.note.clone(),
            issuer: link.issuer.0,
            issuer_name: link.issuer_name.clone(),
            created_at: link.created_at,
            expires_at: link.expires_at,
            revoked_at: link.revoked_at,
            openings: link.openings,
            opened_at: link.opened_at,
            credential_id: link.credential.map(|id| id.0),
            used_at: link.used_at,
            version: 1,
        };
        setup_links::Entity::insert(row.clone().into_active_model().reset_all())
            .exec_without_returning(&tx.db)
            .await?;
        tx.record_for_people(vec![event("setup-link.created", &row, None)], context).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// All that live, and those that have ended of late, newest first.
    pub async fn setup_links(&self) -> Result<Vec<SetupLink>, StoreError> {
        let tx = self.read().await?;
        let query = setup_links::Entity::find()
            .filter(setup_links::COLUMN.tenant.eq(tx.tenant))
            .filter(setup_links::Column::ExpiresAt.gt(tx.now - KEPT))
            .order_by_desc(setup_links::Column::CreatedAt)
            .order_by_desc(setup_links::Column::Id)
            .limit(5 * MOST_LIVE);
        Ok(query.all(&tx.db).await?.into_iter().map(SetupLink::from).collect())
    }

    /// Revokes; its sessions end with it. `false` when there is none or it is revoked. Event `setup-link.revoked`.
    pub async fn revoke_setup_link(
        &self,
        id: SetupLinkId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let events = tx.revoke_setup_links(Some(id)).await?;
        if events.is_empty() {
            return Ok(false);
        }
        tx.record_for_people(events, context).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Keeps the one credential that a link may make, and moves the epoch. `false`, and nothing is done, when it has made
    /// one already or opens nothing any more: of two at once, one is made. [`StoreError::Conflict`] as in
    /// [`TenantScope::create_credential`]; then the link is as it was. Events `credential.created`, `setup-link.used`.
    pub async fn create_credential_by_link(
        &self,
        link: SetupLinkId,
        credential: &Credential,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let taken = setup_links::Entity::update_many()
            .col_expr(setup_links::Column::CredentialId, Expr::value(credential.id.0))
            .col_expr(setup_links::Column::UsedAt, Expr::value(tx.now))
            .col_expr(setup_links::Column::Version, Expr::col(setup_links::Column::Version).add(1))
            .filter(setup_links::COLUMN.tenant.eq(tx.tenant))
            .filter(setup_links::COLUMN.id.eq(link.0))
            .filter(setup_links::Column::CredentialId.is_null())
            .filter(opens(tx.now)?)
            .exec(&tx.db)
            .await?;
        if taken.rows_affected == 0 {
            return Ok(false);
        }
        let made = tx.add_credential(credential).await?;
        let Some(row) = row_by_id(&tx, link).await? else { return Ok(false) };
        tx.record(vec![made], context).await?;
        let used = event("setup-link.used", &row, Some(json!({ "credential": null })));
        tx.record_for_people(vec![used], context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// For which identity provider the set-up page speaks; `None` while nobody has said so.
    pub async fn setup_choice(&self) -> Result<Option<String>, StoreError> {
        let tx = self.read().await?;
        let row = setup_choices::Entity::find_by_id(tx.tenant).one(&tx.db).await?;
        Ok(row.map(|row| row.provider))
    }

    /// Says so. It changes nothing but a page, so it is no event.
    pub async fn choose_setup(&self, provider: &str) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let row =
            setup_choices::ActiveModel { tenant_id: Set(tx.tenant), provider: Set(provider.to_owned()) };
        let replace = OnConflict::column(setup_choices::Column::TenantId)
            .update_column(setup_choices::Column::Provider)
            .to_owned();
        setup_choices::Entity::insert(row).on_conflict(replace).exec_without_returning(&tx.db).await?;
        tx.commit().await
    }
}

impl TenantTx {
    /// Revokes one link, or all of the tenant, and gives the events of it.
    pub(crate) async fn revoke_setup_links(
        &self,
        only: Option<SetupLinkId>,
    ) -> Result<Vec<Event>, StoreError> {
        let mut query = setup_links::Entity::find()
            .filter(setup_links::COLUMN.tenant.eq(self.tenant))
            .filter(setup_links::Column::RevokedAt.is_null());
        if let Some(id) = only {
            query = query.filter(setup_links::COLUMN.id.eq(id.0));
        }
        let mut events = Vec::new();
        for row in query.all(&self.db).await? {
            let revoked = setup_links::Entity::update_many()
                .col_expr(setup_links::Column::RevokedAt, Expr::value(self.now))
                .col_expr(setup_links::Column::Version, Expr::col(setup_links::Column::Version).add(1))
                .filter(setup_links::COLUMN.tenant.eq(self.tenant))
                .filter(setup_links::COLUMN.id.eq(row.id))
                .filter(setup_links::Column::RevokedAt.is_null())
                .exec(&self.db)
                .await?;
            if revoked.rows_affected == 1 {
                end_sessions(self, row.id).await?;
                let after = setup_links::Model {
                    revoked_at: Some(self.now),
                    version: row.version + 1,
                    ..row.clone()
                };
                events.push(event("setup-link.revoked", &after, Some(json!({ "revokedAt": null }))));
            }
        }
        Ok(events)
    }
}

impl Platform {
    /// The link of a secret with this digest, if it opens something now. Changes nothing.
    pub async fn setup_link(&self, secret_hash: &[u8]) -> Result<Option<SetupGuest>, StoreError> {
        let query = setup_links::Entity::find()
            .filter(setup_links::COLUMN.secret_hash.eq(secret_hash.to_vec()))
            .filter(setup_links::Column::Openings.lt(MOST_OPENINGS))
            .filter(opens((self.inner.clock)())?);
        Ok(query.one(&self.inner.db).await?.map(SetupGuest::from))
    }

    /// Exchanges a link for a session that ends at `ends_at` (milliseconds) or with the link; `session_hash` is a digest
    /// of its secret. `None` when the link opens nothing, or was exchanged [`MOST_OPENINGS`] times. Event
    /// `setup-link.opened`, of whoever has the link.
    pub async fn open_setup_link(
        &self,
        secret_hash: &[u8],
        session_hash: &[u8],
        ends_at: i64,
        cause: &str,
    ) -> Result<Option<SetupGuest>, StoreError> {
        let Some(found) = self.setup_link(secret_hash).await? else { return Ok(None) };
        let tx = self.inner.begin_write().await?.enter(found.tenant.0).await?;
        let opened = setup_links::Entity::update_many()
            .col_expr(setup_links::Column::Openings, Expr::col(setup_links::Column::Openings).add(1))
            .col_expr(setup_links::Column::OpenedAt, Expr::value(tx.now))
            .col_expr(setup_links::Column::Version, Expr::col(setup_links::Column::Version).add(1))
            .filter(setup_links::COLUMN.tenant.eq(tx.tenant))
            .filter(setup_links::COLUMN.id.eq(found.link.id.0))
            .filter(setup_links::Column::Openings.lt(MOST_OPENINGS))
            .filter(opens(tx.now)?)
            .exec(&tx.db)
            .await?;
        if opened.rows_affected == 0 {
            return Ok(None);
        }
        let Some(row) = row_by_id(&tx, found.link.id).await? else { return Ok(None) };
        setup_sessions::Entity::delete_many()
            .filter(setup_sessions::Column::ExpiresAt.lte(tx.now))
            .exec(&tx.db)
            .await?;
        let session = setup_sessions::ActiveModel {
            id_hash: Set(session_hash.to_vec()),
            link: Set(row.id),
            expires_at: Set(std::cmp::Ord::min(ends_at, row.expires_at)),
        };
        setup_sessions::Entity::insert(session).exec_without_returning(&tx.db).await?;
        let context = ChangeContext { actor: found.link.actor(), cause: cause.to_owned() };
        let told = event("setup-link.opened", &row, Some(json!({ "openings": row.openings - 1 })));
        tx.record_for_people(vec![told], &context).await?;
        tx.commit().await?;
        Ok(Some(SetupGuest::from(row)))
    }

    /// Whose session this is, if it and its link open something now.
    pub async fn setup_guest(&self, session_hash: &[u8]) -> Result<Option<SetupGuest>, StoreError> {
        let now = (self.inner.clock)();
        let link = Query::select()
            .column(setup_sessions::Column::Link)
            .from(setup_sessions::Entity)
            .and_where(Expr::col(setup_sessions::Column::IdHash).eq(session_hash.to_vec()))
            .and_where(Expr::col(setup_sessions::Column::ExpiresAt).gt(now))
            .to_owned();
        let query =
            setup_links::Entity::find().filter(setup_links::Column::Id.in_subquery(link)).filter(opens(now)?);
        Ok(query.one(&self.inner.db).await?.map(SetupGuest::from))
    }

    /// Ends a session.
    pub async fn leave_setup(&self, session_hash: &[u8]) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        setup_sessions::Entity::delete_by_id(session_hash.to_vec()).exec(&tx.db).await?;
        tx.commit().await
    }
}

/// What must be so of a link that opens something at `now`.
fn opens(now: i64) -> Result<Condition, StoreError> {
    let issuers = Query::select()
        .column(admins::Column::Id)
        .from(admins::Entity)
        .and_where(
            Expr::col((admins::Entity, admins::Column::Id))
                .equals((setup_links::Entity, setup_links::Column::Issuer)),
        )
        .and_where(Expr::col(admins::Column::Role).eq(word("role", AdminRole::Operator)?))
        .to_owned();
    let served = Query::select()
        .column(tenants::Column::Id)
        .from(tenants::Entity)
        .and_where(
            Expr::col((tenants::Entity, tenants::Column::Id))
                .equals((setup_links::Entity, setup_links::Column::Tenant)),
        )
        .and_where(Expr::col(tenants::Column::Status).eq(word("status", TenantStatus::Active)?))
        .to_owned();
    Ok(Condition::all()
        .add(setup_links::Column::RevokedAt.is_null())
        .add(setup_links::Column::ExpiresAt.gt(now))
        .add(setup_links::Column::Issuer.in_subquery(issuers))
        .add(setup_links::Column::Tenant.in_subquery(served)))
}

async fn row_by_id(tx: &TenantTx, id: SetupLinkId) -> Result<Option<setup_links::Model>, StoreError> {
    let query = setup_links::Entity::find_by_id(id.0).filter(setup_links::COLUMN.tenant.eq(tx.tenant));
    Ok(query.one(&tx.db).await?)
}

async fn end_sessions(tx: &TenantTx, link: Uuid) -> Result<(), StoreError> {
    setup_sessions::Entity::delete_many().filter(setup_sessions::COLUMN.link.eq(link)).exec(&tx.db).await?;
    Ok(())
}

/// The audit trail knows of them for as long as it knows of anything.
async fn forget_ended(tx: &TenantTx) -> Result<(), StoreError> {
    let old = || {
        Condition::all()
            .add(setup_links::COLUMN.tenant.eq(tx.tenant))
            .add(setup_links::Column::ExpiresAt.lte(tx.now - KEPT))
    };
    let ids = Query::select()
        .column(setup_links::Column::Id)
        .from(setup_links::Entity)
        .cond_where(old())
        .to_owned();
    setup_sessions::Entity::delete_many()
        .filter(setup_sessions::Column::Link.in_subquery(ids))
        .exec(&tx.db)
        .await?;
    setup_links::Entity::delete_many().filter(old()).exec(&tx.db).await?;
    Ok(())
}

/// What people may know of it: no digest.
fn event(name: &'static str, row: &setup_links::Model, before: Option<Value>) -> Event {
    let state = json!({
        "note": row.note,
        "issuer": row.issuer_name,
        "createdAt": row.created_at,
        "expiresAt": row.expires_at,
        "revokedAt": row.revoked_at,
        "openings": row.openings,
        "credential": row.credential_id,
    });
    Event {
        event: name,
        object_type: "SetupLink",
        object_id: row.id.to_string(),
        object_version: row.version,
        live_delta: None,
        payload: json!({ "state": state, "before": before }).into(),
    }
}

impl From<setup_links::Model> for SetupLink {
    fn from(row: setup_links::Model) -> Self {
        Self {
            id: SetupLinkId(row.id),
            note: row.note,
            issuer: AdminId(row.issuer),
            issuer_name: row.issuer_name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            openings: row.openings,
            opened_at: row.opened_at,
            credential: row.credential_id.map(CredentialId),
            used_at: row.used_at,
        }
    }
}

impl From<setup_links::Model> for SetupGuest {
    fn from(row: setup_links::Model) -> Self {
        Self { tenant: TenantId(row.tenant), link: SetupLink::from(row) }
    }
}
