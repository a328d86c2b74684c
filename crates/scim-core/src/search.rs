//! The search form of a document: what filters and sorting compare.

mod anywhere;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    Document,
    fold::fold,
    intake::MAX_KEY,
    projection::{Envelope, etag},
    resource::{ResourceKind, ResourceType},
    schema::{self, Attribute, AttributeType, Schema},
    timestamp,
};

pub use self::anywhere::{AFTER_VALUE, ANYWHERE, MAX_SOUGHT, is_anywhere, mark, without_signs};
use self::anywhere::{Anywhere, is_of_person};

/// The document with each value in the form in which it is compared: strings folded unless `caseExact`, `dateTime`
/// as milliseconds (a number), the rest as it is. Same shape, same keys (schema spelling), extension objects under
/// their URN, plus `schemas` (folded URNs of the core schema and of extensions with a value) and, for a user without
/// `active`, `active: true`: an absent `active` counts as active. What the type does not offer is left out.
#[must_use]
pub fn form(resource_type: &ResourceType, document: &Document) -> Value {
    let urns = resource_type.schema_urns(document);
    let mut form = Map::new();
    form.insert("schemas".into(), urns.into_iter().map(fold).collect());
    add_all(&mut form, &schema::COMMON, document);
    add_all(&mut form, &resource_type.schema, document);
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        if let Some(values) = document.get(urn).and_then(Value::as_object) {
            let mut inner = Map::new();
            add_all(&mut inner, &extension.schema, values);
            if !inner.is_empty() {
                form.insert(urn.clone(), Value::Object(inner));
            }
        }
    }
    if resource_type.kind == ResourceKind::User {
        form.entry("active").or_insert(Value::Bool(true));
    }
    Value::Object(form)
}

/// One value of an attribute whose `eq` and `sw` an index answers, or a part of [`ANYWHERE`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexedValue {
    /// [`crate::resource::AttrRef::path`] of the attribute, or [`ANYWHERE`].
    pub path: String,
    /// In the form in which it is compared. What is longer than [`MAX_INDEXED`] bytes is cut behind the first character
    /// that exceeds them: it equals no text that may be asked for, and begins as it did.
    pub value: String,
}

/// Longest text that the index of values is asked for, in bytes.
pub const MAX_INDEXED: usize = MAX_KEY;

/// What search forms and indexed values of a type are made by, a line an attribute: under two types of the same layout
/// a document has the same of both.
#[must_use]
pub fn layout(resource_type: &ResourceType) -> Vec<String> {
    let mut lines = Vec::new();
    let extensions = resource_type.extensions.iter().map(|extension| &extension.schema);
    for schema in std::iter::once(&resource_type.schema).chain(extensions) {
        for attribute in &schema.attributes {
            add_layout(&mut lines, &schema.id, attribute);
            let of = format!("{}:{}", schema.id, attribute.name);
            attribute.sub_attributes.iter().for_each(|sub| add_layout(&mut lines, &of, sub));
        }
    }
    lines
}

fn add_layout(lines: &mut Vec<String>, of: &str, attribute: &Attribute) {
    let Attribute { name, kind, case_exact, indexed, .. } = attribute;
    lines.push(format!("{of} {name} {kind:?} {case_exact} {indexed}"));
}

/// All values of a search form whose attributes are marked as indexed, each once, in order; and a user's [`ANYWHERE`].
#[must_use]
pub fn indexed(resource_type: &ResourceType, form: &Value) -> Vec<IndexedValue> {
    let mut found = Texts::default();
    add_indexed(&mut found, "", &resource_type.schema, form);
    for extension in &resource_type.extensions {
        let urn = &extension.schema.id;
        if let Some(inner) = form.get(urn) {
            add_indexed(&mut found, &format!("{urn}:"), &extension.schema, inner);
        }
    }
    if resource_type.kind == ResourceKind::User {
        if let Some(name) = form.get("userName").and_then(Value::as_str) {
            found.anywhere.add("userName", name);
        }
        let rows = found.anywhere.rows().into_iter();
        found.values.extend(rows.map(|value| IndexedValue { path: ANYWHERE.to_owned(), value }));
    }
    found.values.into_iter().collect()
}

/// An attribute whose values are indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedPath {
    /// [`IndexedValue::path`].
    pub path: String,
    /// Are its values compared as they are? If not, folded.
    pub case_exact: bool,
    /// Are they in [`ANYWHERE`]?
    pub anywhere: bool,
}

/// The attributes of a type that [`indexed`] gives values of, in the order of its schemas.
#[must_use]
pub fn indexed_paths(resource_type: &ResourceType) -> Vec<IndexedPath> {
    let mut paths = Vec::new();
    add_paths(&mut paths, "", &resource_type.schema);
    for extension in &resource_type.extensions {
        add_paths(&mut paths, &format!("{}:", extension.schema.id), &extension.schema);
    }
    paths
}

