//! Role mappings: what another one would do, protected roles, and changes of groups that were made for an earlier one.

use scim_core::{
    intake::MemberRef,
    patch::MemberOp,
    roles::{Role, RoleMapping},
};
use serde_json::json;
use store::{
    StoreError, TenantScope, Terms, UserId,
    groups::{Group, GroupState},
    tenants::NewProfile,
};
use store_testing::on_both;
use uuid::Uuid;

use crate::{
    common::tenant,
    support::{Bed, context, group_state, plain, role_names, user_state},
};

both!(
    people_are_counted_once,
    an_external_id_gives_roles_too,
    the_last_holder_stays,
    two_last_holders_do_not_both_go,
    a_deactivated_holder_counts_for_nothing,
    a_mapping_keeps_protected_roles,
    a_large_mapping_moves_group_by_group,
);

/// The changes of a preview, as `role +gain -lose`.
async fn preview(scope: &TenantScope, mapping: &RoleMapping) -> Vec<String> {
    let roles_of = |name: &str, id: Option<&str>| mapping.roles_for(name, id, None);
    let changes = scope.preview_roles(&roles_of).await.expect("a preview");
    changes.iter().map(|change| format!("{} +{} -{}", change.role.name, change.gain, change.lose)).collect()
}

async fn people_are_counted_once(bed: Bed) {
    let (ann, bob, eve) =
        (bed.user("ann").await.id.0, bed.user("bob").await.id.0, bed.user("eve").await.id.0);
    bed.group("Envi_Manager", &[ann, bob]).await;
    bed.group("App_manager", &[bob, eve]).await;
    bed.group("App_Clerk", &[ann]).await;
    let inner = bed.group("Everyone", &[eve]).await;
    bed.group("App_Outer", &[inner.id.0]).await;
    let written = bed.written().await;
    let (envi, app) = (RoleMapping::with_prefix("Envi_"), RoleMapping::with_prefix("App_"));
    assert!(preview(&bed.tenant, &envi).await.is_empty(), "nothing changes");
    // Bob keeps the role through another group, Ann loses it, Eve gains it. A group in a group gives no role.
    assert_eq!(preview(&bed.tenant, &app).await, ["Clerk +1 -0", "Manager +1 -1"]);
    assert_eq!(preview(&bed.tenant, &RoleMapping::default()).await, ["Manager +0 -2"]);
    let twice = RoleMapping::with_prefix("e");
    assert_eq!(preview(&bed.tenant, &twice).await, ["Manager +0 -2", "nvi_Manager +2 -0", "veryone +1 -0"]);
    assert_eq!(bed.written().await, written, "nothing was written");
    assert!(preview(&bed.other, &app).await.is_empty());

    // What was told is what comes.
    let moved =
        bed.tenant.remap_roles(&|name, id| app.roles_for(name, id, None), &context()).await.expect("ok");
    assert_eq!(moved, (3, 2));
    assert!(preview(&bed.tenant, &app).await.is_empty());
}

