//! PATCH as the RFC has it and as identity providers send it.

mod members;
mod rows;
mod work;

use serde_json::json;

use super::*;
use crate::{ScimType, intake::validate, profile::Profile};

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

fn user() -> ResourceType {
    let profile = Profile::from_toml(Profile::builtin("generic").expect("a file")).expect("generic");
    ResourceType::clone(&profile.user)
}

fn before() -> Value {
    json!({
        "userName": "ann", "active": true, "name": {"givenName": "Ann", "familyName": "Lee"}, "displayName": "Ann Lee",
        "emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
        ENTERPRISE: {"department": "Surgery", "manager": {"value": "7", "$ref": "../Users/7"}},
    })
}

fn try_patch(leniencies: Leniencies, before: &Value, operations: Value) -> Result<Patched, ScimError> {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let document = before.as_object().expect("an object");
    PatchRequest::parse(&body, leniencies)?.apply(&user(), leniencies, document)
}

/// Applies to [`before`], lenient; what came out.
fn patched(operations: Value) -> Value {
    match try_patch(Leniencies::LENIENT, &before(), operations.clone()) {
        Ok(patched) => Value::Object(patched.document),
        Err(error) => panic!("{operations}: {error}"),
    }
}

fn kind(leniencies: Leniencies, operations: Value) -> Option<ScimType> {
    let error = try_patch(leniencies, &before(), operations.clone()).err();
    error.unwrap_or_else(|| panic!("{operations} was taken")).scim_type
}

#[test]
fn bodies_that_are_no_patch() {
    let op = json!({"op": "replace", "value": {"active": false}});
    let patch = |operations: Value| json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    for body in [
        json!([]),
        patch(json!([])),
        patch(json!({})),
        patch(json!(null)),
        json!({"schemas": [urn::PATCH_OP]}),
        patch(json!([7])),
        patch(json!([{"path": "title"}])),
        patch(json!([{"op": "move", "path": "title"}])),
        patch(json!([{"op": "add", "path": 7, "value": 1}])),
    ] {
        let error = PatchRequest::parse(&body, Leniencies::LENIENT).expect_err("refused");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{body}");
    }
    let bare = json!({"operations": [op.clone()]});
    assert!(PatchRequest::parse(&bare, Leniencies::LENIENT).is_ok());
    let error = PatchRequest::parse(&bare, Leniencies::STRICT).expect_err("schemas");
    assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
    let spelled = json!({"Schemas": [urn::PATCH_OP.to_uppercase()], "OPERATIONS": [
        {"OP": "rePLACE", "Path": "", "VALUE": {"active": false}, "name": "addMember"}]});
    let parsed = PatchRequest::parse(&spelled, Leniencies::STRICT).expect("taken");
    assert_eq!(
        parsed.operations[0],
        Operation { op: Op::Replace, path: None, value: Some(json!({"active": false})) }
    );
    let many = vec![op; MAX_OPERATIONS + 1];
    assert_eq!(PatchRequest::parse(&patch(json!(many)), Leniencies::LENIENT).expect_err("many").status, 413);
    let ids = vec![json!({"value": "x"}); MAX_MEMBERS + 1];
    for value in [json!(ids), json!({"members": ids})] {
        let body = patch(json!([{"op": "add", "value": value}]));
        assert_eq!(PatchRequest::parse(&body, Leniencies::LENIENT).expect_err("many").status, 413);
    }
}

#[test]
fn manager_in_every_shape() {
    let manager = |operations: Value| patched(operations)[ENTERPRISE].get("manager").cloned();
    let path = format!("{ENTERPRISE}:manager");
    for path in ["manager", &path] {
        for (value, kept) in [
            (json!("8"), Some(json!({"value": "8"}))),
            (json!({"value": "8"}), Some(json!({"value": "8"}))),
            (
                json!([{"$ref": "../Users/8", "value": "8"}]),
                Some(json!({"value": "8", "$ref": "../Users/8"})),
            ),
            (json!({"$ref": "../Users/8", "value": "8"}), Some(json!({"value": "8", "$ref": "../Users/8"}))),
            (json!("7"), Some(json!({"value": "7", "$ref": "../Users/7"}))),
            (json!(""), None),
            (json!({"value": ""}), None),
            (json!(null), None),
        ] {
            assert_eq!(
                manager(json!([{"op": "replace", "path": path, "value": value}])),
                kept,
                "{path} {value}"
            );
        }
        assert_eq!(manager(json!([{"op": "remove", "path": path}])), None);
        let sub = format!("{path}.value");
        assert_eq!(
            manager(json!([{"op": "replace", "path": sub, "value": "8"}])),
            Some(json!({"value": "8"}))
        );
        assert_eq!(manager(json!([{"op": "replace", "path": sub, "value": ""}])), None);
    }
    assert_eq!(manager(json!([{"op": "replace", "value": {"manager": "8"}}])), Some(json!({"value": "8"})));
    assert_eq!(
        manager(json!([{"op": "replace", "value": {ENTERPRISE: {"manager": "8"}}}])),
        Some(json!({"value": "8"}))
    );
    let read_only = json!([{"op": "replace", "path": "manager.displayName", "value": "B"}]);
    assert_eq!(kind(Leniencies::LENIENT, read_only), Some(ScimType::Mutability));
}

