//! Signing in at an OpenID provider.

use std::sync::Arc;

use http::{StatusCode, header};
use issuer_testing::{Account, Issuer, TestKey, visit};
use serde_json::{Value, json};
use store::admins::AdminRole;
use tenant_admin::{ConsoleState, SecondFactor};
use token_service::oidc::{OidcOptions, Provider, RoleMapping};

use crate::support::{Console, HOST, Page};

const CLIENT: (&str, &str) = ("rollcall", "s3cret:with/odd chars");

/// The provider, and a console that sends people there.
struct Scene {
    console: Console,
    issuer: Issuer,
    key: Arc<TestKey>,
}

fn mapping() -> RoleMapping {
    RoleMapping {
        claim: "groups".into(),
        operator: Some("rollcall-operators".into()),
        manager: Some("rollcall-managers".into()),
        auditor: None,
    }
}

impl Scene {
    async fn new(console: Console, roles: RoleMapping, trust_email: bool) -> Self {
        let key = Arc::new(TestKey::rsa("first"));
        let issuer = Issuer::start(&[&key]);
        let options = OidcOptions {
            issuer: issuer.of("company"),
            client_id: CLIENT.0.into(),
            client_secret: CLIENT.1.to_owned().into(),
            redirect_uri: format!("https://{HOST}/console/sign-in/callback").parse().unwrap(),
            roles,
            trust_email,
        };
        let egress = egress::Client::new("127.0.0.0/8".parse().unwrap());
        // A second factor of ours is asked of nobody who comes from there.
        let state = ConsoleState {
            admission: admission::Admission::default(),
            oidc: Some(Provider::new(options, egress)),
            second_factor: SecondFactor::Required,
            ..console.state.clone()
        };
        let console = Console { app: tenant_admin::router(state), ..console };
        Self { console, issuer, key }
    }

    fn account(&self, claims: Value) {
        self.issuer.sign_in_as(Account {
            key: self.key.clone(),
            issuer: self.issuer.of("company"),
            client: (CLIENT.0.into(), CLIENT.1.into()),
            now: self.console.store.now() / 1000,
            claims,
        });
    }

    /// Begins: where the browser is sent, and the cookie that it keeps.
    async fn begin(&self) -> (String, String) {
        let page = self.console.get("/console/sign-in/with?next=%2Fconsole%2Faccount").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        for part in [
            "__Host-rollcall-provider=",
            "; HttpOnly",
            "; Secure",
            "; SameSite=Lax",
            "; Path=/",
            "; Max-Age=600",
        ] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        (page.location().to_owned(), cookie.split(';').next().unwrap().to_owned())
    }

    /// All the way, as a browser goes it.
    async fn sign_in(&mut self, claims: Value) -> Page {
        self.account(claims);
        self.console.cookie = None;
        let (there, kept) = self.begin().await;
        let back = visit(&there);
        self.come_back(&back, kept).await
    }

    async fn come_back(&mut self, back: &str, kept: String) -> Page {
        let path = back.strip_prefix(&format!("https://{HOST}")).expect("back here").to_owned();
        self.console.cookie = Some(kept);
        let page = self.console.get(&path).await;
        let cookies = page.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let mut sessions = cookies.filter(|cookie| cookie.starts_with("__Host-rollcall="));
        let session = sessions.next_back();
        self.console.cookie = session.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        page
    }

    async fn refused(&mut self, claims: Value, word: &str) {
        let page = self.sign_in(claims).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{word}: {}", page.body);
        page.shows(word).shows("Sign in with 127.0.0.1");
        assert_eq!(self.console.cookie, None);
    }
}

fn ada() -> Value {
    json!({"sub": "u-1", "email": "Ada@Example.com", "email_verified": true})
}

