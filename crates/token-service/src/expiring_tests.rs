//! Warnings before the end, as a table and on each database.

use scim_core::profile::CredentialKind;
use store::{CredentialId, UserId};
use store_testing::{TestStore, on_both};

use super::*;
use crate::service::tests::{World, context, make_tenant, new_token};

fn credential(created_at: i64, expires_at: i64) -> Credential {
    Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Bearer,
        name: "Okta".into(),
        scope: "scim:read".into(),
        login: None,
        secret_hash: None,
        hint: "abcd".into(),
        created_at,
        created_by: String::new(),
        expires_at: Some(expires_at),
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
fn a_step_begins_with_its_last_millisecond() {
    for (left, expected) in [
        (61 * DAY, None),
        (60 * DAY + 1, None),
        (60 * DAY, Some(60)),
        (30 * DAY + 1, Some(60)),
        (30 * DAY, Some(30)),
        (7 * DAY, Some(7)),
        (DAY + 1, Some(7)),
        (DAY, Some(1)),
        (1, Some(1)),
        (0, None),
        (-1, None),
    ] {
        assert_eq!(step(left, 0), expected, "{left}");
    }
}

#[test]
fn each_step_is_due_once_and_none_that_was_there_from_the_start() {
    let year = |left: i64, warned_days| Credential { warned_days, ..credential(left - 365 * DAY, left) };
    for (one, expected) in [
        (year(61 * DAY, None), None),
        (year(59 * DAY, None), Some(60)),
        (year(59 * DAY, Some(60)), None),
        (year(30 * DAY, Some(60)), Some(30)),
        (year(3 * DAY, Some(30)), Some(7)),
        // A server that was off for a while does not tell what is past.
        (year(3 * DAY, None), Some(7)),
        (year(DAY / 2, Some(7)), Some(1)),
        (year(DAY / 2, Some(1)), None),
        (year(-1, None), None),
        // Made for 30 days, 20 days, a week, a day.
        (credential(0, 30 * DAY), None),
        (credential(-10 * DAY, 20 * DAY), None),
        (credential(-13 * DAY, 7 * DAY), Some(7)),
        (credential(0, 7 * DAY), None),
        (credential(-6 * DAY, DAY), Some(1)),
        (credential(0, DAY), None),
        (Credential { expires_at: None, ..credential(0, 0) }, None),
        (Credential { replaced: true, ..year(DAY, None) }, None),
        (Credential { revoked_at: Some(0), ..year(DAY, None) }, None),
    ] {
        assert_eq!(due(&one, 0), expected, "{one:?}");
    }
}

#[test]
fn the_next_end_is_that_of_a_token_in_use() {
    let (soon, later) = (credential(0, 10), credential(0, 20));
    let nothing = [
        Credential { replaced: true, ..credential(0, 1) },
        Credential { revoked_at: Some(0), ..credential(0, 2) },
        Credential { user: Some(UserId::generate()), ..credential(0, 3) },
        Credential { expires_at: None, ..credential(0, 4) },
        credential(0, 0),
    ];
    assert_eq!(next(&nothing, 0), None);
    let mut all = nothing.to_vec();
    all.extend([later, soon.clone()]);
    assert_eq!(next(&all, 0), Some(&soon));
}

async fn events(store: &TestStore, tenant: TenantId, id: CredentialId) -> Vec<(i64, i64)> {
    let trail = store.tenant(tenant).audit(Some(&id.to_string()), 100).await.expect("a trail");
    let warnings = trail.iter().rev().filter(|row| row.event == "credential.expiring");
    let told = |row: &store::audit::Record, field: &str| {
        row.payload.as_ref().and_then(|payload| payload[field].as_i64()).unwrap_or(-1)
    };
    warnings.map(|row| (told(row, "step"), told(row, "daysLeft"))).collect()
}

on_both! {
    async fn people_are_warned_once_in_each_step(store: TestStore) {
        let world = &World::new(&store).await;
        let nodes = [world.another_node().await, world.another_node().await, world.another_node().await];
        let now = store.now();
        let issue = async |tenant, name: &str, days: i64| {
            let new = new_token(name, now + days * DAY);
            world.service.issue(tenant, new, &context()).await.expect("issued").credential
        };
        let elsewhere = make_tenant(&store, "elsewhere").await;
        let (long, short) = (issue(world.tenant, "long", 61).await, issue(elsewhere, "short", 20).await);
        let (revoked, rotated) = (issue(world.tenant, "revoked", 61).await, issue(world.tenant, "rotated", 61).await);
        world.service.revoke(world.tenant, revoked.id, &context()).await.expect("revoked");
        // All nodes at once: the event is there once.
        let round = async || {
            let found = futures::future::join_all(nodes.iter().map(TokenService::survey)).await;
            let found: Vec<Survey> = found.into_iter().map(|survey| survey.expect("a survey")).collect();
            (found.iter().map(|survey| survey.warned).sum::<u64>(), found[0].clone())
        };
        let (warned, survey) = round().await;
        assert_eq!((warned, survey.within), (0, [1, 1, 0, 0]), "made for 20 days");
        assert_eq!(survey.next, [("elsewhere".to_owned(), short.expires_at.expect("an end"))]);

        let epoch = store.epoch();
        store.advance(2 * DAY);
        assert_eq!(round().await.0, 2, "long and rotated, 59 days before");
        assert_eq!(round().await.0, 0, "not again");
        assert_eq!(store.epoch(), epoch, "what is cached stays");
        store.advance(14 * DAY);
        assert_eq!(round().await.0, 1, "short, 4 days before");
        world.service.rotate(world.tenant, rotated.id, 40 * DAY, &context()).await.expect("rotated");
        store.advance(6 * DAY);
        let (warned, survey) = round().await;
        assert_eq!((warned, survey.within), (1, [2, 0, 0, 0]), "the new token of the rotation, 55 days before");
        let ended = ("elsewhere".to_owned(), short.expires_at.expect("an end"));
        assert_eq!(survey.next.first(), Some(&ended), "two days ago, and nothing is in its place");
        let other = issue(elsewhere, "other", 30).await;
        let next = ("elsewhere".to_owned(), other.expires_at.expect("an end"));
        assert_eq!(round().await.1.next.first(), Some(&next), "the end that is to come is not hidden by one that was");
        world.service.revoke(elsewhere, other.id, &context()).await.expect("revoked");
        let later = issue(elsewhere, "later", 400).await;
        assert!(round().await.1.next.iter().all(|(slug, _)| slug != "elsewhere"), "another opens the door");
        world.service.revoke(elsewhere, later.id, &context()).await.expect("revoked");
        assert_eq!(round().await.1.next.first(), Some(&ended));
        store.advance(14 * DAY);
        let (warned, survey) = round().await;
        assert_eq!(warned, 1, "long, 25 days before");
        assert_eq!(survey.next.len(), 1, "short has ended for more than a week");
        store.advance(24 * DAY + DAY / 2);
        round().await;
        assert_eq!(events(&store, world.tenant, long.id).await, [(60, 59), (30, 25), (1, 1)]);
        assert_eq!(events(&store, elsewhere, short.id).await, [(7, 4)]);
        assert_eq!(events(&store, world.tenant, revoked.id).await, []);
        assert_eq!(events(&store, world.tenant, rotated.id).await, [(60, 59)]);
    }
}
