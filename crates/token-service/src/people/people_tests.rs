use std::collections::BTreeSet;

use store::{Actor, ActorKind, admins::AdminRole};
use store_testing::{TestStore, on_both};
use totp_rs::{Builder, Secret};

use super::*;
use crate::MasterKey;

const PASSWORD: &str = "correct horse battery staple";
/// Digest of a session.
const HERE: &[u8] = &[7; 32];
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn context() -> ChangeContext {
    let actor = Actor { kind: ActorKind::Cli, id: String::new(), name: "command line".into() };
    ChangeContext { actor, cause: "cli".into() }
}

async fn service(store: &TestStore) -> TokenService {
    TokenService::open(store.store(), MasterKey::from_base64(KEY).expect("a key")).await.expect("a service")
}

async fn ada(service: &TokenService) -> Admin {
    let new =
        NewPerson { email: "ada@example.com".into(), role: AdminRole::Operator, tenants: BTreeSet::new() };
    service.add_person(new, PASSWORD.to_owned().into(), &context()).await.expect("a person")
}

/// The app on the phone, and the recovery codes.
async fn enrolled(service: &TokenService, admin: &Admin, now: i64) -> (totp_rs::Totp, Vec<String>) {
    use secrecy::ExposeSecret as _;
    service.begin_second_factor(admin, HERE).await.expect("begun");
    let shown = service.enrolment(admin, HERE, "Rollcall").await.expect("read").expect("shown");
    let uri = shown.uri.expose_secret();
    assert!(
        uri.starts_with("otpauth://totp/Rollcall:ada%40example.com?secret=")
            && uri.contains("issuer=Rollcall"),
        "{uri}"
    );
    let secret = Secret::try_from_base32(shown.secret.expose_secret()).expect("base32");
    let app = Builder::new().with_secret(secret).build().expect("an app");
    let codes =
        service.confirm_second_factor(admin, &at(&app, now, 0), HERE, &context()).await.expect("confirmed");
    (app, codes.iter().map(|code| code.expose_secret().to_owned()).collect())
}

fn at(app: &totp_rs::Totp, now: i64, steps: i64) -> String {
    app.generate(u64::try_from(now / 1000 + steps * 30).expect("later than 1970")).to_string()
}

