//! A tenant's copy of its profile: previews, versions, upgrades, and the index that follows.

use provisioning::{
    ProfileSource, Query, Tenant,
    configuration::{ConfigurationError, LineKind},
    directory::CreateTenantError,
};
use scim_core::profile::Profile;
use serde_json::json;
use store_testing::on_both;

use super::{BADGES, told};
use crate::support::{Side, World, context, person};

fn quiet(_: u64, _: u64) {}

async fn found(side: &Side, filter: &str) -> u64 {
    let query = Query { filter: Some(filter.to_owned()), start_index: 1, count: 10, ..Query::default() };
    side.users(&query).await.expect("a list").total
}

/// With a rule that some of the people below break, another prefix, and a longer list of roles.
fn stricter() -> String {
    let rule =
        "\n[[rule]]\nname = \"titles\"\nrequire = [\"title\"]\nmessage = \"is required; send a title\"\n";
    BADGES.replace("prefix = \"Badge_\"", "prefix = \"Role_\"").replace("\"Clerk\"]", "\"Clerk\", \"Cook\"]")
        + rule
}

async fn people(side: &Side) -> [String; 3] {
    let mut titled = person("titled@x.example");
    titled["title"] = json!("Dr");
    let titled = side.create_user(&titled).await.expect("made").rendered.body["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    [titled, side.make_user("b@x.example").await, side.make_user("c@x.example").await]
}

on_both! {
    async fn a_preview_tells_and_changes_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let [titled, b, c] = people(&side).await;
        side.make_group("Badge_Clerk", &[&titled, &b]).await;
        side.make_group("Role_Cook", &[&b, &c]).await;
        side.make_group("Role_Clerk", &[&b, &c]).await;
        let events = side.events().await;
        let seen = std::sync::Mutex::new(Vec::new());
        let note = |done, total| seen.lock().expect("a list").push((done, total));
        let preview = world.directory.preview_profile(side.tenant(), &stricter(), None, &note).await.expect("a preview");
        assert_eq!(*seen.lock().expect("a list"), [(0, 3), (3, 3)]);
        let roles: Vec<_> =
            preview.roles.iter().map(|change| (change.role.name.as_str(), change.gain, change.lose)).collect();
        assert_eq!(roles, [("Clerk", 1, 1), ("Cook", 2, 0)]);
        assert_eq!((preview.people.checked, preview.people.misfits, preview.people.complete), (3, 2, true));
        let first = &preview.people.first[0];
        assert_eq!((first.id.to_string(), first.user_name.as_str()), (b.clone(), "b@x.example"));
        assert_eq!(first.problems, ["title: is required; send a title."]);
        let changed: Vec<_> = preview.diff.iter().flatten().filter(|line| line.kind == LineKind::Removed).collect();
        assert_eq!(changed.len(), 2, "{changed:?}");
        assert_eq!(side.events().await, events);

        let some = world.directory.preview_profile(side.tenant(), &stricter(), Some(2), &quiet).await.expect("ok");
        assert_eq!((some.people.checked, some.people.complete), (2, false));
        let exact = world.directory.recheck(side.tenant(), Some(3), &quiet).await.expect("ok");
        assert_eq!((exact.checked, exact.misfits, exact.complete), (3, 0, true));

        // Saved: what was told has come, and nobody was changed.
        let version = side.tenant().row.profile_version;
        let saved = world.directory.save_profile(side.tenant(), &stricter(), version, &context()).await.expect("saved");
        assert_eq!((saved.version, saved.granted, saved.revoked), (2, 4, 2));
        let side = side.again(world).await;
        assert_eq!(side.tenant().profile.roles.prefix.as_deref(), Some("Role_"));
        assert_eq!(side.roles(&c).await, ["Clerk via Role_Clerk", "Cook via Role_Cook"]);
        let found = world.directory.recheck(side.tenant(), None, &quiet).await.expect("ok");
        assert_eq!((found.checked, found.misfits), (3, 2));
        let kept = side.user(&b).await.expect("read").body;
        assert_eq!(kept["meta"]["version"], "W/\"1\"");
        assert!(side.create_user(&person("d@x.example")).await.is_err(), "new people keep the rule");
    }

    async fn texts_that_do_not_do_are_refused_with_their_place(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let broken = BADGES.replace("[[gate]]", "[[gait]]");
        let preview = world.directory.preview_profile(side.tenant(), &broken, None, &quiet).await;
        let Err(ConfigurationError::Profile(error)) = preview else { panic!("not refused: {preview:?}") };
        let line = broken.lines().position(|line| line == "[[gait]]").expect("there") + 1;
        assert_eq!((error.line, error.column > 0), (line, true), "{error}");
        let wrong = format!("{BADGES}\n[[example]]\ntitle = \"x\"\nvalid = true\nuser = '{{}}'\n");
        let error = told(world.directory.save_profile(side.tenant(), &wrong, 1, &context()).await);
        assert!(error.starts_with("line ") && error.contains("userName"), "its examples must come out: {error}");
        let long = format!("{BADGES}#{}", "x".repeat(256 * 1024));
        assert!(told(world.directory.save_profile(side.tenant(), &long, 1, &context()).await).contains("bytes"));
        let nul = format!("{BADGES}# \0");
        assert!(told(world.directory.save_profile(side.tenant(), &nul, 1, &context()).await).contains("NUL"));

        let slug = world.slug();
        let made = world.directory.create(&slug, None, ProfileSource::Text(&broken), "lenient", true, &context()).await;
        let Err(CreateTenantError::Unfit(text)) = made else { panic!("not refused") };
        assert!(text.starts_with(&format!("profile: line {line}, column ")), "{text}");
    }

    async fn versions_are_kept_and_never_overwritten(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("envi").await;
        let text = side.tenant().row.profile.clone();
        assert!(world.directory.upgrade_diff(side.tenant()).await.expect("read").is_none());
        let other = text.replace("prefix = \"Envi_\"", "prefix = \"App_\"");
        let save = async |tenant: &Tenant, text: &str, version| {
            world.directory.save_profile(tenant, text, version, &context()).await
        };
        assert_eq!(save(side.tenant(), &other, 1).await.expect("saved").version, 2);
        let late = save(side.tenant(), &text, 1).await;
        assert!(matches!(late, Err(ConfigurationError::Outdated(1))), "{late:?}");
        let side = side.again(world).await;
        let early = save(side.tenant(), &text, 1).await;
        assert!(matches!(early, Err(ConfigurationError::Outdated(1))), "{early:?}");
        let upgrade = world.directory.upgrade_diff(side.tenant()).await.expect("read").expect("they differ");
        assert_eq!((upgrade.text, upgrade.version), (Profile::builtin("envi").expect("ships"), 1));
        let added: Vec<_> = upgrade.diff.iter().flatten().filter(|line| line.kind == LineKind::Added).collect();
        assert_eq!((added.len(), added[0].text.as_str()), (1, "prefix = \"Envi_\""));
        assert_eq!(save(side.tenant(), upgrade.text, 2).await.expect("upgraded").version, 3);
        let side = side.again(world).await;
        assert!(world.directory.upgrade_diff(side.tenant()).await.expect("read").is_none());
        let own = world.tenant_with(BADGES).await;
        assert!(world.directory.upgrade_diff(own.tenant()).await.expect("read").is_none(), "nothing of that name ships");
        assert_eq!(own.tenant().row.profile_name, "badges");
    }

    /// Filters find everybody at any time: before the index is complete, while it is made, and afterwards.
    async fn an_index_follows_the_profile(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let mut body = person("ann@x.example");
        body["badge"] = json!("B-17");
        side.create_user(&body).await.expect("made");
        let filter = "urn:example:badges:badge eq \"b-17\"";
        assert_eq!(found(&side, filter).await, 1);

        let indexed = BADGES.replace("name = \"badge\"\n", "name = \"badge\"\nindexed = true\n");
        world.directory.save_profile(side.tenant(), &indexed, 1, &context()).await.expect("saved");
        let new = side.again(world).await;
        assert!(!new.tenant().row.indexed);
        assert_eq!(found(&new, filter).await, 1);
        // Who was still being written by the earlier profile is refused, and can be sent again.
        let error = side.create_user(&person("late@x.example")).await.expect_err("by the earlier profile");
        assert_eq!(error.status, 503);
        body["userName"] = json!("bob@x.example");
        new.create_user(&body).await.expect("made");
        assert_eq!(found(&new, filter).await, 2);

        assert_eq!(world.directory.reindex_pending(10).await.expect("done"), 1);
        let new = new.again(world).await;
        assert!(new.tenant().row.indexed);
        assert_eq!(found(&new, filter).await, 2);
        assert_eq!(world.directory.reindex_pending(10).await.expect("nothing to do"), 0);
        // A change that compares and indexes alike needs none of it.
        let titled = indexed.replace("title = \"Badges\"", "title = \"Our badges\"");
        world.directory.save_profile(new.tenant(), &titled, 2, &context()).await.expect("saved");
        assert!(new.again(world).await.tenant().row.indexed);
        new.create_user(&person("late@x.example")).await.expect("nothing stands in the way");
    }
}
