//! Second factors: what one-time codes are made from (sealed), which of them were taken, and recovery codes (digests).

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Set, sea_query::Expr};
use serde_json::json;

use super::{changes, event, touched};
use crate::{
    AdminId, ChangeContext, Platform, StoreError,
    entity::{admin_recovery_codes, admin_second_factors},
    tx::PlatformTx,
};

/// Wrong codes of one person that are looked at in [`WINDOW`]; those that come later are not.
pub const TRIES: i64 = 10;
/// After this the wrong codes are forgotten. Milliseconds.
pub const WINDOW: i64 = 15 * 60 * 1000;

/// A second factor as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondFactor {
    /// What codes are made from, sealed.
    pub sealed: Vec<u8>,
    /// Milliseconds; `None`: it was shown, and no code has proven that it arrived.
    pub confirmed_at: Option<i64>,
    /// Milliseconds.
    pub created_at: i64,
}

/// Whether a code may be tried now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is no second factor.
    None,
    /// Too many were wrong; again at this time (milliseconds).
    Locked(i64),
    /// It counts as wrong until [`Platform::take_code`] says that it was right.
    Open(SecondFactor),
}

impl Platform {
    /// Keeps what codes are to be made from, in the place of another one that was never confirmed. `false`: there is one
    /// that was.
    pub async fn begin_second_factor(&self, admin: AdminId, sealed: &[u8]) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        admin_second_factors::Entity::delete_many()
            .filter(admin_second_factors::Column::AdminId.eq(admin.0))
            .filter(admin_second_factors::Column::ConfirmedAt.is_null())
            .exec(&tx.db)
            .await?;
        if admin_second_factors::Entity::find_by_id(admin.0).one(&tx.db).await?.is_some() {
            return Ok(false);
        }
        let row = admin_second_factors::ActiveModel {
            admin_id: Set(admin.0),
            secret_sealed: Set(sealed.to_vec()),
            created_at: Set(tx.now),
            confirmed_at: Set(None),
            last_step: Set(0),
            failures: Set(0),
            failing_since: Set(tx.now),
        };
        admin_second_factors::Entity::insert(row).exec_without_returning(&tx.db).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Somebody's second factor, confirmed or not.
    pub async fn second_factor(&self, admin: AdminId) -> Result<Option<SecondFactor>, StoreError> {
        let row = admin_second_factors::Entity::find_by_id(admin.0).one(&self.inner.db).await?;
        Ok(row.map(SecondFactor::from))
    }

