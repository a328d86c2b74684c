//! Requirements of a product's guide: what is refused with its path, what is never kept, what a value becomes, and what
//! the schemas offer.

use std::collections::BTreeSet;

use serde_json::Value;

use super::user::{SECRET, find, is_empty, same};
use super::{Requirement, Verdict, demand, detail, has_schema, shown};
use crate::client::{Answer, Body};

/// Names that the product does not have are in no answer, in whatever case, at the top or in an extension.
pub(crate) fn never(body: &Value, names: &[&str]) -> Verdict {
    let holds = |value: &Value| {
        let keys = value.as_object().into_iter().flatten().map(|(key, _)| key);
        keys.into_iter().find(|key| names.iter().any(|name| name.eq_ignore_ascii_case(key))).cloned()
    };
    let extensions = body.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("urn:"));
    let found = holds(body).or_else(|| extensions.into_iter().find_map(|(_, extension)| holds(extension)));
    demand(
        found.is_none(),
        Requirement {
            text: "what the product does not support is taken, not kept, and in no answer",
            source: "the product's guide; what providers need of unknown attributes",
        },
        || found.clone().unwrap_or_default(),
    )
}

/// The value at `name` or `name.part` is the expected one; of a list its only element counts; null: no value.
pub(crate) fn value_at(body: &Value, path: &str, expected: &Value) -> Verdict {
    let (name, part) = path.split_once('.').map_or((path, None), |(name, part)| (name, Some(part)));
    let found = find(body, name);
    let found = match (found, part) {
        (Some(Value::Array(list)), Some(part)) if list.len() == 1 => list[0].get(part),
        (Some(found), Some(part)) => found.get(part),
        (found, _) => found,
    };
    let good = match expected {
        Value::Null => found.is_none_or(is_empty),
        expected => found.is_some_and(|found| same(expected, found)),
    };
    let requirement =
        Requirement { text: "a value is kept as the guide says", source: "the product's guide" };
    demand(good, requirement, || match found {
        _ if SECRET.contains(&name) => format!("another value of {path}, or one where none belongs"),
        found => format!("{path} {} for {expected}", shown(found)),
    })
}

/// A value that the product does not take is refused with 400 `invalidValue`, and the error names its path.
pub(crate) fn refused_at(answer: &Answer, path: &str) -> Verdict {
    let requirement = Requirement {
        text: "a value that the product does not take is refused with 400 invalidValue, and its path is named",
        source: "the product's guide; RFC 7644, 3.12",
    };
    let body = answer.json();
    let named = detail(body).contains(path);
    let kind = body.get("scimType").and_then(Value::as_str);
    demand(answer.status == 400 && kind == Some("invalidValue") && named, requirement, || {
        let named = if named { "named" } else { "not named" };
        format!("{} {}, {path} {named}", answer.status, kind.unwrap_or("without scimType"))
    })
}

/// An error tells nothing of a secret value that was sent.
pub(crate) fn untold(answer: &Answer, secrets: &[&str]) -> Verdict {
    let text = match &answer.body {
        Body::Empty => String::new(),
        Body::Json(value) => value.to_string(),
        Body::Other(text) => text.clone(),
    };
    demand(
        !secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret)),
        Requirement { text: "an error does not repeat an identifier", source: "RFC 7644, 7.6" },
        || "one".into(),
    )
}

