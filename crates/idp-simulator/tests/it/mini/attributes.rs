//! What the tiny server offers, and how a body becomes what it keeps.

use serde_json::{Map, Value, json};

use super::products::EPIC;
use super::{ENTERPRISE, Flaw, GROUP, Mini, USER};

/// An extension of the server's own.
pub(crate) const CLINIC: &str = "urn:example:params:scim:schemas:extension:clinic:2.0:User";

/// Name, type, whether a list, parts (`name` or `name:type`).
pub(super) type Spec = (&'static str, &'static str, bool, &'static [&'static str]);

const CONTACT: &[&str] = &["value", "display", "type", "primary:boolean"];
const CORE: &[Spec] = &[
    ("userName", "string", false, &[]),
    ("externalId", "string", false, &[]),
    ("displayName", "string", false, &[]),
    ("nickName", "string", false, &[]),
    ("profileUrl", "reference", false, &[]),
    ("title", "string", false, &[]),
    ("userType", "string", false, &[]),
    ("preferredLanguage", "string", false, &[]),
    ("locale", "string", false, &[]),
    ("timezone", "string", false, &[]),
    ("active", "boolean", false, &[]),
    ("password", "string", false, &[]),
    (
        "name",
        "complex",
        false,
        &["formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"],
    ),
    ("emails", "complex", true, CONTACT),
    ("phoneNumbers", "complex", true, CONTACT),
    ("ims", "complex", true, CONTACT),
    ("photos", "complex", true, CONTACT),
    ("roles", "complex", true, CONTACT),
    ("entitlements", "complex", true, CONTACT),
    ("x509Certificates", "complex", true, CONTACT),
    (
        "addresses",
        "complex",
        true,
        &[
            "formatted",
            "streetAddress",
            "locality",
            "region",
            "postalCode",
            "country",
            "type",
            "primary:boolean",
        ],
    ),
];
const ENTERPRISE_SPECS: &[Spec] = &[
    ("employeeNumber", "string", false, &[]),
    ("costCenter", "string", false, &[]),
    ("organization", "string", false, &[]),
    ("division", "string", false, &[]),
    ("department", "string", false, &[]),
    ("manager", "complex", false, &["value", "$ref:reference", "displayName"]),
];
const CLINIC_SPECS: &[Spec] = &[
    ("siteCount", "integer", false, &[]),
    ("siteNames", "string", true, &[]),
    ("since", "dateTime", false, &[]),
    ("share", "decimal", false, &[]),
];
const EPIC_SPECS: &[Spec] = &[
    ("templates", "string", true, &[]),
    ("subTemplates", "string", true, &[]),
    ("linkedEmp", "string", true, &[]),
    ("linkedSer", "string", true, &[]),
];
const GROUP_SPECS: &[Spec] = &[
    ("displayName", "string", false, &[]),
    ("externalId", "string", false, &[]),
    ("members", "complex", true, &["value", "$ref:reference", "type", "display"]),
];

/// The attributes of a schema; none for one that is not the server's.
pub(super) fn specs(urn: &str) -> &'static [Spec] {
    let known = [
        (USER, CORE),
        (ENTERPRISE, ENTERPRISE_SPECS),
        (CLINIC, CLINIC_SPECS),
        (EPIC, EPIC_SPECS),
        (GROUP, GROUP_SPECS),
    ];
    known.into_iter().find(|(id, _)| id.eq_ignore_ascii_case(urn)).map_or(&[], |(_, specs)| specs)
}

pub(super) fn spec(urn: &str, name: &str) -> Option<&'static Spec> {
    specs(urn).iter().find(|spec| spec.0.eq_ignore_ascii_case(name))
}

/// The name of a part in the schema's spelling.
pub(super) fn part(spec: &Spec, name: &str) -> Option<&'static str> {
    let names = spec.3.iter().map(|part| part.split(':').next().unwrap());
    names.into_iter().find(|part| part.eq_ignore_ascii_case(name))
}

impl Mini {
    /// `/Schemas`.
    pub(super) fn schemas(&self) -> Vec<Value> {
        let mut schemas = vec![USER];
        schemas.extend(self.extensions());
        schemas.extend(self.groups.then_some(GROUP));
        schemas.into_iter().map(|urn| self.schema(urn)).collect()
    }

