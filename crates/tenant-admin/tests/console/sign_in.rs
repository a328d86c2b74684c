//! Signing in and out.

use http::{StatusCode, header};

use token_service::passwords;

use crate::support::{Console, EMAIL, PASSWORD, context};

store_testing::on_both! {
    async fn without_an_operator_the_page_says_how_to_make_one(store: TestStore) {
        let console = Console::empty(store).await;
        console.get("/console/sign-in").await.shows("rollcall admin create").hides("type=\"password\"");
        console.admin().await;
        console.get("/console/sign-in").await.shows("type=\"password\"");
    }

    async fn a_right_password_opens_a_session_and_sign_out_ends_it(store: TestStore) {
        let mut console = Console::empty(store).await;
        console.admin().await;
        let page = console.sign_in(" ADA@example.com ", PASSWORD).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/"));
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("__Host-rollcall="), "{cookie}");
        for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/", "; Max-Age=43200"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        console.get("/console/").await.shows("What to do first").shows(EMAIL);
        assert_eq!(console.get("/console/sign-in").await.location(), "/console/");

        let page = console.post("/console/sign-out", &[]).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/sign-in"));
        let removal = page.headers.get_all(header::SET_COOKIE).iter().any(|value| {
            let value = value.to_str().unwrap();
            value.contains("Max-Age=0") && value.contains("Secure") && value.contains("Path=/")
        });
        assert!(removal, "{:?}", page.headers);
        // The old cookie is worth nothing now.
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER);
    }

    async fn unknown_address_and_wrong_password_get_the_same_answer(store: TestStore) {
        let mut console = Console::empty(store).await;
        console.admin().await;
        let wrong = console.sign_in(EMAIL, "not the password").await;
        let unknown = console.sign_in(EMAIL.replace("ada", "eve").as_str(), "not the password").await;
        let too_long = console.sign_in(EMAIL, &"x".repeat(5000)).await;
        let empty = console.sign_in("", "").await;
        let control = console.sign_in("a\0b@example.com", "not the password").await;
        for page in [&wrong, &unknown, &too_long, &empty, &control] {
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
            page.shows("E-mail address or password is wrong");
            assert!(page.headers.get(header::SET_COOKIE).is_none());
        }
        assert_eq!(wrong.body.replace("ada@", "eve@"), unknown.body);
        wrong.hides("not the password");
    }

    async fn many_wrong_passwords_never_refuse_the_right_one(store: TestStore) {
        let mut console = Console::empty(store).await;
        console.admin().await;
        let started = std::time::Instant::now();
        for _ in 0..4 {
            console.sign_in(EMAIL, "not the password").await;
        }
        assert!(started.elapsed().as_millis() >= 500, "the fourth wrong answer is delayed");
        assert_eq!(console.sign_in(EMAIL, PASSWORD).await.status, StatusCode::SEE_OTHER);
    }

    async fn the_session_id_is_renewed_at_sign_in(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let first = console.cookie.clone();
        console.sign_in(EMAIL, PASSWORD).await;
        assert_ne!(console.cookie, first);
        assert_eq!(console.get("/console/").await.status, StatusCode::OK);
        console.cookie = first;
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER, "the first session ended");
        // A planted id does not become a session's.
        console.cookie = Some("__Host-rollcall=AAAAAAAAAAAAAAAAAAAAAQ".into());
        console.sign_in(EMAIL, PASSWORD).await;
        assert_ne!(console.cookie.as_deref(), Some("__Host-rollcall=AAAAAAAAAAAAAAAAAAAAAQ"));
        assert_eq!(console.get("/console/").await.status, StatusCode::OK);
    }

    async fn a_session_ends_after_twelve_hours_however_much_it_is_used(store: TestStore) {
        let console = Console::signed_in(store).await;
        for hour in 1..12 {
            console.store.advance(3_600_000);
            assert_eq!(console.get("/console/").await.status, StatusCode::OK, "hour {hour}");
        }
        console.store.advance(3_600_000 + 1000);
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER);
    }

    async fn a_session_that_is_not_used_ends_after_two_hours(store: TestStore) {
        let console = Console::signed_in(store).await;
        console.store.advance(2 * 3_600_000 - 1000);
        assert_eq!(console.get("/console/").await.status, StatusCode::OK);
        console.store.advance(2 * 3_600_000);
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER);
        // Its row is gone, too.
        let ada = console.store.platform().admin_by_email(EMAIL).await.unwrap().unwrap();
        assert_eq!(console.store.platform().sessions_of(ada.id).await.unwrap(), []);
    }

    async fn a_sign_in_that_is_under_way_does_not_outlive_its_password(store: TestStore) {
        let mut console = Console::empty(store).await;
        console.admin().await;
        let platform = console.store.platform();
        let ada = platform.admin_by_email(EMAIL).await.unwrap().unwrap();
        let other = passwords::hash("seven quiet fields of barley".to_owned().into()).await.unwrap();
        let (fields, by) = ([("email", EMAIL), ("password", PASSWORD)], context());
        // Each has read the old hash, and its password waits to be compared, while another one is chosen.
        let under_way = (0..6).map(|_| console.post("/console/sign-in", &fields));
        let change = platform.set_admin_password(ada.id, &ada.password_hash, &other, None, &by);
        let (pages, changed) = futures::join!(futures::future::join_all(under_way), change);
        assert!(changed.unwrap());
        for page in pages {
            let cookie = page.headers.get(header::SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned());
            console.cookie = cookie.and_then(|cookie| cookie.split(';').next().map(str::to_owned));
            assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER);
        }
        assert_eq!(console.store.platform().sessions_of(ada.id).await.unwrap(), []);
    }

    async fn sign_ins_are_written_down(store: TestStore) {
        let console = Console::signed_in(store).await;
        let trail = console.store.platform().audit(None, 1).await.unwrap();
        assert_eq!((trail[0].event.as_str(), trail[0].actor.name.as_str()), ("admin.signed-in", EMAIL));
        assert_eq!(trail[0].payload.as_ref().unwrap()["how"], "password");
    }

    async fn sign_in_leads_back_to_the_page_that_was_asked_for(store: TestStore) {
        let mut console = Console::empty(store).await;
        console.admin().await;
        let page = console.get("/console/tenants/acme/users?q=a%20b").await;
        assert_eq!(page.location(), "/console/sign-in?next=%2Fconsole%2Ftenants%2Facme%2Fusers%3Fq%3Da%2520b");
        console.get(page.location()).await.shows("value=\"/console/tenants/acme/users?q=a%20b\"");
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "//evil.example/")];
        let page = console.post("/console/sign-in", &fields).await;
        assert_eq!(page.location(), "/console/");
        console.cookie = None;
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", "/console/tenants/new")];
        assert_eq!(console.post("/console/sign-in", &fields).await.location(), "/console/tenants/new");
    }
}
