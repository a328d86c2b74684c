//! Clinical Maestro: eight attributes, and people who are internal contacts or inactive users.

use serde_json::{Value, json};

use super::Play;
use crate::judge::{ENTERPRISE, USER};
use crate::people::Person;
use crate::report::Feature;

const NOTE: &str = "Clinical Maestro guide, Known Issues, Note";
const TABLE: &str = "Clinical Maestro guide, Attributes and Mapping";

const TEST: Feature = Feature::new("Test API Credentials", "Clinical Maestro guide, steps 4 to 8");
const ADD: Feature =
    Feature::new("A user added becomes an internal contact", "Clinical Maestro guide, step 11");
const REMOVE: Feature =
    Feature::new("A user removed disappears from the Internal Contacts", "Clinical Maestro guide, step 11");
const AGAIN: Feature = Feature::new("A user added again", "Clinical Maestro guide, step 11 d");
const ATTRIBUTES: Feature = Feature::new("The eight attributes", TABLE);
const SCHEMA: Feature = Feature::new("No other attribute", TABLE);
const INACTIVE: Feature = Feature::new("Data remain available as an 'inactive user'", NOTE);
const PERMANENT: Feature = Feature::new("Okta deletes nobody permanently", NOTE);

pub(super) const FEATURES: &[Feature] = &[TEST, ADD, REMOVE, AGAIN, ATTRIBUTES, SCHEMA, INACTIVE, PERMANENT];

/// The guide's table: the variable names under which an Okta app may send them.
const VARIABLES: [&str; 8] = [
    "userName",
    "givenName",
    "familyName",
    "email",
    "title",
    "department",
    "primaryPhone",
    "primaryPhoneType",
];

const USERS: usize = 10;
pub(super) const TICKS: usize = 1 + USERS + 1 + 1 + 4 + 1 + 1 + 1;

pub(super) async fn play(play: &mut Play<'_>) {
    play.credentials(TEST).await;
    play.assign(ADD, USERS).await;
    listed(play, ADD, 0..USERS).await;
    attributes(play).await;
    schema(play).await;
    play.deactivate(REMOVE, 4..8).await;
    listed(play, REMOVE, 4..8).await;
    permanent(play).await;
    play.reactivate(AGAIN, 4..5).await;
    listed(play, AGAIN, 4..5).await;
    // The import finds those who were removed, inactive and with all eight attributes.
    let inactive = play.accounts.iter().filter(|account| !account.active).count();
    play.step(INACTIVE).expect_many("inactive users", inactive, 4);
    play.import(INACTIVE).await;
}

/// The list of internal contacts is that of the active users.
async fn listed(play: &Play<'_>, feature: Feature, places: std::ops::Range<usize>) {
    let engine = play.step(feature);
    for account in &play.some(places) {
        engine.listed_when_active(account).await;
    }
}

/// Each of the eight changes, under SCIM's names and under those of the table.
async fn attributes(play: &mut Play<'_>) {
    let engine = play.step(ATTRIBUTES);
    if let Some(account) = play.accounts.first_mut() {
        engine.update_profile(account, changed(&account.person, "home")).await;
    }
    if let Some(account) = play.accounts.get_mut(1) {
        account.person = changed(&account.person, "mobile");
        let person = &account.person;
        let values = [
            &person.user_name,
            &person.given_name,
            &person.family_name,
            &person.email,
            &person.title,
            &person.department,
            &person.phone,
            &person.phone_type,
        ];
        let named = VARIABLES.iter().zip(values).map(|(name, value)| ((*name).to_owned(), json!(value)));
        let named = Value::Object(named.collect());
        let expected = [
            ("title", json!(person.title)),
            ("department", json!(person.department)),
            ("phoneNumbers.value", json!(person.phone)),
            ("phoneNumbers.type", json!(person.phone_type)),
            ("emails.value", json!(person.email)),
        ];
        engine.change_as("the table's variable names", account, &named, &expected).await;
    }
    play.steps.tick(ATTRIBUTES.name);
}

fn changed(person: &Person, phone_type: &str) -> Person {
    Person {
        given_name: format!("{} Maria", person.given_name),
        family_name: format!("{} Núñez", person.family_name),
        email: format!("new.{}", person.email),
        title: format!("Senior {}", person.title),
        department: format!("{} East", person.department),
        phone: "+1-415-555-0199".into(),
        phone_type: phone_type.into(),
        ..person.clone()
    }
}

/// What is beside the table is neither announced nor kept.
async fn schema(play: &mut Play<'_>) {
    let engine = play.step(SCHEMA);
    let core = [
        "userName",
        "name.givenName",
        "name.familyName",
        "title",
        "active",
        "emails.value",
        "emails.type",
        "emails.primary",
        "phoneNumbers.value",
        "phoneNumbers.type",
        "phoneNumbers.primary",
    ];
    engine.expect_schemas(&[(USER, &core), (ENTERPRISE, &["department"])]).await;
    engine.expect_resource_types(&["User"]).await;
    if let Some(account) = play.accounts.get(2) {
        let more = json!({
            "nickName": "Annie", "displayName": "Ann", "locale": "en-US", "timezone": "US/Eastern",
            "addresses": [{"type": "work", "locality": "Boston"}], ENTERPRISE: {"costCenter": "7"},
        });
        let names = ["nickName", "displayName", "locale", "timezone", "addresses", "costCenter"];
        let expected = names.map(|name| (name, Value::Null));
        engine.change_as("attributes beside the table", account, &more, &expected).await;
    }
    play.steps.tick(SCHEMA.name);
}

/// Even a DELETE only makes an inactive user: whoever wants the data gone asks support.
async fn permanent(play: &mut Play<'_>) {
    let engine = play.step(PERMANENT);
    if let Some(account) = play.accounts.get_mut(8) {
        engine.delete_keeps(account).await;
        engine.listed_when_active(account).await;
    }
    play.steps.tick(PERMANENT.name);
}
