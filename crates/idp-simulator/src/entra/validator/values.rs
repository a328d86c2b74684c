//! Random values for what a server announces: texts of capitals for everything but time zones.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use crate::entra::announced::{Announced, Attribute};
use crate::entra::change::{Change, Op};
use crate::judge::USER;

const ZONES: [&str; 5] =
    ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "US/Pacific", "Australia/Sydney"];
const COUNTRIES: [&str; 6] = ["Uzbekistan", "Ireland", "Namibia", "Japan", "Côte d'Ivoire", "Brazil"];
/// Told apart from all other attributes: what every resource has, and what the sets set themselves.
const SET_APART: [&str; 6] = ["id", "externalId", "meta", "schemas", "userName", "active"];
/// The types of telephone numbers that are set; one type for every other list.
const TELEPHONES: [&str; 3] = ["work", "mobile", "fax"];

/// A source of values: the same seed gives the same ones.
pub(super) struct Values(StdRng);

/// Which element of a list a value belongs to: the part that a filter tests, the literal in it, and what it stands for.
struct Element {
    part: &'static str,
    literal: String,
    value: Value,
}

impl Element {
    fn path(&self, list: &str) -> String {
        format!("{list}[{} eq {}]", self.part, json!(self.literal))
    }
}

impl Values {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed ^ 0x5c1a_11da))
    }

    fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.0.random_range(0..alphabet.len())])).collect()
    }

    fn pick(&mut self, from: &[&str]) -> String {
        from[self.0.random_range(0..from.len())].to_owned()
    }

    /// Twelve capitals.
    pub(super) fn word(&mut self) -> String {
        self.letters(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 12)
    }

    pub(super) fn guid(&mut self) -> String {
        let mut hex = |length| self.letters(b"0123456789abcdef", length);
        format!("{}-{}-4{}-a{}-{}", hex(8), hex(4), hex(3), hex(3), hex(12))
    }

    /// Every attribute that a user may be sent with, but for those that are set apart; extensions under their URN.
    pub(super) fn document(&mut self, announced: &Announced) -> Map<String, Value> {
        let mut document = Map::new();
        for (urn, attribute) in writable(announced, true) {
            let Some(value) = self.whole(attribute) else { continue };
            if urn.is_empty() {
                document.insert(attribute.name.clone(), value);
            } else if let Some(extension) = document.entry(urn).or_insert_with(|| json!({})).as_object_mut() {
                extension.insert(attribute.name.clone(), value);
            }
        }
        document
    }

    /// The same attributes as changes: those in lists one part each by a filter; the others one path each when `verbose`,
    /// else in one value without a path.
    pub(super) fn changes(&mut self, announced: &Announced, op: Op, verbose: bool) -> Vec<Change> {
        let (mut filtered, mut plain) = (Vec::new(), Vec::new());
        for (urn, attribute) in writable(announced, false) {
            let path =
                if urn.is_empty() { attribute.name.clone() } else { format!("{urn}:{}", attribute.name) };
            let complex = attribute.kind == "complex";
            if complex && attribute.multi_valued && !elements(attribute).is_empty() {
                filtered.extend(self.elements_by_parts(&path, attribute));
            } else if complex && !attribute.multi_valued && attribute.name != "manager" {
                for part in parts(attribute) {
                    plain.push((format!("{path}.{}", part.name), self.simple(part, &attribute.name)));
                }
            } else if let Some(value) = self.whole(attribute) {
                plain.push((path, value));
            }
        }
        // A formatted name is computed from its parts unless it is told after them.
        plain.sort_by_key(|(path, _)| path.ends_with(".formatted"));
        let change = |(path, value): (String, Value)| Change { op, path: Some(path), value: Some(value) };
        let mut changes: Vec<Change> = filtered.into_iter().map(change).collect();
        match verbose {
            true => changes.extend(plain.into_iter().map(change)),
            false => changes.push(Change::whole(op, Value::Object(plain.into_iter().collect()))),
        }
        changes
    }

    fn elements_by_parts(&mut self, path: &str, attribute: &Attribute) -> Vec<(String, Value)> {
        let mut changes = Vec::new();
        for (index, element) in elements(attribute).into_iter().enumerate() {
            let selected = element.path(path);
            for part in parts(attribute).filter(|part| part.name != element.part) {
                if part.name == "primary" {
                    let first = index == 0;
                    changes.extend(first.then(|| (format!("{selected}.primary"), json!(true))));
                } else {
                    changes.push((format!("{selected}.{}", part.name), self.simple(part, &attribute.name)));
                }
            }
        }
        changes
    }

    /// A value of a whole attribute; `None` when it has no part that may be set.
    fn whole(&mut self, attribute: &Attribute) -> Option<Value> {
        match (attribute.kind == "complex", attribute.multi_valued) {
            (false, false) => Some(self.simple(attribute, "")),
            (false, true) => Some(json!([self.simple(attribute, ""), self.simple(attribute, "")])),
            (true, false) => self.complex(attribute),
            (true, true) if elements(attribute).is_empty() => Some(json!([self.complex(attribute)?])),
            (true, true) => {
                let list: Vec<Value> = elements(attribute)
                    .into_iter()
                    .enumerate()
                    .filter_map(|(index, element)| {
                        let mut value = self.complex(attribute)?;
                        value[element.part] = element.value;
                        if attribute.part("primary").is_some() {
                            value["primary"] = json!(index == 0);
                        }
                        Some(value)
                    })
                    .collect();
                (!list.is_empty()).then_some(Value::Array(list))
            }
        }
    }

    fn complex(&mut self, attribute: &Attribute) -> Option<Value> {
        let told: Map<String, Value> =
            parts(attribute).map(|part| (part.name.clone(), self.simple(part, &attribute.name))).collect();
        (!told.is_empty()).then_some(Value::Object(told))
    }

    /// A value of a simple attribute, or of a part of `within`.
    fn simple(&mut self, attribute: &Attribute, within: &str) -> Value {
        match attribute.kind.as_str() {
            "boolean" => json!(true),
            "integer" => json!(self.0.random_range(1..1000)),
            "decimal" => json!(f64::from(self.0.random_range(1..1000)) + 0.5),
            "dateTime" => json!(format!("2031-0{}-15T10:20:30Z", self.0.random_range(1..10))),
            _ => json!(self.text(attribute, within)),
        }
    }

    fn text(&mut self, attribute: &Attribute, within: &str) -> String {
        match (within, attribute.name.as_str()) {
            (_, "timezone") => self.pick(&ZONES),
            (_, "country") => self.pick(&COUNTRIES),
            ("manager", "value") => self.guid(),
            ("emails", "value") => {
                format!("{}@{}.example", self.word().to_lowercase(), self.word().to_lowercase())
            }
            ("phoneNumbers", "value") => {
                let mut digits = |length| self.letters(b"123456789", length);
                format!("{}-{}-{}", digits(2), digits(3), digits(4))
            }
            _ => attribute.canonical.first().cloned().unwrap_or_else(|| self.word()),
        }
    }
}

