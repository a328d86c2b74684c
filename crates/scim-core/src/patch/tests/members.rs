//! Operations on `members`.

use super::*;

fn members(ids: &[&str]) -> Vec<MemberRef> {
    ids.iter().map(|id| MemberRef { value: (*id).to_owned() }).collect()
}

fn group_patch(leniencies: Leniencies, operations: Value) -> Result<Patched, ScimError> {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let document = json!({"displayName": "G"});
    let document = document.as_object().expect("object");
    PatchRequest::parse(&body, leniencies)?.apply(&ResourceType::group(), leniencies, document)
}

#[test]
fn members_become_changes_of_edges() {
    use MemberOp::{Add, Remove, Replace};
    let rows: Vec<(Value, Vec<MemberOp>)> = vec![
        (
            json!([{"op": "remove", "path": "members[value eq \"u1\"]"}, {"op": "add", "path": "members", "value": [{"value": "u2", "display": "u2@d"}]}]),
            vec![Remove(members(&["u1"])), Add(members(&["u2"]))],
        ),
        (
            json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "a"}, {"$ref": null, "value": "b"}, {"value": "a"}]}]),
            vec![Add(members(&["a", "b"]))],
        ),
        (
            json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "a"}]}]),
            vec![Remove(members(&["a"]))],
        ),
        (
            json!([{"op": "remove", "path": "members", "value": {"value": "a"}}]),
            vec![Remove(members(&["a"]))],
        ),
        (
            json!([{"op": "remove", "path": "members", "value": {"members": [{"value": "a"}]}}]),
            vec![Remove(members(&["a"]))],
        ),
        (json!([{"op": "remove", "path": "members", "value": "a"}]), vec![Remove(members(&["a"]))]),
        (json!([{"op": "remove", "path": "members", "value": []}]), vec![]),
        (json!([{"op": "remove", "path": "members", "value": {"members": []}}]), vec![]),
        (json!([{"op": "remove", "path": "members"}]), vec![Replace(vec![])]),
        (
            json!([{"op": "replace", "path": "members", "value": [{"value": "a"}]}]),
            vec![Replace(members(&["a"]))],
        ),
        (json!([{"op": "replace", "path": "members", "value": []}]), vec![Replace(vec![])]),
        (json!([{"op": "add", "path": "members", "value": []}]), vec![]),
        (json!([{"op": "add", "path": "members", "value": {"members": ["a"]}}]), vec![Add(members(&["a"]))]),
        (
            json!([{"op": "replace", "value": {"members": [], "id": "g", "displayName": "G"}}]),
            vec![Replace(vec![])],
        ),
        (json!([{"op": "add", "value": {"MEMBERS": {"value": "a"}}}]), vec![Add(members(&["a"]))]),
        (
            json!([{"op": "remove", "path": "members[value eq \"A\" or value eq \"b]\"]"}]),
            vec![Remove(members(&["A", "b]"]))],
        ),
    ];
    for (operations, expected) in rows {
        let patched = group_patch(Leniencies::LENIENT, operations.clone())
            .unwrap_or_else(|error| panic!("{operations} {error}"));
        assert_eq!(patched.members, expected, "{operations}");
        assert_eq!(Value::Object(patched.document), json!({"displayName": "G"}), "{operations}");
    }
    let renamed = group_patch(
        Leniencies::LENIENT,
        json!([{"op": "replace", "value": {"id": "gid", "displayName": "N"}}]),
    );
    assert_eq!(renamed.expect("renamed").document["displayName"], "N");
    for (operation, expected) in [
        (json!({"op": "remove", "path": "members[display eq \"x\"]"}), ScimType::InvalidPath),
        (
            json!({"op": "remove", "path": "members[value eq \"x\" and type eq \"User\"]"}),
            ScimType::InvalidPath,
        ),
        (
            json!({"op": "replace", "path": "members[value eq \"x\"]", "value": {"value": "y"}}),
            ScimType::Mutability,
        ),
        (json!({"op": "replace", "path": "members.value", "value": "y"}), ScimType::Mutability),
        (json!({"op": "remove", "path": "members[value eq \"x\"].display"}), ScimType::Mutability),
        (json!({"op": "add", "path": "members", "value": [{"display": "x"}]}), ScimType::InvalidValue),
        (json!({"op": "remove", "path": "displayName"}), ScimType::Mutability),
    ] {
        let error = group_patch(Leniencies::LENIENT, json!([operation])).expect_err("refused");
        assert_eq!(error.scim_type, Some(expected), "{operation} {error}");
    }
    for strict in [
        json!({"op": "remove", "path": "members", "value": [{"value": "a"}]}),
        json!({"op": "add", "path": "members", "value": {"value": "a"}}),
        json!({"op": "add", "path": "members", "value": ["a"]}),
    ] {
        assert!(group_patch(Leniencies::STRICT, json!([strict])).is_err(), "{strict}");
    }
}
