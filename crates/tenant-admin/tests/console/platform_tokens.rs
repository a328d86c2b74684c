//! Tokens of the installation: made, shown once, rotated, revoked, by operators alone.

use http::StatusCode;
use secrecy::SecretString;
use store::ActorKind;
use token_service::{Presented, Sender, platform::Caller};

use crate::support::{Console, EMAIL, context};

const PATH: &str = "/console/platform-tokens";

async fn may(console: &Console, token: &str, scope: &str) -> bool {
    let presented = Presented::Bearer(SecretString::from(token.to_owned()));
    match console.state.tokens.identify(&presented, &Sender::default()).await {
        Ok(Caller::Platform(principal)) => principal.may(scope),
        _ => false,
    }
}

store_testing::on_both! {
    async fn a_token_is_shown_once(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.get(PATH).await.shows("No token yet").shows("https://rollcall.test/api/v1");
        let fields = [("name", "Billing"), ("expires", "90d"), ("directory", "on"), ("from", "203.0.113.0/24"), ("report_only", "on")];
        let page = console.post(PATH, &fields).await;
        assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
        page.shows("Token “Billing” is made").shows("directory:read");
        let token = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        assert!(may(&console, &token, "directory:read").await && !may(&console, &token, "admin:read").await);
        let later = console.get(PATH).await;
        later.hides(&token).shows("203.0.113.0/24").shows("only told").shows(EMAIL).shows("Token “Billing” made");
        let event = &console.store.platform().audit(None, 1).await.unwrap()[0];
        assert_eq!((event.event.as_str(), event.actor.kind), ("platform-token.created", ActorKind::Admin));

        // What happens to keys is told there, too.
        console.state.tokens.rotate_keys(None, &context()).await.unwrap();
        let active = console.state.tokens.signing_keys().await.unwrap()[0].kid.clone();
        console.get(PATH).await.shows(&format!("Signing keys rotated: {active} signs"));
    }

    async fn what_does_not_fit_is_told_beside_its_field(store: TestStore) {
        let console = Console::signed_in(store).await;
        let page = console.post(PATH, &[("name", ""), ("expires", "never"), ("from", "nowhere")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("Enter a name").shows("Choose at least one").shows("Choose one of the offered times").shows("is no network");
        console.platform_token("Billing").await;
        let taken = console.post(PATH, &[("name", "billing"), ("expires", "1y"), ("read", "on")]).await;
        assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
        taken.shows("revoke it first");
        assert_eq!(console.state.tokens.platform_tokens().await.unwrap().len(), 1);
    }

    async fn where_it_may_come_from_is_said_anew(store: TestStore) {
        let console = Console::signed_in(store).await;
        let id = console.platform_token("Billing").await;
        let one = format!("{PATH}/{id}");
        console.get(&one).await.shows("Where it may come from");
        let page = console.post(&format!("{one}/networks"), &[("networks", "nowhere")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("is no network").shows("id=\"networks-problem\"");
        let fields = [("networks", "203.0.113.0/24\n2001:db8::/32"), ("report_only", "on")];
        let page = console.post(&format!("{one}/networks"), &fields).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/platform-tokens?done=networks"));
        let list = console.get(page.location()).await;
        list.shows("The networks are saved").shows("203.0.113.0/24, 2001:db8::/32").shows("only told");
        list.shows("Networks of token “Billing” changed");
        console.get(&one).await.shows("203.0.113.0/24\n2001:db8::/32").shows("name=\"report_only\" checked");
    }

    async fn a_token_makes_way_for_another_and_goes(store: TestStore) {
        let console = Console::signed_in(store).await;
        let id = console.platform_token("Billing").await;
        let one = format!("{PATH}/{id}");
        console.get(&one).await.shows("Rotate Billing").shows("Revoke Billing");
        assert_eq!(console.post(&format!("{one}/rotate"), &[("grace", "1y")]).await.status, StatusCode::BAD_REQUEST);
        let page = console.post(&format!("{one}/rotate"), &[("grace", "24h")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        page.shows("works until");
        let token = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        assert!(may(&console, &token, "admin:write").await);
        // The old one cannot be rotated again, but revoked.
        console.get(&one).await.hides("Rotate Billing").shows("Revoke Billing");
        assert_eq!(console.post(&format!("{one}/rotate"), &[("grace", "0")]).await.status, StatusCode::NOT_FOUND);
        let page = console.post(&format!("{one}/revoke"), &[]).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/platform-tokens?done=revoked"));
        console.get(page.location()).await.shows("The token is revoked");
        assert_eq!(console.get(&one).await.status, StatusCode::NOT_FOUND);
        assert!(may(&console, &token, "admin:write").await, "the new one stays");
        for nothing in ["/console/platform-tokens/none", "/console/platform-tokens/0199f0a0-5c1e-7d3a-9f00-2b8c1e5f7a90"] {
            assert_eq!(console.get(nothing).await.status, StatusCode::NOT_FOUND);
        }
    }
}
