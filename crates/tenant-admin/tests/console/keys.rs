//! The page of the signing keys, and the rotation.

use http::StatusCode;
use store::{admins::AdminRole, keys::KeyState};

use crate::support::{Console, PASSWORD};

const KEYS: &str = "/console/keys";
const ROTATE: &str = "/console/keys/rotate";

async fn kid(console: &Console, state: KeyState) -> String {
    let keys = console.state.tokens.signing_keys().await.unwrap();
    keys.into_iter().find(|key| key.state == state).unwrap().kid
}

store_testing::on_both! {
    async fn an_operator_rotates_the_keys_after_a_question(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let fields = [("name", "Okta"), ("expires", "1y"), ("read", "on")];
        assert_eq!(console.post("/console/tenants/acme/tokens", &fields).await.status, StatusCode::CREATED);
        let (active, next) = (kid(&console, KeyState::Active).await, kid(&console, KeyState::Next).await);
        let page = console.get(KEYS).await;
        page.shows(&active).shows(&next).shows("Signs</span>").shows("Next</span>").shows(">1 token<").shows(ROTATE);
        page.shows("https://rollcall.test/.well-known/jwks.json").shows(&console.state.tokens.issuer().to_string());
        page.hides("Only verifies</span>");

        let page = console.get(ROTATE).await;
        page.shows("Rotate the keys?").shows(&active).shows(&next).shows("1 token on it is live");
        page.shows("The next key is new.").shows("up to 5 minutes");
        let seen = page.between("name=\"active\" value=\"", "\"").unwrap().to_owned();
        assert_eq!(seen, active);
        assert_eq!(console.post(ROTATE, &[("active", &seen)]).await.location(), "/console/keys?done=rotated");
        assert_eq!(kid(&console, KeyState::Active).await, next);
        assert_eq!(kid(&console, KeyState::Retired).await, active);
        let page = console.get("/console/keys?done=rotated").await;
        page.shows("The next key signs now.").shows("Only verifies</span>").shows(">1 token<");

        // The same form once more does nothing, and neither does one of nobody's.
        for seen in [seen.as_str(), "", "unknown"] {
            let page = console.post(ROTATE, &[("active", seen)]).await;
            assert_eq!(page.location(), "/console/keys?done=overtaken", "{seen:?}");
        }
        assert_eq!(kid(&console, KeyState::Active).await, next);
        console.get("/console/keys?done=overtaken").await.shows("nothing more was done");
        console.store.advance(301_000);
        console.get(ROTATE).await.hides("The next key is new.");
    }

    async fn the_keys_are_the_operators(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.get("/console/").await.shows("href=\"/console/keys\"");
        let acme = console.tenant("acme", "generic").await;
        console.person("manager@x", AdminRole::Manager, &[acme.id()]).await;
        console.person("reader@x", AdminRole::Auditor, &[]).await;
        let active = kid(&console, KeyState::Active).await;
        for email in ["manager@x", "reader@x"] {
            console.sign_in(email, PASSWORD).await;
            console.get("/console/").await.hides("/console/keys");
            for path in [KEYS, ROTATE] {
                assert_eq!(console.get(path).await.status, StatusCode::FORBIDDEN, "{email}: {path}");
            }
            let page = console.post(ROTATE, &[("active", &active)]).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(kid(&console, KeyState::Active).await, active);
    }
}
