//! Networks of credentials, on each database.

use secrecy::SecretString;
use store_testing::on_both;

use super::*;
use crate::{
    NewBasic, NewToken, Presented, Principal, TokenService, scopes,
    service::{
        IssueError,
        tests::{World, bearer, context, new_token},
    },
};

fn networks(text: &str, report_only: bool) -> AllowedFrom {
    let networks: crate::Networks = text.parse().expect("networks");
    AllowedFrom { networks: networks.0, report_only }
}

fn from(address: &str) -> Sender {
    Sender { address: address.parse().ok(), agent: "Okta".into() }
}

async fn try_from(
    service: &TokenService,
    presented: &Presented,
    address: &str,
) -> Result<Principal, Refusal> {
    service.verify_from(presented, &from(address)).await
}

#[test]
fn a_list_is_kept_short() {
    let kept = check(&networks("203.0.113.7/24, 203.0.113.0/24 2001:db8::/32", true)).expect("fits");
    assert_eq!(kept, networks("203.0.113.0/24 2001:db8::/32", true));
    assert_eq!(check(&networks("", true)), Ok(AllowedFrom::default()));
    let many = |count: usize| {
        let list: Vec<String> = (0..count).map(|number| format!("10.0.{number}.0/24")).collect();
        check(&networks(&list.join(","), false))
    };
    assert_eq!(many(MAX_NETWORKS).map(|kept| kept.networks.len()), Ok(MAX_NETWORKS));
    assert!(many(MAX_NETWORKS + 1).is_err_and(|text| text.starts_with("networks: more than 50")));
}

/// A stranger's flood of addresses does not fill the log: once a minute for one credential and address.
#[tokio::test]
async fn what_is_only_reported_is_told_once() {
    let places = Places::default();
    let verified = Verified {
        principal: Principal {
            tenant: store::TenantId::generate(),
            credential: CredentialId::generate(),
            kind: scim_core::profile::CredentialKind::Bearer,
            name: "Okta".into(),
            scope: scopes::DEFAULT.into(),
            user: None,
        },
        allowed_from: Some(std::sync::Arc::new(networks("10.0.0.0/8", true))),
        epoch: 0,
        expires_at: i64::MAX,
    };
    for (address, place) in [
        ("10.1.2.3", Place::Allowed),
        ("192.0.2.1", Place::Reported),
        ("192.0.2.1", Place::Reported),
        ("192.0.2.2", Place::Reported),
        ("", Place::Reported),
    ] {
        assert_eq!(places.check(&verified, &from(address)).await.ok(), Some(place), "{address:?}");
    }
    places.told.run_pending_tasks().await;
    assert_eq!(places.told.entry_count(), 3, "two addresses, and the unknown one");
}

on_both! {
    async fn a_credential_opens_nothing_from_elsewhere(store: TestStore) {
        let world = &World::new(&store).await;
        let other = &world.another_node().await;
        let now = store.now();
        let limited = NewToken {
            allowed_from: networks("203.0.113.0/24, 2001:db8::/32", false),
            ..new_token("limited", now + 86_400_000)
        };
        let token = world.service.issue(world.tenant, limited, &context()).await.expect("issued");
        let basic = NewBasic {
            username: "okta@acme".into(),
            name: None,
            scope: scopes::DEFAULT.into(),
            expires_at: None,
            allowed_from: networks("203.0.113.0/24 2001:db8::/32", false),
        };
        let basic = world.service.create_basic(world.tenant, basic, &context()).await.expect("made");
        let password: SecretString = basic.password;
        let both = [bearer(&token.token), Presented::Basic { username: "okta@acme".into(), password }];
        // Twice: what memory knows is asked in the same way.
        for presented in both.iter().chain(&both) {
            for node in [&world.service, other] {
                for inside in ["203.0.113.7", "2001:db8::7"] {
                    try_from(node, presented, inside).await.expect(inside);
                }
                for outside in ["203.0.112.255", "2001:db9::1", "127.0.0.1", ""] {
                    let refused = try_from(node, presented, outside).await;
                    assert!(matches!(refused, Err(Refusal::Elsewhere { .. })), "{outside:?}");
                }
                assert!(matches!(node.verify(presented).await, Err(Refusal::Elsewhere { .. })), "from nowhere");
            }
        }
        let refused = try_from(other, &both[0], "192.0.2.9").await.expect_err("refused").to_string();
        assert!(refused.contains("192.0.2.9") && refused.contains(&token.credential.id.to_string()), "{refused}");
    }

    async fn a_list_can_be_changed(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue("Okta").await;
        let (presented, id) = (bearer(&issued.token), issued.credential.id);
        let service = &world.service;
        let allow = async |list: &AllowedFrom| service.allow_from(world.tenant, id, list, &context()).await;
        try_from(service, &presented, "192.0.2.1").await.expect("from anywhere, and now in memory");
        let strict = networks("10.0.0.0/8", false);
        assert_eq!(allow(&strict).await.expect("changed").allowed_from, strict);
        assert!(matches!(try_from(service, &presented, "192.0.2.1").await, Err(Refusal::Elsewhere { .. })));
        try_from(service, &presented, "10.1.2.3").await.expect("inside");
        // A rotation keeps it.
        let rotated = service.rotate(world.tenant, id, 3_600_000, &context()).await.expect("rotated").issued;
        assert_eq!(rotated.credential.allowed_from, strict);
        let new = bearer(&rotated.token);
        assert!(matches!(try_from(service, &new, "192.0.2.1").await, Err(Refusal::Elsewhere { .. })));
        // Only reported, it is let in; and from anywhere it is, too.
        allow(&networks("10.0.0.0/8", true)).await.expect("changed");
        try_from(service, &presented, "192.0.2.1").await.expect("told, not refused");
        allow(&AllowedFrom::default()).await.expect("changed");
        try_from(service, &presented, "").await.expect("from anywhere");

        let many: Vec<String> = (0..51).map(|number| format!("10.0.{number}.0/24")).collect();
        for (list, field) in [(networks(&many.join(" "), false), "networks: "), (strict, "credential: ")] {
            service.revoke(world.tenant, id, &context()).await.expect("asked");
            let refused = allow(&list).await;
            assert!(matches!(refused, Err(IssueError::Unfit(text)) if text.starts_with(field)), "{field}");
        }
    }

    async fn a_change_of_the_list_reaches_another_node_within_a_second(store: TestStore) {
        let world = &World::new(&store).await;
        let other = world.another_node().await;
        let issued = world.issue("Okta").await;
        let presented = bearer(&issued.token);
        try_from(&other, &presented, "192.0.2.1").await.expect("accepted, and now in memory");
        let list = networks("10.0.0.0/8", false);
        world.service.allow_from(world.tenant, issued.credential.id, &list, &context()).await.expect("changed");
        let refused = async {
            while try_from(&other, &presented, "192.0.2.1").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(1500), refused).await.expect("refused in time");
    }
}
