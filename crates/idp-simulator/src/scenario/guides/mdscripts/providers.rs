//! What only providers have, and what nobody else may keep.

use serde_json::{Value, json};

use super::{
    ASSISTANT, BEYOND, DEA, IS_PROVIDER, NAMES, NOT_APPLICABLE, NPI, nobody_of_a_provider, provider,
};
use crate::people::{Person, Provider};
use crate::scenario::guides::Play;
use crate::scenario::mapping::MDSCRIPTS;

/// Ten digits with a wrong check digit.
const NO_NPI: &str = "1234567890";
/// Letters and digits with a wrong check digit.
const NO_DEA: &str = "AP5836728";

pub(super) async fn play(play: &mut Play<'_>) {
    is_provider(play).await;
    assistant(play).await;
    npi(play).await;
    dea_license(play).await;
    names(play).await;
    not_applicable(play).await;
}

fn path(attribute: &str) -> String {
    format!("{MDSCRIPTS}:{attribute}")
}

/// Booleans, as customers type them who made the attribute a text in Okta.
async fn is_provider(play: &mut Play<'_>) {
    let engine = play.step(IS_PROVIDER);
    let yes = json!(true);
    for (place, written) in [(3, json!("true")), (4, json!("True")), (5, json!(true))] {
        let person = provider(play, place);
        let over = json!({MDSCRIPTS: {"isProvider": written}});
        let assigned = engine.assign_as("a provider", &person, &over, &[("isProvider", yes.clone())]).await;
        play.accounts.extend(assigned);
    }
    let person = provider(play, 6);
    let over = json!({MDSCRIPTS: {"isProvider": "maybe"}});
    engine.refuse_person("neither true nor false", &person, &over, &[&path("isProvider")]).await;
    become_provider(play).await;
    play.steps.tick(IS_PROVIDER.name);
}

/// A user becomes a provider, and ceases to be one: then the numbers are gone.
async fn become_provider(play: &mut Play<'_>) {
    let engine = play.step(IS_PROVIDER);
    let new = provider(play, 7).provider;
    if let Some(account) = play.accounts.get_mut(10) {
        for provider in [new, None] {
            let person = Person { provider, ..account.person.clone() };
            if person != account.person {
                engine.update_profile(account, person).await;
            }
        }
        let gone = ["npi", "deaLicense", "isPhysicianAssistant"].map(|name| (name, Value::Null));
        engine.expect_values("no provider any more", account, &gone).await;
    }
}

/// Optional: yes, and no.
async fn assistant(play: &mut Play<'_>) {
    let engine = play.step(ASSISTANT);
    if let Some(mut account) = engine.assign(&provider(play, 8)).await {
        for yes in [true, false] {
            let mut person = account.person.clone();
            if let Some(provider) = &mut person.provider {
                provider.physician_assistant = yes;
            }
            if person != account.person {
                engine.update_profile(&mut account, person).await;
            }
            let expected = [("isPhysicianAssistant", json!(yes))];
            engine.expect_values("a physician assistant or not", &account, &expected).await;
        }
        play.accounts.push(account);
    }
    play.steps.tick(ASSISTANT.name);
}

/// Required of a provider, and valid.
async fn npi(play: &mut Play<'_>) {
    let engine = play.step(NPI);
    let person = provider(play, 9);
    let npi_path = path("npi");
    for (what, npi) in [
        ("a provider without an NPI", Value::Null),
        ("a wrong check digit", json!(NO_NPI)),
        ("nine digits", json!("123456789")),
    ] {
        engine.refuse_person(what, &person, &json!({MDSCRIPTS: {"npi": npi}}), &[&npi_path]).await;
    }
    // A number in JSON is the same as its digits.
    let person = provider(play, 15);
    if let Some(provider) = &person.provider {
        let number = provider.npi.parse::<u64>().unwrap_or_default();
        let over = json!({MDSCRIPTS: {"npi": number}});
        let expected = [("npi", json!(provider.npi))];
        play.accounts.extend(engine.assign_as("an NPI as a number", &person, &over, &expected).await);
    }
    play.steps.tick(NPI.name);
}

/// Optional, and valid.
async fn dea_license(play: &mut Play<'_>) {
    let engine = play.step(DEA);
    let person = provider(play, 10);
    let wrong = json!({MDSCRIPTS: {"deaLicense": NO_DEA}});
    engine.refuse_person("a wrong check digit", &person, &wrong, &[&path("deaLicense")]).await;
    // Optional: a provider has none.
    let without = provider(play, 17);
    let over = json!({MDSCRIPTS: {"deaLicense": Value::Null}});
    let expected = [("deaLicense", Value::Null)];
    if let Some(provider) = without.provider.clone() {
        let bare = Provider { dea_license: String::new(), ..provider };
        let person = Person { provider: Some(bare), ..without };
        play.accounts.extend(engine.assign_as("a provider without one", &person, &over, &expected).await);
    }
    let person = provider(play, 16);
    if let Some(provider) = &person.provider {
        let small = json!({MDSCRIPTS: {"deaLicense": provider.dea_license.to_lowercase()}});
        let expected = [("deaLicense", json!(provider.dea_license))];
        play.accounts.extend(engine.assign_as("in small letters", &person, &small, &expected).await);
    }
    play.steps.tick(DEA.name);
}

/// Numbers in a provider's names are refused; in those of others they are not.
async fn names(play: &mut Play<'_>) {
    let engine = play.step(NAMES);
    let person = provider(play, 11);
    let (given, family) = (format!("{} 2", person.given_name), format!("{}3", person.family_name));
    for (name, paths) in [
        (json!({"givenName": given}), &["name.givenName"][..]),
        (json!({"familyName": family}), &["name.familyName"]),
        (json!({"givenName": given, "familyName": family}), &["name.givenName", "name.familyName"]),
    ] {
        engine.refuse_person("numbers in a provider's name", &person, &json!({"name": name}), paths).await;
    }
    let plain = Person { given_name: format!("Runscope{BEYOND}"), ..nobody_of_a_provider(play, 12) };
    play.accounts.extend(engine.assign(&plain).await);
    play.steps.tick(NAMES.name);
}

/// The three fields of providers are taken from others, and not kept.
async fn not_applicable(play: &mut Play<'_>) {
    let engine = play.step(NOT_APPLICABLE);
    let person = nobody_of_a_provider(play, 13);
    let numbers = provider(play, 14).provider;
    let sent = json!({MDSCRIPTS: {
        "isPhysicianAssistant": true,
        "npi": numbers.as_ref().map(|numbers| &numbers.npi),
        "deaLicense": numbers.as_ref().map(|numbers| &numbers.dea_license),
    }});
    let gone = ["isPhysicianAssistant", "npi", "deaLicense"].map(|name| (name, Value::Null));
    if let Some(account) = engine.assign_as("numbers of nobody's", &person, &sent, &gone).await {
        engine.change_as("numbers of nobody's", &account, &sent, &gone).await;
        play.accounts.push(account);
    }
    play.steps.tick(NOT_APPLICABLE.name);
}
