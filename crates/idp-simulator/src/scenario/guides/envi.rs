//! Envi: five attributes, a pasted token, and groups whose name gives a role.

use serde_json::{Value, json};

use super::Play;
use crate::people::Person;
use crate::report::Feature;

const STEP_12: &str = "Envi guide, Okta Configuration step 12";
const GROUPS: &str = "Envi guide, Group Provisioning";

const URL: Feature = Feature::new("Base URL ends in /scim", "Envi guide, Okta Configuration step 8 b");
const TOKEN: Feature =
    Feature::new("API Token: Bearer your token", "Envi guide, Okta Configuration step 8 c");
const TEST: Feature = Feature::new("Test API Credentials", "Envi guide, Okta Configuration steps 8 d and 9");
const CREATE: Feature = Feature::new("Create Users", STEP_12);
const LINK: Feature = Feature::new("Creates or links a user", STEP_12);
const UPDATE: Feature = Feature::new("Update User Attributes", STEP_12);
const DEACTIVATE: Feature = Feature::new("Deactivate Users", STEP_12);
const REACTIVATE: Feature = Feature::new("Accounts can be reactivated", STEP_12);
const FIVE: Feature =
    Feature::new("Five attributes, all others removed", "Envi guide, Okta Configuration step 13");
const MANAGE: Feature = Feature::new("Manage People", "Envi guide, User Provisioning steps 4 and 5");
const PUSH: Feature = Feature::new("Push Groups by rule", "Envi guide, Group Provisioning steps 1 and 2");
const VERIFY: Feature = Feature::new("The list of groups pushed", GROUPS);

pub(super) const FEATURES: &[Feature] =
    &[URL, TOKEN, TEST, CREATE, LINK, UPDATE, DEACTIVATE, REACTIVATE, FIVE, MANAGE, PUSH, VERIFY];

/// The groups and which users are in them: the prefix in two spellings, a role of the product's list and one that it
/// does not have, and `Everyone`, which has no prefix.
const PUSHED: [(&str, std::ops::Range<usize>); 4] =
    [("Envi_Manager", 0..4), ("envi_managed", 1..3), ("envi_testing", 2..6), ("Everyone", 0..10)];

const USERS: usize = 10;
pub(super) const TICKS: usize = 2 + USERS + 1 + 4 + 2 + 1 + 1 + PUSHED.len() + 1 + 1;

pub(super) async fn play(play: &mut Play<'_>) {
    play.step(URL).expect_base_path("/scim");
    play.step(TOKEN).take_pasted_credentials().await;
    play.steps.tick(TOKEN.name);
    play.credentials(TEST).await;
    play.assign(CREATE, USERS).await;
    link(play).await;
    play.update(UPDATE, 0..4).await;
    play.deactivate(DEACTIVATE, 8..10).await;
    play.reactivate(REACTIVATE, 8..9).await;
    five_attributes(play).await;
    let engine = play.step(PUSH);
    for (name, places) in PUSHED {
        play.groups.extend(engine.push_group(name, &play.some(places)).await);
        play.steps.tick(PUSH.name);
    }
    manage_people(play).await;
    play.import(VERIFY).await;
}

/// Somebody who is there already is found and linked.
async fn link(play: &mut Play<'_>) {
    let engine = play.step(LINK);
    if let Some(account) = play.accounts.get_mut(7) {
        let mut person = account.person.clone();
        person.given_name = format!("{} Ana", person.given_name);
        if let Some(linked) = engine.assign(&person).await {
            engine.expect_same(account, &linked);
            *account = linked;
        }
    }
    play.steps.tick(LINK.name);
}

/// The five change and come back; an app whose other attributes nobody removed sends more, and nothing of it stays.
async fn five_attributes(play: &mut Play<'_>) {
    let engine = play.step(FIVE);
    if let Some(account) = play.accounts.get_mut(5) {
        let person = Person {
            given_name: "Noor".into(),
            family_name: "Envi".into(),
            email: format!("new.{}", account.person.email),
            ..account.person.clone()
        };
        engine.update_profile(account, person).await;
        let more = json!({
            "displayName": "Noor Envi", "title": "Buyer", "locale": "en-US", "timezone": "US/Eastern",
            "phoneNumbers": [{"type": "work", "value": "+1-415-555-0199"}], "department": "Supply Chain",
        });
        let names = ["displayName", "title", "locale", "timezone", "phoneNumbers", "department"];
        let expected = names.map(|name| (name, Value::Null));
        engine.change_as("attributes beside the five", account, &more, &expected).await;
    }
    play.steps.tick(FIVE.name);
}

/// The last of the managers leaves the group, somebody else joins.
async fn manage_people(play: &mut Play<'_>) {
    let engine = play.step(MANAGE);
    let (leaver, newcomer) = (play.some(3..4), play.some(6..7));
    if let Some(group) = play.groups.iter_mut().find(|group| group.name == PUSHED[0].0) {
        engine.remove_members(group, &leaver).await;
        engine.add_members(group, &newcomer).await;
    }
    play.steps.tick(MANAGE.name);
}
