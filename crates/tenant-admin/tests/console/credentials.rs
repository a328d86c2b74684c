//! A user name and its password: made, shown once, listed, revoked. A token: rotated.

use http::StatusCode;
use token_service::{NewToken, Presented, Refusal, scopes};

use crate::support::{Console, EMAIL, context};

const SETUP: &str = "/console/tenants/acme/setup";
const LOGINS: &str = "/console/tenants/acme/logins";
const TOKENS: &str = "/console/tenants/acme/tokens";

fn token_fields(name: &str) -> [(&str, &str); 4] {
    [("name", name), ("expires", "90d"), ("read", "on"), ("write", "on")]
}

store_testing::on_both! {
    async fn a_user_name_is_shown_once_listed_and_revoked(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "clinical-maestro").await;
        let page = console.get(SETUP).await;
        page.shows("No user name yet").shows("<dt>Valid user name</dt><dd id=\"valid\">No</dd>");
        page.hides("New token").hides("No token yet").hides("make a token");

        let page = console.post(LOGINS, &[("username", " okta<1>@acme ")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let password = page.between("aria-label=\"Password\">", "</output>").unwrap().to_owned();
        assert_eq!(password.len(), 24);
        page.shows("aria-label=\"User name\">okta&#60;1&#62;@acme</output>").shows("Valid user name</dt><dd id=\"valid\">Yes");
        let presented =
            || Presented::Basic { username: "okta<1>@acme".into(), password: password.clone().into() };
        let principal = console.state.tokens.verify(&presented()).await.unwrap();
        assert_eq!((principal.tenant, principal.scope.as_str()), (tenant.id(), "scim:read scim:write"));

        console.state.tokens.note_use(&principal, "203.0.113.7, Okta SCIM Client 1.0.0");
        console.state.tokens.flush_uses().await.unwrap();
        let listed = console.get(SETUP).await;
        listed.hides(&password).hides("argon2").shows("okta&#60;1&#62;@acme").shows(EMAIL);
        listed.shows("from 203.0.113.7, Okta SCIM Client 1.0.0").shows("Active");
        console.get("/console/tenants").await.shows("badge-ok\">Does not end</span>");

        let revoke = format!("{LOGINS}/{}/revoke", principal.credential);
        console.get(&revoke).await.shows("Revoke okta&#60;1&#62;@acme?").shows("only live credential");
        let page = console.post(&revoke, &[("slug", "acm")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = console.post(&revoke, &[("slug", "acme")]).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=revoked-login#logins");
        assert!(matches!(console.state.tokens.verify(&presented()).await, Err(Refusal::WrongPassword)));
        let page = console.get("/console/tenants/acme/setup?done=revoked-login").await;
        page.shows("The user name is revoked").shows("Revoked").shows("<dd id=\"valid\">No</dd>");
        assert_eq!(console.get(&revoke).await.status, StatusCode::NOT_FOUND);
        // It can be made again, with another password.
        let page = console.post(LOGINS, &[("username", "okta<1>@acme")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        page.hides(&password);
    }

    async fn wrong_input_makes_no_user_name(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "clinical-maestro").await;
        console.tenant("other", "generic").await;
        console.post("/console/tenants/other/logins", &[("username", "taken")]).await;
        let long = "x".repeat(101);
        for username in ["", " ", "a:b", "a\0b", "TAKEN", &long] {
            let page = console.post(LOGINS, &[("username", username)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{username:?}");
            page.shows("<a href=\"#username\">").shows("id=\"username-problem\"").hides("aria-label=\"Password\"");
        }
        assert!(console.state.tokens.list(tenant.id()).await.unwrap().is_empty());
    }

    async fn each_product_has_forms_for_what_it_takes(store: TestStore) {
        let console = Console::signed_in(store).await;
        let (maestro, envi) =
            (console.tenant("maestro", "clinical-maestro").await, console.tenant("envi", "envi").await);
        for (slug, bearer, basic) in [("maestro", false, true), ("envi", true, false)] {
            let page = console.get(&format!("/console/tenants/{slug}/setup")).await;
            assert_eq!(page.body.contains("id=\"new-token\""), bearer, "{slug}");
            assert_eq!(page.body.contains("id=\"new-login\""), basic, "{slug}");
        }
        let page = console.post("/console/tenants/maestro/tokens", &token_fields("x")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        let page = console.post("/console/tenants/envi/logins", &[("username", "x")]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        for tenant in [maestro, envi] {
            assert!(console.state.tokens.list(tenant.id()).await.unwrap().is_empty());
        }
        // Of a product that takes both, one of each is enough to have another revoked without typing.
        let both = console.tenant("acme", "generic").await;
        console.post(TOKENS, &token_fields("Okta")).await;
        console.post(LOGINS, &[("username", "okta@acme")]).await;
        let page = console.get(SETUP).await;
        page.shows("id=\"tokens\"").shows("id=\"logins\"").shows("Valid Token</dt><dd id=\"valid\">Yes");
        let login = console.state.tokens.list(both.id()).await.unwrap().remove(0);
        let page = console.post(&format!("{LOGINS}/{}/revoke", login.id), &[]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
    }

    async fn a_token_is_rotated(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        let page = console.post(TOKENS, &token_fields("Okta")).await;
        let old = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        let first = console.state.tokens.list(tenant.id()).await.unwrap().remove(0);
        let rotate = format!("{TOKENS}/{}/rotate", first.id);
        console.get(&rotate).await.shows("Rotate Okta?").shows("24 hours").shows("it ends at once");

        for grace in ["", "1y", "-1h", "x"] {
            assert_eq!(console.post(&rotate, &[("grace", grace)]).await.status, StatusCode::BAD_REQUEST, "{grace:?}");
        }
        let page = console.post(&rotate, &[("grace", "24h")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let new = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        assert!(new.starts_with("rcl_") && new != old);
        page.shows(&format!(">Bearer {new}</output>")).shows(&format!("The old token, …{}, works until", first.hint));
        page.shows("badge-warn\">Until ").shows("rotated: a newer token has its name");
        let verify = async |token: &str| console.state.tokens.verify(&Presented::Bearer(token.into())).await;
        assert!(verify(&old).await.is_ok() && verify(&new).await.is_ok());
        console.get(SETUP).await.hides(&new).hides(&old).shows("badge-warn\">Until ");
        // The one that was rotated is not rotated again, by nobody.
        assert_eq!(console.get(&rotate).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.post(&rotate, &[("grace", "24h")]).await.status, StatusCode::NOT_FOUND);

        let second = console.state.tokens.list(tenant.id()).await.unwrap().remove(0);
        assert_eq!((second.name.as_str(), second.created_by.as_str()), ("Okta", EMAIL));
        let page = console.post(&format!("{TOKENS}/{}/rotate", second.id), &[("grace", "0")]).await;
        page.shows("has ended: put this one in its place now");
        assert!(matches!(verify(&new).await, Err(Refusal::Expired)));
        assert!(verify(&old).await.is_ok(), "its grace goes on");
    }

    async fn only_this_tenants_live_tokens_are_rotated(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let other = console.tenant("other", "generic").await;
        console.post("/console/tenants/other/tokens", &token_fields("theirs")).await;
        console.post(TOKENS, &token_fields("revoked")).await;
        let revoked = console.state.tokens.list(tenant.id()).await.unwrap().remove(0);
        console.post(&format!("{TOKENS}/{}/revoke", revoked.id), &[("slug", "acme")]).await;
        console.post(LOGINS, &[("username", "okta@acme")]).await;
        let login = console.state.tokens.list(tenant.id()).await.unwrap().remove(0);
        let theirs = console.state.tokens.list(other.id()).await.unwrap().remove(0);
        for id in [theirs.id.to_string(), revoked.id.to_string(), login.id.to_string(), "x".into()] {
            let path = format!("{TOKENS}/{id}/rotate");
            assert_eq!(console.get(&path).await.status, StatusCode::NOT_FOUND, "{id}");
            assert_eq!(console.post(&path, &[("grace", "0")]).await.status, StatusCode::NOT_FOUND, "{id}");
        }
        assert_eq!(console.state.tokens.list(other.id()).await.unwrap().len(), 1);
        assert_eq!(console.state.tokens.list(tenant.id()).await.unwrap().len(), 2);
    }

    /// Operators are told of it until somebody does something.
    async fn one_that_has_ended_is_revoked(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let new = NewToken {
            name: "Okta".into(),
            scope: scopes::DEFAULT.into(),
            expires_at: console.store.now() + 60_000,
            user: None,
            allowed_from: Default::default(),
        };
        let old = console.state.tokens.issue(tenant.id(), new, &context()).await.unwrap().credential;
        console.store.advance(61_000);
        let revoke = format!("{TOKENS}/{}/revoke", old.id);
        console.get(SETUP).await.shows("Expired").shows(&revoke);
        console.get(&revoke).await.shows("has expired, so nothing is refused").hides("only live credential");
        let page = console.post(&revoke, &[]).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=revoked#tokens");
        console.get(SETUP).await.hides("Expired").hides(&revoke);
        assert_eq!(console.get(&revoke).await.status, StatusCode::NOT_FOUND);
    }
}
