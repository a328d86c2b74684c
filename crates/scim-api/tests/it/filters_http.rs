//! Filters (RFC 7644 §3.4.2.2) over HTTP: who is found. That both databases and the evaluator in memory agree on many
//! more filters is shown in the store's own tests.

use serde_json::{Value, json};

use crate::{
    client::{Client, id, user},
    profiles::{ENTERPRISE, USER, X, every_kind},
    world::World,
};

on_both!(
    precedence_and_case_of_words,
    literals,
    presence_and_null,
    lists,
    instants_booleans_and_numbers,
    what_is_refused,
    nothing_selects_everybody,
    other_resources_attributes,
    url_forms,
);

async fn person(okta: &Client, name: &str, more: Value) -> String {
    let mut body = json!({"schemas": [USER, ENTERPRISE, X], "userName": name});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    id(&okta.post("/Users", &body).await.expect(201))
}

async fn check(okta: &Client, table: &[(&str, &[&str])]) {
    for (filter, wanted) in table {
        assert_eq!(okta.found("/Users", filter).await, *wanted, "{filter}");
    }
}

async fn precedence_and_case_of_words(world: World) {
    let okta = world.tenant("acme").await;
    person(&okta, "a", json!({"title": "1", "nickName": "x"})).await;
    person(&okta, "b", json!({"title": "2", "nickName": "x"})).await;
    person(&okta, "c", json!({"title": "2", "nickName": "y"})).await;
    check(
        &okta,
        &[
            ("userName eq \"a\" or title eq \"2\" and nickName eq \"y\"", &["a", "c"]),
            ("(userName eq \"a\" or title eq \"2\") and nickName eq \"y\"", &["c"]),
            ("title eq \"2\" and nickName eq \"y\" or userName eq \"a\"", &["a", "c"]),
            ("not (title eq \"1\") and nickName eq \"x\"", &["b"]),
            ("not (title eq \"1\" and nickName eq \"x\")", &["b", "c"]),
            ("userName EQ \"a\" OR TITLE Eq \"2\" AND NOT (nickName Co \"X\")", &["a", "c"]),
            ("not(title pr)", &[]),
            ("not (title pr)", &[]),
            ("NOT(emails PR)", &["a", "b", "c"]),
            ("  ( ( userName eq \"a\" ) )  ", &["a"]),
        ],
    )
    .await;
    for wrong in ["not title pr", "not title eq \"1\"", "title pr and not nickName pr"] {
        let refused = okta.filter("/Users", wrong).await.expect_error(400, "invalidFilter");
        assert!(refused.contains("column"), "{refused}");
    }
}

async fn literals(world: World) {
    let okta = world.tenant("acme").await;
    person(&okta, "words", json!({"displayName": "A or B", "title": "not", "nickName": "(x"})).await;
    person(&okta, "signs", json!({"displayName": "50% of_it", "title": "a\"b\\c", "nickName": "é😀"})).await;
    person(&okta, "plain", json!({"displayName": "500 of it", "title": "abc", "nickName": "e"})).await;
    check(
        &okta,
        &[
            ("displayName eq \"A or B\"", &["words"]),
            ("title eq \"not\" and nickName eq \"(x\"", &["words"]),
            ("title eq \"NOT\" or displayName eq \"x and y\"", &["words"]),
            ("title eq \"a\\\"b\\\\c\"", &["signs"]),
            ("nickName eq \"\\u00e9\\ud83d\\ude00\"", &["signs"]),
            ("nickName eq \"\u{c9}😀\"", &["signs"]),
            ("nickName sw \"\u{c9}\"", &["signs"]),
            ("nickName co \"\\u00C9\" and nickName ew \"😀\"", &["signs"]),
            // Wildcards of SQL are letters like others.
            ("displayName co \"%\"", &["signs"]),
            ("displayName co \"_\"", &["signs"]),
            ("displayName sw \"50% OF_\"", &["signs"]),
            ("displayName co \"0% of_\"", &["signs"]),
            ("displayName ew \"OF IT\"", &["plain"]),
            ("displayName eq \"%\"", &[]),
            ("userName co \"\\\\\"", &[]),
            ("userName eq \"\"", &[]),
            ("userName ne \"plain\"", &["signs", "words"]),
            ("userName gt \"plain\" and userName lt \"T\"", &["signs"]),
            ("userName ge \"PLAIN\" and userName le \"Signs\"", &["plain", "signs"]),
            ("displayName eq \"x' OR 1=1 --\"", &[]),
        ],
    )
    .await;
    for wrong in [
        "title eq \"\\a\"",
        "title eq \"\\ud800\"",
        "title eq \"\\u12\"",
        "title eq 'abc'",
        "title eq abc",
        "title eq \"a\nb\"",
    ] {
        okta.filter("/Users", wrong).await.expect_error(400, "invalidFilter");
    }
}

