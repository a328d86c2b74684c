//! The set-up page without an account: by a link that is exchanged once it is pressed.

use http::{Request, StatusCode, header};
use store::{
    ActorKind, AdminId,
    admins::{Admin, AdminRole},
    setup_links::SetupLink,
};
use token_service::Presented;

use crate::support::{Console, HOST, PASSWORD, Page, context};

const LINKS: &str = "/console/tenants/acme/setup/links";
const DAY: i64 = 86_400_000;

/// A link to acme's page, as its path.
async fn link(console: &Console, note: &str) -> String {
    let page = console.post(LINKS, &[("note", note)]).await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
    let url =
        page.between("<output id=\"setup-link\" tabindex=\"0\" aria-label=\"Setup link\">", "</output>");
    url.unwrap().strip_prefix(&format!("https://{HOST}")).expect("of this host").to_owned()
}

/// Opens a link in a browser that has no session, and keeps the one that it gets.
async fn enter(console: &mut Console, link: &str) -> Page {
    console.cookie = None;
    let page = console.post(link, &[]).await;
    if let Some(cookie) = page.headers.get(header::SET_COOKIE) {
        console.cookie = cookie.to_str().unwrap().split(';').next().map(str::to_owned);
    }
    page
}

async fn links(console: &Console) -> Vec<SetupLink> {
    let tenant = console.state.tenants.by_slug("acme").await.unwrap().unwrap();
    console.state.tokens.setup_links(tenant.id()).await.unwrap()
}

/// The page of all links that open nothing.
fn is_gone(page: &Page) {
    assert_eq!(page.status, StatusCode::GONE, "{}", page.body);
    page.shows("This setup link opens nothing any more").shows("ask whoever sent it to you").hides("acme");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
}

