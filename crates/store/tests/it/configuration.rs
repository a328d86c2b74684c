//! A tenant's own configuration: settings, value sets, profile versions.

use std::collections::BTreeMap;

use scim_core::{
    roles::{Role, RoleMapping},
    value_set::{AllowedValue, ValueSet},
};
use store::{
    StoreError, TenantId, Terms,
    tenants::{NewProfile, SavedProfile, TenantSettings, TenantStatus},
};
use store_testing::{TestStore, on_both};

use crate::common::{context, tenant};

fn set(values: &[(&str, Option<&str>)]) -> ValueSet {
    let allowed = |(value, label): &(&str, Option<&str>)| AllowedValue {
        value: (*value).to_owned(),
        label: label.map(str::to_owned),
    };
    ValueSet::new(values.iter().map(allowed))
}

/// Events of the tenant itself, newest first.
async fn events(store: &TestStore, id: TenantId) -> Vec<(String, i64, serde_json::Value)> {
    let records = store.tenant(id).audit(Some(&id.to_string()), 100).await.unwrap();
    let event = |record: store::audit::Record| (record.event, record.object_version, record.payload.unwrap());
    records.into_iter().map(event).collect()
}

fn new_profile(expected_version: i32, text: &str) -> NewProfile<'_> {
    NewProfile { expected_version, profile_name: "mine", text, roles_of: None, new_layout: false }
}

