//! Epic EMP Provisioning Connector: records with templates, without groups (guide of July 2020).

use serde_json::{Value, json};

use super::{Play, prepared};
use crate::people::{LINKED_EMP, LINKED_SER, SUB_TEMPLATES, TEMPLATES};
use crate::report::Feature;
use crate::scenario::mapping::{EPIC, UNSUPPORTED_BY_EPIC, unsupported_by_epic};

const PUSH: Feature = Feature::new("Push New Users", "Epic EMP guide, chapter 2");
const UPDATE: Feature = Feature::new("Push Profile Updates", "Epic EMP guide, chapter 2");
const DEACTIVATE: Feature = Feature::new("Push User Deactivation", "Epic EMP guide, chapter 2");
const REACTIVATE: Feature = Feature::new("Reactivate Users", "Epic EMP guide, chapter 2");
const IMPORT: Feature = Feature::new("Import Users", "Epic EMP guide, chapter 2 and chapter 4 step 6");
const TEMPLATES_: Feature =
    Feature::new("Single and multiple Epic Templates", "Epic EMP guide, chapter 2, note 1");
const SUB: Feature = Feature::new("Sub-Templates", "Epic EMP guide, chapter 2, note 1");
const LINK: Feature = Feature::new("Link EMP and SER records", "Epic EMP guide, chapter 2, note 1");
const NO_GROUPS: Feature = Feature::new("Epic does not support Groups", "Epic EMP guide, chapter 2, note 2");
const UNSUPPORTED: Feature =
    Feature::new("Attributes not supported by Epic target system", "Epic EMP guide, chapter 2, note 3");
const CONFIGURE: Feature =
    Feature::new("Configure API Integration", "Epic EMP guide, chapter 4 steps 3 and 4");

pub(super) const FEATURES: &[Feature] =
    &[PUSH, UPDATE, DEACTIVATE, REACTIVATE, IMPORT, TEMPLATES_, SUB, LINK, NO_GROUPS, UNSUPPORTED, CONFIGURE];

const USERS: usize = 12;
pub(super) const TICKS: usize = 1 + USERS + 5 + 3 + 1 + 1 + 4 + 1 + 2 + 2;

pub(super) async fn play(play: &mut Play<'_>) {
    play.step(CONFIGURE).expect_base_path("/scim/v2");
    play.credentials(CONFIGURE).await;
    play.assign(PUSH, USERS).await;
    play.update(UPDATE, 0..5).await;
    templates(play).await;
    sub_templates(play).await;
    linked_records(play).await;
    no_groups(play).await;
    unsupported(play).await;
    play.deactivate(DEACTIVATE, 3..7).await;
    let engine = play.step(DEACTIVATE);
    if let Some(account) = play.accounts.get_mut(7) {
        engine.delete_keeps(account).await;
    }
    play.steps.tick(DEACTIVATE.name);
    play.reactivate(REACTIVATE, 3..5).await;
    import_others(play).await;
    play.import(IMPORT).await;
}

fn ids(list: &[&str]) -> Vec<String> {
    list.iter().map(|id| (*id).to_owned()).collect()
}

fn path(attribute: &str) -> String {
    format!("{EPIC}:{attribute}")
}

/// One template, several, one again; one that the environment does not have is refused and changes nothing.
async fn templates(play: &mut Play<'_>) {
    let engine = play.step(TEMPLATES_);
    if let Some(account) = play.accounts.get_mut(8) {
        for (list, other) in [
            (&TEMPLATES[..1], "t100"),
            (&TEMPLATES[..3], "T300, T100,T200,,T100"),
            (&TEMPLATES[1..2], "T200"),
        ] {
            let mut person = account.person.clone();
            person.epic.templates = ids(list);
            engine.update_profile(account, person).await;
            let text = json!({EPIC: {"templates": other}});
            let expected = [("templates", json!(list))];
            engine.change_as("templates as a text", account, &text, &expected).await;
        }
        let unknown = json!({EPIC: {"templates": [TEMPLATES[0], "T999"]}});
        engine.refuse_change("an unknown template", account, &unknown, &path("templates[1]")).await;
    }
    let unknown = json!({EPIC: {"templates": "T999"}});
    let nobody = play.people.person(USERS);
    engine.refuse_person("a person with an unknown template", &nobody, &unknown, &[&path("templates")]).await;
    play.steps.tick(TEMPLATES_.name);
}

