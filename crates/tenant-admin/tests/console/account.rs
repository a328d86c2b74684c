//! One's own account: password and sessions.

use http::StatusCode;

use crate::support::{Console, EMAIL, PASSWORD};

const NEW: &str = "seven quiet fields of barley";

store_testing::on_both! {
    async fn a_password_is_changed_by_whoever_knows_the_old_one(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let elsewhere = console.cookie.take();
        console.sign_in(EMAIL, PASSWORD).await;
        let change = async |old: &str, new: &str| console.post("/console/account/password", &[("old", old), ("password", new)]).await;
        let page = change("not the password", NEW).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("id=\"old-problem\">That is not your password").hides(NEW);
        for weak in ["short", "password1234", "ada.example.com", &"x".repeat(300)] {
            let page = change(PASSWORD, weak).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{weak}");
            page.shows("id=\"password-problem\"").shows("<a href=\"#password\">").hides(&format!("\"{weak}\""));
        }
        let page = change(PASSWORD, NEW).await;
        assert_eq!(page.location(), "/console/account?done=password");
        console.get(page.location()).await.shows("The password is changed");
        let here = std::mem::replace(&mut console.cookie, elsewhere);
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER, "the other session has ended");
        console.cookie = None;
        assert_eq!(console.sign_in(EMAIL, PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(console.sign_in(EMAIL, NEW).await.status, StatusCode::SEE_OTHER);
        console.cookie = here;
        assert_eq!(console.get("/console/").await.status, StatusCode::OK, "this one goes on");
        let trail = console.store.platform().audit(None, 2).await.unwrap();
        assert_eq!(trail[1].event, "admin.password-changed");
        assert!(!trail[1].payload.as_ref().unwrap().to_string().contains("argon2"));
    }

    async fn whoever_sits_at_a_session_guesses_no_faster_than_at_the_door(store: TestStore) {
        let console = Console::signed_in(store).await;
        let started = std::time::Instant::now();
        for (path, field) in [
            ("/console/account/password", "old"),
            ("/console/account/second-factor/off", "password"),
            ("/console/account/second-factor/codes", "password"),
            ("/console/account/password", "old"),
            ("/console/account/second-factor/off", "password"),
            ("/console/account/second-factor/codes", "password"),
        ] {
            let page = console.post(path, &[(field, "not the password"), ("code", "123456")]).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        }
        assert!(started.elapsed().as_millis() >= 3500, "half a second, one, and two for those beyond three");
        let page = console.post("/console/account/password", &[("old", PASSWORD), ("password", NEW)]).await;
        assert_eq!(page.location(), "/console/account?done=password");
    }

    async fn sessions_are_seen_and_ended(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let mut cookies = vec![console.cookie.take()];
        for _ in 0..3 {
            console.sign_in(EMAIL, PASSWORD).await;
            cookies.push(console.cookie.take());
        }
        console.cookie = cookies[0].clone();
        let page = console.get("/console/account").await;
        assert_eq!(page.body.matches("/end\">").count(), 4);
        assert_eq!(page.body.matches("This one").count(), 1);

        // One of them, which is not this one.
        let digests: Vec<_> = page.body.split("sessions/").skip(1).filter_map(|rest| rest.split_once("/end")).map(|(id, _)| id.to_owned()).collect();
        let row = |id: &str| page.body.split("<tr>").find(|row| row.contains(id)).unwrap().contains("This one");
        let other = digests.iter().find(|id| !row(id)).unwrap();
        let ended = console.post(&format!("/console/account/sessions/{other}/end"), &[]).await;
        assert_eq!(ended.location(), "/console/account?done=ended#sessions");
        assert_eq!(console.post(&format!("/console/account/sessions/{other}/end"), &[]).await.status, StatusCode::NOT_FOUND);
        assert_eq!(console.post("/console/account/sessions/x/end", &[]).await.status, StatusCode::NOT_FOUND);
        let mut alive = async || {
            let mut count = 0;
            for cookie in &cookies {
                console.cookie.clone_from(cookie);
                count += usize::from(console.get("/console/").await.status == StatusCode::OK);
            }
            console.cookie.clone_from(&cookies[0]);
            count
        };
        assert_eq!(alive().await, 3);
        console.post("/console/account/sessions", &[("which", "others")]).await;
        let mut alive = async || {
            let mut count = 0;
            for cookie in &cookies {
                console.cookie.clone_from(cookie);
                count += usize::from(console.get("/console/").await.status == StatusCode::OK);
            }
            console.cookie.clone_from(&cookies[0]);
            count
        };
        assert_eq!(alive().await, 1);
        let page = console.post("/console/account/sessions", &[("which", "all")]).await;
        assert_eq!(page.location(), "/console/sign-in?done=everywhere");
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER);
        console.get(page.location()).await.shows("You are signed out everywhere");
    }

    async fn nobody_ends_the_sessions_of_others(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let ada = console.store.platform().admin_by_email(EMAIL).await.unwrap().unwrap();
        let theirs = console.store.platform().sessions_of(ada.id).await.unwrap().remove(0);
        let id: String = theirs.id_hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let adas = console.cookie.take();
        console.person("bo@example.com", store::admins::AdminRole::Operator, &[]).await;
        console.sign_in("bo@example.com", PASSWORD).await;
        let page = console.post(&format!("/console/account/sessions/{id}/end"), &[]).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        console.cookie = adas;
        assert_eq!(console.get("/console/").await.status, StatusCode::OK);
    }

    async fn a_session_ends_on_another_node_within_a_second(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let first = console.cookie.clone();
        let other = tenant_admin::router(tenant_admin::ConsoleState { store: console.store.another().await, ..console.state.clone() });
        let here = std::mem::replace(&mut console.app, other);
        assert_eq!(console.get("/console/").await.status, StatusCode::OK, "the other node knows the session, and remembers it");
        let there = std::mem::replace(&mut console.app, here);
        console.post("/console/account/sessions", &[("which", "all")]).await;
        console.app = there;
        console.cookie = first;
        let gone = async {
            while console.get("/console/").await.status == StatusCode::OK {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_millis(1500), gone).await.expect("within a second");
    }
}
