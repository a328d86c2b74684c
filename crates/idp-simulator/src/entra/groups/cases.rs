//! What a server must take from Entra about groups, each habit an operation of its own.

use serde_json::json;

use super::{Group, removals, values};
use crate::entra::change::{Change, Op};
use crate::entra::{Engine, User, Wire, bodies};
use crate::judge;

/// One habit, or a few of a kind, tried on a group whose members are `users` of the case, and nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupCase {
    /// Another name, and back.
    Rename,
    /// Another `externalId` in a value without a path, and back.
    ExternalId,
    /// All members in one operation, then one operation each in one PATCH; those who are in already stay.
    ManyAtOnce,
    /// One member added and removed in one PATCH, and the other way round.
    AddAndRemove,
    /// A remove with an empty list removes nobody, and with others only those.
    RemoveNobody,
    /// The whole list replaced.
    Replace,
    /// Reference checks by `members`.
    References,
    /// Look-ups in another case, and of a group that is not there.
    LookUps,
    /// A second group of the name is refused.
    Duplicate,
}

impl GroupCase {
    /// All of them, in the order in which they are played.
    pub const ALL: [Self; 9] = [
        Self::Rename,
        Self::ManyAtOnce,
        Self::RemoveNobody,
        Self::AddAndRemove,
        Self::References,
        Self::ExternalId,
        Self::Replace,
        Self::LookUps,
        Self::Duplicate,
    ];
}

fn ids(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.id.as_str()).collect()
}

impl Engine {
    /// Plays one case on a group with some users; `guid` is nobody's. True when the server did as Entra needs.
    pub async fn play_group(&self, case: GroupCase, group: &mut Group, users: &[User], guid: &str) -> bool {
        match case {
            GroupCase::Rename => self.rename_group(group).await,
            GroupCase::ExternalId => self.change_external_id(group, guid).await,
            GroupCase::ManyAtOnce => self.add_many_at_once(group, users).await,
            GroupCase::AddAndRemove => self.add_and_remove(group, users).await,
            GroupCase::RemoveNobody => self.remove_nobody(group, users).await,
            GroupCase::Replace => self.replace_members(group, users).await,
            GroupCase::References => self.check_members(group, users, guid).await,
            GroupCase::LookUps => self.look_groups_up(group, guid).await,
            GroupCase::Duplicate => self.refuse_duplicate_group(group, guid).await,
        }
    }

    async fn rename_group(&self, group: &mut Group) -> bool {
        let op = self.begin("rename group");
        let old = group.name.clone();
        let mut good = true;
        for name in [format!("{old} renamed"), old] {
            let before = group.name.clone();
            let next = Group { name: name.clone(), ..group.clone() };
            good &= op.change_group(group, &[Change::replace("displayName", name.clone())], next).await
                && op.expect_group(group, &name).await
                && op.expect_no_group(&before).await;
        }
        good
    }

    async fn change_external_id(&self, group: &mut Group, guid: &str) -> bool {
        let op = self.begin("replace externalId");
        let old = group.object_id.clone();
        let mut good = true;
        for id in [guid.to_owned(), old] {
            let change = Change::whole(Op::Replace, json!({"externalId": id}));
            let next = Group { object_id: id, ..group.clone() };
            good &= op.change_group(group, &[change], next).await;
        }
        good
    }

    async fn add_many_at_once(&self, group: &mut Group, users: &[User]) -> bool {
        let op = self.begin("add many members");
        let ids = ids(users);
        let each: Vec<Change> = ids.iter().map(|id| Change::add("members", values([*id]))).collect();
        let mut good = op.add(group, &ids).await;
        good &= op.remove(group, &ids[..ids.len() / 2]).await;
        let next = group.with_members(group.ids().chain(ids));
        good & (each.is_empty() || op.change_group(group, &each, next).await)
    }

    async fn add_and_remove(&self, group: &mut Group, users: &[User]) -> bool {
        let op = self.begin("add and remove a member");
        let Some(user) = users.first() else { return true };
        let id = user.id.as_str();
        let add = || std::iter::once(Change::add("members", values([id])));
        let remove = || removals(self.wire, &[id]);
        let in_and_out: Vec<Change> = add().chain(remove()).collect();
        let out_and_in: Vec<Change> = remove().into_iter().chain(add()).collect();
        let without = group.with_members(group.ids().filter(|other| *other != id));
        let good = op.change_group(group, &in_and_out, without).await;
        let with = group.with_members(group.ids().chain([id]));
        good & op.change_group(group, &out_and_in, with).await
    }

    /// Only the legacy style has lists of values; with the flag the filter of somebody who is not in stands for it.
    async fn remove_nobody(&self, group: &mut Group, users: &[User]) -> bool {
        let op = self.begin("remove no member");
        let mut good = op.add(group, &ids(users)).await;
        let none: &[&str] = if self.wire == Wire::Legacy { &[] } else { &["nobody"] };
        let next = group.clone();
        good &= op.change_group(group, &removals(self.wire, none), next).await;
        good & op.remove(group, &ids(&users[..users.len().min(1)])).await
    }

    async fn replace_members(&self, group: &mut Group, users: &[User]) -> bool {
        let op = self.begin("replace members");
        let ids = ids(users);
        let mut good = true;
        for some in [&ids[..ids.len() / 2], &ids[..]] {
            let whole = Change::replace("members", values(some.iter().copied()));
            let next = group.with_members(some.iter().copied());
            good &= op.change_group(group, &[whole], next).await;
        }
        good
    }

    async fn check_members(&self, group: &mut Group, users: &[User], guid: &str) -> bool {
        let mut good = true;
        if let Some(user) = users.first() {
            good &= self.quietly("check reference").add(group, &[&user.id]).await;
            for id_first in [true, false] {
                let op = self.begin("check reference");
                good &= op.check_reference("/Groups", &group.id, ("members", &user.id), true, id_first).await;
            }
        }
        good & self
            .begin("check reference")
            .check_reference("/Groups", &group.id, ("members", guid), false, true)
            .await
    }

    async fn look_groups_up(&self, group: &Group, guid: &str) -> bool {
        let op = self.begin("match group");
        op.expect_group(group, &group.name.to_uppercase()).await & op.expect_no_group(guid).await
    }

    async fn refuse_duplicate_group(&self, group: &Group, guid: &str) -> bool {
        let op = self.begin("refuse duplicate group");
        let body = bodies::create_group(&group.name.to_uppercase(), guid);
        let Some(answer) = op.send(reqwest::Method::POST, "/Groups", Some(&body)).await else { return false };
        op.status(&answer, &[409])
            && op.judge(&answer, [judge::conflict(&answer)])
            && op.expect_group(group, &group.name).await
            && op.read_group(group).await
    }

    /// A member who is disabled stays a member; one who is deleted does not.
    pub async fn member_leaves(&self, group: &mut Group, user: &mut User) -> bool {
        let op = self.begin("member leaves");
        let mut good = op.add(group, &[&user.id]).await;
        good &= self.disable(user).await && op.read_group(group).await;
        good &= self.delete_user(user).await;
        *group = group.with_members(group.ids().filter(|id| *id != user.id));
        good & op.read_group(group).await
    }
}
