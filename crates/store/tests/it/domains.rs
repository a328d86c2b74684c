//! Host names of tenants' own.

use store::{
    StoreError, TenantScope,
    domains::{Claimed, Domain, MOST, PATIENCE, Seen},
};
use store_testing::on_both;

use crate::common::{conflict, context, tenant};

const HOST: &str = "scim.acme.example";
const DAY: i64 = 24 * 3_600_000;

async fn claim(scope: &TenantScope, host: &str, challenge: &str) -> Domain {
    match scope.claim_domain(host, challenge, &context()).await.unwrap() {
        Claimed::Kept(domain) => domain,
        Claimed::TooMany => panic!("too many"),
    }
}

async fn settle(scope: &TenantScope, texts: &[&str]) -> Result<Option<Domain>, StoreError> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    scope.settle_domain(HOST, Seen::Texts(&texts), &context()).await
}

on_both! {
    async fn a_name_is_proven_by_its_challenge(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id);
        let claimed = claim(&scope, HOST, "one").await;
        assert_eq!((claimed.tenant, claimed.created_by.as_str(), claimed.proven_at), (id, "root", None));
        assert_eq!(claim(&scope, HOST, "two").await, claimed, "a second claim changes nothing");
        assert_eq!(scope.domains().await.unwrap(), std::slice::from_ref(&claimed));
        assert_eq!(store.platform().proven_domains().await.unwrap(), []);

        let epoch = store.epoch();
        let found = settle(&scope, &[]).await.unwrap().unwrap();
        assert!(found.proven_at.is_none() && found.problem.unwrap().contains("no TXT record"));
        let found = settle(&scope, &["two", "three"]).await.unwrap().unwrap();
        assert!(found.problem.unwrap().contains("none of them"));
        let found = scope.settle_domain(HOST, Seen::Nothing("timed out"), &context()).await.unwrap().unwrap();
        assert_eq!(found.problem.as_deref(), Some("timed out"));
        assert_eq!(store.epoch(), epoch, "it leads nowhere yet");
        let proven = settle(&scope, &["v=spf1 -all", "one"]).await.unwrap().unwrap();
        assert!(proven.proven_at.is_some() && proven.problem.is_none() && proven.ends_at().is_none());
        assert!(store.epoch() > epoch);
        let all = store.platform().proven_domains().await.unwrap();
        assert_eq!(all, [(HOST.to_owned(), id, "acme".to_owned())]);
        store.platform().delete_tenant(id, &context()).await.unwrap();
        assert_eq!(store.platform().proven_domains().await.unwrap(), [], "of a deleted tenant");
        store.platform().restore_tenant(id, &context()).await.unwrap();

        let epoch = store.epoch();
        assert!(scope.remove_domain(HOST, &context()).await.unwrap());
        assert!(!scope.remove_domain(HOST, &context()).await.unwrap());
        assert!(store.epoch() > epoch && store.platform().proven_domains().await.unwrap().is_empty());
        assert_eq!(settle(&scope, &["one"]).await.unwrap(), None);
        let events: Vec<_> = scope.audit(Some(HOST), 9).await.unwrap().into_iter().map(|record| record.event).collect();
        assert_eq!(events, ["domain.removed", "domain.proven", "domain.claimed"]);
    }

    async fn who_proves_it_has_it(store: TestStore) {
        let (acme, other) = (store.tenant(tenant(&store, "acme").await), store.tenant(tenant(&store, "other").await));
        claim(&other, HOST, "others").await;
        claim(&acme, HOST, "acmes").await;
        assert!(settle(&acme, &["acmes"]).await.unwrap().unwrap().proven_at.is_some(), "a claim blocks nobody");
        assert_eq!(conflict(settle(&other, &["acmes", "others"]).await), "domain");
        assert!(acme.domain(HOST).await.unwrap().unwrap().proven_at.is_some());

        // The name has gone to somebody else, who says so in the name service.
        store.advance(1);
        assert!(settle(&other, &["others"]).await.unwrap().unwrap().proven_at.is_some());
        assert!(acme.domain(HOST).await.unwrap().unwrap().proven_at.is_none());
        assert_eq!(store.platform().proven_domains().await.unwrap()[0].1, other.id());
        assert_eq!(acme.audit(Some(HOST), 1).await.unwrap()[0].event, "domain.lost");
        assert_eq!(other.audit(Some(HOST), 1).await.unwrap()[0].event, "domain.proven");
    }

    async fn claims_and_lost_proofs_come_to_an_end(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let first = claim(&scope, HOST, "one").await;
        assert_eq!(first.ends_at(), Some(first.created_at + PATIENCE));
        store.advance(PATIENCE);
        assert_eq!((scope.domains().await.unwrap(), scope.domain(HOST).await.unwrap()), (vec![], None));
        assert_eq!(settle(&scope, &["one"]).await.unwrap(), None, "too late");
        assert_eq!(claim(&scope, HOST, "two").await.challenge, "two", "it can be claimed anew");
        settle(&scope, &["two"]).await.unwrap();

        // Proven: nothing ends, until the proof has been missing for a week.
        store.advance(30 * DAY);
        let to_check = store.platform().domains_to_check(store.now() - DAY, 9).await.unwrap();
        assert_eq!(to_check.len(), 1);
        let gone = settle(&scope, &[]).await.unwrap().unwrap();
        assert!(gone.proven_at.is_some() && gone.missing_since.is_some());
        assert_eq!(gone.ends_at(), gone.missing_since.map(|since| since + PATIENCE));
        assert_eq!(store.platform().domains_to_check(store.now() - DAY, 9).await.unwrap(), []);
        store.advance(6 * DAY);
        let back = settle(&scope, &["two"]).await.unwrap().unwrap();
        assert!(back.proven_at.is_some() && back.missing_since.is_none(), "it came back");
        settle(&scope, &[]).await.unwrap();
        store.advance(PATIENCE);
        scope.settle_domain(HOST, Seen::Nothing("timed out"), &context()).await.unwrap();
        assert!(scope.domain(HOST).await.unwrap().unwrap().proven_at.is_some(), "an outage takes nothing away");
        let epoch = store.epoch();
        let lost = settle(&scope, &["x"]).await.unwrap().unwrap();
        assert!(lost.proven_at.is_none() && store.epoch() > epoch);
        assert_eq!(scope.audit(Some(HOST), 1).await.unwrap()[0].event, "domain.lost");
        assert_eq!(store.platform().forget_domain_claims().await.unwrap(), 0, "a claim again, for a week");
        store.advance(PATIENCE);
        assert_eq!(store.platform().forget_domain_claims().await.unwrap(), 1);
    }

    async fn a_tenant_has_so_many_names_and_no_more(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        for number in 0..MOST {
            claim(&scope, &format!("scim{number}.acme.example"), "c").await;
        }
        assert_eq!(scope.claim_domain(HOST, "c", &context()).await.unwrap(), Claimed::TooMany);
        store.advance(PATIENCE);
        claim(&scope, HOST, "c").await;
        assert_eq!(scope.domains().await.unwrap().len(), 1, "claims that are over make room");
    }
}
