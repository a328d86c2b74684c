//! A product that none of the built-in files is: what its keys do, by tables.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    Document, ScimError, filter,
    intake::{Findings, Note, only_deactivates, take_all, validate_for},
    leniency::Leniencies,
    patch::PatchRequest,
    profile::Profile,
    search,
    value_set::{AllowedValue, ValueSet, ValueSets},
};

const BADGES: &str = "urn:example:params:scim:schemas:extension:badges:2.0:User";

/// The sixth product: people with badges for buildings.
const FILE: &str = r#"
name = "badges"
title = "Badges"
summary = "People with badges for buildings."
version = 1
credentials = ["bearer"]
base-path = "/scim/v2"

[user]
attributes = ["userName", "name", "title", "timezone", "emails", "phoneNumbers", "preferredLanguage"]
enterprise = ["department", "employeeNumber"]
dropped = ["shoeSize", "sendInvite"]

[formats]
dea-registrants = "AB"

[[attribute]]
path = "userName"
format = "email"

[[attribute]]
path = "phoneNumbers.value"
format = "e164"

[[attribute]]
path = "phoneNumbers.type"
default = "work"

[[attribute]]
path = "preferredLanguage"
default = "en"
value-set = "languages"

[[attribute]]
path = "department"
value-set = "departments"

[[extension]]
urn = "urn:example:params:scim:schemas:extension:badges:2.0:User"
name = "Badges"
top-level = true

[[extension.attribute]]
name = "badge"
format = "no-digits"

[[extension.attribute]]
name = "buildings"
multi-valued = true
format = "comma-list"
value-set = "buildings"

[[extension.attribute]]
name = "floors"
format = "comma-list"
value-set = "floors"

[[extension.attribute]]
name = "guest"
type = "boolean"
default = false

[[extension.attribute]]
name = "host"

[[extension.attribute]]
name = "level"
type = "integer"

[[extension.attribute]]
name = "dea"
format = "dea"

[[extension.attribute]]
name = "rooms"
type = "complex"
multi-valued = true
[[extension.attribute.sub-attribute]]
name = "value"
value-set = "rooms"
[[extension.attribute.sub-attribute]]
name = "use"
default = "desk"

[[alias]]
name = "email"
path = "emails.value"

[[alias]]
name = "emailType"
path = "emails.type"

[[alias]]
name = "phone"
path = "phoneNumbers.value"

[[alias]]
name = "firstName"
path = "name.givenName"

[[alias]]
name = "building"
path = "buildings"

[[alias]]
name = "jobTitle"
path = "title"

[[value-set]]
name = "languages"
title = "Languages"
values = ["en", { value = "de", label = "German" }]

[[value-set]]
name = "departments"
title = "Departments"

[[value-set]]
name = "buildings"
title = "Buildings"

[[value-set]]
name = "floors"
title = "Floors"

[[value-set]]
name = "rooms"
title = "Rooms"
required = true

[[rule]]
name = "guests-have-hosts"
when = "ext.guest"
require = ["host"]
message = "is required for guests; send the name of the host."

[[rule]]
name = "everybody-has-a-name"
require = ["name.givenName"]

[[rule]]
name = "titles-without-digits"
when = "ext.level != null && ext.level > 3"
format = "no-digits"
paths = ["title", "emails.display"]

[[rule]]
name = "high-levels-have-mail-at-work"
condition = "ext.level == null || ext.level < 5 || user.emails.exists(e, e.type == 'work')"
path = "emails"
message = "people of level 5 and above need an address of type work; send one"

[[rule]]
name = "careless"
when = "ext.level == 9"
condition = "user.title.startsWith('Chief')"
path = "title"
message = "level 9 is for chiefs; send another level"

[[not-applicable]]
when = "ext.guest"
attributes = ["badge", "dea", "phoneNumbers.display"]
reason = "guests have no badge of their own"

[[not-applicable]]
when = "!ext.guest"
attributes = ["host"]
then = "refuse"
reason = "only guests have hosts"

[[example]]
title = "A guest"
valid = true
user = '{"userName": "ann@x.example", "firstName": "Ann", "guest": "true", "host": "Bo"}'

[[example]]
title = "A guest of nobody"
valid = false
user = '{"userName": "ann@x.example", "firstName": "Ann", "guest": true}'
path = "urn:example:params:scim:schemas:extension:badges:2.0:User:host"
"#;

