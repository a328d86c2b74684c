//! What differs between the states before and after a change, attribute by attribute.

use serde_json::{Map, Value};

use crate::pages::user::attributes::plain;

/// Attributes that are shown.
const MOST: usize = 200;
/// Longest value that is shown, in characters.
const LONGEST: usize = 2_000;

/// An attribute that changed, came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Its path.
    pub(crate) name: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    pub(crate) rows: Vec<Difference>,
    /// So many more are not shown.
    pub(crate) more: usize,
}

/// Of a payload; of what is new everything, and of what is gone, too.
pub(crate) fn of(payload: Option<&Value>) -> Differences {
    let empty = Map::new();
    let Some(payload) = payload else { return Differences::default() };
    let (before, after) = (document(&payload["before"]), document(&payload["state"]));
    let mut found = Differences::default();
    compare("", before.unwrap_or(&empty), after.unwrap_or(&empty), &mut found);
    found
}

/// What an event tells beside states: the group that somebody joined, the role.
pub(crate) fn facts(payload: Option<&Value>) -> Vec<(String, String)> {
    let mut rest = payload.and_then(Value::as_object).cloned().unwrap_or_default();
    rest.retain(|name, value| {
        !matches!(name.as_str(), "state" | "before" | "notes" | "skipped") && !value.is_null()
    });
    let mut found = Differences::default();
    compare("", &Map::new(), &rest, &mut found);
    found.rows.into_iter().map(|row| (row.name, row.after.unwrap_or_default())).collect()
}

/// The attributes of a state, whether they stand in it or under `document`.
pub(crate) fn document(state: &Value) -> Option<&Map<String, Value>> {
    state.get("document").unwrap_or(state).as_object()
}

fn compare(prefix: &str, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Differences) {
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        let there = |state: &'_ Map<String, Value>| state.get(key).filter(|value| !value.is_null()).cloned();
        let (old, new) = (there(before), there(after));
        if old == new || (prefix.is_empty() && matches!(key.as_str(), "meta" | "schemas")) {
            continue;
        }
        let separator = if key.contains(':') { ":" } else { "." };
        let empty = Map::new();
        let objects = match (&old, &new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => Some((old, new)),
            (Some(Value::Object(old)), None) => Some((old, &empty)),
            (None, Some(Value::Object(new))) => Some((&empty, new)),
            _ => None,
        };
        match objects {
            Some((old, new)) => compare(&format!("{prefix}{key}{separator}"), old, new, found),
            None if found.rows.len() >= MOST => found.more += 1,
            None => found.rows.push(Difference {
                name: format!("{prefix}{key}"),
                before: old.as_ref().map(short),
                after: new.as_ref().map(short),
            }),
        }
    }
}

/// A list has a line for each of its elements.
fn lines(value: &Value) -> String {
    let parts = |element: &Value| match element {
        Value::Object(parts) => {
            let parts = parts.iter().map(|(name, value)| format!("{name} {}", plain(value)));
            parts.collect::<Vec<_>>().join(", ")
        }
        other => plain(other),
    };
    match value {
        Value::Array(list) => list.iter().map(parts).collect::<Vec<_>>().join("\n"),
        other => plain(other),
    }
}

fn short(value: &Value) -> String {
    let text = lines(value);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(payload: Value) -> Vec<String> {
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        of(Some(&payload))
            .rows
            .into_iter()
            .map(|row| format!("{}: {} > {}", row.name, text(row.before), text(row.after)))
            .collect()
    }

    #[test]
    fn changes_arrivals_and_departures() {
        let payload = json!({
            "before": {"title": "Nurse", "name": {"familyName": "B"}, "gone": 1, "same": [1]},
            "state": {"title": "Head", "name": {"familyName": "C"}, "urn:x:User": {"npi": "1"}, "same": [1], "none": null},
        });
        assert_eq!(
            told(payload),
            ["title: Nurse > Head", "name.familyName: B > C", "gone: 1 > -", "urn:x:User:npi: - > 1"]
        );
        assert_eq!(told(json!({"state": {"a": "x"}, "before": null})), ["a: - > x"]);
        assert_eq!(told(json!({"before": {"document": {"a": {"b": true}}}})), ["a.b: true > -"]);
        assert_eq!(of(None), Differences::default());
        let emails = json!({"state": {"emails": [{"value": "a@x", "primary": true}, "b"], "none": []}});
        assert_eq!(told(emails), ["emails: - > value a@x, primary true\nb", "none: - > "]);
    }

    #[test]
    fn much_is_cut_off_and_said_to_be() {
        let many: Map<String, Value> =
            (0..MOST + 7).map(|number| (format!("a{number}"), number.into())).collect();
        let found = of(Some(&json!({"state": many})));
        assert_eq!((found.rows.len(), found.more), (MOST, 7));
        let long = of(Some(&json!({"state": {"a": "ä".repeat(LONGEST + 1)}})));
        assert_eq!(long.rows[0].after.as_ref().map(|text| text.chars().count()), Some(LONGEST + 1));
    }

    #[test]
    fn facts_are_what_is_no_state() {
        let payload =
            json!({"group": {"id": "1", "display": "G"}, "notes": [1], "state": {"a": 1}, "before": null});
        assert_eq!(
            facts(Some(&payload)),
            [("group.id".into(), "1".into()), ("group.display".into(), "G".into())]
        );
    }
}
