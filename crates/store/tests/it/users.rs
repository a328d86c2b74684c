//! Users: create, read, replace, hide, purge.

use scim_core::ResourceType;
use serde_json::json;
use store::{ListQuery, Start, StoreError, UserId, users::User};

use crate::support::{Bed, context, group_state, role_names, user_state};

both!(
    levels_have_an_end,
    create_and_read,
    names_conflict_folded,
    replace_is_a_compare_and_swap,
    groups_through_groups,
    active_has_its_own_events,
    soft_delete_frees_the_name_and_ends_memberships,
    purge_erases_payloads,
    other_tenants_see_nothing,
    pages_and_totals,
    one_of_many_parallel_writers_wins,
);

async fn create_and_read(bed: Bed) {
    let state =
        user_state(json!({"userName": "Ann@X", "externalId": "e1", "displayName": "Ann", "title": "Dr"}));
    let made = bed.tenant.create_user(&state, &context()).await.expect("created");
    assert_eq!((made.version, made.active, made.user_name.as_str()), (1, true, "Ann@X"));
    assert_eq!(made.document, state.document);

    let read = bed.tenant.user(made.id, true).await.expect("read").expect("there");
    assert_eq!(read, made);
    let keys: Vec<_> = read.document.keys().collect();
    assert_eq!(keys, ["userName", "externalId", "displayName", "title"], "order of the document stays");
    let by_name = bed.tenant.user_by_name("aNN@x", false).await.expect("read").expect("there");
    assert_eq!((by_name.id, by_name.groups), (made.id, None));
    assert!(bed.tenant.user_by_name("nobody\0", false).await.expect("read").is_none());
    assert!(bed.tenant.user(UserId::generate(), false).await.expect("read").is_none());

    assert_eq!(bed.events(made.id).await, [("user.created".to_owned(), 1)]);
    let records = bed.records(made.id).await;
    assert_eq!(records[0].payload, Some(json!({"state": state.document})));
}

async fn names_conflict_folded(bed: Bed) {
    for (first, second) in [("A@x", "a@x"), ("É", "é"), ("STRASSE", "straße")] {
        let made = bed.user(first).await;
        let again = bed.tenant.create_user(&user_state(json!({"userName": second})), &context()).await;
        assert!(matches!(again, Err(StoreError::Conflict { attribute: "userName" })), "{second}: {again:?}");
        let other = bed.user(&format!("other {first}")).await;
        let taken = user_state(json!({"userName": second}));
        let renamed = bed.tenant.replace_user(other.id, 1, &taken, &context()).await;
        assert!(
            matches!(renamed, Err(StoreError::Conflict { attribute: "userName" })),
            "{second}: {renamed:?}"
        );
        let respelled = bed.tenant.replace_user(made.id, 1, &taken, &context()).await;
        assert_eq!(respelled.expect("own name").expect("there").user_name, second);
    }
    // Composed and decomposed forms are different names.
    bed.user("e\u{301}").await;
}

