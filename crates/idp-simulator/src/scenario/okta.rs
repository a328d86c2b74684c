//! A run of any size with both kinds of Okta app at work on one server.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;

use super::mapping::GENERAL;
use super::{Progress, Steps, parts, unusable};
use crate::okta::{Account, AppStyle, Engine, PushedGroup};
use crate::people::{People, Person};
use crate::{Report, Target};

/// So many members are looked at after their group was deleted.
const LOOKED_AT: usize = 10;

/// Size and style of a general run.
#[derive(Clone, Debug)]
pub struct OktaOptions {
    /// People.
    pub users: usize,
    /// Groups to push.
    pub groups: usize,
    /// Operations in flight at once.
    pub concurrency: usize,
    /// Seed of names and choices: the same seed gives the same people.
    pub seed: u64,
    /// What the groups' names begin with, such as the prefix by which a product takes groups for roles.
    pub group_prefix: String,
}

/// Plays Okta with both kinds of app (half of the people each): credentials test, look-up, create, update,
/// deactivate, reactivate, import with paging, push groups, members in and out, rename, delete.
///
/// The server may hold other users and groups: only this run's are counted. A second run with the same options
/// finds its people and links them. The deleted group is one beyond `groups`; without groups, `/Groups` is left alone.
pub async fn okta(target: &Target, options: &OktaOptions, progress: Progress<'_>) -> Report {
    let engine = match Engine::new(target, AppStyle::Wizard, GENERAL) {
        Ok(engine) => engine,
        Err(error) => return unusable(&error),
    };
    // The sizes are part of the salt, so that a larger run before this one leaves nobody who would be counted.
    let people = People::new(options.seed, &format!("okta {} {}", options.users, options.groups));
    let imports = if options.groups > 0 { 2 } else { 1 };
    let pushed = if options.groups > 0 { options.groups + 1 } else { 0 };
    let run = Run {
        steps: Steps::new(1 + 3 * options.users + 2 * pushed + imports, progress),
        limit: options.concurrency.max(1),
        engine,
        people,
        group_prefix: &options.group_prefix,
    };
    run.engine.test_credentials().await;
    run.engine.refuse_wrong_credentials().await;
    run.steps.tick("test credentials");
    let accounts = run.users(options.users).await;
    let groups = run.groups(options.groups, &accounts).await;
    run.count(&accounts, &groups, options.groups > 0).await;
    run.engine.report()
}

struct Run<'a> {
    engine: Engine,
    people: People,
    group_prefix: &'a str,
    steps: Steps<'a>,
    limit: usize,
}

impl Run<'_> {
    /// Half of the work is a wizard app's, half a catalogue app's.
    fn engine(&self, index: usize) -> Engine {
        self.engine.with_style(if index.is_multiple_of(2) { AppStyle::Wizard } else { AppStyle::Catalogue })
    }

    /// Everybody's life, many at once; those who stand in the server at the end, in order.
    async fn users(&self, users: usize) -> Vec<Account> {
        let accounts = Mutex::new(BTreeMap::new());
        futures::stream::iter(0..users)
            .for_each_concurrent(self.limit, |index| {
                let accounts = &accounts;
                async move {
                    if let Some(account) = self.life(index).await {
                        accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(index, account);
                    }
                }
            })
            .await;
        accounts.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    /// One person: assigned, updated, then by turns away, away and back, refused as a duplicate, or left alone.
    async fn life(&self, index: usize) -> Option<Account> {
        let engine = self.engine(index);
        let person = self.people.person(index);
        let assigned = match index % 20 {
            7 | 12 => engine.assign_twice_at_once(&person).await,
            _ => engine.assign(&person).await,
        };
        self.steps.tick("assign users");
        let Some(mut account) = assigned else {
            self.steps.tick("update users");
            self.steps.tick("users come and go");
            return None;
        };
        engine.update_profile(&mut account, changed(person, index)).await;
        self.steps.tick("update users");
        // By tens, so that each turn is taken by both kinds of app.
        match index % 10 {
            0 | 5 => {
                engine.deactivate(&mut account).await;
            }
            1 | 2 => {
                engine.deactivate(&mut account).await;
                engine.reactivate(&mut account).await;
            }
            3 | 4 => {
                engine.refuse_duplicate(&account).await;
            }
            6 => {
                engine.look_up_nobody(&self.people.nobody(index)).await;
            }
            7 => {
                engine.look_up_nobody("").await;
            }
            _ => {}
        }
        self.steps.tick("users come and go");
        Some(account)
    }

    async fn groups(&self, groups: usize, accounts: &[Account]) -> Vec<PushedGroup> {
        if groups == 0 {
            return Vec::new();
        }
        let standing = Mutex::new(BTreeMap::new());
        futures::stream::iter(0..=groups)
            .for_each_concurrent(self.limit, |index| {
                let standing = &standing;
                async move {
                    // The one beyond the number asked for is deleted again.
                    if let Some(group) = self.group(index, accounts, index == groups).await {
                        standing.lock().unwrap_or_else(PoisonError::into_inner).insert(index, group);
                    }
                }
            })
            .await;
        standing.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    /// One group: pushed, members in and out, then by turns renamed, pushed whole, or pushed empty; the last deleted.
    async fn group(&self, index: usize, accounts: &[Account], delete: bool) -> Option<PushedGroup> {
        let engine = self.engine(index);
        let name = format!("{}Team {} {index}", self.group_prefix, self.people.tag());
        let (first, second, all) = parts(accounts, index);
        let pushed = engine.push_group(&name, first).await;
        self.steps.tick("push groups");
        let Some(mut group) = pushed else {
            self.steps.tick("change groups");
            return None;
        };
        engine.add_members(&mut group, second).await;
        engine.remove_members(&mut group, &first[..first.len().div_ceil(2)]).await;
        match index % 6 {
            0 | 3 => {
                let renamed = format!("{}Team {} renamed {index}", self.group_prefix, self.people.tag());
                // There and back, so that a later run finds the group by its name.
                engine.rename_group(&mut group, &renamed).await;
                engine.rename_group(&mut group, &name).await;
            }
            1 | 4 => {
                engine.push_now(&mut group, all).await;
            }
            _ => {
                engine.push_now(&mut group, &[]).await;
            }
        }
        if delete {
            engine.delete_group(&group, &all[..all.len().min(LOOKED_AT)]).await;
        }
        self.steps.tick("change groups");
        (!delete).then_some(group)
    }

    /// What an import finds of this run.
    async fn count(&self, accounts: &[Account], groups: &[PushedGroup], has_groups: bool) {
        let users = self.engine.import_users(accounts, Some(&self.people.mark())).await;
        self.steps.tick("import users");
        let mut standing = 0;
        if has_groups {
            standing = self.engine.import_groups(groups).await;
            self.steps.tick("import groups");
        }
        self.engine.recorder().standing(users, standing);
    }
}

/// What changes about a person: everybody's title, some people's name, address and department.
fn changed(mut person: Person, index: usize) -> Person {
    person.title = format!("Senior {}", person.title);
    match index % 4 {
        0 => person.family_name = format!("{} Núñez", person.family_name),
        1 => person.email = format!("new.{}", person.email),
        2 => person.department = "Occupational Health".into(),
        _ => person.locale = "fr-CA".into(),
    }
    person
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_changes_by_what_every_server_keeps_or_may_drop() {
        let people = People::new(1, "x");
        for index in 0..8 {
            assert!(changed(people.person(index), index) != people.person(index));
        }
    }
}
