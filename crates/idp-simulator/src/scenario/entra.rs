//! A run of any size with Entra's engine in one of its wire styles, or in both on one server.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::StreamExt;

use super::{Progress, Steps, parts, unusable};
use crate::entra::{CreateShape, Engine, Group, GroupCase, Matching, Others, User, UserCase, Wire};
use crate::people::People;
use crate::{Report, Target};

/// So many members are looked at after their group was deleted.
const LOOKED_AT: usize = 10;
/// Numbers of people that no run reaches.
const BEYOND: usize = 1_000_000_000;
/// The largest number of users that one case of a group works with.
const IN_A_CASE: usize = 25;

/// Whether the flag `aadOptscim062020` is on the base URL, which decides the style of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptScim {
    /// Never.
    Off,
    /// Always.
    On,
    /// By turns, as with provisioning on demand beside the regular cycle.
    #[default]
    Both,
}

impl OptScim {
    fn wires(self) -> &'static [Wire] {
        match self {
            Self::Off => &[Wire::Legacy],
            Self::On => &[Wire::Compliant],
            Self::Both => &Wire::BOTH,
        }
    }
}

/// Size and style of a run.
#[derive(Clone, Debug)]
pub struct EntraOptions {
    /// People who stand in the server at the end.
    pub users: usize,
    /// Groups likewise.
    pub groups: usize,
    /// Operations in flight at once.
    pub concurrency: usize,
    /// Seed of names and choices: the same seed gives the same people.
    pub seed: u64,
    /// The style of the requests.
    pub optscim: OptScim,
}

/// Plays Entra: schemas, Test Connection, matching by each attribute, creates in each shape, updates, every habit of its
/// own on users and groups in each style, disable, enable, delete.
///
/// The server may hold other users and groups: only this run's are counted, by reading each of them at the end. Every
/// habit is played at least once in each style as soon as there is one user (one group). A second run with the same
/// options takes its people over. Those deleted are beyond `users` and `groups`; without groups, `/Groups` is left alone.
pub async fn entra(target: &Target, options: &EntraOptions, progress: Progress<'_>) -> Report {
    let wires = options.optscim.wires();
    let mut engine = match Engine::new(target, wires[0]) {
        Ok(engine) => engine,
        Err(error) => return unusable(&error),
    };
    // The sizes are part of the salt, so that a larger run before this one leaves nobody who would be counted.
    let people = People::new(options.seed, &format!("entra {} {}", options.users, options.groups));
    let steps = Steps::new(steps(options, wires.len()), progress);
    engine.read_schemas().await;
    let run = Run { engine, wires, people, steps, limit: options.concurrency.max(1) };
    run.connect().await;
    let users = run.users(options.users).await;
    let groups = run.groups(options.groups, &users).await;
    run.count(&users, &groups).await;
    run.engine.report()
}

/// The calls of the bar: one to connect, two for each user, group and each of those deleted, one to count.
fn steps(options: &EntraOptions, wires: usize) -> usize {
    let users = if options.users > 0 { options.users + wires } else { 0 };
    let groups = if options.groups > 0 { options.groups + wires } else { 0 };
    2 + 2 * users + 2 * groups
}

/// Turns of a list of cases on one of many: every case in every style at least once, and one for everybody.
fn turns<T: Copy>(cases: &[T], wires: &[Wire], index: usize, many: usize) -> Vec<(T, Wire)> {
    let needed = cases.len() * wires.len();
    let turns = (index..needed.max(many)).step_by(many.max(1));
    turns.map(|turn| (cases[turn / wires.len() % cases.len()], wires[turn % wires.len()])).collect()
}

struct Run<'a> {
    engine: Engine,
    wires: &'a [Wire],
    people: People,
    steps: Steps<'a>,
    limit: usize,
}

