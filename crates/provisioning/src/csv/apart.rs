//! What is kept of a user and no longer offered by the profile: set apart while a row goes the way of a PUT, which would
//! take it away, and laid back after.

use scim_core::{Document, ResourceType, schema::Attribute};
use serde_json::{Map, Value};

/// A document in two: what the profile offers, and what it does not.
pub(super) fn set_apart(kind: &ResourceType, document: &Document) -> (Document, Document) {
    let (mut offered, mut kept) = (Map::new(), Map::new());
    for (key, value) in document {
        let extension = kind.extensions.iter().find(|extension| extension.schema.id == *key);
        let parts = match (extension, value.as_object()) {
            (Some(extension), Some(fields)) => {
                let (offered, kept) =
                    split(fields, |name| extension.schema.attribute(name).map(|one| &**one));
                (whole(offered), whole(kept))
            }
            _ => split_value(kind.schema.attribute(key).map(|one| &**one), value),
        };
        put(&mut offered, key, parts.0);
        put(&mut kept, key, parts.1);
    }
    (offered, kept)
}

/// Lays back what was set apart.
pub(crate) fn lay_back(document: &mut Map<String, Value>, kept: &Map<String, Value>) {
    for (key, value) in kept {
        match (document.get_mut(key), value) {
            (None, value) => {
                document.insert(key.clone(), value.clone());
            }
            (Some(Value::Object(fields)), Value::Object(kept)) => lay_back(fields, kept),
            (Some(Value::Array(list)), Value::Array(kept)) if list.len() == kept.len() => {
                for pair in list.iter_mut().zip(kept) {
                    if let (Value::Object(fields), Value::Object(kept)) = pair {
                        lay_back(fields, kept);
                    }
                }
            }
            _ => {}
        }
    }
}

fn split<'a>(
    fields: &Map<String, Value>,
    find: impl Fn(&str) -> Option<&'a Attribute>,
) -> (Map<String, Value>, Map<String, Value>) {
    let (mut offered, mut kept) = (Map::new(), Map::new());
    for (key, value) in fields {
        let parts = split_value(find(key), value);
        put(&mut offered, key, parts.0);
        put(&mut kept, key, parts.1);
    }
    (offered, kept)
}

/// Of a list the second part has as many elements as the first, so that they are found again.
fn split_value(attribute: Option<&Attribute>, value: &Value) -> (Option<Value>, Option<Value>) {
    let Some(attribute) = attribute else { return (None, Some(value.clone())) };
    let sub = |name: &str| attribute.sub_attributes.iter().find(|sub| sub.name == name).map(|sub| &**sub);
    match value {
        _ if attribute.sub_attributes.is_empty() => (Some(value.clone()), None),
        Value::Object(fields) => {
            let (offered, kept) = split(fields, sub);
            (whole(offered), whole(kept))
        }
        Value::Array(list) => {
            let parts = list.iter().map(|element| match element {
                Value::Object(fields) => split(fields, sub),
                _ => (Map::new(), Map::new()),
            });
            let (offered, kept): (Vec<_>, Vec<_>) = parts.unzip();
            if kept.iter().all(Map::is_empty) {
                return (Some(value.clone()), None);
            }
            let list = |parts: Vec<Map<String, Value>>| parts.into_iter().map(Value::Object).collect();
            (Some(list(offered)), Some(list(kept)))
        }
        _ => (Some(value.clone()), None),
    }
}

fn whole(fields: Map<String, Value>) -> Option<Value> {
    (!fields.is_empty()).then_some(Value::Object(fields))
}

fn put(fields: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        fields.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_set_apart_comes_back_where_it_was() {
        const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let document = json!({
            "userName": "a", "favourite": "blue", "urn:x:Gone": {"y": 1},
            "name": {"givenName": "Ann", "rufname": "Anna"},
            "emails": [{"value": "a@x", "checked": true}, {"value": "b@x"}],
            ENTERPRISE: {"department": "ICU", "floor": "7"},
        });
        let (mut offered, kept) = set_apart(&ResourceType::user(), document.as_object().expect("an object"));
        assert_eq!(
            Value::Object(offered.clone()),
            json!({
                "userName": "a", "name": {"givenName": "Ann"}, "emails": [{"value": "a@x"}, {"value": "b@x"}],
                ENTERPRISE: {"department": "ICU"},
            })
        );
        lay_back(&mut offered, &kept);
        assert_eq!(Value::Object(offered), document);
        // A list of another length is another list.
        let mut other = json!({"userName": "a", "emails": [{"value": "c@x"}]});
        lay_back(other.as_object_mut().expect("an object"), &kept);
        assert_eq!((&other["emails"], &other["favourite"]), (&json!([{"value": "c@x"}]), &json!("blue")));
    }
}
