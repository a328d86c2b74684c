//! Many changes in one request: each as if it had come alone.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{
    client::{Client, Reply, group, id, patch, user},
    world::World,
};

on_both!(
    a_request_of_every_kind,
    references_in_any_order,
    circles_are_closed,
    a_circle_that_cannot_be_closed,
    references_that_lead_nowhere,
    errors_are_counted,
    limits_are_named,
    as_many_operations_as_announced,
    versions_are_heeded,
    operations_that_are_none,
    each_as_if_it_had_come_alone,
    users_made_together,
    users_made_together_until_an_error,
    users_made_together_by_a_product_that_links,
    a_tenant_without_groups,
    the_trail_names_the_request,
    who_may_not_write,
);

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn bulk(operations: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    })
}

fn post(endpoint: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": endpoint, "bulkId": bulk_id, "data": data})
}

/// Sends operations and gives what is told of each; checks what holds for every answer.
async fn send(client: &Client, operations: Value) -> Vec<Value> {
    told(&client.post("/Bulk", &bulk(operations)).await)
}

#[track_caller]
fn told(reply: &Reply) -> Vec<Value> {
    let answer = reply.expect(200);
    assert_eq!(answer["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    let operations = answer["Operations"].as_array().expect("Operations").clone();
    for operation in &operations {
        let status = operation["status"].as_str().unwrap_or_else(|| panic!("a text: {operation}"));
        let failed = status.starts_with(['4', '5']);
        assert_eq!(operation.get("response").is_some(), failed, "{operation}");
        if failed {
            let response = &operation["response"];
            assert_eq!(response["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
            assert_eq!(response["status"], status, "{operation}");
            let request = format!(" (request id {})", reply.header("x-request-id"));
            let detail = response["detail"].as_str().and_then(|detail| detail.strip_suffix(&request));
            assert!(detail.is_some_and(|detail| !detail.is_empty()), "{operation}");
        }
    }
    operations
}

#[track_caller]
fn statuses(operations: &[Value]) -> Vec<&str> {
    operations.iter().map(|operation| operation["status"].as_str().expect("a text")).collect()
}

/// What stands at an operation's location, read as any client reads it.
async fn at(client: &Client, operation: &Value) -> Value {
    let location = operation["location"].as_str().unwrap_or_else(|| panic!("no location: {operation}"));
    let base = format!("https://{}{}", client.host, client.base);
    client.get(location.strip_prefix(&base).expect("below the base URL")).await.expect(200)
}

fn member_ids(group: &Value) -> Vec<String> {
    let mut ids: Vec<String> = group["members"].as_array().into_iter().flatten().map(value).collect();
    ids.sort();
    ids
}

fn value(member: &Value) -> String {
    member["value"].as_str().expect("an id").to_owned()
}

fn sorted<const N: usize>(ids: [String; N]) -> Vec<String> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids
}

async fn a_request_of_every_kind(world: World) {
    let okta = world.tenant("acme").await;
    let [old, gone] = [okta.create_user("old@example.com").await, okta.create_user("gone@example.com").await];
    let sales = okta.create_group("Sales", &[&id(&gone)]).await;
    let in_vain = okta.create_group("Vain", &[]).await;
    let (old_path, sales_path) = (format!("/Users/{}", id(&old)), format!("/Groups/{}", id(&sales)));
    let (mut replacement, mut renamed) = (user("old@example.com"), group("Sales II", &[&id(&old)]));
    replacement["title"] = "Boss".into();
    renamed["externalId"] = "x".into();
    let operations = send(
        &okta,
        json!([
            post("/Groups", "staff", group("Staff", &["bulkId:ann", "bulkId:bob", &id(&old)])),
            post("/Users", "ann", user("ann@example.com")),
            {"method": "post", "path": "Users/", "bulkId": "bob", "data": user("bob@example.com")},
            {"method": "PUT", "path": old_path, "version": old["meta"]["version"], "data": replacement},
            {"method": "PATCH", "path": old_path, "bulkId": "mine",
             "data": patch(json!([{"op": "replace", "path": "nickName", "value": "Oldie"}]))},
            {"method": "PUT", "path": sales_path, "data": renamed},
            {"method": "PATCH", "path": sales_path,
             "data": patch(json!([{"op": "add", "path": "members", "value": [{"value": "bulkId:ann"}]}]))},
            {"method": "DELETE", "path": format!("/Users/{}", id(&gone)), "version": gone["meta"]["version"]},
            {"method": "DELETE", "path": format!("/Groups/{}", id(&in_vain))},
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["201", "201", "201", "200", "200", "200", "200", "204", "204"]);
    let keys: Vec<_> = operations[1].as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["location", "method", "bulkId", "version", "status"]);
    assert_eq!(operations[1]["bulkId"], "ann");
    assert_eq!(operations[4]["bulkId"], "mine");
    assert_eq!(operations[2]["method"], "POST");

    for (created, name) in [(1, "ann@example.com"), (2, "bob@example.com")] {
        let user = at(&okta, &operations[created]).await;
        assert_eq!(user["userName"], name);
        assert_eq!(user["meta"]["location"], operations[created]["location"]);
        assert_eq!(user["meta"]["version"], operations[created]["version"]);
    }
    let [ann, bob] = [at(&okta, &operations[1]).await, at(&okta, &operations[2]).await];
    let staff = at(&okta, &operations[0]).await;
    assert_eq!(member_ids(&staff), sorted([id(&ann), id(&bob), id(&old)]));
    assert_eq!(staff["meta"]["version"], operations[0]["version"]);
    let changed = at(&okta, &operations[4]).await;
    assert_eq!((&changed["title"], &changed["nickName"]), (&json!("Boss"), &json!("Oldie")));
    assert_eq!(changed["meta"]["version"], operations[4]["version"]);
    assert_ne!(operations[3]["version"], operations[4]["version"]);
    let sales = at(&okta, &operations[6]).await;
    assert_eq!(sales["displayName"], "Sales II");
    assert_eq!(member_ids(&sales), sorted([id(&old), id(&ann)]));
    for deleted in [7, 8] {
        assert_eq!(operations[deleted].get("version"), None);
        let location = operations[deleted]["location"].as_str().expect("a location");
        okta.get(location.split_once("/scim/v2").expect("the base URL").1).await.expect_error(404, "");
    }
}

async fn references_in_any_order(world: World) {
    let okta = world.tenant("acme").await;
    let mut report = user("report@example.com");
    report[MANAGER] = json!({"manager": {"value": "bulkId:boss"}});
    let operations = send(
        &okta,
        json!([
            {"method": "PATCH", "path": "/Users/bulkId:boss",
             "data": patch(json!([{"op": "add", "path": "title", "value": "Boss"}]))},
            {"method": "PATCH", "path": "/Groups/bulkId:inner",
             "data": patch(json!([{"op": "add", "path": "members", "value": [{"value": "bulkId:report"}]}]))},
            post("/Groups", "outer", group("Outer", &["bulkId:inner", "bulkId:boss"])),
            post("/Groups", "inner", group("Inner", &[])),
            post("/Users", "report", report),
            {"method": "DELETE", "path": "/Users/bulkId:short"},
            post("/Users", "boss", user("boss@example.com")),
            post("/Users", "short", user("short@example.com")),
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["200", "200", "201", "201", "201", "204", "201", "201"]);
    let boss = at(&okta, &operations[6]).await;
    assert_eq!(boss["title"], "Boss");
    assert_eq!(operations[0]["location"], operations[6]["location"]);
    let report = at(&okta, &operations[4]).await;
    assert_eq!(report[MANAGER]["manager"]["value"], boss["id"]);
    let inner = at(&okta, &operations[3]).await;
    assert_eq!(member_ids(&inner), [id(&report)]);
    assert_eq!(member_ids(&at(&okta, &operations[2]).await), sorted([id(&inner), id(&boss)]));
    assert_eq!(operations[5]["location"], operations[7]["location"]);
    okta.filter("/Users", "userName eq \"short@example.com\"").await.expect(200);
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 2);
}

async fn circles_are_closed(world: World) {
    let okta = world.tenant("acme").await;
    let managed = |name: &str, manager: &str| {
        let mut user = user(name);
        user[MANAGER] = json!({"manager": {"value": manager}});
        user
    };
    let operations = send(
        &okta,
        json!([
            post("/Groups", "a", group("A", &["bulkId:b", "bulkId:ann"])),
            post("/Groups", "b", group("B", &["bulkId:a"])),
            post("/Users", "ann", managed("ann@example.com", "bulkId:bob")),
            post("/Users", "bob", managed("bob@example.com", "bulkId:ann")),
            post("/Users", "self", managed("self@example.com", "bulkId:self")),
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["201"; 5]);
    let mut now = Vec::new();
    for operation in &operations {
        let resource = at(&okta, operation).await;
        assert_eq!(resource["meta"]["version"], operation["version"], "{operation}");
        now.push(resource);
    }
    assert_eq!(member_ids(&now[0]), sorted([id(&now[1]), id(&now[2])]));
    assert_eq!(member_ids(&now[1]), [id(&now[0])]);
    assert_eq!(now[2][MANAGER]["manager"]["value"], now[3]["id"]);
    assert_eq!(now[3][MANAGER]["manager"]["value"], now[2]["id"]);
    assert_eq!(now[4][MANAGER]["manager"]["value"], now[4]["id"]);
}

async fn a_circle_that_cannot_be_closed(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_group("Taken", &[]).await;
    let operations = send(
        &okta,
        json!([
            post("/Groups", "a", group("A", &["bulkId:b"])),
            post("/Groups", "b", group("Taken", &["bulkId:a"])),
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["409", "409"]);
    assert_eq!(operations[1].get("location"), None);
    assert_eq!(operations[1]["response"]["scimType"], "uniqueness");
    let detail = operations[0]["response"]["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("The resource was created without its references to bulkId:b"), "{detail}");
    assert_eq!(at(&okta, &operations[0]).await["displayName"], "A");
}

async fn references_that_lead_nowhere(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("taken@example.com").await;
    let operations = send(
        &okta,
        json!([
            post("/Groups", "a", group("A", &["bulkId:nobody"])),
            post("/Groups", "b", group("B", &["bulkId:a"])),
            {"method": "PATCH", "path": "/Users/bulkId:nobody", "data": patch(json!([]))},
            {"method": "DELETE", "path": "/Groups/bulkId:b"},
            post("/Users", "taken", user("taken@example.com")),
            post("/Groups", "c", group("C", &["bulkId:taken"])),
            post("/Groups", "d", group("D", &[])),
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["409", "409", "409", "409", "409", "409", "201"]);
    for at in [0, 1, 4, 5] {
        assert_eq!(operations[at].get("location"), None, "a failed POST: {}", operations[at]);
    }
    for at in [2, 3, 6] {
        assert!(operations[at]["location"].is_string(), "{}", operations[at]);
    }
    let groups = okta.get("/Groups").await.expect(200);
    assert_eq!(groups["totalResults"], 1);
    assert_eq!(groups["Resources"][0]["displayName"], "D");
}

async fn errors_are_counted(world: World) {
    for (limit, expected) in [
        (json!(1), vec!["201", "409"]),
        (json!(2), vec!["201", "409", "201", "400"]),
        (json!(3), vec!["201", "409", "201", "400", "201"]),
        (Value::Null, vec!["201", "409", "201", "400", "201"]),
    ] {
        let okta = world.tenant(&format!("after-{limit}")).await;
        let mut body = bulk(json!([
            post("/Users", "1", user("ann@example.com")),
            post("/Users", "2", user("ANN@example.com")),
            post("/Users", "3", user("bob@example.com")),
            {"method": "GET", "path": "/Users/1"},
            post("/Users", "4", user("cid@example.com")),
        ]));
        body["failOnErrors"] = limit.clone();
        let operations = told(&okta.post("/Bulk", &body).await);
        assert_eq!(statuses(&operations), expected, "{limit}");
        let created = expected.iter().filter(|status| **status == "201").count();
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], created, "{limit}");
    }
}

async fn limits_are_named(world: World) {
    let okta = world.tenant("acme").await;
    let one = json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": user("a@example.com")});
    let detail = okta.post("/Bulk", &bulk(vec![one; 1001].into())).await.expect_error(413, "");
    assert!(detail.contains("maxOperations, 1000"), "{detail}");

    // Not even JSON: the size is looked at first, announced or not.
    let large = vec![b'{'; 4 * 1024 * 1024 + 1];
    let mut announced = okta.request("POST", "/Bulk", None);
    announced.headers_mut().insert("content-length", large.len().into());
    let mut streamed = okta.request("POST", "/Bulk", None);
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
        large.chunks(65_536).map(|it| Ok(it.to_vec())).collect();
    *streamed.body_mut() = Body::from_stream(futures::stream::iter(chunks));
    for request in [announced, streamed] {
        let detail = okta.send(request).await.expect_error(413, "");
        assert!(detail.contains("maxPayloadSize, 4194304 bytes"), "{detail}");
    }
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 0);

    for (body, scim_type) in [
        (json!([]), "invalidSyntax"),
        (bulk(json!([])), "invalidSyntax"),
        (
            json!({"schemas": ["urn:x"], "Operations": [{"method": "DELETE", "path": "/Users/1"}]}),
            "invalidSyntax",
        ),
        (
            json!({"failOnErrors": 0, "Operations": [{"method": "DELETE", "path": "/Users/1"}]}),
            "invalidValue",
        ),
    ] {
        okta.post("/Bulk", &body).await.expect_error(400, scim_type);
    }
}

async fn as_many_operations_as_announced(world: World) {
    let okta = world.tenant("acme").await;
    let most = okta.get("/ServiceProviderConfig").await.expect(200)["bulk"]["maxOperations"].clone();
    let most = usize::try_from(most.as_u64().expect("a number")).expect("small");
    let mut operations = vec![post("/Users", "a", user("a@example.com"))];
    operations.resize(most, json!({"method": "DELETE", "path": "/Users/nobody"}));
    let told = send(&okta, operations.into()).await;
    assert_eq!(told.len(), most);
    assert_eq!(told[0]["status"], "201");
    assert!(told[1..].iter().all(|operation| operation["status"] == "404"));
}

async fn versions_are_heeded(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("a@example.com").await;
    let path = format!("/Users/{}", id(&created));
    let title = |title: &str| patch(json!([{"op": "replace", "path": "title", "value": title}]));
    let now = okta.patch(&path, &title("New")).await.expect(200);
    let (stale, current) = (&created["meta"]["version"], &now["meta"]["version"]);
    let group = okta.create_group("G", &[]).await;
    let group_path = format!("/Groups/{}", id(&group));
    let operations = send(
        &okta,
        json!([
            {"method": "PATCH", "path": path, "version": stale, "data": title("Stale")},
            {"method": "PUT", "path": path, "version": stale, "data": user("a@example.com")},
            {"method": "DELETE", "path": path, "version": stale},
            {"method": "DELETE", "path": group_path, "version": "W/\"99\""},
            {"method": "PATCH", "path": path, "version": "no tag", "data": title("Stale")},
            {"method": "PATCH", "path": path, "version": current, "data": title("Newer")},
            {"method": "PATCH", "path": path, "version": current, "data": title("Stale again")},
            {"method": "PATCH", "path": path, "version": "*", "data": title("Newest")},
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["412", "412", "412", "412", "412", "200", "412", "200"]);
    assert_eq!(operations[0].get("version"), None);
    let last = okta.get(&path).await.expect(200);
    assert_eq!(last["title"], "Newest");
    assert_eq!(last["meta"]["version"], operations[7]["version"]);
    okta.get(&group_path).await.expect(200);
}

async fn operations_that_are_none(world: World) {
    let okta = world.tenant("acme").await;
    let user_id = id(&okta.create_user("a@example.com").await);
    let nobody = store::UserId::generate();
    let operations = send(
        &okta,
        json!([
            {"method": "POST", "path": "/Users", "data": user("b@example.com")},
            {"method": "GET", "path": format!("/Users/{user_id}")},
            {"method": "PATCH", "path": format!("/Users/{user_id}")},
            {"method": "DELETE", "path": "/Users"},
            {"method": "POST", "path": format!("/Users/{user_id}"), "bulkId": "x", "data": user("b@example.com")},
            {"method": "DELETE", "path": "/Devices/1"},
            {"method": "DELETE", "path": format!("/Users/{nobody}")},
            {"method": "PATCH", "path": format!("/Groups/{user_id}"), "data": patch(json!([{"op": "add", "value": {"displayName": "X"}}]))},
            {"method": "DELETE", "path": "/Me"},
            {"method": "POST", "path": "/Bulk", "bulkId": "y", "data": {}},
            post("/Users", "same", user("b@example.com")),
            post("/Users", "same", user("c@example.com")),
            7,
        ]),
    )
    .await;
    let expected =
        ["400", "400", "400", "405", "405", "404", "404", "404", "404", "404", "400", "400", "400"];
    assert_eq!(statuses(&operations), expected);
    assert!(operations[0]["response"]["detail"].as_str().is_some_and(|detail| detail.contains("bulkId")));
    let users = okta.get("/Users").await.expect(200);
    assert_eq!(users["totalResults"], 1, "nothing was made or deleted: {users}");
}

async fn each_as_if_it_had_come_alone(world: World) {
    let okta = world.tenant("acme").await;
    let mut odd = user("odd@example.com");
    odd["active"] = "False".into();
    odd["password"] = "secret-of-the-client".into();
    odd["nonsense"] = "dropped".into();
    let reply = okta
        .post(
            "/Bulk",
            &bulk(json!([
                post("/Users", "odd", odd),
                post("/Users", "no-name", json!({"displayName": "Nobody"})),
                post("/Groups", "g", group("G", &["bulkId:odd", "no such member"])),
                {"method": "PATCH", "path": "/Groups/bulkId:g",
                 "data": patch(json!([{"op": "replace", "path": "nonsense", "value": 1}]))},
                {"method": "PATCH", "path": "/Groups/bulkId:g", "data": patch(json!([
                    {"op": "Remove", "path": "members", "value": [{"value": "bulkId:odd"}]},
                ]))},
            ])),
        )
        .await;
    assert!(!reply.text.contains("secret-of-the-client") && !reply.text.contains("members\":"), "{reply:?}");
    let operations = told(&reply);
    assert_eq!(statuses(&operations), ["201", "400", "201", "400", "200"]);
    assert_eq!(operations[1]["response"]["scimType"], "invalidValue");
    assert_eq!(operations[3]["response"]["scimType"], "invalidPath");
    let odd = at(&okta, &operations[0]).await;
    assert_eq!((&odd["active"], odd.get("nonsense")), (&json!(false), None));
    assert!(member_ids(&at(&okta, &operations[2]).await).is_empty());
}

/// POSTs of users, made together where that can be: each answered as when it comes alone.
async fn users_made_together(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("there@example.com").await;
    let named = |name: &str| post("/Users", name, user(&format!("{name}@example.com")));
    let mut managed = user("managed@example.com");
    managed[MANAGER] = json!({"manager": {"value": "bulkId:ann"}});
    let mut twice = user("ANN@example.com");
    twice["title"] = "Second".into();
    let mut dropped = user("dropped@example.com");
    dropped["nonsense"] = "x".into();
    let operations = send(
        &okta,
        json!([
            named("ann"),
            post("/Users", "wrong", json!({"userName": "wrong@example.com", "active": "perhaps"})),
            named("bo"),
            named("there"),
            post("/Users", "twice", twice),
            post("/Users", "managed", managed),
            post("/Users", "dropped", dropped),
            {"method": "DELETE", "path": "/Users/bulkId:bo"},
            post("/Users", "bo2", user("bo@example.com")),
            named("last"),
        ]),
    )
    .await;
    let expected = ["201", "400", "201", "409", "409", "201", "201", "204", "201", "201"];
    assert_eq!(statuses(&operations), expected, "who is deleted leaves the name to whoever comes after");
    for (at, scim_type, path) in
        [(1, "invalidValue", "active: "), (3, "uniqueness", "userName"), (4, "uniqueness", "userName")]
    {
        let response = &operations[at]["response"];
        assert_eq!(response["scimType"], scim_type, "{response}");
        assert!(response["detail"].as_str().is_some_and(|detail| detail.contains(path)), "{response}");
        assert_eq!((operations[at].get("location"), operations[at].get("version")), (None, None));
    }
    for name in ["ann", "managed", "dropped", "last"] {
        let operation = operations.iter().find(|operation| operation["bulkId"] == name).expect("told");
        let read = at(&okta, operation).await;
        assert_eq!(read["userName"], format!("{name}@example.com"));
        assert_eq!(read["meta"]["version"], operation["version"], "{operation}");
        let trail = world.scope(&okta).await.audit(read["id"].as_str(), 10).await.expect("audit");
        assert_eq!(trail.iter().map(|row| row.event.as_str()).collect::<Vec<_>>(), ["user.created"]);
        let noted = trail[0].payload.as_ref().is_some_and(|payload| payload.get("notes").is_some());
        assert_eq!(noted, name == "dropped");
    }
    let managed = at(&okta, &operations[5]).await;
    assert_eq!(managed[MANAGER]["manager"]["value"], at(&okta, &operations[0]).await["id"]);
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 6);
}

async fn users_made_together_until_an_error(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("there@example.com").await;
    let named = |name: &str| post("/Users", name, user(&format!("{name}@example.com")));
    let wrong = || post("/Users", "wrong", json!({"userName": "", "active": "perhaps"}));
    for (limit, operations, expected, total) in [
        (1, json!([named("a"), named("b"), named("c")]), &["201", "201", "201"][..], 4),
        (1, json!([named("d"), named("there"), named("e")]), &["201", "409"], 5),
        (1, json!([named("f"), wrong(), named("g")]), &["201", "400"], 6),
        (2, json!([named("there"), named("h"), wrong(), named("i")]), &["409", "201", "400"], 7),
        (3, json!([named("there"), named("k"), wrong(), named("l")]), &["409", "201", "400", "201"], 9),
    ] {
        let mut body = bulk(operations);
        body["failOnErrors"] = limit.into();
        let told = told(&okta.post("/Bulk", &body).await);
        assert_eq!(statuses(&told), expected, "{limit}");
        assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], total);
    }
}

async fn users_made_together_by_a_product_that_links(world: World) {
    let okta = world.tenant_of("mdscripts", "clinic").await;
    let there = okta.create_user("there@example.com").await;
    let with_zone = |name: &str, bulk_id: &str, zone: &str| {
        let mut body = user(&format!("{name}@example.com"));
        body["timezone"] = zone.into();
        post("/Users", bulk_id, body)
    };
    let operations = send(
        &okta,
        json!([
            with_zone("ann", "1", "US/Eastern"),
            with_zone("there", "2", "US/Central"),
            with_zone("ann", "3", "US/Pacific"),
            with_zone("bo", "4", "UTC"),
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["201", "201", "201", "201"]);
    assert_eq!(operations[0]["location"], operations[2]["location"], "the same user");
    let (ann, linked) = (at(&okta, &operations[2]).await, at(&okta, &operations[1]).await);
    assert_eq!((&ann["timezone"], &linked["timezone"]), (&json!("US/Pacific"), &json!("US/Central")));
    assert_eq!(id(&linked), id(&there));
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 3);
}

async fn a_tenant_without_groups(world: World) {
    let epic = world.tenant_of("epic-emp", "epic").await;
    let created = epic.create_user("a@example.com").await;
    let operations = send(
        &epic,
        json!([
            post("/Groups", "g", group("G", &[])),
            {"method": "DELETE", "path": format!("/Users/{}", id(&created))},
        ]),
    )
    .await;
    assert_eq!(statuses(&operations), ["404", "204"]);
    // This product deactivates.
    assert_eq!(at(&epic, &operations[1]).await["active"], false);
}

async fn the_trail_names_the_request(world: World) {
    let okta = world.tenant("acme").await;
    let body = bulk(json!([
        post("/Users", "a", user("a@example.com")),
        post("/Groups", "g", group("G", &["bulkId:a"])),
        {"method": "DELETE", "path": "/Users/bulkId:a"},
    ]));
    let reply = okta.call_with("POST", "/Bulk", Some(&body), ("x-request-id", "bulk-1")).await;
    assert_eq!(statuses(&told(&reply)), ["201", "201", "204"]);
    let trail = world.scope(&okta).await.audit(None, 100).await.expect("audit");
    let mut events: Vec<_> =
        trail.iter().filter(|row| row.cause == "bulk-1").map(|row| row.event.as_str()).collect();
    events.sort_unstable();
    for event in ["group.created", "user.created", "user.deleted"] {
        assert!(events.contains(&event), "{events:?}");
    }
}

async fn who_may_not_write(world: World) {
    let okta = world.tenant("acme").await;
    let reader = world.client("acme", "scim:read").await;
    let body = bulk(json!([post("/Users", "a", user("a@example.com"))]));
    assert!(reader.post("/Bulk", &body).await.expect_error(403, "").contains("scope"));
    reader.with_authorization(None).post("/Bulk", &body).await.expect_error(401, "");
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 0);
    okta.get("/Bulk").await.expect_error(405, "");
}