async fn presence_and_null(world: World) {
    let okta = world.tenant("acme").await;
    person(&okta, "full", json!({"title": "Dr", "name": {"givenName": "G"}, "emails": [{"value": "a@x"}]}))
        .await;
    person(&okta, "null", json!({"title": null, "name": {"givenName": ""}, "emails": []})).await;
    person(&okta, "none", json!({})).await;
    check(
        &okta,
        &[
            ("title pr", &["full"]),
            ("name pr", &["full"]),
            ("name.givenName pr", &["full"]),
            ("name.familyName pr", &[]),
            ("emails pr", &["full"]),
            ("emails.value pr", &["full"]),
            ("emails.type pr", &[]),
            ("not (title pr)", &["none", "null"]),
            ("title eq null", &["none", "null"]),
            ("title ne null", &["full"]),
            ("title ne \"Dr\"", &["none", "null"]),
            ("name eq null", &["none", "null"]),
            ("emails eq null", &["none", "null"]),
        ],
    )
    .await;
}

async fn lists(world: World) {
    let okta = world.tenant("acme").await;
    let emails = |list: &[(&str, &str)]| json!({"emails": list.iter().map(|(value, kind)| json!({"value": value, "type": kind})).collect::<Vec<_>>()});
    let two = person(&okta, "two", emails(&[("x@work", "work"), ("y@home", "home")])).await;
    person(&okta, "one", emails(&[("x@home", "home")])).await;
    person(&okta, "none", json!({(ENTERPRISE): {"manager": {"value": "m1"}}})).await;
    okta.create_group("Staff", &[&two]).await;
    check(
        &okta,
        &[
            ("emails co \"X@\"", &["one", "two"]),
            ("emails eq \"y@home\"", &["two"]),
            ("emails.value eq \"Y@HOME\"", &["two"]),
            // Different elements may meet the two, one element must meet the brackets.
            ("emails.type eq \"work\" and emails.value co \"home\"", &["two"]),
            ("emails[type eq \"work\" and value co \"home\"]", &[]),
            ("emails[type eq \"home\" and value co \"x\"]", &["one"]),
            // Any element that differs will do, so this is not the opposite of eq.
            ("emails.value ne \"x@work\"", &["none", "one", "two"]),
            ("not (emails.value eq \"x@work\")", &["none", "one"]),
            ("not (emails.value eq \"x@home\")", &["none", "two"]),
            ("emails[type eq \"work\"].value eq \"X@work\"", &["two"]),
            ("emails[type eq \"home\"].value eq \"x@work\"", &[]),
            ("emails[not (type eq \"home\")]", &["two"]),
            ("manager eq \"m1\"", &["none"]),
            (&format!("{ENTERPRISE}:manager.value eq \"m1\""), &["none"]),
            ("groups.display eq \"staff\"", &["two"]),
        ],
    )
    .await;
    let group = &okta.get("/Groups").await.expect(200)["Resources"][0];
    for filter in [format!("groups.value eq \"{}\"", id(group)), format!("groups eq \"{}\"", id(group))] {
        assert_eq!(okta.found("/Users", &filter).await, ["two"], "{filter}");
    }
    // Entra's reference checks, in either order.
    for filter in [format!("members eq \"{two}\""), format!("members.value eq \"{two}\"")] {
        assert_eq!(okta.found("/Groups", &filter).await, ["Staff"]);
        let both = format!("id eq \"{}\" and {filter}", id(group));
        assert_eq!(okta.found("/Groups", &both).await, ["Staff"]);
        let both = format!("{filter} and id eq \"{}\"", id(group));
        assert_eq!(okta.found("/Groups", &both).await, ["Staff"]);
    }
}

