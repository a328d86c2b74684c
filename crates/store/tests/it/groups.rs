//! Groups, their members, and the roles they give.

use std::collections::BTreeSet;

use scim_core::{
    ResourceKind, ResourceType,
    filter::parse,
    intake::MemberRef,
    patch::MemberOp,
    profile::UnknownMemberPolicy,
    roles::{Role, RoleMapping},
};
use store::{
    Backend, GroupId, ListQuery, Start, StoreError, TenantScope, UserId,
    groups::{Group, MEMBERS_AT_ONCE},
};

use crate::support::{Bed, context, group_state, plain, refs, role_names};

both!(
    create_and_read,
    names_conflict_folded,
    changing_is_a_compare_and_swap,
    operations_apply_in_order,
    what_changes_nothing_writes_nothing,
    unknown_members_are_skipped_or_refused,
    groups_in_groups,
    roles_follow_members_names_and_deletion,
    the_first_spelling_of_a_role_stays,
    remapping,
    deletion_keeps_members,
    other_tenants_groups_are_out_of_reach,
    parallel_member_changes_lose_nothing,
    deletions_and_additions_in_parallel_leave_no_orphan,
    ten_thousand_members,
    the_end_of_a_group_is_not_the_end_of_its_members,
    a_page_holds_a_bounded_number_of_members,
    pages_with_members,
);

async fn create_and_read(bed: Bed) {
    let ann = bed.user("ann").await;
    let bob = bed.named_user("bob", "Bob B.").await;
    let state = group_state("Envi_Manager", &[&ann.id.to_string(), &bob.id.to_string(), &ann.id.to_string()]);
    let made = bed.tenant.create_group(&state, true, &context()).await.expect("made");
    assert!(made.changed && made.skipped.is_empty());
    assert_eq!((made.group.version, made.group.display_name.as_str()), (1, "Envi_Manager"));
    let members = made.group.members.clone().expect("asked for");
    let shown: Vec<_> =
        members.iter().map(|member| (member.id, member.kind, member.display.as_deref())).collect();
    assert_eq!(shown, [(ann.id.0, ResourceKind::User, None), (bob.id.0, ResourceKind::User, Some("Bob B."))]);

    let read = bed.tenant.group(made.group.id, true).await.expect("read").expect("there");
    assert_eq!(read, made.group);
    let bare = bed.tenant.group(made.group.id, false).await.expect("read").expect("there");
    assert_eq!(bare.members, None);
    assert!(bed.tenant.group(GroupId::generate(), true).await.expect("read").is_none());
    let groups =
        bed.tenant.user(ann.id, true).await.expect("read").expect("there").groups.expect("asked for");
    assert_eq!((groups.len(), groups[0].display.as_str()), (1, "Envi_Manager"));

    assert_eq!(bed.events(made.group.id).await, [("group.created".to_owned(), 1)]);
    let events: Vec<_> = bed.events(ann.id).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["user.created", "membership.added", "role.granted"]);
    let last = bed.records(ann.id).await.pop().expect("an event");
    let payload = last.payload.expect("kept");
    assert_eq!(payload["role"]["name"], "Manager");
    assert_eq!(payload["group"]["id"], made.group.id.to_string());
}

async fn names_conflict_folded(bed: Bed) {
    let first = bed.group("Équipe", &[]).await;
    let again = bed.tenant.create_group(&plain("éQUIPE"), true, &context()).await;
    assert!(matches!(again, Err(StoreError::Conflict { attribute: "displayName" })), "{again:?}");
    let other = bed.group("Other", &[]).await;
    let taken = plain("équipe");
    let renamed = bed.tenant.change_group(other.id, Some(1), &taken, true, &context()).await;
    assert!(matches!(renamed, Err(StoreError::Conflict { attribute: "displayName" })), "{renamed:?}");
    assert!(bed.tenant.delete_group(first.id, None, &context()).await.expect("deleted"));
    let renamed = bed.tenant.change_group(other.id, Some(1), &taken, true, &context()).await.expect("free");
    assert_eq!(renamed.expect("there").group.display_name, "équipe");
}

