//! The bodies that Entra sends, in both of its wire styles.

use serde_json::{Map, Value, json};

use super::Wire;
use super::change::{Change, Op, Path, enterprise};
use crate::judge::{ENTERPRISE, GROUP, PATCH_OP, USER};
use crate::people::Person;

/// The schema that Entra names for groups beside SCIM's own.
const ADSCIM_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
/// The enterprise URN as older jobs misspell it.
const MISSPELLED: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User";

/// What a POST of a user looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateShape {
    /// The enterprise URN in `schemas` without such an object, `meta.resourceType`, `roles: []`.
    Plain,
    /// An enterprise object whose URN is not in `schemas`.
    Undeclared,
    /// Nulls everywhere, a misspelt enterprise URN, enterprise attributes at the top level.
    Older,
    /// A role whose mark is the text `"True"`, and in the legacy style `active` as a text too.
    TextBooleans,
}

impl CreateShape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Undeclared, Self::Older, Self::TextBooleans];
}

/// The attributes that are mapped for everybody, as they are expected back.
pub(super) fn mapped(person: &Person, object_id: &str) -> Map<String, Value> {
    let body = json!({
        "externalId": object_id,
        "userName": person.user_name,
        "active": true,
        "displayName": display_name(person),
        "title": person.title,
        "preferredLanguage": person.locale,
        "emails": [{"primary": true, "type": "work", "value": person.email}],
        "name": {
            "givenName": person.given_name,
            "familyName": person.family_name,
            "formatted": format!("{} {} (E)", person.given_name, person.family_name),
        },
        "addresses": [{"type": "work", "locality": person.city, "region": person.region, "country": "United States"}],
        "phoneNumbers": [{"type": "work", "value": person.phone}],
    });
    match body {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// As directories write it, and as no server would compute it from the parts.
fn display_name(person: &Person) -> String {
    format!("{}, {}", person.family_name, person.given_name)
}

/// POST /Users, and what must come back of it.
pub(crate) fn create(
    person: &Person,
    object_id: &str,
    shape: CreateShape,
    wire: Wire,
) -> (Value, Map<String, Value>) {
    let mut expected = mapped(person, object_id);
    let department = json!({"department": person.department});
    let role = json!([{"primary": true, "display": person.user_type, "value": person.user_type}]);
    match shape {
        CreateShape::Plain | CreateShape::Older => {}
        CreateShape::Undeclared => drop(expected.insert(ENTERPRISE.into(), department)),
        CreateShape::TextBooleans => {
            expected.insert("roles".into(), role);
            expected.insert(ENTERPRISE.into(), department);
        }
    }
    let schemas = match shape {
        CreateShape::Plain | CreateShape::TextBooleans => json!([USER, ENTERPRISE]),
        CreateShape::Undeclared => json!([USER]),
        CreateShape::Older => json!([USER, MISSPELLED]),
    };
    let mut body = Map::from_iter([("schemas".to_owned(), schemas)]);
    body.extend(expected.clone());
    body.insert("meta".into(), json!({"resourceType": "User"}));
    match shape {
        CreateShape::Plain | CreateShape::Undeclared => drop(body.insert("roles".into(), json!([]))),
        CreateShape::Older => body.extend(nulls(person)),
        CreateShape::TextBooleans => {
            body["roles"][0]["primary"] = json!("True");
            if wire == Wire::Legacy {
                body.insert("active".into(), json!("True"));
            }
        }
    }
    (Value::Object(body), expected)
}

/// What older jobs send beside the mapped attributes: mostly nothing.
fn nulls(person: &Person) -> Map<String, Value> {
    let unset =
        ["nickName", "profileUrl", "userType", "locale", "timezone", "ims", "photos", "roles", "manager"];
    let mut map: Map<String, Value> = unset.into_iter().map(|name| (name.to_owned(), Value::Null)).collect();
    map.insert("department".into(), json!(person.department));
    map
}

/// A user of nothing but a name, as the validator begins with.
pub(super) fn minimal(user_name: &str) -> Value {
    json!({"schemas": [USER], "userName": user_name})
}

/// POST /Groups: `members` left out, a second schema named.
pub(super) fn create_group(name: &str, object_id: &str) -> Value {
    json!({
        "schemas": [GROUP, ADSCIM_GROUP],
        "externalId": object_id,
        "displayName": name,
        "meta": {"resourceType": "Group"},
    })
}

/// A PATCH of exactly these operations, in the style's spelling.
pub(crate) fn patch(wire: Wire, changes: &[Change]) -> Value {
    body(changes.iter().map(|change| operation(wire, change)))
}

/// A PATCH as the engine builds it from changed attributes: legacy, one operation each; otherwise what needs no filter
/// goes into one operation without a path.
pub(super) fn update(wire: Wire, changes: &[Change]) -> Value {
    if wire == Wire::Legacy {
        return patch(wire, changes);
    }
    let (mut plain, others): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| is_plain(change));
    // One attribute alone keeps its path.
    let others = if plain.len() < 2 { [std::mem::take(&mut plain), others].concat() } else { others };
    let value: Map<String, Value> =
        plain.iter().filter_map(|change| Some((change.path.clone()?, change.value.clone()?))).collect();
    let together = (!value.is_empty()).then(|| Change::whole(Op::Replace, Value::Object(value)));
    body(others.into_iter().chain(&together).map(|change| operation(wire, change)))
}

fn is_plain(change: &Change) -> bool {
    let path = change.path.as_deref().map(Path::parse);
    change.op == Op::Replace && path.is_some_and(|path| path.select.is_none())
}

fn body(operations: impl Iterator<Item = Value>) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations.collect::<Vec<_>>()})
}

