//! Host names of tenants' own: claimed by anybody, proven by a text in the name service, looked at again now and then, and
//! found by name without a look at the database.

use std::{collections::HashMap, sync::Arc};

use egress::Dns;
use store::{
    Actor, ActorKind, ChangeContext, StoreError, TenantId,
    domains::{Claimed, Domain, MOST, Seen},
};
use tokio::sync::RwLock;
use url::{Host, Url};
use uuid::Uuid;

use crate::{Tenant, TenantDirectory, attempts::whole, configuration::ConfigurationError};

/// Before a name, where its proof stands.
const LABEL: &str = "_rollcall";
/// Before the random part of a proof.
const PROOF: &str = "rollcall-domain-verification=";
/// Longest host name: with the label before it it must still be one (RFC 1035 §2.3.4).
const LONGEST: usize = 253 - LABEL.len() - 1;
/// Least time between two looks at the name service for one name, in milliseconds.
const PAUSE: i64 = 2_000;
/// A proven name is looked at again after so long, in milliseconds.
const AGAIN: i64 = 24 * 3_600_000;
/// Names looked at again in one round.
const ROUND: u64 = 200;

/// What is known of host names.
pub(crate) struct Names {
    dns: Dns,
    /// The host of the installation itself.
    public_host: Option<String>,
    /// DOMAIN of `{slug}.DOMAIN`.
    tenant_domain: Option<String>,
    proven: RwLock<Proven>,
}

/// The proven names, and the store's epoch from before they were read.
#[derive(Default)]
struct Proven {
    epoch: Option<u64>,
    hosts: Arc<HashMap<String, Arc<str>>>,
}

impl Names {
    /// Asks this name service; names of the installation itself are nobody's.
    pub(crate) fn new(dns: Dns, public_url: Option<&Url>, tenant_domain: Option<&str>) -> Self {
        let lower = |name: &str| name.trim().trim_matches('.').to_ascii_lowercase();
        Self {
            dns,
            public_host: public_url.and_then(Url::host_str).map(lower),
            tenant_domain: tenant_domain.map(lower).filter(|domain| !domain.is_empty()),
            proven: RwLock::default(),
        }
    }

    /// A host name as it is kept: lower case, international names encoded. The error names the field.
    fn checked(&self, text: &str) -> Result<String, ConfigurationError> {
        let unfit = |problem: String| ConfigurationError::Unfit(format!("host: {problem}"));
        let text = text.trim().trim_end_matches('.');
        if text.contains("://") || text.contains('/') {
            return Err(unfit("enter the host name alone, without https:// and without a path".into()));
        }
        let host = match Host::parse(text) {
            Ok(Host::Domain(host)) => host,
            Ok(_) => return Err(unfit("an address cannot be proven; enter a host name".into())),
            Err(_) => {
                return Err(unfit(format!("{text:?} is no host name; use one such as scim.example.com")));
            }
        };
        let is_label = |label: &str| {
            let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=63).contains(&label.len())
                && label.bytes().all(letters)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if host.contains('_') {
            return Err(unfit("Okta refuses a Base URL with an underscore in it; use another name".into()));
        }
        if host.len() > LONGEST || !host.contains('.') || !host.split('.').all(is_label) {
            return Err(unfit(format!(
                "{text:?} is no full host name; use letters, digits, hyphens and dots, such as scim.example.com"
            )));
        }
        if self.public_host.as_ref() == Some(&host) {
            return Err(unfit(format!(
                "{host} is the address of this installation itself; use a name of your own"
            )));
        }
        if self.is_platforms(&host) {
            return Err(unfit(format!(
                "names under {} belong to this installation; each tenant has its own there already",
                self.tenant_domain.as_deref().unwrap_or_default()
            )));
        }
        Ok(host)
    }

    /// Is it DOMAIN, or below it?
    fn is_platforms(&self, host: &str) -> bool {
        self.tenant_domain.as_ref().is_some_and(|domain| {
            host == domain || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
        })
    }

    /// Can a tenant have it? Asked for each request, so that no other name costs anything.
    fn may_be_owned(&self, host: &str) -> bool {
        host.contains('.')
            && self.public_host.as_deref() != Some(host)
            && !self.is_platforms(host)
            && !host.ends_with(|last: char| last.is_ascii_digit() || last == ']')
    }
}

/// The name whose text is the proof of a host name.
#[must_use]
pub fn proof_name(host: &str) -> String {
    format!("{LABEL}.{host}")
}

impl TenantDirectory {
    /// Slug of the tenant that has proven this host name (in lower case, without port and root's dot). In memory until the
    /// epoch moves.
    pub async fn slug_of_host(&self, host: &str) -> Result<Option<Arc<str>>, StoreError> {
        let names = self.names();
        if !names.may_be_owned(host) {
            return Ok(None);
        }
        let epoch = self.store().epoch();
        let known = names.proven.read().await;
        if known.epoch == Some(epoch) {
            return Ok(known.hosts.get(host).cloned());
        }
        drop(known);
        // One reads them, the others wait for it.
        let mut known = names.proven.write().await;
        if known.epoch != Some(epoch) {
            let rows = self.store().platform().proven_domains().await?;
            let hosts = rows.into_iter().map(|(host, _, slug)| (host, Arc::from(slug))).collect();
            *known = Proven { epoch: Some(epoch), hosts: Arc::new(hosts) };
        }
        Ok(known.hosts.get(host).cloned())
    }

    /// The tenant's host names.
    pub async fn domains(&self, tenant: &Tenant) -> Result<Vec<Domain>, StoreError> {
        self.store().tenant(tenant.id()).domains().await
    }

