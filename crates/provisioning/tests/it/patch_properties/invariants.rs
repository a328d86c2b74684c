//! What holds for every kept document.

use scim_core::{
    Document, ResourceType,
    intake::take,
    leniency::Leniencies,
    schema::{self, Attribute, AttributeType, Mutability},
    timestamp,
};
use serde_json::Value;

/// What of a document is not canonical.
pub(super) fn broken(kind: &ResourceType, document: &Document) -> Option<String> {
    let mut problems = Vec::new();
    for (key, value) in document {
        match kind.extensions.iter().find(|extension| extension.schema.id == *key) {
            Some(extension) => match value.as_object() {
                Some(values) if !values.is_empty() => {
                    let attributes = &extension.schema.attributes;
                    values.iter().for_each(|(name, value)| named(attributes, name, value, &mut problems));
                }
                _ => problems.push(format!("{key}: is {value}")),
            },
            None if key == "externalId" => named(&schema::COMMON.attributes, key, value, &mut problems),
            None => named(&kind.schema.attributes, key, value, &mut problems),
        }
    }
    for attribute in kind.schema.attributes.iter().filter(|attribute| attribute.required) {
        if !document.contains_key(&attribute.name) {
            problems.push(format!("{}: is required and missing", attribute.name));
        }
    }
    // Our own answer, sent back, is the same document.
    match take(kind, Leniencies::LENIENT, &Value::Object(document.clone())) {
        Ok(intake) if intake.document == *document => {}
        other => problems.push(format!("sent back it is {other:?}")),
    }
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn named(attributes: &[std::sync::Arc<Attribute>], name: &str, value: &Value, problems: &mut Vec<String>) {
    let written = |attribute: &&std::sync::Arc<Attribute>| {
        attribute.name == name
            && !matches!(attribute.mutability, Mutability::ReadOnly | Mutability::WriteOnly)
    };
    match attributes.iter().find(written) {
        Some(attribute) => whole(attribute, value, problems),
        None => problems.push(format!("{name}: is nothing that a client may write")),
    }
}

fn whole(attribute: &Attribute, value: &Value, problems: &mut Vec<String>) {
    match value.as_array() {
        Some(elements) if attribute.multi_valued && !elements.is_empty() => {
            let primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
            if elements.iter().filter(primary).count() > 1 {
                problems.push(format!("{}: has several primary elements", attribute.name));
            }
            elements.iter().for_each(|element| single(attribute, element, problems));
        }
        None if !attribute.multi_valued => single(attribute, value, problems),
        _ => problems.push(format!("{}: is {value}", attribute.name)),
    }
}

fn single(attribute: &Attribute, value: &Value, problems: &mut Vec<String>) {
    let text = value.as_str().filter(|text| !text.is_empty() && !text.contains('\0'));
    let fits = match attribute.kind {
        AttributeType::Complex => {
            let Some(values) = value.as_object().filter(|values| !values.is_empty()) else {
                return problems.push(format!("{}: is {value}", attribute.name));
            };
            return values
                .iter()
                .for_each(|(name, value)| named(&attribute.sub_attributes, name, value, problems));
        }
        AttributeType::Boolean => value.is_boolean(),
        AttributeType::Integer => value.is_i64(),
        AttributeType::Decimal => value.is_number(),
        AttributeType::DateTime => {
            let millis = text.and_then(timestamp::parse);
            millis.is_some_and(|millis| text == Some(timestamp::to_rfc3339(millis).as_str()))
        }
        AttributeType::String | AttributeType::Reference | AttributeType::Binary => text.is_some(),
    };
    if !fits {
        problems.push(format!("{}: is {value}", attribute.name));
    }
}