async fn changing_is_a_compare_and_swap(bed: Bed) {
    let ann = bed.user("ann").await;
    let group = bed.group("A", &[]).await;
    bed.add(&group, &[ann.id.to_string()]).await;
    let renamed = plain("B");
    let stale = bed.tenant.change_group(group.id, Some(1), &renamed, false, &context()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    let mut state = renamed.clone();
    state.members.clear();
    let after = bed.tenant.change_group(group.id, Some(2), &state, true, &context()).await.expect("ok");
    let after = after.expect("there");
    assert_eq!((after.group.version, after.group.display_name.as_str()), (3, "B"));
    assert_eq!(after.group.members.expect("asked for").len(), 1, "members stay");
    assert_eq!(
        bed.events(group.id).await,
        [("group.created".to_owned(), 1), ("group.updated".to_owned(), 3)]
    );

    // Roles that were computed from another name would be wrong ones.
    let old_name = bed.tenant.change_group(group.id, None, &plain("A"), true, &context()).await;
    assert!(matches!(old_name, Err(StoreError::Stale)), "{old_name:?}");
    let nobody = bed.tenant.change_group(GroupId::generate(), Some(1), &renamed, true, &context()).await;
    assert!(nobody.expect("ok").is_none());
}

async fn operations_apply_in_order(bed: Bed) {
    use MemberOp::{Add, Remove, Replace};
    let mut users = Vec::new();
    for name in ["a", "b", "c", "d"] {
        users.push(bed.user(name).await.id);
    }
    let some = |names: &str| -> Vec<MemberRef> {
        let ids: Vec<String> =
            names.bytes().map(|name| users[usize::from(name - b'a')].to_string()).collect();
        refs(&ids)
    };
    let group = bed.group("G", &[]).await;
    let cases = [
        (vec![Add(some("ab")), Remove(some("b")), Add(some("c"))], "ac", true),
        (vec![Remove(some("bd"))], "ac", false),
        (vec![Replace(some("bc"))], "bc", true),
        (vec![Replace(some("d")), Add(some("bc")), Remove(some("d"))], "bc", false),
        (vec![Remove(some("b")), Add(some("b"))], "bc", false),
        (vec![Replace(vec![])], "", true),
        (vec![Replace(some("abcd"))], "abcd", true),
        (vec![Remove(some("a")), Replace(some("ab")), Remove(some("b"))], "a", true),
    ];
    for (operations, expected, changed) in cases {
        let mut state = plain("G");
        state.members = operations.clone();
        let outcome = bed.tenant.change_group(group.id, None, &state, true, &context()).await.expect("ok");
        let outcome = outcome.expect("there");
        let got: BTreeSet<_> =
            outcome.group.members.expect("asked for").into_iter().map(|member| UserId(member.id)).collect();
        let expected: BTreeSet<_> = expected.bytes().map(|name| users[usize::from(name - b'a')]).collect();
        assert_eq!((got, outcome.changed), (expected, changed), "{operations:?}");
    }
}

async fn what_changes_nothing_writes_nothing(bed: Bed) {
    let ann = bed.user("ann").await;
    let group = bed.group("Envi_A", &[ann.id.0]).await;
    let before = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    let counts = bed.written().await;
    let id = ann.id.to_string();
    let nobody = UserId::generate().to_string();
    for operation in [
        MemberOp::Add(refs(&[id.clone(), nobody.clone()])),
        MemberOp::Remove(refs(&[nobody, "no id".to_owned()])),
        MemberOp::Replace(refs(&[id.clone(), id])),
    ] {
        for expected in [None, Some(1)] {
            let mut state = plain("Envi_A");
            state.members = vec![operation.clone()];
            let outcome = bed.tenant.change_group(group.id, expected, &state, true, &context()).await;
            let outcome = outcome.expect("ok").expect("there");
            assert_eq!((outcome.changed, &outcome.group), (false, &before), "{operation:?}");
        }
    }
    // But people are told, each time, who could not be added.
    assert_eq!(bed.written().await, (counts.0 + 2, counts.1));
    let told = bed.audit(group.id).await.split_off(1);
    assert!(told.len() == 2 && told.iter().all(|entry| entry.event == "membership.skipped"), "{told:?}");
}

async fn unknown_members_are_skipped_or_refused(bed: Bed) {
    let ann = bed.user("ann").await.id.to_string();
    let hidden = bed.user("hidden").await;
    bed.tenant.soft_delete_user(hidden.id, None, &context()).await.expect("deleted");
    let (hidden, nobody) = (hidden.id.to_string(), UserId::generate().to_string());
    let shouted = ann.to_uppercase();
    let named = [&nobody, &ann, "00u123", &hidden, &shouted, "00u123", ""];
    let expected = [nobody.as_str(), "00u123", &hidden, &shouted, ""];

    let mut state = group_state("G", &named);
    state.unknown_members = UnknownMemberPolicy::Reject;
    let refused = bed.tenant.create_group(&state, true, &context()).await;
    match refused {
        Err(StoreError::UnknownMembers(unknown)) => assert_eq!(unknown, expected),
        other => panic!("{other:?}"),
    }
    state.unknown_members = UnknownMemberPolicy::Skip;
    let made =
        bed.tenant.create_group(&state, true, &context()).await.expect("made, so nothing was left behind");
    assert_eq!(made.skipped, expected);
    assert_eq!(made.group.members.expect("asked for").len(), 1);

    let mut state = group_state("G", &[&nobody]);
    state.unknown_members = UnknownMemberPolicy::Reject;
    let refused = bed.tenant.change_group(made.group.id, None, &state, true, &context()).await;
    assert!(matches!(refused, Err(StoreError::UnknownMembers(_))), "{refused:?}");
    // Only removing what is unknown is no fault.
    state.members = vec![MemberOp::Remove(refs(&[nobody]))];
    assert!(bed.tenant.change_group(made.group.id, None, &state, true, &context()).await.is_ok());
}

async fn groups_in_groups(bed: Bed) {
    let ann = bed.user("ann").await;
    let inner = bed.group("Inner", &[ann.id.0]).await;
    let outer = bed.group("Envi_Outer", &[inner.id.0]).await;
    let read = bed.tenant.group(outer.id, true).await.expect("read").expect("there");
    let members = read.members.expect("asked for");
    assert_eq!((members[0].kind, members[0].display.as_deref()), (ResourceKind::Group, Some("Inner")));
    assert!(
        bed.tenant.roles_of_user(ann.id).await.expect("roles").is_empty(),
        "roles go to direct members only"
    );
    let own = bed.add(&outer, &[outer.id.to_string()]).await;
    assert_eq!((own.changed, own.skipped), (false, vec![outer.id.to_string()]), "no group is its own member");

    assert!(bed.tenant.delete_group(inner.id, None, &context()).await.expect("deleted"));
    let read = bed.tenant.group(outer.id, true).await.expect("read").expect("there");
    assert_eq!((read.version, read.members.expect("asked for").len()), (2, 0));
    let events: Vec<_> = bed.events(inner.id).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["group.created", "membership.added", "membership.removed", "group.deleted"]);
}

