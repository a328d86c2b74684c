//! Bodies: what is kept of them, and what is refused.

use serde_json::{Value, json};

use super::*;
use crate::intake::only_deactivates;

/// Bodies and what is kept at a pointer; `X` stands for the extension.
#[test]
fn what_is_taken() {
    let rows: Vec<(Value, &str, Value)> = vec![
        // Defaults.
        (json!({}), "/preferredLanguage", json!("en")),
        (json!({"preferredLanguage": "DE"}), "/preferredLanguage", json!("de")),
        (json!({"preferredLanguage": ""}), "/preferredLanguage", json!("en")),
        (json!({}), "/X/guest", json!(false)),
        (
            json!({"phoneNumbers": [{"value": "+1 202 555 0143"}]}),
            "/phoneNumbers/0",
            json!({"value": "+12025550143", "type": "work", "primary": true}),
        ),
        (
            json!({"phoneNumbers": [{"value": "+12025550143", "type": ""}, {"value": "+12025550143", "type": "work"}]}),
            "/phoneNumbers",
            json!([{"value": "+12025550143", "type": "work", "primary": true}]),
        ),
        (json!({"rooms": [{"value": "r1"}]}), "/X/rooms/0", json!({"value": "R1", "use": "desk"})),
        // Value sets give the spelling.
        (json!({BADGES: {"buildings": "a1, B2,,A1"}}), "/X/buildings", json!(["A1", "B2"])),
        (json!({"buildings": ["a1", "A1", "b2, c3"]}), "/X/buildings", json!(["A1", "B2", "C3"])),
        (json!({"building": "c3"}), "/X/buildings", json!(["C3"])),
        (json!({BADGES: {"floors": ["2", 1, "2"]}}), "/X/floors", json!("2,1")),
        (json!({"floors": "1, 2, 1"}), "/X/floors", json!("1,2")),
        (
            json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "icu"}}),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department",
            json!("ICU"),
        ),
        // Other names.
        (json!({"firstName": "Bea"}), "/name/givenName", json!("Bea")),
        (
            json!({"FIRSTNAME": "Bea", "name": {"givenName": "Old", "familyName": "Lee"}}),
            "/name",
            json!({"givenName": "Bea", "familyName": "Lee"}),
        ),
        (json!({"jobTitle": "Chief"}), "/title", json!("Chief")),
        (json!({"email": "b@x.example"}), "/emails", json!([{"value": "b@x.example", "primary": true}])),
        (
            json!({"email": "b@x.example", "emailType": "home"}),
            "/emails",
            json!([{"value": "b@x.example", "type": "home", "primary": true}]),
        ),
        (json!({BADGES: {"email": "b@x.example"}}), "/emails/0/value", json!("b@x.example")),
        (
            json!({"urn:ietf:params:scim:schemas:core:2.0:User": {"email": "b@x.example"}}),
            "/emails/0/value",
            json!("b@x.example"),
        ),
        // What was read is written back, with the new value under the name that the provider knows.
        (
            json!({"email": "new@x.example", "emails": [{"value": "a@x.example"}, {"value": "old@x.example",
            "primary": true}]}),
            "/emails",
            json!([{"value": "a@x.example"}, {"value": "new@x.example", "primary": true}]),
        ),
        (json!({"email": "", "emails": [{"value": "a@x.example"}]}), "/emails/0/value", json!("a@x.example")),
        (json!({BADGES: {"buildings": [" , ", "A1"]}}), "/X/buildings", json!(["A1"])),
        (json!({BADGES: {"buildings": [" "]}}), "/X/buildings", Value::Null),
        // A mark on an element that says nothing is none.
        (
            json!({"emails": [{"value": "a@x.example"}, {"type": "home", "primary": true}]}),
            "/emails",
            json!([{"value": "a@x.example", "primary": true}]),
        ),
        (
            json!({"email": [{"value": "a@x.example"}, {"value": "b@x.example", "primary": true}]}),
            "/emails/0/value",
            json!("b@x.example"),
        ),
        // Dropped without an error.
        (json!({"shoeSize": 43, "SENDINVITE": true, BADGES: {"shoesize": 1}}), "/shoeSize", Value::Null),
        (json!({"nickName": "Annie"}), "/nickName", Value::Null),
    ];
    for (beside, pointer, expected) in rows {
        let mut found = kept(beside.clone());
        let extension = found.get_mut(BADGES).map_or(Value::Null, Value::take);
        found["X"] = extension;
        assert_eq!(
            found.pointer(pointer).cloned().unwrap_or_default(),
            expected,
            "{beside} {pointer} {found}"
        );
    }
}

