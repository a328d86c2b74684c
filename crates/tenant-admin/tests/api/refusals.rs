//! What was refused, for programs.

use http::HeaderMap;
use serde_json::json;
use token_service::{
    Sender,
    refusals::{Attempt, Because, Verdict},
};

use crate::support::{Api, context};

impl Api {
    /// A request with this header is refused.
    async fn refuse(&self, slug: Option<&str>, value: &'static str) {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", http::HeaderValue::from_static(value));
        let sender = Sender { address: "203.0.113.7".parse().ok(), agent: "Okta/1.0".into() };
        let attempt = Attempt {
            slug,
            base_url: "https://rollcall.test/t/acme/scim/v2",
            sent: self.state.tokens.sent_in(&headers),
            sender: &sender,
        };
        assert_eq!(self.state.tokens.refuse(attempt, Because::Unusable).await, Verdict::Refuse);
    }
}

store_testing::on_both! {
    async fn a_tenants_are_its_own(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        api.tenant("other", "generic").await;
        let path = "/tenants/acme/refusals";
        assert!(api.get(path).await.is(200).items().is_empty());
        api.refuse(Some("acme"), "Digest hunter2").await;
        api.refuse(Some("acme"), "Bearer").await;
        api.refuse(Some("acme"), "Bearer").await;
        let listed = api.get(path).await;
        assert_eq!(listed.is(200).items().len(), 2);
        assert!(!listed.body.to_string().contains("hunter2"));
        let one = listed.items().iter().find(|one| one["mistake"] == "no-token").unwrap();
        assert_eq!((&one["status"], &one["count"]), (&json!(401), &json!(2)));
        assert_eq!((&one["sender"], &one["agent"]), (&json!("203.0.113.7"), &json!("Okta/1.0")));
        assert_eq!((&one["sent"]["scheme"], &one["sent"]["many"]), (&json!("Bearer"), &json!(false)));
        assert_eq!(one["baseUrl"], "https://rollcall.test/t/acme/scim/v2");
        for text in ["what", "remedy", "firstAt", "lastAt"] {
            assert!(one[text].as_str().is_some_and(|text| text.len() > 10), "{text}: {one}");
        }
        for path in ["/tenants/other/refusals", "/refusals"] {
            assert!(api.get(path).await.is(200).items().is_empty(), "{path}");
        }
        api.get("/tenants/none/refusals").await.is(404);
    }

    async fn those_of_the_shared_address_are_nobodys(store: TestStore) {
        let api = Api::new(store).await;
        api.tenant("acme", "generic").await;
        api.refuse(None, "https://rollcall.test").await;
        let listed = api.get("/refusals").await;
        assert_eq!((listed.is(200).items().len(), &listed.items()[0]["mistake"]), (1, &json!("url")));
        assert!(api.get("/tenants/acme/refusals").await.items().is_empty());
    }

    /// What the API refuses itself is told to the tenant whose token it was, or else to the installation.
    async fn what_this_api_refuses_is_told(store: TestStore) {
        let api = Api::new(store).await;
        let tenant = api.tenant("acme", "generic").await;
        let token = api.tenant_token(&tenant, "directory:read", None).await;
        let id = api.state.tokens.list(tenant.id()).await.unwrap()[0].id;
        api.state.tokens.revoke(tenant.id(), id, &context()).await.unwrap();
        api.as_(&token, "GET", "/tenants/acme/users", None).await.is(401);
        let listed = api.get("/tenants/acme/refusals").await;
        let [told] = listed.items() else { panic!("{}", listed.body) };
        assert_eq!((&told["mistake"], &told["baseUrl"]), (&json!("revoked"), &json!("https://rollcall.test/api/v1")));
        assert_eq!(told["credential"], json!(id));
        // User names are not taken here and not looked up: nobody guesses at one.
        let headers = [("authorization", "Basic b2t0YTpzZWNyZXQ=")];
        for _ in 0..15 {
            api.raw("GET", "/api/v1/tenants", &headers, "").await.is(401);
        }
        let listed = api.get("/refusals").await;
        let [told] = listed.items() else { panic!("{}", listed.body) };
        assert_eq!((&told["mistake"], &told["count"]), (&json!("basic-not-taken"), &json!(15)));
        assert!(told.get("username").is_none());
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