#[test]
fn what_is_refused() {
    use ScimType::{InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget};
    for (operation, expected) in [
        (json!({"op": "remove"}), NoTarget),
        (json!({"op": "remove", "value": {"title": "a"}}), NoTarget),
        (json!({"op": "add", "path": "shoe", "value": 1}), InvalidPath),
        (json!({"op": "add", "path": "name.shoe", "value": 1}), InvalidPath),
        (json!({"op": "add", "path": "urn:no:such:shoe", "value": 1}), InvalidPath),
        (json!({"op": "add", "path": "emails[", "value": 1}), InvalidPath),
        (json!({"op": "add", "path": "emails[type lte 1].value", "value": "x"}), InvalidFilter),
        (json!({"op": "remove", "path": "userName"}), Mutability),
        (json!({"op": "replace", "path": "id", "value": "x"}), Mutability),
        (json!({"op": "replace", "path": "groups", "value": []}), Mutability),
        (json!({"op": "remove", "path": "groups[value eq \"g\"]"}), Mutability),
        (json!({"op": "replace", "path": "meta.created", "value": "x"}), Mutability),
        (json!({"op": "remove", "path": "schemas"}), Mutability),
        (json!({"op": "add", "path": "title"}), InvalidValue),
        (json!({"op": "add"}), InvalidValue),
        (json!({"op": "add", "value": "x"}), InvalidValue),
        (json!({"op": "replace", "path": "active", "value": "maybe"}), InvalidValue),
        (json!({"op": "replace", "path": "title", "value": ["a", "b"]}), InvalidValue),
        (json!({"op": "replace", "path": "emails", "value": true}), InvalidValue),
        (json!({"op": "replace", "path": ENTERPRISE, "value": 1}), InvalidValue),
        (json!({"op": "replace", "path": "emails.primary", "value": true}), InvalidValue),
        (json!({"op": "replace", "path": "emails[value pr].primary", "value": true}), InvalidValue),
        (
            json!({"op": "replace", "path": "emails[type eq \"a\" or type eq \"b\"].value", "value": "x"}),
            NoTarget,
        ),
        (
            json!({"op": "replace", "path": "emails[type ne \"home\" and type ne \"work\"].value", "value": "x"}),
            NoTarget,
        ),
        (json!({"op": "add", "path": "phoneNumbers[value co \"1\"].type", "value": "x"}), NoTarget),
        (json!({"op": "add", "path": "phoneNumbers[value pr].type", "value": "x"}), NoTarget),
        (json!({"op": "add", "path": "phoneNumbers[type eq \"\"].value", "value": "1"}), NoTarget),
        (json!({"op": "add", "path": "phoneNumbers[type eq \"\"]", "value": "1"}), NoTarget),
        (json!({"op": "add", "path": "phoneNumbers[type eq \"a\\u0000\"].value", "value": "1"}), NoTarget),
        (
            json!({"op": "add", "path": "phoneNumbers[type eq \"a\" and type eq \"b\"].value", "value": "1"}),
            NoTarget,
        ),
        (
            json!({"op": "add", "path": "x509Certificates[value eq \"no base64\"].display", "value": "x"}),
            NoTarget,
        ),
        (json!({"op": "add", "path": "phoneNumbers[not (type eq \"a\")].type", "value": "x"}), NoTarget),
    ] {
        assert_eq!(kind(Leniencies::LENIENT, json!([operation])), Some(expected), "{operation}");
    }
    let error = try_patch(
        Leniencies::LENIENT,
        &before(),
        json!([{"op": "add", "path": "title", "value": "a"}, {"op": "replace", "path": "emails", "value": [{"value": 1, "primary": "x"}]}]),
    );
    assert!(error.expect_err("second").detail.starts_with("Operations[1]: emails[0].primary:"));
}