/// The attributes of users that a client may set, with their extension (empty for core).
fn writable(announced: &Announced, new: bool) -> impl Iterator<Item = (String, &Attribute)> {
    let schemas = announced.schemas.iter().filter_map(|schema| {
        let core = schema.id.eq_ignore_ascii_case(USER);
        let extension = announced.extensions.iter().any(|urn| urn.eq_ignore_ascii_case(&schema.id));
        (core || extension).then(|| (if core { String::new() } else { schema.id.clone() }, schema))
    });
    schemas.flat_map(move |(urn, schema)| {
        let may_be_set = move |attribute: &&Attribute| match attribute.mutability.as_str() {
            "readOnly" => false,
            "immutable" | "writeOnly" => new,
            _ => true,
        };
        let core = urn.is_empty();
        let apart = move |attribute: &&Attribute| core && SET_APART.contains(&attribute.name.as_str());
        let attributes =
            schema.attributes.iter().filter(may_be_set).filter(move |attribute| !apart(attribute));
        attributes.map(move |attribute| (urn.clone(), attribute))
    })
}

/// The parts of a complex attribute that a client may set. Addresses of resources are the server's affair; a manager is
/// an id and nothing else.
fn parts(attribute: &Attribute) -> impl Iterator<Item = &Attribute> {
    let manager = attribute.name == "manager";
    attribute
        .parts
        .iter()
        .filter(|part| part.mutability != "readOnly" && part.name != "$ref" && part.kind != "complex")
        .filter(move |part| !manager || part.name == "value")
}

/// Core attributes of one free text each.
pub(super) fn texts(announced: &Announced) -> impl Iterator<Item = &str> {
    let is_text = |attribute: &Attribute| attribute.kind == "string" && !attribute.multi_valued;
    let free = move |attribute: &Attribute| is_text(attribute) && attribute.canonical.is_empty();
    writable(announced, false)
        .filter(move |(urn, attribute)| urn.is_empty() && free(attribute) && attribute.name != "timezone")
        .map(|(_, attribute)| attribute.name.as_str())
}