    /// Confirms a second factor by the step of a code, keeps the digests of its recovery codes, ends all sessions but
    /// the one of this digest, and moves the epoch. `false`: there is none to confirm. Event
    /// `admin.second-factor-enabled`.
    pub async fn confirm_second_factor(
        &self,
        admin: AdminId,
        step: i64,
        codes: &[Vec<u8>],
        keep: Option<&[u8]>,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some((who, version)) = touched(&tx, admin).await? else { return Ok(false) };
        let confirmed = admin_second_factors::Entity::update_many()
            .col_expr(admin_second_factors::Column::ConfirmedAt, Expr::value(tx.now))
            .col_expr(admin_second_factors::Column::LastStep, Expr::value(step))
            .filter(admin_second_factors::Column::AdminId.eq(admin.0))
            .filter(admin_second_factors::Column::ConfirmedAt.is_null())
            .exec(&tx.db)
            .await?;
        if confirmed.rows_affected == 0 {
            return Ok(false);
        }
        put_codes(&tx, admin, codes).await?;
        changes::end_sessions(&tx, admin, keep).await?;
        tx.record(event("admin.second-factor-enabled", &who, version, json!({})), context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// Before a code is looked at: counts it as wrong, so that however many come at once no more than [`TRIES`] are
    /// looked at in [`WINDOW`].
    pub async fn try_code(&self, admin: AdminId) -> Result<Turn, StoreError> {
        let tx = self.inner.begin_write().await?;
        let row = admin_second_factors::Entity::find_by_id(admin.0).lock_exclusive().one(&tx.db).await?;
        let Some(row) = row.filter(|row| row.confirmed_at.is_some()) else { return Ok(Turn::None) };
        let ends = row.failing_since.saturating_add(WINDOW);
        let (failures, since) =
            if row.failures == 0 || ends <= tx.now { (0, tx.now) } else { (row.failures, row.failing_since) };
        if failures >= TRIES {
            return Ok(Turn::Locked(ends));
        }
        admin_second_factors::Entity::update_many()
            .col_expr(admin_second_factors::Column::Failures, Expr::value(failures + 1))
            .col_expr(admin_second_factors::Column::FailingSince, Expr::value(since))
            .filter(admin_second_factors::Column::AdminId.eq(admin.0))
            .exec(&tx.db)
            .await?;
        tx.commit().await?;
        Ok(Turn::Open(row.into()))
    }

    /// A right code: `false` when one of this step or a later one was taken already. Forgets the wrong ones.
    pub async fn take_code(&self, admin: AdminId, step: i64) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let taken = admin_second_factors::Entity::update_many()
            .col_expr(admin_second_factors::Column::LastStep, Expr::value(step))
            .col_expr(admin_second_factors::Column::Failures, Expr::value(0_i64))
            .filter(admin_second_factors::Column::AdminId.eq(admin.0))
            .filter(admin_second_factors::Column::LastStep.lt(step))
            .exec(&tx.db)
            .await?;
        tx.commit().await?;
        Ok(taken.rows_affected > 0)
    }

    /// A recovery code by its digest: it is gone with that. Gives how many are left; `None`: there is no such one. Event
    /// `admin.recovery-code-used`.
    pub async fn take_recovery_code(
        &self,
        admin: AdminId,
        code: &[u8],
        context: &ChangeContext,
    ) -> Result<Option<u64>, StoreError> {
        let tx = self.inner.begin_write().await?;
        let taken = admin_recovery_codes::Entity::delete_many()
            .filter(admin_recovery_codes::Column::AdminId.eq(admin.0))
            .filter(admin_recovery_codes::Column::CodeHash.eq(code.to_vec()))
            .exec(&tx.db)
            .await?;
        if taken.rows_affected == 0 {
            return Ok(None);
        }
        let left = codes_left(&tx.db, admin).await?;
        if let Some((who, version)) = touched(&tx, admin).await? {
            tx.record(event("admin.recovery-code-used", &who, version, json!({ "left": left })), context)
                .await?;
        }
        tx.commit().await?;
        Ok(Some(left))
    }

    /// How many recovery codes somebody has left.
    pub async fn recovery_codes_left(&self, admin: AdminId) -> Result<u64, StoreError> {
        codes_left(&self.inner.db, admin).await
    }

    /// Keeps other recovery codes. `false`: there is no second factor. Event `admin.recovery-codes-renewed`.
    pub async fn replace_recovery_codes(
        &self,
        admin: AdminId,
        codes: &[Vec<u8>],
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let factor = admin_second_factors::Entity::find_by_id(admin.0).one(&tx.db).await?;
        if factor.is_none_or(|row| row.confirmed_at.is_none()) {
            return Ok(false);
        }
        let Some((who, version)) = touched(&tx, admin).await? else { return Ok(false) };
        put_codes(&tx, admin, codes).await?;
        tx.record(event("admin.recovery-codes-renewed", &who, version, json!({})), context).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the second factor and its recovery codes away and moves the epoch. `false`: there was none. Event
    /// `admin.second-factor-disabled`.
    pub async fn remove_second_factor(
        &self,
        admin: AdminId,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let removed = admin_second_factors::Entity::delete_by_id(admin.0).exec(&tx.db).await?;
        if removed.rows_affected == 0 {
            return Ok(false);
        }
        put_codes(&tx, admin, &[]).await?;
        if let Some((who, version)) = touched(&tx, admin).await? {
            tx.record(event("admin.second-factor-disabled", &who, version, json!({})), context).await?;
        }
        tx.commit_configuration().await?;
        Ok(true)
    }
}

async fn codes_left<C: sea_orm::ConnectionTrait>(db: &C, admin: AdminId) -> Result<u64, StoreError> {
    let theirs = admin_recovery_codes::Column::AdminId.eq(admin.0);
    Ok(admin_recovery_codes::Entity::find().filter(theirs).count(db).await?)
}

async fn put_codes(tx: &PlatformTx, admin: AdminId, codes: &[Vec<u8>]) -> Result<(), StoreError> {
    let theirs = admin_recovery_codes::Column::AdminId.eq(admin.0);
    admin_recovery_codes::Entity::delete_many().filter(theirs).exec(&tx.db).await?;
    let rows = codes.iter().map(|code| admin_recovery_codes::ActiveModel {
        admin_id: Set(admin.0),
        code_hash: Set(code.clone()),
    });
    if !codes.is_empty() {
        admin_recovery_codes::Entity::insert_many(rows).exec_without_returning(&tx.db).await?;
    }
    Ok(())
}

impl From<admin_second_factors::Model> for SecondFactor {
    fn from(row: admin_second_factors::Model) -> Self {
        Self { sealed: row.secret_sealed, confirmed_at: row.confirmed_at, created_at: row.created_at }
    }
}