async fn roles_follow_members_names_and_deletion(bed: Bed) {
    let (ann, bob) = (bed.user("ann").await, bed.user("bob").await);
    let group = bed.group("Envi_Manager", &[ann.id.0]).await;
    let second = bed.group("envi_testing", &[ann.id.0]).await;
    bed.group("Everyone", &[ann.id.0, bob.id.0]).await;
    assert_eq!(role_names(&bed, ann.id).await, ["Manager", "testing"]);
    assert!(role_names(&bed, bob.id).await.is_empty());

    bed.add(&group, &[bob.id.to_string()]).await;
    assert_eq!(role_names(&bed, bob.id).await, ["Manager"]);
    let via = bed.tenant.roles_of_user(bob.id).await.expect("roles").remove(0).via;
    assert_eq!((via.group, via.display.as_str()), (group.id, "Envi_Manager"));

    let rename = async |version, name| {
        let outcome = bed.tenant.change_group(group.id, Some(version), &plain(name), false, &context()).await;
        outcome.expect("ok").expect("there").changed
    };
    assert!(rename(2, "Envi_Admin").await);
    assert_eq!(role_names(&bed, ann.id).await, ["Admin", "testing"]);
    assert_eq!(role_names(&bed, bob.id).await, ["Admin"]);
    assert!(rename(3, "Admins").await);
    assert!(role_names(&bed, bob.id).await.is_empty());
    let events: Vec<_> = bed.events(bob.id).await.into_iter().map(|(event, _)| event).collect();
    let roles: Vec<_> = events.iter().filter(|event| event.starts_with("role")).collect();
    assert_eq!(roles, ["role.granted", "role.revoked", "role.granted", "role.revoked"]);

    // A rename and a change of members in one.
    let both = group_state("Envi_Boss", &[&bob.id.to_string()]);
    bed.tenant.change_group(group.id, Some(4), &both, false, &context()).await.expect("ok");
    let only_bob = {
        let mut state = plain("Envi_Chief");
        state.members = vec![MemberOp::Replace(refs(&[bob.id.to_string()]))];
        state
    };
    bed.tenant.change_group(group.id, Some(5), &only_bob, false, &context()).await.expect("ok");
    assert_eq!(role_names(&bed, bob.id).await, ["Chief"]);
    assert_eq!(role_names(&bed, ann.id).await, ["testing"]);

    let mut removal = plain("envi_testing");
    removal.members = vec![MemberOp::Remove(refs(&[ann.id.to_string()]))];
    bed.tenant.change_group(second.id, None, &removal, false, &context()).await.expect("ok");
    assert!(role_names(&bed, ann.id).await.is_empty());
    assert!(bed.tenant.delete_group(group.id, None, &context()).await.expect("deleted"));
    assert!(role_names(&bed, bob.id).await.is_empty());

    let pairs = bed.tenant.roles_of_users(&[ann.id, bob.id]).await.expect("roles");
    assert!(pairs.is_empty());
}

