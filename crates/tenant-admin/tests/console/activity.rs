//! What a tenant's identity provider sends.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::json;
use store::{CredentialId, admins::AdminRole};
use tower::ServiceExt as _;

use crate::support::{Console, HOST, PASSWORD, person};

const PAGE: &str = "/console/tenants/acme/activity";
/// Nobody waits longer for an event.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream of events, as a browser reads it.
struct Events {
    body: Body,
    read: String,
}

impl Events {
    async fn open(console: &Console, path: &str) -> Self {
        let request = Request::get(path)
            .header(header::HOST, HOST)
            .header(header::COOKIE, console.cookie.clone().unwrap_or_default())
            .body(Body::empty());
        let response = console.app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { body: response.into_body(), read: String::new() }
    }

    /// The next event; `None`: the stream has ended.
    async fn next(&mut self) -> Option<String> {
        tokio::time::timeout(PATIENCE, self.read_next()).await.expect("an event in time")
    }

    async fn read_next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.read = rest;
                // What begins with a colon keeps the connection open.
                if !event.starts_with(':') {
                    return Some(event);
                }
                continue;
            }
            let data = self.body.frame().await?.unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

store_testing::on_both! {
    async fn requests_are_listed_with_the_reason_of_each_failure(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let other = console.tenant("other", "generic").await;
        console.get(PAGE).await.shows("Nothing has been heard yet").shows("No request in the last 24 hours")
            .shows("data-live=\"/console/tenants/acme/activity/live?after=");
        console.logged(&other, |entry| entry.line.path = "/Users/of-others".into()).await;
        let id = console.logged(&tenant, |entry| {
            entry.line.status = 409;
            entry.line.scim_type = Some("uniqueness".into());
            entry.line.detail = Some("userName: <ann> is taken.".into());
            entry.line.query = Some("attributes=userName".into());
        }).await;
        let page = console.get(PAGE).await;
        page.shows("409 Conflict").shows("Somebody else here has this user name already").shows("Okta production")
            .shows("12 ms").shows("/Users?attributes=userName").hides("of-others");
        let link = format!("{PAGE}/{id}");
        page.shows(&link);
        let page = console.get(&link).await;
        page.shows("“userName: &#60;ann&#62; is taken.”").shows("What to do:").shows("uniqueness").shows("r-1")
            .shows("&#34;userName&#34;: &#34;ann&#34;").shows("20 bytes.").hides("only the beginning");
        for nothing in [format!("/console/tenants/other/activity/{id}"), format!("{PAGE}/x")] {
            assert_eq!(console.get(&nothing).await.status, StatusCode::NOT_FOUND, "{nothing}");
        }
    }

    async fn conditions_choose_and_pages_follow_each_other(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        for number in 0..60_u64 {
            console.logged(&tenant, |entry| {
                entry.line.path = format!("/Users/n{number}");
                entry.line.method = if number % 2 == 0 { "GET" } else { "PUT" }.into();
                entry.line.status = if number == 7 { 404 } else { 200 };
                entry.line.credential = CredentialId(uuid::Uuid::from_u128(u128::from(number)));
            }).await;
        }
        let first = console.get(PAGE).await;
        first.shows("/Users/n59<").shows("/Users/n10<").hides("/Users/n9<");
        let (before, _) = first.body.split_once("\" rel=\"next\"").unwrap();
        let older = before.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
        let second = console.get(&older).await;
        second.shows("/Users/n9<").shows("/Users/n0<").hides("/Users/n10<").hides("data-live=").shows(">Newest</a>");
        for (conditions, shown, hidden) in [
            ("?outcome=failed", "n7<", "n8<"),
            ("?method=PUT", "n59<", "n58<"),
            ("?path=n5", "n58<", "n49<"),
            ("?caller=00000000-0000-0000-0000-000000000003", "n3<", "n4<"),
            ("?about=ann", "n59<", "n9<"),
            ("?from=2020-01-01T00:00", "n59<", "n9<"),
        ] {
            console.get(&format!("{PAGE}{conditions}")).await.shows(shown).hides(hidden);
        }
        for conditions in ["?about=bob", "?request=other", "?until=2020-01-01T00:00", "?outcome=5xx"] {
            console.get(&format!("{PAGE}{conditions}")).await.shows("fits all conditions").shows("Show all");
        }
        console.get(&format!("{PAGE}?outcome=nonsense&caller=x&from=never&before=no")).await.shows("/Users/n59<");
    }

    async fn new_requests_come_while_somebody_looks(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.logged(&tenant, |entry| entry.line.path = "/Users/old".into()).await;
        console.store.advance(1_000);
        let page = console.get(&format!("{PAGE}?outcome=ok")).await;
        let live = page.between("data-live=\"", "\"").unwrap().replace("&#38;", "&");
        let mut events = Events::open(&console, &live).await;
        console.logged(&tenant, |entry| entry.line.status = 500).await;
        console.logged(&tenant, |entry| entry.line.path = "/Users/new".into()).await;
        let event = events.next().await.unwrap();
        assert!(event.contains("/Users/new") && event.contains("<tr>"), "{event}");
        assert!(!event.contains("/Users/old") && !event.contains("500"), "{event}");
        let place = event.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();

        // Written late by another node: it is older, and is told all the same.
        console.store.advance(-500);
        console.logged(&tenant, |entry| entry.line.path = "/Users/late".into()).await;
        console.store.advance(500);
        let event = events.next().await.unwrap();
        assert!(event.contains("/Users/late") && !event.contains("/Users/new"), "{event}");

        // A browser that comes back goes on where it was.
        drop(events);
        console.logged(&tenant, |entry| entry.line.path = "/Users/meanwhile".into()).await;
        let mut again = Events::open(&console, &format!("{PAGE}/live?after={place}")).await;
        let event = again.next().await.unwrap();
        assert!(event.contains("/Users/meanwhile") && !event.contains("/Users/new"), "{event}");

        // Where to begin is a number in the address: any number.
        let mut all = Events::open(&console, &format!("{PAGE}/live?after={}.{}", i64::MIN, uuid::Uuid::nil())).await;
        assert!(all.next().await.unwrap().contains("/Users/old"));
        drop(all);

        // It ends with the session.
        assert_eq!(console.post("/console/sign-out", &[]).await.status, StatusCode::SEE_OTHER);
        assert_eq!(again.next().await, None);
    }

    /// It is what somebody has sent, decoded: no address is made of it.
    async fn an_id_that_is_none_is_no_link(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let entry = console.logged(&tenant, |entry| {
            entry.line.route = "/Users/{id}".into();
            entry.line.resource_id = Some("../../beta".into());
        }).await;
        console.get(&format!("{PAGE}/{entry}")).await.hides("href=\"/console/tenants/acme/users/..");
    }

    async fn todays_rules_are_asked_without_a_change(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let user = console.user(&tenant, person("ann@x.example", "Ann", "X")).await;
        let entry = console.logged(&tenant, |entry| {
            entry.line.method = "PATCH".into();
            entry.line.route = "/Users/{id}".into();
            entry.line.resource_id = Some(user.clone());
            entry.request_body = Some(r#"{"Operations":[{"op":"replace","path":"password","value":"•••"}]}"#.into());
        }).await;
        console.get(&format!("{PAGE}/{entry}")).await.shows("The user as it is kept now fits")
            .shows(&format!("/console/tenants/acme/users/{user}")).shows(&format!("{PAGE}?about="))
            .shows("a value that is never kept");

        const CHECK: &str = "/console/tenants/acme/activity/check";
        let form = console.get(&format!("{CHECK}?request={entry}")).await;
        form.shows("<option value=\"patch\" selected>").shows(&user).shows("Put real ones in their place");
        let form = console.get(&format!("{CHECK}?user={user}")).await;
        form.shows("<option value=\"replace\" selected>").shows("ann@x.example").hides("Put real ones");

        let new = json!({"schemas": [scim_core::urn::USER], "userName": "bob", "shoeSize": 44}).to_string();
        console.post(CHECK, &[("way", "create"), ("body", &new)]).await
            .shows("Would be taken (201)").shows("shoeSize").shows("was left out");
        let unfit = json!({"schemas": [scim_core::urn::USER], "active": "perhaps"}).to_string();
        console.post(CHECK, &[("way", "create"), ("body", &unfit)]).await
            .shows("Would be refused (400)").shows("<code>userName</code>").shows("<code>active</code>");
        let patch = json!({"schemas": [scim_core::urn::PATCH_OP],
            "Operations": [{"op": "replace", "path": "title", "value": "Dr."}]}).to_string();
        console.post(CHECK, &[("way", "patch"), ("user", "ANN@x.example"), ("body", &patch)]).await
            .shows("Would be taken (200)").shows("<dt>title</dt>");
        for (way, user, body, problem) in [
            ("create", "", "", "Paste a SCIM user"),
            ("create", "", "<oops>", "This is no JSON"),
            ("replace", "nobody", "{}", "There is no such user here"),
            ("patch", "", "{}", "There is no such user here"),
        ] {
            let page = console.post(CHECK, &[("way", way), ("user", user), ("body", body)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{way} {body}");
            page.shows(problem).shows("aria-invalid");
        }
        assert_eq!(console.state.store.tenant(tenant.id()).user_counts().await.unwrap().active.count, 1);

        console.person("auditor@x", AdminRole::Auditor, &[]).await;
        console.sign_in("auditor@x", PASSWORD).await;
        console.get("/console/tenants/acme").await.hides("/activity");
        assert_eq!(console.get(PAGE).await.status, StatusCode::FORBIDDEN);
    }
}
