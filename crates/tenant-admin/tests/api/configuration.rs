//! Value sets and profiles.

use serde_json::{Value, json};

use crate::support::Api;

/// A profile with a value set.
fn with_sites(text: &str) -> String {
    format!("{text}\n[[value-set]]\nname = \"sites\"\ntitle = \"Sites\"\n")
}

store_testing::on_both! {
    async fn a_profile_is_checked_and_saved(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        api.user(&tenant, "ann@example.com").await;
        let before = api.get("/tenants/acme/profile").await;
        assert_eq!((&before.is(200).body["version"], &before.body["name"]), (&json!(1), &json!("generic")));
        let text = with_sites(&before.text("/text"));

        let preview = api.send("POST", "/tenants/acme/profile/check", json!({"text": text})).await;
        assert_eq!(preview.is(200).body["people"], json!({"checked": 1, "complete": true, "misfits": 0, "first": []}));
        assert_eq!(api.get("/tenants/acme/profile").await.body["version"], 1, "nothing was saved");

        let saved = api.send("PUT", "/tenants/acme/profile", json!({"text": text, "version": 1})).await;
        assert_eq!(saved.is(200).body, json!({"version": 2, "grantsAdded": 0, "grantsEnded": 0}));
        assert_eq!(api.get("/tenants/acme/profile").await.text("/text"), text);
        api.send("PUT", "/tenants/acme/profile", json!({"text": text, "version": 1})).await.blames(409, "version");
        for path in ["/tenants/acme/profile/check", "/tenants/acme/profile"] {
            let method = if path.ends_with("check") { "POST" } else { "PUT" };
            let mut body = json!({"text": "name = \"x\"\nwrong = true"});
            if method == "PUT" {
                body["version"] = json!(2);
            }
            let answer = api.send(method, path, body).await;
            answer.blames(422, "text");
        }
        assert_eq!(api.get("/tenants/acme").await.body["profileVersion"], 2);
    }

    async fn a_value_set_is_filled_and_cleared(store: TestStore) {
        let api = Api::new(store).await;
        let text = with_sites(scim_core::profile::Profile::builtin("generic").unwrap());
        api.send("POST", "/tenants", json!({"slug": "acme", "profileText": text})).await.is(201);
        let listed = api.get("/tenants/acme/value-sets").await;
        assert_eq!(listed.is(200).items(), [json!({"name": "sites", "title": "Sites", "required": false, "count": 0})]);

        let path = "/tenants/acme/value-sets/sites";
        let values = json!([{"value": "N1", "label": "North"}, {"value": "S1"}]);
        let filled = api.send("PUT", path, json!({"values": values})).await;
        assert_eq!((&filled.is(200).body["values"], &filled.body["filledBy"]), (&values, &json!("tenant")));
        assert_eq!((&filled.body["grantsAdded"], &filled.body["count"]), (&json!(0), &json!(2)));
        assert_eq!(api.get(path).await.is(200).body["values"], values);
        let twice = json!({"values": [{"value": "a"}, {"value": "A"}]});
        assert_eq!(api.send("PUT", path, twice).await.status, 422);
        let cleared = api.delete(path).await;
        assert_eq!((cleared.is(200).body.get("filledBy"), &cleared.body["values"]), (None, &json!([])));
        for (method, body) in [("GET", None), ("DELETE", None), ("PUT", Some(json!({"values": []})))] {
            api.as_(&api.token, method, "/tenants/acme/value-sets/none", body).await.is(404);
        }

        // More than an ordinary body holds.
        let many: Vec<Value> = (0..9_000).map(|at| json!({"value": format!("value-{at}")})).collect();
        let many = api.send("PUT", path, json!({"values": many})).await;
        assert_eq!(many.is(200).body["count"], 9_000);
    }
}
