//! Requirements on a user: what was sent comes back whole, and nothing secret does.

use serde_json::{Map, Value};

use super::{Requirement, Verdict, demand, has_schema, shown};

const AS_SENT: Requirement = Requirement {
    text: "the whole user comes back as it was sent",
    source: "Okta's operations, Okta's bodies of users, Okta's CRUD test, Entra ID's writes",
};

/// Names whose values must stand in no report.
pub(super) const SECRET: [&str; 3] = ["password", "npi", "deaLicense"];

/// A usable id: a non-empty string without the reserved word.
pub(crate) fn id(body: &Value) -> Verdict {
    let found = body.get("id");
    demand(
        found
            .and_then(Value::as_str)
            .is_some_and(|id| !id.is_empty() && !id.to_lowercase().contains("bulkid")),
        Requirement {
            text: "id is a string, not empty, without \"bulkId\"",
            source: "Okta's transport; RFC 7643, 3.1",
        },
        || format!("id {}", shown(found)),
    )
}

/// The same id as ever.
pub(crate) fn same_id(body: &Value, expected: &str) -> Verdict {
    let found = body.get("id");
    demand(
        found.and_then(Value::as_str) == Some(expected),
        Requirement {
            text: "id never changes, also after reactivation",
            source: "Okta's transport, Okta's operations, Entra ID's life cycle, test plan C9293",
        },
        || format!("id {} for {expected}", shown(found)),
    )
}

/// `userName` in the spelling that was sent.
pub(crate) fn user_name(body: &Value, sent: &str) -> Verdict {
    let found = body.get("userName");
    demand(found.and_then(Value::as_str) == Some(sent), AS_SENT, || {
        format!("userName {} for {sent}", shown(found))
    })
}

/// `active` is a boolean, is there when false too, and is what was set.
pub(crate) fn active(body: &Value, expected: bool) -> Verdict {
    let found = body.get("active");
    demand(
        found.and_then(Value::as_bool) == Some(expected),
        Requirement {
            text: "active is there, also when false, and as it was set",
            source: "Okta's bodies of users, Okta's CRUD test, Entra ID's writes",
        },
        || format!("active {} for {expected}", shown(found)),
    )
}

/// `name.givenName` and `name.familyName` as sent.
pub(crate) fn names(body: &Value, given: &str, family: &str) -> Verdict {
    for (part, sent) in [("givenName", given), ("familyName", family)] {
        let found = body.get("name").and_then(|name| name.get(part));
        demand(found.and_then(Value::as_str) == Some(sent), AS_SENT, || {
            format!("name.{part} {} for {sent}", shown(found))
        })?;
    }
    Ok(())
}

/// `emails` is an array of what was sent, with `type` (where one was sent) and `primary`.
pub(crate) fn emails(body: &Value, sent: &Value) -> Verdict {
    let found = body.get("emails").and_then(Value::as_array);
    let sent = sent.as_array().map_or(&[][..], Vec::as_slice);
    let good = found.is_some_and(|found| {
        found.len() == sent.len() && sent.iter().all(|email| found.iter().any(|other| same(email, other)))
    });
    demand(good, AS_SENT, || format!("emails {}", shown(body.get("emails"))))
}

/// No password anywhere: neither the attribute nor the value that was sent.
pub(crate) fn no_password(body: &Value, password: &str) -> Verdict {
    demand(
        !holds_password(body, password),
        Requirement {
            text: "a password is in no answer",
            source: "Okta's bodies of users, RFC 7643, 7; RFC 7643, 4.1.1",
        },
        || "one".into(),
    )
}

fn holds_password(value: &Value, password: &str) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.eq_ignore_ascii_case("password") || holds_password(value, password)),
        Value::Array(list) => list.iter().any(|value| holds_password(value, password)),
        Value::String(text) => !password.is_empty() && text.contains(password),
        _ => false,
    }
}

/// An extension is named in `schemas` exactly when it is there.
pub(crate) fn extensions_declared(body: &Value) -> Verdict {
    let requirement = Requirement {
        text: "an extension is named in schemas exactly when it has a value",
        source: "RFC 7643, 2; RFC 7643, 3.3",
    };
    let empty = Map::new();
    let map = body.as_object().unwrap_or(&empty);
    for urn in map.keys().filter(|key| is_urn(key)) {
        demand(has_schema(body, urn), requirement, || format!("{urn} is not in schemas"))?;
    }
    let declared =
        body.get("schemas").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for urn in declared.filter(|urn| !urn.eq_ignore_ascii_case(super::USER)) {
        demand(map.keys().any(|key| key.eq_ignore_ascii_case(urn)), requirement, || {
            format!("{urn} has no value")
        })?;
    }
    Ok(())
}

