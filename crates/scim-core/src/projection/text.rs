//! Answers from the text of a kept document, without reading it into memory piece by piece: most reads ask for the whole
//! resource, and what is kept is what is shown.

use std::{fmt, sync::Arc};

use serde::{
    Deserializer as _, Serialize,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Envelope, Projection, etag};
use crate::{
    resource::ResourceType,
    schema::{self, Attribute, Returned},
    timestamp,
};

/// The whole answer from the text of a document, `edges` being the JSON array of `groups` or `members`. `None` when
/// something in the document is not shown, or the projection leaves something out: [`super::render`] then says what is
/// left. Keys stand in the order of the text; `groups` or `members` and `meta` come last.
#[must_use]
pub fn render_text(
    resource_type: &ResourceType,
    document: &str,
    envelope: &Envelope<'_>,
    edges: Option<&str>,
    projection: &Projection,
) -> Option<String> {
    if projection.attributes.is_some() || !projection.excluded.is_empty() {
        return None;
    }
    let inner = document.trim().strip_prefix('{')?.strip_suffix('}')?;
    let extensions = all_shown(resource_type, document)?;
    let mut text = String::with_capacity(document.len() + edges.map_or(0, str::len) + 640);
    let urns: Vec<&str> = std::iter::once(resource_type.schema.id.as_str()).chain(extensions).collect();
    text.push('{');
    field(&mut text, "schemas", &urns)?;
    text.push(',');
    field(&mut text, "id", envelope.id)?;
    if !inner.trim().is_empty() {
        text.push(',');
        text.push_str(inner);
    }
    let name = resource_type.kind.edges();
    if let (Some(edges), Some(attribute)) = (edges, resource_type.schema.attribute(name)) {
        // What is to be left out of the edges themselves is rare enough to be done by the other way.
        if !is_shown(attribute) {
            return None;
        }
        text.push_str(",\"");
        text.push_str(name);
        text.push_str("\":");
        text.push_str(edges);
    }
    text.push(',');
    let meta = Meta {
        resource_type: resource_type.kind.name(),
        created: timestamp::to_rfc3339(envelope.created),
        last_modified: timestamp::to_rfc3339(envelope.last_modified),
        location: &envelope.location,
        version: etag(envelope.version),
    };
    field(&mut text, "meta", &meta)?;
    text.push('}');
    Some(text)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    resource_type: &'a str,
    created: String,
    last_modified: String,
    location: &'a str,
    version: String,
}

/// Appends `"name":value`; `None` for a value that JSON has no words for.
fn field<T: Serialize + ?Sized>(text: &mut String, name: &str, value: &T) -> Option<()> {
    text.push('"');
    text.push_str(name);
    text.push_str("\":");
    text.push_str(&serde_json::to_string(value).ok()?);
    Some(())
}

/// The extensions that have values in a document, in the order of the type, if everything in it is shown when nothing is
/// said about it.
fn all_shown<'t>(resource_type: &'t ResourceType, document: &str) -> Option<Vec<&'t str>> {
    let mut found = vec![false; resource_type.extensions.len()];
    let mut read = serde_json::Deserializer::from_str(document);
    read.deserialize_map(Whole { resource_type, found: &mut found }).ok()?;
    read.end().ok()?;
    let urns = resource_type.extensions.iter().map(|extension| extension.schema.id.as_str());
    Some(urns.zip(found).filter_map(|(urn, found)| found.then_some(urn)).collect())
}

fn is_shown(attribute: &Attribute) -> bool {
    matches!(attribute.returned, Returned::Default | Returned::Always)
        && attribute.sub_attributes.iter().all(|sub| is_shown(sub))
}

/// A key of an object that is looked for among attributes.
struct Key<'a, T>(&'a dyn Fn(&str) -> Option<T>);

impl<'de, T> DeserializeSeed<'de> for Key<'_, T> {
    type Value = T;

    fn deserialize<D: serde::Deserializer<'de>>(self, read: D) -> Result<T, D::Error> {
        read.deserialize_str(self)
    }
}

impl<T> Visitor<'_> for Key<'_, T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an attribute that is shown")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<T, E> {
        (self.0)(name).ok_or_else(|| E::custom("not shown"))
    }
}

