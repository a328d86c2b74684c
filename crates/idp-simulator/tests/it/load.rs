//! A load finds no fault with a right server, and each that it should with a wrong one.

use std::time::Duration;

use idp_simulator::{LoadOptions, LoadReport, Provider, Target, load};

use super::mini::{Flaw, start};

fn options(provider: Provider) -> LoadOptions {
    LoadOptions {
        provider,
        users: 12,
        groups: 2,
        connections: 4,
        time: Duration::from_millis(300),
        seed: 7,
        keep: false,
    }
}

fn nothing(_: u64, _: u64, _: &str) {}

fn count(report: &LoadReport, kind: &str) -> u64 {
    report.kinds.iter().find(|found| found.kind == kind).map_or(0, |found| found.requests)
}

#[tokio::test]
async fn a_right_server_answers_everything_and_is_left_empty() {
    for (provider, update) in [(Provider::Okta, "PUT user"), (Provider::Entra, "PATCH user")] {
        let (mini, target) = start(None, true, 0).await;
        let report = load(&target, &options(provider), &nothing).await.unwrap();
        assert_eq!(report.errors(), 0, "{report:?}");
        assert_eq!((report.users, report.groups, report.connections), (12, 2, 4));
        for (kind, times) in [
            ("POST user", 12),
            ("POST group", 2),
            ("read back", 14),
            ("DELETE user", 12),
            ("DELETE group", 2),
        ] {
            assert_eq!(count(&report, kind), times, "{kind} of {provider:?}");
        }
        for kind in ["look up by userName", "GET user", update, "PATCH active", "PATCH group member"] {
            assert!(count(&report, kind) > 0, "{kind} of {provider:?}");
        }
        let sent: u64 = report.kinds.iter().map(|kind| kind.requests).sum();
        assert_eq!(sent, mini.seen().len() as u64, "each request is counted once");
    }
}

#[tokio::test]
async fn what_is_kept_stands_in_the_way_of_the_same_people() {
    let (_mini, target) = start(None, true, 0).await;
    let keep = LoadOptions { keep: true, ..options(Provider::Okta) };
    let first = load(&target, &keep, &nothing).await.unwrap();
    assert_eq!((first.errors(), count(&first, "DELETE user")), (0, 0));
    let again = load(&target, &keep, &nothing).await.unwrap();
    assert_eq!((again.errors(), again.users, count(&again, "GET user")), (4, 0, 0), "nobody made, no load");
    let error = again.kinds[0].first_error.as_deref().unwrap();
    assert!(error.starts_with("POST /Users: 409"), "{error}");
    let others = load(&target, &LoadOptions { seed: 8, ..keep }, &nothing).await.unwrap();
    assert_eq!(others.errors(), 0, "{others:?}");
}

#[tokio::test]
async fn wrong_answers_and_lost_writes_are_errors() {
    for (flaw, provider, expected) in [
        (Flaw::PutIgnored, Provider::Okta, "GET user"),
        (Flaw::PatchIgnored, Provider::Entra, "read back"),
        (Flaw::FilterIgnored, Provider::Entra, "look up by userName"),
        (Flaw::RemoveClearsMembers, Provider::Okta, "read back"),
        (Flaw::AddReplacesMembers, Provider::Entra, "read back"),
    ] {
        let (_mini, target) = start(Some(flaw), true, 0).await;
        let report = load(&target, &options(provider), &nothing).await.unwrap();
        let found = report.kinds.iter().find(|kind| kind.kind == expected).unwrap();
        assert!(found.errors > 0 && found.first_error.is_some(), "{flaw:?}: {report:?}");
    }
}

#[tokio::test]
async fn a_wrong_credential_ends_it_at_once() {
    let (_mini, target) = start(None, true, 0).await;
    let target = Target { authorization: "Bearer another".into(), ..target };
    let report = load(&target, &options(Provider::Okta), &nothing).await.unwrap();
    assert_eq!((report.users, count(&report, "look up by userName")), (0, 0));
    assert!(report.kinds[0].first_error.as_deref().unwrap().starts_with("POST /Users: 401"), "{report:?}");
}

#[tokio::test]
async fn nobody_and_no_time_are_no_load() {
    let target = Target { base_url: "http://127.0.0.1:9".into(), authorization: "x".into() };
    for empty in [
        LoadOptions { users: 0, ..options(Provider::Okta) },
        LoadOptions { connections: 0, ..options(Provider::Okta) },
        LoadOptions { time: Duration::ZERO, ..options(Provider::Okta) },
    ] {
        assert!(load(&target, &empty, &nothing).await.is_err());
    }
}