/// The attributes of a body beyond those judged on their own: what comes back is what was sent, and those in `kept`
/// do come back. An attribute may come back at the top level or in an extension, wherever it was sent.
pub(crate) fn attributes(body: &Value, sent: &Map<String, Value>, kept: &[&str]) -> Verdict {
    for (name, value) in leaves(sent) {
        let found = find(body, name);
        if found.is_some() || !is_empty(value) && kept.contains(&name) {
            as_sent(name, value, found)?;
        }
    }
    Ok(())
}

/// An attribute that was emptied has no value any more.
pub(crate) fn unassigned(body: &Value, names: &[&str]) -> Verdict {
    names.iter().try_for_each(|name| gone(name, find(body, name)))
}

/// One attribute that was emptied has no value any more.
pub(crate) fn gone(name: &str, found: Option<&Value>) -> Verdict {
    let requirement = Requirement {
        text: "an emptied attribute has no value any more",
        source: "Okta's custom attributes, Entra ID's writes, test plan C9337",
    };
    demand(found.is_none_or(is_empty), requirement, || format!("{name} still has a value"))
}

/// One attribute comes back as it was sent.
pub(crate) fn as_sent(name: &str, sent: &Value, found: Option<&Value>) -> Verdict {
    demand(found.is_some_and(|found| same(sent, found)), AS_SENT, || match found {
        _ if SECRET.contains(&name) => format!("another value of {name}, or none"),
        found => format!("{name} {} for {sent}", shown(found)),
    })
}

/// Attributes with a judge of their own, or that only the server or only the provider keeps.
const JUDGED: [&str; 9] =
    ["schemas", "id", "userName", "name", "emails", "active", "password", "groups", "meta"];

/// The attributes of a sent body by their own names, extensions opened.
pub(crate) fn leaves(sent: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    sent.iter()
        .flat_map(|(key, value)| match value {
            Value::Object(extension) if is_urn(key) => {
                extension.iter().map(|(key, value)| (key.as_str(), value)).collect::<Vec<_>>()
            }
            _ => vec![(key.as_str(), value)],
        })
        .filter(|(key, _)| !JUDGED.contains(key))
}

pub(super) fn find<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    let map = body.as_object()?;
    map.get(name).or_else(|| map.iter().filter(|(key, _)| is_urn(key)).find_map(|(_, value)| value.get(name)))
}