async fn replace_is_a_compare_and_swap(bed: Bed) {
    let ann = bed.user("ann").await;
    let group = bed.group("Everyone", &[ann.id.0]).await;
    let next = user_state(json!({"userName": "ann", "title": "Dr"}));
    let after = bed.tenant.replace_user(ann.id, 1, &next, &context()).await.expect("ok").expect("there");
    assert_eq!((after.version, after.created_at), (2, ann.created_at));
    assert!(after.updated_at >= ann.updated_at);
    assert_eq!(after.groups.as_ref().expect("read")[0].group, group.id);

    let stale = bed.tenant.replace_user(ann.id, 1, &next, &context()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    let nobody = bed.tenant.replace_user(UserId::generate(), 1, &next, &context()).await.expect("ok");
    assert!(nobody.is_none());

    let last = bed.records(ann.id).await.pop().expect("an event");
    assert_eq!((last.event.as_str(), last.version), ("user.updated", 2));
    let (before, state) = (json!({"userName": "ann"}), json!({"userName": "ann", "title": "Dr"}));
    assert_eq!(last.payload, Some(json!({"state": state, "before": before})));
}

/// Three levels, a diamond and a ring: each group once, and direct where there is an edge.
async fn groups_through_groups(bed: Bed) {
    let (ann, bob, carl) = (bed.user("ann").await, bed.user("bob").await, bed.user("carl").await);
    let team = bed.group("Envi_Team", &[ann.id.0]).await;
    let division = bed.group("Envi_Division", &[team.id.0, bob.id.0]).await;
    let left = bed.group("Left", &[team.id.0]).await;
    let company = bed.group("Company", &[division.id.0, left.id.0, ann.id.0]).await;
    // Company is in Team: all four contain each other.
    bed.add(&team, &[company.id.to_string()]).await;
    let shown = |user: &User| {
        let groups = user.groups.clone().expect("asked for");
        groups.into_iter().map(|group| format!("{} {}", group.kind(), group.display)).collect::<Vec<_>>()
    };
    let of_ann = ["direct Company", "indirect Envi_Division", "direct Envi_Team", "indirect Left"];
    let of_bob = ["indirect Company", "direct Envi_Division", "indirect Envi_Team", "indirect Left"];
    let query = ListQuery { limit: 10, edges: true, ..ListQuery::default() };
    let page = bed.tenant.users(&query).await.expect("list");
    let lists: Vec<_> = page.items.iter().map(shown).collect();
    assert_eq!(lists, [of_ann.to_vec(), of_bob.to_vec(), Vec::new()]);
    for (user, groups) in [(&ann, &of_ann[..]), (&bob, &of_bob), (&carl, &[])] {
        let read = bed.tenant.user(user.id, true).await.expect("read").expect("there");
        assert_eq!(shown(&read), groups);
    }
    let after =
        bed.tenant.replace_user(bob.id, 1, &user_state(json!({"userName": "bobby"})), &context()).await;
    assert_eq!(shown(&after.expect("ok").expect("there")), of_bob);
    assert_eq!(role_names(&bed, ann.id).await, ["Team"], "roles come from direct groups alone");

    // Without the link in the middle nothing is above any more.
    assert!(bed.tenant.delete_group(division.id, None, &context()).await.expect("deleted"));
    let read = bed.tenant.user(bob.id, true).await.expect("read").expect("there");
    assert_eq!(shown(&read), [""; 0]);
    let read = bed.tenant.user(ann.id, true).await.expect("read").expect("there");
    assert_eq!(shown(&read), ["direct Company", "direct Envi_Team", "indirect Left"]);
}

async fn active_has_its_own_events(bed: Bed) {
    let ann = bed.user("ann").await;
    for (version, active) in [(1, false), (2, false), (3, true)] {
        let state = user_state(json!({"userName": "ann", "active": active}));
        let after = bed.tenant.replace_user(ann.id, version, &state, &context()).await.expect("ok");
        assert_eq!(after.expect("there").active, active);
    }
    let events: Vec<_> = bed.events(ann.id).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["user.created", "user.deactivated", "user.updated", "user.reactivated"]);
}