/// A document: core attributes, and extensions by URN.
struct Whole<'t, 'f> {
    resource_type: &'t ResourceType,
    found: &'f mut [bool],
}

enum Top<'t> {
    Attribute(&'t Attribute),
    Extension(usize),
}

impl<'de> Visitor<'de> for Whole<'_, '_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let of_type = self.resource_type;
        let edges = of_type.kind.edges();
        let top = |name: &str| {
            let common = || schema::COMMON.attribute(name).filter(|_| name == "externalId");
            let core = named(&of_type.schema.attributes, name).filter(|_| name != edges);
            if let Some(attribute) = core.or_else(|| common().map(AsRef::as_ref)) {
                return shown(attribute).map(Top::Attribute);
            }
            of_type.extensions.iter().position(|extension| extension.schema.id == name).map(Top::Extension)
        };
        while let Some(top) = map.next_key_seed(Key(&top))? {
            match top {
                Top::Attribute(attribute) => map.next_value_seed(Values(&attribute.sub_attributes))?,
                Top::Extension(index) => {
                    let attributes = of_type.extensions.get(index).map(|one| &one.schema.attributes);
                    map.next_value_seed(Fields(attributes.ok_or_else(|| A::Error::custom("no extension"))?))?;
                    if let Some(found) = self.found.get_mut(index) {
                        *found = true;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The value of an attribute with these sub-attributes: one, or a list of them.
#[derive(Clone, Copy)]
struct Values<'t>(&'t [Arc<Attribute>]);

/// An object with these attributes.
#[derive(Clone, Copy)]
struct Fields<'t>(&'t [Arc<Attribute>]);

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, read: D) -> Result<(), D::Error> {
        read.deserialize_any(self)
    }
}

/// Of what is kept all but null and what is empty is shown. A document holds neither; one that does is read the other way.
impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value that is shown")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.simple()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.simple()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.simple()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.simple()
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.simple()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut any = false;
        while list.next_element_seed(self)?.is_some() {
            any = true;
        }
        if any { Ok(()) } else { Err(A::Error::custom("empty")) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.0.is_empty() {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        Fields(self.0).visit_map(map)
    }
}

impl Values<'_> {
    fn simple<E: serde::de::Error>(self) -> Result<(), E> {
        if self.0.is_empty() { Ok(()) } else { Err(E::custom("not an object")) }
    }
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, read: D) -> Result<(), D::Error> {
        read.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let field = |name: &str| named(self.0, name).and_then(shown);
        let mut any = false;
        while let Some(attribute) = map.next_key_seed(Key(&field))? {
            map.next_value_seed(Values(&attribute.sub_attributes))?;
            any = true;
        }
        if any { Ok(()) } else { Err(A::Error::custom("empty")) }
    }
}

/// In schema spelling, as documents are kept.
fn named<'t>(attributes: &'t [Arc<Attribute>], name: &str) -> Option<&'t Attribute> {
    attributes.iter().find(|attribute| attribute.name == name).map(AsRef::as_ref)
}

