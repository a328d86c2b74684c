//! What a user must look like after the changes that were sent, and the verdict on what it does look like.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::announced::Announced;
use super::change::{Change, Op, Path};
use crate::judge::{self, Verdict};

/// The attributes that were set or removed so far, by extension (empty for core) and name; `None` for one that must
/// have no value. Others are not judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expected(BTreeMap<(String, String), Option<Value>>);

impl Expected {
    /// What a body sets: its attributes, and those of the extensions in it.
    pub(crate) fn of(body: &Map<String, Value>) -> Self {
        let mut expected = Self::default();
        expected.apply(&[Change::whole(Op::Replace, Value::Object(body.clone()))]);
        expected
    }

    /// Takes changes in, in order, as one PATCH does.
    pub(crate) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match &change.path {
                Some(path) => self.one(change.op, &Path::parse(path), change.value.as_ref()),
                None => self.whole(change.op, "", change.value.as_ref()),
            }
        }
        // Whether an element says anything shows after the last operation only.
        for value in self.0.values_mut() {
            settle(value);
        }
    }

    /// A core attribute that was set.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(&(String::new(), name.to_owned())).and_then(Option::as_ref)
    }

    /// Takes for granted what an answer has instead of what was expected.
    pub(crate) fn learn(&mut self, body: &Value, announced: &Announced) {
        for ((urn, name), value) in &mut self.0 {
            let met = match name.as_str() {
                "active" => body.get("active") == value.as_ref(),
                _ => verdict(urn, name, value.as_ref(), body, announced).is_ok(),
            };
            if !met {
                *value = find(body, urn, name).cloned();
            }
        }
    }

    /// One verdict an attribute; what the server does not announce may be missing, but never be different.
    pub(crate) fn verdicts(&self, body: &Value, announced: &Announced) -> Vec<Verdict> {
        self.0
            .iter()
            .map(|((urn, name), value)| verdict(urn, name, value.as_ref(), body, announced))
            .collect()
    }

    fn whole(&mut self, op: Op, urn: &str, value: Option<&Value>) {
        for (key, value) in value.and_then(Value::as_object).into_iter().flatten() {
            if !urn.is_empty() {
                self.one(op, &Path::parse(&format!("{urn}:{key}")), Some(value));
                continue;
            }
            let path = Path::parse(key);
            // A manager is the one complex attribute that stands behind a URN.
            let extension =
                key.starts_with("urn:") && value.is_object() && path.attribute.as_deref() != Some("manager");
            match extension {
                true => self.whole(op, key, Some(value)),
                false => self.one(op, &path, Some(value)),
            }
        }
    }

    fn one(&mut self, op: Op, path: &Path, value: Option<&Value>) {
        let Some(attribute) = &path.attribute else { return };
        let value = value.map(|value| normal(attribute, value)).filter(|value| !judge::is_empty(value));
        let slot = self.0.entry((path.urn.clone(), attribute.clone())).or_default();
        match (&path.select, &path.sub) {
            (Some(select), sub) => change_element(slot, op, select, sub.as_deref(), value),
            (None, Some(sub)) => change_part(slot, op, sub, value),
            (None, None) => change_all(slot, op, value),
        }
    }
}

fn verdict(urn: &str, name: &str, value: Option<&Value>, body: &Value, announced: &Announced) -> Verdict {
    let found = find(body, urn, name);
    match (value, found) {
        (None, found) => judge::gone(name, found),
        // It has a judge of its own.
        (Some(_), _) if name == "active" => Ok(()),
        (Some(value), found) => match announced.reduced(urn, name, value) {
            Some(kept) => judge::as_sent(name, &kept, found),
            None if found.is_none() => Ok(()),
            None => judge::as_sent(name, value, found),
        },
    }
}

fn find<'a>(body: &'a Value, urn: &str, name: &str) -> Option<&'a Value> {
    if urn.is_empty() {
        return body.get(name);
    }
    let extension = body.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(urn))?.1;
    extension.get(name)
}

