//! Changes of people: role and tenants, password, and that somebody goes.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde_json::json;

use super::{Admin, AdminRole, event, give, state, touched};
use crate::{
    AdminId, ChangeContext, Platform, StoreError, TenantId,
    entity::{
        admin_identities, admin_invitations, admin_second_factors, admin_sessions, admin_tenants, admins,
    },
    tx::PlatformTx,
    words::word,
};

/// What somebody has proven at sign-in.
#[derive(Clone, PartialEq, Eq)]
pub enum Proof {
    /// A password.
    Password {
        /// Its hash, as it was read.
        hash: String,
        /// Have they a second factor, which they have shown, too, or have to?
        second_factor: bool,
    },
    /// The OpenID provider says who they are.
    Provider,
}

/// What became of a change of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done: the person as they are now, or were until now.
    Done(Admin),
    /// There is no such person.
    Unknown,
    /// Nothing was changed: no operator who can sign in would be left.
    LastOperator,
}

impl Platform {
    /// Says anew what somebody is there for, and moves the epoch. Tenants must exist. Event `admin.updated`, unless
    /// nothing changes.
    pub async fn set_admin_role(
        &self,
        id: AdminId,
        role: AdminRole,
        tenants: &BTreeSet<TenantId>,
        context: &ChangeContext,
    ) -> Result<Outcome, StoreError> {
        let tx = self.inner.begin_write().await?;
        let others = other_operators(&tx, id).await?;
        let Some((before, version)) = touched(&tx, id).await? else { return Ok(Outcome::Unknown) };
        if before.role == AdminRole::Operator && role != AdminRole::Operator && others == 0 {
            return Ok(Outcome::LastOperator);
        }
        let after = Admin { role, tenants: tenants.clone(), ..before.clone() };
        if after == before {
            return Ok(Outcome::Done(before));
        }
        admins::Entity::update_many()
            .col_expr(admins::Column::Role, Expr::value(word("role", role)?))
            .filter(admins::COLUMN.id.eq(id.0))
            .exec(&tx.db)
            .await?;
        take_tenants(&tx, id).await?;
        give(&tx, &after).await?;
        let facts = json!({ "before": state(&before) });
        tx.record(event("admin.updated", &after, version, facts), context).await?;
        tx.commit_configuration().await?;
        Ok(Outcome::Done(after))
    }

    /// Removes somebody with their sessions, second factor, invitation and identities, and moves the epoch. Event
    /// `admin.removed`.
    pub async fn remove_admin(&self, id: AdminId, context: &ChangeContext) -> Result<Outcome, StoreError> {
        let tx = self.inner.begin_write().await?;
        let others = other_operators(&tx, id).await?;
        let Some((gone, version)) = touched(&tx, id).await? else { return Ok(Outcome::Unknown) };
        if gone.role == AdminRole::Operator && others == 0 {
            return Ok(Outcome::LastOperator);
        }
        take_tenants(&tx, id).await?;
        admins::Entity::delete_by_id(id.0).exec(&tx.db).await?;
        tx.record(event("admin.removed", &gone, version, json!({ "before": state(&gone) })), context).await?;
        tx.commit_configuration().await?;
        Ok(Outcome::Done(gone))
    }

    /// Keeps a new password in the place of the one with the hash `before`, ends all sessions but the one of this digest,
    /// takes an open invitation away and moves the epoch. `false`: the person or that password is not there any more.
    /// Event `admin.password-changed`.
    pub async fn set_admin_password(
        &self,
        id: AdminId,
        before: &str,
        password_hash: &str,
        keep: Option<&[u8]>,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        let Some((admin, version)) = touched(&tx, id).await? else { return Ok(false) };
        if admin.password_hash != before {
            return Ok(false);
        }
        set_password(&tx, id, password_hash, keep).await?;
        tx.record(event("admin.password-changed", &admin, version, json!({})), context).await?;
        tx.commit_configuration().await?;
        Ok(true)
    }

