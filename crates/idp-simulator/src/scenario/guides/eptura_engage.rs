//! Eptura Engage (Condeco): unique user names, users deleted, groups pushed with the members that exist.

use super::Play;
use crate::report::Feature;

const ACTIONS: &str = "Eptura Engage guide, Supported actions";

const URL: Feature = Feature::new("Eptura Engage SCIM API URL", "Eptura Engage guide, Prerequisites");
const TEST: Feature = Feature::new("SCIM token", "Eptura Engage guide, Prerequisites");
const CREATE: Feature = Feature::new("Create users", ACTIONS);
const TAKEN: Feature = Feature::new("An existing username is rejected", ACTIONS);
const DELETE: Feature = Feature::new("Delete users", ACTIONS);
const UPDATE: Feature = Feature::new("Update user attributes", ACTIONS);
const DEACTIVATE: Feature = Feature::new("Deactivate Users", ACTIONS);
const PUSH: Feature = Feature::new("Push Group", ACTIONS);
const MEMBERS: Feature = Feature::new("Group members who exist are mapped", ACTIONS);
const LATER: Feature = Feature::new("A member who arrives later joins at the next push", ACTIONS);

pub(super) const FEATURES: &[Feature] =
    &[URL, TEST, CREATE, TAKEN, DELETE, UPDATE, DEACTIVATE, PUSH, MEMBERS, LATER];

const USERS: usize = 12;
pub(super) const TICKS: usize = 1 + USERS + 2 + 4 + 3 + 2 + 1 + 1 + 2 + 1;

/// An id in the form of a UUID that no server gives.
const NOBODY: &str = "00000000-0000-4000-8000-0000000000aa";

pub(super) async fn play(play: &mut Play<'_>) {
    play.step(URL).expect_base_path("/scim/api/V1");
    play.credentials(TEST).await;
    play.assign(CREATE, USERS).await;
    let engine = play.step(TAKEN);
    for account in &play.some(0..2) {
        engine.refuse_duplicate(account).await;
        play.steps.tick(TAKEN.name);
    }
    play.update(UPDATE, 0..4).await;
    play.deactivate(DEACTIVATE, 4..7).await;
    push(play).await;
    members(play).await;
    later(play).await;
    delete(play).await;
    play.import(CREATE).await;
}

/// A group that grows, and one that empties.
async fn push(play: &mut Play<'_>) {
    let engine = play.step(PUSH);
    let tag = play.people.tag().to_owned();
    if let Some(mut group) = engine.push_group(&format!("Engage Booking {tag}"), &play.some(0..4)).await {
        engine.add_members(&mut group, &play.some(7..9)).await;
        play.groups.push(group);
    }
    play.steps.tick(PUSH.name);
    if let Some(mut group) = engine.push_group(&format!("Engage Visitors {tag}"), &play.some(0..2)).await {
        engine.remove_members(&mut group, &play.some(0..1)).await;
        engine.push_now(&mut group, &[]).await;
        play.groups.push(group);
    }
    play.steps.tick(PUSH.name);
}

/// One with a member who does not exist: the others arrive all the same.
async fn members(play: &mut Play<'_>) {
    let engine = play.step(MEMBERS);
    let name = format!("Engage Reception {}", play.people.tag());
    play.groups.extend(engine.push_group_with_unknown(&name, &play.some(2..4), &[NOBODY]).await);
    play.steps.tick(MEMBERS.name);
}

/// Somebody is assigned after the group was pushed, and is in it after the next push.
async fn later(play: &mut Play<'_>) {
    let engine = play.step(LATER);
    let arrived = engine.assign(&play.people.person(USERS)).await;
    if let (Some(account), Some(mut group)) = (arrived, play.groups.pop()) {
        let mut all = play.some(2..4);
        all.push(account.clone());
        engine.push_now(&mut group, &all).await;
        play.groups.push(group);
        play.accounts.push(account);
    }
    play.steps.tick(LATER.name);
}

/// Two users leave for good: gone, also from their groups; the name is free for somebody new.
async fn delete(play: &mut Play<'_>) {
    let engine = play.step(DELETE);
    // The first of the two is in a group.
    for place in [8, 9] {
        if place < play.accounts.len() {
            let account = play.accounts.remove(place);
            if engine.delete_user(&account).await {
                play.groups.iter_mut().for_each(|group| {
                    group.members.remove(&account.id);
                });
            } else {
                play.accounts.push(account);
            }
        }
        play.steps.tick(DELETE.name);
    }
}