on_both! {
    async fn settings_change_what_they_name(store: TestStore) {
        let (platform, id) = (store.platform(), tenant(&store, "acme").await);
        let row = async || platform.tenant_by_id(id).await.unwrap().unwrap();
        let first = row().await;
        assert_eq!((first.version, first.properties.len(), first.indexed), (1, 0, true));
        let properties: BTreeMap<_, _> =
            [("a".to_owned(), Some("1 \"é\"".to_owned())), ("b".to_owned(), Some("2".to_owned()))].into();
        let settings = TenantSettings {
            name: Some("Émile's".into()),
            organization: Some(Some("North".into())),
            properties,
            ..TenantSettings::default()
        };
        let epoch = store.epoch();
        assert!(platform.configure_tenant(id, &settings, &context()).await.unwrap());
        assert!(store.epoch() > epoch);
        let second = row().await;
        assert_eq!((second.name.as_str(), second.organization.as_deref()), ("Émile's", Some("North")));
        assert_eq!(second.properties, [("a".into(), "1 \"é\"".into()), ("b".into(), "2".into())].into());
        assert_eq!(platform.tenants("émile", 0, 9).await.unwrap().total, 1, "it is found by its new name");

        // The same again changes nothing.
        let epoch = store.epoch();
        assert!(platform.configure_tenant(id, &settings, &context()).await.unwrap());
        assert_eq!((store.epoch(), row().await.version), (epoch, 2));

        let properties = [("a".to_owned(), None), ("none".to_owned(), None)].into();
        let settings = TenantSettings { organization: Some(None), properties, ..TenantSettings::default() };
        assert!(platform.configure_tenant(id, &settings, &context()).await.unwrap());
        let third = row().await;
        assert_eq!((third.name.as_str(), third.organization.as_deref()), ("Émile's", None));
        assert_eq!(third.properties, [("b".into(), "2".into())].into());
        let trail = events(&store, id).await;
        let names: Vec<_> = trail.iter().map(|(event, version, _)| (event.as_str(), *version)).collect();
        assert_eq!(names, [("tenant.updated", 3), ("tenant.updated", 2), ("tenant.created", 1)]);
        assert_eq!(trail[0].2["before"]["organization"], "North");
        assert_eq!(trail[0].2["state"]["properties"], serde_json::json!({"b": "2"}));
        // Settings and status are one change with two events; what was checked by an earlier version is refused.
        let mut settings = TenantSettings {
            organization: Some(Some("South".into())),
            status: Some(TenantStatus::Active),
            checked_by: Some(2),
            ..TenantSettings::default()
        };
        let stale = platform.configure_tenant(id, &settings, &context()).await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        assert_eq!(row().await, third);
        settings.checked_by = Some(3);
        assert!(platform.configure_tenant(id, &settings, &context()).await.unwrap());
        let fifth = row().await;
        assert_eq!((fifth.version, fifth.status), (5, TenantStatus::Active));
        assert_eq!(fifth.organization.as_deref(), Some("South"));
        let trail = events(&store, id).await;
        let names: Vec<_> = trail[..2].iter().map(|(event, version, _)| (event.as_str(), *version)).collect();
        assert_eq!(names, [("tenant.activated", 5), ("tenant.updated", 4)]);
        assert_eq!(trail[0].2["before"]["organization"], "South");
        settings.checked_by = None;
        assert!(!platform.configure_tenant(TenantId::generate(), &settings, &context()).await.unwrap());
    }

    async fn what_a_list_was_can_be_looked_at(store: TestStore) {
        let (id, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        let scope = store.tenant(id);
        let lists = [set(&[("17", Some("Main street"))]), set(&[]), set(&[("17", None), ("é", None)])];
        for list in &lists {
            scope.set_value_set("sites", list, None, &context()).await.unwrap();
            scope.set_value_set("sites", list, None, &context()).await.unwrap();
        }
        scope.clear_value_set("sites", None, &context()).await.unwrap();
        scope.set_value_set("templates", &lists[0], None, &context()).await.unwrap();
        let versions = scope.value_set_versions("sites", 9).await.unwrap();
        let told: Vec<_> = versions.iter().map(|one| (one.version, one.values.as_ref().map(Vec::len))).collect();
        assert_eq!(told, [(4, None), (3, Some(2)), (2, Some(0)), (1, Some(1))], "what changes nothing is none");
        assert_eq!(versions[3].values.as_deref(), Some(lists[0].values()));
        assert_eq!(versions[0].created_by, context().actor.name);
        assert_eq!(scope.value_set_version("sites", 3).await.unwrap().as_ref(), Some(&versions[1]));
        assert_eq!(scope.value_set_version("sites", 9).await.unwrap(), None);
        assert_eq!(store.tenant(other).value_set_versions("sites", 9).await.unwrap(), []);
        for number in 0..60 {
            scope.set_value_set("sites", &set(&[(&number.to_string(), None)]), None, &context()).await.unwrap();
        }
        let versions = scope.value_set_versions("sites", 99).await.unwrap();
        assert_eq!((versions.len(), versions[0].version), (50, 64), "the oldest go");
        assert_eq!(scope.value_set_versions("templates", 9).await.unwrap().len(), 1);
    }

    async fn value_sets_are_replaced_as_a_whole(store: TestStore) {
        let (id, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        let scope = store.tenant(id);
        assert_eq!(scope.value_sets().await.unwrap().iter().count(), 0);
        let sites = set(&[("17", Some("Main street")), ("12", None), ("é", Some("É"))]);
        let epoch = store.epoch();
        assert_eq!(scope.set_value_set("sites", &sites, None, &context()).await.unwrap(), (0, 0));
        assert!(store.epoch() > epoch);
        scope.set_value_set("templates", &set(&[("T", None)]), None, &context()).await.unwrap();
        let kept = scope.value_sets().await.unwrap();
        assert_eq!(kept.get("sites"), Some(&sites), "in its own order, with its labels");
        assert_eq!(kept.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["sites", "templates"]);
        assert_eq!(store.tenant(other).value_sets().await.unwrap().iter().count(), 0);

        // The same list changes nothing; another order or label is another list.
        let epoch = store.epoch();
        scope.set_value_set("sites", &sites, None, &context()).await.unwrap();
        assert_eq!(store.epoch(), epoch);
        let relabelled = set(&[("12", None), ("17", Some("Main street")), ("é", None)]);
        scope.set_value_set("sites", &relabelled, None, &context()).await.unwrap();
        assert_eq!(scope.value_sets().await.unwrap().get("sites"), Some(&relabelled));

        // A list that was filled with nothing is not one that nobody has filled.
        scope.set_value_set("sites", &set(&[]), None, &context()).await.unwrap();
        assert_eq!(scope.value_sets().await.unwrap().get("sites"), Some(&ValueSet::default()));
        scope.clear_value_set("sites", None, &context()).await.unwrap();
        assert_eq!(scope.value_sets().await.unwrap().get("sites"), None);
        let epoch = store.epoch();
        scope.clear_value_set("sites", None, &context()).await.unwrap();
        assert_eq!(store.epoch(), epoch);

        let counts: Vec<_> = events(&store, id).await.into_iter()
            .filter(|(event, ..)| event == "schema.value-set-updated")
            .map(|(_, _, payload)| (payload["before"]["values"].as_u64(), payload["state"]["values"].as_u64()))
            .collect();
        assert_eq!(counts, [(Some(0), None), (Some(3), Some(0)), (Some(3), Some(3)), (None, Some(1)), (None, Some(3))]);
    }

    async fn ten_thousand_values(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let many = ValueSet::new((0..10_000).map(|number| AllowedValue {
            value: format!("{}", 20_000 - number),
            label: Some(format!("Site {number}")),
        }));
        scope.set_value_set("sites", &many, None, &context()).await.unwrap();
        assert_eq!(scope.value_sets().await.unwrap().get("sites"), Some(&many));
    }

    async fn profiles_have_versions(store: TestStore) {
        let (platform, id) = (store.platform(), tenant(&store, "acme").await);
        let scope = store.tenant(id);
        let epoch = store.epoch();
        let saved = scope.save_profile(&new_profile(1, "second"), &context()).await.unwrap();
        assert_eq!(saved, SavedProfile { version: 2, granted: 0, revoked: 0 });
        assert!(store.epoch() > epoch);
        let row = platform.tenant_by_id(id).await.unwrap().unwrap();
        assert_eq!((row.profile_version, row.profile_name.as_str(), row.profile.as_str()), (2, "mine", "second"));
        assert_eq!((row.mapping_version, row.layout_version, row.indexed), (1, 1, true));

        for expected in [0, 1, 3] {
            let stale = scope.save_profile(&new_profile(expected, "third"), &context()).await;
            assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        }
        let epoch = store.epoch();
        let same = scope.save_profile(&new_profile(2, "second"), &context()).await.unwrap();
        assert_eq!((same.version, store.epoch()), (2, epoch), "the same text is no new version");

        let third = NewProfile { new_layout: true, ..new_profile(2, "third") };
        assert_eq!(scope.save_profile(&third, &context()).await.unwrap().version, 3);
        let row = platform.tenant_by_id(id).await.unwrap().unwrap();
        assert_eq!((row.layout_version, row.indexed), (2, false));
        let versions = scope.profile_versions(None, 2).await.unwrap();
        let told: Vec<_> = versions.iter().map(|one| (one.version, one.body.as_str())).collect();
        assert_eq!((told, versions[0].created_by.as_str()), (vec![(3, "third"), (2, "second")], "root"));
        assert_eq!(scope.profile_versions(Some(2), 9).await.unwrap().len(), 1);
        assert_eq!(scope.profile_version(2).await.unwrap().unwrap().body, "second");
        assert_eq!(scope.profile_version(4).await.unwrap(), None);
        let newest = events(&store, id).await.remove(0);
        assert_eq!((newest.0.as_str(), newest.1), ("schema.profile-updated", 3));
        assert_eq!(newest.2["before"], serde_json::json!({"profile": "mine", "version": 2}));
    }

    async fn two_who_save_at_once_do_not_both(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let (one, two) = (store.tenant(id), store.tenant(id));
        let (first, second) = (new_profile(1, "one"), new_profile(1, "two"));
        let context = context();
        let (one, two) = tokio::join!(one.save_profile(&first, &context), two.save_profile(&second, &context));
        let outcomes = [one.is_ok(), two.is_ok()];
        assert_eq!(outcomes.iter().filter(|ok| **ok).count(), 1, "{one:?} {two:?}");
        assert_eq!(store.tenant(id).profile_versions(None, 9).await.unwrap().len(), 2);
    }

    async fn what_was_computed_by_an_earlier_state_of_the_tenant_is_refused(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let by = |version| store.tenant(id).under(Terms { tenant_version: Some(version), ..Terms::default() });
        let (sites, others) = (set(&[("1", None)]), set(&[("2", None)]));
        by(1).set_value_set("sites", &sites, None, &context()).await.expect("the first version");
        let stale = by(1).set_value_set("sites", &others, None, &context()).await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        let stale = by(1).clear_value_set("sites", None, &context()).await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        // The profile is the one that was expected; the value sets are not.
        let stale = by(1).save_profile(&new_profile(1, "second"), &context()).await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        assert_eq!(store.tenant(id).value_sets().await.expect("read").get("sites"), Some(&sites));
        by(2).save_profile(&new_profile(1, "second"), &context()).await.expect("the second version");
        let stale = by(2).set_value_set("sites", &others, None, &context()).await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        by(3).set_value_set("sites", &others, None, &context()).await.expect("the third version");
    }

    async fn another_node_learns_of_each_change(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let node = store.another().await;
        let scope = store.tenant(id);
        let waits = async |before: u64| {
            let asked = std::time::Instant::now();
            while node.epoch() == before {
                assert!(asked.elapsed().as_secs() < 5, "the other node does not learn of it");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        let before = node.epoch();
        scope.set_value_set("sites", &set(&[("1", None)]), None, &context()).await.unwrap();
        waits(before).await;
        let before = node.epoch();
        scope.save_profile(&new_profile(1, "second"), &context()).await.unwrap();
        waits(before).await;
        let before = node.epoch();
        let settings = TenantSettings { name: Some("New".into()), ..TenantSettings::default() };
        store.platform().configure_tenant(id, &settings, &context()).await.unwrap();
        waits(before).await;
        node.close().await;
    }

    async fn a_mapping_comes_with_its_profile(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let app = RoleMapping::with_prefix("App_");
        let roles_of = |name: &str, id: Option<&str>| -> Vec<Role> { app.roles_for(name, id, None) };
        let scope = store.tenant(id);
        let ann = crate::support::user_state(serde_json::json!({"userName": "ann"}));
        let ann = scope.create_user(&ann, &context()).await.unwrap().id;
        let group = crate::support::group_state("App_Clerk", &[ann.to_string()]);
        scope.create_group(&group, false, &context()).await.unwrap();
        let new = NewProfile { roles_of: Some(&roles_of), ..new_profile(1, "second") };
        let saved = scope.save_profile(&new, &context()).await.unwrap();
        assert_eq!(saved, SavedProfile { version: 2, granted: 1, revoked: 0 });
        let grants = scope.roles_of_user(ann).await.unwrap();
        assert_eq!(grants[0].role.name, "Clerk");
        let row = store.platform().tenant_by_id(id).await.unwrap().unwrap();
        assert_eq!(row.mapping_version, 2);
        // A stale save gives no roles either.
        let none = |_: &str, _: Option<&str>| -> Vec<Role> { Vec::new() };
        let stale = NewProfile { roles_of: Some(&none), ..new_profile(1, "third") };
        assert!(matches!(scope.save_profile(&stale, &context()).await, Err(StoreError::Stale)));
        assert_eq!(scope.roles_of_user(ann).await.unwrap().len(), 1);
        let moved = scope.set_value_set("roles", &set(&[("x", None)]), Some(&none), &context()).await.unwrap();
        assert_eq!(moved, (0, 1));
        assert!(scope.roles_of_user(ann).await.unwrap().is_empty());
    }
}