impl Run<'_> {
    /// The styles take turns, and the matching attributes within each.
    fn engine(&self, index: usize) -> Engine {
        let wire = self.wires[index % self.wires.len()];
        let matching = Matching::ALL[index / self.wires.len() % Matching::ALL.len()];
        self.engine.with_wire(wire).with_matching(matching)
    }

    fn guid(&self, what: &str, index: usize) -> String {
        self.people.guid(&format!("{what} {index}"))
    }

    async fn connect(&self) {
        for wire in self.wires {
            let engine = self.engine.with_wire(*wire);
            for matching in Matching::ALL {
                engine.with_matching(matching).test_connection(&self.guid("connection", 0)).await;
            }
            engine.refuse_wrong_credentials(&self.guid("connection", 1)).await;
            engine.refuse_unknown(&self.guid("connection", 2)).await;
        }
        self.steps.tick("test connection");
    }

    /// Everybody's life, many at once; those who stand in the server at the end, in order. The first comes before the
    /// others, whose manager it is.
    async fn users(&self, users: usize) -> Vec<User> {
        if users == 0 {
            return Vec::new();
        }
        let first = self.arrive(0).await;
        let somebody = first.as_ref().map_or_else(|| self.guid("nobody", 0), |user| user.id.clone());
        let standing = Mutex::new(BTreeMap::new());
        let (standing_ref, somebody) = (&standing, somebody.as_str());
        let live = |index: usize, user: Option<User>| async move {
            if let Some(user) = self.live(index, users, user, somebody).await {
                standing_ref.lock().unwrap_or_else(PoisonError::into_inner).insert(index, user);
            }
        };
        let leave = (users..users + self.wires.len()).map(|index| (index, true));
        let stay = (1..users).map(|index| (index, false));
        let others = futures::stream::iter(stay.chain(leave)).for_each_concurrent(
            self.limit,
            |(index, leaves)| async move {
                let user = self.arrive(index).await;
                match leaves {
                    true => self.leave(index, user).await,
                    false => live(index, user).await,
                }
            },
        );
        futures::future::join(live(0, first), others).await;
        standing.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    async fn arrive(&self, index: usize) -> Option<User> {
        let shape = CreateShape::ALL[index / self.wires.len() % CreateShape::ALL.len()];
        let user =
            self.engine(index).provision(&self.people.person(index), &self.guid("user", index), shape).await;
        self.steps.tick("create users");
        user
    }

    /// Updates, habits by turns, and one in five is disabled in the end.
    async fn live(&self, index: usize, users: usize, user: Option<User>, somebody: &str) -> Option<User> {
        let engine = self.engine(index);
        let mut user = user;
        if let Some(user) = &mut user {
            engine.update_profile(user).await;
            let nobody = self.guid("nobody", index);
            // The first is nobody's subordinate: a manager need not exist.
            let somebody = if index == 0 { &self.guid("nobody's manager", 0) } else { somebody };
            let others = Others { somebody: somebody.to_owned(), nobody };
            for (case, wire) in turns(&UserCase::ALL, self.wires, index, users) {
                engine.with_wire(wire).play(case, user, &others).await;
            }
            if index % 5 == 4 {
                engine.disable(user).await;
            }
        }
        self.steps.tick("change users");
        user
    }

    /// Deleted for good; the name is free for another, who goes too.
    async fn leave(&self, index: usize, user: Option<User>) {
        let engine = self.engine(index);
        if let Some(mut user) = user {
            engine.delete_user(&mut user).await;
            if let Some(mut again) = engine.create_again(&user, &self.guid("again", index)).await {
                engine.delete_user(&mut again).await;
            }
        }
        self.steps.tick("delete users");
    }

    async fn groups(&self, groups: usize, users: &[User]) -> Vec<Group> {
        if groups == 0 {
            return Vec::new();
        }
        let standing = Mutex::new(BTreeMap::new());
        let standing_ref = &standing;
        futures::stream::iter(0..groups + self.wires.len())
            .for_each_concurrent(self.limit, |index| async move {
                let group = match index < groups {
                    true => self.group(index, groups, users).await,
                    false => self.passing_group(index, users).await,
                };
                if let Some(group) = group {
                    standing_ref.lock().unwrap_or_else(PoisonError::into_inner).insert(index, group);
                }
            })
            .await;
        standing.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    async fn group_arrives(&self, index: usize) -> Option<Group> {
        let name = format!("Unit {} {index}", self.people.tag());
        let group = self.engine(index).provision_group(&name, &self.guid("group", index)).await;
        self.steps.tick("create groups");
        group
    }

    /// One group: members in and out, then habits by turns.
    async fn group(&self, index: usize, groups: usize, users: &[User]) -> Option<Group> {
        let engine = self.engine(index);
        let mut group = self.group_arrives(index).await;
        if let Some(group) = &mut group {
            let (first, second, all) = parts(users, index);
            engine.add_members(group, first).await;
            engine.add_members(group, second).await;
            engine.remove_members(group, &first[..first.len().div_ceil(2)]).await;
            let some = &all[..all.len().min(IN_A_CASE)];
            for (case, wire) in turns(&GroupCase::ALL, self.wires, index, groups) {
                let guid = self.guid("nobody in group", index);
                engine.with_wire(wire).play_group(case, group, some, &guid).await;
            }
        }
        self.steps.tick("change groups");
        group
    }

    /// A group that goes again, and before it a member of its own who goes.
    async fn passing_group(&self, index: usize, users: &[User]) -> Option<Group> {
        let engine = self.engine(index).with_matching(Matching::UserName);
        if let Some(mut group) = self.group_arrives(index).await {
            let all = parts(users, index).2;
            engine.add_members(&mut group, all).await;
            let person = self.people.person(BEYOND + index);
            let member = engine.provision(&person, &self.guid("member", index), CreateShape::Plain).await;
            if let Some(mut member) = member {
                engine.member_leaves(&mut group, &mut member).await;
            }
            engine.delete_group(&group, &all[..all.len().min(LOOKED_AT)]).await;
        }
        self.steps.tick("delete groups");
        None
    }

    /// How many stand, as they were left.
    async fn count(&self, users: &[User], groups: &[Group]) {
        let engine = &self.engine;
        let read =
            futures::stream::iter(users).map(|user| engine.still_stands(user)).buffer_unordered(self.limit);
        let standing = read.filter(|stands| std::future::ready(*stands)).count().await;
        let read = futures::stream::iter(groups)
            .map(|group| engine.group_still_stands(group))
            .buffer_unordered(self.limit);
        let standing_groups = read.filter(|stands| std::future::ready(*stands)).count().await;
        engine.recorder().standing(standing as u64, standing_groups as u64);
        self.steps.tick("count");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_played_in_every_style_whatever_the_size() {
        for wires in [&Wire::BOTH[..], &[Wire::Legacy]] {
            for many in [1, 2, 7, 24, 100] {
                let all: Vec<(UserCase, Wire)> =
                    (0..many).flat_map(|index| turns(&UserCase::ALL, wires, index, many)).collect();
                assert_eq!(all.len(), many.max(UserCase::ALL.len() * wires.len()));
                for case in UserCase::ALL {
                    assert!(wires.iter().all(|wire| all.contains(&(case, *wire))), "{case:?}, {many} users");
                }
            }
        }
    }

    #[test]
    fn everybody_takes_a_turn() {
        assert!((0..100).all(|index| turns(&GroupCase::ALL, &Wire::BOTH, index, 100).len() == 1));
        assert!(turns(&GroupCase::ALL, &Wire::BOTH, 0, 0).len() >= GroupCase::ALL.len());
    }
}
