//! Requirements on ListResponses: look-ups and pages of an import.

use serde_json::Value;

use super::{LIST_RESPONSE, Requirement, Verdict, demand, has_schema, shown};

/// A ListResponse that could be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ListView {
    pub(crate) total: u64,
    pub(crate) start: u64,
    pub(crate) resources: Vec<Value>,
}

/// A ListResponse: its URN, three integers, `Resources` an array (empty for no hits) as long as `itemsPerPage` says,
/// and no longer than was asked.
pub(crate) fn list(body: &Value, count: u64) -> Result<ListView, super::Broken> {
    demand(
        has_schema(body, LIST_RESPONSE),
        Requirement {
            text: "schemas holds the ListResponse URN",
            source: "Okta's SPEC test step 1; RFC 7644, 3.4.2",
        },
        || format!("schemas {}", shown(body.get("schemas"))),
    )?;
    let integer = |name: &str| {
        let found = body.get(name);
        demand(
            found.is_some_and(Value::is_u64),
            Requirement {
                text: "totalResults, startIndex and itemsPerPage are integers",
                source: "Okta: import users, Okta's SPEC test",
            },
            || format!("{name} {}", shown(found)),
        )
        .map(|()| found.and_then(Value::as_u64).unwrap_or_default())
    };
    let (total, start, per_page) =
        (integer("totalResults")?, integer("startIndex")?, integer("itemsPerPage")?);
    let resources = body.get("Resources").and_then(Value::as_array);
    demand(
        resources.is_some(),
        Requirement { text: "Resources is an array, empty for no hits", source: "RFC 7644, 3.4.2" },
        || format!("Resources {}", shown(body.get("Resources"))),
    )?;
    let resources = resources.cloned().unwrap_or_default();
    let length = resources.len() as u64;
    demand(
        length == per_page && length <= count && length <= total,
        Requirement {
            text: "Resources holds itemsPerPage entries, at most count and totalResults",
            source: "RFC 7644, 3.4.2; RFC 7644, 3.4.2.4",
        },
        || format!("{length} entries, itemsPerPage {per_page}, count {count}, totalResults {total}"),
    )?;
    Ok(ListView { total, start, resources })
}

/// The page begins where it was asked to.
pub(crate) fn page_starts_at(page: &ListView, start: u64) -> Verdict {
    demand(
        page.start == start,
        Requirement { text: "startIndex of the answer is the one asked", source: "RFC 7644, 3.4.2.4" },
        || format!("{} for {start}", page.start),
    )
}

/// A look-up finds nobody or one.
pub(crate) fn zero_or_one(page: &ListView) -> Verdict {
    demand(
        page.total <= 1 && page.resources.len() as u64 == page.total,
        Requirement {
            text: "a look-up finds 0 or 1 (\"Multiple users found. Expected 0 or 1\")",
            source: "Okta: look-up, Entra ID's reads",
        },
        || format!("totalResults {}, {} entries", page.total, page.resources.len()),
    )
}

/// The hit is the one that was looked for, compared without case.
pub(crate) fn hit_is(hit: &Value, attribute: &str, value: &str) -> Verdict {
    let found = hit.get(attribute);
    demand(
        found.and_then(Value::as_str).is_some_and(|found| found.to_lowercase() == value.to_lowercase()),
        Requirement { text: "a look-up finds only what it asked for", source: "Okta: look-up" },
        || format!("{attribute} {}", shown(found)),
    )
}

/// What was asked for with `attributes=id` is the id, beside `schemas`.
pub(crate) fn only_id(hit: &Value) -> Verdict {
    let others =
        hit.as_object().and_then(|hit| hit.keys().find(|key| !matches!(key.as_str(), "schemas" | "id")));
    demand(
        hit.get("id").is_some() && others.is_none(),
        Requirement {
            text: "attributes=id answers schemas and id, nothing else",
            source: "Entra ID's reads, RFC 7643, 7; RFC 7644, 3.9",
        },
        || others.map_or_else(|| "no id".to_owned(), |other| format!("{other} is there")),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({"schemas": [LIST_RESPONSE], "totalResults": 3, "startIndex": 1, "itemsPerPage": 2, "Resources": [{}, {}]})
    }

    #[test]
    fn a_good_list_is_read() {
        let view = list(&good(), 100).unwrap();
        assert_eq!((view.total, view.start, view.resources.len()), (3, 1, 2));
        let none = json!({"schemas": [LIST_RESPONSE], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []});
        assert!(list(&none, 100).is_ok());
    }

    #[test]
    fn each_flaw_of_a_list_is_noticed() {
        for (key, value) in [
            ("schemas", json!([])),
            ("totalResults", json!("3")),
            ("totalResults", json!(1)),
            ("startIndex", json!("1")),
            ("itemsPerPage", json!(2.0)),
            ("itemsPerPage", json!(3)),
            ("itemsPerPage", Value::Null),
            ("Resources", json!({})),
            ("Resources", Value::Null),
        ] {
            let mut body = good();
            body[key] = value.clone();
            assert!(list(&body, 100).is_err(), "{key}: {value}");
        }
        assert!(list(&good(), 1).is_err(), "more than asked");
    }

    #[test]
    fn look_ups_find_nobody_or_the_one() {
        let page = |total, entries: usize| ListView { total, start: 1, resources: vec![json!({}); entries] };
        assert!(zero_or_one(&page(0, 0)).is_ok());
        assert!(zero_or_one(&page(1, 1)).is_ok());
        assert!(zero_or_one(&page(1, 0)).is_err());
        assert!(zero_or_one(&page(2, 2)).is_err());
        let hit = json!({"userName": "Zoë@x"});
        assert!(hit_is(&hit, "userName", "zoË@X").is_ok());
        assert!(hit_is(&hit, "userName", "other@x").is_err());
        assert!(hit_is(&hit, "displayName", "x").is_err());
    }

    #[test]
    fn a_reference_check_answers_ids() {
        assert!(only_id(&json!({"schemas": ["urn:x"], "id": "7"})).is_ok());
        for wrong in
            [json!({"schemas": []}), json!({"id": "7", "userName": "u"}), json!({"id": "7", "meta": {}})]
        {
            assert!(only_id(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_begins_where_asked() {
        let page = ListView { total: 300, start: 101, resources: Vec::new() };
        assert!(page_starts_at(&page, 101).is_ok());
        assert!(page_starts_at(&page, 201).is_err());
    }
}
