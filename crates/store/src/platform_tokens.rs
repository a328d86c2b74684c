//! Tokens of the installation, for `/api/v1`. A secret is never here: a token is proven by its signature and an active
//! row.

use scim_core::fold;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::Expr,
};
use serde_json::{Value, json};

use crate::{
    ChangeContext, Platform, PlatformTokenId, StoreError,
    credentials::{AllowedFrom, networks, networks_text},
    entity::platform_tokens,
    record::Event,
    tx::PlatformTx,
};

/// A token of the installation as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformToken {
    /// Id, the token's `jti`.
    pub id: PlatformTokenId,
    /// Unique among those that are neither revoked nor expired.
    pub name: String,
    /// Scopes, separated by a blank (RFC 6749 §3.3).
    pub scope: String,
    /// Last four characters of the token, for people.
    pub hint: String,
    /// Milliseconds.
    pub created_at: i64,
    /// Who made it: the actor's name.
    pub created_by: String,
    /// Milliseconds.
    pub expires_at: i64,
    /// Milliseconds.
    pub revoked_at: Option<i64>,
    /// Milliseconds; written in batches.
    pub last_used_at: Option<i64>,
    /// IP address and user agent of the last use.
    pub last_used_from: Option<String>,
    /// Its name belongs to a later token: it was rotated and lives on until it expires, or it has expired.
    pub replaced: bool,
    /// Networks that it may come from.
    pub allowed_from: AllowedFrom,
}

/// One use of a token, to be written in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformTokenUse {
    /// Which.
    pub id: PlatformTokenId,
    /// Milliseconds.
    pub at: i64,
    /// IP address and user agent.
    pub from: String,
}

impl Platform {
    /// Keeps a new token and moves the epoch. [`StoreError::Conflict`] on `name`; an expired token gives its name away.
    /// Event `platform-token.created`.
    pub async fn create_platform_token(
        &self,
        token: &PlatformToken,
        context: &ChangeContext,
    ) -> Result<(), StoreError> {
        let tx = self.inner.begin_write().await?;
        let name_key = fold(&token.name);
        platform_tokens::Entity::update_many()
            .col_expr(platform_tokens::Column::NameKey, Expr::value(None::<String>))
            .filter(platform_tokens::Column::NameKey.eq(name_key))
            .filter(platform_tokens::Column::ExpiresAt.lte(tx.now))
            .exec(&tx.db)
            .await?;
        insert(&tx, token).await?;
        tx.record(event("platform-token.created", token, 1, json!({ "before": null })), context).await?;
        tx.commit_configuration().await
    }

