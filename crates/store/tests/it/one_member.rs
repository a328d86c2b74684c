//! One member who comes or goes: on PostgreSQL by one call, which has to do all that a change of several does.

use scim_core::{patch::MemberOp, profile::UnknownMemberPolicy, roles::Role};
use serde_json::Value;
use store::{
    UserId,
    groups::{Group, GroupOutcome, GroupState},
    users::User,
};

use crate::support::{Bed, context, group_state, refs, role_names};

both!(
    one_is_told_as_several_are,
    what_is_so_already_stays,
    a_name_with_signs_of_json,
    whoever_is_no_user_is_treated_as_ever,
    many_roles_end_at_once,
);

const NAME: &str = "Envi_Manager";

fn moving(name: &str, operations: Vec<MemberOp>) -> GroupState {
    let none: [&str; 0] = [];
    GroupState { members: operations, ..group_state(name, &none) }
}

fn add(ids: &[String]) -> Vec<MemberOp> {
    vec![MemberOp::Add(refs(ids))]
}

fn remove(ids: &[String]) -> Vec<MemberOp> {
    vec![MemberOp::Remove(refs(ids))]
}

async fn change(bed: &Bed, group: &Group, state: &GroupState) -> GroupOutcome {
    let outcome = bed.tenant.change_group(group.id, None, state, true, &context()).await;
    outcome.expect("changed").expect("there")
}

/// What was told of a user since it was made, without what is its own.
async fn told(bed: &Bed, user: &User) -> Vec<(String, i64, Option<Value>)> {
    let id = user.id.to_string();
    let events = bed.records(user.id).await.into_iter().skip(1);
    let told = events.map(|one| {
        let text = one.payload.map(|payload| payload.to_string().replace(&id, "ID"));
        let payload = text.map(|text| serde_json::from_str(&text).expect("JSON"));
        (one.event, one.version, payload)
    });
    told.collect()
}

async fn one_is_told_as_several_are(bed: Bed) {
    let group = bed.group(NAME, &[]).await;
    let users = [bed.user("ann").await, bed.user("bob").await, bed.user("eve").await];
    let ids: Vec<String> = users.iter().map(|user| user.id.to_string()).collect();
    bed.later(5);
    let one = change(&bed, &group, &moving(NAME, add(&ids[..1]))).await;
    assert!(one.changed);
    assert_eq!((one.group.version, one.group.updated_at - group.updated_at > 0), (2, true));
    assert_eq!(one.group.members.as_ref().map(Vec::len), Some(1));
    assert_eq!(Some(&one.group), bed.tenant.group(group.id, true).await.expect("read").as_ref());
    let two = change(&bed, &group, &moving(NAME, add(&ids[1..]))).await;
    assert_eq!((two.group.version, two.group.members.map(|members| members.len())), (3, Some(3)));
    let several = told(&bed, &users[1]).await;
    let names: Vec<&str> = several.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(names, ["membership.added", "role.granted"]);
    assert_eq!(told(&bed, &users[0]).await, several);
    assert_eq!(role_names(&bed, users[0].id).await, ["Manager"]);

    let one = change(&bed, &group, &moving(NAME, remove(&ids[..1]))).await;
    assert_eq!((one.changed, one.group.members.map(|members| members.len())), (true, Some(2)));
    change(&bed, &group, &moving(NAME, remove(&ids[1..]))).await;
    let several = told(&bed, &users[1]).await;
    assert_eq!(several.len(), 4);
    assert_eq!(told(&bed, &users[0]).await, several);
    assert!(role_names(&bed, users[0].id).await.is_empty());
    // Each entry is what its digest says: numbering reads it again.
    bed.number().await;
}

async fn what_is_so_already_stays(bed: Bed) {
    let ann = bed.user("ann").await;
    let group = bed.group(NAME, &[ann.id.0]).await;
    let written = bed.written().await;
    let again = change(&bed, &group, &moving(NAME, add(&[ann.id.to_string()]))).await;
    assert_eq!((again.changed, again.group.version), (false, group.version));
    assert_eq!(again.group.members.map(|members| members.len()), Some(1));
    let nobody = UserId::generate().to_string();
    let gone = change(&bed, &group, &moving(NAME, remove(&[nobody]))).await;
    assert!(!gone.changed);
    assert_eq!(bed.written().await, written);
}

async fn a_name_with_signs_of_json(bed: Bed) {
    let name = "Envi_\"Chief\" \\ é\u{1F600}\u{7f}\tZ";
    let ann = bed.user("ann").await;
    let group = bed.group(name, &[]).await;
    let outcome = change(&bed, &group, &moving(name, add(&[ann.id.to_string()]))).await;
    assert!(outcome.changed);
    let records = bed.records(ann.id).await;
    let payload = records[1].payload.as_ref().expect("kept");
    assert_eq!(payload["group"]["display"], name);
    assert_eq!(payload["member"]["type"], "User");
}

async fn whoever_is_no_user_is_treated_as_ever(bed: Bed) {
    let (inner, outer) = (bed.group("Inner", &[]).await, bed.group(NAME, &[]).await);
    let as_member = change(&bed, &outer, &moving(NAME, add(&[inner.id.to_string()]))).await;
    assert!(as_member.changed);
    let out = change(&bed, &outer, &moving(NAME, remove(&[inner.id.to_string()]))).await;
    assert_eq!((out.changed, out.group.members.map(|members| members.len())), (true, Some(0)));
    let unknown = moving(NAME, add(&["nobody".to_owned()]));
    let skipped = GroupState { unknown_members: UnknownMemberPolicy::Skip, ..unknown.clone() };
    let outcome = change(&bed, &outer, &skipped).await;
    assert_eq!((outcome.changed, outcome.skipped.as_slice()), (false, &["nobody".to_owned()][..]));
    let refused = GroupState { unknown_members: UnknownMemberPolicy::Reject, ..unknown };
    assert!(bed.tenant.change_group(outer.id, None, &refused, true, &context()).await.is_err());
}

async fn many_roles_end_at_once(bed: Bed) {
    let ann = bed.user("ann").await;
    let group = bed.group(NAME, &[]).await;
    let roles: Vec<Role> =
        (0..9).map(|at| Role { key: format!("role{at}"), name: format!("Role{at}") }).collect();
    let state = GroupState { roles, ..moving(NAME, add(&[ann.id.to_string()])) };
    assert!(change(&bed, &group, &state).await.changed);
    assert_eq!(role_names(&bed, ann.id).await.len(), 9);
    // More grants than the roles that the group gives by now.
    let state = GroupState { roles: Vec::new(), ..moving(NAME, remove(&[ann.id.to_string()])) };
    assert!(change(&bed, &group, &state).await.changed);
    assert!(role_names(&bed, ann.id).await.is_empty());
    let events: Vec<String> = bed.events(ann.id).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events.iter().filter(|event| *event == "role.revoked").count(), 9);
}
