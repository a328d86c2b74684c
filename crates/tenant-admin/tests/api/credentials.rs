//! A tenant's credentials: made, listed, rotated, revoked.

use serde_json::json;
use token_service::{Presented, Refusal};

use crate::support::Api;

async fn verify(api: &Api, token: &str) -> Result<token_service::Principal, Refusal> {
    api.state.tokens.verify(&Presented::Bearer(token.to_owned().into())).await
}

store_testing::on_both! {
    async fn a_token_lives_and_dies(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        let path = "/tenants/acme/credentials";
        let made = api.send("POST", &format!("{path}/tokens"), json!({"name": "Okta", "expiresIn": "90d"})).await;
        made.is(201);
        let first = made.text("/token");
        assert!(first.starts_with("rcl_"));
        assert_eq!(made.header("cache-control"), "no-store");
        let credential = &made.body["credential"];
        assert_eq!(credential["scope"], "scim:read scim:write");
        assert_eq!((&credential["state"], &credential["createdBy"]), (&json!("live"), &json!("Vendor")));
        assert!(first.ends_with(credential["hint"].as_str().unwrap()));
        let id = credential["id"].as_str().unwrap();
        assert_eq!(verify(&api, &first).await.unwrap().tenant, tenant.id());

        let rotated = api.send("POST", &format!("{path}/{id}/rotate"), json!({"grace": "1h"})).await;
        let second = rotated.is(201).text("/token");
        assert_eq!((&rotated.body["old"]["id"], &rotated.body["old"]["replaced"]), (&json!(id), &json!(true)));
        assert!(verify(&api, &first).await.is_ok() && verify(&api, &second).await.is_ok());
        api.send("POST", &format!("{path}/{id}/rotate"), json!({})).await.blames(422, "token");

        let listed = api.get(path).await;
        assert_eq!(listed.is(200).items().len(), 2);
        for secret in [&first, &second] {
            assert!(!listed.body.to_string().contains(secret.as_str()), "a secret in a list");
        }
        assert_eq!(api.walk(path, 1).await.len(), 2);

        let new = rotated.text("/credential/id");
        assert!(api.delete(&format!("{path}/{new}")).await.is(204).body.is_null());
        assert!(matches!(verify(&api, &second).await, Err(Refusal::Revoked)));
        api.delete(&format!("{path}/{new}")).await.is(204);
        api.delete(&format!("{path}/{id}")).await.is(204);
        assert!(matches!(verify(&api, &first).await, Err(Refusal::Revoked)));
        assert_eq!(api.walk(path, 9).await.iter().filter(|one| one["state"] == "revoked").count(), 2);
    }

    async fn a_user_name_lives_and_dies(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        let path = "/tenants/acme/credentials";
        let made = api.send("POST", &format!("{path}/basic"), json!({"username": "okta@acme"})).await;
        let password = made.is(201).text("/password");
        assert_eq!((made.text("/username"), password.len()), ("okta@acme".to_owned(), 24));
        let presented = || Presented::Basic { username: "okta@acme".into(), password: password.clone().into() };
        assert!(api.state.tokens.verify(&presented()).await.is_ok());
        let listed = api.get(path).await;
        assert_eq!((&listed.items()[0]["kind"], &listed.items()[0]["login"]), (&json!("basic"), &json!("okta@acme")));
        let text = listed.body.to_string();
        assert!(!text.contains(&password) && !text.contains("argon2"), "{text}");
        api.send("POST", &format!("{path}/basic"), json!({"username": "OKTA@acme"})).await.blames(409, "username");
        let id = made.text("/credential/id");
        api.send("POST", &format!("{path}/{id}/rotate"), json!({})).await.blames(422, "token");
        api.delete(&format!("{path}/{id}")).await.is(204);
        assert!(api.state.tokens.verify(&presented()).await.is_err());
    }

    async fn the_list_tells_what_ends_and_which_of_two_is_used(store: TestStore) {
        let api = Api::new(store).await;
        let path = "/tenants/acme/credentials";
        api.tenant("acme", "generic").await;
        let made = api.send("POST", &format!("{path}/tokens"), json!({"name": "Okta", "expiresIn": "20d"})).await;
        let (first, old) = (made.is(201).text("/token"), made.text("/credential/id"));
        assert_eq!(made.body["credential"]["expiresWithinDays"], 30);
        assert_eq!(made.body["credential"].get("rotation"), None);
        api.store.advance(1_000);
        let rotated = api.send("POST", &format!("{path}/{old}/rotate"), json!({})).await;
        let new = rotated.is(201).text("/credential/id");
        let told = |credential: &serde_json::Value| {
            let rotation = &credential["rotation"];
            assert_eq!((&rotation["old"], &rotation["new"]), (&json!(old), &json!(new)), "{credential}");
            assert!(rotation["advice"].as_str().is_some_and(|text| text.len() > 20));
            (rotation["inUse"].clone(), rotation["safeToRevoke"].clone())
        };
        assert_eq!(told(&rotated.body["credential"]), (json!("neither"), json!(false)));
        assert_eq!(told(&rotated.body["old"]), (json!("neither"), json!(false)));
        assert_eq!(rotated.body["old"]["expiresWithinDays"], 1);

        let principal = verify(&api, &first).await.unwrap();
        api.state.tokens.note_use(&principal, "203.0.113.7 Okta");
        api.state.tokens.flush_uses().await.unwrap();
        for credential in api.get(path).await.items() {
            assert_eq!(told(credential), (json!("old"), json!(false)));
        }
        assert_eq!(told(&api.get(&format!("{path}/{new}")).await.is(200).body), (json!("old"), json!(false)));
        let principal = verify(&api, &rotated.text("/token")).await.unwrap();
        api.store.advance(2 * 3_600_000);
        api.state.tokens.note_use(&principal, "203.0.113.7 Okta");
        api.state.tokens.flush_uses().await.unwrap();
        assert_eq!(told(&api.get(&format!("{path}/{old}")).await.is(200).body), (json!("new"), json!(true)));
        api.delete(&format!("{path}/{old}")).await.is(204);
        let after = api.get(&format!("{path}/{new}")).await;
        assert_eq!((after.is(200).body.get("rotation"), &after.body["state"]), (None, &json!("live")));
        let gone = api.get(&format!("{path}/{old}")).await;
        assert_eq!((&gone.is(200).body["state"], gone.body.get("expiresWithinDays")), (&json!("revoked"), None));
    }

    async fn what_does_not_fit_is_told(store: TestStore) {
        let api = Api::new(store).await;
        let acme = api.tenant("acme", "generic").await;
        api.tenant("maestro", "clinical-maestro").await;
        api.tenant("envi-like", "epic-emp").await;
        let tokens = "/tenants/acme/credentials/tokens";
        api.send("POST", tokens, json!({"name": "Okta"})).await.is(201);
        for (path, body, status, field) in [
            (tokens, json!({"name": "okta"}), 409, "name"),
            (tokens, json!({"name": " "}), 422, "name"),
            (tokens, json!({"name": "x", "scope": "admin:*"}), 422, "scope"),
            (tokens, json!({"name": "x", "expiresIn": "11y"}), 422, "expiresIn"),
            (tokens, json!({"name": "x", "expiresIn": "soon"}), 422, "expiresIn"),
            (tokens, json!({"name": "x", "userId": "nobody"}), 422, "userId"),
            (tokens, json!({"name": "x", "userId": "0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90"}), 422, "user"),
            ("/tenants/maestro/credentials/tokens", json!({"name": "x"}), 422, "kind"),
            ("/tenants/envi-like/credentials/basic", json!({"username": "x"}), 422, "kind"),
            ("/tenants/acme/credentials/basic", json!({"username": "a:b"}), 422, "username"),
        ] {
            api.send("POST", path, body).await.blames(status, field);
        }
        let ann = api.user(&acme, "ann@example.com").await;
        let bound = api.send("POST", tokens, json!({"name": "Ann", "userId": ann})).await;
        assert_eq!(bound.is(201).body["credential"]["userId"], json!(ann));
    }

    /// An id of another tenant is nobody's here.
    async fn a_credential_is_its_tenants(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        api.tenant("beta", "generic").await;
        let made = api.send("POST", "/tenants/acme/credentials/tokens", json!({"name": "Okta"})).await;
        let id = made.is(201).text("/credential/id");
        api.delete(&format!("/tenants/beta/credentials/{id}")).await.is(404);
        api.get(&format!("/tenants/beta/credentials/{id}")).await.is(404);
        api.send("PATCH", &format!("/tenants/beta/credentials/{id}"), json!({"allowedFrom": []})).await.is(404);
        api.send("POST", &format!("/tenants/beta/credentials/{id}/rotate"), json!({})).await.is(404);
        api.delete("/tenants/acme/credentials/none").await.is(404);
        assert!(verify(&api, &made.text("/token")).await.is_ok());
    }
}
