//! Group push: look-up, create or link, members in and out, rename, Push Now, delete.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Account, AppStyle, Engine, Operation, bodies};
use crate::client::look_up_path;
use crate::judge::{self, Requirement, demand};

/// Members in one PATCH, as many as were seen.
const MEMBERS_AT_ONCE: usize = 256;

/// A group as Okta believes that it stands in the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedGroup {
    /// The server's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Members: the server's user id, and the name shown.
    pub members: BTreeMap<String, String>,
}

impl PushedGroup {
    /// The members' ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    fn values(&self) -> Vec<Value> {
        self.members.iter().map(member).collect()
    }
}

fn member((id, display): (&String, &String)) -> Value {
    json!({"value": id, "display": display})
}

fn members(accounts: &[Account]) -> BTreeMap<String, String> {
    accounts.iter().map(|account| (account.id.clone(), account.person.user_name.clone())).collect()
}

impl Engine {
    /// Pushes a group with its members: found by name it is linked (a catalogue app then leaves old members in), else
    /// created empty, read, and filled. `None` when that failed.
    pub async fn push_group(&self, name: &str, people: &[Account]) -> Option<PushedGroup> {
        self.push(name, members(people), &[]).await
    }

    /// The same with member ids that the server does not know: they are skipped, the others arrive.
    pub async fn push_group_with_unknown(
        &self,
        name: &str,
        people: &[Account],
        unknown: &[&str],
    ) -> Option<PushedGroup> {
        self.push(name, members(people), unknown).await
    }

    async fn push(&self, name: &str, new: BTreeMap<String, String>, unknown: &[&str]) -> Option<PushedGroup> {
        let op = self.begin("push group");
        let mut group = match op.find_group(name).await.ok()? {
            Some(found) => op.link_group(&found).await?,
            None => op.create_group(name).await?,
        };
        name.clone_into(&mut group.name);
        let good = match self.style {
            AppStyle::Wizard => {
                group.members = new;
                op.put_group(&group, unknown).await
            }
            AppStyle::Catalogue => {
                let added = op.additions(&mut group, new, unknown);
                op.patch_group(&group, added).await
            }
        };
        (good && op.read_group(&group).await).then_some(group)
    }

    /// Adds members; those already in stay. True when the server then holds exactly the old and the new.
    pub async fn add_members(&self, group: &mut PushedGroup, people: &[Account]) -> bool {
        let op = self.begin("add members");
        let operations = op.additions(group, members(people), &[]);
        op.change(group, operations).await
    }

    /// Removes members, one filtered operation each. True when the server then holds exactly the others.
    pub async fn remove_members(&self, group: &mut PushedGroup, people: &[Account]) -> bool {
        let op = self.begin("remove members");
        let mut operations = Vec::new();
        for account in people {
            group.members.remove(&account.id);
            operations.push(json!({"op": "remove", "path": format!("members[value eq \"{}\"]", account.id)}));
        }
        op.change(group, operations).await
    }

    /// Push Now: the whole list again, which overwrites whatever the server had; an empty list clears.
    pub async fn push_now(&self, group: &mut PushedGroup, people: &[Account]) -> bool {
        let op = self.begin("push now");
        group.members = members(people);
        let good = match self.style {
            AppStyle::Wizard => op.put_group(group, &[]).await,
            AppStyle::Catalogue if group.members.is_empty() => {
                let value = json!({"members": [], "id": group.id, "displayName": group.name});
                op.patch_once(group, &[json!({"op": "replace", "value": value})], true).await
            }
            AppStyle::Catalogue => {
                let all = json!({"op": "replace", "path": "members", "value": group.values()});
                op.patch_once(group, &[all], true).await
            }
        };
        good && op.read_group(group).await
    }

    /// Renames a group: found under the new name only, members as before.
    pub async fn rename_group(&self, group: &mut PushedGroup, name: &str) -> bool {
        let op = self.begin("rename group");
        let old = std::mem::replace(&mut group.name, name.to_owned());
        if !op.change(group, Vec::new()).await {
            return false;
        }
        let requirement =
            Requirement { text: "a renamed group is found by its new name only", source: "Okta: rename" };
        let (Ok(before), Ok(now)) = (op.find_group(&old).await, op.find_group(name).await) else {
            return false;
        };
        let good = before.is_none() && now.is_some_and(|found| found["id"].as_str() == Some(&group.id));
        op.hold(
            format!("GET {}", look_up_path("/Groups", "displayName", name)),
            demand(good, requirement, || "the old name, or not the new one".into()),
        )
    }

    /// Deletes a pushed group: it is gone, its members (as many as `look_at`) stay (C9318).
    pub async fn delete_group(&self, group: &PushedGroup, look_at: &[Account]) -> bool {
        let op = self.begin("delete group");
        let path = format!("/Groups/{}", group.id);
        let Some(answer) = op.send(Method::DELETE, &path, None).await else { return false };
        let mut good = op.status(&answer, &[204])
            && op.judge(&answer, [judge::nothing(&answer)])
            && op.expect_gone(&path).await
            && op.expect_no_group(&group.name).await;
        for account in look_at {
            good &= op.read_back(account, &[]).await;
        }
        good
    }
}

