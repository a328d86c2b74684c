//! Names, schemas and values (RFC 7643 §2, §3, §4).

use serde_json::{Value, json};

use crate::{
    client::{Client, at, group, id, patch, user},
    profiles::{ENTERPRISE, GROUP, USER, X, every_kind, generic},
    world::World,
};

on_both!(
    names_regard_no_case,
    urns_regard_no_case,
    a_user_name_is_given_once,
    ids_regard_case,
    null_and_nothing_are_the_same,
    an_extension_is_listed_while_it_has_a_value,
    what_nobody_knows_is_left_out,
    what_nobody_knows_is_refused_where_the_profile_says_so,
    a_hollow_entry_is_never_kept,
    instants_are_kept_in_utc,
    members_are_of_this_tenant,
    numbers_keep_their_digits,
);

/// The `schemas` of an answer, in order.
fn schemas(answer: &Value) -> Vec<String> {
    let schemas = answer["schemas"].as_array().expect("schemas").iter();
    schemas.map(|urn| urn.as_str().expect("a URN").to_owned()).collect()
}

async fn names_regard_no_case(world: World) {
    let okta = world.tenant("acme").await;
    let body = json!({
        "SCHEMAS": [USER], "USERNAME": "Ann@x", "NAME": {"FamilyName": "Lee", "GIVENNAME": "Ann"},
        "Emails": [{"VALUE": "a@x", "Type": "work", "PRIMARY": true}], "ACTIVE": true, "externalID": "e1",
    });
    let created = okta.post("/Users", &body).await.expect(201);
    for (pointer, value) in [
        ("/userName", json!("Ann@x")),
        ("/name", json!({"familyName": "Lee", "givenName": "Ann"})),
        ("/emails/0", json!({"value": "a@x", "type": "work", "primary": true})),
        ("/externalId", json!("e1")),
    ] {
        assert_eq!(at(&created, pointer), value, "schema spelling: {pointer}");
    }
    let path = format!("/Users/{}", id(&created));
    let operations = json!([
        {"op": "replace", "path": "NAME.FamilyName", "value": "Ray"},
        {"op": "replace", "path": "EMAILS[TYPE eq \"WORK\"].Value", "value": "b@x"},
        {"op": "add", "value": {"TITLE": "Dr"}},
    ]);
    let changed = okta.operate(&path, operations).await.expect(200);
    assert_eq!((&changed["name"]["familyName"], &changed["title"]), (&json!("Ray"), &json!("Dr")));
    assert_eq!(changed["emails"], json!([{"value": "b@x", "type": "work", "primary": true}]));
    for filter in [
        "USERNAME eq \"ann@X\"",
        "Name.FAMILYname sw \"r\"",
        "emails[TYPE eq \"work\"]",
        "META.ResourceType pr",
    ] {
        assert_eq!(okta.found("/Users", filter).await, ["Ann@x"], "{filter}");
    }
    let cut = okta.get(&format!("{path}?attributes=NAME.FAMILYNAME,EMAILS.value")).await.expect(200);
    assert_eq!(cut["name"], json!({"familyName": "Ray"}));
    assert_eq!(cut["emails"], json!([{"value": "b@x"}]));
    okta.create_user("Zoe@x").await;
    let sorted = okta.get("/Users?sortBy=USERNAME&sortOrder=DESCENDING").await.expect(200);
    assert_eq!(sorted["Resources"][0]["userName"], "Zoe@x");
}

async fn urns_regard_no_case(world: World) {
    let okta = world.tenant("acme").await;
    let body = json!({
        "schemas": [USER.to_uppercase(), ENTERPRISE.to_lowercase()], "userName": "u@x",
        (ENTERPRISE.to_uppercase()): {"Department": "Surgery"},
    });
    let created = okta.post("/Users", &body).await.expect(201);
    assert_eq!(schemas(&created), [USER, ENTERPRISE]);
    assert_eq!(at(&created, "/E/department"), "Surgery");
    let path = format!("/Users/{}", id(&created));
    for (target, pointer) in [
        (format!("{}:DEPARTMENT", ENTERPRISE.to_lowercase()), "/E/department"),
        (format!("{}:userName", USER.to_uppercase()), "/userName"),
        (format!("{USER}:name.givenName"), "/name/givenName"),
    ] {
        let changed = okta.operate(&path, json!([{"op": "replace", "path": target, "value": "v@x"}])).await;
        assert_eq!(at(&changed.expect(200), pointer), "v@x", "{target}");
        assert_eq!(okta.found("/Users", &format!("{target} eq \"V@x\"")).await.len(), 1, "{target}");
        let cut = okta.get(&format!("{path}?attributes={target}")).await.expect(200);
        assert_eq!(at(&cut, pointer), "v@x", "{target}");
    }
}

