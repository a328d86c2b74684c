//! Requirements on any value wherever it stands: no nulls, and a primary mark that is a boolean and stands once.

use serde_json::Value;

use super::{Requirement, Verdict, demand};

/// An attribute without a value is left out, never null.
pub(crate) fn no_nulls(body: &Value) -> Verdict {
    let found = first(body, "", &|value| value.is_null());
    demand(
        found.is_none(),
        Requirement {
            text: "no answer holds a null",
            source: "Entra ID's reads, RFC 7643, 2; RFC 7643, 2.5",
        },
        || found.clone().unwrap_or_default(),
    )
}

/// `primary` is a boolean, and true at most once in a list.
pub(crate) fn primaries(body: &Value) -> Verdict {
    let text = first(body, "", &|value| {
        value.as_object().and_then(|map| map.get("primary")).is_some_and(|mark| !mark.is_boolean())
    });
    demand(
        text.is_none(),
        Requirement {
            text: "primary is a boolean in every answer",
            source: "Entra ID's SCIM Validator; RFC 7643, 2.4",
        },
        || text.clone().unwrap_or_default(),
    )?;
    let twice = first(body, "", &|value| {
        let marked = |list: &Vec<Value>| list.iter().filter(|one| one["primary"] == true).count();
        value.as_array().is_some_and(|list| marked(list) > 1)
    });
    demand(
        twice.is_none(),
        Requirement {
            text: "at most one element of a list is primary",
            source: "RFC 7644, 3.5.2; RFC 7643, 2.4",
        },
        || twice.clone().unwrap_or_default(),
    )
}

/// Where the first value stands that a test holds for.
fn first(value: &Value, path: &str, test: &dyn Fn(&Value) -> bool) -> Option<String> {
    if test(value) {
        return Some(path.trim_start_matches('.').to_owned());
    }
    match value {
        Value::Object(map) => {
            map.iter().find_map(|(key, value)| first(value, &format!("{path}.{key}"), test))
        }
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(at, value)| first(value, &format!("{path}[{at}]"), test))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_is_found_wherever_it_stands() {
        assert!(no_nulls(&json!({"a": [{"b": ""}], "c": false})).is_ok());
        for (wrong, place) in [
            (json!({"a": null}), "a"),
            (json!({"a": [{"b": 1}, {"b": {"c": null}}]}), "a[1].b.c"),
            (json!({"a": [null]}), "a[0]"),
        ] {
            assert_eq!(no_nulls(&wrong).unwrap_err().found, place);
        }
    }

    #[test]
    fn a_primary_mark_is_a_boolean_and_stands_once() {
        assert!(primaries(&json!({"emails": [{"primary": true}, {"primary": false}, {}]})).is_ok());
        for wrong in [
            json!({"roles": [{"primary": "True"}]}),
            json!({"urn:x": {"sites": [{"primary": 1}]}}),
            json!({"emails": [{"primary": true}, {"primary": true}]}),
        ] {
            assert!(primaries(&wrong).is_err(), "{wrong}");
        }
    }
}
