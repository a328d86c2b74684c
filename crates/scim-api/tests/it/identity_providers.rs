//! What identity providers send beyond the letter of the protocol, and what must come of it.

use serde_json::{Value, json};

use crate::{
    client::{Client, at, id, user},
    profiles::{ENTERPRISE, GROUP, USER, X, every_kind},
    world::World,
};

on_both!(
    okta_bodies,
    okta_custom_attributes,
    okta_look_ups,
    entra_bodies,
    entra_paths,
    entra_managers,
    entra_groups,
    ping_jumpcloud_sailpoint_and_others,
);

async fn created(okta: &Client, body: &Value) -> Value {
    okta.post("/Users", body).await.expect(201)
}

async fn okta_bodies(world: World) {
    let okta = world.tenant("acme").await;
    // Always there: `groups: []` and a password, which may be as short as it likes.
    let mut body = user("okta@x");
    body["password"] = json!("1");
    body["active"] = json!(false);
    let answer = created(&okta, &body).await;
    assert_eq!(answer["active"], false, "said when false, too");
    assert_eq!((&answer["externalId"], &answer["groups"]), (&json!("00u1example"), &json!([])));
    // Nothing is checked for its form: that is for a product's profile.
    let mut odd = user("Runscope300 Qwerty123");
    odd["emails"] = json!([{"value": "no address", "type": "Work!", "primary": true}]);
    odd["locale"] = json!("RJWNTUNNOHNZ");
    odd["profileUrl"] = json!("BAPNQLJSRQGD");
    odd["phoneNumbers"] = json!([{"value": "10-040-1308", "type": "pager"}]);
    odd["addresses"] = json!([{"country": "United States of America", "type": "work"}]);
    let kept = created(&okta, &odd).await;
    for name in ["emails", "locale", "profileUrl", "phoneNumbers", "addresses"] {
        assert_eq!(kept[name], odd[name], "{name}");
    }
    // A wizard app's read-modify-write: our own answer with one value laid over, and a formatted name gone stale.
    let path = format!("/Users/{}", id(&kept));
    let mut echo = kept.clone();
    echo["name"]["familyName"] = json!("New");
    echo["name"]["formatted"] = json!("Given Family");
    echo["unknown"] = json!({"a": []});
    let changed = okta.put(&path, &echo).await.expect(200);
    assert_eq!(changed["name"]["familyName"], "New");
    assert_eq!((&changed["id"], &changed["emails"]), (&kept["id"], &kept["emails"]));
}

async fn okta_custom_attributes(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let with = |extension: Value| {
        let mut body = user("custom@x");
        body["schemas"] = json!([USER, X]);
        body[X] = extension;
        body
    };
    let path = format!("/Users/{}", id(&created(&okta, &user("custom@x")).await));
    for (sent, name, kept) in [
        (json!({"flag": true}), "flag", json!(true)),
        (json!({"flag": "true"}), "flag", json!(true)),
        (json!({"flag": "FALSE"}), "flag", json!(false)),
        (json!({"flag": ""}), "flag", json!(null)),
        (json!({"count": 12}), "count", json!(12)),
        (json!({"count": "12"}), "count", json!(12)),
        (json!({"count": ""}), "count", json!(null)),
        (json!({"siteNumbers": ["12", "17"]}), "siteNumbers", json!(["12", "17"])),
        (json!({"siteNumbers": [12, "17", "12"]}), "siteNumbers", json!(["12", "17"])),
        (json!({"siteNumbers": " 12 ,17,, 12,"}), "siteNumbers", json!(["12", "17"])),
        (json!({"siteNumbers": "12"}), "siteNumbers", json!(["12"])),
        (json!({"siteNumbers": ","}), "siteNumbers", json!(null)),
        (json!({"siteNumbers": ""}), "siteNumbers", json!(null)),
        (json!({"siteNumbers": []}), "siteNumbers", json!(null)),
        (json!({"code": "", "since": null}), "code", json!(null)),
        (json!({}), "code", json!(null)),
        (json!(null), "code", json!(null)),
    ] {
        let answer = okta.put(&path, &with(sent.clone())).await.expect(200);
        assert_eq!(at(&answer, &format!("/X/{name}")), kept, "{sent}");
        let listed = answer["schemas"].as_array().expect("schemas").contains(&json!(X));
        assert_eq!(listed, !kept.is_null(), "{sent}");
    }
    // A computed type may be empty, and a namespace may be misspelt: the user is kept all the same.
    let mut body = with(json!({"code": "c"}));
    body["emails"] = json!([{"value": "e@x", "type": "", "primary": true}]);
    body["urn:exmaple:typo:2.0:User"] = json!({"code": "d"});
    let answer = okta.put(&path, &body).await.expect(200);
    assert_eq!(answer["emails"], json!([{"value": "e@x", "primary": true}]));
    assert_eq!(at(&answer, "/X/code"), "c");
    // Empty values in every core attribute of the default mapping are no error (C9337).
    let mut empty = user("custom@x");
    for name in ["title", "userType", "preferredLanguage", "timezone", "locale", "displayName", "nickName"] {
        empty[name] = json!("");
    }
    empty["phoneNumbers"] = json!([{"value": "", "type": "work", "primary": true}]);
    empty["addresses"] = json!([{"streetAddress": "", "type": "work"}]);
    empty[ENTERPRISE] = json!({"employeeNumber": "", "manager": {"value": ""}});
    let answer = okta.put(&path, &empty).await.expect(200);
    assert!(
        answer.get("title").is_none()
            && answer.get("phoneNumbers").is_none()
            && answer.get(ENTERPRISE).is_none()
    );
}