async fn an_external_id_gives_roles_too(bed: Bed) {
    let ann = bed.user("ann").await;
    let state = |external_id: Option<&str>, roles: &[&str]| {
        let mut state = group_state("Staff", &[&ann.id.to_string()]);
        if let Some(external_id) = external_id {
            state.document.insert("externalId".into(), external_id.into());
        }
        state.roles =
            roles.iter().map(|name| Role { key: name.to_lowercase(), name: (*name).into() }).collect();
        state
    };
    let made =
        bed.tenant.create_group(&state(Some("x1"), &["Clerk"]), false, &context()).await.expect("made");
    assert_eq!(role_names(&bed, ann.id).await, ["Clerk"]);
    let by_id = |_: &str, id: Option<&str>| match id {
        Some(id) => vec![Role { key: id.to_owned(), name: id.to_owned() }],
        None => Vec::new(),
    };
    assert_eq!(bed.tenant.preview_roles(&by_id).await.expect("ok").len(), 2);
    // Another externalId under the same name: the roles follow, for members that were there before too.
    let renewed = state(Some("x2"), &["Boss"]);
    let changed = bed.tenant.change_group(made.group.id, Some(1), &renewed, false, &context()).await;
    assert_eq!(changed.expect("ok").expect("there").group.version, 2);
    assert_eq!(role_names(&bed, ann.id).await, ["Boss"]);
    // A change of members that was made for the earlier one has other roles in hand.
    let stale =
        bed.tenant.change_group(made.group.id, None, &state(Some("x1"), &["Clerk"]), false, &context()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    let taken = bed.tenant.change_group(made.group.id, Some(2), &state(None, &[]), false, &context()).await;
    assert!(taken.expect("ok").expect("there").changed);
    assert!(role_names(&bed, ann.id).await.is_empty());
}

/// The tenant's scope, with `owner` protected.
fn guarded(bed: &Bed) -> TenantScope {
    bed.tenant.under(Terms { protected: vec!["owner".into()], ..Terms::default() })
}

fn remove(group: &Group, members: &[UserId]) -> GroupState {
    let members = members.iter().map(|id| MemberRef { value: id.to_string() }).collect();
    GroupState { members: vec![MemberOp::Remove(members)], ..plain(&group.display_name) }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(&outcome, Err(StoreError::LastHolder(role)) if role == "Owner"), "{outcome:?}");
}

async fn the_last_holder_stays(bed: Bed) {
    let (ann, bob) = (bed.user("ann").await, bed.user("bob").await);
    let group = bed.group("Envi_Owner", &[ann.id.0]).await;
    let scope = guarded(&bed);
    let written = bed.written().await;
    let gone = remove(&group, &[ann.id]);
    refused(scope.change_group(group.id, None, &gone, false, &context()).await);
    let emptied = GroupState { members: vec![MemberOp::Replace(Vec::new())], ..plain("Envi_Owner") };
    refused(scope.change_group(group.id, Some(1), &emptied, false, &context()).await);
    refused(scope.change_group(group.id, Some(1), &plain("Others"), false, &context()).await);
    refused(scope.change_group(group.id, Some(1), &plain("Envi_Clerk"), false, &context()).await);
    refused(scope.delete_group(group.id, None, &context()).await);
    refused(scope.soft_delete_user(ann.id, None, &context()).await);
    refused(scope.purge_user(ann.id, None, &context()).await);
    // Nothing half-written.
    assert_eq!(bed.written().await, written);
    assert_eq!(role_names(&bed, ann.id).await, ["Owner"]);
    let read = bed.tenant.group(group.id, true).await.expect("read").expect("there");
    assert_eq!((read.version, read.display_name.as_str()), (1, "Envi_Owner"));
    assert_eq!(read.members.expect("asked for").len(), 1);
    let user = bed.tenant.user(ann.id, true).await.expect("read").expect("there");
    assert_eq!((user.version, user.groups.expect("asked for").len()), (1, 1));

    // Another spelling of the name is the same role, and others come and go.
    assert!(scope.change_group(group.id, Some(1), &plain("ENVI_OWNER"), false, &context()).await.is_ok());
    let clerks = bed.group("Envi_Clerk", &[ann.id.0]).await;
    assert!(scope.delete_group(clerks.id, None, &context()).await.expect("deleted"));
    // With somebody else who has it, she may go.
    let more = bed.group("envi_owner2", &[]).await;
    let second = GroupState {
        roles: vec![Role { key: "owner".into(), name: "Owner".into() }],
        ..group_state("envi_owner2", &[bob.id.to_string()])
    };
    scope.change_group(more.id, None, &second, false, &context()).await.expect("added");
    assert!(scope.soft_delete_user(ann.id, None, &context()).await.expect("deleted"));
    refused(scope.purge_user(bob.id, None, &context()).await);
    // Without terms nothing is asked.
    assert!(bed.tenant.purge_user(bob.id, None, &context()).await.expect("purged"));
}