impl Operation<'_> {
    async fn find_group(&self, name: &str) -> super::users::Found {
        self.find(&look_up_path("/Groups", "displayName", name), "displayName", name).await
    }

    async fn expect_no_group(&self, name: &str) -> bool {
        let requirement =
            Requirement { text: "a deleted group is found no more", source: "Okta: delete pushed group" };
        let path = look_up_path("/Groups", "displayName", name);
        match self.find(&path, "displayName", name).await {
            Ok(hit) => {
                self.hold(format!("GET {path}"), demand(hit.is_none(), requirement, || "a hit".into()))
            }
            Err(()) => false,
        }
    }

    async fn create_group(&self, name: &str) -> Option<PushedGroup> {
        let body = bodies::group(None, name, &[]);
        let answer = self.send(Method::POST, "/Groups", Some(&body)).await?;
        self.status(&answer, &[201]).then_some(())?;
        self.judge(&answer, [judge::id(answer.json())]).then_some(())?;
        let id = answer.json()["id"].as_str().unwrap_or_default().to_owned();
        let group = PushedGroup { id, name: name.to_owned(), members: BTreeMap::new() };
        self.judge(&answer, [judge::location(&answer)]);
        self.judge(&answer, self.whole_group(answer.json(), &group));
        self.read_group(&group).await.then_some(group)
    }

    /// A group that was there before: Okta keeps its id, and its members stay.
    async fn link_group(&self, found: &Value) -> Option<PushedGroup> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut group = PushedGroup {
            id: text(&found["id"]),
            name: text(&found["displayName"]),
            members: BTreeMap::new(),
        };
        let read = self.get(&format!("/Groups/{}", group.id)).await?;
        self.status(&read, &[200]).then_some(())?;
        let members = read.json()["members"].as_array().into_iter().flatten();
        group.members = members.map(|one| (text(&one["value"]), text(&one["display"]))).collect();
        self.judge(&read, self.whole_group(read.json(), &group)).then_some(group)
    }

    /// Takes new members into the group as Okta knows it; the operations that add them.
    fn additions(
        &self,
        group: &mut PushedGroup,
        new: BTreeMap<String, String>,
        unknown: &[&str],
    ) -> Vec<Value> {
        let nobody = unknown.iter().map(|id| json!({"value": id, "display": "nobody@example.com"}));
        let values: Vec<Value> = new.iter().map(member).chain(nobody).collect();
        group.members.extend(new);
        let add = |chunk: &[Value]| json!({"op": "add", "path": "members", "value": chunk});
        values.chunks(MEMBERS_AT_ONCE).map(add).collect()
    }

    /// A change of membership or name: PUT of the whole, or PATCH; then read again.
    async fn change(&self, group: &PushedGroup, operations: Vec<Value>) -> bool {
        let good = match self.engine.style {
            AppStyle::Wizard => self.put_group(group, &[]).await,
            AppStyle::Catalogue => self.patch_group(group, operations).await,
        };
        good && self.read_group(group).await
    }

    async fn put_group(&self, group: &PushedGroup, unknown: &[&str]) -> bool {
        let mut values = group.values();
        values.extend(unknown.iter().map(|id| json!({"value": id, "display": "nobody@example.com"})));
        let body = bodies::group(Some(&group.id), &group.name, &values);
        let path = format!("/Groups/{}", group.id);
        let Some(answer) = self.send(Method::PUT, &path, Some(&body)).await else { return false };
        self.status(&answer, &[200]) && self.judge(&answer, self.whole_group(answer.json(), group))
    }

    /// PATCHes with the name beside the changes, as Okta always sends it; additions in requests of their own when
    /// there are many.
    async fn patch_group(&self, group: &PushedGroup, operations: Vec<Value>) -> bool {
        let rename = json!({"op": "replace", "value": {"id": group.id, "displayName": group.name}});
        let (additions, others): (Vec<Value>, Vec<Value>) =
            operations.into_iter().partition(|one| one["op"] == "add");
        let mut additions = additions.into_iter();
        let mut rest = additions.len();
        let first: Vec<Value> =
            std::iter::once(rename.clone()).chain(others).chain(additions.next()).collect();
        rest = rest.saturating_sub(1);
        if !self.patch_once(group, &first, rest == 0).await {
            return false;
        }
        for addition in additions {
            rest -= 1;
            if !self.patch_once(group, &[rename.clone(), addition], rest == 0).await {
                return false;
            }
        }
        true
    }

    /// One PATCH; the answer of the `last` one of a change must show the whole change.
    async fn patch_once(&self, group: &PushedGroup, operations: &[Value], last: bool) -> bool {
        let path = format!("/Groups/{}", group.id);
        let body = bodies::patch(operations);
        let Some(answer) = self.send(Method::PATCH, &path, Some(&body)).await else { return false };
        self.status(&answer, &[200, 204])
            && (!last
                || self.judge(&answer, [judge::group_answer(&answer, &group.id, &group.name, group.ids())]))
    }

    fn whole_group(&self, body: &Value, group: &PushedGroup) -> [judge::Verdict; 5] {
        [
            judge::schemas(body, judge::GROUP),
            judge::same_id(body, &group.id),
            judge::group_name(body, &group.name),
            judge::group_members(body, group.ids()),
            judge::meta(body, "Group"),
        ]
    }

    /// `GET /Groups/{id}`: the stored state is what was sent.
    async fn read_group(&self, group: &PushedGroup) -> bool {
        let Some(answer) = self.get(&format!("/Groups/{}", group.id)).await else { return false };
        self.status(&answer, &[200]) && self.judge(&answer, self.whole_group(answer.json(), group))
    }
}
