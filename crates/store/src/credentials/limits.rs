//! What limits a credential beside its scopes: the networks that it may come from, and its end, of which people are
//! warned.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, SimpleExpr},
};
use serde_json::json;

use super::{AllowedFrom, Credential, Facts, event, networks_text, row_by_id};
use crate::{ChangeContext, CredentialId, StoreError, TenantScope, entity::credentials};

impl TenantScope {
    /// Says anew where a credential may come from, and moves the epoch. Gives it as it is now; `None` when there is none
    /// or it is revoked. Event `credential.updated`; none when nothing changes.
    pub async fn allow_credential_from(
        &self,
        id: CredentialId,
        allowed: &AllowedFrom,
        context: &ChangeContext,
    ) -> Result<Option<Credential>, StoreError> {
        let tx = self.write().await?;
        let Some(row) = row_by_id(&tx, id).await? else { return Ok(None) };
        let before = Credential::try_from(row)?;
        if before.revoked_at.is_some() || before.allowed_from == *allowed {
            return Ok(before.revoked_at.is_none().then_some(before));
        }
        let changed = credentials::Entity::update_many()
            .col_expr(credentials::Column::AllowedFrom, Expr::value(networks_text(allowed)?))
            .col_expr(credentials::Column::ReportOnly, Expr::value(allowed.report_only))
            .col_expr(credentials::Column::Version, next_version())
            .filter(credentials::COLUMN.tenant_id.eq(tx.tenant))
            .filter(credentials::COLUMN.id.eq(id.0))
            .filter(credentials::Column::RevokedAt.is_null())
            .exec(&tx.db)
            .await?;
        if changed.rows_affected == 0 {
            return Ok(None);
        }
        let Some(row) = row_by_id(&tx, id).await? else { return Ok(None) };
        let version = row.version;
        let after = Credential::try_from(row)?;
        let before = json!({
            "allowedFrom": before.allowed_from.networks,
            "reportOnly": before.allowed_from.report_only,
        });
        let told = event("credential.updated", &after, version, [("before", before)].into())?;
        tx.record(vec![told], context).await?;
        tx.commit_configuration().await?;
        Ok(Some(after))
    }

    /// Credentials that end, or have ended, after the first of two times and not after the second (milliseconds), were not
    /// revoked and that no later one has replaced: the first to end first; after one of them (`None`: from the first).
    pub async fn credentials_ending(
        &self,
        (past, until): (i64, i64),
        after: Option<&Credential>,
        limit: u64,
    ) -> Result<Vec<Credential>, StoreError> {
        let tx = self.read().await?;
        let (end, id) = (credentials::Column::ExpiresAt, credentials::Column::Id);
        let mut query = credentials::Entity::find()
            .filter(credentials::COLUMN.tenant_id.eq(tx.tenant))
            .filter(credentials::Column::RevokedAt.is_null())
            .filter(credentials::Column::NameKey.is_not_null())
            .filter(end.gt(past).and(end.lte(until)))
            .order_by_asc(end)
            .order_by_asc(id)
            .limit(limit);
        if let Some(last) = after {
            let at = last.expires_at.unwrap_or(i64::MAX);
            query = query.filter(end.gt(at).or(end.eq(at).and(id.gt(last.id.0))));
        }
        query.all(&tx.db).await?.into_iter().map(Credential::try_from).collect()
    }

    /// Notes that people were warned of the end of a live credential, so many `days` before it. `false`, and no event,
    /// when somebody else did before, in this step or a later one, or it is revoked or replaced by now: of many nodes
    /// that try, one succeeds. Nothing that is cached depends on it, so the epoch stays. Event `credential.expiring`.
    pub async fn warn_of_credential_end(
        &self,
        id: CredentialId,
        days: i32,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.write().await?;
        let warned = credentials::Column::WarnedDays;
        let noted = credentials::Entity::update_many()
            .col_expr(warned, Expr::value(days))
            .col_expr(credentials::Column::Version, next_version())
            .filter(credentials::COLUMN.tenant_id.eq(tx.tenant))
            .filter(credentials::COLUMN.id.eq(id.0))
            .filter(credentials::Column::RevokedAt.is_null())
            .filter(credentials::Column::NameKey.is_not_null())
            .filter(credentials::Column::ExpiresAt.gt(tx.now))
            .filter(warned.is_null().or(warned.gt(days)))
            .exec(&tx.db)
            .await?;
        if noted.rows_affected == 0 {
            return Ok(false);
        }
        let Some(row) = row_by_id(&tx, id).await? else { return Ok(false) };
        let (version, warned_at) = (row.version, tx.now);
        let credential = Credential::try_from(row)?;
        let left = credential.expires_at.unwrap_or(warned_at).saturating_sub(warned_at);
        // Begun days count: what ends in 23 hours ends within a day.
        let facts = Facts::from([
            ("step", json!(days)),
            ("daysLeft", json!(left.saturating_add(DAY - 1).div_euclid(DAY))),
        ]);
        tx.record(vec![event("credential.expiring", &credential, version, facts)?], context).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// A day in milliseconds.
const DAY: i64 = 86_400_000;

fn next_version() -> SimpleExpr {
    Expr::col(credentials::Column::Version).add(1)
}
