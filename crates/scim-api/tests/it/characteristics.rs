//! Who may change an attribute, and when it is shown (RFC 7643 §2.2, §7; RFC 7644 §3.5, §3.9).

use serde_json::{Value, json};

use crate::{
    client::{Client, at, encode, group, id, patch, user},
    profiles::{ENTERPRISE, GROUP, USER, X, every_kind},
    world::World,
};

on_both!(
    read_only_is_ignored_in_bodies,
    read_only_is_refused_as_a_target,
    immutable_is_set_once,
    a_list_of_members_is_replaced_though_its_elements_are_fixed,
    a_password_is_in_no_answer,
    write_only_and_on_request,
    answers_are_cut_on_every_verb,
    both_parameters_exclude_each_other,
);

fn keys(answer: &Value) -> Vec<&str> {
    answer.as_object().expect("an object").keys().map(String::as_str).collect()
}

async fn read_only_is_ignored_in_bodies(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let forged = |mut body: Value| {
        body["id"] = json!("mine");
        body["meta"] =
            json!({"version": "W/\"99\"", "created": "1999-01-01T00:00:00Z", "resourceType": "Toad"});
        body["groups"] = json!([{"value": "g"}]);
        body[X] = json!({"rank": "general", "code": "c"});
        body["schemas"] = json!([USER, X]);
        body
    };
    let created = okta.post("/Users", &forged(user("ro@x"))).await.expect(201);
    assert_ne!(created["id"], "mine");
    assert_eq!(created["groups"], json!([]));
    assert_eq!(created["meta"]["resourceType"], "User");
    assert!(!created["meta"]["created"].as_str().expect("a time").starts_with("1999"));
    assert_eq!((at(&created, "/X/rank"), at(&created, "/X/code")), (Value::Null, json!("c")));
    let path = format!("/Users/{}", id(&created));
    let put = okta.put(&path, &forged(created.clone())).await.expect(200);
    assert_eq!(put, created, "nothing but read-only names differed");
    // Okta repeats the id in each value.
    let value = json!({"id": "mine", "meta": {"version": "x"}, "groups": [], "displayName": "New"});
    let patched = okta.operate(&path, json!([{"op": "replace", "value": value}])).await.expect(200);
    assert_eq!((&patched["id"], &patched["displayName"]), (&created["id"], &json!("New")));
    let team = okta.create_group("G", &[]).await;
    let value = json!({"id": "mine", "displayName": "H"});
    let path = format!("/Groups/{}", id(&team));
    let patched = okta.operate(&path, json!([{"op": "replace", "value": value}])).await.expect(200);
    assert_eq!((&patched["id"], &patched["displayName"]), (&team["id"], &json!("H")));
}

async fn read_only_is_refused_as_a_target(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let created = okta.create_user("ro@x").await;
    let path = format!("/Users/{}", id(&created));
    let rank = format!("{X}:rank");
    for target in [
        "id",
        "meta",
        "meta.version",
        "META.created",
        "groups",
        "groups.display",
        "groups[value eq \"g\"]",
        rank.as_str(),
    ] {
        for operation in [
            json!({"op": "add", "path": target, "value": "x"}),
            json!({"op": "replace", "path": target, "value": "x"}),
            json!({"op": "remove", "path": target}),
        ] {
            let refused = okta.operate(&path, json!([operation])).await.expect_error(400, "mutability");
            assert!(refused.contains("read-only"), "{refused}");
        }
    }
    assert_eq!(okta.get(&path).await.expect(200), created);
}

async fn immutable_is_set_once(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let created = okta.create_user("once@x").await;
    let path = format!("/Users/{}", id(&created));
    let (badge, key) = (format!("{X}:badge"), format!("{X}:home.key"));
    let set = json!([
        {"op": "add", "path": badge, "value": "1"},
        {"op": "add", "path": key, "value": "k"},
    ]);
    let first = okta.operate(&path, set.clone()).await;
    assert_eq!(at(&first.expect(200), "/X/badge"), "1", "it was empty");
    assert_eq!(okta.operate(&path, set).await.header("etag"), first.header("etag"), "the same again");
    let whole = okta.get(&path).await.expect(200);
    okta.put(&path, &whole).await.expect(200);

    for operation in [
        json!({"op": "replace", "path": badge, "value": "2"}),
        json!({"op": "add", "path": badge, "value": "2"}),
        json!({"op": "remove", "path": badge}),
        json!({"op": "replace", "value": {(X): {"badge": "2"}}}),
        json!({"op": "replace", "path": key, "value": "l"}),
        json!({"op": "remove", "path": format!("{X}:home")}),
        json!({"op": "remove", "path": X}),
    ] {
        let refused = okta.operate(&path, json!([operation])).await.expect_error(400, "mutability");
        assert!(refused.contains("badge") || refused.contains("home.key"), "{refused}");
    }
    let mut other = whole.clone();
    other[X]["badge"] = json!("2");
    okta.put(&path, &other).await.expect_error(400, "mutability");
    assert_eq!(okta.get(&path).await.expect(200), whole);
    // A PUT that leaves it out keeps it (RFC 7644 §3.5.1).
    let kept = okta.put(&path, &user("once@x")).await.expect(200);
    assert_eq!((at(&kept, "/X/badge"), at(&kept, "/X/home/key")), (json!("1"), json!("k")));
    // Set by POST, it is set.
    let mut body = user("other@x");
    body[X] = json!({"badge": "7"});
    body["schemas"] = json!([USER, X]);
    let path = format!("/Users/{}", id(&okta.post("/Users", &body).await.expect(201)));
    body[X]["badge"] = json!("8");
    okta.put(&path, &body).await.expect_error(400, "mutability");
}

