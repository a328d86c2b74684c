//! Where a credential may be used from: asked with each request, once the credential itself is known to be good.

use std::{net::IpAddr, time::Duration};

use moka::future::Cache;
use store::{
    ChangeContext, CredentialId, TenantId,
    credentials::{AllowedFrom, Credential},
};
use uuid::Uuid;

use crate::{Refusal, Sender, TokenService, service::IssueError, verified::Verified};

/// Most networks of one credential.
pub const MAX_NETWORKS: usize = 50;
/// A use from elsewhere that is only told is told again after this long, for one credential and address.
const TOLD_FOR: Duration = Duration::from_secs(60);
/// Pairs of credential and address that are remembered as told.
const CAPACITY: u64 = 10_000;

/// How a list of networks is kept: each once, none without need, at most [`MAX_NETWORKS`]. The error is for a person.
pub fn check(allowed: &AllowedFrom) -> Result<AllowedFrom, String> {
    let mut networks = Vec::new();
    for network in &allowed.networks {
        let network = network.trunc();
        if !networks.contains(&network) {
            networks.push(network);
        }
        if networks.len() > MAX_NETWORKS {
            return Err(format!(
                "networks: more than {MAX_NETWORKS} networks; join some into larger ones, such as 203.0.113.0/24"
            ));
        }
    }
    // From anywhere, there is nothing to report.
    let report_only = allowed.report_only && !networks.is_empty();
    Ok(AllowedFrom { networks, report_only })
}

/// Where a good credential was used from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A network of its list, or it has none.
    Allowed,
    /// Elsewhere; its list only reports.
    Reported,
}

/// See the module.
pub(crate) struct Places {
    told: Cache<(Uuid, Option<IpAddr>), ()>,
}

impl Default for Places {
    fn default() -> Self {
        Self { told: Cache::builder().max_capacity(CAPACITY).time_to_live(TOLD_FOR).build() }
    }
}

impl Places {
    /// Refuses a good credential of a tenant that comes from a network that is not in its list.
    pub(crate) async fn check(&self, verified: &Verified, sender: &Sender) -> Result<Place, Refusal> {
        let Some(allowed) = &verified.allowed_from else { return Ok(Place::Allowed) };
        let (tenant, credential) = (verified.principal.tenant, verified.principal.credential);
        let place = self.of(allowed, credential.0, sender).await;
        place.ok_or(Refusal::Elsewhere { tenant, credential, address: sender.address })
    }

    /// Where a good credential of this id, a tenant's or the installation's, comes from; `None`: from where it must not.
    /// Whose address is not known comes from no network. What is only reported is told in the log, now and then.
    pub(crate) async fn of(&self, allowed: &AllowedFrom, id: Uuid, sender: &Sender) -> Option<Place> {
        if allowed.networks.is_empty() || sender.address.is_some_and(|address| allowed.holds(address)) {
            return Some(Place::Allowed);
        }
        if !allowed.report_only {
            return None;
        }
        if self.told.entry((id, sender.address)).or_insert(()).await.is_fresh() {
            let from = sender.line();
            tracing::info!(credential = %id, from, "a credential came from outside its networks; they only report");
        }
        Some(Place::Reported)
    }
}

impl TokenService {
    /// Says anew where a credential may come from, on this node at once, within 1 s on others. Gives it as it is now; the
    /// error is for a person.
    pub async fn allow_from(
        &self,
        tenant: TenantId,
        id: CredentialId,
        allowed: &AllowedFrom,
        context: &ChangeContext,
    ) -> Result<Credential, IssueError> {
        let allowed = check(allowed).map_err(IssueError::Unfit)?;
        let changed = self.inner.store.tenant(tenant).allow_credential_from(id, &allowed, context).await?;
        changed.ok_or_else(|| {
            IssueError::Unfit(
                "credential: it was revoked, or this tenant has no such one; look at the list".into(),
            )
        })
    }
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