/// Bodies, the path that the error names (`X:` for the extension), and a word of it.
#[test]
fn what_is_refused() {
    let rows: Vec<(Value, &str, &str)> = vec![
        (json!({"userName": "ann"}), "userName", "without an @"),
        (json!({"userName": ""}), "userName", "required"),
        (json!({"name": {"givenName": " "}}), "name.givenName", "required here"),
        (json!({"phoneNumbers": [{"value": "555"}]}), "phoneNumbers[0].value", "without a +"),
        (json!({"phone": "555"}), "phoneNumbers[0].value", "without a +"),
        (json!({"phone": true}), "phone", "string"),
        (json!({"preferredLanguage": "fr"}), "preferredLanguage", "send en, de"),
        (json!({"buildings": ["A1", "Z9"]}), "X:buildings[1]", "send A1, B2, C3"),
        (json!({"building": "Z9"}), "X:buildings[0]", "value set \"buildings\""),
        (json!({"buildings": true}), "X:buildings[0]", "string"),
        (json!({"floors": "1,9"}), "X:floors", "send 1, 2"),
        (json!({"floors": {"a": 1}}), "X:floors", "string"),
        (json!({"rooms": [{"value": "R1"}, {"value": "R9"}]}), "X:rooms[1].value", "send R1, R2"),
        (json!({"badge": "B7"}), "X:badge", "digits"),
        (json!({"dea": "CP5836727"}), "X:dea", "registrant"),
        (json!({"guest": true}), "X:host", "required for guests"),
        (json!({"guest": "perhaps"}), "X:guest", "true or false"),
        (json!({"host": "Bo"}), "X:host", "does not apply here; leave it out: only guests have hosts"),
        (json!({"level": 4, "title": "Nurse 2"}), "title", "digits"),
        (
            json!({"level": 4, "emails": [{"value": "a@x.example", "display": "A1"}]}),
            "emails[0].display",
            "digits",
        ),
        (json!({"level": 5}), "emails", "of type work"),
        (json!({"level": 5, "emails": [{"value": "a@x.example", "type": "home"}]}), "emails", "of type work"),
        (
            json!({"level": 9, "email": "a@x.example", "emailType": "work", "title": "Nurse"}),
            "title",
            "for chiefs",
        ),
        (
            json!({"level": 9, "email": "a@x.example", "emailType": "work"}),
            "rule \"careless\"",
            "could not be",
        ),
    ];
    for (beside, path, word) in rows {
        let error = judge(beside.clone()).expect_err(&beside.to_string());
        let path = path.replace("X:", &format!("{BADGES}:"));
        assert_eq!((error.status, error.scim_type), (400, Some(crate::ScimType::InvalidValue)), "{beside}");
        let named = format!("{path}: ");
        let at = error.detail.find(&named).unwrap_or_else(|| panic!("{beside} {path}: {error}"));
        assert!(error.detail[at..].contains(word), "{beside}: {error}");
    }
}