fn operation(wire: Wire, change: &Change) -> Value {
    let op = match (wire, change.op) {
        (Wire::Legacy, Op::Add) => "Add",
        (Wire::Legacy, Op::Replace) => "Replace",
        (Wire::Legacy, Op::Remove) => "Remove",
        (Wire::Compliant, Op::Add) => "add",
        (Wire::Compliant, Op::Replace) => "replace",
        (Wire::Compliant, Op::Remove) => "remove",
    };
    let mut operation = Map::from_iter([("op".to_owned(), json!(op))]);
    operation.extend(change.path.iter().map(|path| ("path".to_owned(), json!(path))));
    let value = change.value.iter().map(|value| match wire {
        Wire::Legacy => spelled(value),
        Wire::Compliant => value.clone(),
    });
    operation.extend(value.map(|value| ("value".to_owned(), value)));
    Value::Object(operation)
}

/// Booleans as texts.
fn spelled(value: &Value) -> Value {
    match value {
        Value::Bool(true) => json!("True"),
        Value::Bool(false) => json!("False"),
        Value::Array(list) => list.iter().map(spelled).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), spelled(value))).collect(),
        other => other.clone(),
    }
}

/// Every attribute of a person, one path each: the longest PATCH that is sent in the legacy style.
pub(super) fn everything(person: &Person, manager: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut set = |path: &str, value: Value| changes.push(Change::replace(path, value));
    for (path, value) in [
        ("displayName", display_name(person)),
        ("nickName", person.given_name.clone()),
        ("title", format!("Deputy {}", person.title)),
        ("userType", person.user_type.clone()),
        ("profileUrl", format!("https://people.example.com/{}", person.employee_number)),
        ("preferredLanguage", person.locale.clone()),
        ("locale", person.locale.clone()),
        ("timezone", person.timezone.clone()),
        ("name.givenName", person.given_name.clone()),
        ("name.middleName", "Q".into()),
        ("name.familyName", person.family_name.clone()),
        ("name.honorificPrefix", "Dr".into()),
        ("name.honorificSuffix", "III".into()),
        ("name.formatted", format!("Dr {} Q {} III", person.given_name, person.family_name)),
        ("emails[type eq \"work\"].value", person.email.clone()),
        ("addresses[type eq \"work\"].formatted", format!("{}, {}", person.street, person.city)),
        ("addresses[type eq \"work\"].streetAddress", person.street.clone()),
        ("addresses[type eq \"work\"].locality", person.city.clone()),
        ("addresses[type eq \"work\"].region", person.region.clone()),
        ("addresses[type eq \"work\"].postalCode", "01234".into()),
        ("addresses[type eq \"work\"].country", "United States".into()),
        ("phoneNumbers[type eq \"work\"].value", person.phone.clone()),
        ("phoneNumbers[type eq \"mobile\"].value", format!("{}7", person.phone)),
        ("phoneNumbers[type eq \"fax\"].value", format!("{}8", person.phone)),
        ("roles[primary eq \"True\"].display", person.user_type.clone()),
        ("roles[primary eq \"True\"].value", person.user_type.to_lowercase()),
        ("roles[primary eq \"True\"].type", "staff".into()),
    ] {
        set(path, json!(value));
    }
    set("emails[type eq \"work\"].primary", json!(true));
    set("addresses[type eq \"work\"].primary", json!(true));
    set("phoneNumbers[type eq \"work\"].primary", json!(true));
    for (attribute, value) in [
        ("employeeNumber", person.employee_number.as_str()),
        ("costCenter", "CC-7"),
        ("organization", "Example Health"),
        ("division", "East"),
        ("department", person.department.as_str()),
        ("manager", manager),
    ] {
        set(&enterprise(attribute), json!(value));
    }
    set("active", json!(true));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::People;

    fn person() -> Person {
        People::new(1, "x").person(0)
    }

    #[test]
    fn a_plain_create_names_an_extension_that_it_has_not() {
        let (body, expected) = create(&person(), "a-1", CreateShape::Plain, Wire::Legacy);
        assert_eq!(body["schemas"], json!([USER, ENTERPRISE]));
        assert!(body.get(ENTERPRISE).is_none());
        assert_eq!((&body["meta"], &body["roles"]), (&json!({"resourceType": "User"}), &json!([])));
        assert_eq!((&body["externalId"], &body["active"]), (&json!("a-1"), &json!(true)));
        assert!(!expected.contains_key("roles") && !expected.contains_key("meta"));
    }

    #[test]
    fn other_creates_have_what_servers_stumble_over() {
        let (body, expected) = create(&person(), "a", CreateShape::Undeclared, Wire::Legacy);
        assert_eq!(body["schemas"], json!([USER]));
        assert_eq!(body[ENTERPRISE], expected[ENTERPRISE]);
        let (body, expected) = create(&person(), "a", CreateShape::Older, Wire::Legacy);
        assert_eq!(body["schemas"][1], json!(MISSPELLED));
        assert!(body["manager"].is_null() && body["roles"].is_null() && body["department"].is_string());
        assert!(!expected.contains_key("department"));
        for (wire, active) in [(Wire::Legacy, json!("True")), (Wire::Compliant, json!(true))] {
            let (body, expected) = create(&person(), "a", CreateShape::TextBooleans, wire);
            assert_eq!((&body["roles"][0]["primary"], &body["active"]), (&json!("True"), &active));
            assert_eq!((&expected["roles"][0]["primary"], &expected["active"]), (&json!(true), &json!(true)));
        }
    }

    #[test]
    fn the_styles_spell_one_change_differently() {
        let changes = [
            Change::replace("active", false),
            Change::replace("name.givenName", "Z"),
            Change::replace("emails[type eq \"work\"].primary", true),
            Change::add("nickName", "N"),
            Change::remove("title"),
        ];
        let legacy = update(Wire::Legacy, &changes);
        let operations = legacy["Operations"].as_array().unwrap();
        assert_eq!(operations.len(), 5);
        assert_eq!(operations[0], json!({"op": "Replace", "path": "active", "value": "False"}));
        assert_eq!(operations[2]["value"], "True");
        assert_eq!(operations[4], json!({"op": "Remove", "path": "title"}));
        let compliant = update(Wire::Compliant, &changes);
        let operations = compliant["Operations"].as_array().unwrap();
        assert_eq!(operations.len(), 4);
        assert_eq!(operations[0]["value"], true);
        assert_eq!(
            operations[3],
            json!({"op": "replace", "value": {"active": false, "name.givenName": "Z"}})
        );
        let single = update(Wire::Compliant, &changes[..1]);
        assert_eq!(single["Operations"], json!([{"op": "replace", "path": "active", "value": false}]));
    }

    #[test]
    fn the_longest_patch_has_as_many_operations_as_the_validators() {
        let changes = everything(&person(), "m");
        assert!((36..=53).contains(&changes.len()), "{}", changes.len());
        let paths: std::collections::BTreeSet<_> = changes.iter().map(|change| change.path.clone()).collect();
        assert_eq!(paths.len(), changes.len());
    }
}