async fn a_list_of_members_is_replaced_though_its_elements_are_fixed(world: World) {
    let okta = world.tenant("acme").await;
    let (ann, bob) = (id(&okta.create_user("ann@x").await), id(&okta.create_user("bob@x").await));
    let path = format!("/Groups/{}", id(&okta.create_group("G", &[&ann]).await));
    for operation in [
        json!({"op": "replace", "path": format!("members[value eq \"{ann}\"].value"), "value": bob}),
        json!({"op": "replace", "path": format!("members[value eq \"{ann}\"]"), "value": {"value": bob}}),
        json!({"op": "replace", "path": "members.value", "value": bob}),
        json!({"op": "add", "path": "members.display", "value": "x"}),
    ] {
        okta.operate(&path, json!([operation])).await.expect_error(400, "mutability");
    }
    let members = |answer: &Value| -> Vec<String> {
        answer["members"]
            .as_array()
            .expect("members")
            .iter()
            .map(|one| one["value"].as_str().expect("an id").into())
            .collect()
    };
    let replaced =
        okta.operate(&path, json!([{"op": "replace", "path": "members", "value": [{"value": bob}]}])).await;
    assert_eq!(members(&replaced.expect(200)), [bob.as_str()]);
    let put = okta.put(&path, &group("G", &[&ann])).await.expect(200);
    assert_eq!(members(&put), [ann.as_str()]);
}

async fn a_password_is_in_no_answer(world: World) {
    let okta = world.tenant("acme").await;
    let secret = "Winter-2099-secret";
    let mut body = user("pw@x");
    body["password"] = json!(secret);
    let created = okta.post("/Users?attributes=password,userName", &body).await;
    assert_eq!(keys(&created.expect(201)), ["schemas", "id", "userName"]);
    let path = format!("/Users/{}", id(&created.json()));
    let operation = json!([{"op": "replace", "path": "password", "value": secret}]);
    let value = json!([{"op": "replace", "value": {"password": secret}}]);
    let list = "/Users?attributes=password&filter=userName%20pr";
    let mut replies = vec![
        created,
        okta.get(&path).await,
        okta.get(&format!("{path}?attributes=password")).await,
        okta.get(list).await,
        okta.put(&path, &body).await,
        okta.operate(&path, operation).await,
        okta.operate(&format!("{path}?attributes=password"), value).await,
        okta.post("/Users/.search", &json!({"attributes": ["password"]})).await,
    ];
    for reply in &replies {
        assert!(reply.status.is_success(), "{reply:?}");
        assert!(reply.json().get("password").is_none(), "{reply:?}");
    }
    // Nor do errors tell it: a taken name, a wrong type beside it, a key that is there twice.
    replies.push(okta.post("/Users", &body).await);
    body["active"] = json!("perhaps");
    replies.push(okta.put(&path, &body).await);
    body["password"] = json!({"value": secret});
    replies.push(okta.put(&path, &body).await);
    let mut request = okta.request("POST", "/Users", Some(&Value::Null));
    *request.body_mut() = format!("{{\"password\":\"{secret}\",\"PASSWORD\":\"{secret}\"}}").into();
    replies.push(okta.send(request).await);
    for filter in [format!("password eq \"{secret}\""), "password pr".into(), "not (password pr)".into()] {
        let reply = okta.filter("/Users", &filter).await;
        reply.expect_error(400, "invalidFilter");
        replies.push(reply);
    }
    for reply in replies {
        assert!(!reply.text.contains(secret), "{reply:?}");
    }
    let kept =
        world.scope(&okta).await.user(id(&okta.get(&path).await.json()).parse().expect("an id"), false).await;
    assert!(!format!("{:?}", kept.expect("read")).contains(secret), "nor is it kept");
}

async fn write_only_and_on_request(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let mut body = user("w@x");
    body["schemas"] = json!([USER, X]);
    body[X] = json!({"pin": "1234", "hint": "h", "mark": "m", "code": "c"});
    let created = okta.post("/Users", &body).await.expect(201);
    assert_eq!(created[X], json!({"code": "c", "mark": "m"}));
    let path = format!("/Users/{}", id(&created));
    let hint = format!("{X}:hint");
    for (query, wanted) in [
        (format!("?attributes={hint}"), json!({"hint": "h", "mark": "m"})),
        (format!("?attributes=hint,{X}:pin"), json!({"hint": "h", "mark": "m"})),
        ("?attributes=userName".to_owned(), json!({"mark": "m"})),
        (format!("?excludedAttributes={X}:mark,{X}:code"), json!({"mark": "m"})),
        (format!("?excludedAttributes={X}"), json!({"mark": "m"})),
        (format!("?attributes={X}"), json!({"code": "c", "mark": "m"})),
    ] {
        assert_eq!(okta.get(&format!("{path}{query}")).await.expect(200)[X], wanted, "{query}");
    }
    for name in ["pin", "X:pin"] {
        let filter = format!("{} eq \"1234\"", name.replace("X:", &format!("{X}:")));
        okta.filter("/Users", &filter).await.expect_error(400, "invalidFilter");
    }
    // What is asked for by name can be found.
    assert_eq!(okta.found("/Users", &format!("{hint} eq \"H\"")).await, ["w@x"]);
}

