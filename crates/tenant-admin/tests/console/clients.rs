//! An OAuth client: made, shown once, listed, revoked.

use http::StatusCode;
use token_service::Refusal;

use crate::support::{Console, EMAIL};

const SETUP: &str = "/console/tenants/acme/setup";
const CLIENTS: &str = "/console/tenants/acme/clients";

fn fields(name: &str) -> [(&str, &str); 2] {
    [("client-name", name), ("client-expires", "2y")]
}

store_testing::on_both! {
    async fn a_client_is_shown_once_listed_and_revoked(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        let page = console.get(SETUP).await;
        page.shows("No client yet").shows("https://rollcall.test/oauth/token").shows("id=\"valid\">No");

        let page = console.post(CLIENTS, &fields(" Entra <1> ")).await;
        assert_eq!(page.status, StatusCode::CREATED);
        page.shows("Client “Entra &#60;1&#62;” is made").shows("aria-label=\"Token Endpoint\">https://rollcall.test/oauth/token");
        let id = page.between("aria-label=\"Client Identifier\">", "</output>").unwrap().to_owned();
        let secret = page.between("aria-label=\"Client Secret\">", "</output>").unwrap().to_owned();
        let client = console.state.tokens.verify_client(&id, &secret.as_str().into()).await.unwrap();
        assert_eq!((client.principal.tenant, client.principal.scope.as_str()), (tenant.id(), "scim:read scim:write"));

        let listed = console.get(SETUP).await;
        listed.hides(&secret).hides("sha256").shows("Entra &#60;1&#62;").shows(&id).shows(EMAIL).shows("Active");
        listed.shows("id=\"valid\">Yes").shows("No token yet").shows("No user name yet");
        let revoke = format!("{CLIENTS}/{}/revoke", client.principal.credential);
        console.get(&revoke).await.shows("gets no more access tokens").shows("only live credential");
        let page = console.post(&revoke, &[("slug", "acme")]).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=revoked-client#clients");
        let refused = console.state.tokens.verify_client(&id, &secret.as_str().into()).await;
        assert!(matches!(refused, Err(Refusal::WrongPassword)));
        console.get("/console/tenants/acme/setup?done=revoked-client").await.shows("The client is revoked").shows("Revoked");
        assert_eq!(console.get(&revoke).await.status, StatusCode::NOT_FOUND);
    }

    async fn wrong_input_makes_no_client(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        assert_eq!(console.post(CLIENTS, &fields("taken")).await.status, StatusCode::CREATED);
        let long = "x".repeat(101);
        for name in ["", " ", "a\0b", "TAKEN", &long] {
            let page = console.post(CLIENTS, &fields(name)).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{name:?}");
            page.shows("<a href=\"#client-name\">").shows("id=\"client-name-problem\"").hides("aria-label=\"Client Secret\"");
        }
        for expires in ["", "date", "11y"] {
            let page = console.post(CLIENTS, &[("client-name", "x"), ("client-expires", expires)]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{expires:?}");
            page.shows("id=\"client-expires-problem\"");
        }
        assert_eq!(console.state.tokens.list(tenant.id()).await.unwrap().len(), 1);
        // A product that does not take them has no form.
        let envi = console.tenant("envi", "envi").await;
        console.get("/console/tenants/envi/setup").await.hides("id=\"new-client\"").hides("/oauth/token");
        let page = console.post("/console/tenants/envi/clients", &fields("x")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(console.state.tokens.list(envi.id()).await.unwrap().is_empty());
    }
}
