//! Configuration as a whole: judged together, put in place at once or not at all.

use std::collections::BTreeMap;

use provisioning::{
    Tenant,
    configuration::{ConfigurationError, Declared},
};
use scim_core::value_set::AllowedValue;
use store::tenants::{TenantSettings, TenantStatus};
use store_testing::on_both;

use super::{BADGES, told};
use crate::support::{World, context};

fn values(of: &[&str]) -> Option<Vec<AllowedValue>> {
    Some(of.iter().map(|value| AllowedValue::from(*value)).collect())
}

fn declared(organization: &str, buildings: &[&str]) -> Declared {
    Declared {
        settings: TenantSettings {
            organization: Some(Some(organization.to_owned())),
            status: Some(TenantStatus::Active),
            ..TenantSettings::default()
        },
        profile: Some(BADGES.replace("\"Badge_\"", "\"Door_\"")),
        value_sets: BTreeMap::from([("buildings".to_owned(), values(buildings))]),
        prune: false,
    }
}

on_both! {
    async fn settings_are_judged_by_what_is_declared_with_them(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let ann = side.make_user("ann@x.example").await;
        side.make_group("Door_Clerk", &[&ann]).await;
        let tenant = side.tenant();
        let refused = told(world.directory.judge(tenant, &declared("North", &["East"])).await.expect("judged").fit().map(|_| ()));
        assert!(refused.starts_with("organization: \"North\""), "{refused}");
        let mut twice = declared("East", &["East", "EAST"]);
        assert!(told(world.directory.judge(tenant, &twice).await.expect("judged").fit().map(|_| ())).starts_with("value-sets.buildings: value 2"));
        twice.profile = Some("name = 1".to_owned());
        let broken = world.directory.judge(tenant, &twice).await.expect("judged").fit().map(|_| ());
        assert!(matches!(broken, Err(ConfigurationError::Profile(_))), "{broken:?}");

        let wanted = declared("east", &["East", "West"]);
        let judged = world.directory.judge(tenant, &wanted).await.expect("judged").fit().expect("fits");
        let moved = world.directory.roles_moved_by(&judged).await.expect("counted");
        assert_eq!(moved.iter().map(|one| (one.role.name.as_str(), one.gain, one.lose)).collect::<Vec<_>>(), [("Clerk", 1, 0)]);
        assert_eq!(side.again(world).await.tenant().row.version, tenant.row.version, "nothing has happened");
        let (_, done) = world.directory.put(&judged, &context()).await.expect("put in place");
        assert_eq!((done.profile_version, done.granted, done.revoked), (2, 1, 0));
        let now = side.again(world).await;
        assert_eq!(now.tenant().row.organization.as_deref(), Some("East"), "as the list spells it");
        assert_eq!(now.roles(&ann).await, ["Clerk via Door_Clerk"]);

        let again = world.directory.judge(now.tenant(), &wanted).await.expect("judged").fit().expect("fits");
        assert!(!again.is_change());
        world.directory.put(&again, &context()).await.expect("nothing to do");
        assert_eq!(side.again(world).await.tenant().row.version, now.tenant().row.version);
    }

    async fn who_comes_second_changes_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let judged = world.directory.judge(side.tenant(), &declared("East", &["East"])).await.expect("judged").fit().expect("fits");
        let name = TenantSettings { name: Some("Another".to_owned()), ..TenantSettings::default() };
        world.directory.configure(side.tenant(), &name, &context()).await.expect("somebody else");
        let refused = told(world.directory.put(&judged, &context()).await.map(|_| ()));
        assert!(refused.contains("somebody else has changed"), "{refused}");
        let now = side.again(world).await;
        let row = &now.tenant().row;
        assert_eq!((row.profile_version, row.organization.as_deref(), row.name.as_str()), (1, None, "Another"));
        assert!(now.tenant().own_sets.get("buildings").is_none());
    }

    async fn a_new_tenant_is_there_as_a_whole(store: TestStore) {
        let world = &World::new(&store);
        let slug = world.slug();
        let wanted = declared("East", &["East"]);
        let judged = world.directory.judge_new(&slug, "strict", &wanted).await.expect("judged").fit().expect("fits");
        let (id, _) = world.directory.put(&judged, &context()).await.expect("made");
        let made = world.directory.by_id(id).await.expect("read").expect("there");
        assert_eq!((made.row.slug.as_str(), made.row.organization.as_deref()), (slug.as_str(), Some("East")));
        assert!(made.is_active() && made.row.gate_open && made.row.compatibility == "strict");
        let refused = told(world.directory.put(&judged, &context()).await.map(|_| ()));
        assert!(refused.starts_with("slug: "), "{refused}");
        assert!(!world.directory.judge(&made, &wanted).await.expect("judged").fit().expect("fits").is_change());
    }

    async fn what_is_so_already_is_no_change(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let properties = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), Some(value.to_owned()))]);
        let mut wanted = declared("East", &["East"]);
        wanted.settings.properties = properties("door-type", "Steel");
        wanted.value_sets.insert("sites".to_owned(), values(&["1"]));
        let judge = async |tenant: &Tenant, wanted: &Declared| world.directory.judge(tenant, wanted).await.expect("judged");
        let judged = judge(side.tenant(), &wanted).await.fit().expect("fits");
        world.directory.put(&judged, &context()).await.expect("put in place");
        wanted.profile = None;

        // Names of properties know no case, also where all others are to go.
        let now = side.again(world).await;
        wanted.settings.properties = properties("Door-Type", "steel");
        wanted.prune = true;
        assert!(!judge(now.tenant(), &wanted).await.fit().expect("fits").is_change());
        let mut none = wanted.clone();
        none.settings.properties.clear();
        none.value_sets.remove("sites");
        let judged = judge(now.tenant(), &none).await.fit().expect("fits");
        let after = judged.after();
        assert!(after.row.properties.is_empty() && after.own_sets.get("sites").is_none() && after.own_sets.get("buildings").is_some());

        // A profile that knows nothing of all that comes by another door.
        let generic = scim_core::profile::Profile::builtin("generic").expect("ships");
        world.directory.save_profile(now.tenant(), generic, 2, &context()).await.expect("saved");
        let now = side.again(world).await;
        wanted.settings.properties = properties("door-type", "Steel");
        assert!(!judge(now.tenant(), &wanted).await.fit().expect("it is so").is_change());
        // What is not so is judged, and all of it is told.
        let mut other = declared("North", &["North"]);
        other.profile = None;
        other.settings.properties = properties("door-type", "Wood");
        other.settings.rate_limit = Some(Some(1_000_000));
        let faults: Vec<String> = judge(now.tenant(), &other).await.faults.iter().map(ToString::to_string).collect();
        let fields: Vec<&str> = faults.iter().filter_map(|fault| fault.split(':').next()).collect();
        assert_eq!(fields, ["value-sets.buildings", "organization", "rate-limit", "property"], "{faults:?}");
    }

    async fn an_organization_that_is_needed_is_asked_for_when_something_changes(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        world.directory.activate(side.tenant(), &context()).await.expect("active");
        let now = side.again(world).await;
        let strict = BADGES.replace("title = \"Building\"", "title = \"Building\"\nrequired = true");
        let mut wanted = Declared { settings: TenantStatus::Active.into(), profile: Some(strict.clone()), ..Declared::default() };
        wanted.settings.organization = Some(None);
        let judge = async |tenant: &Tenant, wanted: &Declared| world.directory.judge(tenant, wanted).await.expect("judged").fit().map(|judged| judged.is_change());
        let refused = told(judge(now.tenant(), &wanted).await);
        assert!(refused.starts_with("organization: "), "{refused}");
        world.directory.save_profile(now.tenant(), &strict, 1, &context()).await.expect("nobody asks there");
        let now = side.again(world).await;
        assert!(!judge(now.tenant(), &wanted).await.expect("it is so"));
        world.directory.deactivate(now.tenant(), &context()).await.expect("inactive");
        let refused = told(judge(side.again(world).await.tenant(), &wanted).await);
        assert!(refused.starts_with("organization: "), "it is not active any more: {refused}");
    }

    async fn a_protected_role_is_looked_after_before_anything_is_done(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let ann = side.make_user("ann@x.example").await;
        side.make_group("Owners", &[&ann]).await;
        let profile = Some(BADGES.replace("group = \"Owners\"", "group = \"Bosses\""));
        let wanted = Declared { profile, ..Declared::default() };
        let judged = world.directory.judge(side.tenant(), &wanted).await.expect("judged").fit().expect("fits");
        let refused = told(world.directory.roles_moved_by(&judged).await);
        assert!(refused.starts_with("roles: ") && refused.contains("\"Owner\""), "{refused}");
    }
}
