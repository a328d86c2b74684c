//! `bulkId:…` inside of data: finding, replacing, leaving out (RFC 7644 §3.7.2).

use std::collections::HashSet;

use serde_json::{Map, Value};

/// What a reference begins with; the rest is the bulkId.
pub(super) const PREFIX: &str = "bulkId:";

/// The bulkId, if the value is a reference: a text that is `bulkId:…` and nothing else.
fn reference(value: &Value) -> Option<&str> {
    value.as_str()?.strip_prefix(PREFIX)
}

/// The bulkIds that are referred to at any depth, sorted, no repeats.
#[must_use]
pub fn find(data: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    collect(data, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        value => found.extend(reference(value)),
    }
}

/// Puts ids in the place of references, at any depth; a reference without an id stays.
pub fn substitute<'i>(data: &mut Value, id_of: &impl Fn(&str) -> Option<&'i str>) {
    match data {
        Value::Array(items) => items.iter_mut().for_each(|item| substitute(item, id_of)),
        Value::Object(fields) => fields.values_mut().for_each(|field| substitute(field, id_of)),
        value => {
            if let Some(id) = reference(value).and_then(id_of) {
                *value = id.into();
            }
        }
    }
}

/// The data without these references. An object whose `value` goes, goes too: a member or a manager is nothing
/// without it.
#[must_use]
pub fn without<S: AsRef<str>>(data: &Value, bulk_ids: &[S]) -> Value {
    let bulk_ids: HashSet<&str> = bulk_ids.iter().map(AsRef::as_ref).collect();
    let goes = |value: &Value| reference(value).is_some_and(|named| bulk_ids.contains(named));
    match data {
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), strip(value, &goes)?)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn strip(value: &Value, goes: &impl Fn(&Value) -> bool) -> Option<Value> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(|item| strip(item, goes)).collect()),
        Value::Object(fields) => {
            if fields.iter().any(|(key, value)| key.eq_ignore_ascii_case("value") && goes(value)) {
                return None;
            }
            let kept = fields.iter().filter_map(|(key, value)| Some((key.clone(), strip(value, goes)?)));
            Some(Value::Object(kept.collect()))
        }
        value => (!goes(value)).then(|| value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data() -> Value {
        json!({
            "displayName": "bulkId: is a text",
            "members": [
                {"type": "User", "value": "bulkId:b"},
                {"Value": "bulkId:a", "display": "A"},
                {"value": "2819c223"},
            ],
            "urn:x": {"manager": {"value": "bulkId:b", "display": "B"}, "deputy": "bulkId:c", "list": ["bulkId:b", "d"]},
        })
    }

    #[test]
    fn references_are_found_at_any_depth() {
        assert_eq!(find(&data()), [" is a text", "a", "b", "c"]);
        assert_eq!(
            find(&json!({"a": "x bulkId:b", "b": "BULKID:b", "bulkId:c": 1, "d": "bulkid:b"})),
            [""; 0]
        );
        assert_eq!(find(&json!({"value": "bulkId:"})), [""]);
    }

    #[test]
    fn ids_take_their_place() {
        let mut data = data();
        substitute(&mut data, &|bulk_id| match bulk_id {
            "a" => Some("1"),
            "b" => Some("2"),
            _ => None,
        });
        assert_eq!(
            data,
            json!({
                "displayName": "bulkId: is a text",
                "members": [
                    {"type": "User", "value": "2"},
                    {"Value": "1", "display": "A"},
                    {"value": "2819c223"},
                ],
                "urn:x": {"manager": {"value": "2", "display": "B"}, "deputy": "bulkId:c", "list": ["2", "d"]},
            })
        );
    }

    #[test]
    fn what_is_left_out_takes_its_element_along() {
        assert_eq!(
            without(&data(), &["b", "c"]),
            json!({
                "displayName": "bulkId: is a text",
                "members": [{"Value": "bulkId:a", "display": "A"}, {"value": "2819c223"}],
                "urn:x": {"list": ["d"]},
            })
        );
        assert_eq!(without(&data(), &["nobody"]), data());
        assert_eq!(without(&json!({"value": "bulkId:a", "x": 1}), &["a"]), json!({"x": 1}));
    }
}
