//! MDScripts: e-mail as userName, and a dispensing provider's attributes.

use super::Play;
use crate::okta::Feature;

const TEST: Feature = Feature { name: "Test API Credentials", reference: "MDScripts guide, step 2" };
const CREATE: Feature = Feature { name: "Create Users", reference: "MDScripts guide, Supported Features" };
const UPDATE: Feature =
    Feature { name: "Update User Attributes", reference: "MDScripts guide, Supported Features" };
const DEACTIVATE: Feature =
    Feature { name: "Deactivate Users", reference: "MDScripts guide, Supported Features" };
const REACTIVATE: Feature =
    Feature { name: "Reactivate Users", reference: "MDScripts guide, Supported Features: Deactivate Users" };
const LINK: Feature =
    Feature { name: "Link Users", reference: "MDScripts guide, Supported Features: Create Users" };
const PROVIDER: Feature =
    Feature { name: "Provider attributes", reference: "MDScripts guide, step 2 and Troubleshooting" };
const IMPORT: Feature = Feature { name: "Check what stands", reference: "idp-behaviour 1.4 import users" };

const USERS: usize = 12;
pub(super) const TICKS: usize = 1 + USERS + 4 + 1 + 3 + 2 + 1 + 1;

/// Providers bring NPI and DEA numbers, the others none; somebody becomes a provider, somebody ceases to be one.
pub(super) async fn play(play: &mut Play<'_>) {
    play.credentials(TEST).await;
    play.assign(CREATE, USERS).await;
    play.update(UPDATE, 0..4).await;
    move_house(play).await;
    play.deactivate(DEACTIVATE, 4..7).await;
    play.reactivate(REACTIVATE, 4..6).await;
    link(play).await;
    play.import(IMPORT).await;
}

/// A provider moves to another time zone and more sites, and a user becomes a provider.
async fn move_house(play: &mut Play<'_>) {
    let engine = play.step(PROVIDER);
    let new = (USERS..).map(|index| play.people.person(index)).find_map(|person| person.provider);
    for (place, become_provider) in [(7, false), (8, true)] {
        let Some(account) = play.accounts.get_mut(place) else { continue };
        let mut person = account.person.clone();
        person.timezone = if person.timezone == "US/Hawaii" { "US/Alaska" } else { "US/Hawaii" }.into();
        person.site_numbers = crate::people::SITE_NUMBERS.map(str::to_owned).to_vec();
        if become_provider && person.provider.is_none() {
            person.provider = new.clone();
        }
        engine.update_profile(account, person).await;
    }
    play.steps.tick(PROVIDER.name);
}

/// A person who is there already is assigned again: found by look-up, linked, the profile overwritten, the id kept.
async fn link(play: &mut Play<'_>) {
    let engine = play.step(LINK);
    if let Some(account) = play.accounts.last_mut() {
        let mut person = account.person.clone();
        person.given_name = format!("{} Ana", person.given_name);
        if let Some(linked) = engine.assign(&person).await {
            engine.expect_same(account, &linked);
            *account = linked;
        }
    }
    play.steps.tick(LINK.name);
}