    /// The extensions of users.
    pub(super) fn extensions(&self) -> impl Iterator<Item = &'static str> {
        let urns: &[&str] = match self.product {
            "epic-emp" => &[ENTERPRISE, EPIC],
            "clinical-maestro" => &[ENTERPRISE],
            _ => &[ENTERPRISE, CLINIC],
        };
        urns.iter().copied()
    }

    fn is_offered(&self, urn: &str, name: &str) -> bool {
        match (self.product, urn) {
            (_, USER) => self.offered().is_none_or(|offered| offered.contains(&name)),
            ("clinical-maestro", ENTERPRISE) => name == "department",
            _ => true,
        }
    }

    fn schema(&self, urn: &str) -> Value {
        let attribute = |spec: &Spec| {
            let (name, kind, many, parts) = *spec;
            let never = if name == "password" { "never" } else { "default" };
            let mutability = if name == "password" { "writeOnly" } else { "readWrite" };
            let mut attribute = json!({"name": name, "type": kind, "multiValued": many, "required": name == "userName",
                "caseExact": false, "mutability": mutability, "returned": never, "uniqueness": "none"});
            if kind == "complex" {
                let narrow: &[&str] = if name == "name" {
                    &["givenName", "familyName"]
                } else {
                    &["value", "type", "primary:boolean"]
                };
                let narrow = narrow.iter().filter(|_| self.product == "clinical-maestro");
                let narrow: Vec<&str> = narrow.copied().collect();
                let parts = if narrow.is_empty() { parts } else { &narrow[..] };
                attribute["subAttributes"] = parts.iter().map(|part| part_of(name, part)).collect();
            }
            if self.has(Flaw::SchemasHoldNulls) {
                attribute["referenceTypes"] = Value::Null;
            }
            attribute
        };
        let listed = specs(urn).iter().filter(|spec| spec.0 != "externalId" && self.is_offered(urn, spec.0));
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": urn, "name": urn.rsplit(':').next(), "attributes": listed.map(attribute).collect::<Vec<_>>()})
    }

    /// What is kept of a user's body.
    pub(super) fn accepted(&self, body: &Value) -> Map<String, Value> {
        let mut user = Map::new();
        let declared = |urn: &str| body["schemas"].as_array().is_some_and(|list| list.contains(&json!(urn)));
        for (key, value) in body.as_object().into_iter().flatten() {
            let dropped = ["schemas", "meta", "groups", "id"].contains(&key.as_str())
                || key == "password" && !self.has(Flaw::PasswordEchoed)
                || key == "title" && self.has(Flaw::TitleDropped)
                || key.starts_with("urn:") && self.has(Flaw::UndeclaredExtensionDropped) && !declared(key);
            if dropped {
                continue;
            }
            if key.starts_with("urn:") && value.is_object() {
                let extension = self.extension(key, value);
                laid(&mut user, key.clone(), extension);
            } else if let Some(spec) = spec(USER, key) {
                user.insert(spec.0.into(), self.coerced(spec, value));
            } else if let Some(spec) = spec(ENTERPRISE, key) {
                let extension = json!({spec.0: self.coerced(spec, value)});
                laid(&mut user, ENTERPRISE.into(), extension);
            } else {
                user.insert(key.clone(), value.clone());
            }
        }
        self.tidied(user)
    }

    fn extension(&self, urn: &str, value: &Value) -> Value {
        let fields = value.as_object().into_iter().flatten();
        let coerced = fields.map(|(key, value)| match spec(urn, key) {
            Some(spec) => (spec.0.to_owned(), self.coerced(spec, value)),
            None => (key.clone(), value.clone()),
        });
        Value::Object(coerced.collect())
    }

    /// What is kept of a group's body.
    pub(super) fn accepted_group(&self, body: &Value) -> Map<String, Value> {
        let fields = body.as_object().into_iter().flatten();
        let known = fields.filter_map(|(key, value)| {
            spec(GROUP, key).map(|spec| (spec.0.to_owned(), self.coerced(spec, value)))
        });
        self.tidied(known.collect())
    }

    /// A resource as it is kept: without empty values, with one primary mark a list.
    pub(super) fn tidied(&self, mut resource: Map<String, Value>) -> Map<String, Value> {
        resource.values_mut().for_each(|value| {
            if let Value::Array(list) = value {
                list.retain(|one| one.as_object().is_none_or(says_something));
                if !self.has(Flaw::TwoPrimaries) {
                    one_primary(list);
                }
            }
        });
        if !self.has(Flaw::NullsEchoed) {
            drop_empty(&mut resource);
        }
        resource
    }

    /// A value in the type that its attribute has.
    pub(super) fn coerced(&self, spec: &Spec, value: &Value) -> Value {
        match (spec.1, value) {
            ("boolean", Value::String(text)) if !self.has(Flaw::TextBooleansKept) => boolean(text),
            ("complex", Value::Array(list)) if !spec.2 => {
                list.first().map_or(Value::Null, |one| self.coerced(spec, one))
            }
            ("complex", Value::Array(list)) => list.iter().map(|one| self.complex(spec, one)).collect(),
            ("complex", value) => self.complex(spec, value),
            _ => value.clone(),
        }
    }

    fn complex(&self, spec: &Spec, value: &Value) -> Value {
        match value {
            Value::String(text) if text.is_empty() || self.has(Flaw::ManagerTextDropped) => Value::Null,
            Value::String(text) => json!({"value": text}),
            Value::Object(fields) => fields
                .iter()
                .filter(|(_, value)| self.has(Flaw::NullsEchoed) || !value.is_null())
                .map(|(key, value)| (part(spec, key).unwrap_or(key).to_owned(), self.part_value(key, value)))
                .collect(),
            other => other.clone(),
        }
    }

    pub(super) fn part_value(&self, name: &str, value: &Value) -> Value {
        match value {
            Value::String(text) if name.eq_ignore_ascii_case("primary") && !self.has(Flaw::PrimaryAsText) => {
                boolean(text)
            }
            Value::Bool(mark) if name.eq_ignore_ascii_case("primary") && self.has(Flaw::PrimaryAsText) => {
                json!(if *mark { "True" } else { "False" })
            }
            value => value.clone(),
        }
    }
}