async fn sub_templates(play: &mut Play<'_>) {
    let engine = play.step(SUB);
    if let Some(account) = play.accounts.get_mut(9) {
        for list in [&SUB_TEMPLATES[..1], &SUB_TEMPLATES[..2]] {
            let mut person = account.person.clone();
            person.epic.sub_templates = ids(list);
            engine.update_profile(account, person).await;
            engine.expect_values("sub-templates", account, &[("subTemplates", json!(list))]).await;
        }
        let unknown = json!({EPIC: {"subTemplates": "S999"}});
        engine.refuse_change("an unknown sub-template", account, &unknown, &path("subTemplates")).await;
    }
    play.steps.tick(SUB.name);
}

/// Records linked, several at once, and unlinked.
async fn linked_records(play: &mut Play<'_>) {
    let engine = play.step(LINK);
    if let Some(account) = play.accounts.get_mut(10) {
        for (emp, ser) in
            [(&LINKED_EMP[..2], &LINKED_SER[..1]), (&[], &LINKED_SER[1..3]), (&LINKED_EMP[..1], &[])]
        {
            let mut person = account.person.clone();
            (person.epic.linked_emp, person.epic.linked_ser) = (ids(emp), ids(ser));
            engine.update_profile(account, person).await;
            let or_none = |list: &[&str]| if list.is_empty() { Value::Null } else { json!(list) };
            let expected = [("linkedEmp", or_none(emp)), ("linkedSer", or_none(ser))];
            engine.expect_values("linked records", account, &expected).await;
        }
        for attribute in ["linkedEmp", "linkedSer"] {
            let unknown = json!({EPIC: {attribute: ["X1"]}});
            engine.refuse_change("an unknown record", account, &unknown, &path(attribute)).await;
        }
    }
    let names = ["templates", "subTemplates", "linkedEmp", "linkedSer"];
    engine.expect_extension(EPIC, &names).await;
    play.steps.tick(LINK.name);
}

async fn no_groups(play: &mut Play<'_>) {
    let engine = play.step(NO_GROUPS);
    engine.expect_resource_types(&["User"]).await;
    engine.refuse_groups().await;
    play.steps.tick(NO_GROUPS.name);
}

/// Everything that the guide lists as not supported is taken, with a create and with an update, and never kept.
async fn unsupported(play: &mut Play<'_>) {
    let engine = play.step(UNSUPPORTED);
    let person = play.people.person(USERS + 1);
    let sent = unsupported_by_epic(&person);
    let expected = UNSUPPORTED_BY_EPIC.map(|name| (name, Value::Null));
    engine.expect_not_offered(&UNSUPPORTED_BY_EPIC).await;
    if let Some(account) = engine.assign_as("create with all of them", &person, &sent, &expected).await {
        engine.change_as("update with all of them", &account, &sent, &expected).await;
        play.accounts.push(account);
    }
    play.steps.tick(UNSUPPORTED.name);
}

/// Records from before Okta: two have an Okta user of the same name, of one a new Okta user is made.
async fn import_others(play: &mut Play<'_>) {
    let engine = play.step(IMPORT);
    let directory = [0, 1].map(|place| prepared::before_okta(&play.people, place));
    let new = |place| play.people.person(USERS + 2 + place);
    let linked = engine.import_others(&play.accounts, &play.people.mark(), &directory, new).await;
    engine.expect_many("records from before Okta", linked.as_ref().map_or(0, Vec::len), 3);
    play.accounts.extend(linked.into_iter().flatten());
    play.steps.tick(IMPORT.name);
}