async fn a_user_name_is_given_once(world: World) {
    let okta = world.tenant("acme").await;
    let first = okta.create_user("a@x.example").await;
    let second = okta.create_user("Émile@x.example").await;
    assert_eq!(second["userName"], "Émile@x.example", "the spelling sent is kept");
    let path = format!("/Users/{}", id(&second));
    for taken in ["A@x.example", "a@X.EXAMPLE"] {
        let refused = okta.post("/Users", &user(taken)).await.expect_error(409, "uniqueness");
        assert!(refused.contains("userName"), "{refused}");
        okta.put(&path, &user(taken)).await.expect_error(409, "uniqueness");
        let operations = json!([{"op": "replace", "path": "userName", "value": taken}]);
        okta.operate(&path, operations).await.expect_error(409, "uniqueness");
    }
    okta.post("/Users", &user("éMILE@x.example")).await.expect_error(409, "uniqueness");
    assert_eq!(okta.get(&path).await.expect(200), second);
    // One's own name in another spelling is no conflict.
    let respelt =
        okta.operate(&path, json!([{"op": "replace", "path": "userName", "value": "ÉMILE@x.example"}]));
    assert_eq!(respelt.await.expect(200)["userName"], "ÉMILE@x.example");
    let other = world.tenant("beta").await;
    assert_ne!(
        other.create_user("a@x.example").await["id"],
        first["id"],
        "another tenant, another name space"
    );
}

async fn ids_regard_case(world: World) {
    let okta = world.tenant("acme").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        // All five have one externalId, as in Microsoft's collection.
        let mut body = user(&format!("u{n}@x"));
        body["externalId"] = json!("AbC");
        ids.push(id(&okta.post("/Users", &body).await.expect(201)));
    }
    assert_eq!(okta.found("/Users", "externalId eq \"AbC\"").await.len(), 5);
    for filter in ["externalId eq \"ABC\"", "externalId eq \"abc\"", "externalId sw \"ab\""] {
        assert_eq!(okta.found("/Users", filter).await.len(), 0, "{filter}");
    }
    assert_eq!(okta.found("/Users", &format!("id eq \"{}\"", ids[2])).await, ["u2@x"]);
    assert_eq!(okta.found("/Users", &format!("id eq \"{}\"", ids[2].to_uppercase())).await.len(), 0);
    // A member's `value` is declared without regard to case (RFC 7643 §8.7.1), its `$ref` is not.
    okta.create_group("G", &[&ids[0]]).await;
    let upper = ids[0].to_uppercase();
    assert_eq!(okta.found("/Groups", &format!("members.value eq \"{upper}\"")).await, ["G"]);
    let reference = format!("https://scim.example.com/t/acme/scim/v2/Users/{}", ids[0]);
    let filter = |reference: &str| format!("members.$ref eq \"{reference}\"");
    assert_eq!(
        okta.filter("/Groups", &filter(&reference.to_uppercase())).await.expect(200)["totalResults"],
        0
    );
}