/// The elements of a list: by its types where they are listed, else the primary one, else by any type; none for a list
/// without types and marks.
fn elements(attribute: &Attribute) -> Vec<Element> {
    let by_type = |name: &str| Element { part: "type", literal: name.to_owned(), value: json!(name) };
    let types: &[String] = attribute.part("type").map_or(&[], |part| &part.canonical);
    let has = |name: &&str| types.iter().any(|other| other == name);
    if attribute.name == "phoneNumbers" && TELEPHONES.iter().any(has) {
        return TELEPHONES.into_iter().filter(has).map(by_type).collect();
    }
    if let Some(first) = types.iter().find(|name| *name == "work").or(types.first()) {
        return vec![by_type(first)];
    }
    if attribute.part("primary").is_some() {
        return vec![Element { part: "primary", literal: "True".into(), value: json!(true) }];
    }
    match attribute.part("type") {
        Some(_) => vec![by_type("work")],
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::entra::announced::Schema;

    fn attribute(name: &str, kind: &str) -> Attribute {
        Attribute {
            name: name.into(),
            kind: kind.into(),
            mutability: "readWrite".into(),
            returned: "default".into(),
            ..Attribute::default()
        }
    }

    fn list(name: &str, types: &[&str], names: &[&str]) -> Attribute {
        let mut parts: Vec<Attribute> = names.iter().map(|name| attribute(name, "string")).collect();
        parts.push(Attribute {
            canonical: types.iter().map(|t| (*t).to_owned()).collect(),
            ..attribute("type", "string")
        });
        parts.push(attribute("primary", "boolean"));
        Attribute { multi_valued: true, parts, ..attribute(name, "complex") }
    }

    fn announced() -> Announced {
        let name = Attribute {
            parts: vec![attribute("formatted", "string"), attribute("givenName", "string")],
            ..attribute("name", "complex")
        };
        let reference = attribute("$ref", "reference");
        let manager = Attribute {
            parts: vec![attribute("value", "string"), reference],
            ..attribute("manager", "complex")
        };
        let core = vec![
            attribute("userName", "string"),
            attribute("locale", "string"),
            attribute("timezone", "string"),
            Attribute { mutability: "readOnly".into(), ..list("groups", &[], &["value"]) },
            Attribute {
                mutability: "writeOnly".into(),
                returned: "never".into(),
                ..attribute("password", "string")
            },
            name,
            list("emails", &["home", "work"], &["value"]),
            list("phoneNumbers", &["work", "home", "mobile", "fax"], &["value"]),
            list("roles", &[], &["value", "display"]),
        ];
        let own = vec![
            attribute("siteCount", "integer"),
            Attribute { multi_valued: true, ..attribute("sites", "string") },
            manager,
        ];
        let other = vec![attribute("displayName", "string")];
        let schema = |id: &str, attributes| Schema { id: id.into(), attributes };
        Announced {
            schemas: vec![schema(USER, core), schema("urn:x", own), schema("urn:group", other)],
            extensions: BTreeSet::from(["urn:x".to_owned()]),
        }
    }

    #[test]
    fn everything_announced_is_set_to_random_texts() {
        let document = Values::new(1).document(&announced());
        let names: Vec<&str> = document.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["locale", "timezone", "password", "name", "emails", "phoneNumbers", "roles", "urn:x"]
        );
        let text = document["locale"].as_str().unwrap();
        assert!(text.len() == 12 && text.bytes().all(|b| b.is_ascii_uppercase()), "{text}");
        assert!(ZONES.contains(&document["timezone"].as_str().unwrap()));
        assert_eq!(document["emails"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&document["emails"][0]["type"], &document["emails"][0]["primary"]),
            (&json!("work"), &json!(true))
        );
        assert_eq!(document["phoneNumbers"].as_array().unwrap().len(), 3);
        assert_eq!(document["phoneNumbers"][2]["primary"], false);
        assert_eq!(document["roles"][0]["primary"], true);
        assert!(document["urn:x"]["siteCount"].is_u64() && document["urn:x"]["sites"].is_array());
        assert_eq!(document["urn:x"]["manager"].as_object().unwrap().len(), 1);
        assert_eq!(document, Values::new(1).document(&announced()));
        assert_ne!(document, Values::new(2).document(&announced()));
    }

    #[test]
    fn changes_go_by_filters_and_paths_or_one_value() {
        let verbose = Values::new(1).changes(&announced(), Op::Add, true);
        let paths: Vec<&str> = verbose.iter().filter_map(|change| change.path.as_deref()).collect();
        assert_eq!(
            paths,
            [
                "emails[type eq \"work\"].value",
                "emails[type eq \"work\"].primary",
                "phoneNumbers[type eq \"work\"].value",
                "phoneNumbers[type eq \"work\"].primary",
                "phoneNumbers[type eq \"mobile\"].value",
                "phoneNumbers[type eq \"fax\"].value",
                "roles[primary eq \"True\"].value",
                "roles[primary eq \"True\"].display",
                "roles[primary eq \"True\"].type",
                "locale",
                "timezone",
                "name.givenName",
                "urn:x:siteCount",
                "urn:x:sites",
                "urn:x:manager",
                "name.formatted",
            ]
        );
        let together = Values::new(1).changes(&announced(), Op::Replace, false);
        assert_eq!(together.len(), 10);
        let value = together[9].value.clone().unwrap();
        assert!(
            together[9].path.is_none()
                && value["name.givenName"].is_string()
                && value["urn:x:sites"].is_array()
        );
    }

    #[test]
    fn free_texts_are_found() {
        assert_eq!(texts(&announced()).collect::<Vec<_>>(), ["locale"]);
    }
}