/// Each row: the switch and operations that need it.
#[test]
fn each_leniency_is_a_switch() {
    type Switch = fn(&mut Leniencies) -> &mut bool;
    let rows: Vec<(&str, Switch, Value)> = vec![
        ("boolean", |l| &mut l.boolean_strings, json!([{"op": "add", "path": "active", "value": "True"}])),
        (
            "filter",
            |l| &mut l.boolean_strings,
            json!([{"op": "remove", "path": "emails[primary eq \"True\"]"}]),
        ),
        (
            "create",
            |l| &mut l.create_missing_element,
            json!([{"op": "add", "path": "ims[type eq \"a\"].value", "value": "x"}]),
        ),
        (
            "no match",
            |l| &mut l.remove_without_match,
            json!([{"op": "remove", "path": "emails[type eq \"fax\"]"}]),
        ),
        (
            "no match sub",
            |l| &mut l.remove_without_match,
            json!([{"op": "remove", "path": "emails[type eq \"fax\"].value"}]),
        ),
        (
            "by value",
            |l| &mut l.remove_by_value,
            json!([{"op": "remove", "path": "emails", "value": [{"value": "h@x"}]}]),
        ),
        ("dotted", |l| &mut l.dotted_keys, json!([{"op": "add", "value": {"name.givenName": "x"}}])),
        (
            "urn key",
            |l| &mut l.dotted_keys,
            json!([{"op": "add", "value": {(format!("{ENTERPRISE}:department")): "x"}}]),
        ),
        (
            "single",
            |l| &mut l.single_as_list,
            json!([{"op": "add", "path": "emails", "value": {"value": "x"}}]),
        ),
        (
            "one",
            |l| &mut l.single_as_list,
            json!([{"op": "add", "path": "manager", "value": [{"value": "x"}]}]),
        ),
        ("string", |l| &mut l.string_for_complex, json!([{"op": "add", "path": "manager", "value": "x"}])),
        ("number", |l| &mut l.numbers_as_strings, json!([{"op": "add", "path": "title", "value": 1}])),
    ];
    for (name, switch, operations) in rows {
        let mut one = Leniencies::STRICT;
        *switch(&mut one) = true;
        if let Err(error) = try_patch(one, &before(), operations.clone()) {
            panic!("{name}: {error}");
        }
        let mut others = Leniencies::LENIENT;
        *switch(&mut others) = false;
        assert!(try_patch(others, &before(), operations).is_err(), "{name}");
    }
    let nested = json!([{"op": "add", "value": {ENTERPRISE: {"department": "x"}}}]);
    assert!(try_patch(Leniencies::STRICT, &before(), nested).is_ok());
}

#[test]
fn what_is_not_offered_is_noted_and_nothing_else() {
    let envi = Profile::from_toml(Profile::builtin("envi").expect("a file")).expect("envi");
    let body = json!({"Operations": [
        {"op": "add", "path": "title", "value": "Dr"}, {"op": "replace", "path": "phoneNumbers[type eq \"x\"].value", "value": "1"},
        {"op": "replace", "path": "manager", "value": "7"}, {"op": "remove", "path": format!("{ENTERPRISE}:department")},
        {"op": "replace", "value": {"nickName": "N", "shoe": 1, "password": "secret", "userName": "b"}},
        {"op": "replace", "path": "password", "value": "secret"},
    ]});
    let document = json!({"userName": "a"});
    let request = PatchRequest::parse(&body, Leniencies::LENIENT).expect("parsed");
    let patched = request
        .apply(&envi.user, Leniencies::LENIENT, document.as_object().expect("object"))
        .expect("applied");
    assert_eq!(Value::Object(patched.document), json!({"userName": "b"}));
    assert_eq!(patched.ignored.len(), 6, "{:?}", patched.ignored);
    assert!(!patched.ignored.iter().any(|name| name.contains("password")));
}

#[test]
fn required_things_stay() {
    let text = Profile::builtin("generic").expect("a file").replace(
        "[user]",
        &format!("[user]\nrequired = [\"name.givenName\", \"emails.value\", \"{ENTERPRISE}:department\"]"),
    );
    let user = Profile::from_toml(&text).expect("compiles").user;
    let before = before();
    let run = |operation: Value| {
        let body = json!({"Operations": [operation]});
        let patched = PatchRequest::parse(&body, Leniencies::LENIENT)?.apply(
            &user,
            Leniencies::LENIENT,
            before.as_object().expect("object"),
        )?;
        let mut document = patched.document;
        validate(&user, &mut document).map(|()| document)
    };
    let department = format!("{ENTERPRISE}:department");
    for path in [
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"].value",
        ENTERPRISE,
        &department,
    ] {
        let error = run(json!({"op": "remove", "path": path})).expect_err(path);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::Mutability)), "{path} {error}");
    }
    for operation in [
        json!({"op": "replace", "path": "name.givenName", "value": ""}),
        json!({"op": "remove", "path": "emails[value pr]"}),
        json!({"op": "remove", "path": "emails", "value": [{"value": "w@x"}, {"value": "h@x"}]}),
        json!({"op": "replace", "value": {"userName": null}}),
    ] {
        assert_eq!(
            run(operation.clone()).expect_err("required").scim_type,
            Some(ScimType::InvalidValue),
            "{operation}"
        );
    }
    assert!(run(json!({"op": "remove", "path": "emails[type eq \"work\"]"})).is_ok());
    assert!(run(json!({"op": "remove", "path": "name.familyName"})).is_ok());
}

