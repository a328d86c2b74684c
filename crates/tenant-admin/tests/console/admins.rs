//! People of the console: invited, changed, removed.

use http::StatusCode;
use store::admins::AdminRole;

use crate::support::{Console, EMAIL, PASSWORD, Page, context};

const NEW: &str = "seven quiet fields of barley";

/// The path of the link on a page.
fn link(page: &Page) -> String {
    let link = page.between("aria-label=\"Link\">", "</output>").expect("a link");
    link.strip_prefix("https://rollcall.test").expect("on the public URL").to_owned()
}

async fn id(console: &Console, email: &str) -> String {
    console.store.platform().admin_by_email(email).await.unwrap().expect("somebody").id.to_string()
}

store_testing::on_both! {
    async fn somebody_new_chooses_a_password_by_a_link_that_works_once(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.tenant("acme", "generic").await;
        let fields = |email, role, tenants| [("email", email), ("role", role), ("tenants", tenants)];
        for (wrong, shown) in [
            (fields("nobody", "operator", ""), "id=\"email-problem\""),
            (fields("ADA@EXAMPLE.COM", "operator", ""), "on the list of people already"),
            (fields("m@x.example", "", ""), "Choose a role"),
            (fields("m@x.example", "manager", ""), "A manager without a tenant could do nothing"),
            (fields("m@x.example", "operator", "acme"), "An operator has all tenants"),
            (fields("m@x.example", "manager", "acme, nowhere"), "There is no tenant “nowhere”"),
        ] {
            let page = console.post("/console/admins", &wrong).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{shown}");
            page.shows(shown).shows("Nothing was changed").hides("invitation/");
        }
        let page = console.post("/console/admins", &fields("m@x.example", "manager", "acme")).await;
        assert_eq!(page.status, StatusCode::CREATED);
        let link = link(&page);
        assert_eq!(link.len(), "/console/invitation/".len() + 43, "256 bits");
        console.get("/console/admins").await.shows("m@x.example").shows("Invited").hides(&link);

        console.cookie = None;
        assert_eq!(console.sign_in("m@x.example", "").await.status, StatusCode::UNPROCESSABLE_ENTITY, "no password yet");
        for _ in 0..3 {
            console.get(&link).await.shows("Choose a password").shows("m@x.example");
        }
        let page = console.post(&link, &[("password", "m@x.example.com")]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("id=\"password-problem\"").hides("value=\"m@x.example.com\"");
        let page = console.post(&link, &[("password", NEW)]).await;
        assert_eq!(page.location(), "/console/sign-in?done=password");
        for used in [console.get(&link).await, console.post(&link, &[("password", PASSWORD)]).await] {
            assert_eq!(used.status, StatusCode::NOT_FOUND);
            used.shows("no longer good").hides("m@x.example");
        }
        assert_eq!(console.sign_in("m@x.example", NEW).await.status, StatusCode::SEE_OTHER);
        assert_eq!(console.get("/console/tenants/acme").await.status, StatusCode::OK);
        assert_eq!(console.get("/console/admins").await.status, StatusCode::FORBIDDEN, "for operators alone");
        let trail = console.store.platform().audit(Some(&id(&console, "m@x.example").await), 9).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| row.event.as_str()).collect();
        assert_eq!(events, ["admin.signed-in", "admin.password-changed", "admin.invited", "admin.created"]);
        let secret = link.rsplit('/').next().unwrap();
        assert!(!format!("{trail:?}").contains(secret));
    }

    async fn a_link_ends_after_seven_days_and_with_the_next_one(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.person("bo@example.com", AdminRole::Operator, &[]).await;
        let path = format!("/console/admins/{}/invitation", id(&console, "bo@example.com").await);
        let first = link(&console.post(&path, &[]).await);
        let second = link(&console.post(&path, &[]).await);
        let operator = console.cookie.take();
        assert_eq!(console.get(&first).await.status, StatusCode::NOT_FOUND);
        console.get(&second).await.shows("takes the place of the one that you have");
        assert_eq!(console.sign_in("bo@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER, "until then");
        console.store.advance(7 * 86_400_000);
        assert_eq!(console.post(&second, &[("password", NEW)]).await.status, StatusCode::NOT_FOUND);
        drop(operator);
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        let third = link(&console.post(&path, &[]).await);
        let operator = console.cookie.take();
        console.sign_in("bo@example.com", PASSWORD).await;
        let bo = console.cookie.take();
        console.post(&third, &[("password", NEW)]).await;
        console.cookie = bo;
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER, "sessions end with the old password");
        console.cookie = operator;
        assert_eq!(console.get("/console/").await.status, StatusCode::OK, "others' do not");
    }

    async fn changes_hold_at_once_in_open_sessions(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let (acme, _) = (console.tenant("acme", "generic").await, console.tenant("beta", "generic").await);
        console.person("m@x.example", AdminRole::Manager, &[acme.id()]).await;
        let operator = console.cookie.take();
        console.sign_in("m@x.example", PASSWORD).await;
        let manager = console.cookie.take();
        let person = format!("/console/admins/{}", id(&console, "m@x.example").await);
        let see = async |console: &mut Console| {
            console.cookie.clone_from(&manager);
            let mut seen = Vec::new();
            for path in ["/console/tenants/acme/setup", "/console/tenants/beta/setup"] {
                seen.push(console.get(path).await.status.as_u16());
            }
            console.cookie.clone_from(&operator);
            seen
        };
        assert_eq!(see(&mut console).await, [200, 404]);
        console.get(&person).await.shows("value=\"acme\"");
        let page = console.post(&person, &[("role", "manager"), ("tenants", "beta")]).await;
        assert_eq!(page.location(), format!("{person}?done=saved"));
        assert_eq!(see(&mut console).await, [404, 200]);
        console.post(&person, &[("role", "auditor"), ("tenants", "")]).await;
        assert_eq!(see(&mut console).await, [403, 403]);
        console.post(&format!("{person}/sessions"), &[]).await;
        assert_eq!(see(&mut console).await, [303, 303]);
    }

    async fn a_deleted_tenant_makes_nobody_an_auditor_of_all(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let (acme, beta) = (console.tenant("acme", "generic").await, console.tenant("beta", "generic").await);
        console.person("a@x.example", AdminRole::Auditor, &[acme.id()]).await;
        assert!(console.store.platform().delete_tenant(acme.id(), &context()).await.unwrap());
        let person = format!("/console/admins/{}", id(&console, "a@x.example").await);
        console.get(&person).await.shows("1 deleted tenant stays theirs").shows("name=\"tenants\" value=\"\"");
        // As the form is, and with another tenant.
        let auditor = async |console: &Console| console.store.platform().admin_by_email("a@x.example").await.unwrap().unwrap();
        for (tenants, given) in [("", vec![acme.id()]), ("beta", vec![acme.id(), beta.id()])] {
            let page = console.post(&person, &[("role", "auditor"), ("tenants", tenants)]).await;
            assert_eq!(page.location(), format!("{person}?done=saved"));
            assert_eq!(auditor(&console).await.tenants, given.into_iter().collect());
        }
        console.post(&person, &[("role", "auditor"), ("tenants", "")]).await;
        console.cookie = None;
        console.sign_in("a@x.example", PASSWORD).await;
        assert_eq!(console.get("/console/tenants/beta").await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.get("/console/audit").await.status, StatusCode::FORBIDDEN);
    }

    async fn the_last_operator_stays_and_whoever_is_removed_is_out(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let ada = format!("/console/admins/{}", id(&console, EMAIL).await);
        console.tenant("acme", "generic").await;
        // Somebody who has never chosen a password does not count.
        console.post("/console/admins", &[("email", "new@x.example"), ("role", "operator")]).await;
        for (path, fields) in [(ada.clone(), vec![("role", "manager"), ("tenants", "acme")]), (format!("{ada}/remove"), vec![])] {
            let page = console.post(&path, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            page.shows("This is the last operator who can sign in");
        }
        console.person("bo@example.com", AdminRole::Operator, &[]).await;
        let bo = id(&console, "bo@example.com").await;
        let adas = console.cookie.take();
        console.sign_in("bo@example.com", PASSWORD).await;
        let bos = std::mem::replace(&mut console.cookie, adas);
        assert_eq!(console.post(&format!("/console/admins/{bo}/remove"), &[]).await.location(), "/console/admins?done=removed");
        console.cookie = bos;
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER);
        assert_eq!(console.sign_in("bo@example.com", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        for path in [format!("/console/admins/{bo}"), "/console/admins/x".into()] {
            assert_eq!(console.get(&path).await.status, StatusCode::NOT_FOUND);
        }
        // The address is free again.
        console.person("bo@example.com", AdminRole::Operator, &[]).await;
        let page = console.post(&ada, &[("role", "manager"), ("tenants", "acme")]).await;
        assert_eq!(page.location(), "/console/", "no operator any more");
        assert_eq!(console.get("/console/admins").await.status, StatusCode::FORBIDDEN);
    }

    async fn a_lost_phone_is_forgotten_by_an_operator(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.person("bo@example.com", AdminRole::Operator, &[]).await;
        let bo = console.store.platform().admin_by_email("bo@example.com").await.unwrap().unwrap();
        assert!(console.store.platform().begin_second_factor(bo.id, b"sealed").await.unwrap());
        assert!(console.store.platform().confirm_second_factor(bo.id, 1, &[], None, &context()).await.unwrap());
        let person = format!("/console/admins/{}", bo.id);
        console.get(&person).await.shows("Take the second factor away");
        assert_eq!(console.sign_in("bo@example.com", PASSWORD).await.location(), "/console/sign-in/code");
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        let page = console.post(&format!("{person}/second-factor"), &[]).await;
        console.get(page.location()).await.shows("The second factor is taken away").hides("Take the second factor away");
        console.cookie = None;
        assert_eq!(console.sign_in("bo@example.com", PASSWORD).await.location(), "/console/");
    }
}