/// Of `/Schemas`: the schema `urn` has exactly these attributes, `name` or `name.part` for the parts of complex ones.
pub(crate) fn offers_exactly(schemas: &[Value], urn: &str, expected: &[&str]) -> Verdict {
    let requirement = Requirement {
        text: "a schema offers what the guide's table has, and no more",
        source: "the product's guide; RFC 7643, 7",
    };
    let schema = schemas.iter().find(|schema| {
        schema["id"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(urn))
            && has_schema(schema, "urn:ietf:params:scim:schemas:core:2.0:Schema")
    });
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut found = BTreeSet::new();
    for attribute in schema.map(|schema| list(schema, "attributes")).unwrap_or_default() {
        let name = attribute["name"].as_str().unwrap_or_default().to_owned();
        let parts = list(&attribute, "subAttributes");
        found.extend(parts.iter().filter_map(|part| Some(format!("{name}.{}", part["name"].as_str()?))));
        if parts.is_empty() {
            found.insert(name);
        }
    }
    let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
    demand(found == expected, requirement, || {
        let all = |names: Vec<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let (more, less) = (found.difference(&expected).collect(), expected.difference(&found).collect());
        format!("{urn}: too many: {}; missing: {}", all(more), all(less))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::examples::answer;
    use super::*;

    #[test]
    fn what_a_product_does_not_have_is_found_wherever_it_stands() {
        let body = json!({"userName": "u", "name": {"photos": 1}, "urn:x": {"npi": "1"}});
        assert!(never(&body, &["photos", "groups"]).is_ok(), "only the top and extensions count");
        for wrong in [json!({"Photos": []}), json!({"urn:x": {"photos": "x"}})] {
            assert!(never(&wrong, &["photos"]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_where_they_belong() {
        let body = json!({"title": "x", "emails": [{"type": "work"}], "name": {"givenName": "A"},
            "urn:x": {"sites": ["1", "2"], "isProvider": true, "npi": "1234567893"}});
        for (path, expected, good) in [
            ("title", json!("x"), true),
            ("title", json!("y"), false),
            ("title", Value::Null, false),
            ("nickName", Value::Null, true),
            ("emails.type", json!("work"), true),
            ("emails.type", json!("home"), false),
            ("emails.value", Value::Null, true),
            ("name.givenName", json!("A"), true),
            ("sites", json!(["2", "1"]), true),
            ("isProvider", json!(true), true),
            ("isProvider", json!("true"), false),
        ] {
            assert_eq!(value_at(&body, path, &expected).is_ok(), good, "{path} {expected}");
        }
        let broken = value_at(&body, "npi", &json!("1245319599")).unwrap_err();
        assert!(!broken.found.contains("1245319599") && !broken.found.contains("1234567893"));
    }

    #[test]
    fn a_refusal_names_the_path_and_tells_no_secret() {
        let error = |status: u16, kind: &str, words: &str| {
            answer(status, json!({"status": status.to_string(), "scimType": kind, "detail": words}))
        };
        assert!(refused_at(&error(400, "invalidValue", "urn:x:npi: is required"), "urn:x:npi").is_ok());
        for wrong in [
            error(201, "invalidValue", "urn:x:npi"),
            error(400, "invalidSyntax", "urn:x:npi"),
            error(400, "invalidValue", "something is wrong"),
            answer(400, Value::Null),
        ] {
            assert!(refused_at(&wrong, "urn:x:npi").is_err());
        }
        assert!(untold(&error(400, "invalidValue", "a text of 10 digits"), &["1234567890", ""]).is_ok());
        assert!(untold(&error(400, "invalidValue", "1234567890 is none"), &["1234567890"]).is_err());
    }

    #[test]
    fn a_schema_has_what_the_table_has() {
        let schemas = [json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": "urn:x",
            "attributes": [{"name": "title"}, {"name": "emails", "subAttributes": [{"name": "value"}]}]})];
        assert!(offers_exactly(&schemas, "URN:x", &["emails.value", "title"]).is_ok());
        assert!(offers_exactly(&schemas, "urn:y", &["title"]).is_err());
        let more = offers_exactly(&schemas, "urn:x", &["title"]).unwrap_err();
        assert!(more.found.contains("too many: emails.value"), "{}", more.found);
        let less = offers_exactly(&schemas, "urn:x", &["title", "emails.value", "nickName"]).unwrap_err();
        assert!(less.found.contains("missing: nickName"), "{}", less.found);
    }
}