fn add_paths(paths: &mut Vec<IndexedPath>, prefix: &str, schema: &Schema) {
    for attribute in &schema.attributes {
        let anywhere = is_of_person(attribute);
        let path = format!("{prefix}{}", attribute.name);
        for sub in attribute.sub_attributes.iter().filter(|sub| sub.indexed) {
            let path = format!("{path}.{}", sub.name);
            paths.push(IndexedPath { path, case_exact: sub.case_exact, anywhere });
        }
        if attribute.indexed {
            paths.push(IndexedPath { path, case_exact: attribute.case_exact, anywhere });
        }
    }
}

/// What is gathered of a search form.
#[derive(Default)]
struct Texts<'f> {
    values: BTreeSet<IndexedValue>,
    anywhere: Anywhere<'f>,
}

impl<'f> Texts<'f> {
    fn add(&mut self, path: &str, of_person: bool, value: &'f Value) {
        match value {
            Value::String(text) => {
                // The first character that does not fit is kept, so that the rest is missed.
                let end = if text.len() > MAX_INDEXED {
                    text.ceil_char_boundary(MAX_INDEXED + 1)
                } else {
                    text.len()
                };
                let value = text.get(..end).unwrap_or(text).to_owned();
                self.values.insert(IndexedValue { path: path.to_owned(), value });
                if of_person {
                    self.anywhere.add(path, text);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.add(path, of_person, element)),
            _ => {}
        }
    }
}

fn add_indexed<'f>(found: &mut Texts<'f>, prefix: &str, schema: &Schema, values: &'f Value) {
    for attribute in &schema.attributes {
        let Some(value) = values.get(&attribute.name) else { continue };
        let of_person = is_of_person(attribute);
        let path = format!("{prefix}{}", attribute.name);
        if attribute.indexed {
            found.add(&path, of_person, value);
        }
        for sub in attribute.sub_attributes.iter().filter(|sub| sub.indexed) {
            let path = format!("{path}.{}", sub.name);
            for element in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                element.get(&sub.name).into_iter().for_each(|value| found.add(&path, of_person, value));
            }
        }
    }
}

/// Adds what stands beside the document to its search form: `id`, `meta`, and `groups` or `members` where the
/// edges were read.
pub fn complete(form: &mut Value, resource_type: &ResourceType, envelope: &Envelope<'_>) {
    let Some(form) = form.as_object_mut() else { return };
    form.insert("id".into(), envelope.id.into());
    form.insert(
        "meta".into(),
        json!({
            "resourceType": resource_type.kind.name(),
            "created": envelope.created,
            "lastModified": envelope.last_modified,
            "location": envelope.location,
            "version": etag(envelope.version),
        }),
    );
    let name = resource_type.kind.edges();
    if let (Some(edges), Some(attribute)) = (&envelope.edges, resource_type.schema.attribute(name)) {
        let edges = edges.iter().filter_map(|edge| value_form(attribute, edge)).collect();
        form.insert(name.into(), Value::Array(edges));
    }
}

/// One value of an attribute (an element, or a list of them) in the form in which it is compared; `None` when
/// nothing is left to compare.
#[must_use]
pub fn value_form(attribute: &Attribute, value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(elements) => {
            let elements: Vec<_> =
                elements.iter().filter_map(|element| value_form(attribute, element)).collect();
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        Value::Object(values) => {
            let mut inner = Map::new();
            for sub in &attribute.sub_attributes {
                if let Some(value) = values.get(&sub.name).and_then(|value| value_form(sub, value)) {
                    inner.insert(sub.name.clone(), value);
                }
            }
            (!inner.is_empty()).then_some(Value::Object(inner))
        }
        Value::String(text) => match attribute.kind {
            AttributeType::DateTime => timestamp::parse(text).map(Value::from),
            _ => Some(text_form(attribute, text).into()),
        },
        other => Some(other.clone()),
    }
}

/// A text in the form in which an attribute compares it: folded unless `caseExact`.
#[must_use]
pub fn text_form(attribute: &Attribute, text: &str) -> String {
    if attribute.case_exact { text.to_owned() } else { fold(text) }
}

