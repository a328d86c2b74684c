//! OAuth clients: made, shown once, listed, revoked.

use serde_json::json;
use token_service::Refusal;

use crate::support::Api;

const CLIENTS: &str = "/tenants/acme/credentials/clients";

store_testing::on_both! {
    async fn a_client_lives_and_dies(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        let new = json!({"name": "Entra", "expiresIn": "2y", "scope": "scim:read"});
        let made = api.send("POST", CLIENTS, new).await;
        let (id, secret) = (made.is(201).text("/clientId"), made.text("/clientSecret"));
        assert!(id.starts_with("rc_") && secret.starts_with("rcs_"));
        assert_eq!(made.text("/tokenEndpoint"), "https://rollcall.test/oauth/token");
        let credential = &made.body["credential"];
        assert_eq!((&credential["kind"], &credential["login"]), (&json!("oauth"), &json!(id)));
        let verify = async || api.state.tokens.verify_client(&id, &secret.as_str().into()).await;
        let client = verify().await.unwrap();
        assert_eq!((client.principal.tenant, client.principal.scope.as_str()), (tenant.id(), "scim:read"));

        let listed = api.get("/tenants/acme/credentials").await;
        assert_eq!(listed.is(200).items()[0], *credential);
        let text = listed.body.to_string();
        assert!(!text.contains(&secret) && !text.contains("sha256"), "{text}");
        api.send("POST", CLIENTS, json!({"name": "entra"})).await.blames(409, "name");
        let path = format!("/tenants/acme/credentials/{}", made.text("/credential/id"));
        api.send("POST", &format!("{path}/rotate"), json!({})).await.blames(422, "token");
        api.delete(&path).await.is(204);
        assert!(matches!(verify().await, Err(Refusal::WrongPassword | Refusal::Revoked)));
    }

    async fn what_does_not_fit_is_told(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        api.tenant("epic", "epic-emp").await;
        api.send("POST", "/tenants/epic/credentials/clients", json!({"name": "x"})).await.blames(422, "kind");
        api.send("POST", "/tenants/none/credentials/clients", json!({"name": "x"})).await.is(404);
        for (body, field) in [
            (json!({}), "name"),
            (json!({"name": " "}), "name"),
            (json!({"name": "x", "expiresIn": "11y"}), "expiresIn"),
            (json!({"name": "x", "scope": "admin:*"}), "scope"),
            (json!({"name": "x", "allowedFrom": ["example.com"]}), "allowedFrom"),
            (json!({"name": "x", "reportOnly": true}), "reportOnly"),
            (json!({"name": "x", "clientSecret": "mine"}), "clientSecret"),
        ] {
            api.send("POST", CLIENTS, body).await.blames(422, field);
        }
        assert!(api.get("/tenants/acme/credentials").await.items().is_empty());
    }
}
