//! The bodies that Okta sends.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::judge::{GROUP, PATCH_OP, USER};
use crate::people::Person;

/// What POST /Users carries: the mapped attributes between those that Okta always sends.
pub(crate) fn create(person: &Person, mapped: &Map<String, Value>) -> Value {
    let mut body = Map::new();
    body.insert("schemas".into(), json!(schemas(mapped, &[])));
    body.extend(mapped.clone());
    body.insert("externalId".into(), json!(person.okta_id));
    body.insert("groups".into(), json!([]));
    body.insert("password".into(), json!(person.password));
    body.insert("active".into(), json!(true));
    Value::Object(body)
}

/// What a wizard app PUTs: the server's own answer with the mapped values laid over it, those without a value left
/// out. `before` is what was mapped last time.
pub(crate) fn overlay(
    answer: &Value,
    okta_id: &str,
    before: &Map<String, Value>,
    mapped: &Map<String, Value>,
    active: bool,
) -> Value {
    let mut body = answer.as_object().cloned().unwrap_or_default();
    let known: Vec<&str> =
        answer["schemas"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    body.insert("schemas".into(), json!(schemas(mapped, &known)));
    for key in emptied(before, mapped) {
        body.remove(key);
    }
    for (key, value) in mapped {
        let over = body.entry(key.clone()).or_insert(Value::Null);
        lay(over, value);
    }
    body.insert("externalId".into(), json!(okta_id));
    body.insert("active".into(), json!(active));
    Value::Object(body)
}

/// Lays a mapped value over the server's: objects part by part, the element of a list by its type or as primary. Null
/// takes a value away.
pub(super) fn lay(over: &mut Value, mapped: &Value) {
    match (over, mapped) {
        (Value::Object(over), Value::Object(mapped)) => {
            for (key, value) in mapped {
                match value {
                    Value::Null => drop(over.remove(key)),
                    value => lay(over.entry(key.clone()).or_insert(Value::Null), value),
                }
            }
        }
        (Value::Array(over), Value::Array(mapped)) if mapped.iter().all(Value::is_object) => {
            for element in mapped {
                match over.iter_mut().find(|other| is_same_element(other, element)) {
                    Some(other) => lay(other, element),
                    None => over.push(element.clone()),
                }
            }
        }
        (over, mapped) => over.clone_from(mapped),
    }
}

fn is_same_element(other: &Value, element: &Value) -> bool {
    let primary = |value: &Value| value["primary"].as_bool().unwrap_or(false);
    let equal = |key: &str| element[key].is_string() && element[key] == other[key];
    primary(element) && primary(other) || equal("type") || equal("value")
}

/// What a catalogue app PATCHes: the mapped attributes that changed, parts of objects alone, emptied ones as "".
pub(super) fn changes(before: &Map<String, Value>, mapped: &Map<String, Value>) -> Map<String, Value> {
    let mut changed = Map::new();
    for (key, value) in mapped {
        match (before.get(key), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                changed.insert(key.clone(), Value::Object(changes(old, new)));
            }
            (_, new) => {
                changed.insert(key.clone(), new.clone());
            }
        }
    }
    changed.extend(emptied(before, mapped).map(|key| (key.to_owned(), json!(""))));
    changed
}

/// Attributes that had a value and have none now.
pub(super) fn emptied<'a>(
    before: &'a Map<String, Value>,
    mapped: &'a Map<String, Value>,
) -> impl Iterator<Item = &'a str> {
    before.keys().map(String::as_str).filter(|key| !mapped.contains_key(*key))
}

/// A PATCH with one operation without a path.
pub(crate) fn replace(value: &Value) -> Value {
    patch(&[json!({"op": "replace", "value": value})])
}

/// A PATCH body.
pub(super) fn patch(operations: &[Value]) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// A group as a wizard app PUTs it, and as every app POSTs it (then without id).
pub(crate) fn group(id: Option<&str>, name: &str, members: &[Value]) -> Value {
    match id {
        Some(id) => json!({"schemas": [GROUP], "id": id, "displayName": name, "members": members}),
        None => json!({"schemas": [GROUP], "displayName": name, "members": members}),
    }
}

fn schemas<'a>(mapped: &'a Map<String, Value>, known: &[&'a str]) -> Vec<&'a str> {
    let mut list = vec![USER];
    let mut seen = BTreeSet::from([USER.to_lowercase()]);
    let mapped = mapped.keys().map(String::as_str).filter(|key| key.starts_with("urn:"));
    for urn in known.iter().copied().chain(mapped) {
        if seen.insert(urn.to_lowercase()) {
            list.push(urn);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::People;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_create_holds_what_okta_always_sends() {
        let person = People::new(1, "x").person(0);
        let body = create(&person, &map(json!({"userName": "u@d", "urn:x": {"npi": "1"}})));
        assert_eq!(body["schemas"], json!([USER, "urn:x"]));
        assert_eq!(body["groups"], json!([]));
        assert_eq!(body["active"], json!(true));
        assert_eq!(body["password"], json!(person.password));
        assert_eq!(body["externalId"], json!(person.okta_id));
    }

    #[test]
    fn an_update_by_put_echoes_the_answer_with_mapped_values_over_it() {
        let answer = json!({"schemas": [USER, "urn:y"], "id": "7", "meta": {"version": "W/1"}, "groups": [{"value": "g"}],
            "name": {"givenName": "A", "familyName": "B", "formatted": "A B"}, "title": "Old", "nickName": "kept",
            "emails": [{"value": "a@d", "type": "work", "primary": true}, {"value": "z@d", "type": "home"}],
            "urn:y": {"k": 1}, "active": true});
        let before = map(json!({"title": "Old", "userType": "x"}));
        let mapped = map(
            json!({"name": {"givenName": "C", "familyName": "B"}, "urn:x": {"npi": "1"}, "userType": "x",
            "emails": [{"value": "c@d", "type": "work", "primary": true}]}),
        );
        let body = overlay(&answer, "00u1", &before, &mapped, false);
        assert_eq!(body["id"], "7");
        assert_eq!(body["meta"], answer["meta"]);
        assert_eq!(body["groups"], answer["groups"]);
        assert_eq!(body["nickName"], "kept");
        assert_eq!(
            body["name"],
            json!({"givenName": "C", "familyName": "B", "formatted": "A B"}),
            "stale formatted"
        );
        assert_eq!(body["emails"][0]["value"], "c@d");
        assert_eq!(body["emails"][1]["value"], "z@d");
        assert_eq!(body["schemas"], json!([USER, "urn:y", "urn:x"]));
        assert_eq!((&body["active"], &body["externalId"]), (&json!(false), &json!("00u1")));
        assert!(body.get("title").is_none(), "without a value: left out");
        assert!(body.get("password").is_none());
    }

    #[test]
    fn null_takes_a_value_away() {
        let mut body = json!({"title": "x", "urn:x": {"npi": "1", "role": "r"}});
        lay(&mut body, &json!({"title": null, "urn:x": {"npi": null}, "locale": "en"}));
        assert_eq!(body, json!({"urn:x": {"role": "r"}, "locale": "en"}));
    }

    #[test]
    fn an_update_by_patch_holds_only_what_changed() {
        let before = map(
            json!({"title": "Old", "name": {"givenName": "A", "familyName": "B"}, "locale": "en", "x": "1"}),
        );
        let mapped =
            map(json!({"title": "New", "name": {"givenName": "C", "familyName": "B"}, "locale": "en"}));
        let changed = changes(&before, &mapped);
        assert_eq!(Value::Object(changed), json!({"title": "New", "name": {"givenName": "C"}, "x": ""}));
    }
}