async fn soft_delete_frees_the_name_and_ends_memberships(bed: Bed) {
    let ann = bed.user("ann").await;
    let bob = bed.user("bob").await;
    let group = bed.group("Envi_Manager", &[ann.id.0, bob.id.0]).await;
    let stale = bed.tenant.soft_delete_user(ann.id, Some(7), &context()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    assert!(bed.tenant.soft_delete_user(ann.id, Some(1), &context()).await.expect("deleted"));
    assert!(!bed.tenant.soft_delete_user(ann.id, None, &context()).await.expect("gone"));

    assert!(bed.tenant.user(ann.id, false).await.expect("read").is_none());
    assert!(bed.tenant.user_by_name("ann", false).await.expect("read").is_none());
    assert!(bed.tenant.roles_of_user(ann.id).await.expect("roles").is_empty());
    let after = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    let members: Vec<_> = after.members.expect("read").into_iter().map(|member| member.id).collect();
    assert_eq!(members, [bob.id.0]);
    assert_eq!(after.version, 2, "the group has changed too");

    let events: Vec<_> = bed.events(ann.id).await.into_iter().map(|(event, _)| event).collect();
    let expected = [
        "user.created",
        "membership.added",
        "role.granted",
        "membership.removed",
        "role.revoked",
        "user.deleted",
    ];
    assert_eq!(events, expected);

    let again = bed.user("ANN").await;
    assert_ne!(again.id, ann.id);
    assert!(again.groups.expect("known").is_empty());
    let added = bed.add(&group, &[ann.id.to_string()]).await;
    assert_eq!((added.changed, added.skipped), (false, vec![ann.id.to_string()]), "a hidden user is unknown");
}

async fn purge_erases_payloads(bed: Bed) {
    let ann = bed.user("ann").await;
    let bob = bed.user("bob").await;
    let group = bed.group("Envi_Manager", &[ann.id.0]).await;
    assert!(bed.tenant.purge_user(ann.id, None, &context()).await.expect("purged"));
    assert!(!bed.tenant.purge_user(ann.id, None, &context()).await.expect("gone"));
    let after = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    assert!(after.members.expect("read").is_empty());

    let records = bed.records(ann.id).await;
    let kept: Vec<_> =
        records.iter().map(|record| (record.event.as_str(), record.payload.is_some())).collect();
    let expected = [
        ("user.created", false),
        ("membership.added", false),
        ("role.granted", false),
        ("membership.removed", true),
        ("role.revoked", true),
        ("user.purged", true),
    ];
    assert_eq!(kept, expected);
    for record in &records {
        let text = record.payload.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(!text.contains("ann"), "{record:?}");
    }
    assert!(bed.records(bob.id).await[0].payload.is_some(), "another user's payload stays");

    // A hidden user can be purged too.
    assert!(bed.tenant.soft_delete_user(bob.id, None, &context()).await.expect("deleted"));
    assert!(bed.tenant.purge_user(bob.id, None, &context()).await.expect("purged"));
    let last = bed.events(bob.id).await.pop().expect("an event");
    assert_eq!(last, ("user.purged".to_owned(), 3));
    bed.user("ann").await;
}

async fn other_tenants_see_nothing(bed: Bed) {
    let ann = bed.user("ann").await;
    let state = user_state(json!({"userName": "ann"}));
    assert!(bed.other.user(ann.id, true).await.expect("read").is_none());
    assert!(bed.other.user_by_name("ann", false).await.expect("read").is_none());
    assert!(bed.other.replace_user(ann.id, 1, &state, &context()).await.expect("ok").is_none());
    assert!(!bed.other.soft_delete_user(ann.id, None, &context()).await.expect("ok"));
    assert!(!bed.other.purge_user(ann.id, None, &context()).await.expect("ok"));
    let page = bed.other.users(&ListQuery { limit: 10, ..ListQuery::default() }).await.expect("list");
    assert_eq!((page.total, page.items.len()), (0, 0));
    let twin = bed.other.create_user(&state, &context()).await.expect("the name is free there");
    assert_ne!(twin.id, ann.id);
    let unknown = bed.other.create_group(&group_state("G", &[&ann.id.to_string()]), true, &context()).await;
    let unknown = unknown.expect("made");
    assert_eq!(unknown.skipped, [ann.id.to_string()]);
    assert!(bed.tenant.user(ann.id, false).await.expect("read").is_some());
}

async fn pages_and_totals(bed: Bed) {
    let mut ids = Vec::new();
    for number in 0..7 {
        ids.push(bed.user(&format!("u{number}")).await.id);
    }
    bed.group("Everyone", &[ids[4].0, ids[5].0]).await;
    let page = async |offset, limit| {
        let query = ListQuery { start: Start::Offset(offset), limit, edges: true, ..ListQuery::default() };
        let page = bed.tenant.users(&query).await.expect("list");
        (page.total, page.items)
    };
    for (offset, limit, expected) in
        [(0, 3, 0..3), (3, 3, 3..6), (6, 3, 6..7), (7, 3, 7..7), (90, 3, 7..7), (0, 0, 0..0), (0, 100, 0..7)]
    {
        let (total, items) = page(offset, limit).await;
        assert_eq!(total, 7, "{offset} {limit}");
        let got: Vec<_> = items.iter().map(|user| user.id).collect();
        assert_eq!(got, ids[expected], "{offset} {limit}");
        for user in items {
            let groups = user.groups.expect("read");
            assert_eq!(groups.len(), usize::from(user.id == ids[4] || user.id == ids[5]));
        }
    }
}

async fn one_of_many_parallel_writers_wins(bed: Bed) {
    let ann = bed.user("ann").await;
    let writers = (0..16).map(|number| {
        let state = user_state(json!({"userName": "ann", "title": format!("t{number}")}));
        let tenant = bed.tenant.clone();
        async move { tenant.replace_user(ann.id, 1, &state, &context()).await }
    });
    let results = futures::future::join_all(writers).await;
    let won = results.iter().filter(|result| matches!(result, Ok(Some(_)))).count();
    let stale = results.iter().filter(|result| matches!(result, Err(StoreError::Stale))).count();
    assert_eq!((won, stale), (1, 15));
    let creators = (0..8).map(|_| {
        let tenant = bed.tenant.clone();
        async move { tenant.create_user(&user_state(json!({"userName": "new"})), &context()).await }
    });
    let made = futures::future::join_all(creators).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1);
}

