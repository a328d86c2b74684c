//! A resource's attributes as tables of name and value, one for the core schema and one for each extension.

use scim_core::ResourceType;
use serde_json::{Map, Value};

/// Attributes that stand elsewhere on the page.
const ELSEWHERE: [&str; 6] = ["schemas", "id", "meta", "groups", "members", "active"];

/// Attributes of one schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) title: String,
    /// URN of an extension; empty for the core schema.
    pub(crate) urn: String,
    pub(crate) rows: Vec<AttributeRow>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttributeRow {
    /// Path in schema spelling: `name.givenName`.
    pub(crate) name: String,
    /// One value, or one line for each value of a list.
    pub(crate) values: Vec<Shown>,
}

/// A value and what qualifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// `work`, `primary`, …
    pub(crate) marks: Vec<String>,
}

/// The sections of a rendered resource.
pub(crate) fn sections(resource_type: &ResourceType, body: &Value) -> Vec<Section> {
    let Some(body) = body.as_object() else { return Vec::new() };
    let mut core = Vec::new();
    let mut sections = Vec::new();
    for (key, value) in body {
        if ELSEWHERE.contains(&key.as_str()) {
            continue;
        }
        match value.as_object().filter(|_| key.contains(':')) {
            Some(attributes) => {
                let known = resource_type.extensions.iter().find(|extension| extension.schema.id == *key);
                let title = known.map_or("Extension", |extension| extension.schema.name.as_str());
                let mut rows = Vec::new();
                flatten("", attributes, &mut rows);
                sections.push(Section { title: title.to_owned(), urn: key.clone(), rows });
            }
            None => attribute(key, value, &mut core),
        }
    }
    sections.insert(0, Section { title: "Attributes".to_owned(), urn: String::new(), rows: core });
    sections
}

fn flatten(prefix: &str, attributes: &Map<String, Value>, rows: &mut Vec<AttributeRow>) {
    for (key, value) in attributes {
        attribute(&format!("{prefix}{key}"), value, rows);
    }
}

fn attribute(name: &str, value: &Value, rows: &mut Vec<AttributeRow>) {
    match value {
        Value::Object(inner) => flatten(&format!("{name}."), inner, rows),
        Value::Array(items) => {
            rows.push(AttributeRow { name: name.to_owned(), values: items.iter().map(element).collect() });
        }
        single => {
            let shown = Shown { text: plain(single), marks: Vec::new() };
            rows.push(AttributeRow { name: name.to_owned(), values: vec![shown] });
        }
    }
}

/// An element of a list: its value, with type, primary and the like as marks.
fn element(item: &Value) -> Shown {
    let Some(parts) = item.as_object() else { return Shown { text: plain(item), marks: Vec::new() } };
    let mut marks = Vec::new();
    let mut rest = Vec::new();
    for (key, value) in parts {
        match (key.as_str(), value) {
            ("type", Value::String(kind)) => marks.push(kind.clone()),
            ("primary", Value::Bool(true)) => marks.push("primary".to_owned()),
            ("primary", _) | ("value" | "formatted" | "$ref", _) => {}
            (_, value) => rest.push(format!("{key}: {}", plain(value))),
        }
    }
    let main = parts.get("value").or_else(|| parts.get("formatted")).map(plain);
    let text = main.into_iter().chain(rest).collect::<Vec<_>>().join(", ");
    Shown { text, marks }
}

/// A value in plain text.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_becomes_readable_rows() {
        let resource_type = ResourceType { extensions: Vec::new(), ..ResourceType::user() };
        let body = json!({
            "schemas": ["x"], "id": "1", "userName": "u", "name": {"givenName": "G"},
            "emails": [{"value": "u@d", "type": "work", "primary": true}],
            "addresses": [{"locality": "Oslo", "country": "NO", "type": "home"}],
            "urn:x:User": {"npi": "123", "siteNumbers": ["1", "2"]},
            "meta": {}
        });
        let sections = sections(&resource_type, &body);
        let rows: Vec<String> = sections
            .iter()
            .flat_map(|section| &section.rows)
            .map(|row| {
                let values: Vec<String> = row
                    .values
                    .iter()
                    .map(|shown| format!("{}[{}]", shown.text, shown.marks.join(",")))
                    .collect();
                format!("{}={}", row.name, values.join("|"))
            })
            .collect();
        assert_eq!(
            rows,
            [
                "userName=u[]",
                "name.givenName=G[]",
                "emails=u@d[work,primary]",
                "addresses=locality: Oslo, country: NO[home]",
                "npi=123[]",
                "siteNumbers=1[]|2[]",
            ]
        );
        assert_eq!(sections[1].urn, "urn:x:User");
    }
}