fn add_all(form: &mut Map<String, Value>, schema: &Schema, values: &Document) {
    for attribute in &schema.attributes {
        if let Some(value) = values.get(&attribute.name).and_then(|value| value_form(attribute, value)) {
            form.insert(attribute.name.clone(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(value: Value) -> Document {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn strings_fold_and_the_rest_stays() {
        let document = document(json!({
            "userName": "ÉMILE@X",
            "externalId": "AbC",
            "active": false,
            "emails": [{"value": "A@X", "primary": true}],
            "x509Certificates": [{"value": "QUJD"}],
            "leftOver": "X",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "STRASSE"},
        }));
        assert_eq!(
            form(&ResourceType::user(), &document),
            json!({
                "schemas": [
                    "urn:ietf:params:scim:schemas:core:2.0:user",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user",
                ],
                "externalId": "AbC",
                "userName": "émile@x",
                "active": false,
                "emails": [{"value": "a@x", "primary": true}],
                "x509Certificates": [{"value": "QUJD"}],
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "strasse"},
            })
        );
    }

    #[test]
    fn indexed_values_are_those_that_filters_compare() {
        const ENTERPRISE: &str = crate::urn::ENTERPRISE_USER;
        let user = ResourceType::user();
        let document = document(json!({
            "userName": "ann", "displayName": "ÉMILE", "nickName": "no",
            "name": {"givenName": "Ann", "familyName": "STRASSE", "middleName": "no"},
            "emails": [{"value": "A@X", "type": "work"}, {"value": "a@x"}, {"type": "home"}],
            ENTERPRISE: {"employeeNumber": "E7", "manager": {"value": "M1", "displayName": "Max"}},
        }));
        let found: Vec<_> = indexed(&user, &form(&user, &document))
            .into_iter()
            .map(|indexed| (indexed.path.rsplit(':').next().unwrap_or_default().to_owned(), indexed.value))
            .collect();
        let expected = [
            ("*", "\u{3}strasse\n\u{2}émile\n\u{5}a@x\n\u{1}\u{4}ann\n\u{6}e7"),
            ("displayName", "émile"),
            ("emails.value", "a@x"),
            ("name.familyName", "strasse"),
            ("name.givenName", "ann"),
            ("employeeNumber", "e7"),
            ("manager.value", "m1"),
        ];
        assert_eq!(found, expected.map(|(path, value)| (path.to_owned(), value.to_owned())));
        let mut paths: Vec<_> = indexed_paths(&user).into_iter().map(|indexed| indexed.path).collect();
        paths.sort();
        let mut of_values: Vec<_> =
            indexed(&user, &form(&user, &document)).into_iter().map(|indexed| indexed.path).collect();
        of_values.dedup();
        assert_eq!(paths, of_values[1..]);
        let elsewhere: Vec<_> = indexed_paths(&user).into_iter().filter(|path| !path.anywhere).collect();
        assert_eq!(elsewhere.len(), 1, "{elsewhere:?}");
        assert!(elsewhere[0].path.ends_with(":manager.value"));
    }

    #[test]
    fn the_layout_tells_what_forms_are_made_by() {
        let user = ResourceType::user();
        assert_eq!(layout(&user), layout(&user.clone()));
        let changes: [fn(&mut Attribute); 3] = [
            |attribute| attribute.indexed = !attribute.indexed,
            |attribute| attribute.case_exact = !attribute.case_exact,
            |attribute| attribute.kind = AttributeType::DateTime,
        ];
        for change in changes {
            let mut other = ResourceType::user();
            let schema = std::sync::Arc::make_mut(&mut other.schema);
            let title = schema.attributes.iter_mut().find(|attribute| attribute.name == "title");
            change(std::sync::Arc::make_mut(title.expect("an attribute")));
            assert_ne!(layout(&user), layout(&other));
        }
        let mut other = ResourceType::user();
        other.extensions.clear();
        assert_ne!(layout(&user), layout(&other));
        let mut described = ResourceType::user();
        let schema = std::sync::Arc::make_mut(&mut described.schema);
        std::sync::Arc::make_mut(&mut schema.attributes[0]).description = "another".into();
        assert_eq!(layout(&user), layout(&described), "descriptions make no difference");
    }

    #[test]
    fn absent_active_counts_as_active_for_users_only() {
        let empty = Document::new();
        assert_eq!(form(&ResourceType::user(), &empty)["active"], true);
        assert_eq!(form(&ResourceType::group(), &empty).get("active"), None);
    }

    #[test]
    fn instants_are_milliseconds() {
        let meta = schema::COMMON.attribute("meta").expect("meta");
        let created = meta.sub("created").expect("created");
        assert_eq!(value_form(created, &json!("1970-01-01T01:00:01+01:00")), Some(json!(1000)));
        assert_eq!(value_form(created, &json!("yesterday")), None);
    }

    #[test]
    fn the_envelope_completes_the_form() {
        let group = ResourceType::group();
        let mut form = form(&group, &document(json!({"displayName": "G"})));
        let envelope = Envelope {
            id: "g1",
            created: 1,
            last_modified: 2,
            version: 3,
            location: "https://h/Groups/g1".into(),
            edges: Some(vec![json!({"value": "U1", "display": "Ann"})]),
        };
        complete(&mut form, &group, &envelope);
        assert_eq!(form["id"], "g1");
        assert_eq!(form["meta"]["lastModified"], 2);
        assert_eq!(form["meta"]["version"], "W/\"3\"");
        assert_eq!(form["members"], json!([{"value": "u1", "display": "ann"}]));
    }
}
