//! The attributes that everybody has: user name, time zone, role, sites, kind of address.

use serde_json::{Value, json};

use super::{EMAIL_TYPE, ROLE, SITES, TIMEZONE, USER_NAME, nobody_of_a_provider};
use crate::people::SITE_NUMBERS;
use crate::scenario::guides::Play;
use crate::scenario::mapping::MDSCRIPTS;

/// The examples of the guide.
const TIME_ZONES: [&str; 6] =
    ["US/Eastern", "US/Central", "US/Mountain", "US/Pacific", "US/Alaska", "US/Hawaii"];

pub(super) async fn play(play: &mut Play<'_>) {
    user_name(play).await;
    timezone(play).await;
    role(play).await;
    site_numbers(play).await;
    email_type(play).await;
}

async fn user_name(play: &mut Play<'_>) {
    let engine = play.step(USER_NAME);
    let person = play.people.person(super::BEYOND);
    if let Some(account) = play.accounts.first() {
        engine.expect_values("an address", account, &[("userName", json!(account.person.email))]).await;
    }
    let mut plain = person;
    plain.user_name = format!("staff.{}", play.people.tag());
    engine.refuse_person("a name that is no address", &plain, &json!({}), &["userName"]).await;
    play.steps.tick(USER_NAME.name);
}

async fn timezone(play: &mut Play<'_>) {
    let engine = play.step(TIMEZONE);
    if let Some(account) = play.accounts.get_mut(8) {
        for zone in TIME_ZONES {
            if account.person.timezone != zone {
                let mut person = account.person.clone();
                person.timezone = zone.into();
                engine.update_profile(account, person).await;
            }
            engine.expect_values("a name that is not canonical", account, &[("timezone", json!(zone))]).await;
        }
        for wrong in ["Eastern Standard Time", "Eastern", "GMT-5"] {
            engine.refuse_change("no time zone", account, &json!({"timezone": wrong}), "timezone").await;
        }
    }
    play.steps.tick(TIMEZONE.name);
}

async fn role(play: &mut Play<'_>) {
    let engine = play.step(ROLE);
    let person = nobody_of_a_provider(play, 1);
    let without = json!({MDSCRIPTS: {"role": Value::Null}});
    let assigned =
        engine.assign_as("without a role", &person, &without, &[("role", json!("Assistant"))]).await;
    if let Some(mut account) = assigned {
        for (manager, role) in [(true, "Manager"), (false, "Assistant")] {
            let mut person = account.person.clone();
            person.manager = manager;
            engine.update_profile(&mut account, person).await;
            engine.expect_values("the other role", &account, &[("role", json!(role))]).await;
        }
        let path = format!("{MDSCRIPTS}:role");
        engine.refuse_change("another role", &account, &json!({MDSCRIPTS: {"role": "Owner"}}), &path).await;
        play.accounts.push(account);
    }
    play.steps.tick(ROLE.name);
}

/// As the guide's comma list, untidy, and as a list; each must be a site of the tenant's.
async fn site_numbers(play: &mut Play<'_>) {
    let engine = play.step(SITES);
    if let Some(account) = play.accounts.get_mut(9) {
        let [first, second, third, ..] = SITE_NUMBERS;
        account.person.site_numbers = vec![first.into(), second.into()];
        let expected = [("siteNumbers", json!([first, second]))];
        for form in [
            json!(format!("{first},{second}")),
            json!(format!(" {first} , {second},,{first}")),
            json!([second, first]),
        ] {
            let value = json!({MDSCRIPTS: {"siteNumbers": form}});
            engine.change_as("a comma list or a list", account, &value, &expected).await;
        }
        for (form, place) in [(json!(format!("{first},9999")), "[1]"), (json!(["9999", third]), "[0]")] {
            let value = json!({MDSCRIPTS: {"siteNumbers": form}});
            let path = format!("{MDSCRIPTS}:siteNumbers{place}");
            engine.refuse_change("a site that is none", account, &value, &path).await;
        }
    }
    play.steps.tick(SITES.name);
}

async fn email_type(play: &mut Play<'_>) {
    let engine = play.step(EMAIL_TYPE);
    let person = nobody_of_a_provider(play, 2);
    let untold = json!({
        "emails": [{"primary": true, "value": person.email, "type": Value::Null}],
        MDSCRIPTS: {"emailType": Value::Null},
    });
    let expected = [("emails.type", json!("work"))];
    if let Some(account) = engine.assign_as("without a type", &person, &untold, &expected).await {
        play.accounts.push(account);
    }
    play.steps.tick(EMAIL_TYPE.name);
}