static PROFILE: LazyLock<Profile> =
    LazyLock::new(|| Profile::from_toml(FILE).unwrap_or_else(|error| panic!("{error}")));

fn set(values: &[&str]) -> ValueSet {
    ValueSet::new(values.iter().map(|value| AllowedValue::from(*value)))
}

fn sets() -> ValueSets {
    let tenant: ValueSets = [
        ("departments", set(&["ICU", "Pharmacy"])),
        ("buildings", set(&["A1", "B2", "C3"])),
        ("floors", set(&["1", "2"])),
        ("rooms", set(&["R1", "R2"])),
    ]
    .into_iter()
    .collect();
    PROFILE.value_sets_of(&tenant)
}

fn judge_with(
    sets: &ValueSets,
    leniencies: Leniencies,
    body: &Value,
) -> Result<(Document, Vec<Note>), ScimError> {
    let (intake, findings) = take_all(&PROFILE.user, leniencies, body)?;
    let mut document = intake.document;
    let notes = validate_for(&PROFILE.user, sets, findings, &mut document)?;
    Ok((document, notes))
}

/// A body with a user name, a given name and this beside.
fn body(beside: Value) -> Value {
    let mut body = json!({"userName": "ann@x.example", "name": {"givenName": "Ann"}});
    for (key, value) in beside.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn judge(beside: Value) -> Result<(Document, Vec<Note>), ScimError> {
    judge_with(&sets(), Leniencies::LENIENT, &body(beside))
}

fn kept(beside: Value) -> Value {
    let (document, _) = judge(beside.clone()).unwrap_or_else(|error| panic!("{beside}: {error}"));
    Value::Object(document)
}

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

fn patched(before: Value, operations: Value) -> Result<Document, ScimError> {
    let (document, _) = judge(before).expect("before");
    let body = json!({"schemas": [crate::urn::PATCH_OP], "Operations": operations});
    let patch = PatchRequest::parse(&body, Leniencies::LENIENT).expect("a PATCH");
    let rewritten = rewrite_patch(&PROFILE.user, &patch, &document);
    let mut document = rewritten.apply(&PROFILE.user, Leniencies::LENIENT, &document)?.document;
    validate_for(&PROFILE.user, &sets(), Findings::default(), &mut document)?;
    Ok(document)
}

#[test]
fn other_names_in_patch() {
    let two = json!({"emails": [{"value": "a@x.example", "type": "home"},
        {"value": "b@x.example", "type": "work", "primary": true}]});
    let of_one = |value: &str, kind: &str| json!([{"value": value, "type": kind, "primary": true}]);
    let rows: Vec<(Value, Value, &str, Value)> = vec![
        (
            json!({}),
            json!([{"op": "replace", "path": "firstName", "value": "Bea"}]),
            "/name/givenName",
            json!("Bea"),
        ),
        (
            json!({}),
            json!([{"op": "replace", "value": {"firstName": "Bea"}}]),
            "/name/givenName",
            json!("Bea"),
        ),
        (json!({}), json!([{"op": "add", "path": "jobTitle", "value": "Chief"}]), "/title", json!("Chief")),
        (json!({"title": "Chief"}), json!([{"op": "remove", "path": "jobTitle"}]), "/title", Value::Null),
        (
            json!({}),
            json!([{"op": "replace", "value": {"email": "n@x.example", "emailType": "work"}}]),
            "/emails",
            of_one("n@x.example", "work"),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": "email", "value": "n@x.example"},
            {"op": "add", "path": "emailType", "value": "home"}]),
            "/emails",
            of_one("n@x.example", "home"),
        ),
        (
            two.clone(),
            json!([{"op": "replace", "path": "email", "value": "n@x.example"}]),
            "/emails",
            json!([{"value": "a@x.example", "type": "home"},
                {"value": "n@x.example", "type": "work", "primary": true}]),
        ),
        (
            two.clone(),
            json!([{"op": "Replace", "value": {"EMAIL": "n@x.example", "title": "T"}}]),
            "/emails/1/value",
            json!("n@x.example"),
        ),
        (
            two.clone(),
            json!([{"op": "remove", "path": "email"}]),
            "/emails",
            json!([{"value": "a@x.example", "type": "home", "primary": true}]),
        ),
        (
            two.clone(),
            json!([{"op": "remove", "path": "emailType"}]),
            "/emails/1",
            json!({"value": "b@x.example", "primary": true}),
        ),
        (json!({}), json!([{"op": "remove", "path": "email"}]), "/emails", Value::Null),
        (
            two,
            json!([{"op": "replace", "value": {BADGES: {"email": "n@x.example", "badge": "Blue"}}}]),
            "/emails/1/value",
            json!("n@x.example"),
        ),
        (
            json!({}),
            json!([{"op": "replace", "path": BADGES, "value": {"firstName": "Bea", "badge": "Blue"}}]),
            "/name/givenName",
            json!("Bea"),
        ),
        (
            json!({}),
            json!([{"op": "replace", "path": format!("{BADGES}:firstName"), "value": "Bea"}]),
            "/name/givenName",
            json!("Bea"),
        ),
        (
            json!({}),
            json!([{"op": "replace", "value": {format!("{BADGES}:firstName"): "Bea"}}]),
            "/name/givenName",
            json!("Bea"),
        ),
        (
            json!({"buildings": "A1"}),
            json!([{"op": "add", "path": "building", "value": "b2"}]),
            "/X/buildings",
            json!(["A1", "B2"]),
        ),
        (
            json!({"buildings": "A1"}),
            json!([{"op": "replace", "path": "building", "value": "b2, c3"}]),
            "/X/buildings",
            json!(["B2", "C3"]),
        ),
        // What is dropped in a body does nothing in a path.
        (json!({}), json!([{"op": "replace", "path": "shoeSize", "value": 43}]), "/shoeSize", Value::Null),
        (
            json!({}),
            json!([{"op": "replace", "path": format!("{BADGES}:shoeSize"), "value": 43}]),
            "/shoeSize",
            Value::Null,
        ),
        // Defaults come back, what does not apply goes.
        (
            json!({"preferredLanguage": "de"}),
            json!([{"op": "remove", "path": "preferredLanguage"}]),
            "/preferredLanguage",
            json!("en"),
        ),
        (
            json!({"badge": "Blue"}),
            json!([{"op": "replace", "value": {"guest": "True", "host": "Bo"}}]),
            "/X",
            json!({"guest": true, "host": "Bo"}),
        ),
    ];
    for (before, operations, pointer, expected) in rows {
        let told = format!("{before} {operations}");
        let mut found =
            Value::Object(patched(before, operations).unwrap_or_else(|error| panic!("{told}: {error}")));
        found["X"] = found.get_mut(BADGES).map_or(Value::Null, Value::take);
        assert_eq!(found.pointer(pointer).cloned().unwrap_or_default(), expected, "{told} {found}");
    }
    let error =
        patched(json!({}), json!([{"op": "replace", "path": "hatSize", "value": 7}])).expect_err("unknown");
    assert_eq!(error.scim_type, Some(crate::ScimType::InvalidPath));
    let error =
        patched(json!({}), json!([{"op": "replace", "path": "guest", "value": true}])).expect_err("no host");
    assert!(error.detail.contains(":host: is required for guests"), "{error}");
}

