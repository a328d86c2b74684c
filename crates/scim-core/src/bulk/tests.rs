//! Bulk as a client sees it, against a store in memory.

use std::collections::HashMap;

use serde_json::json;

use super::*;

const BASE: &str = "https://h/scim/v2";

pub(super) fn request(operations: Value) -> BulkRequest {
    let body = json!({"schemas": [BULK_REQUEST], "Operations": operations});
    BulkRequest::parse(body, Leniencies::STRICT).expect("a bulk request")
}

fn post(endpoint: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": endpoint, "bulkId": bulk_id, "data": data})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|member| json!({"value": format!("bulkId:{member}")})).collect();
    post("/Groups", bulk_id, json!({"displayName": bulk_id, "members": members}))
}

/// Takes all calls; refuses data that holds a reference, versions other than `W/"1"`, and whatever is named `bad`.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) resources: HashMap<String, Value>,
    pub(super) calls: Vec<String>,
}

impl Memory {
    fn carry_out(&mut self, call: Call) -> Result<Done, ScimError> {
        let data = call.data.clone().unwrap_or_default();
        assert_eq!(find(&data), [""; 0], "a reference was left in a call");
        let name = data["displayName"].as_str().or_else(|| data["userName"].as_str()).unwrap_or_default();
        let id = call.id.clone().unwrap_or_else(|| format!("id-{name}"));
        self.calls.push(format!("{} {id}", call.method.as_str()));
        if name == "bad" || (call.method == Method::Put && data["badLater"] == true) {
            return Err(ScimError::uniqueness("taken"));
        }
        if call.version.as_deref().is_some_and(|version| version != "W/\"1\"") {
            return Err(ScimError::precondition_failed());
        }
        if call.method == Method::Delete {
            self.resources.remove(&id);
            return Ok(Done { id, version: None });
        }
        self.resources.insert(id.clone(), data);
        let version = if call.method == Method::Post { "W/\"1\"" } else { "W/\"2\"" };
        Ok(Done { id, version: Some(version.into()) })
    }

    pub(super) fn run(&mut self, request: BulkRequest) -> Value {
        let mut run = Run::new(request);
        while let Some(call) = run.next_call() {
            let result = self.carry_out(call);
            run.finish(result);
        }
        let answer = run.response(BASE, Some("r-1"));
        assert_eq!(answer["schemas"], json!([BULK_RESPONSE]));
        answer["Operations"].clone()
    }
}

fn statuses(answer: &Value) -> Vec<&str> {
    let operations = answer.as_array().expect("a list");
    operations.iter().map(|operation| operation["status"].as_str().expect("a text")).collect()
}

#[test]
fn a_body_that_is_no_bulk_request_is_refused_whole() {
    let one = || json!([{"method": "DELETE", "path": "/Users/1"}]);
    for (body, scim_type) in [
        (json!([]), ScimType::InvalidSyntax),
        (json!("x"), ScimType::InvalidSyntax),
        (json!({"Operations": one()}), ScimType::InvalidSyntax),
        (json!({"schemas": ["urn:x"], "Operations": one()}), ScimType::InvalidSyntax),
        (json!({"schemas": [BULK_REQUEST]}), ScimType::InvalidSyntax),
        (json!({"schemas": [BULK_REQUEST], "Operations": null}), ScimType::InvalidSyntax),
        (json!({"schemas": [BULK_REQUEST], "Operations": []}), ScimType::InvalidSyntax),
        (json!({"schemas": [BULK_REQUEST], "Operations": {}}), ScimType::InvalidSyntax),
        (json!({"schemas": [BULK_REQUEST], "Operations": one(), "failOnErrors": 0}), ScimType::InvalidValue),
        (json!({"schemas": [BULK_REQUEST], "Operations": one(), "failOnErrors": -1}), ScimType::InvalidValue),
        (
            json!({"schemas": [BULK_REQUEST], "Operations": one(), "failOnErrors": 1.5}),
            ScimType::InvalidValue,
        ),
        (
            json!({"schemas": [BULK_REQUEST], "Operations": one(), "failOnErrors": "1"}),
            ScimType::InvalidValue,
        ),
    ] {
        let error = BulkRequest::parse(body.clone(), Leniencies::STRICT).expect_err("refused");
        assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{body}");
    }
}

