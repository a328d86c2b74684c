//! What holds for any document and any operations.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::{
    intake::{is_unassigned, take, validate},
    profile::Profile,
    schema::{Attribute, AttributeType},
};

fn user() -> ResourceType {
    let profile = Profile::from_toml(Profile::builtin("generic").expect("a file")).expect("generic");
    ResourceType::clone(&profile.user)
}

/// Names that mean something more often than not.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => proptest::sample::select(vec![
            "userName", "USERNAME", "name", "displayName", "title", "active", "emails", "Emails", "roles", "addresses",
            "externalId", "id", "meta", "groups", "schemas", "password", "value", "VALUE", "type", "primary", "display",
            "givenName", "familyName", "formatted", "country", "manager", "department", "$ref", "members",
            "name.givenName", "emails.value", "emails.primary", "manager.value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
            "urn:ietf:params:scim:schemas:core:2.0:User", "emails[type eq \"work\"].value",
            "emails[primary eq \"True\"]", "roles[value eq \"a\" and primary eq true].display", "emails[type pr].primary",
            "emails[not (type eq \"b\")]",
        ]).prop_map(str::to_owned),
        1 => "[a-z.:\\[\\]\" \0]{0,12}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(vec!["", "a", "b", "work", "True", "false", "é\0", "a@x"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((name(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A list of the shape of `emails`, so that elements and primaries really meet.
fn elements() -> impl Strategy<Value = Value> {
    let element = (
        proptest::option::of("[ab]"),
        proptest::option::of(proptest::sample::select(vec!["work", "home"])),
        proptest::option::of(any::<bool>()),
    );
    proptest::collection::vec(element, 0..4).prop_map(|list| {
        list.into_iter()
            .map(|(value, kind, primary)| json!({"value": value, "type": kind, "primary": primary}))
            .collect::<Vec<_>>()
            .into()
    })
}

fn body() -> impl Strategy<Value = Value> {
    (value(), elements(), elements()).prop_map(|(any, emails, roles)| {
        let mut body = match any {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        body.insert("emails".into(), emails);
        body.insert("roles".into(), roles);
        body.insert("userName".into(), "ann".into());
        Value::Object(body)
    })
}

fn operation() -> impl Strategy<Value = Value> {
    let op = proptest::sample::select(vec!["add", "Replace", "remove"]);
    let value = prop_oneof![value(), elements()];
    (op, proptest::option::of(name()), value)
        .prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value}))
}

/// Schema spelling all the way down, nothing unassigned, one primary at most.
fn assert_canonical(resource_type: &ResourceType, document: &Document) {
    for (key, value) in document {
        assert!(!is_unassigned(value), "{key}");
        let extension = resource_type.extensions.iter().find(|extension| extension.schema.id == *key);
        if let Some(extension) = extension {
            for (name, value) in value.as_object().expect("an object") {
                let attribute = extension.schema.attributes.iter().find(|attribute| attribute.name == *name);
                assert_attribute(attribute.expect("schema spelling"), value);
            }
        } else if key == "externalId" {
            assert!(value.is_string());
        } else {
            assert!(!matches!(key.as_str(), "id" | "meta" | "groups" | "schemas" | "password" | "members"));
            let attribute = resource_type.schema.attributes.iter().find(|attribute| attribute.name == *key);
            assert_attribute(attribute.expect("schema spelling"), value);
        }
    }
}

fn assert_attribute(attribute: &Attribute, value: &Value) {
    assert!(!is_unassigned(value), "{}", attribute.name);
    if !attribute.multi_valued {
        return assert_single(attribute, value);
    }
    let list = value.as_array().expect("a list");
    let primaries = list.iter().filter(|element| element.get("primary") == Some(&Value::Bool(true)));
    assert!(primaries.count() <= 1, "{}", attribute.name);
    list.iter().for_each(|element| assert_single(attribute, element));
}

fn assert_single(attribute: &Attribute, value: &Value) {
    match attribute.kind {
        AttributeType::Complex => {
            for (name, value) in value.as_object().expect("an object") {
                let sub = attribute.sub_attributes.iter().find(|sub| sub.name == *name);
                assert_attribute(sub.expect("schema spelling"), value);
            }
        }
        AttributeType::Boolean => assert!(value.is_boolean()),
        AttributeType::Integer => assert!(value.is_i64()),
        AttributeType::Decimal => assert!(value.is_number()),
        _ => assert!(value.as_str().is_some_and(|text| !text.contains('\0'))),
    }
}

fn selects(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('[') || selects(value)),
        Value::Array(items) => items.iter().any(selects),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, max_global_rejects: 10_000_000, ..ProptestConfig::default() })]

    #[test]
    fn documents_stay_canonical(
        body in body(),
        operations in proptest::collection::vec(operation(), 1..4),
        lenient in any::<bool>(),
    ) {
        let user = user();
        let leniencies = if lenient { Leniencies::LENIENT } else { Leniencies::STRICT };
        let before = match take(&user, Leniencies::LENIENT, &body) {
            Ok(intake) => intake.document,
            Err(_) => json!({"userName": "ann"}).as_object().cloned().expect("an object"),
        };
        assert_canonical(&user, &before);
        let request = PatchRequest::parse(&json!({"schemas": [urn::PATCH_OP], "Operations": operations}), leniencies);
        let Ok(Ok(patched)) = request.map(|request| request.apply(&user, leniencies, &before)) else {
            return Ok(());
        };
        let mut after = patched.document;
        if validate(&user, &mut after).is_ok() {
            assert_canonical(&user, &after);
            // Our own answer, echoed back, is the same document.
            let echo = take(&user, Leniencies::LENIENT, &Value::Object(after.clone()));
            prop_assert_eq!(echo.map(|intake| intake.document), Ok(after));
        }
    }

    #[test]
    fn the_same_replace_twice_is_once(body in body(), path in proptest::option::of(name()), value in prop_oneof![value(), elements()]) {
        let user = user();
        let Ok(intake) = take(&user, Leniencies::LENIENT, &body) else { return Ok(()) };
        // Keys that select elements may undo one another, like operations one after the other.
        prop_assume!(!selects(&value));
        let request = PatchRequest { operations: vec![Operation { op: Op::Replace, path, value: Some(value) }] };
        let apply = |document: &Document| {
            let mut document = request.apply(&user, Leniencies::LENIENT, document).ok()?.document;
            validate(&user, &mut document).ok()?;
            Some(document)
        };
        let Some(once) = apply(&intake.document) else { return Ok(()) };
        let twice = apply(&once);
        // A value that moved an element out of the filter finds no target the second time.
        prop_assert!(twice.is_none() || twice == Some(once));
    }

    #[test]
    fn any_json_is_answered(body in value(), patch in value()) {
        for resource_type in [user(), ResourceType::group()] {
            for leniencies in [Leniencies::LENIENT, Leniencies::STRICT] {
                let _ = take(&resource_type, leniencies, &body);
                let request = PatchRequest::parse(&json!({"schemas": [urn::PATCH_OP], "Operations": [patch]}), leniencies);
                let _ = request.map(|request| request.apply(&resource_type, leniencies, &Document::new()));
            }
        }
    }
}
