//! What the server says that it offers: `/Schemas`, as Entra reads them when a configuration is opened.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Engine;
use crate::judge::{self, ENTERPRISE, Requirement, USER, Verdict, demand};

/// One attribute, or a part of one (RFC 7643, 7).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    /// `string`, `boolean`, …, `complex`.
    pub(crate) kind: String,
    pub(crate) multi_valued: bool,
    pub(crate) mutability: String,
    pub(crate) returned: String,
    pub(crate) canonical: Vec<String>,
    pub(crate) parts: Vec<Attribute>,
}

impl Attribute {
    fn read(value: &Value) -> Self {
        let text = |key: &str, or: &str| value[key].as_str().unwrap_or(or).to_owned();
        let list = |key: &str| value[key].as_array().into_iter().flatten();
        Self {
            name: text("name", ""),
            kind: text("type", "string"),
            multi_valued: value["multiValued"] == true,
            mutability: text("mutability", "readWrite"),
            returned: text("returned", "default"),
            canonical: list("canonicalValues").filter_map(Value::as_str).map(str::to_owned).collect(),
            parts: list("subAttributes").map(Self::read).collect(),
        }
    }

    /// Whether a value that is sent must be in answers.
    pub(crate) fn comes_back(&self) -> bool {
        self.returned != "never" && self.returned != "request" && self.mutability != "writeOnly"
    }

    pub(crate) fn part(&self, name: &str) -> Option<&Attribute> {
        self.parts.iter().find(|part| part.name.eq_ignore_ascii_case(name))
    }
}

/// A schema and its attributes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schema {
    pub(crate) id: String,
    pub(crate) attributes: Vec<Attribute>,
}

/// The schemas of one server; empty when they are not known, and then everything counts as offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Announced {
    pub(crate) schemas: Vec<Schema>,
    /// The extensions of users, by `/ResourceTypes` where they were read.
    pub(crate) extensions: BTreeSet<String>,
}