    /// Writes down that somebody has signed in: `how` in a few words, `from` where. `false`, and nothing is written: what
    /// they have proven is not so any more, and their session has to end. To be asked once the session is kept: see
    /// [`Platform::is_still_proven`]. Event `admin.signed-in`.
    pub async fn note_sign_in(
        &self,
        admin: &Admin,
        proof: &Proof,
        how: &str,
        from: &str,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        if !is_proven(&tx, admin.id, proof).await? {
            return Ok(false);
        }
        let facts = json!({ "how": how, "from": from });
        tx.record(event("admin.signed-in", admin, 1, facts), context).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Does what somebody has proven still hold? To check a password takes a while, in which it may be changed. A change
    /// locks the person's row before it ends their sessions, and so does this: asked once a session is kept, either the
    /// change has ended that session, or this says no.
    pub async fn is_still_proven(&self, id: AdminId, proof: &Proof) -> Result<bool, StoreError> {
        let tx = self.inner.begin_write().await?;
        is_proven(&tx, id, proof).await
    }
}

async fn is_proven(tx: &PlatformTx, id: AdminId, proof: &Proof) -> Result<bool, StoreError> {
    let Some(row) = admins::Entity::find_by_id(id.0).lock_exclusive().one(&tx.db).await? else {
        return Ok(false);
    };
    let Proof::Password { hash, second_factor } = proof else { return Ok(true) };
    let factor = admin_second_factors::Entity::find_by_id(id.0).one(&tx.db).await?;
    let has_one = factor.is_some_and(|factor| factor.confirmed_at.is_some());
    Ok(row.password_hash == *hash && has_one == *second_factor)
}

/// In a transaction: the hash, and what ends with a new password.
pub(super) async fn set_password(
    tx: &PlatformTx,
    id: AdminId,
    password_hash: &str,
    keep: Option<&[u8]>,
) -> Result<(), StoreError> {
    admins::Entity::update_many()
        .col_expr(admins::Column::PasswordHash, Expr::value(password_hash))
        .filter(admins::COLUMN.id.eq(id.0))
        .exec(&tx.db)
        .await?;
    end_sessions(tx, id, keep).await?;
    admin_invitations::Entity::delete_by_id(id.0).exec(&tx.db).await?;
    Ok(())
}

/// In a transaction: ends somebody's sessions but the one of this digest; gives their number.
pub(super) async fn end_sessions(
    tx: &PlatformTx,
    id: AdminId,
    keep: Option<&[u8]>,
) -> Result<u64, StoreError> {
    let mut query = admin_sessions::Entity::delete_many().filter(admin_sessions::Column::AdminId.eq(id.0));
    if let Some(keep) = keep {
        query = query.filter(admin_sessions::Column::IdHash.ne(keep.to_vec()));
    }
    Ok(query.exec(&tx.db).await?.rows_affected)
}

async fn take_tenants(tx: &PlatformTx, id: AdminId) -> Result<(), StoreError> {
    let theirs = admin_tenants::COLUMN.admin_id.eq(id.0);
    admin_tenants::Entity::delete_many().filter(theirs).exec(&tx.db).await?;
    Ok(())
}

/// How many operators can sign in beside this one. Their rows are locked, so that of two who go at once one stays.
async fn other_operators(tx: &PlatformTx, id: AdminId) -> Result<usize, StoreError> {
    let operators = admins::Entity::find()
        .filter(admins::COLUMN.role.eq(word("role", AdminRole::Operator)?))
        .order_by_asc(admins::Column::Id)
        .lock_exclusive()
        .all(&tx.db)
        .await?;
    let others: Vec<_> = operators.into_iter().filter(|row| row.id != id.0).collect();
    let waiting = others.iter().filter(|row| row.password_hash.is_empty()).map(|row| row.id);
    let by_provider = admin_identities::Entity::find()
        .filter(admin_identities::Column::AdminId.is_in(waiting))
        .all(&tx.db)
        .await?;
    let enters = |row: &&admins::Model| {
        !row.password_hash.is_empty() || by_provider.iter().any(|identity| identity.admin_id == row.id)
    };
    Ok(others.iter().filter(enters).count())
}
