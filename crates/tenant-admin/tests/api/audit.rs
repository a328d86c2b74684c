//! What happened to a tenant, as a program reads it.

use serde_json::{Value, json};
use store_testing::TestStore;

use crate::support::{Api, DAY};

fn events(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["event"].as_str().unwrap()).collect()
}

async fn with_people(store: TestStore) -> (Api, String) {
    let api = Api::new(store).await;
    let acme = api.tenant("acme", "generic").await;
    let ann = api.user(&acme, "ann@example.com").await;
    api.send("POST", "/tenants/acme/credentials/tokens", json!({"name": "Okta"})).await.is(201);
    (api, ann)
}

store_testing::on_both! {
    async fn a_tenants_trail_is_walked_and_searched(store: TestStore) {
        let (api, ann) = with_people(store).await;
        let all = api.walk("/tenants/acme/audit", 200).await;
        let numbers: Vec<i64> = all.iter().map(|item| item["number"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (1..=all.len() as i64).rev().collect::<Vec<_>>());
        assert_eq!(&events(&all)[..2], ["credential.created", "user.created"]);
        assert_eq!((&all[1]["objectId"], &all[1]["payload"]["state"]["userName"]), (&json!(ann), &json!("ann@example.com")));
        assert_eq!((&all[0]["actor"]["name"], all[0]["chain"].as_str().map(str::len)), (&json!("Vendor"), Some(64)));
        for limit in [1, 2] {
            assert_eq!(api.walk("/tenants/acme/audit", limit).await, all, "{limit} at a time");
        }
        let cause = all[0]["cause"].as_str().unwrap().to_owned();
        let at = all[0]["at"].as_str().unwrap().to_owned();
        for (query, expected) in [
            ("event=user.created", vec!["user.created"]),
            ("objectType=Credential", vec!["credential.created"]),
            (&format!("objectId={ann}"), vec!["user.created"]),
            ("actor=Vendor", vec!["credential.created"]),
            (&format!("cause={cause}"), vec!["credential.created"]),
            ("q=ANN@", vec!["user.created"]),
            ("q=vend&event=credential.created", vec!["credential.created"]),
            (&format!("from={at}"), vec!["credential.created"]),
            ("to=2020-01-01T00:00:00Z", vec![]),
        ] {
            let found = api.walk(&format!("/tenants/acme/audit?{query}"), 200).await;
            assert_eq!(events(&found), expected, "{query}");
        }
        for (query, field) in [
            ("from=yesterday", "from"), ("to=2026-11-26", "to"), ("q=%00", "q"), ("event=%00", "event"),
            ("limit=201", "limit"), ("cursor=x", "cursor"),
        ] {
            api.get(&format!("/tenants/acme/audit?{query}")).await.blames(422, field);
        }
        api.get("/tenants/acme/audit?objekt=1").await.is(400);
        api.get("/tenants/none/audit").await.is(404);
        assert!(api.walk("/audit", 200).await.iter().all(|item| item["objectType"] == "PlatformToken"));
    }

    /// The content of a trail is people's data: looking at tenants is not enough for it.
    async fn content_needs_the_directory(store: TestStore) {
        let (api, _) = with_people(store).await;
        let admin = api.platform("Admin", "admin:read", 9 * DAY).await;
        let seen = api.as_(&admin, "GET", "/tenants/acme/audit", None).await;
        assert_eq!(&events(seen.is(200).items())[..2], ["credential.created", "user.created"]);
        assert!(seen.items().iter().all(|item| item["payload"] == Value::Null));
        assert!(!seen.body.to_string().contains("ann@example.com"));
        let both = api.platform("Both", "admin:read directory:read", 9 * DAY).await;
        let seen = api.as_(&both, "GET", "/tenants/acme/audit", None).await;
        assert!(seen.is(200).body.to_string().contains("ann@example.com"));
    }
}
