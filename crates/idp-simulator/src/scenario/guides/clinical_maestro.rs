//! Clinical Maestro: eight attributes, and users who stay as inactive ones.

use super::Play;
use crate::okta::Feature;

const TEST: Feature = Feature { name: "Test API Credentials", reference: "Clinical Maestro guide, step 7" };
const ADD: Feature =
    Feature { name: "Add users", reference: "Clinical Maestro guide, step 11, Attributes and Mapping" };
const UPDATE: Feature =
    Feature { name: "Update attributes", reference: "Clinical Maestro guide, Attributes and Mapping" };
const REMOVE: Feature =
    Feature { name: "Deactivate users", reference: "Clinical Maestro guide, step 11 and Known Issues" };
const BACK: Feature = Feature { name: "Add users again", reference: "Clinical Maestro guide, step 11" };
const INACTIVE: Feature = Feature {
    name: "Inactive users stay",
    reference: "Clinical Maestro guide, Known Issues: their data remain available as an inactive user",
};

const USERS: usize = 10;
pub(super) const TICKS: usize = 1 + USERS + 5 + 4 + 1 + 1;

pub(super) async fn play(play: &mut Play<'_>) {
    play.credentials(TEST).await;
    play.assign(ADD, USERS).await;
    play.update(UPDATE, 0..5).await;
    play.deactivate(REMOVE, 4..8).await;
    play.reactivate(BACK, 4..5).await;
    // The import finds the three who were removed, inactive and with all eight attributes.
    play.import(INACTIVE).await;
}
