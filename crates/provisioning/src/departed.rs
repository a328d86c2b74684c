//! Users who were deleted: people look at them, bring them back, or remove them for good; those whose time is over are
//! removed without anybody.
//!
//! None of this can be done by an identity provider, to whom they do not exist.

use scim_core::{
    ScimError,
    profile::{DeletePolicy, Profile},
};
use store::{
    Actor, ActorKind, ChangeContext, Start, StoreError, TenantScope, Total,
    users::{Due, User, UserState},
};

use crate::{
    Provisioner, Query, Rendered, Request, Tenant, TenantDirectory, answer,
    attempts::{Attempts, whole},
    listing::Selected,
    scim_error,
    users::{not_found, user_id, user_type},
};

/// Users purged before the next ones are looked for.
const BATCH: u64 = 100;

/// Tenants looked at together.
const TENANTS: u64 = 100;

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// The key of the policy, as the cause of a purge names it.
const RETENTION: &str = "retention-days";

/// A soft-deleted user.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletedUser {
    /// As it was; in no group.
    pub rendered: Rendered,
    /// When it was deleted, in milliseconds.
    pub deleted_at: i64,
    /// When it will be purged without anybody, in milliseconds; `None`: never.
    pub purged_from: Option<i64>,
}

/// A page of soft-deleted users.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletedPage {
    /// All that match.
    pub total: u64,
    /// This page.
    pub users: Vec<DeletedUser>,
}

/// May a person remove a user of this state for good? Whoever was soft-deleted; and, where DELETE only deactivates, who
/// is inactive: such a product has no other way to end what it keeps of somebody.
#[must_use]
pub fn may_be_erased(profile: &Profile, active: bool, deleted: bool) -> bool {
    deleted || (profile.policies.delete == DeletePolicy::Deactivate && !active)
}

impl Provisioner {
    /// A soft-deleted user.
    pub async fn deleted_user(&self, request: Request<'_>, id: &str) -> Result<DeletedUser, ScimError> {
        let user = self.scope(request).deleted_user(user_id(id)?).await.map_err(scim_error)?;
        user.map(|user| deleted(request, &user)).ok_or_else(|| not_found(id))
    }

    /// A page of soft-deleted users as the list is at the moment, by `start_index` and `count`.
    pub async fn deleted_users(&self, request: Request<'_>, query: &Query) -> Result<DeletedPage, ScimError> {
        let selected = Selected::bind(request, user_type(request), query)?;
        let start = Start::Offset(query.start_index.saturating_sub(1));
        let list = selected.list(start, query.count, Total::Whole);
        let page = self.scope(request).deleted_users(&list).await.map_err(scim_error)?;
        let users = page.items.iter().map(|user| deleted(request, user)).collect();
        Ok(DeletedPage { total: page.total, users })
    }

    /// Brings a soft-deleted user back as it was, but in no group. It is not validated: whoever no longer fits the
    /// profile is not lost. 409 `uniqueness` when another user has the userName by now.
    pub async fn restore_user(&self, request: Request<'_>, id: &str) -> Result<Rendered, ScimError> {
        let (scope, key) = (self.scope(request), user_id(id)?);
        let mut attempts = Attempts::new(None);
        loop {
            let user = scope.deleted_user(key).await.map_err(scim_error)?.ok_or_else(|| not_found(id))?;
            let state = UserState::new(user_type(request), user.document.clone());
            let restore = || scope.restore_user(key, user.version, &state, request.context);
            match whole(restore).await {
                Ok(restored) => {
                    let restored = restored.ok_or_else(|| not_found(id))?;
                    return Ok(answer::user(request, &restored));
                }
                Err(StoreError::Stale) => attempts.again().await?,
                Err(StoreError::Conflict { .. }) => return Err(name_taken()),
                Err(error) => return Err(scim_error(error)),
            }
        }
    }

