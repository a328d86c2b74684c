//! Host names of tenants' own, proven at a real name server.

use egress::{Dns, NameServers};
use name_testing::NameServer;
use provisioning::{Tenant, TenantDirectory, domains::proof_name};
use store_testing::{TestStore, on_both};

use crate::support::context;

const HOST: &str = "scim.acme.example";
const DAY: i64 = 24 * 3_600_000;

struct Place {
    server: NameServer,
    tenants: TenantDirectory,
}

impl Place {
    async fn new(store: &TestStore) -> Self {
        let server = NameServer::start().await;
        let dns = Dns::new(NameServers(vec![server.address()]));
        let url = "https://scim.rollcall.example".parse().expect("a URL");
        let tenants =
            TenantDirectory::new(store.store()).with_names(dns, &url, Some("tenants.rollcall.example"));
        Self { server, tenants }
    }

    async fn tenant(&self, slug: &str) -> Tenant {
        let made = self.tenants.create(slug, None, "generic", "lenient", true, &context()).await;
        Tenant::clone(&made.expect("a tenant"))
    }

    async fn check(&self, store: &TestStore, tenant: &Tenant) -> Result<bool, String> {
        // Two looks are never taken at once.
        store.advance(2_001);
        let checked = self.tenants.check_domain(tenant, HOST, &context()).await;
        checked.map(|domain| domain.proven_at.is_some()).map_err(|error| error.to_string())
    }

    async fn leads_to(&self) -> Option<String> {
        self.tenants.slug_of_host(HOST).await.expect("looked up").map(|slug| slug.to_string())
    }
}

on_both! {
    async fn a_name_leads_to_whoever_proves_it(store: TestStore) {
        let place = Place::new(&store).await;
        let (acme, other) = (place.tenant("acme").await, place.tenant("other").await);
        let claimed = place.tenants.claim_domain(&acme, " SCIM.acme.example. ", &context()).await.expect("claimed");
        assert_eq!(claimed.host, HOST);
        assert!(claimed.challenge.starts_with("rollcall-domain-verification=") && claimed.challenge.len() > 50);
        let others = place.tenants.claim_domain(&other, HOST, &context()).await.expect("claimed");
        assert_ne!(others.challenge, claimed.challenge);

        assert_eq!(place.check(&store, &acme).await, Ok(false));
        let again = place.tenants.check_domain(&acme, HOST, &context()).await.expect_err("at once").to_string();
        assert!(again.contains("wait two seconds"), "{again}");
        assert_eq!(place.leads_to().await, None);
        place.server.set(&proof_name(HOST), &["v=spf1", &claimed.challenge]);
        assert_eq!(place.check(&store, &other).await, Ok(false), "another's proof");
        assert_eq!(place.check(&store, &acme).await, Ok(true));
        assert_eq!(place.leads_to().await.as_deref(), Some("acme"));

        // Both texts: it stays with who has it, who can be told apart from who claims it.
        place.server.set(&proof_name(HOST), &[&others.challenge, &claimed.challenge]);
        let refused = place.check(&store, &other).await.expect_err("taken");
        assert!(refused.contains("another tenant") && refused.contains("_rollcall.scim.acme.example"), "{refused}");
        place.server.set(&proof_name(HOST), &[&others.challenge]);
        assert_eq!(place.check(&store, &other).await, Ok(true));
        assert_eq!(place.leads_to().await.as_deref(), Some("other"));
        assert_eq!(place.tenants.slug_of_host("scim.rollcall.example").await.expect("asked"), None);

        assert!(place.tenants.remove_domain(&other, HOST, &context()).await.expect("removed"));
        assert_eq!(place.leads_to().await, None);
        let unknown = place.check(&store, &other).await.expect_err("removed");
        assert!(unknown.contains("none of this tenant's names"), "{unknown}");
    }

    async fn a_lost_proof_takes_the_name_away_after_a_week(store: TestStore) {
        let place = Place::new(&store).await;
        let acme = place.tenant("acme").await;
        let claimed = place.tenants.claim_domain(&acme, HOST, &context()).await.expect("claimed");
        place.server.set(&proof_name(HOST), &[&claimed.challenge]);
        assert_eq!(place.check(&store, &acme).await, Ok(true));
        assert_eq!(place.tenants.check_domains_again().await.expect("a round"), 0, "looked at a moment ago");
        let days = async |number: u32| {
            for _ in 0..number {
                store.advance(DAY + 1);
                assert_eq!(place.tenants.check_domains_again().await.expect("a round"), 1);
            }
            place.leads_to().await.is_some()
        };
        assert!(days(3).await);
        place.server.fail(true);
        assert!(days(9).await, "an outage takes nothing away");
        place.server.fail(false);
        place.server.set(&proof_name(HOST), &[]);
        assert!(days(7).await);
        assert!(!days(1).await);
    }

    async fn a_deleted_tenants_name_leads_nowhere(store: TestStore) {
        let place = Place::new(&store).await;
        let acme = place.tenant("acme").await;
        let claimed = place.tenants.claim_domain(&acme, HOST, &context()).await.expect("claimed");
        place.server.set(&proof_name(HOST), &[&claimed.challenge]);
        assert_eq!(place.check(&store, &acme).await, Ok(true));
        place.tenants.delete(&acme, "acme", &context()).await.expect("deleted");
        assert_eq!(place.leads_to().await, None);
        place.tenants.restore(acme.id(), &context()).await.expect("restored");
        assert_eq!(place.leads_to().await.as_deref(), Some("acme"));
    }
}
