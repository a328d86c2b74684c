//! Rotation, on each database.

use secrecy::ExposeSecret;
use store::UserId;
use store_testing::on_both;

use super::*;
use crate::{
    NewBasic, Refusal, scopes,
    service::tests::{DAY, World, context, make_tenant, make_user},
};

const HOUR: i64 = DAY / 24;

async fn rotate(world: &World<'_>, old: &Credential, grace: i64) -> Rotated {
    world.service.rotate(world.tenant, old.id, grace, &context()).await.expect("rotated")
}

async fn refused(world: &World<'_>, tenant: TenantId, id: CredentialId) -> String {
    match world.service.rotate(tenant, id, HOUR, &context()).await {
        Err(IssueError::Unfit(text) | IssueError::Taken(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("rotated"),
    }
}

on_both! {
    async fn both_tokens_work_until_the_grace_ends(store: TestStore) {
        let world = &World::new(&store).await;
        let old = world.issue("Okta").await;
        world.verify(&old.token).await.expect("accepted, and now in memory");
        store.advance(12 * HOUR);
        let Rotated { issued: new, old: kept } = rotate(world, &old.credential, HOUR).await;
        assert_ne!(new.token.expose_secret(), old.token.expose_secret());
        let (made, before) = (&new.credential, &old.credential);
        assert_eq!((&made.name, &made.scope, made.user), (&before.name, &before.scope, before.user));
        let lifetime = |one: &Credential| one.expires_at.expect("an end") - one.created_at;
        assert!((lifetime(made) - lifetime(before)).abs() <= 2000, "as long as the old one");
        assert!(kept.replaced && kept.expires_at.is_some_and(|at| (at - store.now() - HOUR).abs() < 60_000));
        for token in [&old.token, &new.token] {
            assert_eq!(world.verify(token).await.expect("accepted").name, "Okta");
        }
        store.advance(HOUR);
        assert!(matches!(world.verify(&old.token).await, Err(Refusal::Expired)));
        world.verify(&new.token).await.expect("accepted");
        // The name is the new one's: it is rotated next.
        let third = rotate(world, &new.credential, HOUR).await;
        world.verify(&third.issued.token).await.expect("accepted");
    }

    async fn without_grace_the_old_token_ends_at_once(store: TestStore) {
        let world = &World::new(&store).await;
        let old = world.issue("Okta").await;
        world.verify(&old.token).await.expect("accepted, and now in memory");
        let rotated = rotate(world, &old.credential, 0).await;
        assert!(matches!(world.verify(&old.token).await, Err(Refusal::Expired)));
        world.verify(&rotated.issued.token).await.expect("accepted");
    }

    async fn a_grace_lengthens_no_life(store: TestStore) {
        let world = &World::new(&store).await;
        let old = world.issue("Okta").await;
        let rotated = rotate(world, &old.credential, i64::MAX).await;
        assert_eq!(rotated.old.expires_at, old.credential.expires_at);
    }

    async fn a_token_for_one_user_stays_one(store: TestStore) {
        let world = &World::new(&store).await;
        let user: UserId = make_user(&store, world.tenant).await;
        let new = NewToken {
            name: "Ann's own".into(),
            scope: scopes::SCIM_READ.into(),
            expires_at: store.now() + DAY,
            user: Some(user), allowed_from: Default::default() };
        let old = world.service.issue(world.tenant, new, &context()).await.expect("issued");
        let rotated = rotate(world, &old.credential, 0).await;
        let principal = world.verify(&rotated.issued.token).await.expect("accepted");
        assert_eq!((principal.user, principal.scope.as_str()), (Some(user), scopes::SCIM_READ));
    }

    async fn what_cannot_be_rotated_is_said(store: TestStore) {
        let world = &World::new(&store).await;
        let here = world.tenant;
        let (revoked, replaced, live) =
            (world.issue("revoked").await, world.issue("replaced").await, world.issue("live").await);
        world.service.revoke(here, revoked.credential.id, &context()).await.expect("revoked");
        rotate(world, &replaced.credential, HOUR).await;
        let basic = NewBasic {
            username: "okta".into(),
            name: None,
            scope: scopes::DEFAULT.into(),
            expires_at: None, allowed_from: Default::default() };
        let basic = world.service.create_basic(here, basic, &context()).await.expect("made");
        let elsewhere = make_tenant(&store, "elsewhere").await;
        let count = world.service.list(here).await.expect("a list").len();
        for (tenant, id, word) in [
            (here, revoked.credential.id, "was revoked"),
            (here, replaced.credential.id, "was rotated already"),
            (here, basic.credential.id, "no such token"),
            (here, CredentialId::generate(), "no such token"),
            (elsewhere, live.credential.id, "no such token"),
        ] {
            let text = refused(world, tenant, id).await;
            assert!(text.starts_with("token: ") && text.contains(word), "{text}");
        }
        store.advance(2 * DAY);
        assert!(refused(world, here, live.credential.id).await.contains("has expired"));
        assert_eq!(world.service.list(here).await.expect("a list").len(), count);
    }
}