#[test]
fn other_names_in_filters() {
    let (document, _) = judge(json!({"email": "a@x.example", "buildings": "A1"})).expect("taken");
    let form = search::form(&PROFILE.user, &document);
    for (text, holds) in [
        ("email eq \"A@x.example\"", true),
        ("email eq \"b@x.example\"", false),
        ("firstName sw \"an\"", true),
        ("building eq \"a1\"", true),
        ("shoeSize eq \"43\"", false),
    ] {
        let filter =
            filter::parse(text, &PROFILE.user, false).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&form), holds, "{text}");
    }
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

/// Conditions that compile, and what they say of one document.
#[test]
fn conditions_that_hold_or_not() {
    let (document, _) = judge(json!({
        "title": "Nurse", "level": 3, "buildings": "A1, B2", "guest": false,
        "emails": [{"value": "a@x.example", "type": "work", "primary": true}, {"value": "b@x.example"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "ICU"},
    }))
    .expect("taken");
    let facts = facts::Facts::of(&PROFILE.user, &document);
    for (text, expected) in [
        ("true", true),
        ("user.title == 'Nurse'", true),
        ("user.title != null && user.title.startsWith('Nu')", true),
        ("user.name.familyName == null", true),
        ("user.name.givenName.endsWith('nn')", true),
        ("user.phoneNumbers.size() == 0", true),
        ("size(user.emails) == 2", true),
        ("user.emails.exists(e, e.type == 'work')", true),
        ("user.emails.all(e, e.value.contains('@'))", true),
        ("user.emails.all(e, e.type != null)", false),
        ("user.emails.exists_one(e, e.primary == true)", true),
        ("user.emails.filter(e, e.type == 'home').size() == 0", true),
        ("'A1' in ext.buildings", true),
        ("ext.buildings.all(b, b in ['A1', 'B2', 'C3'])", true),
        ("ext.level + 1 == 4", true),
        ("ext.level >= 3 ? user.title != null : true", true),
        ("ext.guest != true", true),
        ("ext.host != true", true),
        ("ext.department == 'ICU'", true),
        ("ext.employeeNumber == null", true),
        ("user.timezone == null || user.timezone.matches('^US/')", true),
        ("user.title.matches('[0-9]')", false),
        ("user.externalId == null", true),
        ("has(user.title)", true),
        ("user.active != false", true),
        ("ext.floors == null && ext.rooms.size() == 0", true),
    ] {
        let condition =
            Condition::compile(text, &PROFILE.user).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.text(), text);
        assert_eq!(condition.holds(&facts), Ok(expected), "{text}");
    }
    for text in ["user.timezone.startsWith('US')", "user.title", "1 / 0 == 1", "user.emails[7].value == ''"] {
        let condition =
            Condition::compile(text, &PROFILE.user).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(condition.holds(&facts).is_err(), "{text} has no answer");
    }
}

