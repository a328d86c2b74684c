//! Host names of a tenant's own, and the end of a tenant. What proves a name is shown where there is a name server.

use serde_json::json;

use crate::support::Api;

store_testing::on_both! {
    async fn names_are_claimed_and_given_up(store: TestStore) {
        const DOMAINS: &str = "/tenants/acme/domains";
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        api.send("POST", DOMAINS, json!({"host": "https://scim.acme.example"})).await.blames(422, "host");
        let made = api.send("POST", DOMAINS, json!({"host": "SCIM.acme.example"})).await;
        assert_eq!(made.is(201).text("/host"), "scim.acme.example");
        assert_eq!((&made.body["proven"], made.text("/record")), (&json!(false), "_rollcall.scim.acme.example".into()));
        assert_eq!(api.get(DOMAINS).await.items(), std::slice::from_ref(&made.body));
        api.send("POST", "/tenants/acme/domains/other.example/verify", json!({})).await.blames(422, "host");
        api.delete("/tenants/acme/domains/scim.acme.example").await.is(204);
        api.delete("/tenants/acme/domains/scim.acme.example").await.is(204);
        assert!(api.get(DOMAINS).await.items().is_empty());
    }

    async fn a_tenant_is_deleted_and_restored(store: TestStore) {
        let api = Api::new(store).await;
        for slug in ["acme", "beta"] {
            api.tenant(slug, "generic").await;
            api.delete(&format!("/tenants/{slug}")).await.is(204);
            api.get(&format!("/tenants/{slug}")).await.is(404);
        }
        api.delete("/tenants/acme").await.is(404);
        api.send("POST", "/tenants", json!({"slug": "acme"})).await.blames(409, "slug");
        let gone = api.walk("/deleted-tenants", 1).await;
        assert_eq!(gone.len(), 2);
        assert!(gone.iter().any(|one| one["slug"] == "acme" && one["restorable"] == true), "{gone:?}");
        api.send("POST", "/deleted-tenants/acme/restore", json!({})).await.is(204);
        assert_eq!(api.get("/tenants/acme").await.is(200).body["status"], "inactive");
        api.send("POST", "/deleted-tenants/acme/restore", json!({})).await.is(404);
        assert_eq!(api.get("/deleted-tenants").await.items().len(), 1);
    }
}
