//! What limits credentials: networks, the longest life, and what people are told before the end.

use http::StatusCode;
use store::admins::AdminRole;
use token_service::{NewToken, Presented, scopes};

use crate::support::{Console, EMAIL, PASSWORD, context};

const SETUP: &str = "/console/tenants/acme/setup";
const TOKENS: &str = "/console/tenants/acme/tokens";
const LOGINS: &str = "/console/tenants/acme/logins";
const SETTINGS: &str = "/console/tenants/acme/settings";
const DAY: i64 = 86_400_000;

fn fields<'a>(name: &'a str, expires: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("name", name), ("expires", expires), ("read", "on"), ("write", "on")]
}

store_testing::on_both! {
    async fn networks_are_said_with_a_new_credential_and_later(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let listed = async || console.state.tokens.list(tenant.id()).await.unwrap();
        let page = console.post(TOKENS, &[fields("Okta", "1y"), vec![("networks", "example.com")]].concat()).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("<a href=\"#networks\">").shows("CIDR").shows("<details class=\"field-gap\" open>").hides("rcl_");
        let places = vec![("networks", "203.0.113.7/24\r\n2001:db8::1"), ("report_only", "on")];
        let page = console.post(TOKENS, &[fields("Okta", "1y"), places].concat()).await;
        assert_eq!(page.status, StatusCode::CREATED);
        page.shows("reports from outside 203.0.113.0/24, 2001:db8::1/128");
        let token = listed().await.remove(0);
        assert!(token.allowed_from.report_only && token.allowed_from.networks.len() == 2);

        let path = format!("{TOKENS}/{}/networks", token.id);
        console.get(&path).await.shows("203.0.113.0/24\n2001:db8::1/128</textarea>").shows("name=\"report_only\" checked");
        let many: Vec<String> = (0..51).map(|number| format!("10.0.{number}.0/24")).collect();
        for wrong in ["10.0.0.0/33", &many.join(",")] {
            let page = console.post(&path, &[("networks", wrong)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            page.shows("id=\"networks-problem\"").shows("<title>Error: ").shows(&format!("\n{wrong}</textarea>"));
        }
        let page = console.post(&path, &[("networks", "10.0.0.0/8")]).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=networks#tokens");
        console.get("/console/tenants/acme/setup?done=networks").await.shows("The networks are saved").shows("only from 10.0.0.0/8");
        assert!(!listed().await[0].allowed_from.report_only);
        console.post(&path, &[("networks", "")]).await;
        assert!(listed().await[0].allowed_from.networks.is_empty());
        console.get(SETUP).await.hides("only from");

        // A user name, on its own path; what is revoked has no networks any more.
        let page = console.post(LOGINS, &[("username", "okta@acme")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let login = listed().await.remove(0);
        let path = format!("{LOGINS}/{}/networks", login.id);
        let page = console.post(&path, &[("networks", "10.0.0.0/8")]).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=networks#logins");
        console.get(SETUP).await.shows("only from 10.0.0.0/8");
        console.post(&format!("{LOGINS}/{}/revoke", login.id), &[]).await;
        for nobody in [path.as_str(), "/console/tenants/acme/tokens/x/networks"] {
            assert_eq!(console.get(nobody).await.status, StatusCode::NOT_FOUND);
            assert_eq!(console.post(nobody, &[("networks", "")]).await.status, StatusCode::NOT_FOUND);
        }
        console.tenant("other", "generic").await;
        let others = format!("/console/tenants/other/tokens/{}/networks", token.id);
        assert_eq!(console.post(&others, &[("networks", "")]).await.status, StatusCode::NOT_FOUND);
    }

    async fn a_login_of_a_product_without_tokens_has_networks(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "clinical-maestro").await;
        let page = console.post(LOGINS, &[("username", "okta@acme"), ("networks", "x")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("<a href=\"#networks\">").shows("\nx</textarea>");
        let page = console.post(LOGINS, &[("username", "okta@acme"), ("networks", "10.0.0.0/8")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        assert_eq!(console.state.tokens.list(tenant.id()).await.unwrap()[0].allowed_from.networks.len(), 1);
    }

    async fn an_operator_says_how_long_credentials_live(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        assert_eq!(console.post(TOKENS, &fields("old", "10y")).await.status, StatusCode::CREATED);
        console.get(SETUP).await.hides("longer than the");
        for wrong in ["11y", "soon", "0d"] {
            let page = console.post(SETTINGS, &[("name", "Acme"), ("max-token-lifetime", wrong)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            page.shows("<a href=\"#max-token-lifetime\">").shows(&format!("value=\"{wrong}\""));
        }
        let page = console.post(SETTINGS, &[("name", "Acme"), ("max-token-lifetime", " 100d ")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        console.get(SETTINGS).await.shows("name=\"max-token-lifetime\" value=\"100d\"").shows("allows, 10 years");

        // What does not fit is neither offered nor taken; what is there stays, and is marked.
        let page = console.get(SETUP).await;
        page.shows("<option value=\"90d\">").hides("<option value=\"1y\"").shows("<option value=\"longest\" selected>");
        page.shows("name=\"expires\" value=\"longest\"").shows("lives for 100 days, the longest allowed");
        page.shows("longer than the 100 days allowed now");
        let page = console.post(TOKENS, &fields("long", "1y")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("<a href=\"#expires\">").shows("100 days at most");
        assert_eq!(console.post(TOKENS, &fields("new", "longest")).await.status, StatusCode::CREATED);
        console.post(LOGINS, &[("username", "okta@acme")]).await;
        let listed = console.state.tokens.list(tenant.id()).await.unwrap();
        for made in listed.iter().filter(|made| made.name != "old") {
            let left = made.expires_at.expect("an end") - console.store.now();
            assert!((left - 100 * DAY).abs() < 60_000, "{}: {left}", made.name);
        }

        // A manager sees the limit, and does not change it.
        console.person("manager@x", AdminRole::Manager, &[tenant.id()]).await;
        console.sign_in("manager@x", PASSWORD).await;
        console.get(SETTINGS).await.shows("may live 100 days at most").hides("name=\"max-token-lifetime\"");
        for other in ["", "5y"] {
            let page = console.post(SETTINGS, &[("name", "Mine"), ("max-token-lifetime", other)]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            page.shows("for an operator of this installation");
        }
        assert_eq!(console.post(SETTINGS, &[("name", "Mine")]).await.status, StatusCode::SEE_OTHER);
        console.sign_in(EMAIL, PASSWORD).await;
        console.get(SETTINGS).await.shows("value=\"100d\"").shows("value=\"Mine\"");
        console.post(SETTINGS, &[("name", "Acme"), ("max-token-lifetime", "")]).await;
        console.get(SETUP).await.shows("<option value=\"1y\" selected>").hides("longer than the");
    }

    async fn an_operator_says_how_many_requests_are_taken(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        for wrong in ["0", "-1", "many", "100001"] {
            let page = console.post(SETTINGS, &[("name", "Acme"), ("rate-limit", wrong)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            page.shows("<a href=\"#rate-limit\">").shows(&format!("name=\"rate-limit\" value=\"{wrong}\""));
        }
        let page = console.post(SETTINGS, &[("name", "Acme"), ("rate-limit", " 50 ")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        console.get(SETTINGS).await.shows("name=\"rate-limit\" value=\"50\"");

        // A manager sees the limit, and does not change it.
        console.person("manager@x", AdminRole::Manager, &[tenant.id()]).await;
        console.sign_in("manager@x", PASSWORD).await;
        console.get(SETTINGS).await.shows("A node takes 50 a second").hides("name=\"rate-limit\"");
        for other in ["", "51"] {
            let page = console.post(SETTINGS, &[("name", "Mine"), ("rate-limit", other)]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            page.shows("for an operator of this installation");
        }
        console.sign_in(EMAIL, PASSWORD).await;
        console.post(SETTINGS, &[("name", "Acme"), ("rate-limit", "")]).await;
        console.get(SETTINGS).await.shows("name=\"rate-limit\" value=\"\"");
    }

    async fn the_next_expiry_is_shown(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let overview = "/console/tenants/acme";
        console.get(overview).await.hides("Next expiry");
        console.post(TOKENS, &fields("Okta", "10y")).await;
        console.get(overview).await.shows("badge-quiet\">in 10 years</span> Okta");
        console.get("/console/tenants").await.shows("badge-ok\">Ends in 10 years</span>");
        // Browsers' sessions do not follow the store's clock, so ends come near by being made near.
        for (left, kind, text) in [
            (58 * DAY, "warn", "in 58 days"),
            (28 * DAY, "warn", "in 28 days"),
            (6 * DAY, "bad", "in 6 days"),
            (DAY - 3_600_000, "bad", "in 23 hours"),
        ] {
            let new = NewToken {
                name: format!("Entra {text}"),
                scope: scopes::DEFAULT.into(),
                expires_at: console.store.now() + left + 120_000,
                user: None,
                allowed_from: Default::default(),
            };
            console.state.tokens.issue(tenant.id(), new, &context()).await.unwrap();
            console.get(overview).await.shows(&format!("badge-{kind}\">{text}</span> Entra {text}"));
            console.get("/console/tenants").await.shows(&format!("badge-{kind}\">Ends {text}</span>"));
            console.get("/console/").await.shows(&format!("badge-{kind}\">Ends {text}</span>"));
            console.get(SETUP).await.shows(&format!("badge-{kind}\">Expires {text}</span>"));
        }
    }

    async fn the_page_says_which_of_two_tokens_is_used(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let page = console.post(TOKENS, &fields("Okta", "1y")).await;
        let old = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        console.get(SETUP).await.hides("class=\"rotation\"");
        let first = console.state.tokens.list(tenant.id()).await.unwrap().remove(0);
        let page = console.post(&format!("{TOKENS}/{}/rotate", first.id), &[("grace", "24h")]).await;
        let new = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        page.shows("Neither token was used since the rotation");
        let use_it = async |token: &str| {
            let principal = console.state.tokens.verify(&Presented::Bearer(token.into())).await.unwrap();
            console.state.tokens.note_use(&principal, "203.0.113.7 Okta SCIM Client 1.0.0");
            console.state.tokens.flush_uses().await.unwrap();
        };
        console.store.advance(60_000);
        use_it(&old).await;
        console.get(SETUP).await.shows(&format!("Still the old token, …{}", first.hint)).hides("Revoke the old one");
        console.store.advance(60_000);
        use_it(&new).await;
        console.get(SETUP).await.shows("Leave the old one until it was not used for an hour").hides("Revoke the old one");
        console.store.advance(3_600_000);
        let page = console.get(SETUP).await;
        page.shows("1 hour ago from 203.0.113.7 Okta SCIM Client 1.0.0").shows("it is safe to revoke");
        page.shows(&format!("{TOKENS}/{}/revoke\" data-dialog=\"revoke-{0}\">Revoke the old one…", first.id));
        console.post(&format!("{TOKENS}/{}/revoke", first.id), &[]).await;
        console.get(SETUP).await.hides("class=\"rotation\"");
    }
}
