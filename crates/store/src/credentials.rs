//! Credentials of a tenant. A secret is never here: a bearer token is proven by its signature and an active row, a
//! password by its argon2id hash.

mod limits;

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use scim_core::{fold, profile::CredentialKind};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    QueryOrder, Statement, sea_query::Expr,
};
use serde_json::{Value, json};

use crate::{
    Backend, ChangeContext, CredentialId, StoreError, TenantScope, UserId,
    entity::credentials,
    error::unreadable,
    record::Event,
    tx::TenantTx,
    words::{self, word},
};

/// A credential as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Id; `jti` of a bearer token.
    pub id: CredentialId,
    /// Kind.
    pub kind: CredentialKind,
    /// Unique among the tenant's credentials that are neither revoked nor expired.
    pub name: String,
    /// Scopes, separated by a blank (RFC 6749 §3.3).
    pub scope: String,
    /// Basic user name or OAuth client id; of bearer the directory whose tokens it takes, if it takes none of ours.
    pub login: Option<String>,
    /// argon2id PHC string of the password or client secret; `None` for bearer.
    pub secret_hash: Option<String>,
    /// Last four characters of the token, for people.
    pub hint: String,
    /// Milliseconds.
    pub created_at: i64,
    /// Who made it: the actor's name.
    pub created_by: String,
    /// Milliseconds.
    pub expires_at: Option<i64>,
    /// Milliseconds.
    pub revoked_at: Option<i64>,
    /// Milliseconds; written in batches.
    pub last_used_at: Option<i64>,
    /// IP address and user agent of the last use.
    pub last_used_from: Option<String>,
    /// The user that it stands for, who may be gone; `None`: nobody.
    pub user: Option<UserId>,
    /// Its name belongs to a later credential: it was rotated and lives on until it expires, or it has expired.
    pub replaced: bool,
    /// Networks that it may come from.
    pub allowed_from: AllowedFrom,
    /// Days before its end of the last warning that was given; `None`: none yet.
    pub warned_days: Option<i32>,
    /// Id of the key that signed it; `None` for what is not signed.
    pub kid: Option<String>,
}

/// Networks that a credential may come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedFrom {
    /// CIDR; none: from anywhere.
    pub networks: Vec<IpNet>,
    /// Coming from elsewhere is only told in the log, not refused.
    pub report_only: bool,
}

impl AllowedFrom {
    /// Lies the address in one of the networks, or may it come from anywhere?
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// One use of a credential, to be written in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUse {
    /// Which.
    pub id: CredentialId,
    /// Milliseconds.
    pub at: i64,
    /// IP address and user agent.
    pub from: String,
}

/// Uses in one statement: three values each stay far below the bind limits.
const CHUNK: usize = 250;

impl TenantScope {
    /// Keeps a new credential and moves the epoch. [`StoreError::Conflict`] on `name` (or `login`, which is unique on
    /// the platform). An expired credential gives its name away, and its login to any tenant. Event
    /// `credential.created`.
    pub async fn create_credential(
        &self,
        credential: &Credential,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.write().await?;
        let created = tx.add_credential(credential).await?;
        tx.record(vec![created], context).await?;
        tx.commit_configuration().await
    }

    /// Puts a new credential in the place of a live one that has no login, and moves the epoch: the old one loses its
    /// name to the new one and ends at `old_ends_at` (milliseconds), or earlier if it would have. The new one may come
    /// from where the old one may at this moment, whatever `new` says. Gives the old one as it is now; `None` when there is none, or it is revoked, expired or replaced already.
    /// [`StoreError::Conflict`] on `name` when the new one has another name, and that is taken. Event
    /// `credential.rotated` of both.
    pub async fn rotate_credential(
        &self,
        old: CredentialId,
        old_ends_at: i64,
        new: &Credential,
        context: &ChangeContext,
    ) -> Result<Option<Credential>, StoreError> {
        let tx = self.write().await?;
        let Some(row) = row_by_id(&tx, old).await? else { return Ok(None) };
        let before = row.expires_at;
        let ends_at = before.map_or(old_ends_at, |before| std::cmp::min(before, old_ends_at));
        let ended = credentials::Entity::update_many()
            .col_expr(credentials::Column::NameKey, Expr::value(None::<String>))
            .col_expr(credentials::Column::ExpiresAt, Expr::value(ends_at))
            .col_expr(credentials::Column::Version, Expr::col(credentials::Column::Version).add(1))
            .filter(credentials::COLUMN.tenant_id.eq(tx.tenant))
            .filter(credentials::COLUMN.id.eq(old.0))
            .filter(credentials::Column::RevokedAt.is_null())
            .filter(credentials::Column::NameKey.is_not_null())
            .filter(credentials::Column::Login.is_null())
            .filter(credentials::Column::ExpiresAt.is_null().or(credentials::Column::ExpiresAt.gt(tx.now)))
            .exec(&tx.db)
            .await?;
        if ended.rows_affected == 0 {
            return Ok(None);
        }
        let Some(row) = row_by_id(&tx, old).await? else { return Ok(None) };
        let version = row.version;
        let kept = Credential::try_from(row)?;
        // They may have been narrowed since `new` was made.
        let new = &Credential { allowed_from: kept.allowed_from.clone(), ..new.clone() };
        insert(&tx, new).await?;
        let facts_of_old = [("before", json!({ "expiresAt": before })), ("replacedBy", json!(new.id))];
        let facts_of_new = [("replaces", json!(old))];
        let events = vec![
            event("credential.rotated", &kept, version, facts_of_old.into())?,
            event("credential.rotated", new, 1, facts_of_new.into())?,
        ];
        tx.record(events, context).await?;
        tx.commit_configuration().await?;
        Ok(Some(kept))
    }