async fn okta_look_ups(world: World) {
    let okta = world.tenant("acme").await;
    let mut body = user("U@d.com");
    body["active"] = json!(false);
    created(&okta, &body).await;
    created(&okta, &user("other@d.com")).await;
    for (filter, total) in [
        ("userName eq \"u@d.com\"", 1),
        ("userName eq \"U@D.COM\"", 1),
        ("userName eq \"\"", 0),
        ("emails.value eq \"u@D.com\"", 1),
        ("emails eq \"u@d.com\"", 1),
        ("userName eq \"nobody@d.com\"", 0),
        ("displayName eq \"given family\"", 2),
    ] {
        let path = format!("/Users?filter={}&startIndex=1&count=100", crate::client::encode(filter));
        let list = okta.get(&path).await.expect(200);
        assert_eq!(list["totalResults"], total, "{filter}");
        for number in ["totalResults", "startIndex", "itemsPerPage"] {
            assert!(list[number].is_u64(), "{number} is a number");
        }
    }
}

async fn entra_bodies(world: World) {
    let entra = world.tenant("acme").await;
    // The present form: enterprise URN without an object, `meta`, an empty list.
    let body = json!({
        "schemas": [USER, ENTERPRISE], "externalId": "0a21f0f2", "userName": "Test_User@x", "active": true,
        "emails": [{"primary": true, "type": "work", "value": "t@x"}], "meta": {"resourceType": "User"},
        "name": {"formatted": "given family", "familyName": "family", "givenName": "given"}, "roles": [],
    });
    let answer = created(&entra, &body).await;
    assert_eq!((&answer["schemas"], answer.get("roles")), (&json!([USER]), None));
    assert_eq!(answer["name"], body["name"]);
    // The older form: nulls everywhere, a malformed URN, enterprise attributes at the top level.
    let older = json!({
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"], "externalId": "jyoung",
        "userName": "jyoung@x", "active": "True", "addresses": null, "displayName": "Joy Young",
        "emails": [{"type": "work", "value": "joyoung@x", "primary": true}], "meta": {"resourceType": "User"},
        "name": {"familyName": "Young", "givenName": "Joy"}, "phoneNumbers": null, "preferredLanguage": null,
        "title": null, "department": "Sales", "manager": null,
    });
    let answer = created(&entra, &older).await;
    assert_eq!((&answer["active"], at(&answer, "/E/department")), (&json!(true), json!("Sales")));
    let nulls = answer.as_object().expect("an object").values().filter(|value| value.is_null()).count();
    assert_eq!(nulls, 0);
    // An extension that is not in `schemas`, and a role that is primary by text.
    let body = json!({
        "schemas": [USER], "userName": "ext@x", (ENTERPRISE): {"department": "D"},
        "roles": [{"primary": "True", "value": "{\"id\":\"1\",\"value\":\"r\"}", "display": "R", "type": "WindowsAzureActiveDirectoryRole"}],
    });
    let answer = created(&entra, &body).await;
    assert_eq!(answer["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(answer["roles"][0]["primary"], true);
    assert_eq!(answer["roles"][0]["value"], "{\"id\":\"1\",\"value\":\"r\"}");
    // No more than the validator's smallest user; its look-up by e-mail with a value path; its test of the connection.
    created(&entra, &json!({"schemas": [USER], "userName": "small@x"})).await;
    assert_eq!(entra.found("/Users", "emails[type eq \"work\"].value eq \"JOYOUNG@x\"").await, ["jyoung@x"]);
    assert_eq!(entra.found("/Users", "externalId eq \"0A21F0F2\"").await, [""; 0], "externalId regards case");
    let probe = entra.found("/Users", "userName eq \"9b2f0b56-5a5f-4c5e-a1c1-3f0d0a2f7f11\"").await;
    assert_eq!(probe, [""; 0]);
    entra.filter("/Users", "externalId eq jyoung").await.expect_error(400, "invalidFilter");
}

async fn entra_paths(world: World) {
    let entra = world.tenant("acme").await;
    let department = format!("{ENTERPRISE}:department");
    // What is done to a new user without e-mail; where to look, and what is there.
    let table: Vec<(Value, &str, Value)> = vec![
        (json!([{"op": "Replace", "path": "active", "value": "False"}]), "/active", json!(false)),
        (json!([{"op": "Add", "path": "active", "value": "true"}]), "/active", json!(true)),
        (
            json!([{"op": "Add", "path": "emails[type eq \"work\"].value", "value": "w@x"}]),
            "/emails",
            json!([{"value": "w@x", "type": "work"}]),
        ),
        (
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "w@x"}]),
            "/emails",
            json!([{"value": "w@x", "type": "work"}]),
        ),
        (
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "w@x"},
                   {"op": "Replace", "path": "emails[type eq \"work\"].primary", "value": "True"}]),
            "/emails",
            json!([{"value": "w@x", "type": "work", "primary": true}]),
        ),
        (
            json!([{"op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "1 Street"},
                   {"op": "Add", "path": "addresses[type eq \"work\"].Country", "value": "US"}]),
            "/addresses",
            json!([{"formatted": "1 Street", "country": "US", "type": "work"}]),
        ),
        (
            json!([{"op": "Add", "path": "addresses[type eq \"other\"].Formatted", "value": "2 Street"}]),
            "/addresses/0/formatted",
            json!("2 Street"),
        ),
        (
            json!([{"op": "Add", "path": "roles[primary eq \"True\"].display", "value": "D"},
                   {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "v"},
                   {"op": "Add", "path": "roles[primary eq \"True\"].type", "value": "t"}]),
            "/roles",
            json!([{"value": "v", "display": "D", "type": "t", "primary": true}]),
        ),
        (
            json!([{"op": "Add", "path": "roles", "value": [{"value": "{\"id\":1}"}]}]),
            "/roles/0/value",
            json!("{\"id\":1}"),
        ),
        (
            json!([{"op": "Replace", "value": {
                "displayName": "N", "name.givenName": "G", "name.familyName": "F", (department.clone()): "D",
                "emails[type eq \"work\"].value": "w@x", "active": "False",
            }}]),
            "/name",
            json!({"familyName": "F", "givenName": "G"}),
        ),
        (
            json!([{"op": "add", "value": {(department.clone()): "D", "displayName": "N"}}]),
            "/E/department",
            json!("D"),
        ),
        (
            json!([{"op": "add", "value": {(ENTERPRISE): {"department": "D"}}}]),
            "/E",
            json!({"department": "D"}),
        ),
        (json!([{"op": "Add", "path": department, "value": "D"}]), "/E/department", json!("D")),
        (
            json!([{"op": "Add", "path": format!("{ENTERPRISE}.department"), "value": "D"}]),
            "/E/department",
            json!("D"),
        ),
        (json!([{"op": "Add", "path": "Department", "value": "D"}]), "/E/department", json!("D")),
        // Several operations on one attribute, in order.
        (
            json!([{"op": "Add", "path": "title", "value": "a"}, {"op": "Remove", "path": "title"},
                   {"op": "Replace", "path": "title", "value": "b"}]),
            "/title",
            json!("b"),
        ),
    ];
    for (n, (operations, pointer, wanted)) in table.into_iter().enumerate() {
        let path = format!(
            "/Users/{}",
            id(&created(&entra, &json!({"schemas": [USER], "userName": format!("p{n}@x")})).await)
        );
        let answer = entra.operate(&path, operations.clone()).await.expect(200);
        assert_eq!(at(&answer, pointer), wanted, "{operations}");
        assert_eq!(entra.get(&path).await.expect(200), answer, "{operations}");
    }
}