async fn the_first_spelling_of_a_role_stays(bed: Bed) {
    let (ann, bob) = (bed.user("ann").await, bed.user("bob").await);
    bed.group("Envi_Manager", &[]).await;
    bed.group("ENVI_MANAGER ", &[ann.id.0]).await;
    bed.group("Envi_ÉQUIPE", &[bob.id.0]).await;
    bed.group("Envi_équipe ", &[bob.id.0]).await;
    let pairs = bed.tenant.roles_of_users(&[bob.id, ann.id]).await.expect("roles");
    let shown: Vec<_> = pairs
        .iter()
        .map(|(user, grant)| (*user, grant.role.name.as_str(), grant.via.display.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (ann.id, "Manager", "ENVI_MANAGER "),
            (bob.id, "ÉQUIPE", "Envi_ÉQUIPE"),
            (bob.id, "ÉQUIPE", "Envi_équipe "),
        ]
    );
}

async fn remapping(bed: Bed) {
    let (ann, bob) = (bed.user("ann").await, bed.user("bob").await);
    bed.group("Envi_A", &[ann.id.0, bob.id.0]).await;
    bed.group("App_B", &[ann.id.0]).await;
    let app = RoleMapping::with_prefix("App_");
    let moved = bed
        .tenant
        .remap_roles(&|name, id| app.roles_for(name, id, None), &context())
        .await
        .expect("remapped");
    assert_eq!(moved, (1, 2));
    assert_eq!(role_names(&bed, ann.id).await, ["B"]);
    assert!(role_names(&bed, bob.id).await.is_empty());
    let again = bed
        .tenant
        .remap_roles(&|name, id| app.roles_for(name, id, None), &context())
        .await
        .expect("remapped");
    assert_eq!(again, (0, 0));
    let both = |name: &str, _: Option<&str>| -> Vec<Role> {
        ["Envi_", "App_"]
            .into_iter()
            .flat_map(|prefix| RoleMapping::with_prefix(prefix).roles_of(name))
            .collect()
    };
    assert_eq!(bed.tenant.remap_roles(&both, &context()).await.expect("remapped"), (2, 0));
    assert_eq!(role_names(&bed, ann.id).await, ["A", "B"]);
    assert_eq!(bed.tenant.remap_roles(&|_, _| Vec::new(), &context()).await.expect("remapped"), (0, 3));
}

