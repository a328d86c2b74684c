//! Attributes that a client may set once (RFC 7643 §2.2, RFC 7644 §3.5).

use serde_json::Value;

use crate::{
    Document,
    error::{ScimError, ScimType},
    resource::ResourceType,
    schema::{Attribute, Mutability},
};

/// 400 `mutability` when an immutable attribute that had a value has another one now, or none. The same value again
/// is no error. Looks at whole attributes and at sub-attributes of singular ones; a list may be replaced as a whole
/// even where its sub-attributes are immutable.
pub fn check_immutable(
    resource_type: &ResourceType,
    before: &Document,
    after: &Document,
) -> Result<(), ScimError> {
    for (path, steps) in immutable_paths(resource_type) {
        let (old, new) = (find(before, &steps), find(after, &steps));
        if old.is_some() && old != new {
            return Err(ScimError::bad_request(
                ScimType::Mutability,
                format!("{path}: can be set once only and has a value; leave it as it is."),
            ));
        }
    }
    Ok(())
}

/// For PUT (RFC 7644 §3.5.1): immutable attributes that the body left out keep their value.
pub fn carry_immutable(resource_type: &ResourceType, before: &Document, after: &mut Document) {
    for (_, steps) in immutable_paths(resource_type) {
        if let (Some(old), None) = (find(before, &steps), find(after, &steps)) {
            set(after, &steps, old.clone());
        }
    }
}

/// Of each immutable attribute the path, and the keys that lead to it from the document.
fn immutable_paths(resource_type: &ResourceType) -> Vec<(String, Vec<&str>)> {
    let immutable = |attribute: &Attribute| attribute.mutability == Mutability::Immutable;
    let mut found = Vec::new();
    let extensions = resource_type.extensions.iter().map(|extension| (true, &extension.schema));
    for (extended, schema) in std::iter::once((false, &resource_type.schema)).chain(extensions) {
        for attribute in &schema.attributes {
            let (path, steps) = if extended {
                (format!("{}:{}", schema.id, attribute.name), vec![schema.id.as_str(), &attribute.name])
            } else {
                (attribute.name.clone(), vec![attribute.name.as_str()])
            };
            for sub in attribute.sub_attributes.iter().filter(|sub| !attribute.multi_valued && immutable(sub))
            {
                let below = steps.iter().copied().chain([sub.name.as_str()]).collect();
                found.push((format!("{path}.{}", sub.name), below));
            }
            if immutable(attribute) {
                found.push((path, steps));
            }
        }
    }
    found
}

fn find<'v>(document: &'v Document, steps: &[&str]) -> Option<&'v Value> {
    let (first, rest) = steps.split_first()?;
    rest.iter().try_fold(document.get(*first)?, |value, step| value.get(*step))
}

fn set(document: &mut Document, steps: &[&str], value: Value) {
    match steps {
        [] => {}
        [last] => {
            document.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let below = document.entry(*first).or_insert_with(|| Value::Object(Document::new()));
            if let Value::Object(fields) = below {
                set(fields, rest, value);
            }
        }
    }
}
