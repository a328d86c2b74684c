//! The directory of tenants.

use std::sync::Arc;

use provisioning::directory::CreateTenantError;
use scim_core::{leniency::Leniencies, profile::BUILTIN};
use store::{
    StoreError, TenantId,
    tenants::{NewTenant, TenantStatus},
};
use store_testing::on_both;

use crate::support::{World, context};

on_both! {
    async fn each_profile_makes_a_tenant(store: TestStore) {
        let world = &World::new(&store);
        for (profile, _) in BUILTIN {
            let slug = world.slug();
            let made = world
                .directory
                .create(&slug, None, profile, "lenient", false, &context())
                .await
                .expect("made");
            assert_eq!((made.row.name.as_str(), made.is_active()), (slug.as_str(), false));
            assert_eq!(made.profile.name, profile);
            let by_slug = world.directory.by_slug(&slug).await.expect("asked").expect("there");
            let by_id = world.directory.by_id(made.id()).await.expect("asked").expect("there");
            assert_eq!((by_slug.id(), by_id.id()), (made.id(), made.id()));
        }
    }

    async fn nobody_is_no_error(store: TestStore) {
        let world = &World::new(&store);
        for slug in ["nobody", "www", "-", "ACME", ""] {
            assert!(world.directory.by_slug(slug).await.expect("asked").is_none(), "{slug:?}");
        }
        assert!(world.directory.by_id(TenantId::generate()).await.expect("asked").is_none());
    }

    async fn what_does_not_fit_is_said_to_the_person(store: TestStore) {
        let world = &World::new(&store);
        let taken = world.slug();
        let free = world.slug();
        let make = async |slug: &str, name: Option<&str>, profile: &str, compatibility: &str| match world
            .directory
            .create(slug, name, profile, compatibility, true, &context())
            .await
        {
            Err(CreateTenantError::Unfit(text) | CreateTenantError::Taken(text)) => text,
            Err(other) => panic!("{other}"),
            Ok(_) => String::new(),
        };
        assert_eq!(make(&taken, Some("Acme"), "generic", "lenient").await, "");
        let long = "x".repeat(201);
        for (text, field) in [
            (make(&taken, None, "generic", "lenient").await, "slug: "),
            (make("Acme", None, "generic", "lenient").await, "slug: "),
            (make("www", None, "generic", "lenient").await, "slug: "),
            (make(&free, Some(" "), "generic", "lenient").await, "name: "),
            (make(&free, Some(&long), "generic", "lenient").await, "name: "),
            (make(&free, None, "nonesuch", "lenient").await, "profile: "),
            (make(&free, None, "generic", "loose").await, "compatibility: "),
        ] {
            assert!(text.starts_with(field), "{field}: {text:?}");
        }
        assert!(world.directory.by_slug(&free).await.expect("asked").is_none());
    }

    async fn strict_turns_every_leniency_off(store: TestStore) {
        let world = &World::new(&store);
        let slug = world.slug();
        let strict =
            world.directory.create(&slug, None, "generic", "strict", true, &context()).await.expect("made");
        assert_eq!(strict.profile.leniencies, Leniencies::STRICT);
        let read = world.directory.by_slug(&slug).await.expect("asked").expect("there");
        assert_eq!(read.profile.leniencies, Leniencies::STRICT);
    }

    async fn a_change_is_seen_by_the_next_request(store: TestStore) {
        let world = &World::new(&store);
        let slug = world.slug();
        let id = world
            .directory
            .create(&slug, None, "generic", "lenient", false, &context())
            .await
            .expect("made")
            .id();
        let first = world.directory.by_slug(&slug).await.expect("asked").expect("there");
        let second = world.directory.by_slug(&slug).await.expect("asked").expect("there");
        assert!(Arc::ptr_eq(&first, &second), "from memory");
        assert!(Arc::ptr_eq(&first, &world.directory.by_id(id).await.expect("asked").expect("there")));
        assert!(!first.is_active());

        let platform = world.store.platform();
        assert!(platform.configure_tenant(id, &TenantStatus::Active.into(), &context()).await.expect("activated"));
        let third = world.directory.by_slug(&slug).await.expect("asked").expect("there");
        assert!(third.is_active());
        assert!(Arc::ptr_eq(&first.profile, &third.profile), "the same profile is not compiled again");
    }

    async fn a_broken_profile_is_an_error_and_no_panic(store: TestStore) {
        let world = &World::new(&store);
        let slug = world.slug();
        let broken = NewTenant {
            slug: slug.clone(),
            name: "Broken".into(),
            profile_name: "generic".into(),
            profile: "this is = not [ a profile".into(),
            compatibility: "lenient".into(),
            activate: true,
        };
        world.store.platform().create_tenant(&broken, &context()).await.expect("kept");
        let error = world.directory.by_slug(&slug).await.expect_err("cannot be served");
        assert!(matches!(&error, StoreError::Setup(text) if text.contains(&slug)), "{error}");
    }
}