async fn deletion_keeps_members(bed: Bed) {
    let ann = bed.user("ann").await;
    let group = bed.group("G", &[ann.id.0]).await;
    let stale = bed.tenant.delete_group(group.id, Some(9), &context()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    assert!(bed.tenant.delete_group(group.id, Some(1), &context()).await.expect("deleted"));
    assert!(!bed.tenant.delete_group(group.id, None, &context()).await.expect("gone"));
    assert!(bed.tenant.group(group.id, true).await.expect("read").is_none());
    let user = bed.tenant.user(ann.id, true).await.expect("read").expect("there");
    assert!(user.groups.expect("asked for").is_empty());
    let gone = bed.tenant.change_group(group.id, None, &plain("G"), true, &context()).await;
    assert!(gone.expect("ok").is_none());
    assert_eq!(bed.events(group.id).await.pop(), Some(("group.deleted".to_owned(), 2)));
    bed.group("g", &[]).await;
}

async fn other_tenants_groups_are_out_of_reach(bed: Bed) {
    let ann = bed.user("ann").await;
    let group = bed.group("Envi_A", &[ann.id.0]).await;
    let mut state = plain("Envi_A");
    state.members = vec![MemberOp::Replace(Vec::new())];
    assert!(bed.other.group(group.id, true).await.expect("read").is_none());
    for expected in [None, Some(1)] {
        let outcome = bed.other.change_group(group.id, expected, &state, true, &context()).await;
        assert!(outcome.expect("ok").is_none());
    }
    assert!(!bed.other.delete_group(group.id, None, &context()).await.expect("ok"));
    assert_eq!(bed.other.remap_roles(&|_, _| Vec::new(), &context()).await.expect("ok"), (0, 0));
    assert!(bed.other.roles_of_user(ann.id).await.expect("ok").is_empty());
    let page = bed.other.groups(&ListQuery { limit: 10, ..ListQuery::default() }).await.expect("list");
    assert_eq!((page.total, page.items.len()), (0, 0));
    let foreign = [ann.id.to_string(), group.id.to_string()];
    let made =
        bed.other.create_group(&group_state("Envi_A", &[&foreign[0], &foreign[1]]), true, &context()).await;
    let made = made.expect("the name is free there");
    assert_eq!(made.skipped, foreign);
    let there = bed.tenant.group(group.id, true).await.expect("read").expect("untouched");
    assert_eq!((there.version, there.members.expect("asked for").len()), (1, 1));
    assert_eq!(role_names(&bed, ann.id).await, ["A"]);
}

async fn parallel_member_changes_lose_nothing(bed: Bed) {
    let group = bed.group("Envi_Crowd", &[]).await;
    let leaver = bed.user("leaver").await;
    bed.add(&group, &[leaver.id.to_string()]).await;
    let mut users = Vec::new();
    for number in 0..32 {
        users.push(bed.user(&format!("u{number}")).await.id);
    }
    let changes = users.iter().map(|user| {
        let mut state = plain("Envi_Crowd");
        state.members =
            vec![MemberOp::Add(refs(&[user.to_string()])), MemberOp::Remove(refs(&[leaver.id.to_string()]))];
        let tenant = bed.tenant.clone();
        async move { tenant.change_group(group.id, None, &state, false, &context()).await }
    });
    for outcome in futures::future::join_all(changes).await {
        assert!(outcome.expect("none fails").expect("there").changed);
    }
    let after = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    let members: BTreeSet<_> =
        after.members.expect("asked for").into_iter().map(|member| UserId(member.id)).collect();
    assert_eq!(members, users.iter().copied().collect());
    assert_eq!(after.version, 34, "made, leaver in, 32 changes");
    assert_eq!(bed.tenant.roles_of_users(&users).await.expect("roles").len(), 32);
}

async fn deletions_and_additions_in_parallel_leave_no_orphan(bed: Bed) {
    let mut users = Vec::new();
    for number in 0..12 {
        users.push(bed.user(&format!("u{number}")).await.id);
    }
    let mut groups = Vec::new();
    for number in 0..3 {
        groups.push(bed.group(&format!("Envi_{number}"), &[]).await);
    }
    let additions = groups.iter().flat_map(|group| {
        let tenant = bed.tenant.clone();
        users.chunks(4).map(move |chunk| {
            let ids: Vec<String> = chunk.iter().rev().map(UserId::to_string).collect();
            let mut state = plain(&group.display_name);
            state.members = vec![MemberOp::Add(refs(&ids))];
            let (tenant, id) = (tenant.clone(), group.id);
            async move { tenant.change_group(id, None, &state, false, &context()).await.map(|_| ()) }
        })
    });
    let deletions = users.iter().enumerate().filter(|(number, _)| number % 2 == 0).map(|(number, id)| {
        let (tenant, id) = (bed.tenant.clone(), *id);
        async move {
            if number % 4 == 0 {
                tenant.purge_user(id, None, &context()).await.map(|_| ())
            } else {
                tenant.soft_delete_user(id, None, &context()).await.map(|_| ())
            }
        }
    });
    let additions = futures::future::join_all(additions);
    let deletions = futures::future::join_all(deletions);
    let (added, deleted) = futures::future::join(additions, deletions).await;
    for result in added.into_iter().chain(deleted) {
        result.expect("none fails");
    }
    let alive: BTreeSet<_> =
        users.iter().enumerate().filter(|(number, _)| number % 2 == 1).map(|(_, id)| *id).collect();
    for group in groups {
        let after = bed.tenant.group(group.id, true).await.expect("read").expect("there");
        let members: BTreeSet<_> =
            after.members.expect("asked for").into_iter().map(|member| UserId(member.id)).collect();
        assert_eq!(members, alive);
    }
    assert_eq!(bed.tenant.roles_of_users(&users).await.expect("roles").len(), alive.len() * 3);
}

async fn ten_thousand_members(bed: Bed) {
    let ids = bed.many_users(10_000).await;
    let group = bed.group("Envi_Big", &[]).await;
    let replace = async |ids: &[String]| {
        let mut state = plain("Envi_Big");
        state.members = vec![MemberOp::Replace(refs(ids))];
        let outcome = bed.tenant.change_group(group.id, None, &state, false, &context()).await;
        outcome.expect("ok").expect("there")
    };
    let first = replace(&ids[..9_990]).await;
    assert_eq!((first.group.version, first.skipped.len()), (2, 0));
    let (audit, outbox) = bed.written().await;
    let second = replace(&ids[5..]).await;
    assert_eq!(second.group.version, 3);
    let moved = 2 * (5 + 10);
    assert_eq!(
        bed.written().await,
        (audit + moved, outbox + moved),
        "an event for each edge and grant that moved"
    );
    let after = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    assert_eq!((after.members.as_ref().map(Vec::len), after.more_members), (Some(MEMBERS_AT_ONCE), true));
    assert_eq!(all_members(&bed, after).await, ids[5..]);

    // A change of a group of that size reads none of its members, asked or not.
    let mut state = plain("Envi_Big");
    state.members = vec![MemberOp::Remove(refs(&ids[5..6]))];
    let outcome = bed.tenant.change_group(group.id, None, &state, true, &context()).await;
    let third = outcome.expect("ok").expect("there");
    assert_eq!((third.group.members.as_deref(), third.group.more_members), (Some(&[][..]), true));
    assert_eq!(all_members(&bed, third.group).await, ids[6..]);
}

/// Ids of all members, those read with the group and those after them.
async fn all_members(bed: &Bed, group: Group) -> Vec<String> {
    let mut members = group.members.expect("asked for");
    let mut more = group.more_members;
    while more {
        let last = members.last().map(|member| member.id);
        let next =
            bed.tenant.members_after(group.id, last, MEMBERS_AT_ONCE).await.expect("read").expect("there");
        more = next.len() == MEMBERS_AT_ONCE;
        members.extend(next);
    }
    members.into_iter().map(|member| member.id.to_string()).collect()
}

async fn the_end_of_a_group_is_not_the_end_of_its_members(bed: Bed) {
    let ids = bed.many_users(1_001).await;
    let group = bed.group("Big", &[]).await;
    bed.add(&group, &ids[..1_000]).await;
    let read = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    assert_eq!((read.members.as_ref().map(Vec::len), read.more_members), (Some(1_000), false));
    bed.add(&group, &ids[1_000..]).await;
    let read = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    assert!(read.more_members);
    let last = read.members.expect("asked for").pop().map(|member| member.id);
    let rest = bed.tenant.members_after(group.id, last, MEMBERS_AT_ONCE).await.expect("read").expect("there");
    assert_eq!(rest.iter().map(|member| member.id.to_string()).collect::<Vec<_>>(), ids[1_000..]);
    let after_all =
        bed.tenant.members_after(group.id, rest.last().map(|member| member.id), MEMBERS_AT_ONCE).await;
    assert_eq!(after_all.expect("read"), Some(Vec::new()));
    assert_eq!(bed.other.members_after(group.id, None, MEMBERS_AT_ONCE).await.expect("read"), None);
    assert!(bed.tenant.delete_group(group.id, None, &context()).await.expect("deleted"));
    assert_eq!(bed.tenant.members_after(group.id, last, MEMBERS_AT_ONCE).await.expect("read"), None);
}

async fn a_page_holds_a_bounded_number_of_members(bed: Bed) {
    let ids = bed.many_users(3_000).await;
    let sizes = [10, 3_000, 0, 2_500, 20, 0];
    for (number, size) in sizes.into_iter().enumerate() {
        let group = bed.group(&format!("G{number}"), &[]).await;
        if size > 0 {
            bed.add(&group, &ids[..size]).await;
        }
    }
    let query = ListQuery { limit: 10, edges: true, ..ListQuery::default() };
    let page = bed.tenant.groups(&query).await.expect("list");
    let read: Vec<_> = page.items.iter().map(|group| group.members.as_ref().map_or(0, Vec::len)).collect();
    assert_eq!(read, [10, 3_000, 0, 1_990, 0, 0]);
    let more: Vec<_> = page.items.iter().map(|group| group.more_members).collect();
    assert_eq!(more, [false, false, false, true, true, true]);
    for (group, size) in page.items.into_iter().zip(sizes) {
        assert_eq!(all_members(&bed, group).await, ids[..size]);
    }
}

/// Rows that PostgreSQL reads for a change or a look-up are those concerned, under row-level security too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_change_reads_no_other_member() {
    let bed = Bed::new(Backend::Postgres).await;
    // So many that it would never be cheaper to read them all.
    let ids = bed.many_users(15_000).await;
    let group = bed.group("Envi_Big", &[]).await;
    bed.add(&group, &ids[..14_990]).await;
    let reads = bed
        .rows_read_by(async |tenant| {
            let mut state = plain("Envi_Big");
            state.members =
                vec![MemberOp::Add(refs(&ids[14_995..14_996])), MemberOp::Remove(refs(&ids[7..8]))];
            let outcome = tenant.change_group(group.id, None, &state, false, &context()).await;
            assert!(outcome.expect("ok").expect("there").changed);
            let filter = |text| parse(text, &ResourceType::user(), false).ok();
            for text in [r#"userName eq "many77""#, r#"userName sw "many777""#, r#"externalId eq "x""#] {
                let query =
                    ListQuery { filter: filter(text), limit: 50, edges: true, ..ListQuery::default() };
                tenant.users(&query).await.expect("list");
            }
            let query =
                ListQuery { start: Start::Offset(10), limit: 50, edges: true, ..ListQuery::default() };
            tenant.users(&query).await.expect("list");
            let user: UserId = ids[9].parse().expect("an id");
            assert_eq!(tenant.roles_of_user(user).await.expect("roles").len(), 1);
        })
        .await;
    assert!(reads < 1_000, "{reads} rows were read");
}

