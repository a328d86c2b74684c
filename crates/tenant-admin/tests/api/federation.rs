//! Whose own tokens a tenant takes. The issuers do not exist: what their tokens open is shown elsewhere.

use serde_json::json;

use crate::support::Api;

const PATH: &str = "/tenants/acme/federation";
const DIRECTORY: &str = "3f2c1a9e-7d54-4b0e-9a61-5c8d2e7f4b10";
/// A name that never leads anywhere (RFC 6761 §6.4).
const NOWHERE: &str = "https://sts.invalid/x/";

store_testing::on_both! {
    async fn a_directory_is_trusted_and_no_longer(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        api.get(PATH).await.is(404);
        let new = json!({
            "directory": DIRECTORY, "issuer": NOWHERE, "allowedFrom": ["203.0.113.0/24"], "reportOnly": true,
        });
        let set = api.send("PUT", PATH, new).await;
        assert_eq!((set.is(200).text("/directory"), set.text("/issuer")), (DIRECTORY.into(), NOWHERE.into()));
        assert_eq!(set.text("/audience"), token_service::federation::ENTRA_AUDIENCE);
        assert!(set.text("/keysProblem").contains("sts.invalid"), "{}", set.body);
        assert_eq!((set.body.get("keys"), set.body.get("keysUrl")), (None, None));
        let credential = &set.body["credential"];
        assert_eq!(credential["allowedFrom"], json!(["203.0.113.0/24"]));
        assert_eq!((&credential["reportOnly"], &credential["scope"]), (&json!(true), &json!("scim:read scim:write")));
        assert_eq!(credential["login"], format!("directory:{DIRECTORY}"));

        let shown = api.get(PATH).await;
        assert_eq!((shown.is(200).text("/issuer"), &shown.body["credential"]), (NOWHERE.into(), credential));
        assert_eq!(api.get("/tenants/acme/credentials").await.items(), std::slice::from_ref(credential));
        // Another one takes its place.
        let other = "9b1d4c70-2f0e-4a55-8c1b-6d0f3e2a7c41";
        let next = api.send("PUT", PATH, json!({"directory": other, "issuer": NOWHERE, "expiresIn": "90d"})).await;
        assert!(next.is(200).text("/credential/expiresAt").ends_with('Z'));
        assert_eq!(api.get(PATH).await.text("/directory"), other);
        let live = api.walk("/tenants/acme/credentials", 9).await;
        assert_eq!(live.iter().filter(|one| one["state"] == "live").count(), 1);

        api.delete(PATH).await.is(204);
        api.get(PATH).await.is(404);
        api.delete(PATH).await.is(204);
    }

    async fn what_does_not_fit_is_told(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        api.tenant("rival", "generic").await;
        api.tenant("maestro", "clinical-maestro").await;
        let taken = json!({"directory": DIRECTORY, "issuer": NOWHERE});
        api.send("PUT", "/tenants/rival/federation", taken.clone()).await.is(200);
        let refused = api.send("PUT", PATH, taken.clone()).await;
        refused.blames(409, "directory");
        assert!(!refused.body.to_string().contains("rival"));
        api.send("PUT", "/tenants/maestro/federation", taken).await.blames(422, "kind");
        for (body, field) in [
            (json!({}), "directory"),
            (json!({"directory": "acme"}), "directory"),
            (json!({"directory": DIRECTORY, "issuer": "http://169.254.169.254/"}), "issuer"),
            (json!({"directory": DIRECTORY, "keysUrl": "ftp://x/"}), "keysUrl"),
            (json!({"directory": DIRECTORY, "audience": "two words"}), "audience"),
            (json!({"directory": DIRECTORY, "scope": "admin:*"}), "scope"),
            (json!({"directory": DIRECTORY, "expiresIn": "soon"}), "expiresIn"),
            (json!({"directory": DIRECTORY, "allowedFrom": ["x"]}), "allowedFrom"),
        ] {
            api.send("PUT", PATH, body).await.blames(422, field);
        }
        api.get(PATH).await.is(404);
    }
}
