//! The validator's sets for groups: mandatory ones and those of its preview.

use reqwest::Method;
use serde_json::json;

use super::{Set, Validator};
use crate::entra::change::{Change, Op};
use crate::entra::groups::{removals, values};
use crate::entra::users::Record;
use crate::entra::{Group, Wire, bodies};
use crate::judge;

impl Validator {
    async fn group_arrives(&mut self, set: Set) -> Option<Group> {
        let (name, id) = (self.values.word(), self.values.guid());
        self.operation(set).post_group(&name, &id).await
    }

    async fn clear_group(&self, set: Set, group: &Group) {
        let op = self.operation(set);
        op.delete(&format!("/Groups/{}", group.id)).await;
        op.expect_no_group(&group.name).await;
    }

    /// Read without its members after it was made.
    pub(super) async fn create_group(&mut self, set: Set) {
        if let Some(group) = self.group_arrives(set).await {
            self.clear_group(set, &group).await;
        }
    }

    pub(super) async fn duplicate_group(&mut self, set: Set) {
        let Some(group) = self.group_arrives(set).await else { return };
        let op = self.operation(set);
        let body = bodies::create_group(&group.name, &group.object_id);
        if let Some(answer) = op.send(Method::POST, "/Groups", Some(&body)).await
            && op.status(&answer, &[409])
        {
            op.judge(&answer, [judge::conflict(&answer)]);
        }
        self.clear_group(set, &group).await;
    }

    /// One that is there, none, and one in another case.
    pub(super) async fn filter_groups(&mut self, set: Set) {
        let nobody = self.values.guid();
        let Some(group) = self.group_arrives(set).await else { return };
        let op = self.operation(set);
        op.expect_group(&group, &group.name).await;
        op.expect_group(&group, &group.name.to_lowercase()).await;
        op.expect_no_group(&nobody).await;
        self.clear_group(set, &group).await;
    }

    pub(super) async fn replace_external_id(&mut self, set: Set) {
        let id = self.values.guid();
        let Some(mut group) = self.group_arrives(set).await else { return };
        let change = Change::whole(Op::Replace, json!({"externalId": id}));
        let next = Group { object_id: id, ..group.clone() };
        self.operation(set).change_group(&mut group, &[change], next).await;
        self.clear_group(set, &group).await;
    }

    pub(super) async fn rename_group(&mut self, set: Set) {
        let new = self.values.word();
        let Some(mut group) = self.group_arrives(set).await else { return };
        let op = self.operation(set);
        let old = group.name.clone();
        let change = Change::whole(Op::Replace, json!({"displayName": new}));
        let next = Group { name: new.clone(), ..group.clone() };
        if op.change_group(&mut group, &[change], next).await {
            op.expect_group(&group, &new).await;
            op.expect_no_group(&old).await;
        }
        self.clear_group(set, &group).await;
    }

    /// A group and somebody to be in it.
    async fn with_member(&mut self, set: Set) -> Option<(Group, Record)> {
        let group = self.group_arrives(set).await?;
        match self.arrive_bare(set).await {
            Some(user) => Some((group, user)),
            None => {
                self.clear_group(set, &group).await;
                None
            }
        }
    }

    /// Added by replacing the list, removed by a filter.
    pub(super) async fn members(&mut self, set: Set) {
        let Some((mut group, user)) = self.with_member(set).await else { return };
        let op = self.operation(set);
        let id = user.id.as_str();
        let next = group.with_members([id]);
        op.change_group(&mut group, &[Change::replace("members", values([id]))], next).await;
        op.remove(&mut group, &[id]).await;
        self.clear_group(set, &group).await;
        self.clear(set, &user).await;
    }

    pub(super) async fn delete_group(&mut self, set: Set) {
        if let Some(group) = self.group_arrives(set).await {
            self.clear_group(set, &group).await;
        }
    }

    pub(super) async fn member_in_and_out(&mut self, set: Set) {
        let Some((mut group, user)) = self.with_member(set).await else { return };
        // Whoever else is in stays.
        if let Some(other) = self.arrive_bare(set).await {
            let op = self.operation(set);
            op.add(&mut group, &[&other.id]).await;
            let mut changes = vec![Change::add("members", values([user.id.as_str()]))];
            changes.extend(removals(Wire::Compliant, &[&user.id]));
            let next = group.with_members([other.id.as_str()]);
            op.change_group(&mut group, &changes, next).await;
            self.clear(set, &other).await;
        }
        self.clear_group(set, &group).await;
        self.clear(set, &user).await;
    }
}