async fn null_and_nothing_are_the_same(world: World) {
    let okta = world.tenant("acme").await;
    let body = json!({
        "schemas": [USER, ENTERPRISE], "userName": "n@x", "id": null, "title": null, "nickName": "", "emails": [],
        "phoneNumbers": null, "roles": [null, {}], "name": {"givenName": null, "familyName": ""}, "groups": [],
        "addresses": [{"locality": null, "type": "work"}], "meta": null, "active": null,
        (ENTERPRISE): {"department": null, "manager": {"value": null}},
    });
    let created = okta.post("/Users", &body).await.expect(201);
    let keys: Vec<&String> = created.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["schemas", "id", "userName", "groups", "meta"]);
    let path = format!("/Users/{}", id(&created));
    let full = json!({
        "schemas": [USER], "userName": "n@x", "title": "Dr", "emails": [{"value": "a@x"}], "name": {"givenName": "N"},
    });
    okta.put(&path, &full).await.expect(200);
    let emptied = json!({"schemas": [USER], "userName": "n@x", "title": null, "emails": [], "name": {}});
    let mut emptied = okta.put(&path, &emptied).await.expect(200);
    emptied["meta"] = created["meta"].clone();
    assert_eq!(emptied, created);
    okta.put(&path, &full).await.expect(200);
    let operations = json!([
        {"op": "replace", "path": "title", "value": null}, {"op": "replace", "path": "emails", "value": []},
        {"op": "replace", "value": {"name": {"givenName": ""}}},
    ]);
    let mut emptied = okta.operate(&path, operations).await.expect(200);
    emptied["meta"] = created["meta"].clone();
    assert_eq!(emptied, created);
}

async fn an_extension_is_listed_while_it_has_a_value(world: World) {
    let okta = world.tenant("acme").await;
    // Entra lists the enterprise URN although no such object follows.
    let mut body = user("e@x");
    body["schemas"] = json!([USER, ENTERPRISE, "urn:example:nobody"]);
    let created = okta.post("/Users", &body).await.expect(201);
    assert_eq!(schemas(&created), [USER]);
    let path = format!("/Users/{}", id(&created));
    let department = format!("{ENTERPRISE}:department");
    let added =
        okta.operate(&path, json!([{"op": "add", "path": department, "value": "A"}])).await.expect(200);
    assert_eq!(schemas(&added), [USER, ENTERPRISE]);
    assert_eq!(okta.found("/Users", &format!("schemas eq \"{}\"", ENTERPRISE.to_uppercase())).await, ["e@x"]);
    let removed = okta.operate(&path, json!([{"op": "remove", "path": department}])).await.expect(200);
    assert_eq!(schemas(&removed), [USER]);
    assert!(removed.get(ENTERPRISE).is_none(), "{removed}");
    body[ENTERPRISE] = json!({"department": "B"});
    assert_eq!(schemas(&okta.put(&path, &body).await.expect(200)), [USER, ENTERPRISE]);
    let removed = okta.operate(&path, json!([{"op": "remove", "path": ENTERPRISE}])).await.expect(200);
    assert_eq!(schemas(&removed), [USER]);
}

/// A user with names that nobody knows, at every level.
fn odd() -> Value {
    let mut body = user("odd@x");
    body["schemas"] = json!([USER, "urn:ietf:params:scim:schemas:extension:nobody:2.0User"]);
    body["favouriteColour"] = json!("red");
    body["name"]["nickname2"] = json!("x");
    body["emails"][0]["colour"] = json!("red");
    body["urn:ietf:params:scim:schemas:extension:nobody:2.0User"] = json!({"a": [1, {"b": null}]});
    body[ENTERPRISE] = json!({"department": "Surgery", "shoe": 7});
    body
}

async fn what_nobody_knows_is_left_out(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.post("/Users", &odd()).await.expect(201);
    let text = created.to_string();
    for name in ["favouriteColour", "nickname2", "colour", "nobody", "shoe"] {
        assert!(!text.contains(name), "{name}: {text}");
    }
    assert_eq!(at(&created, "/E/department"), "Surgery", "the rest is kept");
    let path = format!("/Users/{}", id(&created));
    let before = okta.get(&path).await;
    let operations =
        json!([{"op": "add", "value": {"favouriteColour": "red", "urn:example:nobody": {"a": 1}}}]);
    assert_eq!(okta.operate(&path, operations).await.header("etag"), before.header("etag"));
}

