//! MDScripts: e-mail as userName, accounts created or linked, and a dispensing provider's attributes.

mod attributes;
mod providers;

use super::{Play, prepared};
use crate::people::Person;
use crate::report::Feature;

const FEATURES_OF: &str = "MDScripts guide, Supported Features";
const STEP_2: &str = "MDScripts guide, step 2";
const TROUBLE: &str = "MDScripts guide, Troubleshooting";

const CREATE: Feature = Feature::new("Create Users", FEATURES_OF);
const LINK: Feature = Feature::new("Creates or links a user", FEATURES_OF);
const UPDATE: Feature = Feature::new("Update User Attributes", FEATURES_OF);
const DEACTIVATE: Feature = Feature::new("Deactivate Users", FEATURES_OF);
const REACTIVATE: Feature = Feature::new("Accounts can be reactivated", FEATURES_OF);
const TEST: Feature = Feature::new("Test API Credentials", STEP_2);
const USER_NAME: Feature = Feature::new("The default username is Email", STEP_2);
const TIMEZONE: Feature = Feature::new("user.timezone", STEP_2);
const IS_PROVIDER: Feature = Feature::new("user.isProvider", STEP_2);
const ASSISTANT: Feature = Feature::new("user.isPhysicianAssistant", STEP_2);
const NPI: Feature = Feature::new("user.npi", STEP_2);
const DEA: Feature = Feature::new("user.deaLicense", STEP_2);
const ROLE: Feature = Feature::new("user.role", STEP_2);
const SITES: Feature = Feature::new("user.siteNumbers", STEP_2);
const EMAIL_TYPE: Feature = Feature::new("user.emailType", STEP_2);
const NAMES: Feature = Feature::new("No numbers in the names of providers", TROUBLE);
const NOT_APPLICABLE: Feature = Feature::new("Fields not applicable if isProvider is false", TROUBLE);

pub(super) const FEATURES: &[Feature] = &[
    CREATE,
    LINK,
    UPDATE,
    DEACTIVATE,
    REACTIVATE,
    TEST,
    USER_NAME,
    TIMEZONE,
    IS_PROVIDER,
    ASSISTANT,
    NPI,
    DEA,
    ROLE,
    SITES,
    EMAIL_TYPE,
    NAMES,
    NOT_APPLICABLE,
];

const USERS: usize = 12;
pub(super) const TICKS: usize = 1 + USERS + 4 + 5 + 5 + 4 + 2 + 1 + 1;

/// The numbers of people who come beyond those assigned at first.
const BEYOND: usize = 40;

pub(super) async fn play(play: &mut Play<'_>) {
    play.credentials(TEST).await;
    play.assign(CREATE, USERS).await;
    play.update(UPDATE, 0..4).await;
    attributes::play(play).await;
    providers::play(play).await;
    play.deactivate(DEACTIVATE, 4..7).await;
    let engine = play.step(DEACTIVATE);
    if let Some(account) = play.accounts.get_mut(7) {
        engine.delete_keeps(account).await;
    }
    play.steps.tick(DEACTIVATE.name);
    play.reactivate(REACTIVATE, 4..6).await;
    link(play).await;
    play.import(CREATE).await;
}

/// Somebody whom MDScripts knew before Okta is linked; somebody assigned again is the same account; and so is one whom
/// Okta POSTs although the account exists.
async fn link(play: &mut Play<'_>) {
    let engine = play.step(LINK);
    let before = prepared::before_okta(&play.people, 0);
    let found = engine.look_up(&before.user_name).await;
    engine.expect_many("accounts from before Okta", usize::from(found.is_some()), 1);
    play.accounts.extend(engine.assign(&before).await);
    if let Some(account) = play.accounts.last_mut() {
        let mut person = account.person.clone();
        person.given_name = format!("{} Ana", person.given_name);
        if let Some(linked) = engine.assign(&person).await {
            engine.expect_same(account, &linked);
            *account = linked;
        }
        let mut person = account.person.clone();
        person.family_name = format!("{} Vega", person.family_name);
        engine.link_by_post(account, person).await;
    }
    if let Some(account) = play.accounts.get_mut(6) {
        // Deactivated, and posted again: the same account, active.
        let person = account.person.clone();
        engine.link_by_post(account, person).await;
    }
    play.steps.tick(LINK.name);
}

/// Somebody new who is a provider.
fn provider(play: &Play<'_>, place: usize) -> Person {
    let mut person = play.people.person(BEYOND + place);
    let first = (BEYOND + place..).map(|index| play.people.person(index)).find_map(|person| person.provider);
    person.provider = person.provider.or(first);
    person
}

/// Somebody new who is none.
fn nobody_of_a_provider(play: &Play<'_>, place: usize) -> Person {
    Person { provider: None, manager: false, ..play.people.person(BEYOND + place) }
}