#[test]
fn a_hollow_entry_is_judged_after_the_last_operation() {
    let mut document = patched(json!([
        {"op": "replace", "path": "roles[primary eq \"True\"].type", "value": "t"},
        {"op": "replace", "path": "ims[type eq \"a\"].type", "value": "a"},
    ]))
    .as_object()
    .cloned()
    .expect("object");
    assert_eq!(document["roles"], json!([{"primary": true, "type": "t"}]));
    validate(&user(), &mut document).expect("valid");
    assert_eq!(Value::Object(document), before());
}

#[test]
fn elements_that_become_alike_are_one() {
    let before = json!({
        "userName": "ann",
        "addresses": [{"locality": "A", "country": "US", "type": "work"}, {"country": "US", "type": "home"}],
    });
    for value in [json!({"type": "work", "locality": "A"}), json!({"locality": "A", "type": "work"})] {
        let operation = json!([{"op": "replace", "path": "addresses[type eq \"home\"]", "value": value}]);
        let after = try_patch(Leniencies::LENIENT, &before, operation).expect("taken").document;
        assert_eq!(after["addresses"], json!([{"locality": "A", "country": "US", "type": "work"}]));
    }
}

#[test]
fn immutable_attributes_are_set_once() {
    let text = format!(
        "{}\n[[extension]]\nurn = \"urn:a:b\"\nname = \"A\"\nattribute = [{{ name = \"badge\", mutability = \"immutable\" }}, \
         {{ name = \"keys\", type = \"complex\", multi-valued = true, sub-attribute = [{{ name = \"value\", mutability = \"immutable\" }}, {{ name = \"note\" }}] }}]",
        Profile::builtin("generic").expect("a file")
    );
    let user = Profile::from_toml(&text).expect("compiles").user;
    let run = |before: &Value, operation: Value| {
        let body = json!({"Operations": [operation]});
        PatchRequest::parse(&body, Leniencies::LENIENT)?
            .apply(&user, Leniencies::LENIENT, before.as_object().expect("object"))
            .map(|patched| Value::Object(patched.document))
    };
    let empty = json!({"userName": "a"});
    let set = run(&empty, json!({"op": "add", "path": "urn:a:b:badge", "value": "1"})).expect("first");
    assert_eq!(set["urn:a:b"]["badge"], "1");
    assert_eq!(run(&set, json!({"op": "replace", "path": "urn:a:b:badge", "value": "1"})), Ok(set.clone()));
    for operation in [
        json!({"op": "replace", "path": "urn:a:b:badge", "value": "2"}),
        json!({"op": "remove", "path": "urn:a:b:badge"}),
        json!({"op": "remove", "path": "urn:a:b"}),
    ] {
        assert_eq!(run(&set, operation).expect_err("fixed").scim_type, Some(ScimType::Mutability));
    }
    let keys =
        run(&empty, json!({"op": "add", "path": "urn:a:b:keys", "value": [{"value": "k", "note": "n"}]}))
            .expect("keys");
    let fixed =
        run(&keys, json!({"op": "replace", "path": "urn:a:b:keys[note eq \"n\"].value", "value": "l"}));
    assert_eq!(fixed.expect_err("fixed").scim_type, Some(ScimType::Mutability));
    assert!(
        run(&keys, json!({"op": "replace", "path": "urn:a:b:keys[value eq \"k\"].note", "value": "m"}))
            .is_ok()
    );
    assert!(run(&keys, json!({"op": "replace", "path": "urn:a:b:keys", "value": [{"value": "l"}]})).is_ok());
}

#[test]
fn work_is_bounded() {
    let emails: Vec<_> = (0..5_000).map(|at| json!({"value": format!("{at}@x")})).collect();
    let document = json!({"userName": "a", "emails": emails});
    let operations =
        vec![json!({"op": "replace", "path": "emails[value eq \"no\"].type", "value": "x"}); 10_000];
    let error = try_patch(Leniencies::LENIENT, &document, json!(operations)).expect_err("too much");
    assert_eq!(error.status, 413);
}