async fn what_nobody_knows_is_refused_where_the_profile_says_so(world: World) {
    let profile = generic("").replace("[policies]", "[policies]\nunknown-attribute = \"reject\"");
    let okta = world.tenant_with(&profile, "acme").await;
    let refused = okta.post("/Users", &odd()).await.expect_error(400, "invalidValue");
    for name in ["favouriteColour", "name.nickname2", "emails.colour", "nobody:2.0User", ":shoe"] {
        assert!(refused.contains(name), "{name}: {refused}");
    }
    let created = okta.create_user("plain@x").await;
    let path = format!("/Users/{}", id(&created));
    okta.put(&path, &odd()).await.expect_error(400, "invalidValue");
    let operations = json!([{"op": "add", "value": {"title": "Dr", "favouriteColour": "red"}}]);
    let refused = okta.operate(&path, operations).await.expect_error(400, "invalidValue");
    assert!(refused.contains("favouriteColour"), "{refused}");
    assert_eq!(okta.get(&path).await.expect(200), created, "nothing was changed");
    // Read-only names are known, and the echo of an answer is taken.
    okta.put(&path, &created).await.expect(200);
    let mut odd_group = group("G", &[]);
    odd_group["colour"] = json!("red");
    okta.post("/Groups", &odd_group).await.expect_error(400, "invalidValue");
}