/// The answer of every verb that shows a resource, with these query parameters.
async fn answers(okta: &Client, query: &str) -> Vec<(&'static str, Value)> {
    let unique = query.len() + query.matches(',').count() * 1000;
    let name = format!("cut{unique}@x");
    let posted = okta.post(&format!("/Users?{query}"), &user(&name)).await.expect(201);
    let path = format!("/Users/{}?{query}", id(&posted));
    let mut whole = user(&name);
    whole["title"] = json!("Dr");
    let filter = format!("userName eq \"{name}\"");
    let list = okta.get(&format!("/Users?{query}&filter={}", encode(&filter))).await.expect(200);
    let (parameter, names) = query.split_once('=').expect("a parameter");
    let search = json!({"filter": filter, parameter: names.split(',').collect::<Vec<_>>()});
    let search = okta.post("/Users/.search", &search).await.expect(200);
    vec![
        ("POST", posted),
        ("PUT", okta.put(&path, &whole).await.expect(200)),
        (
            "PATCH",
            okta.patch(&path, &patch(json!([{"op": "add", "path": "title", "value": "Prof"}])))
                .await
                .expect(200),
        ),
        ("GET", okta.get(&path).await.expect(200)),
        ("list", list["Resources"][0].clone()),
        (".search", search["Resources"][0].clone()),
    ]
}

async fn answers_are_cut_on_every_verb(world: World) {
    let okta = world.tenant("acme").await;
    for (verb, answer) in answers(&okta, "attributes=userName").await {
        assert_eq!(keys(&answer), ["schemas", "id", "userName"], "{verb}");
    }
    for (verb, answer) in answers(&okta, "attributes=NAME.givenname,emails.value,noSuchName").await {
        assert_eq!(keys(&answer), ["schemas", "id", "name", "emails"], "{verb}");
        assert_eq!(answer["name"], json!({"givenName": "Given"}), "{verb}");
        assert_eq!(keys(&answer["emails"][0]), ["value"], "{verb}");
    }
    for (verb, answer) in answers(&okta, "excludedAttributes=id,schemas,name,emails.type,groups").await {
        assert!(answer["id"].is_string() && answer["schemas"].is_array(), "{verb}: always returned");
        assert!(answer.get("name").is_none() && answer.get("groups").is_none(), "{verb}");
        assert_eq!(keys(&answer["emails"][0]), ["value", "primary"], "{verb}");
    }
    let team = okta.post("/Groups?attributes=displayName", &group("G", &[])).await.expect(201);
    assert_eq!(keys(&team), ["schemas", "id", "displayName"]);
    let path = format!("/Groups/{}?excludedAttributes=members", id(&team));
    assert!(okta.get(&path).await.expect(200).get("members").is_none());
    let named = json!({"schemas": [GROUP], "displayName": "H"});
    assert!(okta.put(&path, &named).await.expect(200).get("members").is_none());
    let renamed = okta.operate(&path, json!([{"op": "replace", "path": "displayName", "value": "I"}])).await;
    assert!(renamed.expect(200).get("members").is_none());
    let department = format!("/Users?attributes={ENTERPRISE}:department");
    let mut body = user("dep@x");
    body[ENTERPRISE] = json!({"department": "D", "division": "V"});
    let cut = okta.post(&department, &body).await.expect(201);
    assert_eq!(cut[ENTERPRISE], json!({"department": "D"}));
}

async fn both_parameters_exclude_each_other(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("both@x").await;
    let path = format!("/Users/{}", id(&created));
    let both = "?attributes=userName&excludedAttributes=name";
    let operations = json!([{"op": "add", "path": "title", "value": "Dr"}]);
    let search = json!({"attributes": ["userName"], "excludedAttributes": ["name"]});
    for reply in [
        okta.post(&format!("/Users{both}"), &user("never@x")).await,
        okta.put(&format!("{path}{both}"), &user("never@x")).await,
        okta.operate(&format!("{path}{both}"), operations).await,
        okta.get(&format!("{path}{both}")).await,
        okta.get(&format!("/Users{both}")).await,
        okta.post("/Users/.search", &search).await,
        okta.post("/Groups/.search", &search).await,
    ] {
        let refused = reply.expect_error(400, "invalidValue");
        assert!(refused.contains("excludedAttributes"), "{refused}");
    }
    assert_eq!(okta.get(&path).await.expect(200), created, "and nothing was changed");
    assert_eq!(okta.get("/Users").await.expect(200)["totalResults"], 1);
}