/// A manager is told as a text, an object or a list of one; the address beside its id is the server's own affair.
fn normal(attribute: &str, value: &Value) -> Value {
    match value {
        Value::Array(list) if attribute == "manager" => {
            list.first().map_or(Value::Null, |one| normal(attribute, one))
        }
        Value::Object(map) if attribute == "manager" => {
            normal(attribute, map.get("value").unwrap_or(&Value::Null))
        }
        Value::String(id) if attribute == "manager" && !id.is_empty() => json!({"value": id}),
        value => value.clone(),
    }
}

fn change_all(slot: &mut Option<Value>, op: Op, value: Option<Value>) {
    match (op, slot.as_mut(), value) {
        (Op::Add, Some(Value::Array(old)), Some(Value::Array(new))) => {
            for element in new {
                if !old.contains(&element) {
                    old.push(element);
                }
            }
        }
        (Op::Add | Op::Replace, Some(Value::Object(old)), Some(Value::Object(new))) => {
            unless_told(old, &new);
            old.extend(new);
        }
        (Op::Add | Op::Replace, _, value) => *slot = value,
        (Op::Remove, ..) => *slot = None,
    }
}

fn change_part(slot: &mut Option<Value>, op: Op, sub: &str, value: Option<Value>) {
    let mut parts = match slot.take() {
        Some(Value::Object(parts)) => parts,
        _ => Map::new(),
    };
    match value {
        Some(value) if op != Op::Remove => {
            let told = Map::from_iter([(sub.to_owned(), value)]);
            unless_told(&mut parts, &told);
            parts.extend(told);
        }
        _ => drop(parts.remove(sub)),
    }
    *slot = Some(Value::Object(parts));
}

/// A server may compute the formatted name again when a part of it changes.
fn unless_told(parts: &mut Map<String, Value>, told: &Map<String, Value>) {
    if !told.contains_key("formatted") && told.keys().any(|key| key.ends_with("Name")) {
        parts.remove("formatted");
    }
}

