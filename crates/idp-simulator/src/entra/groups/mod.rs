//! Groups: matched by name without their members, created, filled and emptied, renamed, deleted.

mod cases;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::change::{Change, Op};
use super::matching::equals;
use super::{Engine, Operation, User, Wire, bodies};
use crate::judge::{self, Requirement, Verdict, demand};

pub use cases::GroupCase;

/// How every look-up and read of a group asks for it.
const WITHOUT_MEMBERS: &str = "excludedAttributes=members";

/// A group as Entra believes that it stands in the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The server's id.
    pub id: String,
    /// Its name.
    pub name: String,
    pub(super) object_id: String,
    pub(super) members: BTreeSet<String>,
}

impl Group {
    fn ids(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(String::as_str)
    }

    /// The same group with other members.
    pub(super) fn with_members<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self { members: ids.into_iter().map(str::to_owned).collect(), ..self.clone() }
    }

    /// What the server says it is.
    fn learn(&mut self, body: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.name = text(&body["displayName"]);
        self.object_id = text(&body["externalId"]);
        self.members =
            body["members"].as_array().into_iter().flatten().map(|one| text(&one["value"])).collect();
    }
}

impl Engine {
    /// Brings a group into the server, empty: looked up by name, then created, or taken over and emptied of whoever is
    /// in it. `None` when that failed.
    pub async fn provision_group(&self, name: &str, object_id: &str) -> Option<Group> {
        match self.quietly("match group").find_group(name).await {
            Ok(None) => self.create_group(name, object_id).await,
            Ok(Some(found)) => self.take_over_group(name, object_id, &found).await,
            Err(()) => None,
        }
    }

    async fn create_group(&self, name: &str, object_id: &str) -> Option<Group> {
        self.begin("create group").post_group(name, object_id).await
    }

    async fn take_over_group(&self, name: &str, object_id: &str, found: &Value) -> Option<Group> {
        let op = self.begin("take over group");
        let id = found["id"].as_str().unwrap_or_default().to_owned();
        let new = Group { id, name: name.into(), object_id: object_id.into(), members: BTreeSet::new() };
        let current = op.get(&format!("/Groups/{}", new.id)).await?;
        op.status(&current, &[200]).then_some(())?;
        let mut group = new.clone();
        group.learn(current.json());
        let renewed = [
            Change::replace("displayName", name),
            Change::replace("externalId", object_id),
            Change::remove("members"),
        ];
        op.change_group(&mut group, &renewed, new).await;
        Some(group)
    }

    /// Adds users in one PATCH; those who are in stay. True when the server then holds exactly the old and the new.
    pub async fn add_members(&self, group: &mut Group, users: &[User]) -> bool {
        let op = self.begin("add members");
        let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
        op.add(group, &ids).await
    }

    /// Removes users in the style's way. True when the server then holds exactly the others.
    pub async fn remove_members(&self, group: &mut Group, users: &[User]) -> bool {
        let op = self.begin("remove members");
        let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
        op.remove(group, &ids).await
    }

    /// Deletes a group for good: gone for reads, look-ups and a second DELETE; its members (as many as `look_at`) stay.
    pub async fn delete_group(&self, group: &Group, look_at: &[User]) -> bool {
        let op = self.begin("delete group");
        let mut good =
            op.delete(&format!("/Groups/{}", group.id)).await && op.expect_no_group(&group.name).await;
        for user in look_at {
            good &= op.read(user).await;
        }
        good
    }

    /// Reads a group as it stands now, and judges whether it is as it was left. True when it is there.
    pub async fn group_still_stands(&self, group: &Group) -> bool {
        let op = self.begin("read groups");
        let Some(answer) = op.get(&format!("/Groups/{}", group.id)).await else { return false };
        if !op.status(&answer, &[200]) {
            return false;
        }
        op.judge(&answer, op.whole_group(answer.json(), group));
        true
    }
}

/// Members as Entra names them.
pub(super) fn values<'a>(ids: impl IntoIterator<Item = &'a str>) -> Value {
    ids.into_iter().map(|id| json!({"$ref": null, "value": id})).collect()
}

/// The operations that remove members: one with a list of values, or one with a filter for each.
pub(super) fn removals(wire: Wire, ids: &[&str]) -> Vec<Change> {
    match wire {
        Wire::Legacy => vec![Change {
            op: Op::Remove,
            path: Some("members".into()),
            value: Some(values(ids.iter().copied())),
        }],
        Wire::Compliant => {
            ids.iter().map(|id| Change::remove(format!("members[{}]", equals("value", id)))).collect()
        }
    }
}