#[test]
fn keys_methods_and_schemas_come_in_any_case() {
    let body = json!({
        "Schemas": [BULK_REQUEST.to_uppercase()],
        "failonerrors": 2,
        "operations": [{"METHOD": "Post", "BulkID": "a", "Path": "Users/", "DATA": {"userName": "a"}, "x": 1}],
    });
    let parsed = BulkRequest::parse(body, Leniencies::STRICT).expect("taken");
    assert_eq!(parsed.fail_on_errors, Some(2));
    let action = parsed.operations[0].action.clone().expect("well formed");
    assert_eq!((action.method, action.kind, action.id), (Method::Post, ResourceKind::User, None));
    let lenient = json!({"failOnErrors": "3", "Operations": [{"method": "put", "path": "/Groups//1", "version": 7, "data": {}}]});
    let parsed = BulkRequest::parse(lenient, Leniencies::LENIENT).expect("taken");
    assert_eq!(parsed.fail_on_errors, Some(3));
    let action = parsed.operations[0].action.clone().expect("well formed");
    assert_eq!(action.id, Some(ResourceId::Known("1".into())));
    assert_eq!(action.version.as_deref(), Some("7"));
}

#[test]
fn more_operations_than_allowed_name_the_limit() {
    let operation = json!({"method": "DELETE", "path": "/Users/1"});
    let body = |count| json!({"schemas": [BULK_REQUEST], "Operations": vec![operation.clone(); count]});
    assert!(BulkRequest::parse(body(MAX_OPERATIONS), Leniencies::STRICT).is_ok());
    let error = BulkRequest::parse(body(MAX_OPERATIONS + 1), Leniencies::STRICT).expect_err("too many");
    assert_eq!(error.status, 413);
    assert!(error.detail.contains("maxOperations, 1000"), "{}", error.detail);
    let error = payload_too_large();
    assert_eq!(error.status, 413);
    assert!(error.detail.contains(&format!("maxPayloadSize, {MAX_PAYLOAD_SIZE} bytes")), "{}", error.detail);
}

