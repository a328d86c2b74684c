//! What was refused: on the tenant's set-up page, and for operators what the shared address refused.

use http::HeaderMap;
use store::admins::AdminRole;
use token_service::{
    Sender,
    refusals::{Attempt, Because, Verdict},
};

use crate::support::{Console, PASSWORD};

const SETUP: &str = "/console/tenants/acme/setup";

impl Console {
    /// A request with this header is refused.
    async fn refuse(&self, slug: Option<&str>, value: &'static str) {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", http::HeaderValue::from_static(value));
        let sender = Sender { address: "203.0.113.7".parse().ok(), agent: "Okta <b>1.0</b>".into() };
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
    async fn the_set_up_page_tells_what_was_wrong(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        console.tenant("other", "generic").await;
        console.get(SETUP).await.shows("Nothing in the last 30 days");
        console.refuse(Some("acme"), "Bearer").await;
        console.refuse(Some("acme"), "Bearer").await;
        console.refuse(Some("acme"), "Digest hunter2").await;
        let page = console.get(SETUP).await;
        page.shows("names a scheme, and nothing comes after it").shows("2 times since ").shows("just now<span class=\"sub\">answered 401");
        page.shows("has the scheme Digest, which is not taken here").shows("203.0.113.7");
        page.shows("Okta &#60;b&#62;1.0").hides("hunter2").hides(" older</summary>");
        console.get("/console/tenants/other/setup").await.shows("Nothing in the last 30 days");
        // The newest are shown, the others can be unfolded.
        for value in ["", "Basic", "Basic !", "\"quoted\"", "<token>", "https://x", "non-token"] {
            console.refuse(Some("acme"), value).await;
        }
        console.get(SETUP).await.shows("<summary>3 older</summary>");
    }

    async fn the_shared_address_is_the_operators(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let title = "What was refused at the shared address";
        console.get("/console/").await.hides(title);
        console.refuse(None, "https://rollcall.test").await;
        console.get("/console/").await.shows(title).shows("This is an address, not a token");
        console.get(SETUP).await.hides("This is an address");
        for (email, role) in [("eve@example.com", AdminRole::Manager), ("kim@example.com", AdminRole::Auditor)] {
            console.person(email, role, &[tenant.id()]).await;
            console.sign_in(email, PASSWORD).await;
            console.get("/console/").await.shows("<h1>Overview</h1>").hides(title);
        }
    }
}
