//! Who of the existing users no longer fits, after rules or lists have changed. Nobody is changed or lost.

use scim_core::intake::misfits;
use store::UserId;

use super::{ConfigurationError, Progress};
use crate::{Rules, Tenant, TenantDirectory};

/// Users read at a time.
const PAGE: u64 = 500;

/// Misfits that are told one by one; the rest is counted.
const TOLD: usize = 100;

/// Violations of one user that are told.
const PROBLEMS: usize = 5;

/// A user whom the profile would not take today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Id.
    pub id: UserId,
    /// userName.
    pub user_name: String,
    /// What is wrong, each with its path; never a value. The first few.
    pub problems: Vec<String>,
}

/// What a look at the users found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recheck {
    /// Users that were looked at.
    pub checked: u64,
    /// Those of them who no longer fit.
    pub misfits: u64,
    /// The first hundred of these, by id.
    pub first: Vec<Misfit>,
    /// Were all users looked at, or did the caller's limit come first?
    pub complete: bool,
    /// The last one that was looked at.
    pub last: Option<UserId>,
}

impl TenantDirectory {
    /// Looks at the tenant's live users by its profile and value sets as they are: at `limit` of them, or at all.
    pub async fn recheck(
        &self,
        tenant: &Tenant,
        limit: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<Recheck, ConfigurationError> {
        self.recheck_from(tenant, Rules::of(tenant), None, limit, progress).await
    }

    /// Looks at the tenant's live users after one (`None`: from the first) by these rules.
    pub async fn recheck_from(
        &self,
        tenant: &Tenant,
        rules: Rules<'_>,
        after: Option<UserId>,
        limit: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<Recheck, ConfigurationError> {
        let scope = self.store().tenant(tenant.id());
        let total = match limit {
            Some(limit) => limit,
            None => self.store().platform().tenant_counts(tenant.id()).await?.users,
        };
        let mut found = Recheck { last: after, ..Recheck::default() };
        progress(0, total);
        loop {
            let left = limit.map_or(PAGE, |limit| limit.saturating_sub(found.checked).min(PAGE));
            if left == 0 {
                found.complete = scope.users_after(found.last, 1).await?.is_empty();
                return Ok(found);
            }
            let page = scope.users_after(found.last, left).await?;
            let Some(end) = page.last() else {
                found.complete = true;
                return Ok(found);
            };
            found.last = Some(end.id);
            for user in &page {
                let mut problems = misfits(rules.user(), rules.value_sets, &user.document);
                if problems.is_empty() {
                    continue;
                }
                found.misfits += 1;
                if found.first.len() < TOLD {
                    problems.truncate(PROBLEMS);
                    found.first.push(Misfit { id: user.id, user_name: user.user_name.clone(), problems });
                }
            }
            found.checked += page.len() as u64;
            progress(found.checked, total.max(found.checked));
            // Rules are computed on this thread: others get their turn between two pages.
            tokio::task::yield_now().await;
        }
    }
}