async fn two_last_holders_do_not_both_go(bed: Bed) {
    let scope = guarded(&bed);
    let mut refusals = 0;
    for round in 0..8 {
        let (ann, bob) = (bed.user(&format!("ann{round}")).await, bed.user(&format!("bob{round}")).await);
        let one = bed.group("Envi_Owner", &[ann.id.0]).await;
        let owner = RoleMapping::with_prefix("Envi_").roles_of("Envi_Owner");
        let two = GroupState { roles: owner, ..group_state("Second", &[bob.id.to_string()]) };
        let two = bed.tenant.create_group(&two, false, &context()).await.expect("made").group;
        let (context, gone) = (context(), remove(&one, &[ann.id]));
        let left = scope.change_group(one.id, None, &gone, false, &context);
        let (left, deleted) = if round % 2 == 0 {
            let (left, deleted) = tokio::join!(left, scope.delete_group(two.id, None, &context));
            (left.map(|_| ()), deleted.map(|_| ()))
        } else {
            let (left, deleted) = tokio::join!(left, scope.soft_delete_user(bob.id, None, &context));
            (left.map(|_| ()), deleted.map(|_| ()))
        };
        let outcomes = [left, deleted];
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        for outcome in outcomes.into_iter().filter(Result::is_err) {
            refused(outcome);
            refusals += 1;
        }
        let holders = [role_names(&bed, ann.id).await.len(), role_names(&bed, bob.id).await.len()];
        assert_eq!(holders.iter().sum::<usize>(), 1);
        for group in [one.id, two.id] {
            bed.tenant.delete_group(group, None, &context).await.expect("cleared away");
        }
    }
    assert_eq!(refusals, 8);
}

async fn a_deactivated_holder_counts_for_nothing(bed: Bed) {
    let (ann, bob) = (bed.user("ann").await, bed.user("bob").await);
    let group = bed.group("Envi_Owner", &[ann.id.0, bob.id.0]).await;
    let scope = guarded(&bed);
    let off = user_state(json!({"userName": "bob", "active": false}));
    assert!(scope.replace_user(bob.id, 1, &off, &context()).await.expect("never refused").is_some());
    // Bob goes without harm; Ann is the last one who can do anything.
    scope.change_group(group.id, None, &remove(&group, &[bob.id]), false, &context()).await.expect("removed");
    refused(scope.change_group(group.id, None, &remove(&group, &[ann.id]), false, &context()).await);
    // Whoever is turned off goes out at once, the last one too; from then on there is nothing to keep.
    let off = user_state(json!({"userName": "ann", "active": false}));
    assert!(scope.replace_user(ann.id, 1, &off, &context()).await.expect("never refused").is_some());
    assert!(scope.soft_delete_user(ann.id, None, &context()).await.expect("deleted"));
}

async fn a_mapping_keeps_protected_roles(bed: Bed) {
    let ann = bed.user("ann").await;
    bed.group("Envi_Owner", &[ann.id.0]).await;
    let none = |_: &str, _: Option<&str>| -> Vec<Role> { Vec::new() };
    // What looks only at what would come is refused alike, and by somebody who can do nothing nobody is kept.
    refused(guarded(&bed).preview_roles(&none).await);
    let bob = bed.user("bob").await;
    let off = user_state(json!({"userName": "bob", "active": false}));
    bed.tenant.replace_user(bob.id, 1, &off, &context()).await.expect("deactivated").expect("there");
    bed.group("App_Owner", &[bob.id.0]).await;
    refused(guarded(&bed).preview_roles(&|name, _| RoleMapping::with_prefix("App_").roles_of(name)).await);
    bed.group("Team_Owner", &[ann.id.0]).await;
    let team = |name: &str, _: Option<&str>| RoleMapping::with_prefix("Team_").roles_of(name);
    assert!(guarded(&bed).preview_roles(&team).await.is_ok(), "she keeps it through another group");
    refused(guarded(&bed).remap_roles(&none, &context()).await);
    assert_eq!(role_names(&bed, ann.id).await, ["Owner"]);
    assert_eq!(bed.tenant.remap_roles(&none, &context()).await.expect("not protected"), (0, 1));
}