async fn entra_managers(world: World) {
    let entra = world.tenant("acme").await;
    let path = format!("/Users/{}", id(&created(&entra, &user("managed@x")).await));
    let long = format!("{ENTERPRISE}:manager");
    let url = "../Users/7";
    for target in ["manager", long.as_str()] {
        for op in ["Add", "Replace"] {
            for (value, kept) in [
                (json!("7"), json!({"value": "7"})),
                (json!({"value": "8"}), json!({"value": "8"})),
                (json!([{"$ref": url, "value": "9"}]), json!({"value": "9", "$ref": url})),
                (json!([{"$ref": null, "value": "7"}]), json!({"value": "7"})),
            ] {
                // Nobody needs to have that id: people arrive in any order.
                let answer = entra
                    .operate(&path, json!([{"op": op, "path": target, "value": value}]))
                    .await
                    .expect(200);
                assert_eq!(at(&answer, "/E/manager"), kept, "{op} {target} {value}");
            }
        }
        for removal in [
            json!({"op": "Replace", "path": target, "value": ""}),
            json!({"op": "Replace", "path": target, "value": {"value": ""}}),
            json!({"op": "Replace", "path": target, "value": null}),
            json!({"op": "Remove", "path": target}),
        ] {
            entra.operate(&path, json!([{"op": "add", "path": target, "value": "7"}])).await.expect(200);
            assert_eq!(entra.found("/Users", "manager eq \"7\"").await, ["managed@x"]);
            let answer = entra.operate(&path, json!([removal])).await.expect(200);
            assert!(answer.get(ENTERPRISE).is_none(), "{removal}: {answer}");
            assert_eq!(answer["schemas"], json!([USER]), "{removal}");
        }
    }
    entra.operate(&path, json!([{"op": "add", "path": "manager", "value": "7"}])).await.expect(200);
    let user_id = path.trim_start_matches("/Users/");
    for filter in [
        format!("id eq \"{user_id}\" and manager eq \"7\""),
        format!("manager eq \"7\" and id eq \"{user_id}\""),
    ] {
        let found = entra
            .get(&format!("/Users?filter={}&attributes=id", crate::client::encode(&filter)))
            .await
            .expect(200);
        assert_eq!(found["Resources"], json!([{"schemas": [USER, ENTERPRISE], "id": user_id}]));
    }
}