#[test]
fn conditions_that_are_refused() {
    let long = format!("user.title == '{}'", "x".repeat(MAX_CONDITION));
    let wide = format!("ext.level in [{}]", (0..101).map(|at| at.to_string()).collect::<Vec<_>>().join(","));
    let parts = (0..120).map(|_| "true").collect::<Vec<_>>().join("&&");
    let walks = (0..6).map(|_| "user.emails.all(e, true)").collect::<Vec<_>>().join(" && ");
    for (text, word) in [
        ("", "no CEL expression"),
        ("user.title ==", "no CEL expression"),
        ("user.title = 'x'", "no CEL expression"),
        ("title == 'x'", "user.attribute"),
        ("group.title == 'x'", "\"group\""),
        ("user.shoeSize == 1", "no \"shoeSize\""),
        ("user.Title == 'x'", "compare the spelling"),
        ("user.groups == null", "that a client may write"),
        ("user.password == null", "no \"password\""),
        ("user.name.surname == null", "no \"surname\""),
        ("user.emails.type == 'work'", "is a list"),
        ("ext.npi == null", "no \"npi\""),
        ("user.emails.all(e, user.phoneNumbers.exists(p, p.type == e.type))", "inside another"),
        ("user.emails.map(e, e.value).size() > 0", "+ or map"),
        ("user.emails.exists(e, e.value + e.type == 'x')", "+ or map"),
        ("user.title.matches(user.name.givenName)", "no constant"),
        ("user.title.matches('(')", "cannot be used"),
        ("user.title.matches('(\\\\w{100}){100}')", "cannot be used"),
        ("type(user.title) == string", "uses \"type\""),
        ("timestamp(user.title) == null", "uses \"timestamp\""),
        ("user.title.lowerAscii() == 'x'", "uses \"lowerAscii\""),
        (&long, "longer than 1000"),
        (&wide, "more than 100 elements"),
        (&parts, "more than 200 parts"),
        (&walks, "more than 5 lists"),
    ] {
        let problem = Condition::compile(text, &PROFILE.user).expect_err(text);
        assert!(problem.contains(word), "{text}: {problem}");
    }
}

/// The worst that the bounds leave: every list as long as it may be, every condition walking over all of them.
#[test]
fn conditions_cost_little() {
    let user = &PROFILE.user;
    let walk = "user.emails.all(e, user.emails.size() > 0 && !(e.value in ext.buildings))";
    let condition = Condition::compile(&[walk; 5].join(" && "), user).expect("compiles");
    let values: Vec<Value> = (0..MAX_RULE_ELEMENTS).map(|at| json!(format!("b{at}"))).collect();
    let emails: Vec<Value> =
        (0..MAX_RULE_ELEMENTS).map(|at| json!({"value": format!("u{at}@x.example")})).collect();
    let document =
        json!({"emails": emails, BADGES: {"buildings": values}}).as_object().cloned().expect("an object");
    let start = std::time::Instant::now();
    assert_eq!(condition.holds(&facts::Facts::of(user, &document)), Ok(true));
    let took = start.elapsed();
    assert!(took < std::time::Duration::from_secs(10), "{took:?}");
}

