//! Requirements on a group: its name and exactly its members.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Requirement, Verdict, demand, nothing, shown};
use crate::client::{Answer, Body};

/// `displayName` as sent.
pub(crate) fn group_name(body: &Value, sent: &str) -> Verdict {
    let found = body.get("displayName");
    demand(
        found.and_then(Value::as_str) == Some(sent),
        Requirement {
            text: "displayName is the one last sent",
            source: "Okta: push group, rename, Entra ID's SCIM Validator",
        },
        || format!("displayName {} for {sent}", shown(found)),
    )
}

/// `members` holds exactly the ids expected, each once; without members it may be left out.
pub(crate) fn group_members<'a>(body: &Value, expected: impl IntoIterator<Item = &'a str>) -> Verdict {
    let requirement = Requirement {
        text: "members are exactly those that were set",
        source: "Okta: membership, check group, Entra ID's writes",
    };
    let expected: BTreeSet<&str> = expected.into_iter().collect();
    let none = Vec::new();
    let list = match body.get("members") {
        None | Some(Value::Null) => &none,
        Some(Value::Array(list)) => list,
        Some(other) => return demand(false, requirement, || format!("members {other}")),
    };
    let found: BTreeSet<&str> =
        list.iter().filter_map(|member| member.get("value").and_then(Value::as_str)).collect();
    demand(found.len() == list.len() && found == expected, requirement, || {
        let missing = expected.difference(&found).count();
        let extra = found.difference(&expected).count();
        format!("{} members, {missing} missing, {extra} too many", list.len())
    })
}

/// An answer that was asked for without members has no such key, not even an empty one.
pub(crate) fn without_members(body: &Value) -> Verdict {
    demand(
        body.get("members").is_none(),
        Requirement {
            text: "excludedAttributes=members answers without a members key",
            source: "Entra ID's reads; RFC 7644, 3.9",
        },
        || format!("members {}", shown(body.get("members"))),
    )
}

/// A change of a group is answered with 204 and nothing, or with 200 and the group with all its members.
pub(crate) fn group_answer<'a>(
    answer: &Answer,
    id: &str,
    name: &str,
    expected: impl IntoIterator<Item = &'a str>,
) -> Verdict {
    if answer.status == 204 {
        return nothing(answer);
    }
    demand(
        answer.body != Body::Empty,
        Requirement {
            text: "a 200 carries the group; without one the answer is 204",
            source: "RFC 7644, 3.5.2",
        },
        || "an empty body".into(),
    )?;
    super::same_id(answer.json(), id)?;
    group_name(answer.json(), name)?;
    group_members(answer.json(), expected)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::examples::answer;
    use super::*;

    fn group() -> Value {
        json!({"id": "g", "displayName": "N", "members": [{"value": "a"}, {"value": "b", "display": "B"}]})
    }

    #[test]
    fn members_are_a_set() {
        assert!(group_members(&group(), ["b", "a"]).is_ok());
        assert!(group_members(&json!({}), []).is_ok());
        assert!(group_members(&json!({"members": null}), []).is_ok());
        for (members, why) in [
            (json!([{"value": "a"}]), "one missing"),
            (json!([{"value": "a"}, {"value": "b"}, {"value": "c"}]), "one too many"),
            (json!([{"value": "a"}, {"value": "b"}, {"value": "b"}]), "one twice"),
            (json!(["a", "b"]), "no objects"),
            (json!({"value": "a"}), "no array"),
        ] {
            assert!(group_members(&json!({"members": members}), ["a", "b"]).is_err(), "{why}");
        }
    }

    #[test]
    fn an_excluded_list_of_members_is_not_even_empty() {
        assert!(without_members(&json!({"id": "g", "displayName": "N"})).is_ok());
        for members in [json!([]), Value::Null, json!([{"value": "a"}])] {
            assert!(without_members(&json!({"members": members})).is_err());
        }
    }

    #[test]
    fn a_change_is_answered_whole_or_not_at_all() {
        assert!(group_answer(&answer(204, Value::Null), "g", "N", ["a"]).is_ok());
        assert!(group_answer(&answer(204, group()), "g", "N", ["a", "b"]).is_err());
        assert!(group_answer(&answer(200, group()), "g", "N", ["a", "b"]).is_ok());
        assert!(group_answer(&answer(200, Value::Null), "g", "N", ["a"]).is_err());
        assert!(group_answer(&answer(200, group()), "h", "N", ["a", "b"]).is_err());
        assert!(group_answer(&answer(200, group()), "g", "M", ["a", "b"]).is_err());
        assert!(group_answer(&answer(200, group()), "g", "N", ["a"]).is_err());
    }
}
