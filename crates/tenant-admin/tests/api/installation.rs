//! Keys that sign, and the audit trail of the installation.

use serde_json::{Value, json};

use crate::support::{Api, DAY, context};

store_testing::on_both! {
    async fn the_keys_are_rotated_and_no_token_ends(store: TestStore) {
        let api = Api::new(store).await;
        let before = api.get("/keys").await;
        assert_eq!(before.is(200).text("/issuer"), api.state.tokens.issuer().to_string());
        assert_eq!(before.text("/jwksUri"), "https://rollcall.test/.well-known/jwks.json");
        let states = |body: &Value| {
            body["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(states(&before.body), ["active", "next"]);
        let (active, next) = (before.text("/keys/0/kid"), before.text("/keys/1/kid"));

        let rotate = async |body| api.send("POST", "/keys/rotate", body).await;
        rotate(json!({"active": next})).await.blames(409, "active");
        rotate(json!({"next": next})).await.blames(422, "next");
        let done = rotate(json!({"active": active})).await;
        assert_eq!((done.is(200).text("/active"), done.text("/retired")), (next.clone(), active.clone()));
        assert_eq!(done.body["hasty"], true);
        rotate(json!({"active": active})).await.blames(409, "active");
        let after = api.get("/keys").await;
        assert_eq!(states(&after.is(200).body), ["active", "next", "retired"]);
        assert_eq!((after.text("/keys/0/kid"), after.text("/keys/1/kid")), (next.clone(), done.text("/next")));
        for time in ["createdAt", "activeAt", "retiredAt", "coversUntil"] {
            assert!(after.body["keys"][2][time].as_str().is_some_and(|time| time.ends_with('Z')), "{}", after.body);
        }

        // Whoever did it is told, by every door the same.
        let trail = api.get(&format!("/audit?objectId={next}")).await;
        let entry = &trail.is(200).items()[0];
        assert_eq!((trail.items().len(), &entry["event"]), (1, &json!("signing-key.rotated")));
        assert_eq!(entry["actor"]["name"], "Vendor");
        assert_eq!(entry["cause"], done.header("x-request-id"));
        assert_eq!(entry["payload"], json!({"retired": active, "next": done.text("/next")}));
        rotate(json!({})).await.is(200);
        assert_eq!(api.get("/audit").await.items()[0]["event"], "signing-key.rotated");
    }

    async fn the_trail_is_walked_and_holds_no_secret(store: TestStore) {
        let api = Api::new(store).await;
        let mut secrets = vec![api.token.clone()];
        for number in 0..4 {
            secrets.push(api.platform(&format!("t{number}"), "admin:read", 9 * DAY).await);
        }
        api.state.tokens.rotate_keys(None, &context()).await.unwrap();
        let all = api.walk("/audit", 200).await;
        assert_eq!(all.len(), 6);
        assert_eq!((&all[0]["event"], &all[0]["actor"]["kind"]), (&json!("signing-key.rotated"), &json!("cli")));
        assert_eq!((&all[5]["event"], &all[5]["objectType"]), (&json!("platform-token.created"), &json!("PlatformToken")));
        assert_eq!(all[5]["payload"]["state"]["name"], "Vendor");
        for limit in [1, 2, 5, 6] {
            assert_eq!(api.walk("/audit", limit).await, all, "{limit} at a time");
        }
        let text = json!(all).to_string();
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a secret in the trail");
        }
        assert!(api.get("/audit?objectId=none").await.is(200).items().is_empty());
        api.get("/audit?objectId=%00").await.blames(422, "objectId");
        api.get("/audit?limit=0").await.blames(422, "limit");
    }
}