async fn instants_booleans_and_numbers(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let first = json!({"active": true, (X): {"since": "2026-01-31T08:00:00Z", "count": 9, "share": 0.5, "code": "aB"}});
    person(&okta, "first", first).await;
    let second = json!({"active": false, (X): {"since": "2026-01-31T08:00:00.001Z", "count": 10, "share": 1.5, "blob": "QUJD"}});
    person(&okta, "second", second).await;
    check(
        &okta,
        &[
            ("since eq \"2026-01-31T09:00:00+01:00\"", &["first"]),
            ("since eq \"2026-01-31T08:00:00.000000Z\"", &["first"]),
            ("since gt \"2026-01-31T08:00:00Z\"", &["second"]),
            ("since ge \"2026-01-31T03:00:00.000-05:00\"", &["first", "second"]),
            ("since lt \"2026-01-31T08:00:00.001Z\"", &["first"]),
            ("meta.lastModified gt \"2001-01-01T00:00:00Z\"", &["first", "second"]),
            ("meta.created le \"2001-01-01T00:00:00+14:00\"", &[]),
            ("count lt 10", &["first"]),
            ("count eq 10.0", &["second"]),
            ("share ge 5e-1 and share lt 1", &["first"]),
            ("active eq true", &["first"]),
            ("active ne true", &["second"]),
            ("active eq \"False\"", &["second"]),
            ("code eq \"aB\"", &["first"]),
            ("code eq \"AB\"", &[]),
            ("blob eq \"QUJD\"", &["second"]),
            ("schemas eq \"URN:EXAMPLE:params:scim:schemas:extension:test:2.0:user\"", &["first", "second"]),
            ("meta.resourceType eq \"User\"", &["first", "second"]),
        ],
    )
    .await;
    for wrong in [
        "meta.lastModified sw \"2026\"",
        "meta.lastModified eq \"2026-01-31\"",
        "since co \"2026\"",
        "active gt true",
        "active le false",
        "active co \"t\"",
        "active eq \"perhaps\"",
        "active eq 1",
        "blob gt \"QUJD\"",
        "blob lt \"QUJD\"",
        "blob co \"Q\"",
        "count eq \"ten\"",
        "count sw 1",
        "count gt null",
        "userName eq 1",
        "userName eq true",
        "userName gt null",
        "name eq \"x\"",
        "share eq 1e400",
        "share eq NaN",
    ] {
        okta.filter("/Users", wrong).await.expect_error(400, "invalidFilter");
    }
}