async fn a_large_mapping_moves_group_by_group(bed: Bed) {
    let people: Vec<Uuid> = {
        let mut ids = Vec::new();
        for number in 0..3 {
            ids.push(bed.user(&format!("u{number}")).await.id.0);
        }
        ids
    };
    for number in 0..120 {
        bed.group(&format!("App_{number}"), &people).await;
    }
    let app = RoleMapping::with_prefix("App_");
    assert_eq!(preview(&bed.tenant, &app).await.len(), 120);
    let moved =
        bed.tenant.remap_roles(&|name, id| app.roles_for(name, id, None), &context()).await.expect("ok");
    assert_eq!(moved, (360, 0));
    assert_eq!(role_names(&bed, UserId(people[1])).await.len(), 120);
    let events = bed.events(people[0]).await;
    assert_eq!(events.iter().filter(|(event, _)| event == "role.granted").count(), 120);
    let none = |_: &str, _: Option<&str>| -> Vec<Role> { Vec::new() };
    assert_eq!(bed.tenant.remap_roles(&none, &context()).await.expect("ok"), (0, 360));
}

on_both! {
    /// A node that has not heard of a new mapping yet gives nobody roles by the old one.
    async fn changes_by_an_earlier_mapping_are_refused(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id).under(Terms { mapping_version: Some(1), ..Terms::default() });
        let made = scope.create_group(&plain("Envi_A"), false, &context()).await.expect("made").group;
        let none = |_: &str, _: Option<&str>| -> Vec<Role> { Vec::new() };
        let new = NewProfile {
            expected_version: 1, profile_name: "mine", text: "second", roles_of: Some(&none), new_layout: false,
        };
        store.tenant(id).save_profile(&new, &context()).await.expect("saved");
        let written = store.tenant(id).audit(None, 100).await.expect("a trail").len();
        let reconfigured = |outcome: Result<(), StoreError>| {
            assert!(matches!(outcome, Err(StoreError::Reconfigured)), "{outcome:?}");
        };
        reconfigured(scope.create_group(&plain("Envi_B"), false, &context()).await.map(|_| ()));
        reconfigured(scope.change_group(made.id, Some(1), &plain("x"), false, &context()).await.map(|_| ()));
        reconfigured(scope.delete_group(made.id, None, &context()).await.map(|_| ()));
        assert_eq!(store.tenant(id).audit(None, 100).await.expect("a trail").len(), written);
        let now = store.tenant(id).under(Terms { mapping_version: Some(2), ..Terms::default() });
        assert!(now.delete_group(made.id, None, &context()).await.expect("deleted"));
    }

    /// Groups are made all the time while the mapping changes: in the end each member has the roles of one mapping.
    async fn groups_that_come_during_a_change_are_mapped(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id);
        let ann = scope.create_user(&user_state(json!({"userName": "ann"})), &context()).await.expect("made").id;
        let old = scope.under(Terms { mapping_version: Some(1), ..Terms::default() });
        let context = context();
        let begun = tokio::sync::Notify::new();
        let making = async {
            for number in 0.. {
                let state = group_state(&format!("Envi_{number}"), &[ann.to_string()]);
                match old.create_group(&state, false, &context).await {
                    Ok(_) => begun.notify_one(),
                    Err(StoreError::Reconfigured) => return number,
                    Err(error) => panic!("{error}"),
                }
            }
            0
        };
        let none = |_: &str, _: Option<&str>| -> Vec<Role> { Vec::new() };
        let new = NewProfile {
            expected_version: 1, profile_name: "mine", text: "second", roles_of: Some(&none), new_layout: false,
        };
        let saving = async {
            begun.notified().await;
            scope.save_profile(&new, &context).await.expect("saved")
        };
        let (made, saved) = tokio::join!(making, saving);
        assert!(made > 0 && saved.revoked > 0);
        assert!(scope.roles_of_user(ann).await.expect("roles").is_empty(), "no role of the old mapping is left");
    }
}
