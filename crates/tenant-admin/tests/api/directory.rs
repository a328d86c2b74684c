//! Users with their groups and roles, as the vendor's application reads them.

use serde_json::json;

use crate::support::Api;

store_testing::on_both! {
    async fn who_has_which_role_and_why(store: TestStore) {
        let api = Api::new(store).await;
        api.send("POST", "/tenants", json!({"slug": "acme", "profile": "envi"})).await.is(201);
        let body = json!({"organization": "West", "status": "active"});
        api.send("PATCH", "/tenants/acme", body).await.is(200);
        let tenant = api.state.tenants.by_slug("acme").await.unwrap().unwrap();
        let (ann, bob) = (api.user(&tenant, "ann@example.com").await, api.user(&tenant, "bob@example.com").await);
        let managers = api.group(&tenant, "Envi_Manager", &[&ann]).await;
        let buyers = api.group(&tenant, "Envi_Buyer", &[&ann, &bob]).await;

        let shown = api.get(&format!("/tenants/acme/users/{ann}")).await;
        assert_eq!(shown.is(200).body["user"]["userName"], "ann@example.com");
        assert_eq!(shown.body["user"].get("groups"), None);
        let via = |id: &str, display: &str| json!({"id": id, "display": display});
        assert_eq!(shown.body["groups"], json!([via(&buyers, "Envi_Buyer"), via(&managers, "Envi_Manager")]));
        let roles = json!([
            {"role": "Buyer", "via": via(&buyers, "Envi_Buyer")},
            {"role": "Manager", "via": via(&managers, "Envi_Manager")},
        ]);
        assert_eq!(shown.body["roles"], roles);
        let entry = api.state.provisioner.entry(&tenant, "https://rollcall.test/t/acme/scim", ann.parse().unwrap());
        let mut told = shown.body.clone();
        assert_eq!(told.as_object_mut().unwrap().remove("position"), Some(json!(0)), "nothing has its number");
        assert_eq!(entry.await.unwrap().unwrap().to_json(), told, "as the command line tells it");

        let found = api.get("/tenants/acme/users?userName=ANN@example.com").await;
        assert_eq!(found.is(200).items(), [told]);
        for limit in [1, 2, 50] {
            let all = api.walk("/tenants/acme/users", limit).await;
            let names: Vec<_> = all.iter().map(|one| one["user"]["userName"].as_str().unwrap()).collect();
            assert_eq!(names, ["ann@example.com", "bob@example.com"], "{limit} at a time");
            assert_eq!(all[1]["roles"].as_array().unwrap().len(), 1);
        }

        let groups = api.walk("/tenants/acme/groups", 1).await;
        assert_eq!((&groups[0]["displayName"], &groups[0]["roles"]), (&json!("Envi_Manager"), &json!(["Manager"])));
        assert_eq!(groups[1]["id"], json!(buyers));
        for id in ["none", "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90"] {
            api.get(&format!("/tenants/acme/users/{id}")).await.is(404);
        }

        // The tenant's own token reads the same, and no other tenant's.
        let beta = api.tenant("beta", "generic").await;
        let stranger = api.user(&beta, "eve@example.com").await;
        let own = api.tenant_token(&tenant, "directory:read", None).await;
        let read = api.as_(&own, "GET", &format!("/tenants/acme/users/{ann}"), None).await;
        assert_eq!(read.is(200).body, shown.body);
        api.as_(&own, "GET", &format!("/tenants/acme/users/{stranger}"), None).await.is(404);
        api.as_(&own, "GET", &format!("/tenants/beta/users/{stranger}"), None).await.is(404);
    }
}
