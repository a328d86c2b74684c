//! Which attributes a change has touched.

use serde_json::{Map, Value};

/// Paths of attributes that differ between two states of a resource, in the order of the later one, then of the former one:
/// `title`, `name.familyName`, `urn:…:User:department`; of an attribute with several values its name alone.
pub(crate) fn changed(before: &Map<String, Value>, state: &Map<String, Value>) -> Vec<String> {
    let mut paths = Vec::new();
    for (name, now) in state {
        compare(&mut paths, name, before.get(name), Some(now));
    }
    for (name, then) in before.iter().filter(|(name, _)| !state.contains_key(*name)) {
        compare(&mut paths, name, Some(then), None);
    }
    paths
}

fn compare(paths: &mut Vec<String>, name: &str, then: Option<&Value>, now: Option<&Value>) {
    if then == now {
        return;
    }
    let none = Map::new();
    let (then_parts, now_parts) = (parts(then, &none), parts(now, &none));
    let (Some(then), Some(now)) = (then_parts, now_parts) else {
        paths.push(name.to_owned());
        return;
    };
    // A URN and its attribute are joined by a colon (RFC 7644 section 3.10).
    let joint = if name.contains(':') { ':' } else { '.' };
    if then.is_empty() && now.is_empty() {
        // An attribute without a value came or went.
        paths.push(name.to_owned());
    }
    for part in changed(then, now) {
        paths.push(format!("{name}{joint}{part}"));
    }
}

/// The parts of a complex value, none of one that is not there; `None`: it has no parts.
fn parts<'v>(side: Option<&'v Value>, none: &'v Map<String, Value>) -> Option<&'v Map<String, Value>> {
    match side {
        Some(Value::Object(parts)) => Some(parts),
        None => Some(none),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, state: &Value) -> Vec<String> {
        changed(before.as_object().expect("an object"), state.as_object().expect("an object"))
    }

    #[test]
    fn paths_name_the_smallest_part_that_differs() {
        const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let before = json!({
            "userName": "ann", "active": true, "title": "Dr", "name": {"givenName": "Ann", "familyName": "A"},
            "emails": [{"value": "a@x"}], ENTERPRISE: {"department": "Sales", "manager": {"value": "1"}},
        });
        let after = json!({
            "userName": "ann", "active": false, "name": {"givenName": "Ann", "familyName": "B"},
            "emails": [{"value": "b@x"}], "nickName": "A",
            ENTERPRISE: {"department": "Sales", "manager": {"value": "2"}},
        });
        let manager = format!("{ENTERPRISE}:manager.value");
        assert_eq!(
            paths(&before, &after),
            ["active", "name.familyName", "emails", "nickName", manager.as_str(), "title"]
        );
        assert_eq!(paths(&after, &after), Vec::<String>::new());
        assert_eq!(paths(&json!({}), &json!({"name": {"givenName": "A"}})), ["name.givenName"]);
        assert_eq!(paths(&json!({"name": {}}), &json!({})), ["name"]);
    }
}