    /// By id, in any state.
    pub async fn credential(&self, id: CredentialId) -> Result<Option<Credential>, StoreError> {
        let tx = self.read().await?;
        row_by_id(&tx, id).await?.map(Credential::try_from).transpose()
    }

    /// All, newest first.
    pub async fn credentials(&self) -> Result<Vec<Credential>, StoreError> {
        let tx = self.read().await?;
        let query = credentials::Entity::find()
            .filter(credentials::COLUMN.tenant_id.eq(tx.tenant))
            .order_by_desc(credentials::Column::CreatedAt)
            .order_by_desc(credentials::Column::Id);
        query.all(&tx.db).await?.into_iter().map(Credential::try_from).collect()
    }

    /// Revokes and moves the epoch; its login is free at once. `false` when there is none or it is revoked. Event
    /// `credential.revoked`.
    pub async fn revoke_credential(
        &self,
        id: CredentialId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let Some(event) = tx.revoke(id).await? else { return Ok(false) };
        tx.record(vec![event], context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// Notes last uses (no audit, no event, no epoch). An older use never replaces a newer one.
    pub async fn note_uses(&self, uses: &[CredentialUse]) -> Result<(), StoreError> {
        let latest = latest_of_each(uses);
        if latest.is_empty() {
            return Ok(());
        }
        let tx = self.write().await?;
        for chunk in latest.chunks(CHUNK) {
            tx.db.execute_raw(note_statement(&tx, chunk)).await?;
        }
        tx.commit().await
    }
}

impl TenantTx {
    /// Revokes what stands for a user and gives the events of it; whoever commits then moves the epoch, unless there
    /// are none.
    pub(crate) async fn revoke_credentials_of(&self, user: UserId) -> Result<Vec<Event>, StoreError> {
        let live = credentials::Entity::find()
            .filter(credentials::COLUMN.tenant_id.eq(self.tenant))
            .filter(credentials::Column::UserId.eq(user.0))
            .filter(credentials::Column::RevokedAt.is_null());
        let mut events = Vec::new();
        for row in live.all(&self.db).await? {
            events.extend(self.revoke(CredentialId(row.id)).await?);
        }
        Ok(events)
    }

    /// Keeps a new credential, with the names that expired ones give away for it, and gives the event of it.
    pub(crate) async fn add_credential(&self, credential: &Credential) -> Result<Event, StoreError> {
        release_expired(self, &fold(&credential.name)).await?;
        insert(self, credential).await?;
        event("credential.created", credential, 1, Facts::new())
    }

    /// Revokes and gives the event of it; `None` when there is none or it is revoked.
    pub(crate) async fn revoke(&self, id: CredentialId) -> Result<Option<Event>, StoreError> {
        let revoked = credentials::Entity::update_many()
            .col_expr(credentials::Column::RevokedAt, Expr::value(self.now))
            .col_expr(credentials::Column::Version, Expr::col(credentials::Column::Version).add(1))
            .filter(credentials::COLUMN.tenant_id.eq(self.tenant))
            .filter(credentials::COLUMN.id.eq(id.0))
            .filter(credentials::Column::RevokedAt.is_null())
            .exec(&self.db)
            .await?;
        if revoked.rows_affected == 0 {
            return Ok(None);
        }
        let Some(row) = row_by_id(self, id).await? else { return Ok(None) };
        let version = row.version;
        let credential = Credential::try_from(row)?;
        self.give_login_away(&credential).await?;
        let facts = [("before", json!({ "revokedAt": null }))];
        Ok(Some(event("credential.revoked", &credential, version, facts.into())?))
    }
}

async fn row_by_id(tx: &TenantTx, id: CredentialId) -> Result<Option<credentials::Model>, StoreError> {
    Ok(credentials::Entity::find_by_id((tx.tenant, id.0)).one(&tx.db).await?)
}

async fn insert(tx: &TenantTx, credential: &Credential) -> Result<(), StoreError> {
    let row = row_of(credential, tx.tenant)?;
    credentials::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&tx.db).await?;
    tx.take_login(credential).await
}

/// Names are unique among what is neither revoked nor expired, but an index knows no clock.
async fn release_expired(tx: &TenantTx, name_key: &str) -> Result<(), StoreError> {
    credentials::Entity::update_many()
        .col_expr(credentials::Column::NameKey, Expr::value(None::<String>))
        .filter(credentials::COLUMN.tenant_id.eq(tx.tenant))
        .filter(credentials::Column::NameKey.eq(name_key))
        .filter(credentials::Column::ExpiresAt.lte(tx.now))
        .exec(&tx.db)
        .await?;
    Ok(())
}

/// One use for each credential, in id order so that two batches lock rows in the same order.
fn latest_of_each(uses: &[CredentialUse]) -> Vec<&CredentialUse> {
    let mut latest: BTreeMap<CredentialId, &CredentialUse> = BTreeMap::new();
    for used in uses {
        let kept = latest.entry(used.id).or_insert(used);
        if used.at > kept.at {
            *kept = used;
        }
    }
    latest.into_values().collect()
}

/// One UPDATE for all; the same words on both databases but for the placeholders.
fn note_statement(tx: &TenantTx, uses: &[&CredentialUse]) -> Statement {
    let mut values: Vec<sea_orm::Value> = vec![tx.tenant.into()];
    let mut rows = Vec::with_capacity(uses.len());
    let place = |number: usize| match tx.backend {
        Backend::Postgres => format!("${number}"),
        Backend::Sqlite => format!("?{number}"),
    };
    for used in uses {
        let first = values.len() + 1;
        rows.push(format!("({}, {}, {})", place(first), place(first + 1), place(first + 2)));
        values.extend([used.id.0.into(), used.at.into(), used.from.as_str().into()]);
    }
    let sql = format!(
        "WITH uses (id, used_at, used_from) AS (VALUES {}) \
         UPDATE credentials SET last_used_at = uses.used_at, last_used_from = uses.used_from FROM uses \
         WHERE credentials.tenant_id = {} AND credentials.id = uses.id \
           AND (credentials.last_used_at IS NULL OR credentials.last_used_at < uses.used_at)",
        rows.join(", "),
        place(1)
    );
    Statement::from_sql_and_values(tx.db.get_database_backend(), sql, values)
}

/// What an event tells beside the state: `before`, `replaces`, `replacedBy`.
type Facts = BTreeMap<&'static str, Value>;

/// What people may know of it: no hash.
fn event(
    name: &'static str,
    credential: &Credential,
    version: i64,
    mut facts: Facts,
) -> Result<Event, StoreError> {
    let state = json!({
        "id": credential.id,
        "kind": word("kind", credential.kind)?,
        "name": credential.name,
        "scope": credential.scope,
        "login": credential.login,
        "hint": credential.hint,
        "createdAt": credential.created_at,
        "createdBy": credential.created_by,
        "expiresAt": credential.expires_at,
        "revokedAt": credential.revoked_at,
        "userId": credential.user,
        "allowedFrom": credential.allowed_from.networks,
        "reportOnly": credential.allowed_from.report_only,
    });
    facts.insert("state", state);
    facts.entry("before").or_insert(Value::Null);
    Ok(Event {
        event: name,
        object_type: "Credential",
        object_id: credential.id.to_string(),
        object_version: version,
        live_delta: None,
        payload: json!(facts).into(),
    })
}

fn row_of(credential: &Credential, tenant: uuid::Uuid) -> Result<credentials::Model, StoreError> {
    Ok(credentials::Model {
        tenant_id: tenant,
        id: credential.id.0,
        kind: word("kind", credential.kind)?,
        name: credential.name.clone(),
        name_key: Some(fold(&credential.name)),
        scope: credential.scope.clone(),
        login: credential.login.clone(),
        secret_hash: credential.secret_hash.clone(),
        hint: credential.hint.clone(),
        created_at: credential.created_at,
        created_by: credential.created_by.clone(),
        expires_at: credential.expires_at,
        revoked_at: credential.revoked_at,
        last_used_at: credential.last_used_at,
        last_used_from: credential.last_used_from.clone(),
        user_id: credential.user.map(|user| user.0),
        version: 1,
        allowed_from: networks_text(&credential.allowed_from)?,
        report_only: credential.allowed_from.report_only,
        warned_days: credential.warned_days,
        kid: credential.kid.clone(),
    })
}

/// A JSON list; `None`: anywhere.
pub(crate) fn networks_text(allowed: &AllowedFrom) -> Result<Option<String>, StoreError> {
    if allowed.networks.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&allowed.networks).map(Some).map_err(|error| unreadable("allowed_from", error))
}

/// The networks of such a list.
pub(crate) fn networks(text: Option<String>) -> Result<Vec<IpNet>, StoreError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| unreadable("allowed_from", error))
}

impl TryFrom<credentials::Model> for Credential {
    type Error = StoreError;

    fn try_from(row: credentials::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: CredentialId(row.id),
            kind: words::value("kind", row.kind)?,
            name: row.name,
            scope: row.scope,
            login: row.login,
            secret_hash: row.secret_hash,
            hint: row.hint,
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from,
            user: row.user_id.map(UserId),
            replaced: row.name_key.is_none(),
            allowed_from: AllowedFrom { networks: networks(row.allowed_from)?, report_only: row.report_only },
            warned_days: row.warned_days,
            kid: row.kid,
        })
    }
}
