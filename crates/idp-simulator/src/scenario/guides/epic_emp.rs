//! Epic EMP Provisioning Connector: users without groups (guide of July 2020).

use super::Play;
use crate::okta::Feature;

const TEST: Feature = Feature { name: "Test API credentials", reference: "Epic EMP guide, chapter 4 step 4" };
const PUSH: Feature = Feature { name: "Push New Users", reference: "Epic EMP guide, chapter 2" };
const UPDATE: Feature = Feature { name: "Push Profile Updates", reference: "Epic EMP guide, chapter 2" };
const DEACTIVATE: Feature =
    Feature { name: "Push User Deactivation", reference: "Epic EMP guide, chapter 2" };
const REACTIVATE: Feature = Feature { name: "Reactivate Users", reference: "Epic EMP guide, chapter 2" };
const IMPORT: Feature = Feature { name: "Import Users", reference: "Epic EMP guide, chapter 2" };
const NO_GROUPS: Feature =
    Feature { name: "No groups", reference: "Epic EMP guide, chapter 2: Epic does not support Groups" };

const USERS: usize = 12;
pub(super) const TICKS: usize = 1 + USERS + 5 + 4 + 2 + 1 + 1;

/// The mapping holds attributes that Epic does not support: they are taken and not kept.
pub(super) async fn play(play: &mut Play<'_>) {
    play.credentials(TEST).await;
    play.assign(PUSH, USERS).await;
    play.update(UPDATE, 0..5).await;
    play.deactivate(DEACTIVATE, 3..7).await;
    play.reactivate(REACTIVATE, 3..5).await;
    play.step(NO_GROUPS).refuse_groups().await;
    play.steps.tick(NO_GROUPS.name);
    play.import(IMPORT).await;
}