on_both! {
    async fn codes_are_good_once_and_half_a_minute_around(store: TestStore) {
        let service = service(&store).await;
        let admin = ada(&service).await;
        assert!(!service.has_second_factor(&admin).await.expect("read"));
        let (app, _) = enrolled(&service, &admin, store.now()).await;
        assert!(service.has_second_factor(&admin).await.expect("read"));
        let check = async |code: &str| service.check_second_factor(&admin, code, &context()).await;
        store.advance(120_000);
        let now = store.now();
        for (steps, good) in [(-2, false), (2, false), (-1, true), (-1, false), (0, true), (1, true), (0, false), (1, false)] {
            let checked = check(&at(&app, now, steps)).await;
            assert_eq!(checked.is_ok(), good, "{steps}");
        }
        store.advance(300_000);
        let code = at(&app, store.now(), 0);
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        assert_eq!(check(&spaced).await.expect("a code"), Passed::Code);
        for odd in ["", " ", "12345", "1234567", "１２３４５６", &"1".repeat(5000)] {
            assert!(matches!(check(odd).await, Err(PeopleError::WrongCode)), "{odd}");
        }
    }

    async fn ten_wrong_codes_are_looked_at_in_a_quarter_of_an_hour_and_recovery_codes_always(store: TestStore) {
        let service = service(&store).await;
        let admin = ada(&service).await;
        let (app, codes) = enrolled(&service, &admin, store.now()).await;
        store.advance(120_000);
        let check = async |code: &str| service.check_second_factor(&admin, code, &context()).await;
        let wrong = at(&app, store.now() + 86_400_000, 0);
        for _ in 0..10 {
            assert!(matches!(check(&wrong).await, Err(PeopleError::WrongCode)));
        }
        let locked = check(&at(&app, store.now(), 0)).await;
        assert!(matches!(locked, Err(PeopleError::Locked(until)) if until > store.now()), "{locked:?}");
        assert_eq!(check(&codes[0]).await.expect("a recovery code"), Passed::Recovery(9));
        store.advance(15 * 60_000);
        assert_eq!(check(&at(&app, store.now(), 0)).await.expect("a code"), Passed::Code);
        // A right one forgets the wrong ones.
        for _ in 0..9 {
            assert!(matches!(check(&wrong).await, Err(PeopleError::WrongCode)));
        }
        store.advance(60_000);
        assert_eq!(check(&at(&app, store.now(), 0)).await.expect("a code"), Passed::Code);
    }

    async fn of_many_who_show_one_code_at_once_one_passes(store: TestStore) {
        let service = service(&store).await;
        let admin = ada(&service).await;
        let (app, codes) = enrolled(&service, &admin, store.now()).await;
        store.advance(120_000);
        for code in [at(&app, store.now(), 0), codes[0].clone()] {
            let by = context();
            let crowd = (0..8).map(|_| service.check_second_factor(&admin, &code, &by));
            let passed = futures::future::join_all(crowd).await.iter().filter(|one| one.is_ok()).count();
            assert_eq!(passed, 1, "{code}");
        }
    }

    async fn the_secret_is_sealed_and_bound_to_its_person(store: TestStore) {
        use secrecy::ExposeSecret as _;
        let service = service(&store).await;
        let admin = ada(&service).await;
        service.begin_second_factor(&admin, HERE).await.expect("begun");
        let shown = service.enrolment(&admin, HERE, "Rollcall").await.expect("read").expect("shown");
        let secret = Secret::try_from_base32(shown.secret.expose_secret()).expect("base32");
        let kept = store.platform().second_factor(admin.id).await.expect("read").expect("a factor");
        let plain: &[u8] = secret.as_ref();
        assert_eq!(plain.len(), 20);
        assert!(!kept.sealed.windows(20).any(|window| window == plain));
        // Copied to somebody else's row it does not open.
        let new = NewPerson { email: "eve@example.com".into(), role: AdminRole::Operator, tenants: BTreeSet::new() };
        let eve = service.add_person(new, PASSWORD.to_owned().into(), &context()).await.expect("a person");
        assert!(store.platform().begin_second_factor(eve.id, &kept.sealed).await.expect("kept"));
        assert!(matches!(service.enrolment(&eve, HERE, "Rollcall").await, Err(PeopleError::Broken(_))));
    }

    async fn what_was_begun_in_another_session_is_not_confirmed(store: TestStore) {
        use secrecy::ExposeSecret as _;
        let service = service(&store).await;
        let admin = ada(&service).await;
        // Whoever has the password alone begins it, and reads the secret.
        service.begin_second_factor(&admin, &[9; 32]).await.expect("begun");
        let planted = service.enrolment(&admin, &[9; 32], "Rollcall").await.expect("read").expect("shown");
        assert!(service.enrolment(&admin, HERE, "Rollcall").await.expect("read").is_none());
        let secret = Secret::try_from_base32(planted.secret.expose_secret()).expect("base32");
        let app = Builder::new().with_secret(secret).build().expect("an app");
        let confirmed = service.confirm_second_factor(&admin, &at(&app, store.now(), 0), HERE, &context()).await;
        assert!(matches!(confirmed, Err(PeopleError::Factor(_))));
        let (own, _) = enrolled(&service, &admin, store.now()).await;
        assert_ne!(own.secret().to_base32(), planted.secret.expose_secret());
    }

    async fn of_two_new_passwords_at_once_one_is_kept(store: TestStore) {
        let service = service(&store).await;
        let admin = ada(&service).await;
        let by = context();
        let change = |new: &str| service.change_password(&admin, PASSWORD.to_owned().into(), new.to_owned().into(), None, &by);
        let (one, other) =
            futures::join!(change("seven quiet fields of barley"), change("nine loud rivers of copper"));
        let refused = [&one, &other].into_iter().filter(|changed| matches!(changed, Err(PeopleError::WrongPassword))).count();
        assert_eq!((refused, one.is_ok() || other.is_ok()), (1, true), "{one:?} {other:?}");
    }

    async fn people_are_checked_before_they_are_kept(store: TestStore) {
        let service = service(&store).await;
        let add = async |email: &str, role, password: &str| {
            let new = NewPerson { email: email.into(), role, tenants: BTreeSet::new() };
            service.add_person(new, password.to_owned().into(), &context()).await.err().map(|error| error.to_string())
        };
        for (email, role, password, start) in [
            ("ada", AdminRole::Operator, PASSWORD, "email: "),
            ("a b@example.com", AdminRole::Operator, PASSWORD, "email: "),
            ("ada@", AdminRole::Operator, PASSWORD, "email: "),
            ("ada@example.com", AdminRole::Manager, PASSWORD, "tenants: "),
            ("ada@example.com", AdminRole::Operator, "ada@example.com", "password: "),
        ] {
            let text = add(email, role, password).await.unwrap_or_default();
            assert!(text.starts_with(start), "{email}: {text}");
        }
        assert_eq!(store.platform().admin_count().await.expect("counted"), 0);
        assert_eq!(add("ada@example.com", AdminRole::Auditor, PASSWORD).await, None);
        let text = add("ADA@example.com", AdminRole::Operator, PASSWORD).await.unwrap_or_default();
        assert!(text.starts_with("email: ") && text.contains("already"), "{text}");
    }
}
