//! Operations that are taken, and what they change.

use super::*;

/// [`before`] with some values laid over it at JSON pointers; null removes, `E` is the enterprise extension.
fn with(changes: &[(&str, Value)]) -> Value {
    let mut expected = before();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let name = |step: &str| if step == "E" { ENTERPRISE.to_owned() } else { step.to_owned() };
        let parent = parent.split('/').map(name).collect::<Vec<_>>().join("/");
        let parent = expected.pointer_mut(&parent).expect("a parent");
        let key = name(key);
        match (parent, value) {
            (Value::Object(fields), Value::Null) => {
                fields.remove(&key);
            }
            (Value::Object(fields), value) => {
                fields.insert(key, value.clone());
            }
            (parent, _) => panic!("{parent}"),
        }
    }
    expected
}

/// Each row: operations, and what they change in [`before`].
#[test]
fn what_operations_do() {
    let rows: Vec<(Value, Vec<(&str, Value)>)> = vec![
        // Okta
        (json!([{"op": "replace", "value": {"active": false}}]), vec![("/active", json!(false))]),
        (json!([{"op": "replace", "value": {"password": "x"}}]), vec![]),
        (json!([{"op": "replace", "path": "password", "value": "x"}]), vec![]),
        (
            json!([{"op": "replace", "value": {"id": "9", "meta": {}, "groups": [], "schemas": [], "displayName": "B"}}]),
            vec![("/displayName", json!("B"))],
        ),
        // SailPoint, Entra
        (json!([{"op": "add", "value": {"active": false}}]), vec![("/active", json!(false))]),
        (json!([{"op": "Replace", "path": "active", "value": "False"}]), vec![("/active", json!(false))]),
        (json!([{"op": "Add", "path": "TITLE", "value": "Dr"}]), vec![("/title", json!("Dr"))]),
        (
            json!([{"op": "replace", "value": {"displayName": "B", "name.givenName": "Bea",
                (format!("{ENTERPRISE}:employeeNumber")): 12, "emails[type eq \"work\"].value": "b@x"}}]),
            vec![
                ("/displayName", json!("B")),
                ("/name/givenName", json!("Bea")),
                ("/E/employeeNumber", json!("12")),
                (
                    "/emails",
                    json!([{"value": "b@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}]),
                ),
            ],
        ),
        (
            json!([{"op": "add", "value": {ENTERPRISE: {"department": "ER", "shoe": 1}}}]),
            vec![("/E/department", json!("ER"))],
        ),
        (
            json!([{"op": "replace", "path": ENTERPRISE, "value": {"department": "ER"}}]),
            vec![("/E/department", json!("ER"))],
        ),
        (
            json!([{"op": "replace", "path": format!("{ENTERPRISE}.department"), "value": "ER"}]),
            vec![("/E/department", json!("ER"))],
        ),
        (json!([{"op": "remove", "path": ENTERPRISE}]), vec![("/E", json!(null))]),
        (
            json!([{"op": "replace", "path": urn::USER, "value": {"title": "Dr"}}]),
            vec![("/title", json!("Dr"))],
        ),
        (json!([{"op": "replace", "value": {urn::USER: {"title": "Dr"}}}]), vec![("/title", json!("Dr"))]),
        (
            json!([{"op": "replace", "path": format!("{}:title", urn::USER), "value": "Dr"}]),
            vec![("/title", json!("Dr"))],
        ),
        // a complex attribute keeps what is not mentioned; null clears
        (
            json!([{"op": "replace", "path": "name", "value": {"givenName": "Bea"}}]),
            vec![("/name/givenName", json!("Bea"))],
        ),
        (
            json!([{"op": "replace", "value": {"NAME": {"GIVENNAME": "Bea", "familyName": null}}}]),
            vec![("/name", json!({"givenName": "Bea"}))],
        ),
        (
            json!([{"op": "add", "path": "name", "value": {"middleName": "M", "familyName": ""}}]),
            vec![("/name/middleName", json!("M"))],
        ),
        (json!([{"op": "replace", "path": "name", "value": null}]), vec![("/name", json!(null))]),
        (json!([{"op": "add", "path": "name", "value": null}]), vec![]),
        (
            json!([{"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "name.familyName"}]),
            vec![("/name", json!(null))],
        ),
        // a list is replaced, or grows
        (
            json!([{"op": "replace", "path": "emails", "value": [{"value": "n@x"}]}]),
            vec![("/emails", json!([{"value": "n@x"}]))],
        ),
        (
            json!([{"op": "replace", "path": "emails", "value": {"value": "n@x"}}]),
            vec![("/emails", json!([{"value": "n@x"}]))],
        ),
        (json!([{"op": "replace", "value": {"emails": []}}]), vec![("/emails", json!(null))]),
        (
            json!([{"op": "replace", "path": "roles", "value": "admin"}]),
            vec![("/roles", json!([{"value": "admin"}]))],
        ),
        (json!([{"op": "add", "path": "emails", "value": {"value": "h@x", "type": "home"}}]), vec![]),
        (json!([{"op": "add", "path": "emails", "value": [{"value": "w@x"}]}]), vec![]),
        (
            json!([{"op": "add", "value": {"emails": [{"value": "h@x", "type": "home", "display": "H"}]}}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home", "display": "H"}]),
            )],
        ),
        (json!([{"op": "add", "path": "userName", "value": "ann"}]), vec![]),
        (
            json!([{"op": "add", "path": "roles", "value": [{"value": "{\"id\":\"1\",\"value\":\"a\"}"}]}]),
            vec![("/roles", json!([{"value": "{\"id\":\"1\",\"value\":\"a\"}"}]))],
        ),
        // every element, every match
        (
            json!([{"op": "replace", "path": "emails.type", "value": "other"}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "other", "primary": true}, {"value": "h@x", "type": "other"}]),
            )],
        ),
        (
            json!([{"op": "remove", "path": "emails.type"}]),
            vec![("/emails", json!([{"value": "w@x", "primary": true}, {"value": "h@x"}]))],
        ),
        (
            json!([{"op": "replace", "path": "phoneNumbers.value", "value": "1"}]),
            vec![("/phoneNumbers", json!([{"value": "1"}]))],
        ),
        (
            json!([{"op": "replace", "path": "emails[value ew \"@x\"].display", "value": "d"}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": true, "display": "d"}, {"value": "h@x", "type": "home", "display": "d"}]),
            )],
        ),
        (
            json!([{"op": "replace", "path": "emails[type eq \"HOME\"]", "value": {"VALUE": "n@x", "colour": "red"}}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": true}, {"value": "n@x", "type": "home"}]),
            )],
        ),
        (
            json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": "n@x"}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": true}, {"value": "n@x", "type": "home"}]),
            )],
        ),
        // removal
        (
            json!([{"op": "remove", "path": "title"}, {"op": "remove", "path": "roles"}, {"op": "remove", "path": "ims.value"}]),
            vec![],
        ),
        (
            json!([{"op": "remove", "path": "active"}, {"op": "remove", "path": "displayName", "value": "other"}]),
            vec![("/active", json!(null)), ("/displayName", json!(null))],
        ),
        (
            json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]),
            vec![("/emails", json!([{"value": "h@x", "type": "home"}]))],
        ),
        (json!([{"op": "remove", "path": "emails[type pr]"}]), vec![("/emails", json!(null))]),
        (
            json!([{"op": "remove", "path": "emails[type eq \"fax\"]"}, {"op": "remove", "path": "emails[type eq \"fax\"].value"}]),
            vec![],
        ),
        (
            json!([{"op": "remove", "path": "emails", "value": [{"value": "W@x"}]}]),
            vec![("/emails", json!([{"value": "h@x", "type": "home"}]))],
        ),
        (
            json!([{"op": "remove", "path": "emails", "value": {"value": "h@x", "type": "home"}}]),
            vec![("/emails", json!([{"value": "w@x", "type": "work", "primary": true}]))],
        ),
        (
            json!([{"op": "remove", "path": "emails", "value": [{"value": "w@x", "type": "home"}, {"value": "z"}, {}, null]}]),
            vec![],
        ),
        (json!([{"op": "remove", "path": "emails", "value": []}]), vec![]),
        (json!([{"op": "remove", "path": "emails"}]), vec![("/emails", json!(null))]),
        // primary moves
        (
            json!([{"op": "add", "path": "emails", "value": [{"value": "n@x", "primary": "True"}]}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": false}, {"value": "h@x", "type": "home"}, {"value": "n@x", "primary": true}]),
            )],
        ),
        (
            json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": false}, {"value": "h@x", "type": "home", "primary": true}]),
            )],
        ),
        (
            json!([{"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": true}}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": false}, {"value": "h@x", "type": "home", "primary": true}]),
            )],
        ),
        (json!([{"op": "add", "path": "emails[type eq \"work\"].primary", "value": true}]), vec![]),
        (
            json!([{"op": "add", "path": "emails", "value": {"value": "h@x", "primary": true}}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": false}, {"value": "h@x", "type": "home"}, {"value": "h@x", "primary": true}]),
            )],
        ),
        // the missing element
        (
            json!([{"op": "replace", "path": "emails[type eq \"fax\"]", "value": {"type": "home", "value": "h@x"}}]),
            vec![],
        ),
        (
            json!([{"op": "replace", "path": "emails[value pr].value", "value": "n@x"}, {"op": "replace", "path": "emails.type", "value": "n"}]),
            vec![("/emails", json!([{"value": "n@x", "type": "n", "primary": true}]))],
        ),
        (
            json!([{"op": "Add", "path": "phoneNumbers[type eq \"Mobile\"].value", "value": "1"}]),
            vec![("/phoneNumbers", json!([{"type": "Mobile", "value": "1"}]))],
        ),
        (
            json!([{"op": "Replace", "path": "addresses[type eq \"work\"].Formatted", "value": "a"}, {"op": "Replace", "path": "addresses[type eq \"work\"].country", "value": "US"}]),
            vec![("/addresses", json!([{"type": "work", "formatted": "a", "country": "US"}]))],
        ),
        (
            json!([{"op": "replace", "path": "roles[primary eq \"True\"].display", "value": "A"}, {"op": "replace", "path": "roles[primary eq \"True\"].value", "value": "a"}]),
            vec![("/roles", json!([{"primary": true, "display": "A", "value": "a"}]))],
        ),
        (
            json!([{"op": "add", "path": "emails[type eq \"other\" and primary eq true]", "value": {"value": "o@x"}}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": false}, {"value": "h@x", "type": "home"}, {"type": "other", "primary": true, "value": "o@x"}]),
            )],
        ),
        (
            json!([{"op": "add", "path": "emails[value eq \"a.b]\\\"C\"].type", "value": "x"}]),
            vec![(
                "/emails",
                json!([{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}, {"value": "a.b]\"C", "type": "x"}]),
            )],
        ),
        (json!([{"op": "replace", "path": "phoneNumbers[type eq \"fax\"].value", "value": ""}]), vec![]),
        // unknown names inside a value, and what is not on offer
        (
            json!([{"op": "add", "value": {"shoe": 1, "urn:no:such": {"a": 1}, "shoe.size": 1, "shoe[a eq 1].b": 2}}]),
            vec![],
        ),
        (json!([{"op": "add", "path": "name", "value": {"shoe": 1}}]), vec![]),
        // in order
        (
            json!([{"op": "add", "path": "title", "value": "a"}, {"op": "replace", "path": "title", "value": "b"}, {"op": "remove", "path": "title"}]),
            vec![],
        ),
        (json!([{"op": "add", "path": "schemas", "value": [ENTERPRISE]}]), vec![]),
    ];
    for (operations, changes) in rows {
        assert_eq!(patched(operations.clone()), with(&changes), "{operations}");
    }
}
