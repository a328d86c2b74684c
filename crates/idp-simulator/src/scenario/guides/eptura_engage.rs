//! Eptura Engage (Condeco): unique user names, users deleted, groups pushed with the members that exist.

use super::Play;
use crate::okta::Feature;

const TEST: Feature =
    Feature { name: "Test API Credentials", reference: "Eptura Engage guide, Prerequisites" };
const CREATE: Feature = Feature { name: "Create users", reference: "Eptura Engage guide, Supported actions" };
const TAKEN: Feature = Feature {
    name: "Taken username rejected",
    reference: "Eptura Engage guide, Supported actions: Create users",
};
const UPDATE: Feature =
    Feature { name: "Update user attributes", reference: "Eptura Engage guide, Supported actions" };
const DEACTIVATE: Feature =
    Feature { name: "Deactivate Users", reference: "Eptura Engage guide, Supported actions" };
const DELETE: Feature = Feature { name: "Delete users", reference: "Eptura Engage guide, Supported actions" };
const PUSH: Feature = Feature { name: "Push Group", reference: "Eptura Engage guide, Supported actions" };
const IMPORT: Feature = Feature { name: "Check what stands", reference: "idp-behaviour 1.4 import users" };

const USERS: usize = 12;
pub(super) const TICKS: usize = 1 + USERS + 2 + 4 + 3 + 2 + 3 + 1;

/// An id in the form of a UUID that no server gives.
const NOBODY: &str = "00000000-0000-4000-8000-0000000000aa";

pub(super) async fn play(play: &mut Play<'_>) {
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
    delete(play).await;
    play.import(IMPORT).await;
}

/// A group whose members all exist, one with a member who does not, and one that empties.
async fn push(play: &mut Play<'_>) {
    let engine = play.step(PUSH);
    let tag = play.people.tag().to_owned();
    if let Some(mut group) = engine.push_group(&format!("Engage Booking {tag}"), &play.some(0..4)).await {
        engine.add_members(&mut group, &play.some(7..9)).await;
        play.groups.push(group);
    }
    play.steps.tick(PUSH.name);
    let name = format!("Engage Reception {tag}");
    play.groups.extend(engine.push_group_with_unknown(&name, &play.some(2..4), &[NOBODY]).await);
    play.steps.tick(PUSH.name);
    if let Some(mut group) = engine.push_group(&format!("Engage Visitors {tag}"), &play.some(0..2)).await {
        engine.remove_members(&mut group, &play.some(0..1)).await;
        engine.push_now(&mut group, &[]).await;
        play.groups.push(group);
    }
    play.steps.tick(PUSH.name);
}

/// Two users leave for good: gone, also from their groups.
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