store_testing::on_both! {
    async fn whoever_is_on_the_list_comes_in_by_a_verified_address_and_then_by_the_subject(store: TestStore) {
        let console = Console::empty(store).await;
        console.admin().await;
        let mut scene = Scene::new(console, RoleMapping::default(), false).await;
        scene.console.get("/console/sign-in").await.shows("href=\"/console/sign-in/with\">Sign in with 127.0.0.1");
        scene.refused(json!({"sub": "u-2", "email": "eve@example.com", "email_verified": true}), "not on the list of people").await;
        for unverified in [json!(false), json!(null), json!("false"), json!(1)] {
            let claims = json!({"sub": "u-1", "email": "ada@example.com", "email_verified": unverified});
            scene.refused(claims, "does not say that").await;
        }
        scene.refused(json!({"sub": "u-1"}), "does not tell your e-mail address").await;
        // The long s is another mailbox, though the list takes it for an s.
        scene.console.person("sue@example.com", AdminRole::Operator, &[]).await;
        let alike = json!({"sub": "u-3", "email": "\u{17f}ue@example.com", "email_verified": true});
        scene.refused(alike, "not on the list of people").await;

        let page = scene.sign_in(ada()).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/console/account"), "{}", page.body);
        scene.console.get("/console/account").await.shows("ada@example.com");
        scene.console.get("/console/account/second-factor").await.shows("nothing to set up here");
        // From now on the subject counts, whatever the address is.
        let moved = json!({"sub": "u-1", "email": "lovelace@example.com", "email_verified": false});
        assert_eq!(scene.sign_in(moved).await.status, StatusCode::SEE_OTHER);
        scene.console.get("/console/account").await.shows("ada@example.com");
        // And nobody else gets in by the address.
        let other = json!({"sub": "u-9", "email": "ada@example.com", "email_verified": true});
        scene.refused(other, "signs in here with another account").await;
        let trail = scene.console.store.platform().audit(None, 20).await.unwrap();
        assert_eq!(trail.iter().filter(|row| row.event == "admin.identity-bound").count(), 1);
        assert_eq!(trail.iter().filter(|row| row.event == "admin.signed-in").count(), 2);
    }

    async fn groups_make_people_and_roles(store: TestStore) {
        let console = Console::empty(store).await;
        console.admin().await;
        let acme = console.tenant("acme", "generic").await;
        console.person("m@example.com", AdminRole::Auditor, &[acme.id()]).await;
        let mut scene = Scene::new(console, mapping(), false).await;
        let with = |sub: &str, email: &str, groups: Value| json!({"sub": sub, "email": email, "email_verified": true, "groups": groups});
        let person = async |scene: &Scene, email: &str| scene.console.store.platform().admin_by_email(email).await.unwrap();
        // Listed or not, without a group nobody comes in.
        scene.refused(ada(), "none of the roles").await;
        scene.refused(with("u-3", "new@example.com", json!(["others"])), "none of the roles").await;
        assert_eq!(person(&scene, "new@example.com").await, None);

        assert_eq!(scene.sign_in(with("u-3", "new@example.com", json!(["rollcall-operators"]))).await.status, StatusCode::SEE_OTHER);
        let made = person(&scene, "new@example.com").await.unwrap();
        assert_eq!((made.role, made.password_hash.as_str()), (AdminRole::Operator, ""));
        assert_eq!(scene.console.sign_in("new@example.com", "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        scene.sign_in(with("u-3", "new@example.com", json!("rollcall-managers"))).await;
        let made = person(&scene, "new@example.com").await.unwrap();
        assert_eq!(made.role, AdminRole::Manager);
        assert!(made.tenants.is_empty(), "which tenants is said here alone");
        assert_eq!(scene.console.get("/console/tenants/acme").await.status, StatusCode::NOT_FOUND);

        scene.sign_in(with("u-4", "m@example.com", json!(["rollcall-managers"]))).await;
        let manager = person(&scene, "m@example.com").await.unwrap();
        assert_eq!((manager.role, manager.tenants.contains(&acme.id())), (AdminRole::Manager, true));
        assert_eq!(scene.console.get("/console/tenants/acme/setup").await.status, StatusCode::OK);
    }

    async fn the_last_operator_stays_one_whatever_the_provider_says(store: TestStore) {
        let console = Console::empty(store).await;
        console.admin().await;
        let mut scene = Scene::new(console, mapping(), true).await;
        let page = scene.sign_in(json!({"sub": "u-1", "email": "ada@example.com", "groups": "rollcall-managers"})).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        assert_eq!(scene.console.get("/console/admins").await.status, StatusCode::OK);
        // An address that is said not to be verified is not taken even from a directory of one's own.
        scene.refused(json!({"sub": "u-2", "email": "x@example.com", "email_verified": false, "groups": "rollcall-operators"}), "does not say that").await;
    }

    async fn what_comes_back_is_checked(store: TestStore) {
        let console = Console::empty(store).await;
        console.admin().await;
        let mut scene = Scene::new(console, RoleMapping::default(), false).await;
        scene.account(ada());
        // Without the cookie, with another sign-in's cookie, with another state, twice, too late.
        let (there, kept) = scene.begin().await;
        let (_, other) = scene.begin().await;
        assert!(there.contains("code_challenge_method=S256") && there.contains("response_type=code"), "{there}");
        let back = visit(&there);
        for (back, kept) in [
            (back.clone(), String::new()),
            (back.clone(), other),
            (back.clone(), "__Host-rollcall-provider=AAAA".to_owned()),
            (back.replace("state=", "state=x"), kept.clone()),
            (format!("{back}&iss=https%3A%2F%2Fevil.example"), kept.clone()),
            (back.replace("code=", "error=access_denied&code="), kept.clone()),
        ] {
            let page = scene.come_back(&back, kept).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{back}");
            page.shows("Begin again below");
        }
        assert_eq!(scene.come_back(&back, kept.clone()).await.status, StatusCode::SEE_OTHER);
        let page = scene.come_back(&back, kept).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.shows("used already");
        let (there, kept) = scene.begin().await;
        let back = visit(&there);
        scene.console.store.advance(10 * 60_000);
        scene.come_back(&back, kept).await.shows("took too long");
    }

    async fn answers_that_are_made_up_are_told_later_and_later(store: TestStore) {
        let console = Console::empty(store).await;
        console.admin().await;
        let mut scene = Scene::new(console, RoleMapping::default(), false).await;
        scene.account(ada());
        let (there, kept) = scene.begin().await;
        let started = std::time::Instant::now();
        for number in 0..21 {
            let back = visit(&there).replace("code=", &format!("code={number}"));
            assert_eq!(scene.come_back(&back, kept.clone()).await.status, StatusCode::FORBIDDEN, "{back}");
        }
        assert!(started.elapsed().as_millis() >= 500, "the last one is delayed");
        assert_eq!(scene.sign_in(ada()).await.status, StatusCode::SEE_OTHER);
    }

    async fn a_token_of_another_kind_is_not_taken(store: TestStore) {
        let console = Console::empty(store).await;
        console.admin().await;
        let mut scene = Scene::new(console, RoleMapping::default(), false).await;
        for (name, value) in [
            ("iss", json!("https://evil.example/")),
            ("aud", json!("another-client")),
            ("aud", json!(["rollcall", "another-client"])),
            ("azp", json!("another-client")),
            ("nonce", json!("another")),
            ("exp", json!(1_700_000_000)),
            ("nbf", json!(4_000_000_000_u64)),
            ("sub", json!("")),
            ("sub", json!(7)),
        ] {
            let mut claims = ada();
            claims[name] = value.clone();
            let page = scene.sign_in(claims).await;
            assert_eq!(page.status, StatusCode::BAD_GATEWAY, "{name} {value}");
            page.shows("cannot be used now");
            assert_eq!(scene.console.cookie, None);
        }
        scene.key = Arc::new(TestKey::rsa("first"));
        assert_eq!(scene.sign_in(ada()).await.status, StatusCode::BAD_GATEWAY, "signed by another key of the same name");
    }

    async fn without_a_provider_there_is_no_such_page_and_one_that_is_down_is_told(store: TestStore) {
        let console = Console::empty(store).await;
        console.admin().await;
        for path in ["/console/sign-in/with", "/console/sign-in/callback"] {
            assert_eq!(console.get(path).await.status, StatusCode::NOT_FOUND);
        }
        console.get("/console/sign-in").await.hides("/console/sign-in/with");
        let scene = Scene::new(console, RoleMapping::default(), false).await;
        scene.issuer.set_down(true);
        let page = scene.console.get("/console/sign-in/with").await;
        assert_eq!(page.status, StatusCode::BAD_GATEWAY);
        page.shows("cannot be used now").shows("type=\"password\"");
        scene.issuer.set_down(false);
        assert_eq!(scene.console.get("/console/sign-in/with").await.status, StatusCode::SEE_OTHER, "it is asked again");
    }
}