async fn a_hollow_entry_is_never_kept(world: World) {
    let okta = world.tenant("acme").await;
    let mut body = user("h@x");
    body["emails"] = json!([{"type": "work"}, {"type": "home", "primary": true}, {"value": "a@x"}]);
    body["phoneNumbers"] = json!([{"type": "work"}]);
    let created = okta.post("/Users", &body).await.expect(201);
    assert_eq!(created["emails"], json!([{"value": "a@x"}]));
    assert!(created.get("phoneNumbers").is_none());
    let path = format!("/Users/{}", id(&created));
    let operations = json!([{"op": "add", "path": "phoneNumbers", "value": [{"type": "fax"}]}]);
    assert!(okta.operate(&path, operations).await.expect(200).get("phoneNumbers").is_none());
    // Judged after the last operation: `display` may come before `value`.
    let operations = json!([
        {"op": "Add", "path": "roles[primary eq \"True\"].type", "value": "app"},
        {"op": "Add", "path": "roles[primary eq \"True\"].display", "value": "Admin"},
        {"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "admin"},
    ]);
    let roles = okta.operate(&path, operations).await.expect(200)["roles"].clone();
    assert_eq!(roles, json!([{"value": "admin", "display": "Admin", "type": "app", "primary": true}]));
}

async fn instants_are_kept_in_utc(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let with = |since: &str| json!({"schemas": [USER, X], "userName": "t@x", (X): {"since": since}});
    let created = okta.post("/Users", &with("2026-01-31T23:30:00.5-02:00")).await.expect(201);
    assert_eq!(at(&created, "/X/since"), "2026-02-01T01:30:00.500Z");
    for meta in ["created", "lastModified"] {
        let text = created["meta"][meta].as_str().expect("an instant");
        assert!(text.len() == 24 && text.ends_with('Z'), "{text}");
    }
    let path = format!("/Users/{}", id(&created));
    for wrong in
        ["2026-01-31", "2026-01-31T08:00", "2026-01-31T08:00:00", "08:00:00Z", "yesterday", "1769846400"]
    {
        let refused = okta.put(&path, &with(wrong)).await.expect_error(400, "invalidValue");
        assert!(refused.contains(":since:"), "{refused}");
    }
    // Another spelling of the same instant changes nothing.
    let again = okta.put(&path, &with("2026-02-01T01:30:00.500+00:00")).await.expect(200);
    assert_eq!(again["meta"], created["meta"]);
}

async fn members_are_of_this_tenant(world: World) {
    let okta = world.tenant("acme").await;
    let other = world.tenant("beta").await;
    let stranger = id(&other.create_user("s@x").await);
    let ann = id(&okta.create_user("ann@x").await);
    let inner = id(&okta.create_group("Inner", &[&ann]).await);
    let created = okta
        .post(
            "/Groups",
            &json!({"schemas": [GROUP], "displayName": "Outer", "members": [
                {"value": ann, "display": "not the name", "type": "Group", "$ref": "https://evil.example/Users/1"},
                {"value": inner}, {"value": stranger}, {"value": "no-id-at-all"},
            ]}),
        )
        .await
        .expect(201);
    let base = "https://scim.example.com/t/acme/scim/v2";
    let mut members = created["members"].as_array().expect("members").clone();
    members.sort_by_key(|member| member["type"].as_str().unwrap_or_default().to_owned());
    let wanted = [
        json!({"value": inner, "$ref": format!("{base}/Groups/{inner}"), "type": "Group", "display": "Inner"}),
        json!({"value": ann, "$ref": format!("{base}/Users/{ann}"), "type": "User", "display": "Given Family"}),
    ];
    assert_eq!(members, wanted, "type, display and $ref are ours to fill");
    let strict = generic("").replace("unknown-member = \"skip\"", "unknown-member = \"reject\"");
    let okta = world.tenant_with(&strict, "careful").await;
    let refused = okta.post("/Groups", &group("G", &[&stranger])).await.expect_error(400, "invalidValue");
    assert!(refused.contains(&stranger), "{refused}");
}

async fn echo(okta: &Client, path: &str) {
    let before = okta.get(path).await;
    let after = okta.put(path, &before.expect(200)).await;
    assert_eq!((after.expect(200), after.header("etag")), (before.json(), before.header("etag")));
}

async fn numbers_keep_their_digits(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let created = okta.create_user("n@x").await;
    let path = format!("/Users/{}", id(&created));
    let put = async |name: &str, text: &str| {
        let mut request = okta.request("PATCH", &path, Some(&Value::Null));
        let body = patch(json!([{"op": "replace", "path": name, "value": "?"}])).to_string();
        *request.body_mut() = body.replace("\"?\"", text).into();
        okta.send(request).await
    };
    let count = format!("{X}:count");
    let share = format!("{X}:share");
    for (name, sent, kept) in [
        (count.as_str(), "7", json!(7)),
        (&count, "7.0", json!(7)),
        (&count, "-0", json!(0)),
        (&count, "1e3", json!(1000)),
        (&count, "9223372036854775807", json!(i64::MAX)),
        (&count, "\"12\"", json!(12)),
        (&share, "0.1", json!(0.1)),
        (&share, "-0", json!(0)),
        (&share, "0e5", json!(0)),
        (&share, "\"-0.0\"", json!(0)),
        (&share, "1e300", json!(1e300)),
        ("title", "12", json!("12")),
        ("title", "1.5", json!("1.5")),
        ("title", "18446744073709551615", json!("18446744073709551615")),
    ] {
        let changed = put(name, sent).await.expect(200);
        let pointer = match name.rsplit_once(':') {
            Some((_, name)) => format!("/X/{name}"),
            None => format!("/{name}"),
        };
        assert_eq!(at(&changed, &pointer), kept, "{name} {sent}");
        echo(&okta, &path).await;
    }
    put(&share, "-0").await.expect(200);
    for filter in [
        format!("{share} eq 0"),
        format!("{share} eq -0"),
        format!("{share} ge 0"),
        format!("{share} le -0.0"),
    ] {
        assert_eq!(okta.found("/Users", &filter).await, ["n@x"], "{filter}");
    }
    let before = okta.get(&path).await.expect(200);
    for (name, sent, scim_type) in [
        (count.as_str(), "99999999999999999999", "invalidValue"),
        (&count, "9223372036854775808", "invalidValue"),
        (&count, "1e30", "invalidValue"),
        (&count, "1.5", "invalidValue"),
        (&count, "\"99999999999999999999\"", "invalidValue"),
        (&count, "\"0x10\"", "invalidValue"),
        (&share, "\"NaN\"", "invalidValue"),
        (&share, "\"inf\"", "invalidValue"),
        (&share, "\"1e400\"", "invalidValue"),
        (&share, "1e400", "invalidSyntax"),
        (&count, "1e999999999999999999999", "invalidSyntax"),
        // As a string it would have been another one.
        ("title", "99999999999999999999", "invalidValue"),
        ("title", "1e300", "invalidValue"),
        ("title", "01", "invalidSyntax"),
        ("title", "+1", "invalidSyntax"),
        ("title", "NaN", "invalidSyntax"),
    ] {
        put(name, sent).await.expect_error(400, scim_type);
    }
    assert_eq!(okta.get(&path).await.expect(200), before);
}