async fn entra_groups(world: World) {
    let entra = world.tenant("acme").await;
    let [a, b] = [id(&created(&entra, &user("a@x")).await), id(&created(&entra, &user("b@x")).await)];
    let body = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0", "displayName": "Staff", "meta": {"resourceType": "Group"},
    });
    let team = entra.post("/Groups", &body).await.expect(201);
    assert_eq!((&team["members"], &team["schemas"]), (&json!([]), &json!([GROUP])));
    let path = format!("/Groups/{}", id(&team));
    let quiet = format!("{path}?excludedAttributes=members");
    for (operation, wanted) in [
        (
            json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": a}, {"$ref": null, "value": b}]}),
            2,
        ),
        (json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": a}]}), 1),
        (json!({"op": "Remove", "path": "members", "value": []}), 1),
        (json!({"op": "Add", "path": "members", "value": [{"value": a}]}), 2),
        (json!({"op": "Remove", "path": format!("members[value eq \"{b}\"]")}), 1),
        (json!({"op": "Replace", "path": "members", "value": [{"value": b}]}), 1),
        (json!({"op": "Replace", "value": {"externalId": "other"}}), 1),
        (json!({"op": "Replace", "path": "displayName", "value": "Team"}), 1),
    ] {
        let answer = entra.operate(&path, json!([operation])).await.expect(200);
        assert_eq!(answer["members"].as_array().map(Vec::len), Some(wanted), "{operation}");
        assert!(entra.get(&quiet).await.expect(200).get("members").is_none());
    }
    // In and out again in one request.
    let operations = json!([
        {"op": "Add", "path": "members", "value": [{"value": a}]},
        {"op": "Remove", "path": "members", "value": [{"value": a}]},
    ]);
    assert_eq!(entra.operate(&path, operations).await.expect(200)["members"][0]["value"], b.as_str());
    let list = entra
        .get(&format!(
            "/Groups?excludedAttributes=members&filter={}",
            crate::client::encode("displayName eq \"TEAM\"")
        ))
        .await;
    let list = list.expect(200);
    assert_eq!(list["totalResults"], 1);
    assert!(list["Resources"][0].get("members").is_none());
    entra
        .post("/Groups", &json!({"schemas": [GROUP], "displayName": "tEAM"}))
        .await
        .expect_error(409, "uniqueness");
    assert_eq!(entra.delete(&path).await.status, 204);
    entra.delete(&path).await.expect_error(404, "");
}