proptest! {
    /// What validation has let through it lets through again, unchanged.
    #[test]
    fn validation_is_its_own_fixed_point(
        guest in any::<Option<bool>>(),
        buildings in prop::collection::vec("[aAbBcC][1-3],?", 0..5),
        phone in prop::option::of("\\+1 ?20255501[0-9]{2}"),
        kind in prop::option::of("work|home|"),
        language in prop::option::of("EN|de|"),
        level in prop::option::of(0..9),
    ) {
        let beside = json!({
            "guest": guest, "host": guest.filter(|guest| *guest).map(|_| "Bo"), "buildings": buildings,
            "phoneNumbers": [{"value": phone, "type": kind}], "preferredLanguage": language, "level": level,
            "badge": "Blue", "email": "a@x.example", "emailType": "work",
        });
        if let Ok((document, _)) = judge(beside) {
            let mut again = document.clone();
            validate_for(&PROFILE.user, &sets(), Findings::default(), &mut again).expect("taken again");
            prop_assert_eq!(again, document);
        }
    }

    /// Whatever stands under the names of the file, in a body or in a PATCH, there is an answer, and what is taken is
    /// canonical.
    #[test]
    fn any_value_is_answered(
        body in prop::collection::hash_map(any_name(), any_value(), 0..8),
        inner in prop::collection::hash_map(any_name(), any_value(), 0..4),
        operations in prop::collection::vec((any_verb(), prop::option::of(any_name()), any_value()), 0..4),
    ) {
        let mut body = serde_json::to_value(body).expect("json");
        body["userName"] = json!("ann@x.example");
        body["firstName"] = json!("Ann");
        if !inner.is_empty() {
            body[BADGES] = serde_json::to_value(inner).expect("json");
        }
        let taken = judge_with(&sets(), Leniencies::LENIENT, &body);
        let before = match taken {
            Ok((document, _)) => document,
            Err(_) => judge(json!({})).expect("taken").0,
        };
        let mut again = before.clone();
        validate_for(&PROFILE.user, &sets(), Findings::default(), &mut again).expect("taken again");
        prop_assert_eq!(&again, &before);
        for (verb, path, value) in operations {
            let operation = json!({"Operations": [{"op": verb, "path": path, "value": value}]});
            let Ok(patch) = PatchRequest::parse(&operation, Leniencies::LENIENT) else { continue };
            let rewritten = rewrite_patch(&PROFILE.user, &patch, &before);
            let Ok(patched) = rewritten.apply(&PROFILE.user, Leniencies::LENIENT, &before) else { continue };
            let mut document = patched.document;
            if validate_for(&PROFILE.user, &sets(), Findings::default(), &mut document).is_ok() {
                let mut again = document.clone();
                validate_for(&PROFILE.user, &sets(), Findings::default(), &mut again).expect("taken again");
                prop_assert_eq!(again, document);
            }
        }
    }
}

fn any_verb() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["add", "replace", "remove"])
}

fn any_name() -> impl Strategy<Value = String> {
    let names = [
        "email",
        "EMAILTYPE",
        "phone",
        "firstName",
        "building",
        "jobTitle",
        "shoeSize",
        "emails",
        "phoneNumbers",
        "name",
        "title",
        "buildings",
        "floors",
        "guest",
        "host",
        "level",
        "badge",
        "dea",
        "rooms",
        "preferredLanguage",
    ];
    let names: Vec<String> = names.map(str::to_owned).to_vec();
    prop_oneof![
        prop::sample::select(names.clone()),
        prop::sample::select(names).prop_map(|name| format!("{BADGES}:{name}"))
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop::sample::select(vec![
        "",
        " ",
        "work",
        "A1,b2",
        "+12025550143",
        "x@x.example",
        "true",
        "R1",
        "en",
        "7",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..10).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let key = prop::sample::select(vec!["value", "type", "primary", "email", "givenName", "use", "display"]);
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..3)
                .prop_map(|fields| serde_json::to_value(fields).expect("json")),
        ]
    })
}