#[test]
fn all_violations_are_told_in_one_answer() {
    let error = judge_with(
        &sets(),
        Leniencies::LENIENT,
        &json!({
            "userName": 7.5, "active": "maybe", "phone": "555", "preferredLanguage": "fr", "title": "T1",
            BADGES: {"guest": true, "buildings": "Z9", "level": "4"},
            "emails": [{"value": "a@x.example", "primary": true}, {"value": "b@x.example", "primary": true}],
        }),
    )
    .expect_err("much is wrong");
    for path in [
        "userName",
        "active",
        "phoneNumbers[0].value",
        "preferredLanguage",
        "title",
        "emails.primary",
        "name.givenName",
        "X:host",
        "X:buildings[0]",
    ] {
        let named = format!("{}: ", path.replace("X:", &format!("{BADGES}:")));
        assert_eq!(error.detail.matches(&named).count(), 1, "{path} once in {error}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_not_missing_too() {
    let error = judge_with(
        &sets(),
        Leniencies::STRICT,
        &json!({
            "schemas": [crate::urn::USER], "userName": 7, "name": {"givenName": 8},
        }),
    )
    .expect_err("two are wrong");
    assert!(!error.detail.contains("required"), "{error}");
    assert!(error.detail.contains("userName: must be") && error.detail.contains("name.givenName: must be"));
}

#[test]
fn no_error_and_no_note_holds_a_sensitive_value() {
    for (beside, secret) in [
        (json!({"dea": "AP5836728"}), "5836728"),
        (json!({"dea": "XX0000000000"}), "XX0"),
        (json!({"buildings": ["SECRET-9"]}), "SECRET"),
        (json!({"userName": "SECRET"}), "SECRET"),
    ] {
        let error = judge(beside).expect_err("refused");
        assert!(!error.detail.contains(secret), "{error}");
    }
    let (_, notes) = judge(json!({"dea": "AP5836727", "name": {"givenName": "Ann", "familyName": "Smith"}}))
        .expect("taken");
    assert!(
        notes.iter().any(|note| note.path.ends_with(":dea") && note.text.contains("initial")),
        "{notes:?}"
    );
    assert!(!format!("{notes:?}").contains("5836727"));
}

#[test]
fn what_does_not_apply_is_left_out_and_noted() {
    let (document, notes) = judge(json!({
        "guest": true, "host": "Bo", "badge": "Blue", "dea": "nonsense",
        "phoneNumbers": [{"value": "+12025550143", "display": "Desk"}],
    }))
    .expect("taken");
    assert_eq!(document[BADGES], json!({"guest": true, "host": "Bo"}));
    assert_eq!(document["phoneNumbers"], json!([{"value": "+12025550143", "type": "work", "primary": true}]));
    let paths: Vec<_> = notes.iter().map(|note| note.path.rsplit(':').next().unwrap_or_default()).collect();
    assert_eq!(paths, ["badge", "dea", "phoneNumbers.display"]);
    assert!(notes.iter().all(|note| note.text.contains("guests have no badge of their own")));
}

#[test]
fn a_set_that_is_not_there_allows_all_and_an_empty_one_nothing() {
    let none = PROFILE.value_sets_of(&ValueSets::default());
    let judge = |sets: &ValueSets, beside| judge_with(sets, Leniencies::LENIENT, &body(beside));
    let (document, notes) = judge(&none, json!({"buildings": "x, y"})).expect("taken");
    assert_eq!(document[BADGES]["buildings"], json!(["x", "y"]));
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].text.contains("\"buildings\""));
    let error =
        judge(&none, json!({"rooms": [{"value": "R1"}]})).expect_err("a list that must be filled first");
    assert!(error.detail.contains("until the list is filled"), "{error}");
    assert!(judge(&none, json!({"preferredLanguage": "fr"})).is_err(), "the profile has values of its own");
    let mut own = none.clone();
    own.insert("languages", set(&["fr"]));
    own.insert("buildings", ValueSet::default());
    let own = PROFILE.value_sets_of(&own);
    assert!(judge(&own, json!({"preferredLanguage": "fr"})).is_ok(), "the tenant's values replace them");
    assert!(judge(&own, json!({"preferredLanguage": "fr", "buildings": "x"})).is_err());
}

#[test]
fn strict_tenants_take_what_the_profile_says_and_no_habits() {
    let body = |beside: Value| {
        let mut body = body(beside);
        body["schemas"] = json!([crate::urn::USER, BADGES]);
        body
    };
    let judge = |beside| judge_with(&sets(), Leniencies::STRICT, &body(beside));
    assert!(judge(json!({BADGES: {"buildings": "A1, B2", "floors": ["1"]}})).is_ok());
    assert!(judge(json!({BADGES: {"guest": "true"}})).is_err());
}

#[test]
fn nobody_is_kept_signed_in_by_a_rule() {
    let before = |beside: Value| beside.as_object().cloned().expect("an object");
    let old = before(json!({"userName": "no mail", "active": true}));
    let off = before(json!({"userName": "no mail", "active": false}));
    for (from, to, only) in [
        (&old, &off, true),
        (&off, &off, true),
        (&off, &old, false),
        (&before(json!({"userName": "no mail"})), &off, true),
        (&old, &before(json!({"userName": "other", "active": false})), false),
        (&old, &old, false),
    ] {
        assert_eq!(only_deactivates(from, to), only, "{from:?} {to:?}");
    }
}

#[test]
fn long_lists_are_not_walked() {
    let many: Vec<String> = (0..=MAX_RULE_ELEMENTS).map(|at| format!("u{at}@x.example")).collect();
    let emails: Vec<Value> = many.iter().map(|value| json!({"value": value})).collect();
    let error = judge(json!({"emails": emails})).expect_err("too many");
    assert!(error.detail.contains("emails: holds more than 1000 elements"), "{error}");
}
