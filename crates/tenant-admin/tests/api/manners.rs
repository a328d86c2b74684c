//! How the API answers whatever is asked.

use serde_json::json;

use crate::support::Api;

store_testing::on_both! {
    async fn errors_are_problem_documents(store: TestStore) {
        let api = Api::new(store).await;
        let bearer = format!("Bearer {}", api.token);
        let json = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let text = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
        let elsewhere = [("authorization", bearer.as_str()), ("host", "acme.customers.test")];
        let large = format!("{{\"slug\": \"{}\"}}", "x".repeat(9 * 1024 * 1024));
        for (method, path, headers, body, status) in [
            ("GET", "/api/v1/nothing", &json[..], "", 404),
            ("GET", "/api/v1", &json, "", 404),
            ("GET", "/api/v1/tenants/nobody", &json, "", 404),
            ("GET", "/api/v1/tenants/NOT%20A%20SLUG", &json, "", 404),
            ("GET", "/api/v1/tenants/%FF", &json, "", 404),
            ("DELETE", "/api/v1/tenants", &json, "", 405),
            ("GET", "/api/v1/tenants", &elsewhere, "", 421),
            ("GET", "/api/v1/openapi.json", &elsewhere, "", 421),
            ("POST", "/api/v1/tenants", &json, "{", 400),
            ("POST", "/api/v1/tenants", &text, "{}", 415),
            ("POST", "/api/v1/tenants", &json, &large, 413),
            ("POST", "/api/v1/platform-tokens", &json, &large[..100_000], 413),
            ("POST", "/api/v1/tenants", &json, "[]", 422),
            ("GET", "/api/v1/tenants?limit=many", &json, "", 400),
            ("GET", "/api/v1/tenants?limt=7", &json, "", 400),
            ("GET", "/api/v1/tenants?limit=0", &json, "", 422),
            ("GET", "/api/v1/tenants?limit=201", &json, "", 422),
            ("GET", "/api/v1/tenants?cursor=!", &json, "", 422),
        ] {
            let answer = api.raw(method, path, headers, body).await;
            let what = format!("{method} {path}");
            assert_eq!(answer.status, status, "{what}: {}", answer.body);
            assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
            assert_eq!(answer.header("cache-control"), "no-store", "{what}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
            assert_eq!(answer.body["status"], status, "{what}");
            assert_eq!(answer.body["type"], "about:blank", "{what}");
            assert!(answer.text("/title").len() > 3 && answer.text("/detail").len() > 10, "{what}: {}", answer.body);
            assert!(answer.text("/detail").chars().count() <= 600, "{what}");
            assert_eq!(answer.text("/requestId"), answer.header("x-request-id"), "{what}");
            assert!(!answer.header("x-request-id").is_empty(), "{what}");
        }
        let allowed = api.raw("DELETE", "/api/v1/tenants", &json, "").await;
        assert!(allowed.header("allow").contains("POST"), "{:?}", allowed.headers);
    }

    async fn what_is_unknown_or_missing_is_named(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        for (method, path, body, field) in [
            ("POST", "/tenants", json!({"slug": "beta", "nmae": "Beta"}), "nmae"),
            ("POST", "/tenants", json!({"name": "Beta"}), "slug"),
            ("POST", "/tenants", json!({"slug": 7}), "slug"),
            ("PATCH", "/tenants/acme", json!({"status": "paused"}), "status"),
            ("PATCH", "/tenants/acme", json!({"slug": "other"}), "slug"),
            ("POST", "/tenants/acme/credentials/tokens", json!({}), "name"),
            ("PUT", "/tenants/acme/value-sets/sites", json!({"values": [{"value": "a"}, {"text": "b"}]}), "values[1].text"),
            ("PUT", "/tenants/acme/profile", json!({"text": ""}), "version"),
        ] {
            api.send(method, path, body).await.blames(422, field);
        }
        assert!(api.state.tenants.by_slug("beta").await.unwrap().is_none(), "nothing was made");
    }
}
