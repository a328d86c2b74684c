//! The second factor: set up, asked for, recovered from, demanded.

use http::{StatusCode, header};
use tenant_admin::{ConsoleState, ROUTES, Right, SecondFactor};
use totp_rs::{Builder, Secret, Totp};

use crate::support::{Console, EMAIL, PASSWORD, Page};

const FACTOR: &str = "/console/account/second-factor";

/// The phone.
pub(crate) struct Phone(Totp);

impl Phone {
    fn scan(page: &Page) -> Self {
        let key = page.between("aria-label=\"Key\">", "</output>").expect("a key").replace(' ', "");
        let secret = Secret::try_from_base32(key).expect("base32");
        Self(Builder::new().with_secret(secret).build().expect("an app"))
    }

    /// What it shows this many half minutes from now.
    fn shows(&self, console: &Console, steps: i64) -> String {
        let at = console.store.now() / 1000 + steps * 30;
        self.0.generate(u64::try_from(at).unwrap()).to_string()
    }
}

/// Sets it up; gives the phone and the recovery codes.
async fn enrol(console: &Console) -> (Phone, Vec<String>) {
    console.get(FACTOR).await.shows(">Begin</button>").hides("<svg class=\"qr\"");
    assert_eq!(console.post(FACTOR, &[]).await.location(), FACTOR);
    let page = console.get(FACTOR).await;
    page.shows("<svg class=\"qr\"").hides(" style=");
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    let phone = Phone::scan(&page);
    let wrong = console.post(&format!("{FACTOR}/confirm"), &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.shows("id=\"code-problem\"").shows("<svg class=\"qr\"");
    let page = console.post(&format!("{FACTOR}/confirm"), &[("code", &phone.shows(console, 0))]).await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
    let codes = page.between("aria-label=\"Recovery codes\">", "</pre>").unwrap();
    let codes: Vec<String> = codes.lines().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 19 && code.matches('-').count() == 3), "{codes:?}");
    (phone, codes)
}

async fn code(console: &mut Console, code: impl FnOnce(&Console) -> String) -> Page {
    let code = code(console);
    let page = console.post("/console/sign-in/code", &[("code", &code), ("next", "/console/keys")]).await;
    if let Some(cookie) = page.headers.get(header::SET_COOKIE) {
        console.cookie = cookie.to_str().unwrap().split(';').next().map(str::to_owned);
    }
    page
}

