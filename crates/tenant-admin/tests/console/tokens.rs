//! A token: made, shown once, listed, revoked.

use http::{StatusCode, header};
use token_service::{Presented, Refusal};

use crate::support::{Console, EMAIL};

const TOKENS: &str = "/console/tenants/acme/tokens";
const SETUP: &str = "/console/tenants/acme/setup";

fn fields<'a>(name: &'a str, expires: &'a str) -> [(&'a str, &'a str); 4] {
    [("name", name), ("expires", expires), ("read", "on"), ("write", "on")]
}

store_testing::on_both! {
    async fn a_token_is_shown_once_listed_and_revoked(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "envi").await;
        console.get(SETUP).await.shows("No token yet");

        let page = console.post(TOKENS, &fields("Okta <1>", "10y")).await;
        assert_eq!(page.status, StatusCode::CREATED);
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        let token = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        assert!(token.starts_with("rcl_"), "{token}");
        page.shows(&format!(">Bearer {token}</output>")).shows("Okta &#60;1&#62;");
        let presented = Presented::Bearer(token.clone().into());
        let principal = console.state.tokens.verify(&presented).await.unwrap();
        assert_eq!((principal.tenant, principal.scope.as_str()), (tenant.id(), "scim:read scim:write"));

        console.state.tokens.note_use(&principal, "203.0.113.7, Okta SCIM Client 1.0.0");
        console.state.tokens.flush_uses().await.unwrap();
        let listed = console.get(SETUP).await;
        listed.hides(&token).hides("Bearer rcl_");
        listed.shows("Okta &#60;1&#62;").shows(&format!("…{}", &token[token.len() - 4..])).shows(EMAIL);
        listed.shows("in 10 years").shows("from 203.0.113.7, Okta SCIM Client 1.0.0").shows("just now");

        // The only live token goes only when the tenant's slug is typed.
        let revoke = format!("{TOKENS}/{}/revoke", principal.credential);
        console.get(&revoke).await.shows("Revoke Okta &#60;1&#62;?").shows("only live credential");
        let page = console.post(&revoke, &[("slug", "acm")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(console.state.tokens.verify(&presented).await.is_ok());
        let page = console.post(&revoke, &[("slug", "acme")]).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=revoked#tokens");
        assert!(matches!(console.state.tokens.verify(&presented).await, Err(Refusal::Revoked)));
        console.get("/console/tenants/acme/setup?done=revoked").await.shows("The token is revoked").shows("Revoked");
        assert_eq!(console.get(&revoke).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.post(&revoke, &[("slug", "acme")]).await.status, StatusCode::NOT_FOUND);
        console.get("/console/tenants").await.shows("No live credential");
    }

    async fn one_of_two_tokens_goes_without_typing(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        for name in ["old", "new"] {
            assert_eq!(console.post(TOKENS, &fields(name, "30d")).await.status, StatusCode::CREATED);
        }
        let tokens = console.state.tokens.list(tenant.id()).await.unwrap();
        let old = tokens.iter().find(|token| token.name == "old").unwrap();
        console.post(&format!("{TOKENS}/{}/revoke", old.id), &[]).await;
        let tokens = console.state.tokens.list(tenant.id()).await.unwrap();
        let live: Vec<&str> =
            tokens.iter().filter(|token| token.revoked_at.is_none()).map(|token| token.name.as_str()).collect();
        assert_eq!(live, ["new"]);
    }

    async fn wrong_input_makes_no_token(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        assert_eq!(console.post(TOKENS, &fields("taken", "1y")).await.status, StatusCode::CREATED);
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&fields("a\0b", "1y"), "name"),
            (&fields("", "1y"), "name"),
            (&fields("taken", "1y"), "name"),
            (&fields("x", "never"), "expires"),
            (&[("name", "x"), ("expires", "date"), ("date", "2001-01-01"), ("read", "on")], "date"),
            (&[("name", "x"), ("expires", "1y")], "scopes"),
        ];
        for (fields, field) in cases {
            let page = console.post(TOKENS, fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            page.shows(&format!("<a href=\"#{field}\">")).hides("rcl_");
        }
        assert_eq!(console.state.tokens.list(tenant.id()).await.unwrap().len(), 1);
    }

    async fn a_token_of_another_tenant_cannot_be_revoked_here(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let other = console.tenant("other", "generic").await;
        console.post("/console/tenants/other/tokens", &fields("theirs", "1y")).await;
        let token = console.state.tokens.list(other.id()).await.unwrap().remove(0);
        let page = console.post(&format!("{TOKENS}/{}/revoke", token.id), &[("slug", "acme")]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(console.state.tokens.list(other.id()).await.unwrap()[0].revoked_at.is_none());
    }

    async fn the_feature_gate_closes_setup_until_the_tenant_is_activated(store: TestStore) {
        let console = Console::signed_in(store).await;
        let form = [("slug", "acme"), ("name", "Acme"), ("profile", "mdscripts"), ("compatibility", "lenient")];
        console.post("/console/tenants/new", &form).await;
        console.get(SETUP).await.hides("/t/acme/scim").hides("Make token").shows("Okta SCIM is not available");
        console.post("/console/tenants/acme/activate", &[]).await;
        console.post("/console/tenants/acme/deactivate", &[]).await;
        console.get(SETUP).await.shows("/t/acme/scim/v2").shows("Make token");
    }
}
