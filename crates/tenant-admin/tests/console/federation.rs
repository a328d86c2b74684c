//! The page on which a directory is trusted. Its issuers do not exist: what their tokens open is shown elsewhere.

use http::StatusCode;

use crate::support::Console;

const PAGE: &str = "/console/tenants/acme/federation";
const DIRECTORY: &str = "3f2c1a9e-7d54-4b0e-9a61-5c8d2e7f4b10";
/// A name that never leads anywhere (RFC 6761 §6.4).
const NOWHERE: &str = "https://sts.invalid/x/";

store_testing::on_both! {
    async fn a_directory_is_trusted_and_no_longer(store: TestStore) {
        let console = Console::signed_in(store).await;
        let tenant = console.tenant("acme", "generic").await;
        console.get("/console/tenants/acme/setup").await.shows(&format!("href=\"{PAGE}\""));
        console.get(PAGE).await.shows("for testing").shows("/t/acme/scim").hides("Stop taking them");

        let fields = [("directory", DIRECTORY), ("issuer", NOWHERE), ("audience", ""), ("keys_url", "")];
        let page = console.post(PAGE, &fields).await;
        assert_eq!(page.status, StatusCode::OK);
        page.shows("keys cannot be fetched now").shows("sts.invalid cannot be reached").shows(DIRECTORY);
        let (credential, federation) = console.state.tokens.federation(tenant.id()).await.unwrap().unwrap();
        assert_eq!((federation.directory.to_string().as_str(), federation.issuer.as_str()), (DIRECTORY, NOWHERE));
        assert_eq!(federation.audience, token_service::federation::ENTRA_AUDIENCE);

        let page = console.get(PAGE).await;
        page.shows("Stop taking them").shows(NOWHERE).shows("never");
        let page = console.get("/console/tenants/acme/setup").await;
        page.shows(&credential.name).hides("/rotate");
        let path = format!("/console/tenants/acme/tokens/{}", credential.id);
        assert_eq!(console.get(&format!("{path}/rotate")).await.status, StatusCode::NOT_FOUND);
        let page = console.post(&format!("{path}/revoke"), &[("slug", "acme")]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert!(console.state.tokens.federation(tenant.id()).await.unwrap().is_none());
        console.get(PAGE).await.hides("Stop taking them");
    }

    async fn what_is_wrong_is_said_beside_its_field(store: TestStore) {
        let console = Console::signed_in(store).await;
        let (tenant, _) = (console.tenant("acme", "generic").await, console.tenant("rival", "generic").await);
        let taken = [("directory", DIRECTORY), ("issuer", NOWHERE)];
        console.post("/console/tenants/rival/federation", &taken).await;
        for (fields, problem) in [
            ([("directory", ""), ("issuer", "")], "directory-problem"),
            ([("directory", "acme<b>"), ("issuer", "")], "directory-problem"),
            (taken, "directory-problem"),
            ([("directory", DIRECTORY), ("issuer", "http://169.254.169.254/")], "issuer-problem"),
            ([("directory", DIRECTORY), ("keys_url", "ftp://x/")], "keys-problem"),
            ([("directory", DIRECTORY), ("audience", "two words")], "audience-problem"),
        ] {
            let page = console.post(PAGE, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            page.shows(&format!("id=\"{problem}\"")).shows("Nothing was changed").hides("<b>\"").hides("rival");
        }
        assert!(console.state.tokens.list(tenant.id()).await.unwrap().is_empty());
    }

    async fn only_products_that_take_tokens_have_it(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "clinical-maestro").await;
        console.get("/console/tenants/acme/setup").await.hides("id=\"federation\"");
        let page = console.post(PAGE, &[("directory", DIRECTORY)]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
    }
}
