//! The life of a token of the installation.

use store::{
    PlatformTokenId,
    credentials::AllowedFrom,
    platform_tokens::{PlatformToken, PlatformTokenUse},
};
use store_testing::{TestStore, on_both};

use crate::common::{conflict, context};

pub(crate) fn token(store: &TestStore, name: &str) -> PlatformToken {
    PlatformToken {
        id: PlatformTokenId::generate(),
        name: name.into(),
        scope: "admin:*".into(),
        hint: "wxyz".into(),
        created_at: store.now(),
        created_by: "root".into(),
        expires_at: store.now() + 100_000,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        replaced: false,
        allowed_from: AllowedFrom { networks: vec!["203.0.113.0/24".parse().unwrap()], report_only: true },
    }
}

on_both! {
    async fn kept_and_revoked(store: TestStore) {
        let (platform, before) = (store.platform(), store.epoch());
        let first = token(&store, "Vendor");
        platform.create_platform_token(&first, &context()).await.unwrap();
        assert_eq!(store.epoch(), before + 1);
        assert_eq!(platform.platform_token(first.id).await.unwrap(), Some(first.clone()));
        assert_eq!(conflict(platform.create_platform_token(&token(&store, "VENDOR"), &context()).await), "name");
        assert_eq!(platform.platform_tokens().await.unwrap(), std::slice::from_ref(&first));

        assert!(platform.revoke_platform_token(first.id, &context()).await.unwrap());
        assert_eq!(store.epoch(), before + 2);
        for id in [first.id, PlatformTokenId::generate()] {
            assert!(!platform.revoke_platform_token(id, &context()).await.unwrap());
        }
        assert_eq!(store.epoch(), before + 2);
        assert!(platform.platform_token(first.id).await.unwrap().unwrap().revoked_at.is_some());
        platform.create_platform_token(&token(&store, "vendor"), &context()).await.unwrap();

        let trail = platform.audit(Some(&first.id.to_string()), 10).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| (row.event.as_str(), row.object_version)).collect();
        assert_eq!(events, [("platform-token.revoked", 2), ("platform-token.created", 1)]);
        assert_eq!(trail[1].payload.as_ref().unwrap()["state"]["scope"], "admin:*");
        assert_eq!((trail[0].actor.name.as_str(), trail[0].cause.as_str()), ("root", "request-1"));
        let all = platform.audit(None, 10).await.unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!(platform.audit_before(Some(all[0].id), None, 10).await.unwrap(), all[1..], "what is older");
        assert_eq!(platform.audit_before(Some(all[2].id), None, 10).await.unwrap(), []);
    }

    async fn an_expired_one_gives_its_name_away(store: TestStore) {
        let platform = store.platform();
        let first = token(&store, "Vendor");
        platform.create_platform_token(&first, &context()).await.unwrap();
        store.advance(100_000);
        platform.create_platform_token(&token(&store, "Vendor"), &context()).await.unwrap();
        assert!(platform.platform_token(first.id).await.unwrap().unwrap().replaced);
    }

    async fn one_takes_the_place_of_another(store: TestStore) {
        let platform = store.platform();
        let (first, second) = (token(&store, "Vendor"), token(&store, "Vendor"));
        platform.create_platform_token(&first, &context()).await.unwrap();
        let ends = store.now() + 1_000;
        let old = platform.rotate_platform_token(first.id, ends, &second, &context()).await.unwrap().unwrap();
        assert_eq!((old.expires_at, old.replaced), (ends, true));
        let third = token(&store, "Vendor");
        assert_eq!(platform.rotate_platform_token(first.id, ends, &third, &context()).await.unwrap(), None);
        // Somebody narrows its networks just before: the new one cannot come from elsewhere.
        let narrow = AllowedFrom { networks: vec!["203.0.113.7/32".parse().unwrap()], report_only: false };
        platform.allow_platform_token_from(second.id, &narrow, &context()).await.unwrap().unwrap();
        assert_ne!(third.allowed_from, narrow);
        platform.rotate_platform_token(second.id, i64::MAX, &third, &context()).await.unwrap().unwrap();
        assert_eq!(platform.platform_token(third.id).await.unwrap().unwrap().allowed_from, narrow);
        let second = platform.platform_token(second.id).await.unwrap().unwrap();
        assert!(second.expires_at < i64::MAX && second.replaced, "never later than before");
        platform.revoke_platform_token(third.id, &context()).await.unwrap();
        let fourth = token(&store, "Vendor");
        assert_eq!(platform.rotate_platform_token(third.id, ends, &fourth, &context()).await.unwrap(), None);
        let unknown = PlatformTokenId::generate();
        assert_eq!(platform.rotate_platform_token(unknown, ends, &fourth, &context()).await.unwrap(), None);
    }

    async fn the_last_use_is_noted(store: TestStore) {
        let (platform, first) = (store.platform(), token(&store, "Vendor"));
        platform.create_platform_token(&first, &context()).await.unwrap();
        let used = |at, from: &str| PlatformTokenUse { id: first.id, at, from: from.into() };
        let epoch = store.epoch();
        platform.note_platform_uses(&[]).await.unwrap();
        platform.note_platform_uses(&[used(7, "second"), used(5, "first")]).await.unwrap();
        platform.note_platform_uses(&[used(6, "late")]).await.unwrap();
        let kept = platform.platform_token(first.id).await.unwrap().unwrap();
        assert_eq!((kept.last_used_at, kept.last_used_from.as_deref()), (Some(7), Some("second")));
        assert_eq!(store.epoch(), epoch, "a use is no change");
    }
}