store_testing::on_both! {
    async fn a_code_is_asked_for_after_the_password(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let elsewhere = console.cookie.take();
        console.sign_in(EMAIL, PASSWORD).await;
        let (phone, codes) = enrol(&console).await;
        let here = std::mem::replace(&mut console.cookie, elsewhere);
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER, "sessions without a code have ended");
        console.cookie = here;
        console.get("/console/account").await.shows("10 recovery codes are left");
        // What it was set up with is not shown again.
        console.get(FACTOR).await.shows("10 left").hides("<svg class=\"qr\"").hides(&codes[0]);

        console.cookie = None;
        let page = console.sign_in(EMAIL, PASSWORD).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/sign-in/code"));
        // Half of it is nothing: every closed page leads to sign-in.
        for (method, path, _) in closed() {
            let page = if *method == "GET" { console.get(path).await } else { console.post(path, &[]).await };
            let expected = if *method == "GET" { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
            assert_eq!(page.status, expected, "{method} {path}");
        }
        console.get("/console/sign-in/code").await.shows(EMAIL).shows("autocomplete=\"one-time-code\"");
        let page = code(&mut console, |console| phone.shows(console, 0)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "it was taken when it was set up");
        page.shows("wrong or was used already");
        let half = console.cookie.clone();
        let page = code(&mut console, |console| phone.shows(console, 1)).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/keys"));
        assert_ne!(console.cookie, half, "the id is renewed");
        assert_eq!(console.get("/console/").await.status, StatusCode::OK);
        let trail = console.store.platform().audit(None, 1).await.unwrap();
        assert_eq!(trail[0].payload.as_ref().unwrap()["how"], "password and code");

        // The same code again, by somebody who looked over the shoulder and knows the password.
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        let page = code(&mut console, |console| phone.shows(console, 1)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);

        // Whoever has the password and no code ends no session of its owner.
        let ada = console.store.platform().admin_by_email(EMAIL).await.unwrap().unwrap();
        let sessions = console.store.platform().sessions_of(ada.id).await.unwrap();
        for _ in 0..52 {
            console.cookie = None;
            console.sign_in(EMAIL, PASSWORD).await;
        }
        assert_eq!(console.store.platform().sessions_of(ada.id).await.unwrap(), sessions);
    }

    async fn a_recovery_code_signs_in_once_and_leads_to_what_is_next(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let (_, codes) = enrol(&console).await;
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        let page = code(&mut console, |_| codes[3].to_uppercase().replace('-', " ")).await;
        assert_eq!(page.location(), "/console/account/second-factor?done=recovery");
        console.get(page.location()).await.shows("which is used up now").shows("9 left");
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        assert_eq!(code(&mut console, |_| codes[3].clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(code(&mut console, |_| codes[4].clone()).await.status, StatusCode::SEE_OTHER);
        let trail = console.store.platform().audit(None, 9).await.unwrap();
        assert_eq!(trail.iter().filter(|row| row.event == "admin.recovery-code-used").count(), 2);

        // Other codes, and off: with both factors.
        let both = |password, code| [("password", password), ("code", code)];
        let page = console.post(&format!("{FACTOR}/codes"), &both("wrong", &codes[5])).await;
        page.shows("id=\"renew-password-problem\"");
        let page = console.post(&format!("{FACTOR}/codes"), &both(PASSWORD, "wrong")).await;
        page.shows("id=\"renew-code-problem\"");
        let page = console.post(&format!("{FACTOR}/codes"), &both(PASSWORD, &codes[5])).await;
        assert_eq!(page.status, StatusCode::CREATED);
        page.shows("Recovery codes").hides(&codes[6]);
        let renewed = page.between("aria-label=\"Recovery codes\">", "\n").unwrap().to_owned();
        let page = console.post(&format!("{FACTOR}/off"), &both(PASSWORD, &codes[6])).await;
        page.shows("id=\"off-code-problem\"");
        let page = console.post(&format!("{FACTOR}/off"), &both(PASSWORD, &renewed)).await;
        assert_eq!(page.location(), "/console/account?done=off");
        console.cookie = None;
        assert_eq!(console.sign_in(EMAIL, PASSWORD).await.location(), "/console/");
    }

    async fn a_code_has_to_come_within_ten_minutes_of_the_password(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let (phone, _) = enrol(&console).await;
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        console.store.advance(10 * 60_000);
        assert_eq!(console.get("/console/sign-in/code").await.location(), "/console/sign-in");
        let page = code(&mut console, |console| phone.shows(console, 0)).await;
        assert_eq!(page.location(), "/console/sign-in");
        assert_eq!(console.get("/console/").await.status, StatusCode::SEE_OTHER);
    }

    async fn where_it_is_required_nothing_else_is_seen_before(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        let state = ConsoleState { second_factor: SecondFactor::Required, ..console.state.clone() };
        console.app = tenant_admin::router(state);
        for (method, path, _) in closed() {
            if path.starts_with(FACTOR) || *path == "/console/sign-out" {
                continue;
            }
            let page = if *method == "GET" { console.get(path).await } else { console.post(path, &[]).await };
            if *method == "GET" {
                assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, FACTOR), "{path}");
            } else {
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
                page.shows("Set up your second factor first");
            }
        }
        console.get(FACTOR).await.shows("This installation asks everybody for one");
        let (phone, codes) = enrol(&console).await;
        assert_eq!(console.get("/console/").await.status, StatusCode::OK, "at once, in this session");
        let page = console.post(&format!("{FACTOR}/off"), &[("password", PASSWORD), ("code", &codes[0])]).await;
        assert_eq!(page.location(), "/console/account?done=off");
        assert_eq!(console.get("/console/account").await.location(), FACTOR, "another phone");
        drop(phone);
    }

    async fn what_was_begun_in_another_session_is_not_shown(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        // Whoever knows the password of somebody who has no second factor yet begins one, and keeps the key.
        console.post(FACTOR, &[]).await;
        let planted = Phone::scan(&console.get(FACTOR).await);
        console.cookie = None;
        console.sign_in(EMAIL, PASSWORD).await;
        console.get(FACTOR).await.shows(">Begin</button>").hides("<svg class=\"qr\"");
        let page = console.post(&format!("{FACTOR}/confirm"), &[("code", &planted.shows(&console, 0))]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("begin again");
        enrol(&console).await;
    }

    async fn what_is_not_confirmed_asks_nobody_for_a_code(store: TestStore) {
        let mut console = Console::signed_in(store).await;
        console.post(FACTOR, &[]).await;
        let first = console.get(FACTOR).await.between("aria-label=\"Key\">", "</output>").unwrap().to_owned();
        console.post(FACTOR, &[]).await;
        let page = console.get(FACTOR).await;
        page.hides(&first);
        let phone = Phone::scan(&page);
        console.store.advance(31 * 60_000);
        console.get(FACTOR).await.shows(">Begin</button>");
        let page = console.post(&format!("{FACTOR}/confirm"), &[("code", &phone.shows(&console, 0))]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("begin again");
        console.cookie = None;
        assert_eq!(console.sign_in(EMAIL, PASSWORD).await.location(), "/console/");
    }
}

/// What needs a session of the console, and no parameters.
fn closed() -> impl Iterator<Item = &'static (&'static str, &'static str, Right)> {
    let open = |right: &Right| matches!(right, Right::Anybody | Right::Guest);
    ROUTES.iter().filter(move |(_, path, right)| !open(right) && !path.contains('{'))
}