fn change_element(
    slot: &mut Option<Value>,
    op: Op,
    (name, literal): &(String, Value),
    sub: Option<&str>,
    value: Option<Value>,
) {
    let mut list = match slot.take() {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let is_selected = |element: &Value| element[name] == *literal;
    match (op, sub, value) {
        (Op::Remove, None, _) => list.retain(|element| !is_selected(element)),
        (Op::Remove, Some(sub), _) | (_, Some(sub), None) => {
            for element in list.iter_mut().filter(|element| is_selected(element)) {
                element.as_object_mut().map(|parts| parts.remove(sub));
            }
        }
        (_, sub, Some(value)) => {
            if !list.iter().any(is_selected) {
                list.push(json!({name.as_str(): literal}));
            }
            let told = match (sub, value) {
                (Some(sub), value) => Map::from_iter([(sub.to_owned(), value)]),
                (None, Value::Object(told)) => told,
                (None, _) => Map::new(),
            };
            mark(&mut list, &told, is_selected);
        }
        (_, None, None) => {}
    }
    *slot = Some(Value::Array(list));
}

/// Lays parts over the selected elements; one that becomes the primary one takes the mark from the others.
fn mark(list: &mut [Value], told: &Map<String, Value>, is_selected: impl Fn(&Value) -> bool) {
    for element in list.iter_mut() {
        let selected = is_selected(element);
        let Value::Object(parts) = element else { continue };
        if selected {
            parts.extend(told.clone());
        } else if told.get("primary") == Some(&json!(true)) && parts.get("primary") == Some(&json!(true)) {
            parts.insert("primary".into(), json!(false));
        }
    }
}

/// An element with nothing but its type and mark says nothing (RFC 7643, 2).
fn settle(value: &mut Option<Value>) {
    if let Some(Value::Array(list)) = value {
        list.retain(|element| match element {
            Value::Object(parts) => parts.keys().any(|key| !matches!(key.as_str(), "type" | "primary")),
            _ => true,
        });
    }
    if value.as_ref().is_some_and(judge::is_empty) {
        *value = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::enterprise;
    use super::*;
    use crate::judge::ENTERPRISE;

    fn expected(changes: &[Change]) -> Expected {
        let body = json!({"title": "Buyer", "name": {"givenName": "A", "familyName": "B", "formatted": "A B"},
            "emails": [{"type": "work", "value": "a@d", "primary": true}], ENTERPRISE: {"department": "ICU"}});
        let mut expected = Expected::of(body.as_object().unwrap());
        expected.apply(changes);
        expected
    }

    fn broken(changes: &[Change], body: &Value) -> Vec<String> {
        let verdicts = expected(changes).verdicts(body, &Announced::default());
        verdicts.into_iter().filter_map(Result::err).map(|broken| broken.found).collect()
    }

    #[test]
    fn changes_are_expected_in_order() {
        let roles = |sub: &str, value: &str| Change::add(format!("roles[primary eq \"True\"].{sub}"), value);
        let changes = [
            Change::whole(
                Op::Replace,
                json!({"name.givenName": "Z", "title": "Clerk", ENTERPRISE: {"division": "D"},
                enterprise("employeeNumber"): "7"}),
            ),
            roles("display", "R"),
            roles("value", "r"),
            Change::replace("phoneNumbers[type eq \"mobile\"].value", "1"),
            Change::replace("phoneNumbers[type eq \"fax\"].primary", true),
            Change::replace("manager", json!([{"$ref": "x", "value": "m"}])),
            Change::remove(enterprise("department")),
            Change::remove("emails[type eq \"work\"]"),
            Change::add("emails[type eq \"work\"].value", "z@d"),
        ];
        let body = json!({"title": "Clerk", "name": {"givenName": "Z", "familyName": "B", "formatted": "Z B"},
            "roles": [{"primary": true, "display": "R", "value": "r"}],
            "phoneNumbers": [{"type": "mobile", "value": "1"}],
            "emails": [{"type": "work", "value": "z@d", "display": "z"}],
            ENTERPRISE: {"division": "D", "employeeNumber": "7", "manager": {"value": "m", "displayName": "M"}}});
        assert_eq!(broken(&changes, &body), Vec::<String>::new());
        for (pointer, wrong) in [
            ("/title", json!("Buyer")),
            ("/name/familyName", json!("C")),
            ("/roles", json!([{"primary": true, "display": "R"}, {"value": "r"}])),
            ("/phoneNumbers/0/type", json!("fax")),
            ("/emails/0/value", json!("a@d")),
        ] {
            let mut body = body.clone();
            *body.pointer_mut(pointer).unwrap() = wrong;
            assert_eq!(broken(&changes, &body).len(), 1, "{pointer}");
        }
        let mut body = body.clone();
        body[ENTERPRISE]["department"] = json!("ICU");
        assert_eq!(broken(&changes, &body), ["department still has a value"]);
    }

    #[test]
    fn an_emptied_manager_is_none() {
        for empty in [json!(""), json!({"value": ""}), json!([])] {
            let changes = [Change::add("manager", "m"), Change::replace(enterprise("manager"), empty)];
            let stays = json!({"title": "Buyer", "name": {"givenName": "A", "familyName": "B"}, "emails":
                [{"type": "work", "value": "a@d", "primary": true}], ENTERPRISE: {"department": "ICU", "manager": {"value": "m"}}});
            let found = broken(&changes, &stays);
            assert!(found.contains(&"manager still has a value".to_owned()), "{found:?}");
        }
    }

    #[test]
    fn what_was_told_once_is_told_no_more() {
        let body = json!({"title": "Other", "active": true, "name": {"givenName": "A", "familyName": "B"}});
        let mut expected = expected(&[Change::replace("active", false)]);
        expected.learn(&body, &Announced::default());
        assert!(expected.verdicts(&body, &Announced::default()).into_iter().all(|verdict| verdict.is_ok()));
        assert_eq!((expected.get("title"), expected.get("emails")), (Some(&json!("Other")), None));
        assert_eq!(expected.get("active"), Some(&json!(true)));
    }

    #[test]
    fn the_mark_moves_to_the_one_marked_last() {
        let changes = [
            Change::replace("emails[type eq \"home\"].value", "h@d"),
            Change::replace("emails[type eq \"home\"].primary", true),
        ];
        let emails = expected(&changes).get("emails").cloned().unwrap();
        assert_eq!(emails[0]["primary"], false);
        assert_eq!(emails[1], json!({"type": "home", "value": "h@d", "primary": true}));
    }
}
