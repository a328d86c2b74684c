//! The set-up page: for each identity provider, and its checklist.

use http::{StatusCode, header};
use http_body_util::BodyExt;
use store::activity::{ActivityBatch, Heard, HeardChange, Milestone};
use tower::ServiceExt;

use crate::support::{Console, HOST, context};

const SETUP: &str = "/console/tenants/acme/setup";

/// The identity provider has done this, now.
async fn heard(console: &Console, milestone: Milestone) {
    let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap().id();
    let at = console.store.now();
    let heard = Heard {
        milestone,
        first_at: at,
        last_at: at,
        last_method: "GET".into(),
        last_route: "/Users".into(),
        last_status: 200,
        last_scim_type: None,
        last_request_id: "r".into(),
    };
    let batch = ActivityBatch { heard: vec![HeardChange { tenant, heard }], ..ActivityBatch::default() };
    console.store.platform().write_activity(&batch).await.unwrap();
}

store_testing::on_both! {
    async fn it_speaks_for_each_identity_provider(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        console.get(SETUP).await.shows("<option value=\"okta-header\" selected>").shows("SCIM connector base URL");
        for (word, shown) in [
            ("okta-header", "Create App Integration"),
            ("okta-oin", "Browse App Catalog"),
            ("okta-basic", "Basic Auth"),
            ("entra", "https://rollcall.test/t/acme/scim/v2?aadOptscim062020"),
            ("onelogin", "{$parameters.scimusername}"),
            ("jumpcloud", "Test User Email"),
            ("generic", "GET https://rollcall.test/t/acme/scim/v2/ServiceProviderConfig"),
        ] {
            let page = console.get(&format!("{SETUP}?for={word}")).await;
            assert_eq!(page.status, StatusCode::OK, "{word}");
            page.shows(shown).shows(&format!("<option value=\"{word}\" selected>"));
            page.hides("**").hides("{base-url}");
        }
        // Looking changes nothing, choosing does.
        console.get(SETUP).await.shows("<option value=\"okta-header\" selected>");
        let page = console.post(&format!("{SETUP}/provider"), &[("for", "entra")]).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/tenants/acme/setup#connection"));
        console.get(SETUP).await.shows("Tenant URL").shows("<option value=\"entra\" selected>");
        assert_eq!(console.post(&format!("{SETUP}/provider"), &[("for", "azure")]).await.status, StatusCode::BAD_REQUEST);
        console.get(&format!("{SETUP}?for=azure")).await.shows("<option value=\"entra\" selected>");
    }

    async fn a_product_with_a_guide_shows_its_steps(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "envi").await;
        let page = console.get(SETUP).await;
        page.shows("Envi: Okta SCIM Integration Guide").shows("Group Provisioning").shows("Find groups by rule");
        page.shows("<code>https://rollcall.test/t/acme/scim</code>").shows("emails.^[primary==true].value");
        let page = console.get(&format!("{SETUP}?for=entra")).await;
        page.shows("guide, Envi: Okta SCIM Integration Guide, is for: Okta: app of the catalog").shows("Provision on demand");
    }

    async fn the_checklist_says_what_is_next(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.get(SETUP).await.shows("Nothing has happened yet.").shows("1 of 7 done");
        let fields = [("name", "Okta"), ("expires", "1y"), ("read", "on"), ("write", "on")];
        console.post("/console/tenants/acme/tokens", &fields).await.shows("nobody has called with it yet");
        for (milestone, said) in [
            (Milestone::Call, "No user has come yet."),
            (Milestone::Lookup, "Somebody was looked up just now"),
            (Milestone::UserCreated, "assigning a group is not pushing it"),
            (Milestone::GroupPushed, "Groups arrive without members."),
            (Milestone::Membership, "All is well."),
        ] {
            heard(&console, milestone).await;
            console.get(SETUP).await.shows(said);
        }
        console.state.tenants.deactivate(&tenant, &context()).await.unwrap();
        let page = console.get(SETUP).await;
        page.shows("The tenant is inactive: whoever calls is answered 403.").shows("action=\"/console/tenants/acme/activate\"");
    }

    async fn the_checklist_is_sent_when_it_changes(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let request = http::Request::get(format!("{SETUP}/live"))
            .header(header::HOST, HOST)
            .header(header::COOKIE, console.cookie.as_deref().unwrap());
        let response = console.app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        let mut body = response.into_body();
        let mut next = async || {
            let mut piece = String::new();
            while !piece.ends_with("\n\n") {
                let frame = body.frame().await.expect("it goes on").unwrap();
                piece.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
            }
            piece
        };
        assert!(next().await.contains("1 of 7 done"));
        heard(&console, Milestone::Call).await;
        assert!(next().await.contains("2 of 7 done"));
    }
}