/// If it is shown when nothing is said about it.
fn shown(attribute: &Attribute) -> Option<&Attribute> {
    matches!(attribute.returned, Returned::Default | Returned::Always).then_some(attribute)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Document, projection::render, schema::Schema, urn};

    fn envelope(edges: Option<Vec<Value>>) -> Envelope<'static> {
        Envelope {
            id: "u1",
            created: 0,
            last_modified: 1,
            version: 7,
            location: "https://h/scim/v2/Users/u1".into(),
            edges,
        }
    }

    fn by_text(resource_type: &ResourceType, document: &Value, edges: Option<&Value>) -> Option<Value> {
        let edges_text = edges.map(Value::to_string);
        let text = document.to_string();
        let projection = Projection::default();
        let answer = render_text(resource_type, &text, &envelope(None), edges_text.as_deref(), &projection)?;
        Some(serde_json::from_str(&answer).expect("JSON"))
    }

    fn by_tree(resource_type: &ResourceType, document: &Value, edges: Option<&Value>) -> Value {
        let document: Document = document.as_object().cloned().expect("an object");
        let edges = edges.map(|edges| edges.as_array().cloned().expect("a list"));
        render(resource_type, &document, envelope(edges), &Projection::default())
    }

    fn ann() -> Value {
        json!({
            "externalId": "x1",
            "userName": "ann \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{",
            "name": {"familyName": "Lee", "givenName": "Ann"},
            "active": true,
            "emails": [{"value": "a@w", "type": "work", "primary": true}, {"value": "a@h"}],
        })
    }

    #[test]
    fn both_ways_say_the_same() {
        let user = ResourceType::user();
        let mut extended = ann();
        extended[urn::ENTERPRISE_USER] = json!({"department": "S\u{e4}le\n", "manager": {"value": "m"}});
        let group =
            json!({"value": "g", "$ref": "https://h/scim/v2/Groups/g", "display": "G", "type": "direct"});
        for document in [ann(), extended, json!({"userName": "x"}), json!({})] {
            for edges in [None, Some(json!([])), Some(json!([group]))] {
                let text = by_text(&user, &document, edges.as_ref()).expect("all of it is shown");
                assert_eq!(text, by_tree(&user, &document, edges.as_ref()));
            }
        }
    }

    /// Whatever is not shown as it is kept is left to the way that looks at each piece.
    #[test]
    fn nothing_is_shown_that_should_not_be() {
        let user = ResourceType::user();
        for (place, value) in [
            ("/leftOver", json!("of a former profile")),
            ("/nickName", Value::Null),
            ("/phoneNumbers", json!([])),
            ("/phoneNumbers", json!([null])),
            ("/phoneNumbers", json!([{}])),
            ("/phoneNumbers", json!(["5"])),
            ("/name/secret", json!("s")),
            ("/groups", json!([{"value": "g"}])),
            ("/password", json!("p")),
            ("/meta", json!({"version": "x"})),
            ("/id", json!("y")),
            ("/schemas", json!(["y"])),
            ("/urn:unknown", json!({"a": 1})),
            ("/USERNAME", json!("y")),
        ] {
            let mut document = ann();
            let (parent, name) = place.rsplit_once('/').expect("a place");
            document.pointer_mut(parent).expect("there")[name] = value;
            assert_eq!(by_text(&user, &document, None), None, "{place}");
        }
        let mut document = ann();
        document[urn::ENTERPRISE_USER] = json!({});
        assert_eq!(by_text(&user, &document, None), None);
        document[urn::ENTERPRISE_USER] = json!({"department": "x", "level": 3});
        assert_eq!(by_text(&user, &document, None), None);
    }

    #[test]
    fn what_is_shown_on_request_alone_is_left_to_the_other_way() {
        for returned in [Returned::Request, Returned::Never] {
            let mut user = ResourceType::user();
            let mut schema: Schema = (*user.schema).clone();
            for attribute in &mut schema.attributes {
                let attribute = Arc::make_mut(attribute);
                match attribute.name.as_str() {
                    "title" => attribute.returned = returned,
                    "emails" => Arc::make_mut(&mut attribute.sub_attributes[0]).returned = returned,
                    _ => {}
                }
            }
            user.schema = Arc::new(schema);
            assert!(by_text(&user, &json!({"userName": "x"}), None).is_some());
            assert_eq!(by_text(&user, &json!({"userName": "x", "title": "T"}), None), None);
            assert_eq!(by_text(&user, &ann(), None), None);
        }
    }

    #[test]
    fn a_projection_and_what_is_no_document_are_left_to_the_other_way() {
        let user = ResourceType::user();
        let shown = |document: &str, projection: &Projection| {
            render_text(&user, document, &envelope(None), None, projection)
        };
        let whole = Projection::default();
        assert!(shown(r#" {"userName": "x"} "#, &whole).is_some());
        for broken in ["", "[]", "{", r#"{"userName":"x"}}"#, r#"{"userName":"x"},{}"#] {
            assert_eq!(shown(broken, &whole), None, "{broken}");
        }
        let some = Projection { attributes: Some(vec!["userName".into()]), ..Projection::default() };
        assert_eq!(shown(r#"{"userName":"x"}"#, &some), None);
        let less = Projection { excluded: vec!["title".into()], ..Projection::default() };
        assert_eq!(shown(r#"{"userName":"x"}"#, &less), None);
    }
}