/// Groups in groups count for ten levels, in answers and in filters alike; a ring of many costs no more than that.
async fn levels_have_an_end(bed: Bed) {
    let ann = bed.user("ann").await;
    let mut inner = ann.id.0;
    let mut chain = Vec::new();
    for level in 0..13 {
        let group = bed.group(&format!("g{level:02}"), &[inner]).await;
        inner = group.id.0;
        chain.push(group);
    }
    let read = bed.tenant.user(ann.id, true).await.expect("read").expect("there");
    let groups: Vec<_> =
        read.groups.expect("groups").iter().map(|one| (one.display.clone(), one.kind())).collect();
    let expected: Vec<_> = (0..=10)
        .map(|level| (format!("g{level:02}"), if level == 0 { "direct" } else { "indirect" }))
        .collect();
    assert_eq!(groups, expected);
    for (level, group) in chain.iter().enumerate() {
        let id = group.id;
        for (text, fits) in [
            (format!(r#"groups.value eq "{id}""#), level <= 10),
            (format!(r#"groups[type eq "indirect" and value eq "{id}"]"#), (1..=10).contains(&level)),
            (format!(r#"groups[type eq "direct" and value eq "{id}"]"#), level == 0),
        ] {
            let filter = scim_core::filter::parse(&text, &ResourceType::user(), true).expect("a filter");
            let query = ListQuery { filter: Some(filter), limit: 10, ..ListQuery::default() };
            assert_eq!(
                bed.tenant.users(&query).await.expect("a list").total,
                u64::from(fits),
                "{level}: {text}"
            );
        }
    }

    // Each in the next, and the last in the first.
    let ring: Vec<String> = chain.iter().map(|group| group.id.to_string()).collect();
    bed.add(&chain[0], &ring[12..]).await;
    let read = bed.tenant.user(ann.id, true).await.expect("read").expect("there");
    assert_eq!(read.groups.expect("groups").len(), 11);
    let filter = scim_core::filter::parse(r#"groups[type eq "indirect"]"#, &ResourceType::user(), true);
    let query = ListQuery { filter: filter.ok(), limit: 10, ..ListQuery::default() };
    assert_eq!(bed.tenant.users(&query).await.expect("a list").total, 1);
}
