//! What was refused, by the API and at it.

use http::HeaderMap;
use token_service::{
    Sender,
    refusals::{Attempt, Because, Verdict},
};

use crate::support::{Api, context};

store_testing::on_both! {
    async fn what_was_refused_is_listed(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        api.tenant("beta", "generic").await;
        let mut headers = HeaderMap::new();
        headers.insert("authorization", http::HeaderValue::from_static("Bearer"));
        let sender = Sender { address: "203.0.113.7".parse().ok(), agent: "Okta".into() };
        for slug in [Some("acme"), Some("acme"), None] {
            let sent = api.state.tokens.sent_in(&headers);
            let attempt = Attempt { slug, base_url: "https://rollcall.test/x", sent, sender: &sender };
            assert_eq!(api.state.tokens.refuse(attempt, Because::Unusable).await, Verdict::Refuse);
        }
        let listed = api.get("/tenants/acme/refusals").await;
        let [row] = listed.is(200).items() else { panic!("{}", listed.body) };
        assert_eq!((&row["status"], &row["mistake"], &row["count"]), (&401.into(), &"no-token".into(), &2.into()));
        assert_eq!((&row["sender"], &row["agent"]), (&"203.0.113.7".into(), &"Okta".into()));
        assert!(row["what"].as_str().is_some_and(|what| what.contains("nothing comes after it")));
        assert_eq!(api.get("/refusals").await.is(200).items().len(), 1);
        assert!(api.get("/tenants/beta/refusals").await.is(200).items().is_empty());
        api.get("/tenants/nobody/refusals").await.is(404);

        // A tenant's own revoked token at this API is told to the tenant.
        let token = api.tenant_token(&tenant, "directory:read", None).await;
        let id = api.state.tokens.list(tenant.id()).await.unwrap()[0].id;
        api.state.tokens.revoke(tenant.id(), id, &context()).await.unwrap();
        api.as_(&token, "GET", "/tenants/acme/users", None).await.is(401);
        let listed = api.get("/tenants/acme/refusals").await;
        let told = listed.items().iter().find(|row| row["mistake"] == "revoked").unwrap();
        assert_eq!((&told["baseUrl"], &told["credentialId"]), (&"https://rollcall.test/api/v1".into(), &id.to_string().into()));
        // Others are the installation's, user names too, which are not looked up here.
        let headers = [("authorization", "Basic b2t0YTpzZWNyZXQ=")];
        for _ in 0..15 {
            api.raw("GET", "/api/v1/tenants", &headers, "").await.is(401);
        }
        let shared = api.get("/refusals").await;
        let told = shared.items().iter().find(|row| row["mistake"] == "basic-not-taken").unwrap();
        assert_eq!((&told["count"], &told["username"]), (&15.into(), &serde_json::Value::Null));
    }

    async fn who_guesses_is_turned_away_and_who_knows_is_not(store: TestStore) {
        let api = Api::new(store).await;
        let from = async |token: &str| {
            let mut request = http::Request::get("/api/v1/tenants")
                .header("host", crate::support::HOST)
                .header("authorization", format!("Bearer {token}"))
                .body(axum::body::Body::empty())
                .unwrap();
            let peer: std::net::SocketAddr = "203.0.113.9:4711".parse().unwrap();
            request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
            tower::ServiceExt::oneshot(api.app.clone(), request).await.unwrap()
        };
        let guesses: Vec<String> = (0..24).map(|number| format!("guess-{number}")).collect();
        let guesses = futures::future::join_all(guesses.iter().map(|guess| from(guess)));
        let (replies, known) = futures::future::join(guesses, from(&api.token)).await;
        assert_eq!(known.status(), 200);
        let turned_away: Vec<_> = replies.iter().filter(|reply| reply.status() == 429).collect();
        assert_eq!(turned_away.len(), 4, "twenty are free");
        assert!(turned_away.iter().all(|reply| reply.headers()["retry-after"] == "5"));
        assert_eq!(from(&api.token).await.status(), 200);
    }
}
