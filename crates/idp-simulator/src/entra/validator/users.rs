//! The validator's sets for users: mandatory ones and those of its preview.

use reqwest::Method;
use serde_json::{Value, json};

use super::values::texts;
use super::{Set, Validator, has_manager};
use crate::entra::bodies;
use crate::entra::change::{Change, Op, enterprise};
use crate::entra::matching::equals;
use crate::judge;

impl Validator {
    pub(super) async fn create_user(&mut self, set: Set) {
        if let Some(user) = self.arrive(set).await {
            self.clear(set, &user).await;
        }
    }

    pub(super) async fn duplicate_user(&mut self, set: Set) {
        let Some(user) = self.arrive(set).await else { return };
        let op = self.operation(set);
        let body = bodies::minimal(user.user_name());
        if let Some(answer) = op.send(Method::POST, "/Users", Some(&body)).await
            && op.status(&answer, &[409])
        {
            op.judge(&answer, [judge::conflict(&answer)]);
        }
        op.expect_only(&equals("userName", user.user_name()), &user).await;
        self.clear(set, &user).await;
    }

    /// One who is there, nobody, and one in another case.
    pub(super) async fn filter_users(&mut self, set: Set) {
        let nobody = self.values.guid();
        let Some(user) = self.arrive(set).await else { return };
        let op = self.operation(set);
        op.expect_only(&equals("userName", user.user_name()), &user).await;
        op.expect_only(&equals("userName", &user.user_name().to_lowercase()), &user).await;
        op.expect_nobody(&equals("userName", &nobody)).await;
        self.clear(set, &user).await;
    }

    pub(super) async fn replace_attributes(&mut self, set: Set, verbose: bool) {
        let changes = self.values.changes(&self.announced, Op::Replace, verbose);
        let Some(mut user) = self.arrive(set).await else { return };
        self.operation(set).patch(&mut user, &changes).await;
        self.clear(set, &user).await;
    }

    pub(super) async fn add_attributes(&mut self, set: Set, verbose: bool) {
        let changes = self.values.changes(&self.announced, Op::Add, verbose);
        let Some(mut user) = self.arrive_bare(set).await else { return };
        self.operation(set).patch(&mut user, &changes).await;
        self.clear(set, &user).await;
    }

    pub(super) async fn change_user_name(&mut self, set: Set) {
        let (old, new) = (self.arrive_bare(set).await, self.values.word());
        let Some(mut user) = old else { return };
        let old = user.user_name().to_owned();
        let op = self.operation(set);
        op.patch(&mut user, &[Change::replace("userName", new.clone())]).await;
        op.expect_only(&equals("userName", &new), &user).await;
        op.expect_nobody(&equals("userName", &old)).await;
        self.clear(set, &user).await;
    }

    pub(super) async fn disable_user(&mut self, set: Set) {
        let Some(mut user) = self.arrive(set).await else { return };
        let op = self.operation(set);
        op.patch(&mut user, &[Change::replace("active", false)]).await;
        op.expect_only(&equals("userName", user.user_name()), &user).await;
        self.clear(set, &user).await;
    }

    /// Managers who do not exist; nothing to do where none are announced.
    pub(super) async fn manager(&mut self, set: Set) {
        if !has_manager(&self.announced) {
            return;
        }
        let (one, other) = (self.values.guid(), self.values.guid());
        let Some(mut user) = self.arrive_bare(set).await else { return };
        let (op, path) = (self.operation(set), enterprise("manager"));
        for change in [
            Change::add(path.clone(), json!([{"$ref": format!("../Users/{one}"), "value": one}])),
            Change::replace(path.clone(), other),
            Change::remove(path),
        ] {
            op.patch(&mut user, &[change]).await;
        }
        self.clear(set, &user).await;
    }

    pub(super) async fn delete_user(&mut self, set: Set) {
        let Some(user) = self.arrive(set).await else { return };
        let op = self.operation(set);
        op.delete(&format!("/Users/{}", user.id)).await;
        op.expect_nobody(&equals("userName", user.user_name())).await;
    }

    /// Each verb on an attribute of its own; then all of them on one, where the last counts.
    pub(super) async fn mixed_operations(&mut self, set: Set) {
        let names: Vec<String> = texts(&self.announced).take(3).map(str::to_owned).collect();
        let mut word = || Value::from(self.values.word());
        let values = [word(), word(), word(), word(), word()];
        let Some(mut user) = self.arrive(set).await else { return };
        let op = self.operation(set);
        let [one, two, three, four, five] = values;
        if let [first, second, third] = names.as_slice() {
            let changes = [Change::add(first, one), Change::replace(second, two), Change::remove(third)];
            op.patch(&mut user, &changes).await;
        }
        if let Some(name) = names.first() {
            let changes = [
                Change::add(name, three),
                Change::remove(name),
                Change::add(name, four),
                Change::replace(name, five),
            ];
            op.patch(&mut user, &changes).await;
            op.patch(&mut user, &[Change::remove(name)]).await;
        }
        self.clear(set, &user).await;
    }

    pub(super) async fn delete_twice(&mut self, set: Set) {
        let nobody = self.values.guid();
        let op = self.operation(set);
        if let Some(answer) = op.send(Method::DELETE, &format!("/Users/{nobody}"), None).await {
            op.status(&answer, &[404]);
        }
        // A deletion is repeated and must then be 404.
        if let Some(user) = self.arrive_bare(set).await {
            self.clear(set, &user).await;
        }
    }
}
