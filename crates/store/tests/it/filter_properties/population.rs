//! A random population, planned once and made on both databases.

use scim_core::{Document, ResourceType, profile::Profile};
use store_testing::{Dice, sample};

/// What will be made.
pub(super) struct Population {
    pub(super) profile: Profile,
    pub(super) users: Vec<Plan>,
    pub(super) groups: Vec<GroupPlan>,
}

/// One row.
pub(super) struct Plan {
    pub(super) document: Document,
    /// Later documents, one a version.
    pub(super) next: Vec<Document>,
    /// Milliseconds before it is made.
    pub(super) wait: i64,
    /// Is it deleted in the end?
    pub(super) deleted: bool,
}

/// A group with places of its members in the plan.
pub(super) struct GroupPlan {
    pub(super) row: Plan,
    pub(super) users: Vec<usize>,
    /// Groups before this one.
    pub(super) groups: Vec<usize>,
}

impl Population {
    /// Rows of random attributes; some changed later, some deleted.
    pub(super) fn random(dice: &mut Dice) -> Self {
        let profile = sample::profile();
        let group = ResourceType::group();
        let users: Vec<Plan> =
            (0..dice.between(36..=44)).map(|at| Plan::random(dice, &profile.user, at)).collect();
        let mut groups = Vec::new();
        for at in 0..dice.between(14..=18) {
            let row = Plan::random(dice, &group, at);
            let share = *dice.pick(&[0, 0, 10, 20, 40]);
            let members = (0..users.len()).filter(|_| dice.chance(share)).collect();
            let subgroups = (0..at).filter(|_| dice.chance(12)).collect();
            groups.push(GroupPlan { row, users: members, groups: subgroups });
        }
        Self { profile, users, groups }
    }
}

impl Plan {
    fn random(dice: &mut Dice, kind: &ResourceType, at: usize) -> Self {
        let word = sample::text(dice, "userName");
        // The place makes the name unique, whatever the words fold to.
        let name = if dice.chance(50) { format!("{word}.{at}") } else { format!("{at}.{word}x") };
        let mut document = || {
            let body = sample::body(dice, kind, &name);
            sample::document(kind, &body)
        };
        let (first, later) = (document(), [document(), document(), document()]);
        let next = if dice.chance(25) { dice.between(1..=later.len()) } else { 0 };
        let (document, next) = (first, later.into_iter().take(next).collect());
        let wait = *dice.pick(&[0, 0, 1, 1, 7, 1000, 60_000]);
        Self { document, next, wait, deleted: dice.chance(5) }
    }
}