    /// Puts a new token in the place of a live one and moves the epoch: the old one loses its name to the new one and
    /// ends at `old_ends_at` (milliseconds), or earlier if it would have. The new one may come from where the old one may
    /// at this moment, whatever `new` says. Gives the old one as it is now; `None` when there is none, or it is
    /// revoked, expired or replaced already. Event `platform-token.rotated` of both.
    pub async fn rotate_platform_token(
        &self,
        old: PlatformTokenId,
        old_ends_at: i64,
        new: &PlatformToken,
        context: &ChangeContext,
    ) -> Result<Option<PlatformToken>, StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some(before) = row_by_id(&tx, old).await? else { return Ok(None) };
        let ended = platform_tokens::Entity::update_many()
            .col_expr(platform_tokens::Column::NameKey, Expr::value(None::<String>))
            .col_expr(
                platform_tokens::Column::ExpiresAt,
                Expr::value(std::cmp::Ord::min(before.expires_at, old_ends_at)),
            )
            .col_expr(platform_tokens::Column::Version, Expr::col(platform_tokens::Column::Version).add(1))
            .filter(platform_tokens::COLUMN.id.eq(old.0))
            .filter(platform_tokens::Column::RevokedAt.is_null())
            .filter(platform_tokens::Column::NameKey.is_not_null())
            .filter(platform_tokens::Column::ExpiresAt.gt(tx.now))
            .exec(&tx.db)
            .await?;
        if ended.rows_affected == 0 {
            return Ok(None);
        }
        let Some(row) = row_by_id(&tx, old).await? else { return Ok(None) };
        let version = row.version;
        let kept = PlatformToken::try_from(row)?;
        // They may have been narrowed since `new` was made.
        let new = &PlatformToken { allowed_from: kept.allowed_from.clone(), ..new.clone() };
        insert(&tx, new).await?;
        let of_old = json!({ "before": { "expiresAt": before.expires_at }, "replacedBy": new.id });
        let of_new = json!({ "before": null, "replaces": old });
        tx.record(event("platform-token.rotated", &kept, version, of_old), context).await?;
        tx.record(event("platform-token.rotated", new, 1, of_new), context).await?;
        tx.commit_configuration().await?;
        Ok(Some(kept))
    }

    /// Revokes and moves the epoch. `false` when there is none or it is revoked. Event `platform-token.revoked`.
    pub async fn revoke_platform_token(
        &self,
        id: PlatformTokenId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let revoked = platform_tokens::Entity::update_many()
            .col_expr(platform_tokens::Column::RevokedAt, Expr::value(tx.now))
            .col_expr(platform_tokens::Column::Version, Expr::col(platform_tokens::Column::Version).add(1))
            .filter(platform_tokens::COLUMN.id.eq(id.0))
            .filter(platform_tokens::Column::RevokedAt.is_null())
            .exec(&tx.db)
            .await?;
        if revoked.rows_affected == 0 {
            return Ok(false);
        }
        let Some(row) = row_by_id(&tx, id).await? else { return Ok(false) };
        let version = row.version;
        let facts = json!({ "before": { "revokedAt": null } });
        let revoked = event("platform-token.revoked", &PlatformToken::try_from(row)?, version, facts);
        tx.record(revoked, context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// Says anew where a token may come from, and moves the epoch. Gives it as it is now; `None` when there is none or it
    /// is revoked. Event `platform-token.updated`; none when nothing changes.
    pub async fn allow_platform_token_from(
        &self,
        id: PlatformTokenId,
        allowed: &AllowedFrom,
        context: &ChangeContext,
    ) -> Result<Option<PlatformToken>, StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some(row) = row_by_id(&tx, id).await? else { return Ok(None) };
        let before = PlatformToken::try_from(row)?;
        if before.revoked_at.is_some() || before.allowed_from == *allowed {
            return Ok(before.revoked_at.is_none().then_some(before));
        }
        let changed = platform_tokens::Entity::update_many()
            .col_expr(platform_tokens::Column::AllowedFrom, Expr::value(networks_text(allowed)?))
            .col_expr(platform_tokens::Column::ReportOnly, Expr::value(allowed.report_only))
            .col_expr(platform_tokens::Column::Version, Expr::col(platform_tokens::Column::Version).add(1))
            .filter(platform_tokens::COLUMN.id.eq(id.0))
            .filter(platform_tokens::Column::RevokedAt.is_null())
            .exec(&tx.db)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(None);
        }
        let Some(row) = row_by_id(&tx, id).await? else { return Ok(None) };
        let version = row.version;
        let after = PlatformToken::try_from(row)?;
        let before = json!({
            "allowedFrom": before.allowed_from.networks,
            "reportOnly": before.allowed_from.report_only,
        });
        let updated = event("platform-token.updated", &after, version, json!({ "before": before }));
        tx.record(updated, context).await?;
        tx.commit_configuration().await?;
        Ok(Some(after))
    }

    /// By id, in any state.
    pub async fn platform_token(&self, id: PlatformTokenId) -> Result<Option<PlatformToken>, StoreError> {
        let row = platform_tokens::Entity::find_by_id(id.0).one(&self.inner.db).await?;
        row.map(PlatformToken::try_from).transpose()
    }

    /// All, newest first.
    pub async fn platform_tokens(&self) -> Result<Vec<PlatformToken>, StoreError> {
        let query = platform_tokens::Entity::find()
            .order_by_desc(platform_tokens::Column::CreatedAt)
            .order_by_desc(platform_tokens::Column::Id);
        query.all(&self.inner.db).await?.into_iter().map(PlatformToken::try_from).collect()
    }

    /// Notes last uses (no audit, no epoch). An older use never replaces a newer one.
    pub async fn note_platform_uses(&self, uses: &[PlatformTokenUse]) -> Result<(), StoreError> {
        if uses.is_empty() {
            return Ok(());
        }
        // In one order, so that two nodes lock rows in the same one. There are few of these tokens: a statement each.
        let mut uses: Vec<&PlatformTokenUse> = uses.iter().collect();
        uses.sort_by_key(|used| (used.id, used.at));
        let tx = self.inner.begin_write().await?;
        for used in uses {
            let last = platform_tokens::Column::LastUsedAt;
            platform_tokens::Entity::update_many()
                .col_expr(last, Expr::value(used.at))
                .col_expr(platform_tokens::Column::LastUsedFrom, Expr::value(used.from.as_str()))
                .filter(platform_tokens::COLUMN.id.eq(used.id.0))
                .filter(last.is_null().or(last.lt(used.at)))
                .exec(&tx.db)
                .await?;
        }
        tx.commit().await
    }
}

async fn row_by_id(
    tx: &PlatformTx,
    id: PlatformTokenId,
) -> Result<Option<platform_tokens::Model>, StoreError> {
    Ok(platform_tokens::Entity::find_by_id(id.0).one(&tx.db).await?)
}

async fn insert(tx: &PlatformTx, token: &PlatformToken) -> Result<(), StoreError> {
    let row = platform_tokens::Model {
        id: token.id.0,
        name: token.name.clone(),
        name_key: Some(fold(&token.name)),
        scope: token.scope.clone(),
        hint: token.hint.clone(),
        created_at: token.created_at,
        created_by: token.created_by.clone(),
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
        last_used_at: token.last_used_at,
        last_used_from: token.last_used_from.clone(),
        allowed_from: networks_text(&token.allowed_from)?,
        report_only: token.allowed_from.report_only,
        version: 1,
    };
    let row = row.into_active_model().reset_all();
    platform_tokens::Entity::insert(row).exec_without_returning(&tx.db).await?;
    Ok(())
}

/// `facts`: what the event tells beside the state, an object.
fn event(name: &'static str, token: &PlatformToken, version: i64, mut facts: Value) -> Event {
    facts["state"] = json!({
        "id": token.id,
        "name": token.name,
        "scope": token.scope,
        "hint": token.hint,
        "createdAt": token.created_at,
        "createdBy": token.created_by,
        "expiresAt": token.expires_at,
        "revokedAt": token.revoked_at,
        "allowedFrom": token.allowed_from.networks,
        "reportOnly": token.allowed_from.report_only,
    });
    Event {
        event: name,
        object_type: "PlatformToken",
        object_id: token.id.to_string(),
        object_version: version,
        live_delta: None,
        payload: facts.into(),
    }
}

impl TryFrom<platform_tokens::Model> for PlatformToken {
    type Error = StoreError;

    fn try_from(row: platform_tokens::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: PlatformTokenId(row.id),
            name: row.name,
            scope: row.scope,
            hint: row.hint,
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from,
            replaced: row.name_key.is_none(),
            allowed_from: AllowedFrom { networks: networks(row.allowed_from)?, report_only: row.report_only },
        })
    }
}
