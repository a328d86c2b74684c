//! What was refused, for programs.

use http::HeaderMap;
use serde_json::json;
use token_service::{
    Sender,
    refusals::{Attempt, Because, Verdict},
};

use crate::support::Api;

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
}