fn is_urn(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

/// Null, "" and [] are one state: without a value (RFC 7643, 2.5).
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Whether what came back is what was sent: further sub-attributes may be there, a list may stand for a text with
/// commas, and the order of lists says nothing.
pub(super) fn same(sent: &Value, found: &Value) -> bool {
    match (sent, found) {
        (Value::Object(sent), Value::Object(found)) => sent
            .iter()
            .all(|(key, value)| is_empty(value) || found.get(key).is_some_and(|found| same(value, found))),
        (Value::Array(sent), Value::Array(found)) => {
            sent.len() == found.len() && sent.iter().all(|value| found.iter().any(|other| same(value, other)))
        }
        (Value::String(text), Value::Array(found)) => {
            let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
            parts.len() == found.len() && parts.iter().all(|part| found.iter().any(|other| other == part))
        }
        (Value::Array(sent), Value::String(text)) => {
            text.split(',').count() == sent.len()
                && text.split(',').all(|part| sent.iter().any(|s| s == part.trim()))
        }
        (sent, found) => sent == found,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        json!({"schemas": [super::super::USER, "urn:x"], "id": "7", "userName": "U@d", "active": false,
            "name": {"givenName": "Zoë", "familyName": "O'Brien", "formatted": "Zoë O'Brien"},
            "emails": [{"value": "u@d", "type": "work", "primary": true}],
            "title": "Buyer", "urn:x": {"department": "ICU", "siteNumbers": ["1", "2"], "npi": "1234567893"}})
    }

    #[test]
    fn ids_are_strings_that_stay() {
        assert!(id(&body()).is_ok());
        for wrong in [
            json!({}),
            json!({"id": ""}),
            json!({"id": 7}),
            json!({"id": "bulkId:7"}),
            json!({"id": "xBULKIDx"}),
        ] {
            assert!(id(&wrong).is_err(), "{wrong}");
        }
        assert!(same_id(&body(), "7").is_ok());
        assert!(same_id(&body(), "8").is_err());
    }

    #[test]
    fn names_active_and_user_name_come_back_as_sent() {
        assert!(user_name(&body(), "U@d").is_ok());
        assert!(user_name(&body(), "u@d").is_err(), "spelling is kept");
        assert!(active(&body(), false).is_ok());
        assert!(active(&body(), true).is_err());
        assert!(active(&json!({}), false).is_err(), "present also when false");
        assert!(active(&json!({"active": "false"}), false).is_err());
        assert!(names(&body(), "Zoë", "O'Brien").is_ok());
        assert!(names(&body(), "Zoe", "O'Brien").is_err());
        assert!(names(&json!({}), "Zoë", "O'Brien").is_err());
    }

    #[test]
    fn emails_come_back_as_sent() {
        for (sent, good) in [
            (json!([{"value": "u@d", "type": "work", "primary": true}]), true),
            (json!([{"value": "u@d", "type": "", "primary": true}]), true),
            (json!([{"value": "v@d", "type": "work", "primary": true}]), false),
            (json!([{"value": "u@d", "type": "home", "primary": true}]), false),
            (json!([{"value": "u@d", "primary": false}]), false),
            (json!([]), false),
        ] {
            assert_eq!(emails(&body(), &sent).is_ok(), good, "{sent}");
        }
        assert!(emails(&json!({"emails": {"value": "u@d"}}), &json!([{"value": "u@d"}])).is_err());
    }

    #[test]
    fn a_password_is_found_wherever_it_stands() {
        assert!(no_password(&body(), "s3cret!").is_ok());
        for wrong in [
            json!({"Password": null}),
            json!({"urn:x": {"password": "y"}}),
            json!({"note": ["is s3cret! indeed"]}),
        ] {
            let broken = no_password(&wrong, "s3cret!").unwrap_err();
            assert!(!broken.found.contains("s3cret!"));
        }
    }

    #[test]
    fn extensions_are_declared_exactly_when_present() {
        assert!(extensions_declared(&body()).is_ok());
        let mut hidden = body();
        hidden["schemas"] = json!([super::super::USER]);
        assert!(extensions_declared(&hidden).is_err());
        let mut empty = body();
        empty.as_object_mut().unwrap().remove("urn:x");
        assert!(extensions_declared(&empty).is_err());
    }

    #[test]
    fn attributes_that_come_back_are_those_sent() {
        let sent = |value: Value| value.as_object().unwrap().clone();
        for (wanted, kept, good) in [
            (json!({"title": "Buyer"}), vec!["title"], true),
            (json!({"title": "Clerk"}), vec![], false),
            (json!({"nickName": "Z"}), vec![], true),
            (json!({"nickName": "Z"}), vec!["nickName"], false),
            (json!({"nickName": ""}), vec!["nickName"], true),
            (json!({"urn:y": {"department": "ICU"}}), vec!["department"], true),
            (json!({"urn:x": {"siteNumbers": "2, 1"}}), vec!["siteNumbers"], true),
            (json!({"urn:x": {"siteNumbers": ["2", "1"]}}), vec!["siteNumbers"], true),
            (json!({"urn:x": {"siteNumbers": "1"}}), vec!["siteNumbers"], false),
            (json!({"password": "p"}), vec!["password"], true),
        ] {
            assert_eq!(attributes(&body(), &sent(wanted.clone()), &kept).is_ok(), good, "{wanted}");
        }
        let broken =
            attributes(&body(), &sent(json!({"urn:x": {"npi": "1245319599"}})), &["npi"]).unwrap_err();
        assert!(!broken.found.contains("1245319599") && !broken.found.contains("1234567893"));
    }

    #[test]
    fn an_emptied_attribute_is_gone() {
        assert!(unassigned(&body(), &["nickName"]).is_ok());
        assert!(unassigned(&json!({"title": ""}), &["title"]).is_ok());
        assert!(unassigned(&body(), &["title"]).is_err());
    }
}