    /// Removes a user for good, with all that the trail and the events told of it. `user_name` is what the person who
    /// asks for it has typed: 400 `invalidValue` unless it is the user's. 409 for one who may not be removed this way
    /// (see [`may_be_erased`]).
    pub async fn erase_user(&self, request: Request<'_>, id: &str, user_name: &str) -> Result<(), ScimError> {
        let (scope, key) = (self.scope(request), user_id(id)?);
        let mut attempts = Attempts::new(None);
        loop {
            let user = live_or_deleted(&scope, id).await?;
            if !may_be_erased(&request.tenant.profile, user.active, user.deleted_at.is_some()) {
                return Err(still_here(&request.tenant.profile));
            }
            if user_name.trim() != user.user_name.trim() {
                return Err(ScimError::invalid_value(
                    "userName",
                    "is not the name of this user, so nothing was deleted; type it exactly as it is shown.",
                ));
            }
            match whole(|| scope.purge_user(key, Some(user.version), request.context)).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(not_found(id)),
                Err(StoreError::Stale) => attempts.again().await?,
                Err(error) => return Err(scim_error(error)),
            }
        }
    }

    /// Purges the soft-deleted users of all tenants whose retention is over; gives their number. Several nodes may do
    /// so at once, and it may be broken off at any time: each user goes in a transaction of its own. A tenant that
    /// cannot be read, or a user who cannot be purged, is told in the log and does not hold up the others.
    pub async fn purge_expired(&self, tenants: &TenantDirectory) -> Result<u64, StoreError> {
        let (mut offset, mut purged) = (0, 0);
        loop {
            let page = self.store.platform().tenants("", offset, TENANTS).await?;
            for row in &page.items {
                match self.purge_expired_of(tenants, row.id).await {
                    Ok(count) => purged += count,
                    Err(error) => {
                        tracing::warn!(tenant = %row.id, %error, "deleted users could not be purged; this is tried again");
                    }
                }
            }
            if !page.more {
                return Ok(purged);
            }
            offset += TENANTS;
        }
    }

    async fn purge_expired_of(
        &self,
        tenants: &TenantDirectory,
        id: store::TenantId,
    ) -> Result<u64, StoreError> {
        let Some(tenant) = tenants.by_id(id).await? else { return Ok(0) };
        let Some(days) = tenant.profile.policies.retention_days else { return Ok(0) };
        let (scope, context) = (self.store.tenant(id), retention(days));
        let until = self.store.now() - i64::from(days) * DAY;
        let (mut purged, mut last) = (0, None);
        loop {
            let page = scope.deleted_until(until, last, BATCH).await?;
            // Each is tried once: one who cannot be purged is left behind, and is the first again the next time.
            last = page.last().copied();
            for Due { id: user, version, .. } in &page {
                match whole(|| scope.purge_user(*user, Some(*version), &context)).await {
                    Ok(true) => purged += 1,
                    // Somebody brought it back, or was faster.
                    Ok(false) | Err(StoreError::Stale) => {}
                    // Nobody could be purged now.
                    Err(error @ StoreError::Unavailable(_)) => return Err(error),
                    Err(error) => {
                        tracing::warn!(tenant = %id, %user, %error, "a deleted user could not be purged; this is tried again");
                    }
                }
            }
            if last.is_none() {
                return Ok(purged);
            }
        }
    }
}

fn retention(days: u32) -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::System, id: String::new(), name: "Rollcall".to_owned() },
        cause: format!("{RETENTION} = {days}"),
    }
}

async fn live_or_deleted(scope: &TenantScope, id: &str) -> Result<User, ScimError> {
    let key = user_id(id)?;
    if let Some(user) = scope.user(key, false).await.map_err(scim_error)? {
        return Ok(user);
    }
    scope.deleted_user(key).await.map_err(scim_error)?.ok_or_else(|| not_found(id))
}

fn deleted(request: Request<'_>, user: &User) -> DeletedUser {
    let deleted_at = user.deleted_at.unwrap_or(user.updated_at);
    let purged_from = purged_from(request.tenant, deleted_at);
    DeletedUser { rendered: answer::user(request, user), deleted_at, purged_from }
}

fn purged_from(tenant: &Tenant, deleted_at: i64) -> Option<i64> {
    tenant.profile.policies.retention_days.map(|days| deleted_at + i64::from(days) * DAY)
}

fn name_taken() -> ScimError {
    ScimError::uniqueness(
        "userName: another user has this name by now, so the deleted one was not restored. Rename or delete the other \
         one first.",
    )
}

fn still_here(profile: &Profile) -> ScimError {
    let remedy = match profile.policies.delete {
        DeletePolicy::Deactivate => {
            "Deactivate the user first: take it away from the app in the identity provider."
        }
        DeletePolicy::SoftDelete | DeletePolicy::Purge => {
            "Delete the user first: take it away from the app in the identity provider."
        }
    };
    ScimError::new(409, format!("Only who is gone can be deleted for good. {remedy}"))
}
