use scim_core::{profile::Profile, value_set::ValueSet};
use serde_json::json;

use super::*;

const FILE: &str = r#"
    name = "badges"
    title = "Badges"
    summary = "People with badges."
    version = 1
    credentials = ["bearer"]
    base-path = "/scim/v2"

    [user]
    attributes = ["userName", "title", "emails"]

    [[extension]]
    urn = "urn:example:badges"
    name = "Badges"

    [[extension.attribute]]
    name = "host"

    [[extension.attribute]]
    name = "site"
    value-set = "sites"

    [[extension.attribute]]
    name = "npi"
    format = "npi"

    [[value-set]]
    name = "sites"
    title = "Sites"

    [[rule]]
    name = "doctors have a host"
    when = 'user.title == "Dr"'
    require = ["host"]

    [roles]
    prefix = "Door_"
    unmatched-group = "reject"
"#;

fn with<T>(work: impl FnOnce(Rules<'_>) -> T) -> T {
    let profile = Profile::from_toml(FILE).expect("a profile");
    let own = [("sites", ValueSet::new(["A1".into()]))].into_iter().collect();
    work(Rules { profile: &profile, value_sets: &profile.value_sets_of(&own) })
}

fn document(value: Value) -> Document {
    value.as_object().cloned().expect("an object")
}

fn paths(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.path.as_str()).collect()
}

#[test]
fn each_violation_says_what_asks_for_it() {
    let body = json!({"userName": "ann", "title": "Dr", "active": "maybe",
                      "urn:example:badges": {"site": "Z9", "npi": "12"}});
    let tried = with(|rules| trial(rules, Trying::Create, &body));
    assert_eq!((tried.status, tried.document), (400, None));
    let found: Vec<_> =
        tried.violations.iter().map(|found| (found.path.as_str(), found.origin.clone())).collect();
    assert_eq!(
        found,
        [
            ("active", Origin::Schema),
            ("urn:example:badges:site", Origin::ValueSet("sites".into())),
            ("urn:example:badges:npi", Origin::Format),
            ("urn:example:badges:host", Origin::Rule("doctors have a host".into())),
        ]
    );
    let kept = document(json!({"userName": "ann", "title": "Dr"}));
    let found = with(|rules| standing(rules, &kept));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(with(|rules| standing(rules, &document(json!({"userName": "ann"})))), []);
}

#[test]
fn what_becomes_of_a_new_user_is_told_by_attribute() {
    let body = json!({"schemas": ["urn:x"], "ID": "7", "USERNAME": "ann", "password": "secret", "nickName": "A",
                      "colour": "red", "title": "", "active": "False",
                      "emails": [{"value": "a@x.example", "shade": 1}],
                      "urn:example:badges": {"site": "a1"}});
    let tried = with(|rules| trial(rules, Trying::Create, &body));
    let kept = json!({"userName": "ann", "active": false, "emails": [{"value": "a@x.example"}],
                      "urn:example:badges": {"site": "A1"}});
    assert_eq!((tried.status, tried.document.clone().map(Value::Object)), (201, Some(kept)), "{tried:?}");
    let noted: Vec<&str> = tried.notes.iter().map(|note| note.path.as_str()).collect();
    assert_eq!(noted, ["nickName", "colour", "emails.shade"]);
    let ignored: Vec<&str> = tried.ignored.iter().map(|note| note.path.as_str()).collect();
    assert_eq!(ignored, ["ID", "password", "title"]);
    assert_eq!(paths(&tried.reshaped), ["active", "urn:example:badges:site"]);
    assert_eq!(tried.changes, []);
}

#[test]
fn a_change_is_tried_on_what_is_kept() {
    let kept = document(json!({"userName": "ann", "active": true, "emails": [{"value": "a@x.example"}]}));
    let body = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [
        {"op": "add", "path": "emails", "value": [{"value": "b@x.example"}]},
        {"op": "replace", "path": "title", "value": "Nurse"}]});
    let tried = with(|rules| trial(rules, Trying::Patch(&kept), &body));
    assert_eq!(tried.status, 200, "{tried:?}");
    assert_eq!(paths(&tried.changes), ["emails[1].value", "title"], "{:?}", tried.changes);
    let bad = json!({"Operations": [{"op": "replace", "path": "nobody.knows", "value": 1}]});
    let tried = with(|rules| trial(rules, Trying::Patch(&kept), &bad));
    assert_eq!((tried.status, tried.violations.len()), (400, 1), "{tried:?}");
    let put = json!({"userName": "ann", "title": "Dr", "urn:example:badges": {"host": "bob"}});
    let tried = with(|rules| trial(rules, Trying::Replace(&kept), &put));
    assert_eq!(paths(&tried.changes), ["emails[0].value", "title", "urn:example:badges:host"]);
    assert!(tried.changes.iter().all(|change| change.path != "active"), "silence does not deactivate");
}

#[test]
fn a_group_tells_its_roles() {
    let of = |name: &str| with(|rules| trial_group(rules, &json!({"displayName": name, "members": []})));
    assert_eq!(of("Door_Main").roles, ["Main"]);
    let refused = of("Everyone");
    assert_eq!((refused.violations.len(), refused.roles.len()), (1, 0));
}