impl Operation<'_> {
    /// POST of a group: 201, the same when it is read and when it is looked up.
    pub(super) async fn post_group(&self, name: &str, object_id: &str) -> Option<Group> {
        let answer = self.send(Method::POST, "/Groups", Some(&bodies::create_group(name, object_id))).await?;
        self.status(&answer, &[201]).then_some(())?;
        self.judge(&answer, [judge::id(answer.json())]).then_some(())?;
        let id = answer.json()["id"].as_str().unwrap_or_default().to_owned();
        let group = Group { id, name: name.into(), object_id: object_id.into(), members: BTreeSet::new() };
        self.judge(&answer, [judge::location(&answer)]);
        self.judge(&answer, self.whole_group(answer.json(), &group));
        self.read_group(&group).await;
        self.expect_group(&group, name).await;
        Some(group)
    }

    pub(super) fn group_path(&self, name: &str) -> String {
        self.list_path("/Groups", &equals("displayName", name), Some(WITHOUT_MEMBERS))
    }

    pub(super) async fn find_group(&self, name: &str) -> Result<Option<Value>, ()> {
        let (answer, hit) = self.find(&self.group_path(name)).await?;
        if let Some(hit) = &hit {
            self.judge(&answer, [judge::without_members(hit), judge::hit_is(hit, "displayName", name)]);
        }
        Ok(hit)
    }

    /// The name, in any case, finds this group and no other.
    pub(super) async fn expect_group(&self, group: &Group, name: &str) -> bool {
        let requirement = Requirement {
            text: "a group is found by its name",
            source: "Entra ID's reads, Entra ID's SCIM Validator",
        };
        let Ok(hit) = self.find_group(name).await else { return false };
        let id = hit.as_ref().and_then(|hit| hit["id"].as_str());
        let found = || id.map_or_else(|| "none".to_owned(), |id| format!("id {id} for {}", group.id));
        self.hold(format!("GET {}", self.group_path(name)), demand(id == Some(&group.id), requirement, found))
    }

    pub(super) async fn expect_no_group(&self, name: &str) -> bool {
        let requirement = Requirement {
            text: "a look-up of a group that is not there is 200 and an empty list",
            source: "Entra ID's reads, Entra ID's SCIM Validator",
        };
        let Ok(hit) = self.find_group(name).await else { return false };
        self.hold(
            format!("GET {}", self.group_path(name)),
            demand(hit.is_none(), requirement, || "a hit".into()),
        )
    }

    pub(super) fn whole_group(&self, body: &Value, group: &Group) -> Vec<Verdict> {
        vec![
            judge::schemas(body, judge::GROUP),
            judge::same_id(body, &group.id),
            judge::group_name(body, &group.name),
            judge::as_sent("externalId", &json!(group.object_id), body.get("externalId")),
            judge::group_members(body, group.ids()),
            judge::meta(body, "Group"),
            judge::no_nulls(body),
        ]
    }

    /// `GET /Groups/{id}`, without members as Entra does, and with them to see whether they are right.
    pub(super) async fn read_group(&self, group: &Group) -> bool {
        self.look_at_group(group).await.is_some_and(|(good, _)| good)
    }

    /// The same; what the group is in the server, where it is there.
    async fn look_at_group(&self, group: &Group) -> Option<(bool, Value)> {
        let path = format!("/Groups/{}", group.id);
        let answer = self.get(&format!("{path}?{WITHOUT_MEMBERS}")).await?;
        let without = [judge::without_members(answer.json()), judge::group_name(answer.json(), &group.name)];
        let mut good = self.status(&answer, &[200]) && self.judge(&answer, without);
        let answer = self.get(&path).await?;
        self.status(&answer, &[200]).then_some(())?;
        good &= self.judge(&answer, self.whole_group(answer.json(), group));
        Some((good, answer.json().clone()))
    }

    /// One PATCH of exactly these operations, answered with 204 or the group; then the stored state. `next` is the group
    /// after it. A change that is refused leaves the group as it was, and what the server made of one instead is taken
    /// for granted afterwards: a fault is told once.
    pub(super) async fn change_group(&self, group: &mut Group, changes: &[Change], next: Group) -> bool {
        let body = bodies::patch(self.engine.wire, changes);
        let path = format!("/Groups/{}", group.id);
        let Some(answer) = self.send(Method::PATCH, &path, Some(&body)).await else { return false };
        if !self.status(&answer, &[200, 204]) {
            return false;
        }
        *group = next;
        let good = self.judge(&answer, [judge::group_answer(&answer, &group.id, &group.name, group.ids())]);
        match self.look_at_group(group).await {
            Some((true, _)) => good,
            Some((false, body)) => {
                group.learn(&body);
                false
            }
            None => false,
        }
    }

    pub(super) async fn add(&self, group: &mut Group, ids: &[&str]) -> bool {
        if ids.is_empty() {
            return true;
        }
        let next = group.with_members(group.ids().chain(ids.iter().copied()));
        self.change_group(group, &[Change::add("members", values(ids.iter().copied()))], next).await
    }

    pub(super) async fn remove(&self, group: &mut Group, ids: &[&str]) -> bool {
        let next = group.with_members(group.ids().filter(|id| !ids.contains(id)));
        match removals(self.engine.wire, ids) {
            changes if changes.is_empty() => true,
            changes => self.change_group(group, &changes, next).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_leave_by_a_list_or_by_filters() {
        let legacy = bodies::patch(Wire::Legacy, &removals(Wire::Legacy, &["a", "b"]));
        assert_eq!(
            legacy["Operations"],
            json!([{"op": "Remove", "path": "members",
                "value": [{"$ref": null, "value": "a"}, {"$ref": null, "value": "b"}]}])
        );
        let compliant = bodies::patch(Wire::Compliant, &removals(Wire::Compliant, &["a", "b"]));
        assert_eq!(
            compliant["Operations"],
            json!([{"op": "remove", "path": "members[value eq \"a\"]"}, {"op": "remove", "path": "members[value eq \"b\"]"}])
        );
        assert!(removals(Wire::Compliant, &[]).is_empty());
    }
}