fn part_of(attribute: &str, part: &str) -> Value {
    let (name, kind) = part.split_once(':').unwrap_or((part, "string"));
    let mut spec = json!({"name": name, "type": kind, "multiValued": false, "mutability": "readWrite", "returned": "default"});
    if name == "type" && !matches!(attribute, "roles" | "entitlements" | "x509Certificates") {
        spec["canonicalValues"] = match attribute {
            "phoneNumbers" => json!(["home", "work", "mobile", "fax"]),
            "photos" => json!(["photo"]),
            "ims" => json!(["xmpp"]),
            _ => json!(["home", "work", "other"]),
        };
    }
    spec
}

fn laid(user: &mut Map<String, Value>, urn: String, extension: Value) {
    let slot = user.entry(urn).or_insert_with(|| json!({}));
    slot.as_object_mut().unwrap().extend(extension.as_object().cloned().unwrap_or_default());
}

fn boolean(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "true" => json!(true),
        "false" => json!(false),
        _ => json!(text),
    }
}

fn says_something(element: &Map<String, Value>) -> bool {
    element.iter().any(|(key, value)| !["type", "primary"].contains(&key.as_str()) && !value.is_null())
}

/// The last mark counts.
fn one_primary(list: &mut [Value]) {
    let last = list.iter().rposition(|one| one["primary"] == true);
    for (at, element) in list.iter_mut().enumerate() {
        if Some(at) != last && element["primary"] == true {
            element["primary"] = json!(false);
        }
    }
}

fn drop_empty(map: &mut Map<String, Value>) {
    map.values_mut().for_each(|value| match value {
        Value::Object(map) => drop_empty(map),
        Value::Array(list) => list.iter_mut().filter_map(Value::as_object_mut).for_each(drop_empty),
        _ => {}
    });
    map.retain(|_, value| ![json!(null), json!(""), json!([]), json!({})].contains(value));
}
