//! Credentials that end soon: people are warned 60, 30, 7 and 1 days before, each time once, whatever the number of
//! nodes.

use std::collections::BinaryHeap;

use store::{Actor, ActorKind, ChangeContext, StoreError, TenantId, credentials::Credential};

use crate::{TokenService, expiry::DAY, meter};

/// Days before the end of a credential at which people are warned.
pub const STEPS: [i32; 4] = [60, 30, 7, 1];

/// A credential that has ended without another one in its place is shown for so long after: somebody is kept out.
const SHOWN: i64 = 7 * DAY;

/// Tenants and credentials that are read at a time.
const PAGE: u64 = 500;
/// Most warnings of one round: each is a small transaction. The next round goes on.
const MAX_WARNINGS: u64 = 5_000;

/// What a round has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Warnings given, by this node.
    pub warned: u64,
    /// Live credentials that end within each of [`STEPS`].
    pub within: [u64; STEPS.len()],
    /// Slugs of tenants of which a credential ends within the first step, or has ended within seven days, and when
    /// (milliseconds) the first of these: the first [`meter::MAX_TENANTS`].
    pub next: Vec<(String, i64)>,
}

/// The last of [`STEPS`] that an end has reached at `now` (both in milliseconds); `None`: it is further away, or past.
#[must_use]
pub fn step(ends_at: i64, now: i64) -> Option<i32> {
    let left = ends_at.saturating_sub(now);
    let reached = |step: &i32| left <= i64::from(*step) * DAY;
    STEPS.into_iter().rev().find(reached).filter(|_| left > 0)
}

/// The step of which people are to be warned now: reached, not told before, and not reached already when the credential
/// was made.
#[must_use]
pub fn due(credential: &Credential, now: i64) -> Option<i32> {
    let ends_at = credential.expires_at?;
    let step = step(ends_at, now)?;
    let lifetime = ends_at.saturating_sub(credential.created_at);
    let untold = credential.warned_days.is_none_or(|told| told > step);
    let live = credential.revoked_at.is_none() && !credential.replaced;
    (live && untold && lifetime > i64::from(step) * DAY).then_some(step)
}

/// The live credential that ends first, of those that no later one has replaced and that stand for no user.
pub fn next(credentials: &[Credential], now: i64) -> Option<&Credential> {
    let ends = |credential: &&Credential| credential.expires_at.unwrap_or(i64::MAX);
    let counts = |credential: &&Credential| {
        credential.revoked_at.is_none()
            && !credential.replaced
            && credential.user.is_none()
            && credential.expires_at.is_some_and(|at| at > now)
    };
    credentials.iter().filter(counts).min_by_key(ends)
}

impl TokenService {
    /// Looks at all tenants' credentials that end soon, warns of those that are due (event `credential.expiring`), and
    /// shows the rest in the metrics. Any number of nodes may do this at once. A tenant that cannot be looked at is left
    /// for the next round.
    pub async fn survey(&self) -> Result<Survey, StoreError> {
        let (mut survey, mut first, mut last) = (Survey::default(), BinaryHeap::new(), None);
        loop {
            let page = self.inner.store.platform().slugs_after(last, PAGE).await?;
            for (tenant, slug) in &page {
                match self.survey_tenant(*tenant, &mut survey).await {
                    Ok(None) => {}
                    Ok(Some(ends_at)) => {
                        first.push((ends_at, slug.clone()));
                        if first.len() > meter::MAX_TENANTS {
                            first.pop();
                        }
                    }
                    // Nobody's could be looked at now.
                    Err(error @ StoreError::Unavailable(_)) => return Err(error),
                    Err(error) => {
                        tracing::warn!(%tenant, %error, "credentials that end soon were not looked at; this is tried again");
                    }
                }
            }
            last = page.last().map(|(tenant, _)| *tenant);
            if last.is_none() {
                survey.next = first.into_sorted_vec().into_iter().map(|(at, slug)| (slug, at)).collect();
                self.inner.shown.show(&survey);
                return Ok(survey);
            }
        }
    }

    /// Gives when the first of the tenant's own live credentials ends; where none is left that is live, when the last one did.
    async fn survey_tenant(&self, tenant: TenantId, survey: &mut Survey) -> Result<Option<i64>, StoreError> {
        let store = &self.inner.store;
        let (scope, now) = (store.tenant(tenant), store.now());
        let until = now.saturating_add(i64::from(STEPS[0]) * DAY);
        let (mut next, mut ended, mut last) = (None, None, None::<Credential>);
        loop {
            let page = scope.credentials_ending((now - SHOWN, until), last.as_ref(), PAGE).await?;
            for credential in &page {
                let Some(ends_at) = credential.expires_at else { continue };
                for (step, count) in STEPS.iter().zip(&mut survey.within) {
                    *count += u64::from(ends_at > now && ends_at - now <= i64::from(*step) * DAY);
                }
                match credential.user {
                    None if ends_at <= now => ended = Some(ends_at),
                    None => next = next.or(Some(ends_at)),
                    Some(_) => {}
                }
                if let Some(step) = due(credential, now).filter(|_| survey.warned < MAX_WARNINGS)
                    && scope.warn_of_credential_end(credential.id, step, &context()).await?
                {
                    survey.warned += 1;
                    meter::warned(step);
                    let (credential, hint) = (credential.id, &credential.hint);
                    tracing::warn!(%tenant, %credential, hint, step, "a credential ends within so many days");
                }
            }
            last = page.into_iter().next_back();
            if last.is_none() {
                break;
            }
        }
        if next.is_some() || ended.is_none() {
            return Ok(next);
        }
        // One that ended is no outage as long as another opens the door.
        let is_live = |credential: &Credential| {
            credential.revoked_at.is_none()
                && credential.user.is_none()
                && credential.expires_at.is_none_or(|at| at > now)
        };
        let others = self.list(tenant).await?;
        Ok(ended.filter(|_| !others.iter().any(is_live)))
    }
}

fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::System, id: String::new(), name: "Rollcall".to_owned() },
        cause: "expiry".to_owned(),
    }
}

#[cfg(test)]
#[path = "expiring_tests.rs"]
mod tests;
