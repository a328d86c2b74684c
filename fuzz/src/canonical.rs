//! What holds of every document that is kept.

use scim_core::{
    Document, ResourceType,
    schema::{Attribute, AttributeType, Schema},
};
use serde_json::Value;

/// Schema spelling all the way down, nothing unassigned, values of their type, lists where lists belong, one
/// `primary` at most, and nothing that does not belong in a document.
pub fn assert_document(resource_type: &ResourceType, document: &Document) {
    for (key, value) in document {
        assert!(
            !["id", "meta", "schemas", "password", "groups", "members"].contains(&key.as_str()),
            "{key} was kept"
        );
        if let Some(extension) = resource_type.extensions.iter().find(|extension| extension.schema.id == *key)
        {
            let values = value.as_object().expect("an extension is an object");
            assert!(!values.is_empty(), "{key} is empty");
            for (name, value) in values {
                assert_attribute(named(&extension.schema, name), value);
            }
        } else if key == "externalId" {
            assert!(value.as_str().is_some_and(|text| !text.is_empty()), "{key}");
        } else {
            assert_attribute(named(&resource_type.schema, key), value);
        }
    }
}

/// The attribute of exactly this spelling.
fn named<'s>(schema: &'s Schema, name: &str) -> &'s Attribute {
    let found = schema.attributes.iter().find(|attribute| attribute.name == name);
    found.unwrap_or_else(|| panic!("{name} is not the spelling of {}", schema.id))
}

fn assert_attribute(attribute: &Attribute, value: &Value) {
    if !attribute.multi_valued {
        return assert_single(attribute, value);
    }
    let list = value.as_array().unwrap_or_else(|| panic!("{} is no list", attribute.name));
    assert!(!list.is_empty(), "{} is empty", attribute.name);
    let primaries = list.iter().filter(|element| element.get("primary") == Some(&Value::Bool(true))).count();
    assert!(primaries <= 1, "{} has {primaries} primaries", attribute.name);
    list.iter().for_each(|element| assert_single(attribute, element));
}

fn assert_single(attribute: &Attribute, value: &Value) {
    let name = &attribute.name;
    let fits = match attribute.kind {
        AttributeType::Complex => {
            let parts = value.as_object().unwrap_or_else(|| panic!("{name} has no parts"));
            for (part, value) in parts {
                let sub = attribute.sub_attributes.iter().find(|sub| sub.name == *part);
                assert_attribute(sub.unwrap_or_else(|| panic!("{name}.{part} is no spelling")), value);
            }
            !parts.is_empty()
        }
        AttributeType::Boolean => value.is_boolean(),
        AttributeType::Integer => value.is_i64(),
        AttributeType::Decimal => value.is_number(),
        _ => value.as_str().is_some_and(|text| !text.is_empty() && !text.contains('\0')),
    };
    assert!(fits, "{name} holds {value}");
}