#[test]
fn what_is_wrong_with_one_operation_stays_with_it() {
    let mut deep = json!(1);
    for _ in 0..20 {
        deep = json!([deep]);
    }
    for (operation, status) in [
        (json!("x"), 400),
        (json!({}), 400),
        (json!({"method": "GET", "path": "/Users/1"}), 400),
        (json!({"method": "HEAD", "path": "/Users/1"}), 400),
        (json!({"method": 1, "path": "/Users/1"}), 400),
        (json!({"method": "DELETE"}), 400),
        (json!({"method": "DELETE", "path": 1}), 400),
        (json!({"method": "DELETE", "path": "/"}), 404),
        (json!({"method": "DELETE", "path": "/Devices/1"}), 404),
        (json!({"method": "DELETE", "path": "/users/1"}), 404),
        (json!({"method": "DELETE", "path": "/Users/1/emails"}), 404),
        (json!({"method": "DELETE", "path": "/Users/1?x=y"}), 404),
        (json!({"method": "DELETE", "path": "https://h/scim/v2/Users/1"}), 404),
        (json!({"method": "DELETE", "path": "/Users"}), 405),
        (json!({"method": "PUT", "path": "/Users/", "data": {}}), 405),
        (json!({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}), 405),
        (json!({"method": "POST", "path": "/Users", "data": {}}), 400),
        (json!({"method": "POST", "path": "/Users", "bulkId": " ", "data": {}}), 400),
        (json!({"method": "POST", "path": "/Users", "bulkId": null, "data": {}}), 400),
        (json!({"method": "POST", "path": "/Users", "bulkId": 1, "data": {}}), 400),
        (json!({"method": "POST", "path": "/Users", "bulkId": "a"}), 400),
        (json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": []}), 400),
        (json!({"method": "PATCH", "path": "/Users/1", "data": null}), 400),
        (json!({"method": "PATCH", "path": "/Users/1", "data": {"x": deep}}), 400),
        (json!({"method": "DELETE", "path": "/Users/1", "version": ["x"]}), 400),
    ] {
        let ok = json!({"method": "DELETE", "path": "/Users/2"});
        let answer = Memory::default().run(request(json!([operation, ok])));
        assert_eq!(statuses(&answer), [status.to_string().as_str(), "204"], "{operation}");
        let error = &answer[0]["response"];
        assert_eq!(error["schemas"], json!([crate::urn::ERROR]), "{operation}");
        assert_eq!(error["status"], status.to_string(), "{operation}");
        assert!(
            error["detail"].as_str().is_some_and(|detail| detail.ends_with(" (request id r-1)")),
            "{error}"
        );
        assert_eq!(answer[0].get("method"), operation.get("method").filter(|method| method.is_string()));
    }
}

#[test]
fn an_answer_holds_what_the_standard_asks_for() {
    let answer = Memory::default().run(request(json!([
        post("/Users", "a", json!({"userName": "ann"})),
        post("/Users", "b", json!({"userName": "bad"})),
        {"method": "PUT", "path": "/Users/1", "version": "W/\"1\"", "data": {"userName": "bob"}},
        {"method": "PATCH", "path": "/Groups/2", "bulkId": "mine", "version": "W/\"0\"", "data": {"Operations": []}},
        {"method": "DELETE", "path": "/Users/bulkId:b"},
        {"method": "DELETE", "path": "/Users/bulkId:a"},
    ])));
    assert_eq!(statuses(&answer), ["201", "409", "200", "412", "409", "204"]);
    assert_eq!(
        answer[0],
        json!({"location": "https://h/scim/v2/Users/id-ann", "method": "POST", "bulkId": "a", "version": "W/\"1\"", "status": "201"})
    );
    assert_eq!(answer[1].get("location"), None);
    assert_eq!(answer[1]["response"]["scimType"], "uniqueness");
    assert_eq!(answer[2]["version"], "W/\"2\"");
    assert_eq!(answer[3]["location"], "https://h/scim/v2/Groups/2");
    assert_eq!(answer[3]["bulkId"], "mine");
    assert_eq!(answer[3].get("version"), None);
    assert_eq!(answer[4]["location"], "https://h/scim/v2/Users/bulkId:b");
    assert_eq!(
        answer[5],
        json!({"location": "https://h/scim/v2/Users/id-ann", "method": "DELETE", "status": "204"})
    );
}

#[test]
fn references_are_resolved_in_any_order() {
    let mut memory = Memory::default();
    let answer = memory.run(request(json!([
        group("staff", &["ann", "sales"]),
        {"method": "PATCH", "path": "/Groups/bulkId:sales", "data": {"Operations": [{"op": "add", "path": "members", "value": {"value": "bulkId:bob"}}]}},
        group("sales", &["ann"]),
        {"method": "DELETE", "path": "/Groups/old"},
        post("/Users", "ann", json!({"userName": "ann"})),
        post("/Users", "bob", json!({"userName": "bob", "manager": "bulkId:ann"})),
    ])));
    assert_eq!(statuses(&answer), ["201", "200", "201", "204", "201", "201"]);
    let calls =
        ["DELETE old", "POST id-ann", "POST id-sales", "POST id-staff", "POST id-bob", "PATCH id-sales"];
    assert_eq!(memory.calls, calls);
    assert_eq!(memory.resources["id-staff"]["members"], json!([{"value": "id-ann"}, {"value": "id-sales"}]));
    assert_eq!(memory.resources["id-bob"]["manager"], "id-ann");
    assert_eq!(memory.resources["id-sales"]["Operations"][0]["value"], json!({"value": "id-bob"}));
}

#[test]
fn circles_are_created_first_and_completed_then() {
    let mut memory = Memory::default();
    let answer = memory.run(request(json!([
        group("a", &["b", "u"]),
        {"method": "PUT", "path": "/Groups/bulkId:a", "data": {"displayName": "last"}},
        group("b", &["c"]),
        group("c", &["a", "c"]),
        post("/Users", "u", json!({"userName": "u", "manager": {"value": "bulkId:u"}})),
    ])));
    assert_eq!(statuses(&answer), ["201", "200", "201", "201", "201"]);
    let calls =
        ["POST id-b", "POST id-c", "PUT id-b", "POST id-u", "PUT id-u", "POST id-a", "PUT id-c", "PUT id-a"];
    assert_eq!(memory.calls, calls);
    assert_eq!(memory.resources["id-a"], json!({"displayName": "last"}));
    assert_eq!(memory.resources["id-b"]["members"], json!([{"value": "id-c"}]));
    assert_eq!(memory.resources["id-c"]["members"], json!([{"value": "id-a"}, {"value": "id-c"}]));
    assert_eq!(memory.resources["id-u"]["manager"], json!({"value": "id-u"}));
    assert_eq!(answer[2]["method"], "POST");
}

#[test]
fn two_groups_in_each_other_are_planned_with_one_completion() {
    let operations = request(json!([group("a", &["b"]), group("b", &["a"])])).operations;
    assert_eq!(plan(&operations), [Step::RunWithout(0, vec!["b".into()]), Step::Run(1), Step::Complete(0)]);
    let waits_for_a_circle =
        request(json!([group("x", &["a"]), group("a", &["b"]), group("b", &["a"])])).operations;
    assert_eq!(
        plan(&waits_for_a_circle),
        [Step::RunWithout(1, vec!["b".into()]), Step::Run(0), Step::Run(2), Step::Complete(1)]
    );
}

#[test]
fn a_reference_that_leads_nowhere_is_409_for_its_operation() {
    let mut memory = Memory::default();
    let answer = memory.run(request(json!([
        group("a", &["nobody"]),
        group("b", &["a"]),
        {"method": "PATCH", "path": "/Users/bulkId:nobody", "data": {}},
        {"method": "PATCH", "path": "/Groups/1", "data": {"value": "bulkId:b"}},
        group("c", &[]),
        {"method": "GET", "path": "/Users/1", "bulkId": "get"},
        group("d", &["get"]),
    ])));
    assert_eq!(statuses(&answer), ["409", "409", "409", "409", "201", "400", "409"]);
    assert_eq!(memory.calls, ["POST id-c"]);
    let detail = |index: usize| answer[index]["response"]["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail(0).contains("bulkId:nobody names no POST"), "{}", detail(0));
    assert!(detail(1).contains("bulkId:a names an operation that failed"), "{}", detail(1));
}

#[test]
fn repeated_bulk_ids_are_refused_with_all_that_rely_on_them() {
    let mut memory = Memory::default();
    let answer = memory.run(request(json!([
        group("a", &[]),
        group("b", &["a"]),
        post("/Users", "a", json!({"userName": "ann"})),
        {"method": "DELETE", "path": "/Users/1", "bulkId": "c"},
        group("c", &[]),
    ])));
    assert_eq!(statuses(&answer), ["400", "409", "400", "204", "201"]);
    assert_eq!(memory.calls, ["DELETE 1", "POST id-c"]);
}

#[test]
fn fail_on_errors_stops_and_leaves_what_was_done() {
    let operations = json!([
        post("/Users", "1", json!({"userName": "ann"})),
        post("/Users", "2", json!({"userName": "bad"})),
        post("/Users", "3", json!({"userName": "bob"})),
        {"method": "GET", "path": "/Users/1"},
        post("/Users", "4", json!({"userName": "cid"})),
    ]);
    for (limit, expected, created) in [
        (Some(1), vec!["201", "409"], 1),
        (Some(2), vec!["201", "409", "201", "400"], 2),
        (Some(3), vec!["201", "409", "201", "400", "201"], 3),
        (None, vec!["201", "409", "201", "400", "201"], 3),
    ] {
        let body = json!({"schemas": [BULK_REQUEST], "failOnErrors": limit, "Operations": operations});
        let mut memory = Memory::default();
        let answer = memory.run(BulkRequest::parse(body, Leniencies::STRICT).expect("a request"));
        assert_eq!(statuses(&answer), expected, "{limit:?}");
        assert_eq!(memory.resources.len(), created, "{limit:?}");
    }
}

#[test]
fn a_circle_that_cannot_be_closed_says_what_is_there() {
    for (limit, partner, expected) in [
        (None, group("bad", &["a"]), vec!["409", "409"]),
        (Some(1), group("bad", &["a"]), vec!["409", "409"]),
        (None, json!({"method": "POST", "path": "/Groups", "bulkId": "bad"}), vec!["409", "400"]),
    ] {
        let body = json!({"schemas": [BULK_REQUEST], "failOnErrors": limit, "Operations": [group("a", &["bad"]), partner]});
        let answer = Memory::default().run(BulkRequest::parse(body, Leniencies::STRICT).expect("a request"));
        assert_eq!(statuses(&answer), expected, "{limit:?}");
    }
    let mut memory = Memory::default();
    let answer = memory.run(request(json!([group("a", &["bad"]), group("bad", &["a"])])));
    assert_eq!(memory.calls, ["POST id-a", "POST id-bad"]);
    assert_eq!(answer[0]["location"], "https://h/scim/v2/Groups/id-a");
    let detail = answer[0]["response"]["detail"].as_str().unwrap_or_default();
    assert!(detail.starts_with("The resource was created without its references to bulkId:bad;"), "{detail}");

    let mut closing = group("a", &["b"]);
    closing["data"]["badLater"] = true.into();
    let answer = Memory::default().run(request(json!([closing, group("b", &["a"])])));
    assert_eq!(statuses(&answer), ["409", "201"]);
    assert_eq!(answer[0]["response"]["scimType"], "uniqueness");
    assert_eq!(answer[0].get("version"), None);
}

#[test]
fn a_call_that_is_not_answered_is_an_error() {
    let mut run = Run::new(request(json!([
        {"method": "DELETE", "path": "/Users/1"},
        {"method": "DELETE", "path": "/Users/2"},
    ])));
    assert!(run.next_call().is_some());
    run.finish(Ok(Done { id: "1".into(), version: None }));
    run.finish(Err(ScimError::new(400, "twice")));
    assert!(run.next_call().is_some());
    assert!(run.next_call().is_none());
    assert_eq!(statuses(&run.response(BASE, None)["Operations"]), ["204", "500"]);
}

#[test]
fn what_a_stop_leaves_undone_is_answered_with_its_reason() {
    let operations = json!([
        group("a", &["b"]),
        group("b", &["a"]),
        post("/Users", "u", json!({"userName": "ann"})),
        {"method": "GET", "path": "/Users/1"},
        group("c", &["d"]),
        group("d", &["c"]),
    ]);
    // The calls are POST u, a, b, PUT a, POST c, d, PUT c: how many are answered before the stop, and is one more out?
    for (answered, out, expected) in [
        (0, false, ["503", "503", "503", "400", "503", "503"]),
        (0, true, ["503", "503", "503", "400", "503", "503"]),
        (1, false, ["503", "503", "201", "400", "503", "503"]),
        (2, false, ["503", "503", "201", "400", "503", "503"]),
        (2, true, ["503", "503", "201", "400", "503", "503"]),
        (3, false, ["503", "201", "201", "400", "503", "503"]),
        (4, false, ["201", "201", "201", "400", "503", "503"]),
        (6, true, ["201", "201", "201", "400", "503", "201"]),
        (7, false, ["201", "201", "201", "400", "201", "201"]),
    ] {
        let (mut memory, mut run) = (Memory::default(), Run::new(request(operations.clone())));
        for _ in 0..answered {
            let call = run.next_call().expect("a call");
            let result = memory.carry_out(call);
            run.finish(result);
        }
        if out {
            run.next_call();
        }
        run.stop_with(&ScimError::new(503, "No time."));
        assert_eq!(run.next_call(), None);
        let answer = run.response(BASE, None)["Operations"].clone();
        assert_eq!(statuses(&answer), expected, "{answered} {out}: {:?}", memory.calls);
        let detail = answer[0]["response"]["detail"].as_str().unwrap_or_default();
        let wanted = match answered {
            0 | 1 => "No time.",
            2 | 3 => {
                "The resource was created without its references to bulkId:b; add them by a PATCH. No time."
            }
            _ => "",
        };
        assert_eq!(detail, wanted, "{answered}");
        assert_eq!(answer[0].get("location").is_some(), answered > 1, "{answered}");
    }
}

#[test]
fn large_circles_are_planned_whole() {
    let all: Vec<_> = (0..MAX_OPERATIONS).map(|index| index.to_string()).collect();
    let names: Vec<_> = all.iter().map(String::as_str).collect();
    let plan_of = |operations: Vec<Value>| plan(&request(operations.into()).operations);

    let next = |index: usize| names.get(index + 1).copied().unwrap_or("0");
    let ring = (0..names.len()).map(|index| group(names[index], &[next(index)]));
    assert_eq!(plan_of(ring.collect()).len(), MAX_OPERATIONS + 1);

    let some = &names[..200];
    let everyone_in_everyone = some.iter().map(|name| group(name, some));
    assert_eq!(plan_of(everyone_in_everyone.collect()).len(), 2 * some.len());
}
