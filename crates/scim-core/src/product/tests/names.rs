//! Other names of attributes, in PATCH and in filters.

use serde_json::{Value, json};

use super::*;
use crate::{filter, search};

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
