//! Tenants: made, found, changed.

use serde_json::json;

use crate::support::Api;

store_testing::on_both! {
    async fn a_tenant_is_made_and_changed(store: TestStore) {
        let api = Api::new(store).await;
        let made = api.send("POST", "/tenants", json!({"slug": "acme", "name": "Acme Hospital"})).await;
        made.is(201);
        assert_eq!(made.header("location"), "/api/v1/tenants/acme");
        let shown = api.get("/tenants/acme").await;
        assert_eq!(shown.is(200).body, made.body);
        assert_eq!(shown.body["status"], "inactive");
        assert_eq!((&shown.body["profile"], &shown.body["compatibility"]), (&json!("generic"), &json!("lenient")));
        assert_eq!(shown.text("/baseUrl"), "https://rollcall.test/t/acme/scim/v2");
        assert!(shown.text("/createdAt").ends_with('Z'));
        assert_eq!(shown.body["counts"], json!({"users": 0, "activeUsers": 0, "groups": 0, "roles": 0, "credentials": 0}));

        let changed = api.send("PATCH", "/tenants/acme", json!({"name": " Acme ", "status": "active"})).await;
        assert_eq!((&changed.is(200).body["name"], &changed.body["status"]), (&json!("Acme"), &json!("active")));
        assert!(api.state.tenants.by_slug("acme").await.unwrap().unwrap().is_active());
        let same = api.send("PATCH", "/tenants/acme", json!({})).await;
        assert_eq!(same.is(200).body, changed.body);
        let idle = api.send("PATCH", "/tenants/acme", json!({"status": "inactive"})).await;
        assert_eq!(idle.is(200).body["status"], "inactive");

        let trail = api.store.tenant(api.state.tenants.by_slug("acme").await.unwrap().unwrap().id());
        let trail = trail.audit(None, 10).await.unwrap();
        assert_eq!(trail[0].event, "tenant.deactivated");
        assert_eq!((trail[0].actor.name.as_str(), trail[0].actor.kind), ("Vendor", store::ActorKind::PlatformToken));
        assert_eq!(trail[0].cause, idle.header("x-request-id"));
    }

    async fn the_same_is_checked_as_by_every_other_door(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        let create = async |body| api.send("POST", "/tenants", body).await;
        create(json!({"slug": "acme"})).await.blames(409, "slug");
        create(json!({"slug": "Acme"})).await.blames(422, "slug");
        create(json!({"slug": "beta", "profile": "none"})).await.blames(422, "profile");
        create(json!({"slug": "beta", "compatibility": "loose"})).await.blames(422, "compatibility");
        create(json!({"slug": "beta", "name": ""})).await.blames(422, "name");
        create(json!({"slug": "beta", "profileText": "name ="})).await.blames(422, "profile");
        create(json!({"slug": "beta", "profile": "generic", "profileText": "x"})).await.blames(422, "profileText");
        let generic = scim_core::profile::Profile::builtin("generic").unwrap();
        let text = format!("{generic}\n[organization]\ntitle = \"Region\"\nrequired = true\n");
        create(json!({"slug": "beta", "profileText": text, "activate": true})).await.blames(422, "organization");
        create(json!({"slug": "beta", "profileText": text})).await.is(201);
        let patch = async |body| api.send("PATCH", "/tenants/beta", body).await;
        patch(json!({"status": "active"})).await.blames(422, "organization");
        patch(json!({"properties": {"color": "red"}})).await.blames(422, "properties");
        let set = patch(json!({"organization": "West", "status": "active"})).await;
        assert_eq!(set.is(200).body["organization"], "West");
        patch(json!({"organization": null})).await.blames(422, "organization");
        patch(json!({"status": "inactive"})).await.is(200);
        assert_eq!(patch(json!({"organization": null})).await.is(200).body.get("organization"), None);
    }

    async fn a_limit_on_the_life_of_credentials_holds_for_new_ones(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        let shown = api.get("/tenants/acme").await;
        assert_eq!((shown.text("/effectiveMaxTokenLifetime"), shown.body.get("maxTokenLifetime")), ("10y".into(), None));
        let tokens = "/tenants/acme/credentials/tokens";
        let long = api.send("POST", tokens, json!({"name": "long", "expiresIn": "2y"})).await;
        assert_eq!(long.is(201).body["credential"]["exceedsPolicy"], false);

        let patch = async |body| api.send("PATCH", "/tenants/acme", body).await;
        let limited = patch(json!({"maxTokenLifetime": "90d"})).await;
        assert_eq!((limited.is(200).text("/maxTokenLifetime"), limited.text("/effectiveMaxTokenLifetime")), ("90d".into(), "90d".into()));
        assert_eq!(api.get("/tenants").await.items()[0]["maxTokenLifetime"], "90d");
        assert_eq!(patch(json!({"name": "Acme"})).await.is(200).text("/maxTokenLifetime"), "90d", "what is not named stays");
        api.send("POST", tokens, json!({"name": "x", "expiresIn": "1y"})).await.blames(422, "expiresIn");
        // Without a word of when they end, all kinds fit.
        let usual = api.send("POST", tokens, json!({"name": "usual"})).await;
        let days = |text: String| scim_core::timestamp::parse(&text).map(|at| (at - api.store.now()) / crate::support::DAY);
        assert!(days(usual.is(201).text("/credential/expiresAt")).is_some_and(|days| (89..=90).contains(&days)), "{}", usual.body);
        let client = api.send("POST", "/tenants/acme/credentials/clients", json!({"name": "client"})).await;
        assert!(days(client.is(201).text("/credential/expiresAt")).is_some_and(|days| (89..=90).contains(&days)), "{}", client.body);
        let exceeds = |name: &str, items: &[serde_json::Value]| {
            items.iter().find(|one| one["name"] == name).map(|one| one["exceedsPolicy"].clone())
        };
        let listed = api.get("/tenants/acme/credentials").await;
        assert_eq!(exceeds("long", listed.items()), Some(json!(true)), "what was there stays, and is marked");
        assert_eq!(exceeds("usual", listed.items()), Some(json!(false)));

        for text in ["0d", "11y", "soon", ""] {
            patch(json!({"maxTokenLifetime": text})).await.blames(422, "maxTokenLifetime");
        }
        assert_eq!(patch(json!({"maxTokenLifetime": null})).await.is(200).body.get("maxTokenLifetime"), None);
    }

    async fn a_tenant_has_a_limit_of_requests_of_its_own(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        assert_eq!(api.get("/tenants/acme").await.is(200).body.get("rateLimit"), None);
        let patch = async |body| api.send("PATCH", "/tenants/acme", body).await;
        assert_eq!(patch(json!({"rateLimit": 50})).await.is(200).body["rateLimit"], 50);
        assert_eq!(patch(json!({"name": "Acme"})).await.is(200).body["rateLimit"], 50, "what is not named stays");
        assert_eq!(api.get("/tenants").await.items()[0]["rateLimit"], 50);
        for wrong in [json!(0), json!(-1), json!(100_001), json!(2.5), json!("many")] {
            patch(json!({"rateLimit": wrong})).await.blames(422, "rateLimit");
        }
        assert_eq!(patch(json!({"rateLimit": null})).await.is(200).body.get("rateLimit"), None);
    }

    async fn the_list_is_walked_and_searched(store: TestStore) {
        let api = Api::new(store).await;
        for slug in ["delta", "acme", "charlie", "bravo", "acme-two"] {
            api.send("POST", "/tenants", json!({"slug": slug, "name": format!("The {slug}")})).await.is(201);
        }
        let slugs = |items: Vec<serde_json::Value>| {
            items.iter().map(|one| one["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let all = ["acme", "acme-two", "bravo", "charlie", "delta"];
        for limit in [1, 2, 5, 200] {
            assert_eq!(slugs(api.walk("/tenants", limit).await), all, "{limit} at a time");
        }
        assert_eq!(slugs(api.walk("/tenants?search=THE%20acme", 1).await), ["acme", "acme-two"]);
        assert_eq!(slugs(api.walk("/tenants?search=none", 1).await), Vec::<String>::new());
    }
}
