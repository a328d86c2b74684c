//! How long credentials may live, as a table and on each database.

use scim_core::profile::CredentialKind;
use store::{CredentialId, tenants::TenantSettings};
use store_testing::on_both;

use super::*;
use crate::{
    NewBasic, Options, scopes,
    service::{
        IssueError,
        tests::{World, context, new_token},
    },
};

fn lifetime(text: &str) -> Lifetime {
    text.parse().expect(text)
}

#[test]
fn lifetimes_are_read_and_written() {
    for (text, days, written, words) in [
        ("1d", 1, "1d", "1 day"),
        ("24h", 1, "1d", "1 day"),
        ("25h", 2, "2d", "2 days"),
        ("90d", 90, "90d", "90 days"),
        (" 2 w ", 14, "14d", "14 days"),
        ("1y", 366, "1y", "1 year"),
        ("2Y", 731, "2y", "2 years"),
        ("5 y", 1827, "5y", "5 years"),
        ("10y", 3653, "10y", "10 years"),
        ("3653d", 3653, "10y", "10 years"),
    ] {
        let read = lifetime(text);
        assert_eq!((read.days(), read.to_string().as_str(), read.words().as_str()), (days, written, words));
        assert_eq!(lifetime(written), read);
    }
    for (text, days) in [(" None ", None), ("90d", Some(90))] {
        let limit: Limit = text.parse().expect(text);
        assert_eq!(limit.0.map(Lifetime::days), days);
        assert_eq!(limit.to_string().parse(), Ok(limit));
    }
    for text in
        ["", "0d", "11y", "3654d", "y", "-1d", "2030-01-01", "99999y", "99999999999999999999d", "never"]
    {
        let error = text.parse::<Lifetime>().expect_err(text).0;
        assert!(error.contains("such as 90d or 2y"), "{text}: {error}");
    }
    assert_eq!((Lifetime::from_days(-5).days(), Lifetime::from_days(99_999)), (1, Lifetime::MAX));
}

#[test]
fn the_smaller_limit_holds() {
    let of = |platform: &str, tenant: &str| {
        let read = |text: &str| (!text.is_empty()).then(|| lifetime(text));
        let longest = Longest::of(read(platform), read(tenant));
        (longest.lifetime.to_string(), longest.set_by)
    };
    assert_eq!(of("", ""), ("10y".into(), SetBy::Nobody));
    assert_eq!(of("2y", ""), ("2y".into(), SetBy::Platform));
    assert_eq!(of("", "90d"), ("90d".into(), SetBy::Tenant));
    assert_eq!(of("2y", "90d"), ("90d".into(), SetBy::Tenant));
    assert_eq!(of("90d", "2y"), ("90d".into(), SetBy::Platform));
    assert_eq!(of("10y", ""), ("10y".into(), SetBy::Platform));
}

#[test]
fn what_is_offered_fits() {
    let offered = |text: &str| {
        let longest = Longest::of(Some(lifetime(text)), None);
        longest.presets().map(|(value, _)| value).collect::<Vec<_>>()
    };
    assert_eq!(offered("10y"), ["30d", "90d", "1y", "2y", "5y", "10y"]);
    assert_eq!(offered("1y"), ["30d", "90d", "1y"]);
    assert_eq!(offered("365d"), ["30d", "90d"]);
    assert!(offered("20d").is_empty());
    let end = |text: &str| Longest::of(Some(lifetime(text)), None).usual_end(0);
    assert_eq!((end("90d"), end("2y")), (90 * DAY, 365 * DAY + DAY / 4));
    assert_eq!(Longest::of(None, None).end(0), None);
}

fn credential(created_at: i64, expires_at: Option<i64>) -> Credential {
    Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Basic,
        name: "okta".into(),
        scope: "scim:read".into(),
        login: None,
        secret_hash: None,
        hint: String::new(),
        created_at,
        created_by: String::new(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        user: None,
        replaced: false,
        allowed_from: Default::default(),
        warned_days: None,
        kid: None,
    }
}

#[test]
fn what_lives_longer_is_marked() {
    let (none, year) = (Longest::of(None, None), Longest::of(None, Some(lifetime("1y"))));
    let (short, long, endless) =
        (credential(0, Some(366 * DAY)), credential(0, Some(366 * DAY + 1)), credential(0, None));
    assert_eq!([&short, &long, &endless].map(|one| year.is_exceeded_by(one)), [false, true, true]);
    assert_eq!([&short, &long, &endless].map(|one| none.is_exceeded_by(one)), [false; 3]);
}

on_both! {
    async fn new_credentials_keep_to_the_policy(store: TestStore) {
        let world = &World::new(&store).await;
        let (here, key) = (world.tenant, crate::service::tests::master_key(1));
        let options = Options { max_lifetime: Some(lifetime("1y")), ..Options::default() };
        let strict = TokenService::open_with(store.another().await, key, options).await.expect("opened");
        let now = store.now();
        let basic = |username: &str, expires_at| NewBasic {
            username: username.into(),
            name: None,
            scope: scopes::DEFAULT.into(),
            expires_at,
            allowed_from: Default::default(),
        };
        let old = world.service.issue(here, new_token("old", now + 3650 * DAY), &context()).await;
        let old = old.expect("ten years").credential;
        let endless = world.service.create_basic(here, basic("a", None), &context()).await.expect("made");
        assert_eq!(endless.credential.expires_at, None);

        // The platform's limit.
        let refused = |outcome: Result<(), IssueError>| match outcome {
            Err(IssueError::Unfit(text)) => text,
            other => panic!("{other:?}"),
        };
        let long = strict.issue(here, new_token("long", now + 367 * DAY), &context()).await;
        let text = refused(long.map(|_| ()));
        assert!(text.starts_with("expiry: ") && text.contains("1 year") && text.contains("installation"), "{text}");
        let long = strict.create_basic(here, basic("b", Some(now + 367 * DAY)), &context()).await;
        assert!(refused(long.map(|_| ())).contains("1 year"));
        strict.issue(here, new_token("year", now + 366 * DAY), &context()).await.expect("fits");
        let made = strict.create_basic(here, basic("b", None), &context()).await.expect("made");
        let ends_at = made.credential.expires_at.expect("an end");
        assert!((ends_at - now - 366 * DAY).abs() < 60_000, "as late as it may");

        // The tenant's own is smaller; what is there stays, and rotated it gets what is allowed by now.
        let settings = TenantSettings { credential_days: Some(Some(90)), ..Default::default() };
        assert!(store.platform().configure_tenant(here, &settings, &context()).await.expect("set"));
        let long = world.service.issue(here, new_token("long", now + 91 * DAY), &context()).await;
        let text = refused(long.map(|_| ()));
        assert!(text.contains("90 days") && text.contains("its settings"), "{text}");
        assert_eq!(store.tenant(here).credential(old.id).await.expect("read"), Some(old.clone()));
        let rotated = world.service.rotate(here, old.id, DAY, &context()).await.expect("rotated").issued;
        let left = rotated.credential.expires_at.expect("an end") - store.now();
        assert!((left - 90 * DAY).abs() < 60_000, "{left}");
        let settings = TenantSettings { credential_days: Some(None), ..Default::default() };
        assert!(store.platform().configure_tenant(here, &settings, &context()).await.expect("set"));
        world.service.issue(here, new_token("long", now + 3650 * DAY), &context()).await.expect("no limit any more");
    }
}