store_testing::on_both! {
    async fn a_link_leads_to_one_page_and_one_token(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let acme = console.tenant("acme", "envi").await;
        console.tenant("other", "generic").await;
        let path = link(&console, "Ines").await;
        let operator = console.cookie.clone();
        console.get("/console/tenants/acme/setup").await.hides(&path).shows("Ines").shows("Not opened yet");

        // Whoever scans mail for links follows them.
        console.cookie = None;
        for _ in 0..3 {
            let page = console.get(&path).await;
            assert_eq!((page.status, page.headers.get(header::SET_COOKIE)), (StatusCode::OK, None));
            page.shows("Open the set-up page").shows("ada@example.com has sent you this link").hides("rcl_");
            assert_eq!(page.headers[header::REFERRER_POLICY], "no-referrer");
            assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
        }
        assert_eq!(links(&console).await[0].openings, 0, "nothing has happened");

        let page = enter(&mut console, &path).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/setup"));
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
        for mark in ["__Host-rollcall-setup=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(mark), "{cookie}");
        }
        assert!(!path.contains(console.cookie.as_deref().unwrap().split('=').nth(1).unwrap()), "not the link itself");
        let page = console.get("/setup").await;
        assert_eq!(page.status, StatusCode::OK);
        page.shows("https://rollcall.test/t/acme/scim").shows("Envi: Okta SCIM Integration Guide");
        page.shows("Make the token").hides("/console/tenants").hides("other Hospital");
        // And to nothing else.
        for path in ["/console/", "/console/tenants/acme", "/console/tenants/acme/setup", "/console/tenants/acme/users"] {
            assert!(console.get(path).await.location().starts_with("/console/sign-in"), "{path}");
        }
        assert_eq!(console.post("/console/tenants/acme/tokens", &[("name", "x")]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(console.post("/setup/login", &[("username", "x")]).await.status, StatusCode::BAD_REQUEST);

        let page = console.post("/setup/token", &[("expires", "99y")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = console.post("/setup/token", &[("expires", "1y")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let token = page.between("aria-label=\"Token\">", "</output>").unwrap().to_owned();
        let principal = console.state.tokens.verify(&Presented::Bearer(token.clone().into())).await.unwrap();
        assert_eq!((principal.tenant, principal.scope.as_str()), (acme.id(), "scim:read scim:write"));
        let page = console.post("/setup/token", &[("expires", "1y")]).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        page.shows("has made its one credential already").hides("rcl_");
        console.get("/setup").await.hides(&token).shows("has made its token").hides("Make the token");
        assert_eq!(console.state.tokens.list(acme.id()).await.unwrap().len(), 1);

        // It can be chosen for whom the page speaks.
        console.post("/setup/provider", &[("for", "entra")]).await;
        console.get("/setup").await.shows("Tenant URL");

        let page = console.post("/setup/leave", &[]).await;
        page.shows("You are signed out");
        assert!(page.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
        is_gone(&console.get("/setup").await);

        let trail = console.store.tenant(acme.id()).audit(None, 50).await.unwrap();
        let by_link: Vec<_> = trail.iter().filter(|row| row.actor.kind == ActorKind::SetupLink).collect();
        let events: Vec<_> = by_link.iter().map(|row| row.event.as_str()).collect();
        for event in ["setup-link.opened", "setup-link.used", "credential.created"] {
            assert!(events.contains(&event), "{event} of {events:?}");
        }
        assert_eq!(by_link[0].actor.name, "setup link for Ines");
        assert!(!format!("{trail:?}").contains(path.strip_prefix("/setup/").unwrap()));
        console.cookie = operator;
        console.get("/console/tenants/acme/setup").await.shows("Used").shows("made its credential");
    }

    async fn a_product_with_passwords_gets_a_user_name(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let acme = console.tenant("acme", "clinical-maestro").await;
        let path = link(&console, "").await;
        enter(&mut console, &path).await;
        assert_eq!(console.post("/setup/token", &[("expires", "1y")]).await.status, StatusCode::BAD_REQUEST);
        let page = console.post("/setup/login", &[("username", "a:b")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("value=\"a:b\"");
        let page = console.post("/setup/login", &[("username", "okta@acme")]).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let password = page.between("aria-label=\"Password\">", "</output>").unwrap().to_owned();
        let presented = Presented::Basic { username: "okta@acme".into(), password: password.into() };
        assert_eq!(console.state.tokens.verify(&presented).await.unwrap().tenant, acme.id());
        // Nothing is computed for somebody who has made theirs, whatever they ask for.
        for name in ["more", "a:b"] {
            let page = console.post("/setup/login", &[("username", name)]).await;
            assert_eq!(page.status, StatusCode::CONFLICT, "{name}");
            page.shows("This link has made its one credential already. If it is lost");
        }
    }

    async fn whoever_tries_user_names_of_others_is_told_later_and_later(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.tenant("acme", "clinical-maestro").await;
        let path = link(&console, "").await;
        enter(&mut console, &path).await;
        let started = std::time::Instant::now();
        for _ in 0..4 {
            let page = console.post("/setup/login", &[("username", "a:b")]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        assert!(started.elapsed().as_millis() >= 500, "the fourth wrong answer is delayed");
        assert_eq!(console.post("/setup/login", &[("username", "okta@acme")]).await.status, StatusCode::CREATED);
    }

    async fn what_opens_nothing_looks_alike(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let acme = console.tenant("acme", "generic").await;
        let operator = console.cookie.clone();
        let (revoked, old) = (link(&console, "revoked").await, link(&console, "old").await);
        enter(&mut console, &revoked).await;
        assert_eq!(console.get("/setup").await.status, StatusCode::OK);
        let guest = console.cookie.take();
        console.cookie = operator.clone();
        let id = links(&console).await.into_iter().find(|link| link.note == "revoked").unwrap().id;
        let page = console.post(&format!("{LINKS}/{id}/revoke"), &[]).await;
        assert_eq!(page.location(), "/console/tenants/acme/setup?done=revoked-link#setup-links");
        assert_eq!(console.post(&format!("{LINKS}/{id}/revoke"), &[]).await.status, StatusCode::NOT_FOUND);
        console.cookie = guest;
        is_gone(&console.get("/setup").await);
        is_gone(&console.post("/setup/token", &[("expires", "1y")]).await);
        let (unknown, short) = (format!("/setup/{}", "A".repeat(43)), "/setup/x".to_owned());
        for path in [&revoked, &unknown, &short] {
            is_gone(&console.get(path).await);
            is_gone(&enter(&mut console, path).await);
            assert!(console.cookie.is_none());
        }

        enter(&mut console, &old).await;
        assert_eq!(console.get("/setup").await.status, StatusCode::OK);
        // A session ends after twelve hours, the link after seven days.
        console.store.advance(DAY);
        is_gone(&console.get("/setup").await);
        enter(&mut console, &old).await;
        assert_eq!(console.get("/setup").await.status, StatusCode::OK);
        console.store.advance(6 * DAY);
        is_gone(&console.get("/setup").await);
        is_gone(&console.get(&old).await);

        // A deactivated tenant has none any more.
        console.cookie = operator;
        assert_eq!(console.sign_in(crate::support::EMAIL, PASSWORD).await.status, StatusCode::SEE_OTHER);
        let last = link(&console, "last").await;
        console.state.tenants.deactivate(&acme, &context()).await.unwrap();
        let page = console.post(LINKS, &[("note", "x")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("Activate it first.");
        is_gone(&enter(&mut console, &last).await);
    }

    async fn links_are_for_operators_to_make_and_die_with_them(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let acme = console.tenant("acme", "generic").await;
        // Somebody who was an operator and is none any more.
        let admin = Admin {
            id: AdminId::generate(),
            email: "gone@example.com".into(),
            password_hash: String::new(),
            role: AdminRole::Manager,
            tenants: Default::default(),
            created_at: 0,
        };
        console.store.platform().create_admin(&admin, &context()).await.unwrap();
        let made = console.state.tokens.create_setup_link(acme.id(), admin.id, "x", &context()).await.unwrap();
        let secret = secrecy::ExposeSecret::expose_secret(&made.secret).to_owned();
        is_gone(&enter(&mut console, &format!("/setup/{secret}")).await);

        console.person("manager@x", AdminRole::Manager, &[acme.id()]).await;
        console.sign_in("manager@x", PASSWORD).await;
        console.get("/console/tenants/acme/setup").await.hides("Setup links");
        assert_eq!(console.post(LINKS, &[("note", "x")]).await.status, StatusCode::FORBIDDEN);
    }

    async fn another_site_cannot_open_a_link(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let path = link(&console, "").await;
        let request = Request::post(&path).header("sec-fetch-site", "cross-site");
        assert_eq!(console.send(request, String::new()).await.status, StatusCode::FORBIDDEN);
        assert_eq!(links(&console).await[0].openings, 0);
        let request = Request::get(&path).header(header::HOST, "acme.customers.test");
        assert_eq!(console.send(request, String::new()).await.status, StatusCode::MISDIRECTED_REQUEST);
    }
}