    /// Says that a host name is the tenant's; it leads nowhere until it is proven.
    pub async fn claim_domain(
        &self,
        tenant: &Tenant,
        host: &str,
        context: &ChangeContext,
    ) -> Result<Domain, ConfigurationError> {
        let host = self.names().checked(host)?;
        let challenge = format!("{PROOF}{}", Uuid::new_v4().simple());
        let scope = self.store().tenant(tenant.id());
        match whole(|| scope.claim_domain(&host, &challenge, context)).await? {
            Claimed::Kept(domain) => Ok(domain),
            Claimed::TooMany => Err(ConfigurationError::Unfit(format!(
                "host: a tenant has {MOST} names of its own at most; remove one first"
            ))),
        }
    }

    /// Looks whether the proof of a host name stands in the name service; gives the name as it is then, with what is
    /// wrong. The error names the field.
    pub async fn check_domain(
        &self,
        tenant: &Tenant,
        host: &str,
        context: &ChangeContext,
    ) -> Result<Domain, ConfigurationError> {
        let host = self.names().checked(host)?;
        let unknown = || {
            ConfigurationError::Unfit(format!(
                "host: {host} is none of this tenant's names, or its time is over; add it first"
            ))
        };
        let scope = self.store().tenant(tenant.id());
        let known = scope.domain(&host).await?.ok_or_else(unknown)?;
        if known.checked_at.is_some_and(|at| at > self.store().now() - PAUSE) {
            return Err(ConfigurationError::Unfit(format!(
                "host: {host} was looked up a moment ago; wait two seconds, then check again"
            )));
        }
        match self.settle(tenant.id(), &host, context).await {
            Ok(Some(domain)) => Ok(domain),
            Ok(None) => Err(unknown()),
            Err(StoreError::Conflict { .. }) => Err(ConfigurationError::Unfit(format!(
                "host: another tenant of this installation has proven {host}, and its proof still stands; remove its text \
                 from {} first",
                proof_name(&host)
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a host name up. `false` when it is not the tenant's.
    pub async fn remove_domain(
        &self,
        tenant: &Tenant,
        host: &str,
        context: &ChangeContext,
    ) -> Result<bool, StoreError> {
        let Ok(host) = self.names().checked(host) else { return Ok(false) };
        let scope = self.store().tenant(tenant.id());
        whole(|| scope.remove_domain(&host, context)).await
    }

    /// Forgets claims that nobody has proven in time, and looks at proven names again that were not looked at for a day;
    /// gives the number of those. Any number of nodes may do this at once.
    pub async fn check_domains_again(&self) -> Result<usize, StoreError> {
        let platform = self.store().platform();
        platform.forget_domain_claims().await?;
        let due = platform.domains_to_check(self.store().now() - AGAIN, ROUND).await?;
        for domain in &due {
            let settled = self.settle(domain.tenant, &domain.host, &by_itself()).await;
            match settled {
                Ok(Some(now)) if now.proven_at.is_none() => {
                    tracing::warn!(host = %now.host, tenant = %now.tenant, "a host name lost its proof and leads nowhere now");
                }
                Ok(_) => {}
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(host = %domain.host, %error, "a host name could not be looked at again");
                }
            }
        }
        Ok(due.len())
    }

    async fn settle(
        &self,
        tenant: TenantId,
        host: &str,
        context: &ChangeContext,
    ) -> Result<Option<Domain>, StoreError> {
        let found = self.names().dns.texts(&proof_name(host)).await;
        let problem = found.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let seen = match &found {
            Ok(texts) => Seen::Texts(texts),
            Err(_) => Seen::Nothing(&problem),
        };
        let scope = self.store().tenant(tenant);
        whole(|| scope.settle_domain(host, seen, context)).await
    }
}

fn by_itself() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::System, id: String::new(), name: "Rollcall".to_owned() },
        cause: "domains".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let url = Url::parse("https://scim.rollcall.example:8443").expect("a URL");
        Names::new(Dns::default(), Some(&url), Some(".Tenants.rollcall.example"))
    }

    #[test]
    fn names_that_may_be_claimed() {
        let names = names();
        for (text, kept) in [
            ("scim.acme.example", "scim.acme.example"),
            (" SCIM.Acme.Example. ", "scim.acme.example"),
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("a.b.c-d.example", "a.b.c-d.example"),
            ("rollcall.example", "rollcall.example"),
            ("evil-tenants.rollcall.example", "evil-tenants.rollcall.example"),
        ] {
            assert_eq!(names.checked(text).expect("a name"), kept, "{text}");
            assert!(names.may_be_owned(kept), "{kept}");
        }
        assert_eq!(proof_name("acme.example"), "_rollcall.acme.example");
    }

    #[test]
    fn names_that_may_not_be_claimed() {
        let names = names();
        let long = format!("{}.example", "a.".repeat(120));
        for (text, word) in [
            ("", "no host name"),
            ("localhost", "full host name"),
            ("https://acme.example", "without https"),
            ("acme.example/scim", "without a path"),
            ("acme.example:8443", "no host name"),
            ("192.0.2.1", "address"),
            ("[2001:db8::1]", "address"),
            ("*.acme.example", "no"),
            ("my_host.acme.example", "underscore"),
            ("-a.acme.example", "full host name"),
            ("a..example", "no"),
            ("a b.example", "no host name"),
            (&long, "full host name"),
            ("SCIM.rollcall.example", "installation itself"),
            ("tenants.rollcall.example", "belong to this installation"),
            ("acme.tenants.rollcall.example", "belong to this installation"),
        ] {
            let error = names.checked(text).expect_err(text).to_string();
            assert!(error.starts_with("host: ") && error.contains(word), "{text}: {error}");
        }
        for host in
            ["localhost", "192.0.2.1", "[::1]", "scim.rollcall.example", "acme.tenants.rollcall.example"]
        {
            assert!(!names.may_be_owned(host), "{host}");
        }
    }
}