impl Announced {
    pub(crate) fn schema(&self, urn: &str) -> Option<&Schema> {
        let urn = if urn.is_empty() { USER } else { urn };
        self.schemas.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// An attribute of a user; `urn` is empty for core.
    pub(crate) fn attribute(&self, urn: &str, name: &str) -> Option<&Attribute> {
        let mut attributes = self.schema(urn)?.attributes.iter();
        attributes.find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// Whether the server says that it takes an attribute. What every resource has is in no schema.
    pub(crate) fn offers(&self, urn: &str, name: &str) -> bool {
        self.schemas.is_empty()
            || urn.is_empty() && matches!(name, "id" | "externalId" | "meta")
            || self.attribute(urn, name).is_some_and(Attribute::comes_back)
    }

    /// Whether the server takes an enterprise attribute.
    pub(crate) fn offers_enterprise(&self, name: &str) -> bool {
        self.offers(ENTERPRISE, name)
    }

    /// A value without the parts that are not announced; `None` when none of it is.
    pub(crate) fn reduced(&self, urn: &str, name: &str, value: &Value) -> Option<Value> {
        if !self.offers(urn, name) {
            return None;
        }
        let Some(attribute) = self.attribute(urn, name).filter(|attribute| attribute.kind == "complex")
        else {
            return Some(value.clone());
        };
        let keep = |parts: &Map<String, Value>| -> Value {
            parts
                .iter()
                .filter(|(key, _)| attribute.part(key).is_some())
                .map(|(key, v)| (key.clone(), v.clone()))
                .collect()
        };
        Some(match value {
            Value::Object(parts) => keep(parts),
            Value::Array(list) => {
                list.iter().map(|one| one.as_object().map_or_else(|| one.clone(), &keep)).collect()
            }
            other => other.clone(),
        })
    }
}

impl Engine {
    /// `GET /Schemas`, and what is announced there from now on. True when the answer is one that Entra can use.
    pub async fn read_schemas(&mut self) -> bool {
        let found = self.announced_by_server().await;
        let good = found.is_some();
        self.announced = found.unwrap_or_default().into();
        good
    }

    async fn announced_by_server(&self) -> Option<Announced> {
        let op = self.begin("read schemas");
        let answer = op.get("/Schemas").await?;
        op.status(&answer, &[200]).then_some(())?;
        let page = judge::list(answer.json(), u64::MAX);
        let page = page.map_err(|broken| op.fail(answer.request.clone(), broken)).ok()?;
        let mut verdicts = vec![judge::no_nulls(answer.json())];
        verdicts.extend(page.resources.iter().map(well_formed));
        op.judge(&answer, verdicts).then_some(())?;
        let schemas = page.resources.iter().map(|schema| Schema {
            id: schema["id"].as_str().unwrap_or_default().to_owned(),
            attributes: schema["attributes"].as_array().into_iter().flatten().map(Attribute::read).collect(),
        });
        let announced = Announced { schemas: schemas.collect(), extensions: BTreeSet::new() };
        let has_users =
            Requirement { text: "/Schemas holds the core User", source: "Entra ID's reads; RFC 7643, 7" };
        let verdict = demand(announced.schema(USER).is_some(), has_users, || "other schemas only".into());
        op.judge(&answer, [verdict]).then_some(announced)
    }
}

const TYPES: [&str; 8] =
    ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"];
const MUTABILITIES: [&str; 4] = ["readOnly", "readWrite", "immutable", "writeOnly"];
const RETURNED: [&str; 4] = ["always", "never", "default", "request"];

/// An id, and attributes whose characteristics are spelled as the RFC spells them.
fn well_formed(schema: &Value) -> Verdict {
    let requirement = Requirement {
        text: "/Schemas spells attributes and characteristics as the RFC does (camelCase)",
        source: "Entra ID's reads; RFC 7643, 7",
    };
    let id = schema["id"].as_str().unwrap_or_default();
    demand(id.starts_with("urn:"), requirement, || format!("id {}", schema["id"]))?;
    let attributes = schema["attributes"].as_array();
    demand(attributes.is_some(), requirement, || format!("{id}: attributes {}", schema["attributes"]))?;
    attributes.into_iter().flatten().try_for_each(|attribute| spelled(id, attribute, requirement))
}

fn spelled(within: &str, attribute: &Value, requirement: Requirement) -> Verdict {
    let name = attribute["name"].as_str().unwrap_or_default();
    let place = format!("{within}:{name}");
    let good = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '$');
    demand(good, requirement, || format!("{place}: name"))?;
    for (key, words) in [("type", &TYPES[..]), ("mutability", &MUTABILITIES), ("returned", &RETURNED)] {
        let found = &attribute[key];
        let good =
            found.is_null() && key != "type" || found.as_str().is_some_and(|word| words.contains(&word));
        demand(good, requirement, || format!("{place}: {key} {found}"))?;
    }
    for key in ["multiValued", "required", "caseExact"] {
        let found = &attribute[key];
        demand(found.is_null() || found.is_boolean(), requirement, || format!("{place}: {key} {found}"))?;
    }
    let parts = attribute["subAttributes"].as_array().into_iter().flatten();
    parts.into_iter().try_for_each(|part| spelled(&place, part, requirement))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"id": USER, "attributes": [
            {"name": "userName", "type": "string", "multiValued": false, "mutability": "readWrite", "returned": "default"},
            {"name": "password", "type": "string", "mutability": "writeOnly", "returned": "never"},
            {"name": "name", "type": "complex", "subAttributes": [{"name": "givenName", "type": "string"}]},
            {"name": "emails", "type": "complex", "multiValued": true, "subAttributes":
                [{"name": "value", "type": "string"}, {"name": "type", "type": "string", "canonicalValues": ["work"]}]},
        ]})
    }

    fn announced() -> Announced {
        let attributes = schema()["attributes"].as_array().unwrap().iter().map(Attribute::read).collect();
        Announced { schemas: vec![Schema { id: USER.into(), attributes }], extensions: BTreeSet::new() }
    }

    #[test]
    fn what_is_announced_is_expected_and_no_more() {
        let announced = announced();
        assert!(announced.offers("", "username") && announced.offers("", "externalId"));
        assert!(!announced.offers("", "password") && !announced.offers("", "title"));
        assert!(!announced.offers_enterprise("manager"));
        assert!(Announced::default().offers_enterprise("manager"), "unknown: everything");
        let name = announced.reduced("", "name", &json!({"givenName": "A", "middleName": "B"}));
        assert_eq!(name, Some(json!({"givenName": "A"})));
        let emails =
            announced.reduced("", "emails", &json!([{"type": "work", "value": "a", "primary": true}]));
        assert_eq!(emails, Some(json!([{"type": "work", "value": "a"}])));
        assert_eq!(announced.reduced("", "title", &json!("x")), None);
        assert_eq!(announced.attribute("", "emails").unwrap().part("type").unwrap().canonical, ["work"]);
    }

    #[test]
    fn schemas_are_spelled_as_the_rfc_spells_them() {
        assert!(well_formed(&schema()).is_ok());
        for (pointer, wrong) in [
            ("/id", json!("User")),
            ("/attributes", json!({})),
            ("/attributes/0/name", json!("UserName")),
            ("/attributes/0/type", json!("String")),
            ("/attributes/0/mutability", json!("read-write")),
            ("/attributes/0/multiValued", json!("false")),
            ("/attributes/3/subAttributes/0/type", json!("text")),
        ] {
            let mut schema = schema();
            *schema.pointer_mut(pointer).unwrap() = wrong;
            assert!(well_formed(&schema).is_err(), "{pointer}");
        }
    }
}