async fn ping_jumpcloud_sailpoint_and_others(world: World) {
    let client = world.tenant("acme").await;
    let answer = created(&client, &user("ping@x")).await;
    let path = format!("/Users/{}", id(&answer));
    // PingOne: operators in any case. Rippling: by externalId.
    for filter in ["userName Eq \"ping@x\"", "emails Co \"PING\"", "externalId eq \"00u1example\""] {
        assert_eq!(client.found("/Users", filter).await, ["ping@x"], "{filter}");
    }
    // SailPoint switches by `add`.
    for active in [false, true] {
        let answer =
            client.operate(&path, json!([{"op": "add", "value": {"active": active}}])).await.expect(200);
        assert_eq!(answer["active"], active);
    }
    // Ping's SDK wraps the members to remove once more.
    let member = path.trim_start_matches("/Users/");
    let team = format!("/Groups/{}", id(&client.create_group("G", &[member]).await));
    let operations = json!([{"op": "remove", "path": "members", "value": {"members": [{"value": member}]}}]);
    assert_eq!(client.operate(&team, operations).await.expect(200)["members"], json!([]));
    // OneLogin's templates: texts for booleans, SCIM 1.0's URNs and names, `id: null`.
    let template = json!({
        "schemas": ["urn:scim:schemas:core:1.0", "urn:scim:schemas:extension:enterprise:1.0"], "id": null,
        "userName": "one@x", "active": "true", "name": {"givenName": "O", "familyName": "L"},
        "urn:scim:schemas:extension:enterprise:1.0": {"department": "D", "manager": {"managerId": "7"}},
    });
    let answer = client.call_with("POST", "/Users", Some(&template), ("user-agent", "")).await.expect(201);
    assert_eq!((&answer["active"], at(&answer, "/E/department")), (&json!(true), json!("D")));
    assert_eq!(at(&answer, "/E/manager/value"), "7");
    // JumpCloud makes a test user and a test group and removes them again.
    let answer = created(&client, &user("jumpcloud-test@x")).await;
    let group = client.create_group("jumpcloud-test", &[&id(&answer)]).await;
    assert_eq!(client.delete(&format!("/Groups/{}", id(&group))).await.status, 204);
    assert_eq!(client.delete(&format!("/Users/{}", id(&answer))).await.status, 204);
}