async fn what_is_refused(world: World) {
    let okta = world.tenant("acme").await;
    person(&okta, "a", json!({})).await;
    let deep = format!("{}userName pr{}", "(".repeat(1000), ")".repeat(1000));
    let nots = format!("{}userName pr{}", "not (".repeat(1000), ")".repeat(1000));
    let long = format!("userName eq \"{}\"", "x".repeat(10_000));
    let many = vec!["userName pr"; 600].join(" or ");
    for (wrong, column) in [
        ("", 1),
        (" ", 2),
        ("userName", 9),
        ("userName eq", 12),
        ("userName lte \"a\"", 10),
        ("userName == \"a\"", 10),
        ("userName eq\"a\"", 12),
        ("userName eq \"a", 13),
        ("(userName pr", 13),
        ("userName pr)", 12),
        ("emails[type eq \"work\"", 22),
        ("emails[type eq \"work\"]]", 23),
        ("userName pr title pr", 13),
        ("userName pr and", 16),
        ("and userName pr", 5),
        ("userName pr or or title pr", 19),
        ("name[givenName pr]", 1),
        ("emails[emails[value pr]]", 14),
        ("noSuchName eq \"a\"", 1),
        ("userName.value eq \"a\"", 1),
        ("userName pr; drop table users", 12),
        ("(((", 4),
        (&deep, 33),
        (&nots, 165),
        (&long, 1),
        (&many, 0),
    ] {
        let refused = okta.filter("/Users", wrong).await.expect_error(400, "invalidFilter");
        assert!(refused.starts_with("filter, column "), "{refused}");
        if column > 0 {
            assert!(refused.starts_with(&format!("filter, column {column}:")), "{wrong:.60}: {refused}");
        }
        okta.post("/Users/.search", &json!({"filter": wrong})).await.expect_error(400, "invalidFilter");
    }
}

async fn nothing_selects_everybody(world: World) {
    // This product offers neither nickName nor an enterprise extension.
    let okta = world.tenant_of("mdscripts", "acme").await;
    okta.create_user("a@x.example").await;
    for filter in [
        "nickName eq \"a\"",
        "nickName pr",
        "not (nickName pr)",
        "nickName ne \"a\"",
        "nickName eq null",
        "nickName ne null",
        "not (nickName eq \"a\") and userName pr",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ne \"x\"",
        "phoneNumbers[type eq \"work\"]",
    ] {
        assert_eq!(okta.found("/Users", filter).await, [""; 0], "{filter}");
    }
    assert_eq!(okta.found("/Users", "nickName pr or userName sw \"A\"").await, ["a@x.example"]);
}

async fn other_resources_attributes(world: World) {
    let okta = world.tenant("acme").await;
    okta.create_user("a@x").await;
    okta.create_group("G", &[]).await;
    for (endpoint, filter) in [
        ("/Users", "members pr"),
        ("/Users", "members.value eq \"x\""),
        ("/Groups", "userName eq \"a@x\""),
        ("/Groups", "emails.value co \"a\""),
        ("/Groups", "not (userName pr)"),
    ] {
        okta.filter(endpoint, filter).await.expect_error(400, "invalidFilter");
    }
    assert_eq!(okta.found("/Groups", "meta.resourceType eq \"User\"").await, [""; 0]);
    assert_eq!(okta.found("/Groups", "meta.resourceType eq \"Group\"").await, ["G"]);
}

async fn url_forms(world: World) {
    let okta = world.tenant("acme").await;
    person(&okta, "a+b@x", json!({})).await;
    person(&okta, "a b@x", json!({})).await;
    person(&okta, "50%", json!({})).await;
    for (query, wanted) in [
        ("filter=userName+eq+%22a%2Bb@x%22", "a+b@x"),
        ("filter=userName%20eq%20%22a%2bb%40x%22", "a+b@x"),
        ("filter=userName+eq+%22a+b@x%22", "a b@x"),
        ("Filter=userName%20eq%20%22a%20b@x%22", "a b@x"),
        ("FILTER=(userName%20eq%20%2250%25%22)", "50%"),
        // A lone percent sign stands for itself.
        ("filter=userName%20eq%20%2250%%22", "50%"),
        ("aadOptscim062020&filter=userName%20eq%20%22a+b@x%22", "a b@x"),
    ] {
        let list = okta.get(&format!("/Users?{query}")).await.expect(200);
        assert_eq!(
            (&list["totalResults"], &list["Resources"][0]["userName"]),
            (&json!(1), &json!(wanted)),
            "{query}"
        );
    }
    let missing = user("nobody@x")["userName"].as_str().map(|name| format!("userName eq \"{name}\""));
    assert_eq!(okta.found("/Users", &missing.expect("a name")).await, [""; 0]);
}