/// What is asked of one group or one user reads neither all users nor all edges.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memberships_are_found_by_index() {
    let bed = Bed::new(Backend::Postgres).await;
    let ids = bed.many_users(5_000).await;
    let big = bed.group("Big", &[]).await;
    bed.add(&big, &ids).await;
    let small = bed.group("Small", &[]).await;
    bed.add(&small, &ids[..10]).await;
    let users = async |tenant: &TenantScope, text: String| {
        let filter = parse(&text, &ResourceType::user(), false).expect("a filter");
        let query = ListQuery { filter: Some(filter), limit: 50, edges: true, ..ListQuery::default() };
        tenant.users(&query).await.expect("list").total
    };
    let ask = async |tenant: TenantScope| {
        for text in [
            format!(r#"groups.value eq "{}""#, small.id),
            format!(r#"groups[value eq "{}" and type eq "direct"]"#, small.id),
        ] {
            assert_eq!(users(&tenant, text).await, 10);
        }
        assert_eq!(
            users(&tenant, format!(r#"groups[value eq "{}" and type eq "indirect"]"#, big.id)).await,
            0
        );
        let of_big = format!(r#"userName eq "many7" and groups.value eq "{}""#, big.id);
        assert_eq!(users(&tenant, of_big).await, 1);
        let user: UserId = ids[3].parse().expect("an id");
        let groups = tenant.user(user, true).await.expect("read").expect("there").groups.expect("asked for");
        assert!(groups.len() >= 2);
        assert!(tenant.group(big.id, false).await.expect("read").is_some());
        let query = ListQuery { limit: 50, ..ListQuery::default() };
        assert!(tenant.groups(&query).await.expect("list").total >= 2);
    };
    let reads = bed.rows_read_by(ask).await;
    assert!(reads < 1_000, "{reads} rows were read");
}

/// What is read of a user, or of a page of them, does not grow with the groups of the tenant, nested ones included.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_groups_are_not_read_for_a_user() {
    let bed = Bed::new(Backend::Postgres).await;
    // So many that it would never be cheaper to read them all.
    let ids = bed.many_users(5_000).await;
    let all = bed.group("Envi_All", &[]).await;
    bed.add(&all, &ids).await;
    let first = bed.group("Envi_First", &[]).await;
    bed.add(&first, &ids[..10]).await;
    bed.group("Above", &[first.id.0]).await;
    for number in 0..150 {
        let below = bed.group(&format!("Envi_Below {number}"), &[]).await;
        bed.add(&below, &ids[20..22]).await;
        bed.group(&format!("Above {number}"), &[below.id.0]).await;
    }
    let user: UserId = ids[3].parse().expect("an id");
    let name = bed.tenant.user(user, false).await.expect("read").expect("there").user_name;
    let by_name = parse(&format!(r#"userName eq "{name}""#), &ResourceType::user(), false).expect("a filter");
    let reads = bed
        .rows_read_by(async |tenant| {
            // PostgreSQL plans a statement anew a few times before it keeps a plan.
            for _ in 0..8 {
                let read = tenant.user(user, true).await.expect("read").expect("there");
                assert_eq!(read.groups.expect("asked for").len(), 3);
            }
            let query = ListQuery { filter: Some(by_name), limit: 10, edges: true, ..ListQuery::default() };
            let found = tenant.users(&query).await.expect("list").items.remove(0);
            assert_eq!(found.groups.map(|groups| groups.len()), Some(3));
            let query = ListQuery { limit: 10, edges: true, ..ListQuery::default() };
            let page = tenant.users(&query).await.expect("list");
            assert!(page.items.iter().all(|user| user.groups.as_ref().map(Vec::len) == Some(3)));
            assert_eq!(tenant.roles_of_users(&[user]).await.expect("roles").len(), 2);
        })
        .await;
    assert!(reads < 250, "{reads} rows were read");
}

/// Without members in the answer no row of them is read, however many there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_left_out_are_not_read() {
    let bed = Bed::new(Backend::Postgres).await;
    let ids = bed.many_users(2_000).await;
    let group = bed.group("Big", &[]).await;
    bed.add(&group, &ids).await;
    let ask = async |tenant: TenantScope| {
        assert_eq!(tenant.group(group.id, false).await.expect("read").expect("there").members, None);
        let query = ListQuery { limit: 50, ..ListQuery::default() };
        assert_eq!(tenant.groups(&query).await.expect("list").items[0].members, None);
    };
    // A node looks into every table when it starts.
    let start = bed.looks_at_members_by(async |_| ()).await;
    assert_eq!(bed.looks_at_members_by(ask).await, start);
    let read = async |tenant: TenantScope| {
        assert!(tenant.group(group.id, true).await.expect("read").expect("there").more_members);
    };
    assert_eq!(bed.looks_at_members_by(read).await, start + 1, "what is read is counted");
}

/// A batch costs the same in a tenant of any size: names are looked up, not joined to all users.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_members_reads_no_other_user() {
    let bed = Bed::new(Backend::Postgres).await;
    let ids = bed.many_users(30_000).await;
    let group = bed.group("Big", &[]).await;
    bed.add(&group, &ids[..3_000]).await;
    let reads = bed
        .rows_read_by(async |tenant| {
            let batch = tenant
                .members_after(group.id, ids[500].parse().ok().map(|id: UserId| id.0), MEMBERS_AT_ONCE)
                .await;
            assert_eq!(batch.expect("read").map(|batch| batch.len()), Some(MEMBERS_AT_ONCE));
        })
        .await;
    assert!((1_000..4_000).contains(&reads), "{reads} rows were read");
}

async fn pages_with_members(bed: Bed) {
    let ann = bed.user("ann").await;
    for number in 0..5 {
        bed.group(&format!("G{number}"), &[ann.id.0]).await;
    }
    let query = ListQuery { start: Start::Offset(1), limit: 2, edges: true, ..ListQuery::default() };
    let page = bed.tenant.groups(&query).await.expect("list");
    assert_eq!(page.total, 5);
    let shown: Vec<_> = page.items.iter().map(|group| group.display_name.as_str()).collect();
    assert_eq!(shown, ["G1", "G2"]);
    for group in page.items {
        assert_eq!(group.members.expect("asked for")[0].id, ann.id.0);
    }
}
