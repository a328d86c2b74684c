//! Shapes of a PATCH that would keep a worker busy: each is refused as too much work, or cheap.

use super::*;

fn status(document: &Value, operations: Value) -> u16 {
    try_patch(Leniencies::LENIENT, document, operations).map_or_else(|error| error.status, |_| 200)
}

fn emails(count: usize, filler: usize) -> Value {
    let filler = "x".repeat(filler);
    let emails: Vec<_> =
        (0..count).map(|at| json!({"value": format!("{at}@x"), "display": filler})).collect();
    json!({"userName": "a", "emails": emails})
}

fn repeated(count: usize, operation: Value) -> Value {
    Value::Array(vec![operation; count])
}

fn keys(count: usize, key: impl Fn(usize) -> String, value: &Value) -> Value {
    let fields: Map<String, Value> = (0..count).map(|at| (key(at), value.clone())).collect();
    json!([{"op": "replace", "value": fields}])
}

#[test]
fn filters_over_long_texts() {
    let operation = json!({"op": "remove", "path": "emails[value co \"zzq\"].display"});
    assert_eq!(status(&emails(14, 1_000_000), repeated(60, operation.clone())), 413);
    for (count, filler) in [(4, 60_000), (200, 1_000), (6_000, 1)] {
        let document = emails(count, filler);
        assert_eq!(status(&document, repeated(10_000, operation.clone())), 413);
        assert_eq!(status(&document, repeated(20, operation.clone())), 200);
        let terms = vec!["display co \"zzq\""; 200].join(" or ");
        let path = format!("emails[{terms}].display");
        assert_eq!(status(&document, repeated(4_000, json!({"op": "remove", "path": path}))), 413);
    }
}

#[test]
fn one_value_over_many_elements() {
    let long = "y".repeat(60_000);
    let operation = json!({"op": "replace", "path": "emails.display", "value": long});
    assert_eq!(status(&emails(6_000, 1), json!([operation])), 413);
    let unknown: Map<String, Value> = (0..20_000).map(|at| (format!("k{at}"), json!(1))).collect();
    let operation = json!({"op": "add", "path": "emails[value pr]", "value": unknown});
    assert_eq!(status(&emails(6_000, 1), json!([operation])), 413);
}

#[test]
fn values_of_many_keys() {
    let document = emails(4, 60_000);
    let value = json!("z");
    for key in ["emails[value co \"zzq", "emails[type eq \"t", "ims[type eq \"t"] {
        let status = status(&document, keys(20_000, |at| format!("{key}{at}\"].display"), &value));
        assert!(matches!(status, 400 | 413), "{key} {status}");
    }
    assert_eq!(status(&document, keys(200_000, |at| format!("k{at}"), &value)), 413);
    assert_eq!(status(&document, keys(20_000, |at| format!("k{at}"), &value)), 200);
    let extension: Map<String, Value> = (0..200_000).map(|at| (format!("k{at}"), json!(1))).collect();
    assert_eq!(status(&document, json!([{"op": "add", "path": ENTERPRISE, "value": extension}])), 413);
}

#[test]
fn appending_many_to_many() {
    let add = |value: Vec<Value>| json!([{"op": "add", "path": "emails", "value": value}]);
    let fresh = |count: usize| (0..count).map(|at| json!({"value": format!("n{at}@x")})).collect::<Vec<_>>();
    assert_eq!(status(&emails(5_000, 1), add(fresh(5_000))), 200);
    let valueless = |count: usize| (0..count).map(|at| json!({"type": format!("t{at}")})).collect::<Vec<_>>();
    assert_eq!(status(&emails(5_000, 1), add(valueless(5_000))), 413);
    assert_eq!(status(&emails(500, 1), add(valueless(500))), 200);
    let same = |from: usize| {
        (from..from + 4_000).map(|at| json!({"value": "v", "type": format!("t{at}")})).collect::<Vec<_>>()
    };
    assert_eq!(status(&json!({"userName": "a", "emails": same(0)}), add(same(4_000))), 413);
    let one = |at: usize| json!({"op": "add", "path": "emails", "value": [{"value": format!("n{at}")}]});
    assert_eq!(status(&emails(2, 1), (0..300).map(one).collect()), 200);
    assert_eq!(status(&emails(2, 1), (0..9_000).map(one).collect()), 413);
}

#[test]
fn removing_many_by_value() {
    let remove = |value: Vec<Value>| json!({"op": "remove", "path": "emails", "value": value});
    let named = |count: usize| (0..count).map(|at| json!({"value": format!("{at}@X")})).collect::<Vec<_>>();
    assert_eq!(status(&emails(6_000, 1), json!([remove(named(6_000))])), 200);
    let typed = |count: usize| (0..count).map(|at| json!({"type": format!("t{at}")})).collect::<Vec<_>>();
    assert_eq!(status(&emails(100, 1), json!([remove(typed(10_000))])), 200);
    assert_eq!(status(&emails(100, 1), repeated(1_000, remove(typed(100)))), 413);
    let error = try_patch(Leniencies::LENIENT, &emails(6_000, 1), json!([remove(typed(6_000))]));
    assert!(error.expect_err("pairs").detail.contains("names too many elements to remove"));
    let long = vec![json!({"display": "Z".repeat(60_000)}); 200];
    assert_eq!(status(&emails(4, 60_000), json!([remove(long)])), 200);
}

#[test]
fn members_stay_cheap() {
    let group = |operations: Value| {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        let document = json!({"displayName": "G"});
        PatchRequest::parse(&body, Leniencies::LENIENT)
            .and_then(|patch| {
                let document = document.as_object().expect("object");
                patch.apply(&ResourceType::group(), Leniencies::LENIENT, document)
            })
            .map(|patched| patched.members.len())
    };
    let ids = |count: usize| (0..count).map(|at| json!({"value": format!("{at:0>200}")})).collect::<Vec<_>>();
    assert_eq!(group(json!([{"op": "add", "path": "members", "value": ids(MAX_MEMBERS)}])), Ok(1));
    assert_eq!(group(json!([{"op": "add", "value": {"members": ids(MAX_MEMBERS)}}])), Ok(1));
    let single = |at: usize| json!({"op": "remove", "path": format!("members[value eq \"{at:0>200}\"]")});
    assert_eq!(group((0..MAX_OPERATIONS).map(single).collect()), Ok(MAX_OPERATIONS));
    let ten: Vec<_> =
        (0..MAX_OPERATIONS).map(|_| json!({"op": "add", "path": "members", "value": ids(10)})).collect();
    assert_eq!(group(json!(ten)), Ok(MAX_OPERATIONS));
}
