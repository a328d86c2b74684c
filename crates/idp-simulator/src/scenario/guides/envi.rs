//! Envi: five attributes, and groups whose name gives a role.

use super::Play;
use crate::okta::Feature;

const TEST: Feature =
    Feature { name: "Test API Credentials", reference: "Envi guide, Okta Configuration step 8" };
const CREATE: Feature =
    Feature { name: "Create Users", reference: "Envi guide, Okta Configuration steps 12 and 13" };
const UPDATE: Feature =
    Feature { name: "Update User Attributes", reference: "Envi guide, Okta Configuration step 12" };
const DEACTIVATE: Feature =
    Feature { name: "Deactivate Users", reference: "Envi guide, Okta Configuration step 12" };
const REACTIVATE: Feature =
    Feature { name: "Reactivate Users", reference: "Envi guide, User Provisioning step 6" };
const PUSH: Feature = Feature { name: "Push Groups", reference: "Envi guide, Group Provisioning" };
const LEAVE: Feature =
    Feature { name: "Group members leave", reference: "Envi guide, User Provisioning step 5" };
const IMPORT: Feature = Feature { name: "Check what stands", reference: "idp-behaviour 1.4 import users" };

/// The groups and which users are in them. `Everyone` has no role prefix and gives none.
const GROUPS: [(&str, std::ops::Range<usize>); 3] =
    [("Envi_Manager", 0..4), ("envi_testing", 2..6), ("Everyone", 0..10)];

const USERS: usize = 10;
pub(super) const TICKS: usize = 1 + USERS + 4 + 2 + 1 + GROUPS.len() + 1 + 1;

pub(super) async fn play(play: &mut Play<'_>) {
    play.credentials(TEST).await;
    play.assign(CREATE, USERS).await;
    play.update(UPDATE, 0..4).await;
    play.deactivate(DEACTIVATE, 8..10).await;
    play.reactivate(REACTIVATE, 8..9).await;
    let engine = play.step(PUSH);
    for (name, places) in GROUPS {
        play.groups.extend(engine.push_group(name, &play.some(places)).await);
        play.steps.tick(PUSH.name);
    }
    leave(play).await;
    play.import(IMPORT).await;
}

/// The last of the managers leaves the group, and with it the role.
async fn leave(play: &mut Play<'_>) {
    let engine = play.step(LEAVE);
    let leaver = play.some(3..4);
    if let Some(group) = play.groups.iter_mut().find(|group| group.name == GROUPS[0].0) {
        engine.remove_members(group, &leaver).await;
    }
    play.steps.tick(LEAVE.name);
}
